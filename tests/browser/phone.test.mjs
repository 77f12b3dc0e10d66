// The page under fingers, on small screens, and for people who see or hear less: the way back, sizes of what
// is pressed, contrast, and the rules of axe-core.
//
// Needs `tests/services browser` (Chromium, playwright-core and axe-core).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { contrasts } from './contrast.mjs';
import { entry, field, message, onWindows, openAt, tell } from './windows.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 375, height: 800 }, hasTouch: true, isMobile: true };
const DESKTOP = { viewport: { width: 1100, height: 800 } };
/** As a page of 1280 × 1024 is at 400 %. */
const TINY = { viewport: { width: 320, height: 256 } };
/** What a finger hits (WCAG 2.5.5). */
const TARGET_MIN_PX = 44;
/** Text on its ground (WCAG 1.4.3). */
const CONTRAST_MIN = 4.5;

onWindows('the page on phones', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);

  /** Two people, and what their conversation can look like: quotes, code, a reaction, a long text. */
  async function conversation() {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    const { _id: first } = await tell(ann, thread, 'see https://example.com, *loud* and `code`');
    await tell(ben, thread, 'an answer', { replyTo: first });
    await tell(ann, thread, 'a question', { replyTo: first });
    await tell(ben, thread, `long ${'and long '.repeat(60)}`);
    await ann.rest('POST', `/${first}/reactions`, { emoji: '🎉', action: 'add' });
    await tell(ben, thread, '`mine` https://example.com/mine');
    await tell(ann, thread, 'the end');
    return { ann, ben, thread, first };
  }

  const box = locator => locator.evaluate(each => {
    const { left, top, right, bottom } = each.getBoundingClientRect();
    return { left, top, right, bottom };
  });
  const overlap = (one, other) => one.left < other.right - 1 && other.left < one.right - 1 && one.top < other.bottom - 1 && other.top < one.bottom - 1;

  test('the way back of the phone leads from a conversation to the list, and never into it again', async () => {
    const { ann, ben, thread } = await conversation();
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
    const { ann, ben } = await conversation();
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
      for (const name of ['Back to the conversations', 'Send', 'Emoji', 'Archive', 'Mute']) {
        const { left, top, right, bottom } = await box(page.getByRole('button', { name, exact: true }));
        assert.ok(right - left >= TARGET_MIN_PX && bottom - top >= TARGET_MIN_PX, `${name} ${right - left} × ${bottom - top}`);
      }
    }
  });

  test('on the smallest screen the messages have at least half of it', async () => {
    const { ann, ben } = await conversation();
    const { page } = await stage.enter(ben, TINY);
    await openAt(page, ann, 'the end');
    const { top, bottom } = await box(page.locator('#scroller'));
    assert.ok(bottom - top >= TINY.viewport.height / 2, `${bottom - top} of ${TINY.viewport.height}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.equal(await field(page).isVisible(), true);
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`every text has enough contrast, and axe-core finds nothing, in ${colorScheme} colours`, async () => {
      const { ann, ben, thread } = await conversation();
      const { page, link } = await stage.enter(ben, { ...DESKTOP, colorScheme, reducedMotion: 'reduce' });
      await entry(page, ann).locator('.unread').waitFor();
      await page.evaluate(axe);
      const look = async what => {
        const weak = (await page.evaluate(contrasts)).filter(({ ratio }) => ratio < CONTRAST_MIN);
        assert.deepEqual(weak, [], what);
        const { violations } = await page.evaluate(() => window.axe.run());
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(each => each.html)]), [], what);
      };
      await look('the list');
      await openAt(page, ann, 'the end');
      await page.locator('.new-line').waitFor();
      await ann.rest('POST', `/threads/${thread}/read`, {});
      await page.locator('.ticks.read').first().waitFor();
      await look('the conversation');
      // What arrives meanwhile moves the message away from under the pointer: then it is pointed at anew.
      await becomes('it is being answered', async () => {
        await message(page, 'an answer').hover();
        await message(page, 'an answer').getByRole('button', { name: 'Reply', exact: true }).click({ timeout: 10_000 }).catch(() => {});
        return page.locator('#answering').isVisible();
      });
      await field(page).fill('x'.repeat(10_001));
      await look('an answer that is too long');
      await page.getByRole('button', { name: 'Emoji', exact: true }).click();
      await page.getByText('Smileys & Emotion').waitFor();
      await look('the emoji');
      await page.keyboard.press('Escape');
      await field(page).fill('');
      // Every colour that a picture of initials can have.
      await page.evaluate(() => {
        document.getElementById('threads').replaceChildren(...Array.from({ length: 8 }, (_, n) => {
          const item = document.createElement('li');
          const picture = document.createElement('span');
          picture.className = `picture hue-${n}`;
          picture.textContent = 'AB';
          item.append(picture);
          return item;
        }));
      });
      assert.deepEqual((await page.evaluate(contrasts)).filter(({ ratio }) => ratio < CONTRAST_MIN), []);
      // Both find what is wrong.
      await page.evaluate(() => {
        document.getElementById('title').style.color = '#808080';
        document.getElementById('send').textContent = '';
      });
      assert.ok((await page.evaluate(contrasts)).some(({ ratio }) => ratio < CONTRAST_MIN));
      const found = (await page.evaluate(() => window.axe.run())).violations.map(({ id }) => id);
      assert.ok(found.includes('button-name') && found.includes('color-contrast'), found.join());
      await page.evaluate(() => document.getElementById('title').removeAttribute('style'));
      link.cut();
      await page.locator('#connection.down').waitFor();
      await field(page).fill('waits');
      await field(page).press('Enter');
      await page.getByText('waiting for the connection …').waitFor();
      assert.deepEqual((await page.evaluate(contrasts)).filter(({ ratio }) => ratio < CONTRAST_MIN), []);
    });
  }
});
