// Every view of the page at three sizes, in light and in dark colours: the contrast of every text, the rules
// of axe-core, and that nothing sticks out. With PAGE_PICTURES=FOLDER pictures are kept there.
//
// Needs `tests/services browser` (Chromium, playwright-core and axe-core).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { contrasts } from './contrast.mjs';
import { group } from './scene.mjs';
import { field, message, onWindows } from './windows.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = {
  desktop: { viewport: { width: 1100, height: 800 } },
  phone: { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true },
  // As a page of 1280 × 1024 is at 400 %.
  tiny: { viewport: { width: 320, height: 256 } },
};
/** Text on its ground (WCAG 1.4.3). */
const CONTRAST_MIN = 4.5;
/** What a finger hits (WCAG 2.5.5). */
const TARGET_MIN_PX = 44;
const END = 'There is the pear tree';

/**
 * For `page.evaluate`: what can be pressed and is smaller than that, but for what stands in a text, and in
 * messages, whose tools phone.test.mjs measures. An open dialog is before all else.
 */
function tooSmall(least) {
  const all = (document.querySelector('dialog[open]') ?? document).querySelectorAll('button, input, select, textarea, [role="option"]');
  return [...all].filter(each => each.checkVisibility() && !each.closest('#messages li') && !each.matches('.unseen')).map(each => {
    const { width, height } = (each.type === 'checkbox' ? each.closest('label') : each).getBoundingClientRect();
    return { what: each.id || each.textContent || each.className, width: Math.round(width), height: Math.round(height) };
  }).filter(({ width, height }) => width < least || height < least);
}

