// Writing on the page: under fingers and with keys, up to the longest text, with emoji, and what becomes of
// messages that were not sent.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { contents, entry, field, message, onWindows, openAt, tell } from './windows.mjs';

const PHONE = { viewport: { width: 375, height: 800 }, hasTouch: true, isMobile: true };
const LENGTH_MAX = 10_000;
const FAILED = 14;

onWindows('writing', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const send = page => page.getByRole('button', { name: 'Send', exact: true });
  const found = page => page.locator('#emoji-signs button');

  /** A window of ben's on a conversation in which ann has said hello. */
  async function conversation(options) {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ann, thread, 'hello');
    const { page } = await stage.enter(ben, options);
    await openAt(page, ann, 'hello');
    return { ann, ben, thread, page };
  }

  test('under fingers Enter begins a new line, and the button sends', async () => {
    const { ann, thread, page } = await conversation(PHONE);
    await field(page).tap();
    await page.keyboard.type('one');
    await page.keyboard.press('Enter');
    await page.keyboard.type('two');
    assert.equal(await field(page).inputValue(), 'one\ntwo');
    assert.equal(await field(page).getAttribute('enterkeyhint'), 'enter');
    await send(page).tap();
    await becomes('it is sent', async () => (await ann.history(thread)).includes('one\ntwo'));
    assert.equal(await field(page).inputValue(), '');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'text', 'the keyboard stays');
  });

  test('a text that is too long is kept whole and says by how much, and goes as soon as it fits', async () => {
    const { ann, thread, page } = await conversation();
    const length = page.locator('#length');
    await field(page).fill('short');
    assert.equal(await length.isVisible(), false);
    // Signs of two units each: what is counted is what the server counts.
    const text = '😊'.repeat(LENGTH_MAX + 1_700);
    await field(page).fill('');
    await page.keyboard.insertText(text);
    assert.equal(await field(page).inputValue(), text);
    await length.getByText('1,700 characters too many').waitFor();
    assert.equal(await send(page).isDisabled(), true);
    await field(page).press('Enter');
    assert.equal(await field(page).inputValue(), text);
    assert.deepEqual(await contents(page), ['hello']);
    await page.reload();
    await length.getByText('1,700 characters too many').waitFor();
    assert.equal(await field(page).inputValue(), text, 'as a draft too');
    const longest = '😊'.repeat(LENGTH_MAX);
    await field(page).fill(longest);
    await length.getByText('0 characters left').waitFor();
    await field(page).press('Enter');
    await becomes('it is stored whole', async () => (await ann.history(thread)).at(-1) === longest);
    await length.waitFor({ state: 'hidden' });
  });

  test('an emoji is found by its words and put where one writes', async () => {
    const { page } = await conversation();
    await field(page).fill('a  party');
    await field(page).evaluate(text => text.setSelectionRange(2, 2));
    await page.getByRole('button', { name: 'Emoji', exact: true }).click();
    await page.getByRole('dialog', { name: 'Emoji' }).waitFor();
    await becomes('all of them are there', async () => await found(page).count() > 1_000);
    await page.getByLabel('Search emoji').fill('tada');
    assert.deepEqual(await found(page).allTextContents(), ['🎉']);
    await page.getByLabel('Search emoji').press('Enter');
    assert.equal(await field(page).inputValue(), 'a 🎉 party');
    await becomes('one goes on writing', () => page.evaluate(() => document.activeElement.id === 'text'));
    await page.keyboard.type('!');
    assert.equal(await field(page).inputValue(), 'a 🎉! party');
    await page.getByRole('button', { name: 'Emoji', exact: true }).click();
    await page.getByText('Used last').waitFor();
    // With the keys: the first one, the one beside it, and the one below.
    await page.getByLabel('Search emoji').fill('cat');
    await page.getByLabel('Search emoji').press('ArrowDown');
    const names = await found(page).evaluateAll(all => all.map(each => each.getAttribute('aria-label')));
    assert.ok(names.length > 5 && names.every(name => !/^(education|location)/.test(name)), names.join());
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    assert.equal(await focused(), names[0]);
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(), names[1]);
    await page.keyboard.press('ArrowDown');
    const [above, below] = [names[1], await focused()];
    assert.ok(names.indexOf(below) > 2, below);
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(), above);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), names.at(-1));
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Emoji' }).waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Emoji', exact: true }).click();
    await page.getByLabel('Search emoji').fill('no such thing');
    await page.getByText('Nothing was found.').waitFor();
  });

  test('any emoji is a reaction, and a smile is among the first six', async () => {
    const { ann, thread, page } = await conversation();
    const reactions = async () => (await ann.rest('GET', `/${thread}`)).messages[0].reactions.map(each => each.emoji);
    await message(page, 'hello').hover();
    await page.getByRole('button', { name: 'React', exact: true }).click();
    const first = await page.getByRole('group', { name: 'Emoji' }).getByRole('button').evaluateAll(all => all.slice(0, 6).map(each => each.textContent));
    assert.ok(first.includes('😊'), first.join());
    await page.getByRole('button', { name: 'React with another emoji' }).click();
    await page.getByLabel('Search emoji').fill('pineapple');
    await found(page).first().click();
    await message(page, 'hello').locator('.reactions').getByText('🍍 1').waitFor();
    assert.deepEqual(await reactions(), ['🍍']);
  });

  test('many messages that failed are sent again with one press, in their order and once', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ann, thread, 'hello');
    const { page } = await stage.openWindow();
    let refuses = true;
    await page.routeWebSocket(/socket\.io/, route => {
      const server = route.connectToServer();
      route.onMessage(text => {
        const asked = /^42(\d+)\["message:send"/.exec(text);
        if (asked && refuses) route.send(`43${asked[1]}[{"success":false,"code":"rate_limited","error":"too many requests","retryAfterMs":5000}]`);
        else server.send(text);
      });
    });
    await page.reload();
    await page.getByLabel(/paste a token/i).fill(ben.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await openAt(page, ann, 'hello');
    const said = Array.from({ length: FAILED }, (_, n) => `number ${n + 1}`);
    for (const content of said) {
      await field(page).fill(content);
      await field(page).press('Enter');
    }
    await page.getByText(`${FAILED} messages were not sent`).waitFor();
    const again = page.getByRole('button', { name: 'Try again' });
    assert.equal(await again.count(), 1);
    // Still too many: they stay together, and nothing of them is lost.
    await again.click();
    await page.getByText(`${FAILED} messages were not sent`).waitFor();
    refuses = false;
    await again.click();
    await message(page, `number ${FAILED}`).waitFor();
    await becomes('none is left', async () => await page.locator('#messages li.waiting').count() === 0);
    assert.deepEqual(await ann.history(thread), ['hello', ...said]);
    assert.deepEqual(await contents(page), ['hello', ...said]);
    assert.equal(await page.locator('#unsent').isVisible(), false);
    await entry(page, ann).getByText(said.at(-1)).waitFor();
  });
});
