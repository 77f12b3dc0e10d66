// Everything on the page without a mouse: only keys are pressed. After every step the focus is somewhere and
// can be seen; what was opened gives it back; Escape closes one layer. The page of operators is in
// keyboard-ops.test.mjs.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { png } from './files.mjs';
import { keysOf, messageKeys } from './keys.mjs';
import { message, onWindows, tell } from './windows.mjs';

const DESKTOP = { viewport: { width: 1100, height: 800 }, locale: 'en-US' };

onWindows('the page by keys', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);

  /** People with names that nobody else has; `word` is the part of a name that they are found by. */
  async function called(...names) {
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const people = stage.people(...names);
    for (const person of people) {
      person.word = `Q${person.id.split('-').at(-1)}`;
      person.name = `${person.id.split('-')[0]} ${person.word}`;
      assert.equal((await root.api('PUT', `/users/${person.id}`, { name: person.name })).status, 200);
    }
    const found = async person => (await people[0].api('GET', `/users/search?q=${person.word}`)).users?.length > 0;
    for (const person of people.slice(1)) await becomes(`${person.name} is found`, () => found(person));
    return [root, ...people];
  }

  /** A window in which somebody has signed in by keys. */
  async function open(person) {
    const { page } = await stage.openWindow(DESKTOP);
    const keys = keysOf(page);
    const at = selector => keys.at(page.locator(selector));
    const to = (selector, key) => keys.tabTo(page.locator(selector), key);
    const back = selector => to(selector, 'Shift+Tab');
    /** Presses a key that leads there. */
    const leads = key => async selector => { await keys.press(key); await at(selector); };
    const button = (name, within = page) => within.getByRole('button', { name, exact: true });
    await page.locator('#token').waitFor();
    await to('#token');
    await page.keyboard.insertText(person.token);
    await keys.press('Enter');
    await at('#new-chat');
    await page.locator('#connection.up').waitFor();
    return { page, keys, at, to, back, enter: leads('Enter'), escape: leads('Escape'), button, ...messageKeys(page, keys) };
  }

  /** In the dialog that is open: types what somebody is found by, and takes them. */
  async function pick({ page, keys, at }, person) {
    await at('#whom');
    await keys.type(person.word);
    await page.locator('#candidates button').filter({ hasText: person.name }).waitFor();
    await keys.press('ArrowDown');
    await keys.at(page.locator('#candidates button').first());
    await keys.press('Enter');
  }

  /** A window on a conversation of two in which the other one has said something. */
  async function enterChat(words) {
    const [root, ann, ben] = await called('ann', 'ben');
    const thread = await ann.startThread(ben);
    const said = await tell(ben, thread, words);
    const window = await open(ann);
    await window.to(`#threads [data-id="${thread}"]`);
    await window.keys.press('Enter');
    await window.item(words).waitFor();
    await window.at('#text');
    return { ...window, root, ann, ben, thread, said };
  }

  test('somebody is found, written to, and answered', async () => {
    const [, ann, ben] = await called('ann', 'ben');
    const window = await open(ann);
    const { page, keys, at, enter, escape, back, toMessage, tool, item, button } = window;
    await enter('#whom');
    await escape('#new-chat');
    await keys.press('Enter');
    await pick(window, ben);
    await at('#text');
    await keys.type('hello');
    await keys.press('Enter');
    await message(page, 'hello').waitFor();
    await at('#text');
    // What was said is said differently; Escape leaves it as it is.
    await keys.press('ArrowUp');
    await page.locator('#editing').waitFor();
    await keys.press('Escape');
    await page.locator('#editing').waitFor({ state: 'hidden' });
    await keys.press('ArrowUp', 'End');
    await keys.type(' there');
    await keys.press('Enter');
    await message(page, 'hello there').waitFor();
    await at('#text');

    const thread = (await ben.rest('GET', '/threads')).threads[0]._id;
    await tell(ben, thread, 'a question for you');
    await toMessage('a question for you');
    await tool('Reply');
    await at('#text');
    await page.locator('#answering').waitFor();
    await back('#stop-answering');
    await enter('#text');
    await toMessage('a question for you');
    await tool('Reply');
    await keys.type('an answer');
    await keys.press('Enter');
    await message(page, 'an answer').locator('.quote').waitFor();
    await at('#text');

    // An emoji: out of the row, and out of all of them.
    await toMessage('a question for you');
    await tool('React');
    await keys.at(button('React with thumbs up'));
    await keys.press('Escape');
    await keys.at(button('React'));
    await keys.press('Escape');
    await keys.at(item('a question for you'));
    await tool('React');
    await keys.tabTo(button('React with another emoji'));
    await enter('#emoji-words');
    await keys.press('Escape');
    await keys.at(item('a question for you'));
    await tool('React');
    await keys.tabTo(button('React with another emoji'));
    await enter('#emoji-words');
    await keys.type('evergreen');
    await page.getByRole('button', { name: 'evergreen tree' }).waitFor();
    await keys.press('ArrowDown');
    await keys.at(page.locator('#emoji-signs button').first());
    await keys.press('Enter');
    await keys.at(item('a question for you'));
    await item('a question for you').getByRole('button', { name: /^🌲, 1 person/ }).waitFor();
  });

  test('what was said is pinned, taken back, marked as unread, searched for, and gone to', async () => {
    const { page, keys, at, enter, escape, back, to, toMessage, tool, item, ann, thread } = await enterChat('the pear tree');
    await tell(ann, thread, 'never mind');
    await toMessage('the pear tree');
    await tool('Pin');
    await keys.at(item('the pear tree'));
    await page.locator('#pins').waitFor();
    await toMessage('never mind');
    await back('#pins');
    await keys.press('Enter');
    await keys.at(item('the pear tree'));

    await toMessage('never mind');
    await tool('Take back');
    await at('#keep');
    await keys.press('Escape');
    await keys.at(item('never mind'));
    await tool('Take back');
    await to('#take-back-now');
    await keys.press('Enter');
    await item('Message taken back').waitFor();
    await keys.at(item('Message taken back'));

    await toMessage('the pear tree');
    await tool('Unread');
    await at(`#threads [data-id="${thread}"]`);
    await page.locator(`#threads [data-id="${thread}"] .unread`).waitFor();

    await back('#words');
    await keys.type('pear');
    await becomes('it is found', async () => {
      await keys.press('Enter');
      return page.locator('#hits button').first().waitFor({ timeout: 500 }).then(() => true, () => false);
    });
    await at('#words');
    await to('#hits button');
    await keys.press('Enter');
    await keys.at(item('the pear tree'));
    await back('#words');
    await keys.press('Escape');
    await page.locator('#found').waitFor({ state: 'hidden' });
    await at('#words');
  });

  test('a group is founded, its people are mentioned, added and removed, and it is muted and archived', async () => {
    const [, ann, ben, mei, eve] = await called('ann', 'ben', 'mei', 'eve');
    const window = await open(ann);
    const { page, keys, at, enter, escape, back, to, button } = window;
    await to('#new-group');
    await enter('#new-name');
    await keys.type('Garden party');
    await keys.press('Tab', 'Tab');
    for (const person of [ben, mei]) await pick(window, person);
    await at('#whom');
    await to('#use-chosen');
    await enter('#text');

    await keys.type(`@${ben.word}`);
    await page.getByRole('listbox', { name: 'People to mention' }).waitFor();
    await keys.press('Escape');
    await page.locator('#offers').waitFor({ state: 'hidden' });
    assert.equal(await page.locator('#text').inputValue(), `@${ben.word}`);
    await keys.press('Control+a', 'Delete');
    await keys.type('Come, @');
    await page.locator('#offers li').nth(1).waitFor();
    await keys.press('ArrowDown', 'ArrowUp', 'Enter');
    await at('#text');
    assert.equal(await page.locator('#text').inputValue(), `Come, @${ben.name} `);
    await keys.press('Enter');
    await page.locator('#messages .mention').waitFor();

    await back('#show-members');
    await keys.press('Enter');
    await page.getByRole('dialog', { name: '3 members' }).waitFor();
    await to('#add-members');
    await keys.press('Enter');
    await pick(window, eve);
    await to('#use-chosen');
    await enter('#add-members');
    await page.getByRole('dialog', { name: '4 members' }).waitFor();
    await keys.tabTo(button(`Change ${eve.name}`));
    await keys.press('Enter');
    await keys.at(button(`Change ${eve.name}`));
    await keys.tabTo(button('Remove'));
    await enter('#sure-no');
    await keys.press('Escape');
    await keys.at(button('Remove'));
    await keys.press('Enter');
    await to('#sure-yes');
    await keys.press('Enter');
    await page.getByRole('dialog', { name: '3 members' }).waitFor();
    await at('#members, #members *');
    await back('#edit-group');
    await enter('#group-name');
    await escape('#edit-group');
    await escape('#show-members');

    await to('#mute');
    await keys.press('Enter');
    await keys.at(button('For one hour'));
    await escape('#mute');
    await keys.press('Enter', 'Enter');
    await button('Muted').waitFor();
    await at('#mute');
    await to('#archive');
    await keys.press('Enter');
    await button('Unarchive').waitFor();
    await at('#archive');
    await back('#show-archived');
    await keys.press('Enter');
    await page.locator('#threads button', { hasText: 'Garden party' }).waitFor();
    await at('#show-archived');
  });

  test('a file is attached and looked at; a message is sent later and cancelled', async () => {
    const { page, keys, at, enter, escape, back, to, toMessage, item, button } = await enterChat('hello');
    await page.locator('#attach').waitFor();
    await back('#attach');
    const chooser = page.waitForEvent('filechooser');
    await keys.press('Enter');
    await (await chooser).setFiles({ name: 'shade.png', mimeType: 'image/png', buffer: png(300, 200) });
    await at('#text');
    await back('#attached .remove');
    await to('#text');
    await keys.type('here it is');
    await keys.press('Enter');
    await message(page, 'here it is').locator('.small-picture').waitFor();
    await at('#text');
    await toMessage('here it is');
    await keys.tabTo(item('here it is').locator('.small-picture'));
    await enter('#close-viewer');
    await back('#save-picture');
    await keys.press('Escape');
    await keys.at(item('here it is').locator('.small-picture'));

    await to('#text');
    await keys.type('not now');
    await to('#send-later');
    await keys.press('Enter', 'ArrowDown', 'End');
    await keys.at(page.getByRole('menuitem', { name: 'Pick date and time' }));
    await escape('#send-later');
    await keys.press('Enter');
    await keys.at(page.getByRole('menuitem', { name: /^In an hour/ }));
    await keys.press('End', 'Enter');
    await at('#when');
    await escape('#text');
    await to('#send-later');
    await keys.press('Enter', 'Enter');
    await at('#text');
    await page.locator('#later-here').waitFor();
    await back('#later-here');
    await keys.press('Enter');
    await keys.tabTo(button('Change', page.locator('#later')));
    await keys.press('Enter');
    await keys.at(page.getByLabel('Text of the message'));
    await keys.press('Escape');
    await keys.at(button('Change', page.locator('#later')));
    await keys.tabTo(button('Cancel message'));
    await enter('#sure-no');
    await keys.press('Escape');
    await keys.at(button('Cancel message'));
    await keys.press('Enter');
    await to('#sure-yes');
    await keys.press('Enter');
    await page.getByText('Nothing waits to be sent.').waitFor();
    await at('#later, #later *');
    await escape('#text');
  });

  test('somebody is reported, blocked and unblocked; notifications are read, settings changed, and one signs out', async () => {
    const { page, keys, at, enter, escape, back, to, toMessage, tool, item, button, root, ann, ben, thread } = await enterChat('buy this');
    await toMessage('buy this');
    await tool('Report');
    await page.locator('#report').waitFor();
    await keys.press('Escape');
    await keys.at(item('buy this'));
    await tool('Report');
    await to('#reasons input');
    await keys.press('Space');
    await to('#send-report');
    await keys.press('Enter');
    await page.locator('#told').getByText('Thank you for telling us.').waitFor();
    await keys.at(item('buy this'));

    await back('#block');
    await enter('#sure-no');
    await escape('#block');
    await keys.press('Enter');
    await to('#sure-yes');
    await keys.press('Enter');
    await page.locator('#told').getByText(`You have blocked ${ben.name}`).waitFor();
    await at('#new-chat');

    for (const title of ['Your order is ready', 'A new date']) await root.api('POST', '/notifications', { userId: ann.id, type: 'order_update', title });
    await page.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor();
    await back('#bell');
    await enter('#inbox');
    await keys.tabTo(button('Mark as read').last());
    await keys.press('Enter');
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor();
    await keys.at(page.locator('#notifications li').last().getByRole('button', { name: 'Delete' }));
    await escape('#bell');
    await keys.press('Enter');
    await to('#words');
    await page.locator('#inbox').waitFor({ state: 'hidden' });
    await back('#bell');
    await keys.press('Enter');
    await to('#open-settings');
    await keys.press('Enter');
    await page.getByRole('dialog', { name: 'Notification settings' }).waitFor();
    await to('#quiet');
    await keys.press('Space');
    await page.locator('#settings-saved').getByText('Saved.').waitFor();
    await to('#quiet-from');
    await keys.type('1030PM');
    const quiet = async () => (await ann.api('GET', '/notifications/preferences')).preferences.quietHours;
    await becomes('quiet hours are set', async () => {
      const { enabled, from } = await quiet();
      return enabled && from === '22:30';
    });
    assert.equal(await page.locator('#quiet-from').inputValue(), '22:30');
    await keys.tabTo(button(`Unblock ${ben.name}`));
    await keys.press('Enter');
    await page.locator('#blocks-words').getByText('You have unblocked').waitFor();
    await at('#settings, #settings *');
    await escape('#bell');
    await page.locator(`#threads [data-id="${thread}"]`).waitFor();
    await to('#sign-out');
    await keys.leave('Enter');
    await page.locator('#token').waitFor();
    await to('#token');
    assert.equal(await page.evaluate(() => sessionStorage.getItem('token')), null);
  });

  test('Tab goes through the page in the order in which it is read', async () => {
    const { page, keys, item } = await enterChat('hello');
    await page.keyboard.press('Escape');
    await keys.tabTo(page.locator('#bell'), 'Shift+Tab');
    const places = [];
    for (let stops = 0; stops < 40 && !await keys.has(page.locator('#text')); stops += 1) {
      places.push(await page.evaluate(() => {
        const { activeElement: at } = document;
        const { top, bottom, left } = at.getBoundingClientRect();
        return { what: at.id || at.textContent.trim(), top, bottom, left, part: at.closest('header, aside, #thread-header, #scroller, #composer')?.localName ?? '' };
      }));
      await keys.press('Tab');
    }
    assert.ok(places.length > 8 && await keys.has(page.locator('#text')), JSON.stringify(places));
    await item('hello').waitFor();
    for (const [n, { part, top, bottom, left }] of places.entries()) {
      const before = places[n - 1];
      if (before?.part !== part) continue;
      const isBelow = bottom > before.top, isBehind = top >= before.bottom - 1 || left >= before.left;
      assert.ok(isBelow && isBehind, `${places[n].what} stands before ${before.what}`);
    }
  });
}, ['single'], { PEOPLE_SEARCH: 'everybody' });
