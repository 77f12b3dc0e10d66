// Blocks and reports on the page: who blocks somebody has done with them in all windows and without a
// reload, whoever is blocked sees no difference, and a message is reported once. What is refused or does not
// arrive is said, and nothing that was typed is lost.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { contents, field, message, onWindows, tell } from './windows.mjs';

const DESKTOP = { viewport: { width: 1100, height: 800 } };
const PHONE = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true };
/** What the page reads of the list at once, and some more. */
const MANY = 103;
const TEXT_MAX = 500;

onWindows('blocks and reports', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  const told = (page, words) => page.locator('#told').getByText(words).waitFor();
  const sure = page => page.locator('#sure');
  /** A conversation in the list by its title alone: what was said in it may name somebody, too. */
  const entry = (page, { id }) => page.locator('#threads li').filter({ has: page.locator('.name').getByText(id, { exact: true }) });
  const openAt = async (page, person, content) => {
    await entry(page, person).click();
    await message(page, content).waitFor();
  };
  const hasFocus = locator => becomes('it has the focus', () => locator.evaluate(each => each === document.activeElement));
  const blockedBy = async person => (await person.api('GET', '/users/blocks')).blocks.map(({ user }) => user.id);
  const openSettings = async page => {
    if (await button(page, 'Back to the conversations').isVisible()) await button(page, 'Back to the conversations').click();
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await button(page, 'Settings').click();
  };
  /** The tools of a message, as somebody with a mouse or with a finger gets them. */
  const toolsOf = async (page, content, press = 'hover') => {
    const item = message(page, content);
    await becomes('its tools are there', async () => {
      await (press === 'hover' ? item.hover() : item.locator('time').tap());
      return item.getByRole('toolbar').isVisible();
    });
    return item.getByRole('toolbar');
  };
  const report = page => page.locator('#report');
  const openReport = async (page, content, press) => {
    await (await toolsOf(page, content, press)).getByRole('button', { name: 'Report', exact: true }).click();
    await report(page).waitFor();
  };
  const refusal = page => page.locator('#report-error');

  test('who blocks somebody has the chat no more in any window, and whoever is blocked sees no difference', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ben, thread, 'good morning');
    await tell(ann, thread, 'hello');
    const [{ page }, { page: phone }, { page: bens }] = [await stage.enter(ann, DESKTOP), await stage.enter(ann, PHONE), await stage.enter(ben, DESKTOP)];
    await openAt(page, ben, 'hello');
    await openAt(phone, ben, 'hello');
    await openAt(bens, ann, 'hello');
    await field(page).fill('half a sentence');
    const seenByBen = async () => ({
      title: await bens.locator('#title').textContent(), contents: await contents(bens), list: await bens.locator('#threads .name').allTextContents(),
      error: await bens.locator('#error').textContent(), told: await bens.locator('#told').textContent(), isOpen: await field(bens).isVisible(),
      tools: await bens.locator('#thread-tools button').allTextContents(),
    });
    const before = await seenByBen();

    // It is asked first, and nothing is done if it is not meant.
    await button(page, `Block ${ben.id}`).click();
    await sure(page).getByText(new RegExp(`^Block ${ben.id}\\? You hear nothing more of each other but what is said in groups: .*, and they are not told\\.`)).waitFor();
    await page.keyboard.press('Escape');
    await hasFocus(button(page, `Block ${ben.id}`));
    assert.deepEqual(await blockedBy(ann), []);

    // On a phone it is in the menu of the conversation.
    await button(phone, 'Conversation menu').tap();
    await phone.getByRole('menuitem', { name: `Block ${ben.id}`, exact: true }).tap();
    await sure(phone).getByRole('button', { name: 'Block', exact: true }).tap();
    for (const each of [page, phone]) {
      await told(each, `You have blocked ${ben.id}. The settings list whom you block.`);
      await entry(each, ben).waitFor({ state: 'detached' });
      assert.equal(await field(each).isVisible(), false);
      assert.equal(await each.evaluate(() => location.hash), '');
      assert.equal(await each.locator('#error').textContent(), '');
    }
    assert.deepEqual(await blockedBy(ann), [ben.id]);

    // Ben writes on, and has what everybody has whose reader is not there.
    assert.deepEqual(await seenByBen(), before);
    await field(bens).fill('are you there?');
    await field(bens).press('Enter');
    await message(bens, 'are you there?').locator('.ticks').waitFor();
    assert.equal(await message(bens, 'are you there?').locator('.ticks').getAttribute('aria-label'), 'Sent');
    await becomes('ann looks like somebody who is not there', async () => !/online|away/.test(await bens.locator('#subtitle').textContent()));
    const after = await seenByBen();
    assert.deepEqual(after, { ...before, contents: [...before.contents, 'are you there?'] });
    for (const each of [page, phone]) {
      assert.equal(await entry(each, ben).count(), 0);
      assert.equal(await each.title(), 'EventFlow messaging');
    }

    // The end of it is in the settings; then it is back in all windows, with what came meanwhile.
    await openSettings(page);
    await page.locator('#blocks').getByText(ben.id).waitFor();
    await button(page, `Unblock ${ben.id}`).click();
    await page.locator('#blocks-words').getByText(`You have unblocked ${ben.id}.`).waitFor();
    await page.locator('#no-blocks').waitFor();
    await page.keyboard.press('Escape');
    for (const each of [page, phone]) await becomes('what came meanwhile is unread', async () => await entry(each, ben).locator('.unread').textContent() === '1');
    for (const each of [page, phone]) await openAt(each, ben, 'are you there?');
    assert.equal(await field(page).inputValue(), 'half a sentence', 'what was typed is still there');
    await field(page).fill('now I am');
    await field(page).press('Enter');
    await message(bens, 'now I am').waitFor();
    await becomes('it is read', async () => await message(bens, 'are you there?').locator('.ticks').getAttribute('aria-label') === 'Read');
  });

  test('a block that another device or a lost connection brought is there, and the list shows all of it', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ben, thread, 'hello');
    const { page, link } = await stage.enter(ann, DESKTOP);
    await openAt(page, ben, 'hello');
    link.cut();
    await page.locator('#connection.down').waitFor();
    await ann.api('PUT', `/users/${ben.id}/block`);
    link.mend();
    await told(page, /You have blocked|is not open to you any more/);
    await entry(page, ben).waitFor({ state: 'detached' });
    const others = stage.people(...Array.from({ length: MANY - 1 }, () => 'somebody'));
    await openSettings(page);
    for (const each of others) await ann.api('PUT', `/users/${each.id}/block`);
    await becomes('all are listed', async () => await page.locator('#blocks li').count() === MANY);
    await page.reload();
    await page.locator('#connection.up').waitFor();
    await openSettings(page);
    await becomes('all are listed again', async () => await page.locator('#blocks li').count() === MANY);
    const names = await page.locator('#blocks bdi').allTextContents();
    assert.deepEqual(names, names.toSorted((one, other) => one.localeCompare(other)));
    // By keys; the focus stays where something is to be done.
    await button(page, `Unblock ${ben.id}`).focus();
    await page.keyboard.press('Enter');
    await becomes('one less is listed', async () => await page.locator('#blocks li').count() === MANY - 1);
    await becomes('the focus is in the dialog', () => page.evaluate(() => document.activeElement.closest('#settings') !== null));
    await page.keyboard.press('Escape');
    await entry(page, ben).waitFor();
  });

  test('in a group somebody is blocked in the list of its people; what they say is still there, and tells nobody', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const { thread: { _id: thread } } = await cem.rest('POST', '/threads', { participants: [ann.id, ben.id], group: { name: 'Choir' } });
    const chat = await ben.startThread(ann);
    await tell(ben, chat, 'just us');
    const { page } = await stage.enter(ann, DESKTOP);
    const { page: bens } = await stage.enter(ben, DESKTOP);
    const choir = page.locator('#threads').getByRole('button', { name: 'Choir' });
    await choir.click();
    const member = page.locator('#member-names li').filter({ hasText: ben.id });
    await button(page, 'Members').click();
    await button(page, `More about ${ben.id}`).click();
    assert.deepEqual(await member.getByRole('group').getByRole('button').allTextContents(), [`Block ${ben.id}`], 'who owns nothing changes nothing');
    await button(page, `Block ${ben.id}`).click();
    await sure(page).getByRole('button', { name: 'Block', exact: true }).click();
    await member.getByText('blocked by you').waitFor();
    assert.equal(await member.locator('[data-act="write"]').count(), 0);
    assert.deepEqual(await blockedBy(ann), [ben.id]);
    await page.keyboard.press('Escape');
    await entry(page, ben).waitFor({ state: 'detached' });
    assert.equal(await page.locator('#title').textContent(), 'Choir', 'the group stays');

    // Nobody is told of them: no typing, no mention, no presence.
    await bens.locator('#threads').getByRole('button', { name: 'Choir' }).click();
    await field(bens).pressSequentially('who sings');
    await cem.connect();
    await cem.ask('typing:start', { threadId: thread });
    await page.locator('#typing').getByText(`${cem.id} is typing …`).waitFor();
    await field(bens).press('Enter');
    await message(page, 'who sings').waitFor();
    await page.evaluate(() => { location.hash = ''; });
    await tell(ben, thread, `@${ann.id} do you?`, { mentions: [ann.id] });
    await becomes('it is unread', async () => await choir.locator('.unread').textContent() === '1');
    assert.equal(await choir.locator('.mentions-me').count(), 0);
    await tell(cem, thread, `@${ann.id} and you?`, { mentions: [ann.id] });
    await choir.locator('.mentions-me').waitFor();

    // Who is blocked is not chosen by accident, and it ends where it began.
    await button(page, 'New group').click();
    await page.getByLabel('Name or user id').fill(ben.id);
    await page.locator('#candidates').getByText('blocked by you').waitFor();
    assert.equal(await page.locator('#candidates button').isDisabled(), true);
    await page.keyboard.press('Escape');
    await choir.click();
    await button(page, 'Members').click();
    await button(page, `More about ${ben.id}`).click();
    await button(page, `Unblock ${ben.id}`).click();
    await member.locator('[data-act="write"]').waitFor();
    await becomes('it is known again whether they are there', async () => await member.locator('.there').textContent() === 'online');
    await page.keyboard.press('Escape');
    await entry(page, ben).waitFor();
    cem.leave();
  });

  test('a block that is refused or does not arrive is said, and the same again is the same change', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ben, thread, 'hello');
    const { page, link } = await stage.enter(ann, DESKTOP);
    await openAt(page, ben, 'hello');
    const keys = [];
    const press = async () => {
      await button(page, `Block ${ben.id}`).click();
      await sure(page).getByRole('button', { name: 'Block', exact: true }).click();
    };
    page.on('request', request => request.url().endsWith('/block') && keys.push(request.headers()['idempotency-key']));
    for (const [status, body, words] of [
      [503, { success: false, code: 'unavailable', error: '' }, 'The service is not available at the moment. Nothing was changed: please try again.'],
      [202, { success: true, status: 'queued', commandId: 'c' }, 'The server has it, and does it as soon as it can.'],
      [400, { success: false, code: 'invalid', error: 'nobody blocks more than 1,000 people' }, 'Nobody blocks more than 1,000 people.'],
    ]) {
      await page.route('**/block', route => route.fulfill({ status, contentType: 'application/json', body: JSON.stringify(body) }));
      await press();
      await page.locator('#error').getByText(words).waitFor();
      assert.equal(await entry(page, ben).count(), 1);
      await page.unroute('**/block');
    }
    link.cut();
    await press();
    await page.locator('#error').getByText(/^There is no connection at the moment/).waitFor();
    link.mend();
    await page.locator('#connection.up').waitFor();
    await press();
    await entry(page, ben).waitFor({ state: 'detached' });
    assert.equal(keys.length, 5);
    assert.deepEqual([new Set(keys.slice(0, 3)).size, new Set(keys.slice(3)).size, new Set(keys).size], [1, 1, 2]);

    await openSettings(page);
    await page.route('**/block', route => route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ success: false, code: 'unavailable', error: '' }) }));
    await button(page, `Unblock ${ben.id}`).click();
    await page.locator('#settings-error').getByText(/^The service is not available/).waitFor();
    await page.unroute('**/block');
    await button(page, `Unblock ${ben.id}`).click();
    await page.locator('#no-blocks').waitFor();
    assert.deepEqual(await blockedBy(ann), []);
  });

  test('a message is reported once, and what was chosen and typed stays until it is sent', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const thread = await ann.startThread(ben);
    await tell(ben, thread, 'buy this');
    await tell(ann, thread, 'no');
    const { page, link } = await stage.enter(ann, DESKTOP);
    await openAt(page, ben, 'no');
    assert.equal(await (await toolsOf(page, 'no')).getByRole('button', { name: 'Report' }).count(), 0, 'one\'s own is taken back');
    await openReport(page, 'buy this');
    await report(page).getByText('buy this').waitFor();
    const words = page.getByLabel('More about it, if you like');
    await button(page, 'Send the report').click();
    await refusal(page).getByText('Please choose what is wrong with it.').waitFor();
    await hasFocus(page.getByRole('radio').first());
    await page.keyboard.press('ArrowDown');
    await page.getByLabel('Advertising or fraud').check();
    await words.fill('x'.repeat(TEXT_MAX + 1));
    await button(page, 'Send the report').click();
    await refusal(page).getByText(`That can have ${TEXT_MAX} characters. This has ${TEXT_MAX + 1}.`).waitFor();
    await words.fill('every day,\nto <b>everybody</b>');
    const isKept = async () => {
      assert.equal(await words.inputValue(), 'every day,\nto <b>everybody</b>');
      assert.equal(await page.getByLabel('Advertising or fraud').isChecked(), true);
    };
    for (const [status, body, said] of [
      [503, { success: false, code: 'unavailable', error: '' }, /^The service is not available at the moment\. Nothing is lost here/],
      [404, { success: false, code: 'not_found', error: '' }, 'The message is not there any more, or not yours to see.'],
      [400, { success: false, code: 'invalid', error: 'text must have 1 to 500 characters' }, 'Text must have 1 to 500 characters.'],
    ]) {
      await page.route('**/report', route => route.fulfill({ status, contentType: 'application/json', body: JSON.stringify(body) }));
      await button(page, 'Send the report').click();
      await refusal(page).getByText(said).waitFor();
      await isKept();
      await page.unroute('**/report');
    }
    link.cut();
    await button(page, 'Send the report').click();
    await refusal(page).getByText(/^There is no connection at the moment\. Nothing is lost here/).waitFor();
    await page.keyboard.press('Escape');
    link.mend();
    await page.locator('#connection.up').waitFor();
    await openReport(page, 'buy this');
    await isKept();
    assert.equal(await refusal(page).textContent(), '');
    await button(page, 'Send the report').click();
    await told(page, 'Thank you for telling us. The administrators have your report.');
    await hasFocus(message(page, 'buy this'));
    const stored = async () => (await root.api('GET', '/reports?limit=100')).reports.filter(({ message: { threadId } }) => threadId === thread);
    const [{ reason, text, reporterId, message: copy }, ...more] = await stored();
    assert.deepEqual([reason, text.replaceAll('\u2060', ''), reporterId, copy.content, more.length], ['spam', 'every day, to <b>everybody</b>', ann.id, 'buy this', 0]);

    // Once: here at once, and by the server's word on another device.
    await openReport(page, 'buy this');
    await report(page).getByText('You have reported this message: Advertising or fraud. The administrators have it.').waitFor();
    assert.equal(await button(page, 'Send the report').isVisible(), false);
    await button(page, 'Close').click();
    const { page: phone } = await stage.enter(ann, PHONE);
    await openAt(phone, ben, 'no');
    await openReport(phone, 'buy this', 'tap');
    await report(phone).getByLabel('Something else').check();
    await button(phone, 'Send the report').tap();
    await told(phone, 'Thank you. You had reported this message before (Advertising or fraud), and that report stays as it is.');
    assert.equal((await stored()).length, 1);
    // Whoever wrote it hears nothing of it.
    const { page: bens } = await stage.enter(ben, DESKTOP);
    await openAt(bens, ann, 'no');
    assert.deepEqual([await contents(bens), await bens.locator('#told').textContent(), await bens.locator('#bell-count').textContent()], [['buy this', 'no'], '', '']);
  });

  test('a report without words, of another message than the one before, begins anew', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    await tell(ben, thread, 'first');
    await tell(ben, thread, 'second');
    const { page } = await stage.enter(ann, DESKTOP);
    await openAt(page, ben, 'second');
    await openReport(page, 'first');
    await page.getByLabel('It incites hatred against people').check();
    await page.getByLabel('More about it, if you like').fill('about the first');
    await button(page, 'Cancel').click();
    await openReport(page, 'second');
    assert.deepEqual([await page.getByRole('radio', { checked: true }).count(), await page.getByLabel('More about it, if you like').inputValue()], [0, '']);
    await page.route('**/report', route => route.fulfill({ status: 202, contentType: 'application/json', body: JSON.stringify({ success: true, status: 'queued', commandId: 'c' }) }));
    await page.getByLabel('Somebody may harm themselves').check();
    const asked = page.waitForRequest(request => request.url().endsWith('/report'));
    await button(page, 'Send the report').click();
    assert.deepEqual((await asked).postDataJSON(), { reason: 'self_harm' });
    await told(page, 'Thank you for telling us. The server has your report');
  });

  test('the reasons are those of the server', async () => {
    const { components } = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8'));
    const { oneOf, enum: names = oneOf.map(each => each.const ?? each.enum[0]) } = components.schemas.ReportReason;
    const [ann] = stage.people('ann');
    const { page } = await stage.enter(ann, DESKTOP);
    assert.deepEqual(await page.locator('#reasons input').evaluateAll(all => all.map(each => each.value)), names);
    const words = await page.locator('#reasons label').allTextContents();
    assert.equal(words.filter(each => /^\s*[A-Z][^_]+$/.test(each)).length, names.length, 'each has words');
  });
});
