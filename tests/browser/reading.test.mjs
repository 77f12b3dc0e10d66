// Reading on the page: what signs in texts become, which way texts read, where a conversation opens, what
// counts as read, and how much there is to see at once.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { contents, entry, field, message, onWindows, openAt, setHidden, tell, unreadOf } from './windows.mjs';

const DESKTOP = { viewport: { width: 1100, height: 800 } };
const UNREAD = 60;
/** What fits on such a screen: one line of text each, of two people in turn. */
const LINES_MIN = 20;
/** Longer than the page waits between two receipts. */
const RECEIPTS_SETTLE_MS = 2_500;
/** The rest of a pixel, and what a note may stand lower than its text. */
const SAME_LINE_PX = 8;

onWindows('reading', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const jump = page => page.locator('#new-messages');
  /** The messages whose ends are in view or above it. */
  const seen = page => page.locator('#scroller').evaluate(box => [...box.querySelectorAll('li')]
    .filter(item => item.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom + 1).length);
  const inView = page => page.locator('#scroller').evaluate(box => {
    const { top, bottom } = box.getBoundingClientRect();
    return [...box.querySelectorAll('li')].filter(item => item.getBoundingClientRect().top >= top - 1 && item.getBoundingClientRect().bottom <= bottom + 1).length;
  });

  /** Two people in a conversation of these messages, all of which the second one has read. */
  async function conversation(...said) {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    for (const content of said) await tell(ann, thread, content);
    if (said.length > 0) await ben.rest('POST', `/threads/${thread}/read`, {});
    return { ann, ben, thread };
  }

  test('links, addresses, code, bold and italic are shown as such, and nothing of what was typed is lost', async () => {
    const text = 'see https://example.com/a?b=c (or *ask* _me_ at ann@example.com): `let x`\n```\na < b &&\n  c\n```\n<b>no</b>';
    const { ann, ben } = await conversation(text);
    const { page } = await stage.enter(ben);
    await entry(page, ann).click();
    const content = page.locator('#messages .content');
    await content.waitFor();
    assert.equal(await content.textContent(), text);
    assert.equal(await content.innerText(), 'see https://example.com/a?b=c (or ask me at ann@example.com): let x\na < b &&\n  c\n<b>no</b>');
    assert.deepEqual(await content.locator('a').evaluateAll(all => all.map(link => [link.textContent, link.href, link.rel, link.target])), [
      ['https://example.com/a?b=c', 'https://example.com/a?b=c', 'noopener noreferrer', '_blank'],
      ['ann@example.com', 'mailto:ann@example.com', 'noopener noreferrer', '_blank'],
    ]);
    assert.deepEqual(await content.locator(':is(strong, em, code)').evaluateAll(all => all.map(each => [each.tagName, each.innerText])), [
      ['STRONG', 'ask'], ['EM', 'me'], ['CODE', 'let x'], ['CODE', 'a < b &&\n  c'],
    ]);
    assert.equal(await content.locator('b').count(), 0);
    assert.equal(await page.locator('.preview').innerText(), 'see https://example.com/a?b=c (or ask me at ann@example.com): let x a < b && c <b>no</b>');
  });

  test('an Arabic sentence reads from the right, with its full stop at its left end, wherever it is shown', async () => {
    const arabic = 'مرحبا بالعالم.';
    const { ann, ben, thread } = await conversation('a first one.', arabic);
    const { page } = await stage.enter(ben);
    await openAt(page, ann, arabic);
    const ends = locator => locator.evaluate(each => {
      const walker = document.createTreeWalker(each, 4);
      const texts = [];
      while (walker.nextNode()) texts.push(walker.currentNode);
      const text = texts.find(node => /[\u0600-\u06ff]/.test(node.data));
      const place = at => { const range = document.createRange(); range.setStart(text, at); range.setEnd(text, at + 1); return range.getBoundingClientRect().left; };
      return place(0) > place(text.data.length - 1);
    });
    for (const shown of [message(page, arabic).locator('.content'), page.locator('#threads .preview')]) await becomes('it ends at the left', () => ends(shown));
    assert.equal(await message(page, 'a first one.').locator('.said').evaluate(each => getComputedStyle(each).direction), 'ltr');
    await field(page).fill(arabic);
    assert.equal(await field(page).evaluate(each => getComputedStyle(each).direction), 'rtl');
    await field(page).fill('');
    const first = (await ben.rest('GET', `/${thread}`)).messages[1]._id;
    await tell(ann, thread, 'an answer', { replyTo: first });
    await message(page, 'an answer').waitFor();
    await becomes('in a quote too', () => ends(message(page, 'an answer').locator('.quoted')));
  });

  test('a conversation opens at the first unread message, and nothing is read that was not seen', async () => {
    const { ann, ben, thread } = await conversation('an old one');
    for (let n = 1; n <= UNREAD; n += 1) await tell(ann, thread, `number ${n}`);
    const { page } = await stage.enter(ben, DESKTOP);
    await openAt(page, ann, 'number 1');
    assert.equal((await contents(page)).length, UNREAD + 1, 'everything since is here');
    const line = page.locator('#messages').getByText('New messages', { exact: true });
    const [above, below] = await line.evaluate(each => [each.closest('section').querySelectorAll('ol')[0].lastElementChild, each.closest('section').querySelectorAll('ol')[1].firstElementChild]
      .map(item => item.querySelector('.content').textContent));
    assert.deepEqual([above, below], ['an old one', 'number 1']);
    const placed = await line.evaluate(each => each.getBoundingClientRect().top - document.getElementById('scroller').getBoundingClientRect().top);
    assert.ok(placed >= 0 && placed < 100, `the line is at ${placed}`);

    const left = async () => UNREAD + 1 - await seen(page);
    assert.ok(await left() > UNREAD / 3, 'not all of it fits');
    await becomes('what was seen is read', async () => await unreadOf(ben, thread) === await left());
    await page.waitForTimeout(RECEIPTS_SETTLE_MS);
    assert.equal(await unreadOf(ben, thread), await left(), 'and nothing else');
    await jump(page).getByText(`${await left()} new messages`).waitFor();
    await entry(page, ann).locator('.unread').getByText(String(await left()), { exact: true }).waitFor();

    await page.locator('#scroller').evaluate(box => { box.scrollTop += 200; });
    await becomes('what was scrolled to is read too', async () => await left() > 0 && await unreadOf(ben, thread) === await left());
    await jump(page).click();
    await becomes('all is read', async () => await unreadOf(ben, thread) === 0);
    await jump(page).waitFor({ state: 'hidden' });
    await entry(page, ann).locator('.unread').waitFor({ state: 'detached' });
  });

  test('who goes past what is new to the end stays there, whatever the pointer comes to lie on', async () => {
    const { ann, ben, thread } = await conversation('an old one');
    for (let n = 1; n <= UNREAD; n += 1) await tell(ann, thread, `number ${n}`);
    const { page } = await stage.enter(ben, DESKTOP);
    await openAt(page, ann, 'number 1');
    // At once, before what is passed counts as seen.
    const toEnd = await page.locator('#scroller').evaluate(box => {
      box.scrollTop = box.scrollHeight;
      const [last] = [...box.querySelectorAll('li')].slice(-1);
      last.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
      return { tools: last.querySelectorAll('#message-actions').length, left: box.scrollHeight - box.scrollTop - box.clientHeight };
    });
    assert.equal(toEnd.tools, 1, 'the tools hang on it');
    // Without the tools the messages would move, and one of them would come under the pointer again.
    const between = await page.locator('#messages ol').last().evaluate(list => {
      list.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
      return list.querySelectorAll('#message-actions').length;
    });
    assert.equal(between, 1, 'they stay there while the pointer is between two messages');
    assert.ok(toEnd.left < 2, `${toEnd.left} pixels are below`);
    await becomes('all is read', async () => await unreadOf(ben, thread) === 0);
  });

  test('of more unread messages than a page of history has, the first one is found too', async () => {
    const { ann, ben, thread } = await conversation('an old one');
    for (let n = 1; n <= 130; n += 1) await tell(ann, thread, `number ${n}`);
    const { page } = await stage.enter(ben, DESKTOP);
    await openAt(page, ann, 'number 1');
    assert.ok(await message(page, 'number 1').evaluate(item => item.getBoundingClientRect().top < innerHeight / 2));
    assert.ok((await contents(page)).length >= 130);
    assert.ok(await unreadOf(ben, thread) > 90);
  });

  test('what comes while nobody looks waits below a line, and only what is seen afterwards is read', async () => {
    const { ann, ben, thread } = await conversation('an old one');
    const { page } = await stage.enter(ben, DESKTOP);
    await openAt(page, ann, 'an old one');
    await setHidden(page, true);
    for (let n = 1; n <= UNREAD; n += 1) await tell(ann, thread, `number ${n}`);
    await message(page, `number ${UNREAD}`).waitFor();
    assert.equal(await unreadOf(ben, thread), UNREAD);
    await setHidden(page, false);
    const left = async () => UNREAD + 1 - await seen(page);
    assert.ok(await left() > UNREAD / 3);
    assert.equal(await page.locator('.new-line').evaluate(each => each.getBoundingClientRect().top >= document.getElementById('scroller').getBoundingClientRect().top), true);
    await becomes('what is seen is read', async () => await unreadOf(ben, thread) === await left());
    await field(page).fill('I am back');
    await field(page).press('Enter');
    await message(page, 'I am back').waitFor();
    await becomes('whoever answers has read', async () => await unreadOf(ben, thread) === 0);
    assert.equal(await page.locator('.new-line').count(), 0);
  });

  test('the way to the newest message is there whenever one is not at the end', async () => {
    const { ann, ben, thread } = await conversation(...Array.from({ length: 40 }, (_, n) => `number ${n + 1}`));
    const { page } = await stage.enter(ben, DESKTOP);
    await openAt(page, ann, 'number 40');
    assert.equal(await jump(page).isVisible(), false);
    await page.locator('#scroller').evaluate(box => { box.scrollTop = 0; });
    await page.getByRole('button', { name: 'To the newest message' }).waitFor();
    for (const content of ['one more', 'and one more']) await tell(ann, thread, content);
    await page.getByRole('button', { name: '2 new messages' }).click();
    await message(page, 'and one more').waitFor();
    await becomes('the end is in view', () => message(page, 'and one more').evaluate(item => item.getBoundingClientRect().bottom <= innerHeight));
    await jump(page).waitFor({ state: 'hidden' });
  });

  test('twenty messages of one line fit on a screen, each with its time in its last line and the whole date behind it', async () => {
    const { ann, ben, thread } = await conversation();
    for (let n = 1; n <= 15; n += 1) {
      await tell(ann, thread, `question ${n}`);
      await tell(ben, thread, `answer ${n}`);
    }
    await ben.rest('POST', `/threads/${thread}/read`, {});
    const { page } = await stage.enter(ben, DESKTOP);
    await openAt(page, ann, 'answer 15');
    await becomes('it stands at the end', () => message(page, 'answer 15').evaluate(item => item.getBoundingClientRect().bottom <= innerHeight));
    const count = await inView(page);
    assert.ok(count >= LINES_MIN, `${count} messages`);
    for (const content of ['question 15', 'answer 15']) {
      const [text, time] = await message(page, content).evaluate(item => ['.content', 'time'].map(part => item.querySelector(part).getBoundingClientRect().bottom));
      assert.ok(Math.abs(text - time) < SAME_LINE_PX, `the text ends at ${text}, the time at ${time}`);
    }
    assert.match(await message(page, 'answer 15').locator('time').getAttribute('title'), new RegExp(`\\d{1,2} \\S+ ${new Date().getFullYear()}.*\\d\\d:\\d\\d:\\d\\d`));
    // Of a longer text, the last line has the time.
    await tell(ann, thread, `${'a long text '.repeat(20)}end`);
    const long = page.locator('#messages li').last();
    await long.getByText('a long text').waitFor();
    const [text, time, height] = await long.evaluate(item => [item.querySelector('.content').getBoundingClientRect().bottom, item.querySelector('time').getBoundingClientRect().bottom, item.getBoundingClientRect().height]);
    assert.ok(height > 50 && Math.abs(text - time) < SAME_LINE_PX, `the text ends at ${text}, the time at ${time}`);
  });
});
