// Drafts on the page: what is begun in one window is there in another one of the same person, nothing newer
// is ever overwritten, and nothing is lost without a connection.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { entry, field, message, onWindows, openAt, tell } from './windows.mjs';

onWindows('drafts', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const says = (page, words) => becomes(`the field says "${words}"`, async () => await field(page).inputValue() === words);
  const stored = async (person, thread) => (await person.rest('GET', `/threads/${thread}/draft`)).draft;
  const isStored = (person, thread, words) => becomes(`"${words}" is stored`, async () => (await stored(person, thread)).content === words);
  const other = page => page.locator('#other-draft');
  const isDown = page => page.locator('#connection.down').waitFor();

  /** Two windows of ben on a conversation in which ann has said hello. */
  async function twoWindows() {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    const { _id: first } = await tell(ann, thread, 'hello');
    const [desk, phone] = [await stage.enter(ben), await stage.enter(ben)];
    for (const { page } of [desk, phone]) await openAt(page, ann, 'hello');
    return { ann, ben, thread, first, desk, phone };
  }

  test('what is begun in one window is in the other one, in its list, and in one that comes later; sending ends it', async () => {
    const { ann, ben, thread, desk, phone } = await twoWindows();
    const cem = stage.people('cem')[0];
    await tell(cem, await cem.startThread(ben), 'psst');
    await field(desk.page).pressSequentially('On my w');
    await says(phone.page, 'On my w');
    await isStored(ben, thread, 'On my w');
    await openAt(phone.page, cem, 'psst');
    await entry(phone.page, ann).getByText('Draft: On my w').waitFor();
    await field(desk.page).pressSequentially('ay');
    await entry(phone.page, ann).getByText('Draft: On my way').waitFor();
    const { page: late } = await stage.enter(ben);
    await entry(late, ann).getByText('Draft: On my way').waitFor();
    await openAt(late, ann, 'hello');
    await says(late, 'On my way');
    // It is taken up where it is, and sent there.
    await field(late).press('Enter');
    await message(late, 'On my way').waitFor();
    await says(desk.page, '');
    await entry(phone.page, ann).getByText('Draft:').waitFor({ state: 'detached' });
    await isStored(ben, thread, '');
    assert.deepEqual((await ben.rest('GET', '/drafts')).drafts, []);
    assert.equal(await other(desk.page).isVisible(), false);
  });

  test('what a draft answers comes along', async () => {
    const { first, ben, thread, desk, phone } = await twoWindows();
    await message(desk.page, 'hello').hover();
    await desk.page.getByRole('button', { name: 'Reply', exact: true }).click();
    await field(desk.page).pressSequentially('hi');
    await phone.page.locator('#answering').getByText('hello').waitFor();
    await says(phone.page, 'hi');
    assert.equal((await stored(ben, thread)).replyTo, first);
    await field(phone.page).press('Enter');
    await message(phone.page, 'hi').locator('.quote').getByText('hello').waitFor();
    await desk.page.locator('#answering').waitFor({ state: 'hidden' });
  });

  test('without a connection it stays in the window, and is saved with the next one', async () => {
    const { ben, thread, desk, phone } = await twoWindows();
    desk.link.cut();
    await isDown(desk.page);
    await field(desk.page).fill('written in a tunnel');
    await field(desk.page).blur();
    assert.equal((await stored(ben, thread)).content, '');
    desk.link.mend();
    await isStored(ben, thread, 'written in a tunnel');
    await says(phone.page, 'written in a tunnel');
    // Also by a window that is opened anew, and did not hear what became of the draft meanwhile.
    desk.link.cut();
    await isDown(desk.page);
    await field(phone.page).fill('');
    await isStored(ben, thread, '');
    desk.link.mend();
    await says(desk.page, '');
  });

  for (const choice of ['Use that', 'Keep mine']) {
    test(`a newer draft of another device is not overwritten, and both are offered: "${choice}"`, async () => {
      const { ben, thread, desk, phone } = await twoWindows();
      desk.link.cut();
      await isDown(desk.page);
      await field(desk.page).fill('of the desk');
      await field(phone.page).fill('of the phone');
      await isStored(ben, thread, 'of the phone');
      desk.link.mend();
      await other(desk.page).getByText('of the phone').waitFor();
      assert.equal(await field(desk.page).inputValue(), 'of the desk', 'and nothing is lost');
      await field(desk.page).press('End');
      await field(desk.page).pressSequentially('!');
      await field(desk.page).blur();
      assert.equal((await stored(ben, thread)).content, 'of the phone');
      await desk.page.getByRole('button', { name: choice }).click();
      await other(desk.page).waitFor({ state: 'hidden' });
      const wanted = choice === 'Use that' ? 'of the phone' : 'of the desk!';
      await says(desk.page, wanted);
      await isStored(ben, thread, wanted);
      await says(phone.page, wanted);
      assert.equal(await other(phone.page).isVisible(), false);
    });
  }

  test('sending while there is another draft leaves that one to be finished', async () => {
    const { ben, thread, desk, phone } = await twoWindows();
    desk.link.cut();
    await isDown(desk.page);
    await field(desk.page).fill('sent from the desk');
    await field(phone.page).fill('still being written');
    await isStored(ben, thread, 'still being written');
    desk.link.mend();
    await other(desk.page).waitFor();
    await field(desk.page).press('Enter');
    await message(desk.page, 'sent from the desk').waitFor();
    await says(desk.page, 'still being written');
    assert.equal((await stored(ben, thread)).content, 'still being written');
    assert.equal(await field(phone.page).inputValue(), 'still being written');
  });

  test('what another device has begun with a name is a mention, and one that is typed at once costs no request', async () => {
    const { ann, thread, desk, phone } = await twoWindows();
    await field(desk.page).pressSequentially('@ann');
    await desk.page.getByRole('listbox', { name: 'People to mention' }).waitFor();
    await desk.page.keyboard.press('Enter');
    await field(desk.page).pressSequentially('look');
    await says(phone.page, `@${ann.id} look`);
    await field(phone.page).press('Enter');
    await message(phone.page, `@${ann.id} look`).locator('.mention').waitFor();
    assert.deepEqual((await ann.rest('GET', `/${thread}`)).messages.at(-1).mentions, [ann.id]);
    const asked = [];
    phone.page.on('request', request => /\/draft$/.test(request.url()) && asked.push(request.method()));
    await field(phone.page).fill('quick');
    await field(phone.page).press('Enter');
    await message(phone.page, 'quick').waitFor();
    assert.deepEqual(asked, []);
  });
});