// What the page looks like does not depend on what is behind it.
onWindows('looks', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);

  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      test(`every text has enough contrast, and axe-core finds nothing, on ${size} in ${colorScheme} colours`, { timeout: 300_000 }, async () => {
        const { ann, ben, mei, thread } = await group(stage);
        const { page, link } = await stage.enter(ben, { ...options, colorScheme, reducedMotion: 'reduce' });
        const button = name => page.getByRole('button', { name, exact: true });
        const weak = async () => (await page.evaluate(contrasts)).filter(({ ratio }) => ratio < CONTRAST_MIN);
        await page.evaluate(axe);
        const look = async what => {
          if (process.env.PAGE_PICTURES) await page.screenshot({ path: join(process.env.PAGE_PICTURES, `${size}-${colorScheme}-${what.replaceAll(' ', '-')}.png`) });
          assert.deepEqual(await weak(), [], what);
          const { violations } = await page.evaluate(() => window.axe.run());
          assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(each => each.html)]), [], what);
          if (options.hasTouch) assert.deepEqual(await page.evaluate(tooSmall, TARGET_MIN_PX), [], what);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what}: nothing sticks out`);
        };
        const open = async () => {
          await page.locator('#threads').getByRole('button', { name: 'Garden party' }).click();
          await message(page, END).waitFor();
        };

        await page.locator('#threads .mentions-me').waitFor();
        await page.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor();
        await look('the list');
        await page.getByRole('button', { name: /^Notifications/ }).click();
        await page.locator('#notifications li.is-new').nth(1).waitFor();
        await look('notifications');
        await button('Settings').click();
        await page.getByText('Mentions of me').waitFor();
        await look('settings');
        await page.keyboard.press('Escape');
        await button('New group').click();
        await page.getByLabel('Name or user id').fill('mei');
        await page.locator('#candidates button').first().waitFor();
        await look('a new group');
        await page.keyboard.press('Escape');
        await page.getByLabel('Search messages').fill('shade');
        await becomes('it is found', async () => {
          await page.getByLabel('Search messages').press('Enter');
          return page.locator('#hits mark').first().isVisible();
        });
        await look('what was found');
        await page.getByLabel('Search messages').fill('');

        await open();
        await page.locator('.new-line').waitFor();
        for (const each of [ann, mei]) await each.rest('POST', `/threads/${thread}/read`, {});
        await page.locator('.ticks.read').first().waitFor();
        await page.locator('.mention.me').first().waitFor();
        await page.locator('#pins').waitFor();
        await look('the conversation');
        await button('edited').first().click();
        await page.getByText('and I the chairs').waitFor();
        await look('earlier wordings');
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Members' }).click();
        await page.getByRole('dialog', { name: '3 members' }).waitFor();
        await look('the members');
        await button('Change Mei Tanaka').click();
        await look('what an owner can do with a member');
        await button('Remove').click();
        await page.getByText('Remove Mei Tanaka from the group?').waitFor();
        await look('before somebody is removed');
        await page.keyboard.press('Escape');
        await button('Name and picture').click();
        await page.getByLabel('Name', { exact: true }).fill('Garden party on Sunday');
        await ann.rest('PATCH', `/threads/${thread}`, { name: 'Garden party in May' });
        await page.getByText('Meanwhile the group was named').waitFor();
        await page.getByLabel('Name', { exact: true }).fill('x'.repeat(101));
        await button('Save').click();
        await page.getByText('at most 100 characters').waitFor();
        await look('the form of a group');
        await button('Cancel').click();
        await button('Add people').click();
        await page.getByLabel('Name or user id').fill(mei.id);
        await page.getByText('in the group already').waitFor();
        await page.getByLabel('Name or user id').fill('Somebody');
        await page.locator('#use-as-is').click();
        await look('adding people');
        await page.keyboard.press('Escape');
        await button('Leave the group').click();
        await look('before leaving');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
        await page.locator('#messages li.line').getByText('The group is called').waitFor();
        if (size !== 'desktop') {
          await button('Conversation menu').click();
          await look('the menu');
          await page.keyboard.press('Escape');
          await button('Conversation menu').click();
        }
        await page.getByRole(size === 'desktop' ? 'button' : 'menuitem', { name: 'Mute', exact: true }).click();
        await look('muting');
        await page.keyboard.press('Escape');
        // What arrives meanwhile moves the message away from under the pointer: then it is pointed at anew.
        const last = page.locator('#messages li[data-message-id]').last();
        await becomes('its tools are there', async () => {
          await (options.hasTouch ? last.locator('time').tap() : last.hover());
          return last.getByRole('toolbar').isVisible();
        });
        await look('the tools of a message');
        await last.getByRole('button', { name: 'Reply', exact: true }).click();
        await field(page).fill('x'.repeat(10_001));
        await look('an answer that is too long');
        await field(page).fill('');
        await page.keyboard.type('@');
        await page.getByRole('listbox', { name: 'People to mention' }).waitFor();
        await look('whom to mention');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
        await button('Emoji').click();
        await page.getByText('Smileys & Emotion').waitFor();
        // All 1,900 of them would be looked at for minutes, and are alike.
        await page.getByLabel('Search emoji').fill('tree');
        await page.locator('#emoji-signs button').first().waitFor();
        await look('the emoji');
        await page.locator('#close-emoji').click();

        // Two devices have begun something else.
        await field(page).fill('');
        link.cut();
        await page.locator('#connection.down').waitFor();
        await field(page).fill('I look for a parasol');
        const draft = `/threads/${thread}/draft`;
        await ben.rest('PUT', draft, { content: 'No shade in my garden, but I have two parasols that I could bring' });
        link.mend();
        await page.locator('#other-draft').waitFor();
        await look('two drafts');
        await button('Use that').click();
        link.cut();
        await page.locator('#connection.down').waitFor();
        await field(page).fill('waits');
        await page.getByRole('button', { name: 'Send', exact: true }).click();
        await page.getByText('waiting for the connection …').waitFor();
        await look('without a connection');
        link.mend();
        await page.locator('#connection.up').waitFor({ state: 'attached' });
        await ann.rest('DELETE', `/threads/${thread}/members/${ben.id}`);
        await page.getByText('Ann Lee removed you from “Garden party in May”.').waitFor();
        await look('who was removed');
      });
    }
  }

  test('both ways of looking find what is wrong', async () => {
    const { ben } = await group(stage);
    const { page } = await stage.enter(ben, SIZES.desktop);
    await page.evaluate(axe);
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
    await page.evaluate(() => {
      document.getElementById('me').style.color = '#808080';
      document.getElementById('new-chat').textContent = '';
    });
    assert.ok((await page.evaluate(contrasts)).some(({ ratio }) => ratio < CONTRAST_MIN));
    const found = (await page.evaluate(() => window.axe.run())).violations.map(({ id }) => id);
    assert.ok(found.includes('button-name') && found.includes('color-contrast'), found.join());
  });
}, ['single']);
