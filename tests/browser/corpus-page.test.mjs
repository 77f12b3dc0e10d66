// Script injection into our own page, by every field but the texts of messages (corpus.test.mjs): names of
// people in messages, mentions, lists and pickers, and of who is blocked; names and pictures of groups; names
// of files; subjects; drafts; notifications; what is found; earlier wordings; pins; what is reported.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { CORPUS, PLAIN } from './corpus.mjs';
import { png, sendFiles } from './files.mjs';
import { OWN, strange } from './strange.mjs';
import { field, message, onWindows, tell } from './windows.mjs';

const ENTRIES = [...CORPUS, ...PLAIN];
/** What was typed, out of what the server answers. */
const typed = text => text.replaceAll('<\u2060', '<');
/** Time for images to fail, frames to load, animations to begin. */
const SETTLE_MS = 500;

onWindows('scripts in the page', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);

  /** A window of somebody in which nothing unexpected goes unnoticed. */
  async function watched(person) {
    const { page, context, link } = await stage.openWindow();
    const happened = [];
    await page.exposeFunction('pwn', what => { happened.push(`ran: ${what}`); });
    await page.exposeFunction('violated', what => { happened.push(`policy: ${what}`); });
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', event => violated(`${event.violatedDirective} ${event.blockedURI}`));
    });
    page.on('dialog', dialog => happened.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
    page.on('framenavigated', frame => frame.url().startsWith(link.origin) || happened.push(`went to ${frame.url()}`));
    await page.reload();
    await page.getByLabel(/paste a token/i).fill(person.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#connection.up').waitFor();
    const isClean = async what => {
      await page.waitForTimeout(SETTLE_MS); // sleep: what would run or load has begun by then
      assert.deepEqual(await page.evaluate(strange, OWN), [], what);
      assert.deepEqual(happened, [], what);
    };
    return { page, isClean, happened };
  }

  test('S7: names run nowhere: in messages, mentions, lists, members, pickers and what is typed for them', { timeout: 360_000 }, async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const zoes = stage.people(...ENTRIES.map(() => 'zoe'));
    const named = [];
    for (const [n, zoe] of zoes.entries()) {
      const { status } = await root.api('PUT', `/users/${zoe.id}`, { name: `Zoe ${ENTRIES[n]}` });
      if (status === 200) named.push(zoe);
    }
    assert.ok(named.length > ENTRIES.length / 2, `${named.length} names were taken`);
    const group = await root.rest('POST', '/threads', { participants: [ann, ben, ...named].map(({ id }) => id), metadata: { subject: `Zoes ${CORPUS[0]}` } });
    const thread = group.thread._id;
    const names = new Map();
    for (let at = 0; at < named.length; at += 100) {
      const { users } = await root.api('GET', `/users?userIds=${named.slice(at, at + 100).map(({ id }) => encodeURIComponent(id)).join(',')}`);
      users.forEach(({ id, name }) => names.set(id, typed(name)));
    }
    const { page, isClean } = await watched(ben);
    await page.locator('#threads').getByRole('button', { name: /^ZZ?.*Zoes|Zoes/ }).first().click();
    for (const zoe of named) await tell(zoe, thread, `hello @${names.get(zoe.id)} :`, { mentions: [zoe.id, ben.id] });
    const marked = page.locator('#messages .content .mention');
    await becomes('all mentions are marked', async () => await marked.count() === named.length);
    assert.deepEqual((await marked.allTextContents()).toSorted(), named.map(({ id }) => `@${names.get(id)}`).toSorted());
    await isClean('messages, mentions and the list');
    // The picker offers them, and writes their names as text.
    await field(page).fill('');
    await page.keyboard.type('@zoe');
    await page.getByRole('listbox', { name: 'People to mention' }).waitFor();
    await isClean('whom to mention');
    for (const zoe of named.slice(0, 20)) {
      await field(page).fill('');
      await page.keyboard.insertText(`@${names.get(zoe.id)}`.slice(0, 40));
      await page.keyboard.press('Tab');
    }
    await isClean('whom to mention, by their names');
    await page.getByRole('button', { name: 'Members' }).click();
    const more = page.locator('#more-members');
    await becomes('all are listed', async () => {
      if (await more.isVisible()) await more.click();
      return await page.locator('#member-names li').count() >= named.length + 3;
    });
    const listed = await page.locator('#member-names .name').allTextContents();
    for (const name of names.values()) assert.ok(listed.includes(name), name);
    await isClean('the members');
  });

  test('S7: names and pictures of groups run nowhere: in the list, the title, the members, what is asked, and what became of the group', { timeout: 360_000 }, async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const { thread: { _id: thread } } = await ann.rest('POST', '/threads', { participants: [ben.id], group: { name: 'The beginning' } });
    const { page, isClean } = await watched(ann);
    await page.locator('#threads').getByRole('button', { name: 'The beginning' }).click();
    await page.getByText('Nothing was said here yet.').waitFor();
    await page.getByRole('button', { name: 'Members', exact: true }).click();
    await page.getByRole('button', { name: 'Name and picture' }).click();
    const name = page.getByLabel('Name', { exact: true });
    let taken = 0;
    for (const entry of ENTRIES) {
      // An address that is one is shown as a picture of this site, or not at all.
      await ann.rest('PATCH', `/threads/${thread}`, { picture: entry });
      const answer = await ann.rest('PATCH', `/threads/${thread}`, { name: entry });
      if (answer.status !== 200) continue;
      taken += 1;
      const wanted = typed(answer.thread.group.name);
      const shown = async () => [await page.locator('#title').textContent(), await page.locator('#threads .name').textContent(), await name.inputValue()];
      await becomes(`${JSON.stringify(wanted)} is the name`, async () => (await shown()).every(each => each === wanted));
    }
    assert.ok(taken > ENTRIES.length / 2, `${taken} names were taken`);
    await isClean('names in the list, the title and the form');
    const told = await page.locator('#messages li.line').allTextContents();
    assert.ok(told.length > 50, `${told.length} lines`);
    await page.getByRole('button', { name: 'Leave the group' }).click();
    await page.locator('#sure').getByText('It goes from your list').waitFor();
    await isClean('what is asked');
    await page.keyboard.press('Escape');
    // What an owner types there, is refused or was typed elsewhere meanwhile is text too.
    await name.fill(CORPUS[0]);
    await ann.rest('PATCH', `/threads/${thread}`, { name: CORPUS[1] });
    await page.getByText(/^Meanwhile the group was named/).waitFor();
    await isClean('what another owner typed');
    await ann.rest('PATCH', `/threads/${thread}`, { name: CORPUS[8] });
    const { page: bens, isClean: isBensClean } = await watched(ben);
    await bens.locator('#threads button').first().click();
    await bens.getByText('Nothing was said here yet.').waitFor();
    await ann.rest('DELETE', `/threads/${thread}/members/${ben.id}`);
    await bens.locator('#told').getByText(CORPUS[8]).waitFor();
    await isBensClean('what was told to who was removed');
  });

  test('S7: names of files run nowhere: in messages, lists, quotes, pins, the viewer, what is attached and what is sent later', { timeout: 360_000 }, async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await ann.startThread(ben);
    const { page, isClean } = await watched(ben);
    await page.locator('#threads button').first().click();
    await page.getByText('Nothing was said here yet.').waitFor();
    const names = [];
    const preview = page.locator('#threads .preview');
    for (let at = 0; at < CORPUS.length; at += 10) {
      const files = CORPUS.slice(at, at + 10).map(name => [name, 'x']);
      const { _id, attachments } = await sendFiles(stage, ann, thread, '', files);
      const shown = attachments.map(({ filename }) => typed(filename));
      names.push(...shown);
      await becomes('the list shows them', async () => await preview.textContent() === shown.join(', '));
      if (at % 30 !== 0) continue;
      await ann.rest('PUT', `/${_id}/pin`);
      await tell(ann, thread, 'look', { replyTo: _id });
    }
    await becomes('all are shown', async () => await page.locator('#messages .stored-file').count() === CORPUS.length);
    assert.deepEqual(await page.locator('#messages .stored-file .name').allTextContents(), names);
    await page.locator('#pins').waitFor();
    await isClean('messages, quotes, pins and the list');
    // Pictures are the page's own once they are here.
    const named = CORPUS.filter((_, n) => n % 10 === 0);
    const { attachments } = await sendFiles(stage, ann, thread, 'pictures', named.slice(0, 10).map(name => [name, png(44, 44)]));
    for (const [n, { filename }] of attachments.entries()) {
      await page.locator('#messages .small-picture').nth(n).click();
      await becomes('the viewer shows its name', async () => await page.locator('#viewer-name').textContent() === typed(filename));
      await page.keyboard.press('Escape');
    }
    await page.evaluate(() => document.querySelectorAll('#messages .small-picture img').forEach(each => each.remove()));
    await isClean('the viewer');
    // What is attached here, and references in what is sent later.
    for (let at = 0; at < CORPUS.length; at += 40) {
      await page.locator('#choose-files').setInputFiles(CORPUS.slice(at, at + 10).map(name => ({ name: name.replaceAll('/', '-'), mimeType: 'text/html', buffer: Buffer.from('x') })));
      await becomes('they are there', async () => await page.locator('#attached li.ready').count() === 10);
      await isClean('what is attached');
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await becomes('they are sent', async () => await page.locator('#attached li').count() === 0);
    }
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    let planned = 0;
    for (const filename of CORPUS) {
      const attachments = [{ type: 'document', url: 'https://files.example.com/x', filename }];
      if ((await ben.rest('POST', `/${thread}`, { content: filename, attachments, sendAt })).scheduled) planned += 1;
    }
    assert.ok(planned > CORPUS.length / 4, `${planned} were taken`);
    await becomes('all of them are told', async () => await page.locator('#later-here').textContent() === `To be sent later: ${planned} messages`);
    await page.locator('#later-here').click();
    await page.locator('#scheduled .names').first().waitFor();
    await isClean('what is sent later');
  });

  test('S7: names of people who are blocked, and messages that are reported, are shown as text', { timeout: 360_000 }, async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const thread = await ben.startThread(ann);
    await tell(ben, thread, 'hello');
    const { page, isClean } = await watched(ann);
    await page.locator('#threads').getByRole('button', { name: ben.id }).click();
    await message(page, 'hello').waitFor();
    const zoes = stage.people(...ENTRIES.map(() => 'zoe'));
    const names = [];
    for (const [n, zoe] of zoes.entries()) {
      if ((await root.api('PUT', `/users/${zoe.id}`, { name: `Zoe ${ENTRIES[n]}` })).status !== 200) continue;
      const { block } = await ann.api('PUT', `/users/${zoe.id}/block`);
      names.push(typed(block.user.name));
    }
    assert.ok(names.length > ENTRIES.length / 2, `${names.length} names were taken`);
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await page.getByRole('button', { name: 'Settings' }).click();
    await becomes('all are listed by name', async () => (await page.locator('#blocks bdi').allTextContents()).toSorted().join('\n') === names.toSorted().join('\n'));
    await isClean('the list of who is blocked');
    await page.keyboard.press('Escape');
    // In the form of a report, and in what is asked before somebody is blocked.
    let shown = 0;
    for (const entry of CORPUS) {
      const { message: sent, status } = await ben.rest('POST', `/${thread}`, { content: entry });
      if (status !== 201) continue;
      shown += 1;
      if (shown % 12 !== 1) continue;
      const item = page.locator(`#messages li[data-message-id="${sent._id}"]`);
      await becomes('its tools are there', async () => {
        await item.hover();
        return item.getByRole('button', { name: 'Report', exact: true }).isVisible();
      });
      await item.getByRole('button', { name: 'Report', exact: true }).click();
      await page.getByLabel('More about it, if you like').fill(entry);
      await page.locator('#report').getByLabel('Something else').check();
      await isClean('the form of a report');
      await page.getByRole('button', { name: 'Send the report' }).click();
      await page.locator('#told').getByText('Thank you for telling us.').waitFor();
      await root.api('PUT', `/users/${ben.id}`, { name: `Ben ${entry}` });
    }
    assert.ok(shown > CORPUS.length / 2, `${shown} messages were taken`);
    await page.reload();
    await page.locator('#connection.up').waitFor();
    await page.getByRole('button', { name: /^Block Ben/ }).click();
    await page.locator('#sure').getByText(/^Block Ben /).waitFor();
    await isClean('what is asked before somebody is blocked');
    await page.locator('#sure-yes').click();
    await page.locator('#told').getByText('You have blocked Ben').waitFor();
    await isClean('what is told of it');
  });

  test('S7: drafts, notifications, subjects, wordings, pins and what is found are shown as text', { timeout: 360_000 }, async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const thread = await ann.startThread(ben);
    const word = `find${ann.id.slice(-8)}`;
    await tell(ann, thread, 'hello');
    const { page, isClean, happened } = await watched(ben);
    const shown = page.locator('#threads').getByRole('button', { name: ann.id });
    await shown.waitFor();
    // In the list, as the beginning of a draft.
    for (const entry of ENTRIES) {
      const { draft } = await ben.rest('PUT', `/threads/${thread}/draft`, { content: entry });
      const wanted = typed(draft.content).trim();
      if (wanted) await becomes(`the list shows ${JSON.stringify(entry)}`, async () => await shown.locator('.preview bdi').textContent() === wanted);
    }
    await isClean('drafts in the list');
    await shown.click();
    await message(page, 'hello').waitFor();
    for (const entry of ENTRIES) {
      const { draft } = await ben.rest('PUT', `/threads/${thread}/draft`, { content: entry });
      await becomes(`the field shows ${JSON.stringify(entry)}`, async () => await field(page).inputValue() === typed(draft.content).replaceAll('\r', ''));
    }
    await isClean('drafts in the field');
    for (const entry of CORPUS) {
      const { message: sent } = await tellEdited(ann, thread, `${word} ${entry}`);
      await ann.rest('PUT', `/${sent._id}/pin`);
      await ann.rest('DELETE', `/${sent._id}/pin`);
      await root.api('POST', '/notifications', { userId: ben.id, type: 'x', title: `T ${entry}`, message: `M ${entry}`, threadId: thread });
    }
    await becomes('all was heard', async () => await page.locator('#messages .edited').count() === CORPUS.length);
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await becomes('all notifications are here', async () => await page.locator('#notifications li').count() >= CORPUS.length);
    await isClean('notifications and edited messages');
    await page.keyboard.press('Escape');
    for (const edited of (await page.locator('#messages .edited').all()).slice(0, 20)) {
      await edited.click();
      await page.locator('#edits[open]').waitFor();
      await page.keyboard.press('Escape');
    }
    await page.getByLabel('Search messages').fill(word);
    await becomes('they are found', async () => {
      await page.getByLabel('Search messages').press('Enter');
      return page.locator('#hits mark').first().isVisible();
    });
    for (const entry of CORPUS) await ann.rest('POST', '/threads', { participants: [ben.id], metadata: { subject: entry } });
    await becomes('the newest conversation is listed', async () => await page.locator('#threads li').count() > 20);
    await isClean('wordings, what is found, subjects');

    // Whatever is looked for would be found.
    await page.evaluate(() => { document.getElementById('messages').innerHTML = '<img src=x onerror=pwn(1)>'; });
    assert.equal((await page.evaluate(strange, OWN)).length, 2);
    await becomes('the policy refuses', () => happened.some(each => each.startsWith('policy: script-src')));
    stage.forgive();
  });

  /** A message that was edited once. */
  async function tellEdited(person, thread, content) {
    const { _id } = await tell(person, thread, `before ${content}`);
    return person.rest('PATCH', `/${_id}`, { content });
  }
}, ['single']);
