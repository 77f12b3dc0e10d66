// The story that the picture of the README shows: the demo in a browser, after a short conversation.

import { PATIENCE_MS } from '../contract/person.mjs';

/** Plays it on a system whose demo is on, and gives the page of Ann, who looks at a group. */
export async function story(system, browser, view) {
  const enter = async name => {
    const page = await (await browser.newContext(view)).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(system.http);
    await page.getByRole('button', { name: `I am ${name}` }).click();
    await page.locator('#connection.up').waitFor();
    return page;
  };
  const field = page => page.getByLabel('Message', { exact: true });
  const shows = (page, text) => page.locator('#messages li[data-message-id]').getByText(text).waitFor();
  const say = async (page, text, seen) => {
    await field(page).fill(text);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await Promise.all([page, ...seen].map(each => shows(each, text)));
  };
  const open = async (page, title) => {
    if (!await page.locator('#threads').isVisible()) await page.getByRole('button', { name: 'Back to the conversations' }).click();
    await page.locator('#threads').getByRole('button', { name: title }).click();
  };
  const ann = await enter('Ann');
  const ben = await enter('Ben');
  const mei = await enter('Mei');
  await say(ann, 'That was quick. Lunch at one?', []);

  // A group is started by name.
  if (!await ann.locator('#new-group').isVisible()) await ann.getByRole('button', { name: 'Back to the conversations' }).click();
  await ann.getByRole('button', { name: 'New group' }).click();
  await ann.getByLabel('Name of the group').fill('Garden party');
  for (const name of ['Ben', 'Mei']) {
    await ann.getByLabel('Name or user id').fill(name);
    await ann.locator('#candidates button').filter({ hasText: name }).first().click();
    await ann.locator('#picked').getByText(name).waitFor();
  }
  await ann.getByRole('button', { name: 'Create the group' }).click();
  await ann.locator('#title').getByText('Garden party').waitFor();
  for (const page of [ben, mei]) await open(page, 'Garden party');
  await say(ann, 'Saturday at three, in the *old orchard*: https://example.com/way', [ben, mei]);
  await say(mei, 'I bring the plum cake. Who has chairs?', [ann, ben]);
  // Somebody is mentioned.
  await field(ann).pressSequentially('@Be');
  await ann.getByRole('option', { name: 'Ben' }).click();
  await field(ann).pressSequentially('do you still have the folding ones?');
  await ann.getByRole('button', { name: 'Send', exact: true }).click();
  await ben.locator('#messages .mention.me').getByText('@Ben').waitFor();
  await say(ben, 'Twelve of them, and an umbrella for two ☔', [ann, mei]);
  await field(mei).pressSequentially('Per');
  await ann.locator('#typing').getByText('is typing').waitFor();
  await ann.locator('#messages .ticks.read').last().waitFor();
  await ann.mouse.move(0, 0);
  return ann;
}
