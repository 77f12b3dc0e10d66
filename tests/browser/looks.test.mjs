// Every view of the page at three sizes, in light and in dark colours: the contrast of every text, the
// rules of axe-core, and that nothing sticks out. With PAGE_PICTURES=FOLDER pictures are kept there. Files
// and what is sent later are in looks-files.test.mjs.
//
// Needs `tests/services browser` (Chromium, playwright-core and axe-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { contrasts } from './contrast.mjs';
import { CONTRAST_MIN, SIZES, axe, looker } from './looks.mjs';
import { group } from './scene.mjs';
import { field, message, onWindows, tell } from './windows.mjs';

const END = 'There is the pear tree';

// What the page looks like does not depend on what is behind it.
onWindows('looks', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);

  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      test(`every text has enough contrast, and axe-core finds nothing, on ${size} in ${colorScheme} colours`, { timeout: 300_000 }, async () => {
        const { ann, ben, mei, thread } = await group(stage);
        const { page, link } = await stage.enter(ben, { ...options, colorScheme, reducedMotion: 'reduce' });
        const button = name => page.getByRole('button', { name, exact: true });
        const look = await looker(page, size, colorScheme);
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

      test(`blocks and reports do, too, on ${size} in ${colorScheme} colours`, { timeout: 300_000 }, async () => {
        const [ann, ben] = stage.people('ann', 'ben');
        const root = new Person(stage.system, 'root', { role: 'admin' });
        for (const [{ id }, name] of [[ann, 'Ann Lee'], [ben, 'Ben Okafor']]) assert.equal((await root.api('PUT', `/users/${id}`, { name })).status, 200);
        await tell(ann, await ann.startThread(ben), 'Are you still there?');
        const { page } = await stage.enter(ben, { ...options, colorScheme, reducedMotion: 'reduce' });
        const look = await looker(page, size, colorScheme);
        const button = name => page.getByRole('button', { name, exact: true });
        await page.locator('#threads').getByRole('button', { name: 'Ann Lee' }).click();
        const item = message(page, 'Are you still there?');
        await item.waitFor();
        if (size !== 'desktop') await button('Conversation menu').click();
        await look('a chat of two');
        if (size !== 'desktop') await page.keyboard.press('Escape');
        const openReport = async () => {
          await becomes('its tools are there', async () => {
            await (options.hasTouch ? item.locator('time').tap() : item.hover());
            return item.getByRole('toolbar').isVisible();
          });
          await item.getByRole('button', { name: 'Report', exact: true }).click();
        };
        await openReport();
        await look('reporting a message');
        await page.getByLabel('More about it, if you like').fill('x'.repeat(501));
        await page.getByLabel('Advertising or fraud').check();
        await button('Send the report').click();
        await page.getByText('That can have 500 characters. This has 501.').waitFor();
        await look('a report that is too long');
        await page.getByLabel('More about it, if you like').fill('');
        await button('Send the report').click();
        await page.getByText('Thank you for telling us.').waitFor();
        await look('thanks for a report');
        await openReport();
        await page.getByText('You have reported this message').waitFor();
        await look('a message that is reported');
        await page.keyboard.press('Escape');
        if (size !== 'desktop') await button('Conversation menu').click();
        await page.getByRole(size === 'desktop' ? 'button' : 'menuitem', { name: 'Block Ann Lee', exact: true }).click();
        await page.getByText('Block Ann Lee?').waitFor();
        await look('before somebody is blocked');
        await page.locator('#sure-yes').click();
        await page.getByText('You have blocked Ann Lee.').waitFor();
        await look('somebody is blocked');
        await page.getByRole('button', { name: /^Notifications/ }).click();
        await button('Settings').click();
        await page.locator('#blocks').getByText('Ann Lee').waitFor();
        await page.locator('#blocks').scrollIntoViewIfNeeded();
        await look('who is blocked');
        await button('Unblock Ann Lee').click();
        await page.locator('#blocks-words').getByText('You have unblocked Ann Lee.').scrollIntoViewIfNeeded();
        await look('who was unblocked');
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
