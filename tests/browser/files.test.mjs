// Files on the page: chosen, dropped and pasted, uploaded while one writes, and sent once they are there.
// What fails loses nothing; a connection that is cut goes on where it was. Pictures are seen small and in
// the viewer by those who see the message.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { png, sendFiles } from './files.mjs';
import { entry, field, message, onWindows, openAt, setHidden, tell } from './windows.mjs';

const PHONE = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true };
const MEGABYTE = 1_000_000;
/** The small picture that the server makes has this side at most. */
const SIDE_PX = 320;
/** What a finger hits (WCAG 2.5.5). */
const TARGET_MIN_PX = 44;
const PIECE = /\/attachments\/tus\/[0-9a-f]{24}$/;

onWindows('files', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  const attached = page => page.locator('#attached li');
  const isReady = async (page, count = 1) => becomes('all of them are there', async () => await page.locator('#attached li.ready').count() === count);
  const newest = async (person, thread) => (await person.rest('GET', `/${thread}`)).messages.at(-1);
  const small = page => page.locator('#messages .small-picture');
  const focused = page => page.evaluate(() => document.activeElement.dataset.file ?? document.activeElement.id);

  async function conversation(options, count = 1) {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ann, thread, 'hello');
    const { page, link, context } = await stage.enter(ben, options);
    await openAt(page, ann, 'hello');
    await button(page, 'Attach files').waitFor();
    const others = await Promise.all(Array.from({ length: count - 1 }, () => stage.enter(ann)));
    for (const each of others) await openAt(each.page, ben, 'hello');
    return { ann, ben, thread, page, link, context, other: others[0]?.page };
  }
  const file = (name, buffer, mimeType = 'application/octet-stream') => ({ name, mimeType, buffer });
  const choose = (page, ...files) => page.locator('#choose-files').setInputFiles(files);
  /** Files as the browser gives them when they are dropped on or pasted into `target`. */
  const hand = (page, target, event, files) => page.locator(target).evaluate((place, [event, files]) => {
    const transfer = new DataTransfer();
    for (const { name, type, text } of files) transfer.items.add(new File([text], name, { type }));
    const kind = event === 'paste' ? ClipboardEvent : DragEvent;
    place.dispatchEvent(new kind(event, { [event === 'paste' ? 'clipboardData' : 'dataTransfer']: transfer, bubbles: true, cancelable: true }));
  }, [event, files]);

  test('files that are chosen, dropped and pasted are sent with the text, and others see and get them', async () => {
    const { ann, thread, page, other } = await conversation({}, 2);
    await field(page).fill('the plan');
    await choose(page, file('plan.png', png(640, 400), 'image/png'), file('notes.txt', Buffer.from('some notes')));
    await hand(page, '#messages', 'dragenter', [{ name: 'a', type: '', text: '' }]);
    await page.getByText('Drop files here').waitFor();
    await hand(page, '#messages', 'drop', [{ name: 'dropped.txt', type: 'text/plain', text: 'dropped' }]);
    await page.getByText('Drop files here').waitFor({ state: 'hidden' });
    await hand(page, '#text', 'paste', [{ name: 'pasted.txt', type: 'text/plain', text: 'pasted' }]);
    await isReady(page, 4);
    assert.deepEqual(await attached(page).locator('.name').allTextContents(), ['plan.png', 'notes.txt', 'dropped.txt', 'pasted.txt']);
    assert.equal(await page.locator('#attached-words').textContent(), '4 files attached');
    await button(page, 'Remove dropped.txt').click();
    await field(page).press('Enter');
    for (const each of [page, other]) {
      await message(each, 'the plan').getByRole('button', { name: 'Picture plan.png' }).waitFor();
      await message(each, 'the plan').getByRole('button', { name: 'Download notes.txt Text · 10 bytes' }).waitFor();
    }
    assert.equal(await attached(page).count(), 0);
    const stored = await newest(ann, thread);
    assert.deepEqual(stored.attachments.map(({ filename, type, mimeType }) => [filename, type, mimeType]),
      [['plan.png', 'image', 'image/png'], ['notes.txt', 'document', 'text/plain'], ['pasted.txt', 'document', 'text/plain']]);
    // The other one saves a file under its name.
    const [download] = await Promise.all([other.waitForEvent('download'), other.getByRole('button', { name: /^Download pasted.txt/ }).click()]);
    assert.equal(download.suggestedFilename(), 'pasted.txt');
    assert.equal(await readFile(await download.path(), 'utf8'), 'pasted');
    await entry(other, { id: stored.senderId }).getByText('the plan').waitFor();
    // A message needs no text.
    await choose(page, file('alone.txt', Buffer.from('alone')));
    await isReady(page);
    await button(page, 'Send').click();
    await other.getByRole('button', { name: /^Download alone.txt/ }).waitFor();
    await page.locator('#threads .preview').getByText('alone.txt').waitFor();
  });

  test('a message waits for its files, several at a time, and one that is cancelled holds nothing up', async () => {
    const { ann, thread, page } = await conversation();
    const held = [];
    await page.route(PIECE, async route => {
      if (route.request().method() !== 'PATCH') return route.continue();
      await new Promise(resolve => held.push(resolve));
      return route.continue().catch(() => {});
    });
    await choose(page, ...Array.from({ length: 5 }, (_, n) => file(`file ${n}.bin`, randomBytes(1_000))));
    await field(page).fill('five files');
    await field(page).press('Enter');
    await page.getByText('This is sent as soon as its files are uploaded.').waitFor();
    await becomes('three are on their way', () => held.length === 3);
    assert.equal(await page.locator('#attached-words').textContent(), '5 files being uploaded');
    const states = async () => (await attached(page).evaluateAll(all => all.map(each => each.className))).join(' ');
    assert.equal(await states(), 'uploading uploading uploading waiting waiting');
    assert.equal(await field(page).inputValue(), 'five files');
    await button(page, 'Do not send yet').click();
    await page.locator('#held').waitFor({ state: 'hidden' });
    await button(page, 'Send').click();
    await button(page, 'Cancel file 1.bin').click();
    await becomes('the next one begins', () => held.length === 4);
    assert.deepEqual(await ann.history(thread), ['hello']);
    for (let n = 0; n < 5; n += 1) {
      await becomes('the next one comes', () => held.length > n);
      held[n]();
    }
    await message(page, 'five files').waitFor();
    assert.deepEqual((await newest(ann, thread)).attachments.map(({ filename }) => filename), ['file 0.bin', 'file 2.bin', 'file 3.bin', 'file 4.bin']);
    assert.equal(await field(page).inputValue(), '');
  });

  test('an upload whose connection is cut goes on where it was, and its message goes once', async () => {
    const { ann, thread, page, link } = await conversation();
    const bytes = randomBytes(10 * MEGABYTE);
    let sent = 0, pieces = 0;
    await page.route(PIECE, async route => {
      const isPiece = route.request().method() === 'PATCH';
      if (isPiece) {
        pieces += 1;
        sent += Number(await route.request().headerValue('content-length') ?? 0);
        // In the middle, for a while.
        if (pieces === 2) {
          link.cut();
          setTimeout(() => link.mend(), 1_500);
        }
      }
      return route.continue();
    });
    await field(page).fill('a long one');
    await choose(page, file('long.bin', bytes));
    await field(page).press('Enter');
    await page.getByRole('progressbar', { name: 'Upload of long.bin' }).waitFor();
    await message(page, 'a long one').waitFor();
    const { attachments: [{ id, size }] } = await newest(ann, thread);
    assert.equal(size, bytes.length);
    const got = await fetch(`${stage.system.http}/api/v2/attachments/${id}`, { headers: { authorization: `Bearer ${ann.token}` } });
    assert.ok(Buffer.from(await got.arrayBuffer()).equals(bytes), 'every byte');
    assert.ok(pieces > 3, `${pieces} pieces`);
    assert.ok(sent < 1.7 * bytes.length, `${sent} bytes were sent`);
    assert.equal((await ann.history(thread)).length, 2);
  });

  test('what is refused says why, loses nothing, and is tried again or removed', async () => {
    const { ann, thread, page } = await conversation();
    const refused = { code: 'quota_exceeded', error: 'your files would come to more than the 2048000000 bytes that you may have', status: 413 };
    const answers = [refused, { code: 'wrong_type', error: 'files of that type are not taken', status: 415 },
      { code: 'too_large', error: 'the file is larger than 5000000 bytes', status: 413 }, { code: 'quota_exceeded', error: 'you have 100 files that no message uses: send or delete some first', status: 413 }];
    const words = ['There is no room for it: all your files may come to 2 GB.', 'Files of this kind are not taken here.',
      'It is too large: a file has at most 5 MB.', 'You have too many files that no message uses. Send or remove some first.'];
    await page.route(/\/attachments\/tus$/, route => {
      const answer = route.request().method() === 'POST' && answers.shift();
      if (!answer) return route.continue();
      return route.fulfill({ status: answer.status, json: { success: false, code: answer.code, error: answer.error } });
    });
    await field(page).fill('with files');
    for (const [n, reason] of words.entries()) {
      await choose(page, file(`${n}.bin`, Buffer.from([n])));
      await attached(page).nth(n).getByText(`not uploaded: ${reason}`).waitFor();
    }
    const again = page.locator('#attached button:not(.remove)');
    assert.deepEqual(await again.evaluateAll(all => all.map(each => each.checkVisibility())), [true, false, false, true], 'what would be refused again is not offered');
    await field(page).press('Enter');
    await page.locator('#told').getByText('Not sent: a file could not be uploaded. Try it again, or remove it.').waitFor();
    assert.equal(await field(page).inputValue(), 'with files');
    await button(page, 'Try again: 0.bin').click();
    await isReady(page);
    for (const n of [1, 2, 3]) await button(page, `Remove ${n}.bin`).click();
    await field(page).press('Enter');
    await message(page, 'with files').waitFor();
    assert.deepEqual((await newest(ann, thread)).attachments.map(({ filename }) => filename), ['0.bin']);
    // What the server says beforehand costs no upload, and more than ten are no message.
    await page.route(/\/attachments\/tus$/, route => (route.request().method() === 'OPTIONS'
      ? route.fulfill({ status: 204, headers: { 'tus-version': '1.0.0', 'tus-max-size': '1000' } }) : route.continue()));
    await page.reload();
    await message(page, 'with files').waitFor();
    await button(page, 'Attach files').waitFor();
    await choose(page, file('large.bin', randomBytes(1_001)), ...Array.from({ length: 10 }, (_, n) => file(`${n}.txt`, Buffer.from('x'))));
    await page.locator('#told').getByText('A message has at most 10 files.').waitFor();
    await attached(page).first().getByText('It is too large: a file has at most 1 KB.').waitFor();
    assert.equal(await attached(page).count(), 10);
  });

  test('a server without a place for files says so, and has no button', async () => {
    const { page } = await conversation();
    await page.route(/\/attachments\/tus$/, route => route.fulfill({ status: 204, headers: { 'tus-version': '1.0.0' } }));
    const said = page.waitForResponse(response => response.request().method() === 'OPTIONS' && response.url().endsWith('/attachments/tus'));
    await page.reload();
    await said;
    await message(page, 'hello').waitFor();
    await becomes('there is no button', async () => !await button(page, 'Attach files').isVisible());
    await hand(page, '#messages', 'drop', [{ name: 'dropped.txt', type: 'text/plain', text: 'dropped' }]);
    await page.locator('#told').getByText('Files are off on this server.').waitFor();
    assert.equal(await attached(page).count(), 0);
  });

  test('files belong to the conversation in which they were chosen, also over a reload, and an edit has none', async () => {
    const { ann, ben, page } = await conversation();
    const [cem] = stage.people('cem');
    await tell(cem, await cem.startThread(ben), 'psst');
    await choose(page, file('kept.txt', Buffer.from('kept')));
    await isReady(page);
    await openAt(page, cem, 'psst');
    assert.equal(await attached(page).count(), 0);
    await openAt(page, ann, 'hello');
    await page.reload();
    await attached(page).getByText('kept.txt').waitFor();
    await field(page).fill('one');
    await field(page).press('Enter');
    await message(page, 'one').getByRole('button', { name: /^Download kept.txt/ }).waitFor();
    await choose(page, file('next.txt', Buffer.from('next')));
    await isReady(page);
    await field(page).press('ArrowUp');
    await page.locator('#editing').waitFor();
    assert.deepEqual([await attached(page).count(), await button(page, 'Attach files').isVisible()], [0, false]);
    await field(page).press('Escape');
    assert.equal(await attached(page).count(), 1);
  });

  test('pictures have their room before they are here, and nothing moves when they come', async () => {
    const { ann, ben, thread, page } = await conversation();
    await setHidden(page, false);
    const { attachments } = await sendFiles(stage, ann, thread, 'pictures', [['wide.png', png(1_200, 600)], ['dot.png', png(3, 3)]]);
    assert.deepEqual(attachments.map(({ width, height }) => [width, height]), [[1_200, 600], [3, 3]]);
    let release;
    const held = new Promise(resolve => { release = resolve; });
    const { page: late } = await stage.openWindow();
    await late.route(/\/thumbnail$/, async route => { await held; return route.continue(); });
    await late.getByLabel(/paste a token/i).fill(ben.token);
    await late.getByRole('button', { name: 'Sign in' }).click();
    await entry(late, ann).click();
    await small(late).nth(1).waitFor();
    const boxes = () => late.locator('#messages li, .small-picture').evaluateAll(all => all.map(each => JSON.stringify(each.getBoundingClientRect())));
    const before = await boxes();
    release();
    await becomes('they are here', () => small(late).locator('img').evaluateAll(all => all.every(each => each.src.startsWith('blob:') && each.complete && each.naturalWidth > 0)));
    assert.deepEqual(await boxes(), before);
    const [wide, dot] = await small(late).evaluateAll(all => all.map(each => each.getBoundingClientRect()).map(({ width, height }) => [width, height]));
    assert.deepEqual(wide, [SIDE_PX, SIDE_PX / 2]);
    assert.ok(Math.min(...dot) >= TARGET_MIN_PX, dot.join());
  });

  test('the viewer goes through the pictures with keys, gives the focus back, and follows what is taken back', async () => {
    const { ann, thread, page } = await conversation();
    const { _id: first } = await sendFiles(stage, ann, thread, 'two', [['one.png', png(800, 600)], ['two.png', png(600, 800)]]);
    const { _id: last } = await sendFiles(stage, ann, thread, 'one more', [['three.png', png(500, 500)]]);
    await small(page).nth(2).waitFor();
    await small(page).nth(1).focus();
    const id = await focused(page);
    // Something else of the message changes meanwhile.
    await ann.rest('POST', `/${first}/reactions`, { emoji: '🎉', action: 'add' });
    await page.locator('#messages .reactions').waitFor();
    assert.equal(await focused(page), id);
    await page.keyboard.press('Enter');
    const viewer = page.getByRole('dialog', { name: 'Picture' });
    const shows = async (name, place) => {
      await viewer.locator('#viewer-name').getByText(name, { exact: true }).waitFor();
      await viewer.getByText(place, { exact: true }).waitFor();
      await becomes('it is whole', () => page.locator('#viewer-picture').evaluate(each => each.naturalWidth >= 500));
    };
    await shows('two.png', '2 of 3');
    await page.keyboard.press('ArrowRight');
    await shows('three.png', '3 of 3');
    await page.keyboard.press('ArrowRight');
    await shows('three.png', '3 of 3');
    await page.keyboard.press('Home');
    await shows('one.png', '1 of 3');
    assert.equal(await button(page, 'Picture before').isDisabled(), true);
    await button(page, 'Next picture').click();
    await shows('two.png', '2 of 3');
    const [download] = await Promise.all([page.waitForEvent('download'), viewer.getByRole('button', { name: 'Download' }).click()]);
    assert.equal(download.suggestedFilename(), 'two.png');
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'hidden' });
    assert.equal(await focused(page), id);
    await small(page).nth(2).click();
    await shows('three.png', '3 of 3');
    await ann.rest('DELETE', `/${last}`);
    await viewer.waitFor({ state: 'hidden' });
    await becomes('it is gone', async () => await small(page).count() === 2);
  });

  test('under fingers the viewer is swiped, and everything that is pressed is large enough', async () => {
    const { ann, thread, page } = await conversation(PHONE);
    await sendFiles(stage, ann, thread, 'two', [['one.png', png(800, 600)], ['two.png', png(600, 800)]]);
    await choose(page, file('mine.txt', Buffer.from('x')));
    await isReady(page);
    const sizes = async (...all) => {
      for (const each of all) {
        const { width, height } = await each.boundingBox();
        assert.ok(width >= TARGET_MIN_PX && height >= TARGET_MIN_PX, `${await each.getAttribute('aria-label')}: ${width} × ${height}`);
      }
    };
    await sizes(button(page, 'Attach files'), button(page, 'Remove mine.txt'), button(page, 'Send later'), button(page, 'Send'), small(page).first());
    await small(page).first().tap();
    await page.getByText('1 of 2').waitFor();
    await sizes(button(page, 'Next picture'), button(page, 'Picture before'), button(page, 'Close').locator('visible=true'), button(page, 'Download'));
    const swipe = (from, to) => page.locator('#viewer-stage').evaluate((place, [from, to]) => {
      const at = (name, clientX) => place.dispatchEvent(new PointerEvent(name, { clientX, clientY: 300, pointerType: 'touch', isPrimary: true, bubbles: true }));
      at('pointerdown', from);
      at('pointerup', to);
    }, [from, to]);
    await swipe(300, 100);
    await page.getByText('2 of 2').waitFor();
    await swipe(300, 100);
    await swipe(100, 130);
    await page.getByText('2 of 2').waitFor();
    await swipe(100, 300);
    await page.getByText('1 of 2').waitFor();
    await button(page, 'Close').locator('visible=true').tap();
    await page.getByRole('dialog', { name: 'Picture' }).waitFor({ state: 'hidden' });
  });

  test('files cannot be sent later, which is said before anything is lost', async () => {
    const { ann, thread, page } = await conversation();
    await choose(page, file('now.txt', Buffer.from('now')));
    await isReady(page);
    await field(page).fill('with a file');
    await button(page, 'Send later').click();
    await page.getByRole('menuitem', { name: 'In an hour' }).click();
    await page.locator('#told').getByText('Files cannot be sent later. Send them now, or remove them.').waitFor();
    assert.deepEqual([await field(page).inputValue(), await attached(page).count()], ['with a file', 1]);
    await button(page, 'Send').click();
    await message(page, 'with a file').getByRole('button', { name: /^Download now.txt/ }).waitFor();
    assert.equal((await newest(ann, thread)).attachments.length, 1);
  });
});
