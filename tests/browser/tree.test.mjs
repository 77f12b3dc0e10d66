// Each view as screen readers get it: its tree is as in tests/browser/trees/, what can be used has a name, and
// there is one first heading. After a change of the page that is meant, PAGE_TREES=write writes the files anew.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { png, sendFiles } from './files.mjs';
import { enterOps, live } from './ops.mjs';
import { group } from './scene.mjs';
import { compare, holds } from './trees.mjs';
import { message, onWindows, tell } from './windows.mjs';

const OPTIONS = { viewport: { width: 1100, height: 800 }, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' };
const END = 'There is the pear tree';
const HOUR_MS = 3_600_000;
const AT = '2026-01-13T22:40:00.000Z';

onWindows('trees of the page', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const looker = page => async (name, options) => {
    await holds(page, name);
    await compare(page, name, options);
  };
  /** Closes the dialog that is open. */
  const leave = async page => {
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'hidden' });
  };

  test('the door', async () => {
    const { page } = await stage.openWindow(OPTIONS);
    await page.locator('#no-demo').waitFor();
    await looker(page)('door');
  });

  test('the list, notifications, settings, search, and who is to be talked with', { timeout: 120_000 }, async () => {
    const { ben, mei } = await group(stage);
    const { page } = await stage.enter(ben, OPTIONS);
    const look = looker(page);
    const button = name => page.getByRole('button', { name, exact: true });
    await page.locator('#threads .mentions-me').waitFor();
    await page.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor();
    await look('list');
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await page.locator('#notifications li.is-new').nth(1).waitFor();
    await look('notifications', { within: '#inbox' });
    await button('Settings').click();
    await page.getByText('Mentions of me').waitFor();
    // A browser's time zones are many, and others in another version.
    await page.evaluate(() => document.querySelectorAll('#time-zone option:not(:checked)').forEach(each => each.remove()));
    await look('settings', { within: '#settings' });
    await leave(page);
    await page.getByLabel('Search messages').fill('shade');
    await becomes('it is found', async () => {
      await page.getByLabel('Search messages').press('Enter');
      return page.locator('#hits mark').first().isVisible();
    });
    await look('search', { within: 'aside' });
    await page.getByLabel('Search messages').fill('');
    await button('Start a chat').click();
    await page.locator('#picker-words').getByText('People you talk with').waitFor();
    await look('new-chat', { within: '#picker' });
    await leave(page);
    await button('New group').click();
    await page.getByLabel('Name or user id').fill(mei.id);
    await page.locator('#candidates button').first().click();
    await page.locator('#picked li').waitFor();
    await look('new-group', { within: '#picker' });
    await leave(page);
  });

  test('a conversation, its members, a picture of it, and what it is sent later', { timeout: 120_000 }, async () => {
    const { ann, ben, mei, thread } = await group(stage);
    const { page } = await stage.enter(ben, OPTIONS);
    const look = looker(page);
    const button = name => page.getByRole('button', { name, exact: true });
    await page.locator('#threads').getByRole('button', { name: 'Garden party' }).click();
    await message(page, END).waitFor();
    for (const each of [ann, mei]) await each.rest('POST', `/threads/${thread}/read`, {});
    await page.locator('.ticks.read').first().waitFor();
    await page.locator('#pins').waitFor();
    await page.locator('#messages li').last().focus();
    await page.getByRole('toolbar').waitFor();
    await becomes('all of it is read', async () => await page.locator('#threads .unread').count() === 0);
    await page.locator('.new-line').waitFor();
    await look('conversation', { within: '#conversation' });
    await button('Members').click();
    await page.getByRole('dialog', { name: '3 members' }).waitFor();
    await button('Change Mei Tanaka').click();
    await look('members', { within: '#members' });
    await leave(page);

    await sendFiles(stage, ann, thread, 'The way there', [['the way there.png', png(300, 200)], ['who brings what.txt', 'Mei: cake']]);
    await sendFiles(stage, ann, thread, 'And back', [['back.png', png(300, 200)]]);
    await message(page, 'And back').waitFor();
    await page.getByRole('button', { name: 'Picture the way there.png' }).click();
    await page.locator('#viewer-words:empty').waitFor({ state: 'attached' });
    await page.locator('#viewer-place').getByText('1 of 2').waitFor();
    await look('viewer', { within: '#viewer' });
    await leave(page);
    await ben.rest('POST', `/${thread}`, { content: 'Do not forget the cake!', sendAt: new Date(Date.now() + HOUR_MS).toISOString() });
    await page.locator('#later-here').click();
    await page.locator('#scheduled .content').waitFor();
    await look('scheduled', { within: '#later' });
    await button('Change').click();
    await look('scheduled-form', { within: '#later', more: [[/\d{4}-\d\d-\d\dT\d\d:\d\d/g, 'TIME']] });
    await page.keyboard.press('Escape');
    await leave(page);
  });

  test('reporting a message', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ann, thread, 'Are you still there?');
    const { page } = await stage.enter(ben, OPTIONS);
    await page.locator('#threads').getByRole('button', { name: ann.id }).click();
    await message(page, 'Are you still there?').focus();
    await page.getByRole('button', { name: 'Report', exact: true }).click();
    await looker(page)('report', { within: '#report' });
    await leave(page);
  });

  test('the page of operators', { timeout: 120_000 }, async () => {
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const [ann, ben] = stage.people('ann', 'ben');
    const said = await tell(ben, await ann.startThread(ben), 'buy this');
    await ann.rest('POST', `/${said._id}/report`, { reason: 'spam', text: 'He wants to sell' });
    const { page, close } = await enterOps(stage.browser, stage.system, root, OPTIONS);
    const look = looker(page);
    const letter = { _id: 'a'.repeat(24), envelope: 'e', queue: 'persist.0', kind: 'send_message', cause: 'gave_up', reason: 'the store said no', state: 'waiting',
      failures: 1, attempts: 7, replays: 0, size: 120, version: 1, firstAt: AT, lastAt: AT };
    const mocks = {
      'dead-letters/groups': { groups: [{ ...letter, count: 1, oldestAt: AT, newestAt: AT }] },
      'dead-letters?**': { letters: [letter], nextCursor: null },
      [`dead-letters/${letter._id}`]: { letter, body: { content: '•••' }, bodyError: null, raw: null, history: [{ at: AT, event: 'failed', reason: 'the store said no' }], versions: [{}], revealed: false },
      'audit?**': { entries: [{ at: AT, by: 'root', action: 'disconnect', why: 'floods the lobby', letter: null, detail: null }], nextCursor: null },
      'users?**': { users: [{ id: 'eve', name: 'Eve', status: 'online', gateways: ['single'], lastSeen: null }], connected: 1, nextCursor: null },
    };
    for (const [path, body] of Object.entries(mocks)) await page.route(`**/api/v2/ops/${path}`, route => route.fulfill({ json: { success: true, ...body } }));
    await live(page);
    const show = page.getByRole('button', { name: `Show ${letter._id}` });
    await show.waitFor();
    await page.getByRole('button', { name: 'Disconnect Eve' }).waitFor();
    await look('ops-bar', { within: '.bar' });
    await look('ops-people', { within: '#people-connected' });
    await look('ops-letters', { within: '#letters' });
    const report = page.locator('#report-list > li').filter({ hasText: ann.id });
    await report.getByRole('button', { name: /^Show/ }).click();
    await report.getByText('buy this').waitFor();
    await look('ops-reports', { within: '#reports' });
    await show.click();
    await page.locator('#letter').waitFor();
    await look('ops-letter', { within: '#letter' });
    await page.getByRole('button', { name: 'Reveal …' }).click();
    await look('ops-ask', { within: '#ask' });
    await close();
  });

  test('a tree that is another one is told', async () => {
    const { page } = await stage.openWindow(OPTIONS);
    await page.locator('#no-demo').waitFor();
    await page.evaluate(() => { document.querySelector('#token-form button').textContent = 'Enter'; });
    if (process.env.PAGE_TREES !== 'write') await assert.rejects(compare(page, 'door'), /-\d+: .*Sign in[\s\S]*\+\d+: .*Enter/);
    await page.evaluate(() => { document.querySelector('#token-form button').textContent = ''; });
    await assert.rejects(holds(page, 'the door'), /without a name/);
  });
}, ['single']);
