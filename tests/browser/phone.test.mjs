// The page under fingers and on small screens: the way back, and sizes of what is pressed. Contrast and the
// rules of axe-core are in looks.test.mjs.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { conversation } from './scene.mjs';
import { entry, field, message, onWindows, openAt, tell } from './windows.mjs';

const PHONE = { viewport: { width: 375, height: 800 }, hasTouch: true, isMobile: true };
const DESKTOP = { viewport: { width: 1100, height: 800 } };
/** As a page of 1280 × 1024 is at 400 %. */
const TINY = { viewport: { width: 320, height: 256 } };
/** What a finger hits (WCAG 2.5.5). */
const TARGET_MIN_PX = 44;

onWindows('the page on phones', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);

  const box = locator => locator.evaluate(each => {
    const { left, top, right, bottom } = each.getBoundingClientRect();
    return { left, top, right, bottom };
  });
  const overlap = (one, other) => one.left < other.right - 1 && other.left < one.right - 1 && one.top < other.bottom - 1 && other.top < one.bottom - 1;

  test('the way back of the phone leads from a conversation to the list, and never into it again', async () => {
    const { ann, ben, thread } = await conversation(stage);
    const { page, link } = await stage.enter(ben, PHONE);
    const isList = async () => {
      await entry(page, ann).waitFor();
      assert.equal(await field(page).isVisible(), false);
      assert.equal(await page.evaluate(() => location.hash), '');
    };
    await openAt(page, ann, 'the end');
    await page.goBack();
    await isList();
    await openAt(page, ann, 'the end');
    await page.getByRole('button', { name: 'Back to the conversations' }).click();
    await isList();
    await page.goBack();
    assert.equal(page.url(), 'about:blank', 'the list is the first thing there was');
    // By a link: the list is behind the conversation all the same, also after a reload.
    await page.goto(`${link.origin}/#${thread}`);
    await message(page, 'the end').waitFor();
    await page.reload();
    await message(page, 'the end').waitFor();
    await page.goBack();
    await isList();
  });

  test('what one can do with a message is large enough for a finger and covers no text', async () => {
    const { ann, ben } = await conversation(stage);
    for (const [options, press] of [[PHONE, 'tap'], [DESKTOP, 'hover']]) {
      const { page } = await stage.enter(ben, options);
      await openAt(page, ann, 'the end');
      for (const content of ['an answer', 'a question', '`mine` https://example.com/mine', 'the end']) {
        const item = page.locator('#messages li').filter({ has: page.locator('time') }).filter({ hasText: content }).last();
        await item.locator('time')[press]();
        const tools = item.getByRole('toolbar');
        await tools.waitFor();
        const reach = await box(tools);
        assert.ok(reach.left >= 0 && reach.right <= options.viewport.width, JSON.stringify(reach));
        for (const part of ['.said', '.quote']) {
          for (const text of await item.locator(part).all()) assert.equal(overlap(reach, await box(text)), false, `${content}: ${part}`);
        }
        if (options !== PHONE) continue;
        await becomes('they are in view', async () => (await box(tools)).bottom <= (await box(page.locator('#scroller'))).bottom + 1);
        for (const tool of await tools.getByRole('button').filter({ visible: true }).all()) {
          const { left, top, right, bottom } = await box(tool);
          assert.ok(right - left >= TARGET_MIN_PX && bottom - top >= TARGET_MIN_PX, `${await tool.textContent()} ${right - left} × ${bottom - top}`);
        }
      }
      if (options !== PHONE) continue;
      await page.getByRole('button', { name: 'Conversation menu' }).tap();
      const all = [...['Back to the conversations', 'Send', 'Emoji', 'Conversation menu'].map(name => page.getByRole('button', { name, exact: true })),
        ...['Mute', 'Archive'].map(name => page.getByRole('menuitem', { name, exact: true }))];
      for (const name of all) {
        const { left, top, right, bottom } = await box(name);
        assert.ok(right - left >= TARGET_MIN_PX && bottom - top >= TARGET_MIN_PX, `${name} ${right - left} × ${bottom - top}`);
      }
    }
  });

  test('what is pressed in a message does its own at the first press, although the tools come with it', async () => {
    const { ann, ben, thread, first } = await conversation(stage);
    const { _id: own } = await tell(ben, thread, 'before');
    await ben.rest('PATCH', `/${own}`, { content: 'after', mentions: [] });
    await tell(ann, thread, 'a reply', { replyTo: first });
    const { page } = await stage.enter(ben, PHONE);
    await openAt(page, ann, 'a reply');
    await page.getByRole('button', { name: 'edited', exact: true }).tap();
    await page.getByRole('dialog').getByText('before', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await message(page, 'a reply').locator('.quote').tap();
    await becomes('the first message has the focus', () => page.evaluate(id => document.activeElement.dataset.messageId === id, first));
    const reaction = page.getByRole('button', { name: /^🎉/ });
    await message(page, 'a reply').locator('time').tap();
    await message(page, 'a reply').getByRole('toolbar').waitFor();
    await reaction.tap();
    await becomes('the reaction is one\'s own, too', async () => await reaction.getAttribute('aria-pressed') === 'true');
  });

  test('what can be done with a conversation is a menu, by keys and under fingers, and the title has the width', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const name = 'The long name of a group of people who sing';
    await ann.rest('POST', '/threads', { participants: [ben.id], group: { name } });
    const { page } = await stage.enter(ben, PHONE);
    await page.locator('#threads').getByRole('button', { name }).tap();
    const opener = page.getByRole('button', { name: 'Conversation menu' });
    const item = words => page.getByRole('menuitem', { name: words, exact: true });
    const isOpen = async () => await opener.getAttribute('aria-expanded') === 'true' && await page.getByRole('menu').isVisible();
    const hasFocus = locator => becomes('it has the focus', () => locator.evaluate(each => each === document.activeElement));
    await opener.waitFor();
    const title = await box(page.locator('#title'));
    assert.ok(title.right - title.left >= PHONE.viewport.width * 0.55, `${title.right - title.left} of ${PHONE.viewport.width}`);
    // By keys.
    await opener.focus();
    await page.keyboard.press('Enter');
    assert.equal(await isOpen(), true);
    await hasFocus(item('Mute'));
    await page.keyboard.press('ArrowDown');
    await hasFocus(item('Archive'));
    await page.keyboard.press('ArrowDown');
    await hasFocus(item('Mute'));
    await page.keyboard.press('End');
    await hasFocus(item('Archive'));
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    await hasFocus(item('Archive'));
    await page.keyboard.press('Escape');
    assert.equal(await isOpen(), false);
    await hasFocus(opener);
    assert.equal(await page.locator('#title').textContent(), name, 'the conversation stays open');
    await page.keyboard.press('Space');
    await hasFocus(item('Mute'));
    await page.keyboard.press('Tab');
    assert.equal(await isOpen(), false);
    // A press elsewhere closes it; one in it does what it says, and the focus is back afterwards.
    await opener.tap();
    await page.locator('#scroller').tap();
    assert.equal(await isOpen(), false);
    await opener.tap();
    await item('Mute').tap();
    await page.getByRole('button', { name: 'For one hour' }).tap();
    await hasFocus(opener);
    await opener.tap();
    await item('Muted').waitFor();
    await item('Archive').tap();
    assert.equal(await isOpen(), false);
    await opener.tap();
    await item('Unarchive').tap();
    // On wide screens the same are buttons beside the title.
    await page.setViewportSize(DESKTOP.viewport);
    for (const words of ['Muted', 'Archive']) await page.getByRole('button', { name: words, exact: true }).waitFor();
    assert.equal(await opener.isVisible(), false);
  });

  test('on the smallest screen the messages have at least half of it', async () => {
    const { ann, ben } = await conversation(stage);
    const { page } = await stage.enter(ben, TINY);
    await openAt(page, ann, 'the end');
    const { top, bottom } = await box(page.locator('#scroller'));
    assert.ok(bottom - top >= TINY.viewport.height / 2, `${bottom - top} of ${TINY.viewport.height}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.equal(await field(page).isVisible(), true);
  });
});
