// Messages that are sent later, on the page: planned from the menu beside "Send", listed on all devices of
// their writer, changed, sent at once and cancelled, and what becomes of them is told. What was typed is
// never lost.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { contents, field, message, onWindows, openAt, tell } from './windows.mjs';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;
const PHONE = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true };
const inMs = ms => new Date(Date.now() + ms).toISOString();

onWindows('messages that are sent later', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  const item = (page, name) => page.getByRole('menuitem', { name });
  const here = page => page.locator('#later-here');
  const list = page => page.locator('#scheduled > li');
  const planned = async who => (await who.rest('GET', '/scheduled')).scheduled;
  const waiting = async who => (await planned(who)).filter(({ state }) => state === 'waiting');
  const focused = page => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);

  /** Windows of ben on a conversation in which ann has said hello. */
  async function windows(count = 1, options = {}) {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    const { _id: first } = await tell(ann, thread, 'hello');
    const opened = await Promise.all(Array.from({ length: count }, () => stage.enter(ben, options)));
    for (const { page } of opened) await openAt(page, ann, 'hello');
    return { ann, ben, thread, first, opened, page: opened[0].page };
  }
  const plan = async (person, thread, content, ms = HOUR_MS) => {
    const { scheduled } = await person.rest('POST', `/${thread}`, { content, sendAt: inMs(ms) });
    return scheduled;
  };
  const sendLater = async (page, words, choice) => {
    await field(page).fill(words);
    await button(page, 'Send later').click();
    await item(page, choice).click();
  };

  test('what is sent in an hour is nowhere but with its writer, on all devices, and goes at once when they say so', async () => {
    const { ann, ben, thread, first, opened: [{ page: desk }, { page: phone }] } = await windows(2);
    assert.equal(await here(desk).isVisible(), false);
    assert.equal(await button(desk, 'Send later').isDisabled(), true, 'nothing is written');
    await message(desk, 'hello').hover();
    await button(desk, 'Reply').click();
    await sendLater(desk, 'in an hour', 'In an hour');
    for (const page of [desk, phone]) await here(page).getByText('To be sent later: 1 message').waitFor();
    assert.equal(await field(desk).inputValue(), '');
    assert.equal(await focused(desk), 'text', 'one goes on writing');
    assert.equal(await desk.locator('#answering').isVisible(), false);
    const [kept] = await waiting(ben);
    assert.deepEqual([kept.content, kept.replyTo, kept.threadId], ['in an hour', first, thread]);
    const ahead = Date.parse(kept.sendAt) - Date.now();
    assert.ok(ahead > HOUR_MS - 2 * MINUTE_MS && ahead < HOUR_MS + 2 * MINUTE_MS, kept.sendAt);
    assert.deepEqual([await contents(desk), await ann.history(thread)], [['hello'], ['hello']]);
    // From the other device, in the list of all conversations.
    await phone.locator('#open-later').click();
    await phone.getByRole('dialog', { name: 'Scheduled messages' }).getByText('in an hour', { exact: true }).waitFor();
    await phone.getByText(ann.id).first().waitFor();
    await button(phone, 'Send now').click();
    for (const page of [desk, phone]) {
      await message(page, 'in an hour').locator('.quote').getByText('hello').waitFor();
      await here(page).waitFor({ state: 'hidden' });
    }
    await phone.getByText('Nothing waits to be sent.').waitFor();
    assert.equal((await ann.history(thread)).filter(content => content === 'in an hour').length, 1);
  });

  test('a time is picked in the time zone of the person, and one that is no time is refused in the dialog', async () => {
    const { ben, page } = await windows(1, { timezoneId: 'Asia/Tehran' });
    await field(page).fill('a morning in Tehran');
    await button(page, 'Send later').click();
    await item(page, 'Pick date and time').click();
    const dialog = page.getByRole('dialog', { name: 'Send later' });
    await dialog.getByText('Time zone: Asia/Tehran').waitFor();
    const when = page.getByLabel('Date and time');
    await when.fill('2020-01-01T08:00');
    await button(page, 'Send then').click();
    await dialog.getByText('That time has passed').waitFor();
    const year = new Date().getUTCFullYear();
    await when.fill(`${year + 3}-01-01T08:00`);
    await button(page, 'Send then').click();
    await dialog.getByText('That is more than a year ahead.').waitFor();
    assert.equal(await field(page).inputValue(), 'a morning in Tehran');
    const day = inMs(30 * DAY_MS).slice(0, 10);
    await when.fill(`${day}T08:00`);
    await button(page, 'Send then').click();
    await here(page).waitFor();
    // Three hours and a half before London.
    assert.equal((await waiting(ben))[0].sendAt, `${day}T04:30:00.000Z`);
    await here(page).click();
    await page.locator('#scheduled .when').getByText(/08:00/).waitFor();
    await page.keyboard.press('Escape');
    // Tomorrow morning is tomorrow there.
    await sendLater(page, 'tomorrow', 'Tomorrow morning');
    const morning = await becomes('it is planned', async () => (await waiting(ben)).find(({ content }) => content === 'tomorrow'));
    const words = new Date(morning.sendAt).toLocaleString('sv', { timeZone: 'Asia/Tehran' });
    const tomorrow = new Date(Date.now() + DAY_MS).toLocaleDateString('sv', { timeZone: 'Asia/Tehran' });
    assert.equal(words, `${tomorrow} 09:00:00`);
  });

  test('text and time are changed, and a form that another device overtakes keeps what was typed', async () => {
    const { ann, ben, thread, opened: [{ page: desk }, { page: phone }] } = await windows(2);
    const { _id: id } = await plan(ben, thread, `first @${ann.id}`);
    await ben.rest('PATCH', `/scheduled/${id}`, { mentions: [ann.id] });
    for (const page of [desk, phone]) await here(page).click();
    await button(desk, 'Change').click();
    await desk.getByLabel('Text of the message').fill('second');
    const day = inMs(3 * DAY_MS).slice(0, 10);
    await list(desk).getByLabel('Date and time').fill(`${day}T10:30`);
    await button(desk, 'Save').click();
    for (const page of [desk, phone]) await list(page).getByText('second', { exact: true }).waitFor();
    await list(phone).getByText(/10:30/).waitFor();
    const [changed] = await waiting(ben);
    assert.deepEqual([changed.content, changed.mentions ?? []], ['second', []], 'who is not named any more is not mentioned');

    await button(desk, 'Change').click();
    await desk.getByLabel('Text of the message').fill('of the desk');
    await button(phone, 'Change').click();
    await phone.getByLabel('Text of the message').fill('of the phone');
    await button(phone, 'Save').click();
    await desk.getByText('Meanwhile it was changed on another device.').waitFor();
    assert.equal(await desk.getByLabel('Text of the message').inputValue(), 'of the desk');
    await button(desk, 'Save').click();
    await list(phone).getByText('of the desk', { exact: true }).waitFor();
    await becomes('the focus is on the same message', async () => await focused(desk) === 'Change');

    await button(desk, 'Change').click();
    await desk.keyboard.press('Escape');
    await becomes('only the form is closed', async () => await focused(desk) === 'Change');
    await button(desk, 'Change').click();
    await desk.getByLabel('Text of the message').fill('never to be lost');
    await button(phone, 'Cancel message').click();
    await phone.locator('#sure').getByText('Cancel this message?').waitFor();
    await button(phone, 'Cancel the message').click();
    await desk.getByText('Meanwhile it was cancelled on another device.').waitFor();
    assert.equal(await desk.getByLabel('Text of the message').inputValue(), 'never to be lost');
    assert.equal(await button(desk, 'Save').isDisabled(), true);
    await button(desk, 'Keep as it was').click();
    for (const page of [desk, phone]) await page.getByText('Nothing waits to be sent.').waitFor();
    assert.equal((await planned(ben))[0].state, 'cancelled');
    assert.deepEqual(await ann.history(thread), ['hello']);
  });

  test('who was removed meanwhile is told that the message was not sent, and why, until they have looked at it', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const { thread: { _id: thread } } = await ann.rest('POST', '/threads', { participants: [ben.id], group: { name: 'Plans' } });
    await tell(ann, thread, 'hello');
    const { page } = await stage.enter(ben);
    await page.locator('#threads').getByRole('button', { name: 'Plans' }).click();
    await message(page, 'hello').waitFor();
    const { _id: id } = await plan(ben, thread, 'too late');
    await here(page).waitFor();
    await ann.rest('DELETE', `/threads/${thread}/members/${ben.id}`);
    await page.getByText('removed you from “Plans”').waitFor();
    await ben.rest('POST', `/scheduled/${id}/send`);
    await page.locator('#told').getByText('was not sent: you were not in this conversation any more').waitFor();
    const all = page.locator('#open-later');
    await all.getByText('Scheduled: 1 not sent').waitFor();
    await page.reload();
    await all.getByText('Scheduled: 1 not sent').waitFor();
    await all.click();
    await list(page).getByText('Not sent: you were not in this conversation any more').waitFor();
    await list(page).getByText('too late', { exact: true }).waitFor();
    assert.equal(await list(page).getByRole('button').count(), 0);
    await page.keyboard.press('Escape');
    await all.waitFor({ state: 'hidden' });
  });

  test('without a connection what was typed stays, and what the server has without an answer is planned once', async () => {
    const { ben, opened: [{ page, link }] } = await windows();
    link.cut();
    await page.locator('#connection.down').waitFor();
    await sendLater(page, 'through a tunnel', 'In an hour');
    await page.locator('#error').getByText('There is no connection at the moment.').waitFor();
    assert.equal(await field(page).inputValue(), 'through a tunnel');
    link.mend();
    await page.locator('#connection.up').waitFor();
    let asked = 0;
    await page.route(/\/api\/v2\/messages\/[0-9a-f]{24}$/, async route => {
      asked += 1;
      if (asked > 1) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await button(page, 'Send later').click();
    await item(page, 'In an hour').click();
    await becomes('the draft is gone', async () => await field(page).inputValue() === '');
    assert.deepEqual([asked, (await waiting(ben)).map(({ content }) => content)], [2, ['through a tunnel']]);
    await here(page).getByText('To be sent later: 1 message').waitFor();
  });

  test('the menu is used with keys and under fingers, and closes by itself', async () => {
    const { page } = await windows();
    await field(page).fill('words');
    await button(page, 'Send later').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menu', { name: 'Send later' }).waitFor();
    assert.match(await focused(page), /^In an hour/);
    await page.keyboard.press('ArrowDown');
    assert.match(await focused(page), /^Tomorrow morning/);
    await page.keyboard.press('End');
    assert.match(await focused(page), /^Pick date and time/);
    await page.keyboard.press('ArrowDown');
    assert.match(await focused(page), /^In an hour/);
    await page.keyboard.press('Escape');
    assert.equal(await focused(page), 'send-later');
    await button(page, 'Send later').click();
    await page.locator('#title').click();
    await page.getByRole('menu', { name: 'Send later' }).waitFor({ state: 'hidden' });
    const { page: phone } = await windows(1, PHONE);
    assert.equal(await button(phone, 'Send later').isVisible(), false, 'there is nothing to send');
    await field(phone).fill('words');
    await button(phone, 'Send later').tap();
    await item(phone, 'Pick date and time').tap();
    await phone.getByRole('dialog', { name: 'Send later' }).waitFor();
    await button(phone, 'Cancel').tap();
    assert.equal(await field(phone).inputValue(), 'words');
  });
});
