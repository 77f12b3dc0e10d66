// Groups on the page: what an owner does in their window, everybody sees in theirs without a reload. Who is
// removed has it no more, who is added has it at once, and what is refused or fails loses nothing.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { choose } from './front.mjs';
import { contents, field, message, onWindows, tell } from './windows.mjs';

/** Members in the list at first, and more at each press. */
const SHOWN = 200;
/** The most people that a group has. */
const MANY = 5_000;
/** On a machine that is busy with other tests. */
const DRAWN_MS = 2_000;
/** Characters of a name, at most. */
const NAME_MAX = 100;
const PHONE = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true };

onWindows('groups', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  const listed = (page, title) => page.locator('#threads').getByRole('button', { name: title });
  const lines = page => page.locator('#messages li.line').allTextContents();
  const lineComes = (page, words) => page.locator('#messages li.line').getByText(words, { exact: true }).waitFor();
  const dialog = page => page.locator('#members');
  const refusal = page => page.locator('#members-error');

  /** A group of the first of these people, made by REST. */
  const made = async (owner, others, group) => {
    const answer = await owner.rest('POST', '/threads', { participants: others.map(({ id }) => id), group });
    assert.equal(answer.status, 201, JSON.stringify(answer));
    return answer.thread._id;
  };
  const groupOf = async (person, thread) => (await person.rest('GET', `/threads/${thread}`)).thread.group;
  /** Opens a conversation from the list. */
  const open = async (page, title) => {
    await listed(page, title).click();
    await page.locator('#title').getByText(title).waitFor();
    await page.getByText(/^(This is where it began|Nothing was said here yet|You see what .*)\.$/).waitFor();
  };
  const openMembers = async page => {
    await button(page, 'Members').click();
    await dialog(page).waitFor();
  };
  /** Somebody's line in the list, with what an owner can do with them. */
  const member = (page, { id }) => page.locator('#member-names li').filter({ hasText: id });
  const change = async (page, person, act) => {
    await button(page, `Change ${person.id}`).click();
    await member(page, person).getByRole('button', { name: act, exact: true }).click();
  };
  const agree = (page, deed) => page.locator('#sure').getByRole('button', { name: deed, exact: true }).click();

  test('a group is made with a name, and people come, go and own it in all windows without a reload', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const [{ page: anns }, { page: bens }, { page: cems }, { page: other }] = await Promise.all([ann, ben, cem, ann].map(each => stage.enter(each)));
    await button(anns, 'New group').click();
    await anns.getByLabel('Name of the group').fill('Supper club');
    assert.equal(await button(anns, 'Create the group').isDisabled(), true, 'somebody else is in it');
    await choose(anns, ben.id);
    await button(anns, 'Create the group').click();
    await anns.locator('#title').getByText('Supper club').waitFor();
    for (const page of [bens, other]) await open(page, 'Supper club');
    await field(bens).fill('what shall we eat?');
    await field(bens).press('Enter');
    await message(anns, 'what shall we eat?').waitFor();

    // Somebody is added, on the owner's other device too.
    await openMembers(anns);
    await member(anns, ann).getByText('Owner', { exact: true }).waitFor();
    await openMembers(other);
    await button(anns, 'Add people').click();
    await anns.getByLabel('Name or user id').fill(ben.id);
    await anns.locator('#candidates').getByText('in the group already').waitFor();
    await choose(anns, cem.id);
    await button(anns, 'Add to the group').click();
    for (const page of [anns, other]) await page.getByRole('dialog', { name: '3 members' }).getByText(cem.id).waitFor();
    await open(cems, 'Supper club');
    await cems.getByText('You see what is sent from now on.').waitFor();
    assert.deepEqual(await contents(cems), [], 'what was said before is not for them');
    await lineComes(anns, `You added ${cem.id}.`);
    await lineComes(bens, `${ann.id} added ${cem.id}.`);
    assert.equal(await bens.locator('#news').textContent(), `${ann.id} added ${cem.id}.`, 'those who do not see it hear it');
    await bens.getByText('3 members').first().waitFor();

    // The ownership is shared: the other one can do it all at once.
    await openMembers(bens);
    assert.equal(await button(bens, 'Add people').isVisible(), false);
    assert.equal(await button(bens, `Change ${cem.id}`).isVisible(), false);
    await change(anns, ben, 'Make an owner');
    for (const page of [anns, bens, other]) await member(page, ben).getByText('Owner', { exact: true }).waitFor();
    await button(bens, 'Add people').waitFor();
    await lineComes(cems, `${ben.id} owns the group now.`);
    await change(bens, cem, 'Remove');
    await bens.locator('#sure').getByText(`Remove ${cem.id} from the group?`).waitFor();
    await agree(bens, 'Remove');

    // Who is removed has it no more, with one sentence and nowhere to write.
    await cems.getByText(`${ben.id} removed you from “Supper club”.`).waitFor();
    assert.equal(await field(cems).isVisible(), false);
    assert.equal(await cems.locator('#title').textContent(), 'Choose a conversation');
    assert.equal(await cems.locator('#threads li').count(), 0);
    assert.equal(await cems.locator('#error').textContent(), '');
    for (const page of [anns, bens, other]) await page.getByRole('dialog', { name: '2 members' }).waitFor();
    await lineComes(anns, `${ben.id} removed ${cem.id}.`);

    // Again, and it is there again; what was said meanwhile is not.
    await tell(ann, (await ann.rest('GET', '/threads')).threads[0]._id, 'meanwhile');
    await button(bens, 'Add people').click();
    await choose(bens, cem.id);
    await button(bens, 'Add to the group').click();
    await open(cems, 'Supper club');
    await field(cems).fill('hello again');
    await field(cems).press('Enter');
    await message(cems, 'hello again').waitFor();
    await cems.getByText('You see what was sent since you came.').waitFor();
    assert.deepEqual(await contents(cems), ['hello again']);
  });

  test('name and picture are changed for everybody, and two owners who change at once lose nothing that they typed', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const thread = await made(ann, [ben, cem], { name: 'Plans' });
    await ann.rest('PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'owner' });
    const [{ page: anns }, { page: bens }, { page: cems }] = await Promise.all([ann, ben, cem].map(each => stage.enter(each)));
    for (const page of [anns, bens, cems]) await open(page, 'Plans');
    for (const page of [anns, bens]) {
      await openMembers(page);
      await button(page, 'Name and picture').click();
    }
    await anns.getByLabel('Name', { exact: true }).fill('Plans for May');
    await bens.getByLabel('Name', { exact: true }).fill('Plans for June');
    await bens.getByLabel('Address of a picture').fill('/assets/mei.svg');
    await button(anns, 'Save').click();
    await anns.locator('#group-look').waitFor({ state: 'hidden' });
    await bens.getByText('Meanwhile the group was named “Plans for May”. Saving puts yours in its place.').waitFor();
    assert.equal(await bens.getByLabel('Name', { exact: true }).inputValue(), 'Plans for June');
    assert.equal(await bens.getByLabel('Address of a picture').inputValue(), '/assets/mei.svg');
    for (const page of [anns, bens, cems]) await page.locator('#title').getByText('Plans for May').waitFor();
    await button(bens, 'Save').click();
    for (const page of [anns, bens, cems]) {
      await listed(page, 'Plans for June').waitFor();
      await page.locator('#thread-header .picture img[src="/assets/mei.svg"]').waitFor();
      await lineComes(page, 'The group is called “Plans for June” now.');
    }
    // Who does not type has what the other one wrote.
    await button(anns, 'Name and picture').click();
    assert.equal(await anns.getByLabel('Name', { exact: true }).inputValue(), 'Plans for June');
    await ben.rest('PATCH', `/threads/${thread}`, { name: 'Plans for July', picture: '' });
    await becomes('the form follows', async () => await anns.getByLabel('Name', { exact: true }).inputValue() === 'Plans for July');
    assert.equal(await anns.getByLabel('Address of a picture').inputValue(), '');
    // Only what was changed here is sent.
    await anns.getByLabel('Address of a picture').fill('/assets/ann.svg');
    await ben.rest('PATCH', `/threads/${thread}`, { name: 'Plans for August' });
    await becomes('the other field follows', async () => await anns.getByLabel('Name', { exact: true }).inputValue() === 'Plans for August');
    await button(anns, 'Save').click();
    await anns.locator('#group-look').waitFor({ state: 'hidden' });
    const { name, picture } = await groupOf(cem, thread);
    assert.deepEqual([name, picture], ['Plans for August', '/assets/ann.svg']);
    // Without a name its people name it.
    await button(anns, 'Name and picture').click();
    await anns.getByLabel('Name', { exact: true }).fill('');
    await button(anns, 'Save').click();
    await becomes('its people name it', async () => (await cems.locator('#title').textContent()).split(', ').toSorted().join() === [ann.id, ben.id].toSorted().join());
    await lineComes(cems, 'The group has no name any more.');
  });

  test('whoever leaves is told what it means; the last owner hands over, and the last one of all closes the door', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await made(ann, [ben], { name: 'Attic' });
    const [{ page: anns }, { page: annsPhone }, { page: bens }] = [await stage.enter(ann), await stage.enter(ann, PHONE), await stage.enter(ben)];
    for (const page of [anns, annsPhone, bens]) await open(page, 'Attic');
    await openMembers(bens);
    assert.equal(await button(bens, 'Add people').isVisible(), false);
    await openMembers(anns);
    assert.equal(await button(anns, `Change ${ann.id}`).isVisible(), false, 'the only owner stays one');
    await button(anns, 'Leave the group').click();
    const asked = await anns.locator('#sure-question').textContent();
    assert.equal(asked, 'Leave “Attic”? It goes from your list, with all that was said. You are its only owner: whoever is in it for the longest time '
      + 'owns it then. Only an owner can add you again, and then you see what is sent from then on.');
    await anns.keyboard.press('Escape');
    assert.equal((await ann.rest('GET', `/threads/${thread}`)).status, 200, 'nothing was done');
    await button(anns, 'Leave the group').click();
    await agree(anns, 'Leave');
    for (const page of [anns, annsPhone]) {
      await page.getByText('You have left “Attic”.').waitFor();
      await page.locator('#threads li').waitFor({ state: 'detached' });
      assert.equal(await field(page).isVisible(), false);
    }
    await button(bens, 'Add people').waitFor();
    await lineComes(bens, `${ann.id} left.`);
    await lineComes(bens, 'You own the group now.');
    await bens.getByRole('dialog', { name: '1 member' }).waitFor();
    await button(bens, 'Leave the group').click();
    assert.match(await bens.locator('#sure-question').textContent(), /You are the last one in it: nobody can add you again\.$/);
    await agree(bens, 'Leave');
    await bens.getByText('You have left “Attic”.').waitFor();
    assert.equal((await ben.rest('GET', `/threads/${thread}`)).status, 404);
  });

  test('an owner can stop owning, and who is no owner any more is told so and changes nothing', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const thread = await made(ann, [ben, cem], { name: 'Choir' });
    await ann.rest('PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'owner' });
    const [{ page: anns }, { page: bens }] = [await stage.enter(ann), await stage.enter(ben)];
    for (const page of [anns, bens]) {
      await open(page, 'Choir');
      await openMembers(page);
    }
    await button(bens, 'Name and picture').click();
    await bens.getByLabel('Name', { exact: true }).fill('Choir and band');
    await change(anns, ben, 'Make a member');
    await refusal(bens).getByText('You do not own the group any more. What you typed is still here, but only an owner can save it.').waitFor();
    assert.equal(await bens.getByLabel('Name', { exact: true }).inputValue(), 'Choir and band');
    assert.equal(await button(bens, 'Save').isDisabled(), true);
    assert.equal(await button(bens, 'Add people').isVisible(), false);
    await lineComes(bens, 'You do not own the group any more.');
    await change(anns, ben, 'Make an owner');
    await button(bens, 'Add people').waitFor();
    await button(bens, 'Save').click();
    await anns.locator('#title').getByText('Choir and band').waitFor();
    await change(anns, ann, 'Stop owning');
    await agree(anns, 'Stop owning');
    await becomes('it is so', async () => (await groupOf(ann, thread)).owners.join() === ben.id);
    await button(anns, 'Add people').waitFor({ state: 'hidden' });
  });

  test('what is refused or does not arrive is said, and nothing typed is lost', async () => {
    const [ann, ben, cem, dan] = stage.people('ann', 'ben', 'cem', 'dan');
    const thread = await made(ann, [ben, cem], { name: 'Boats' });
    await ann.rest('PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'owner' });
    const { page, link } = await stage.enter(ann);
    await open(page, 'Boats');
    await openMembers(page);
    await button(page, 'Name and picture').click();
    const name = page.getByLabel('Name', { exact: true });
    // Away, then back.
    await name.fill('Boats and oars');
    link.cut();
    await page.locator('#connection.down').waitFor();
    await button(page, 'Save').click();
    await refusal(page).getByText(/^There is no connection at the moment/).waitFor();
    assert.equal(await name.inputValue(), 'Boats and oars');
    link.mend();
    await page.locator('#connection.up').waitFor();
    // The service is not there for a moment.
    const answers = [[503, 'unavailable', /^The service is not available at the moment\. Nothing is lost here/], [409, 'not_group', /was not started as a group/],
      [403, 'forbidden', /^Only an owner of the group can do that/], [404, 'not_found', /^They are not in the group any more/]];
    for (const [status, code, words] of answers) {
      await page.route(`**/threads/${thread}`, route => (route.request().method() === 'PATCH'
        ? route.fulfill({ status, contentType: 'application/json', body: JSON.stringify({ success: false, code, error: code }) }) : route.continue()));
      await button(page, 'Save').click();
      await refusal(page).getByText(words).waitFor();
      assert.equal(await name.inputValue(), 'Boats and oars', code);
      await page.unroute(`**/threads/${thread}`);
    }
    // The server's own words name the field.
    await page.getByLabel('Address of a picture').fill('javascript:alert(1)');
    await button(page, 'Save').click();
    await refusal(page).getByText(/^Picture /).waitFor();
    await page.getByLabel('Address of a picture').fill('');
    await name.fill('x'.repeat(NAME_MAX + 1));
    await button(page, 'Save').click();
    await refusal(page).getByText(`A group's name has at most 100 characters. This one has ${NAME_MAX + 1}.`).waitFor();
    await name.fill('Boats and oars');
    await button(page, 'Save').click();
    await page.locator('#title').getByText('Boats and oars').waitFor();

    // The answer is lost, and the same again is the same change.
    await button(page, `Change ${cem.id}`).click();
    const asked = page.waitForRequest(request => request.method() === 'DELETE');
    await page.route('**/members/*', async route => {
      await route.fetch();
      await route.abort();
    });
    await member(page, cem).getByRole('button', { name: 'Make an owner', exact: true }).click();
    await refusal(page).getByText(/^There is no connection at the moment/).waitFor();
    await page.unroute('**/members/*');
    await member(page, cem).getByText('Owner', { exact: true }).waitFor();
    await page.locator('#member-names').getByRole('button', { name: 'Make a member' }).waitFor();
    // Somebody else was faster: they are gone already.
    await page.route('**/members/*', async route => {
      await ben.rest('DELETE', `/threads/${thread}/members/${cem.id}`);
      await route.continue();
    });
    await member(page, cem).getByRole('button', { name: 'Remove', exact: true }).click();
    await agree(page, 'Remove');
    await asked;
    await refusal(page).getByText('They are not in the group any more.').waitFor();
    await page.getByRole('dialog', { name: '2 members' }).waitFor();
    await page.unroute('**/members/*');

    // Those who were chosen stay chosen.
    await button(page, 'Add people').click();
    await choose(page, dan.id);
    link.cut();
    await button(page, 'Add to the group').click();
    await page.locator('#picker-error').getByText(/^There is no connection at the moment/).waitFor();
    assert.equal(await page.locator('#picked li').count(), 1);
    link.mend();
    await page.locator('#connection.up').waitFor();
    await button(page, 'Add to the group').click();
    await page.getByRole('dialog', { name: '3 members' }).getByText(dan.id).waitFor();
  });

  test('a new group that is refused or does not arrive loses nothing that was typed and chosen', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const { page, link } = await stage.enter(ann);
    const isKept = async () => {
      assert.equal(await page.getByLabel('Name of the group').inputValue(), 'Late shift');
      assert.equal(await page.getByLabel('People who are added later see earlier messages').isChecked(), true);
      assert.equal(await page.locator('#picked li').count(), 1);
    };
    await button(page, 'New group').click();
    await page.getByLabel('Name of the group').fill('Late shift');
    await page.getByLabel('People who are added later see earlier messages').check();
    await choose(page, ben.id);
    for (const [status, body, words] of [
      [403, { success: false, code: 'forbidden', error: '' }, /^You may not start this group\./],
      [503, { success: false, code: 'unavailable', error: '' }, /^The service is not available at the moment\./],
      [202, { success: true, status: 'queued', commandId: 'c', threadId: 't' }, /^The server has it, and does it as soon as it can\./],
    ]) {
      await page.route('**/api/v2/messages/threads', route => route.fulfill({ status, contentType: 'application/json', body: JSON.stringify(body) }));
      await button(page, 'Create the group').click();
      await page.locator('#picker-error').getByText(words).waitFor();
      await isKept();
      await page.unroute('**/api/v2/messages/threads');
    }
    link.cut();
    await button(page, 'Create the group').click();
    await page.locator('#picker-error').getByText('There is no connection at the moment.').waitFor();
    await isKept();
    link.mend();
    await page.locator('#connection.up').waitFor();
    await button(page, 'Create the group').click();
    await page.locator('#title').getByText('Late shift').waitFor();
    // Whoever is not in it any more is told what to do, and nothing else happens.
    const [{ _id: thread }] = (await ann.rest('GET', '/threads')).threads;
    await ann.rest('POST', `/threads/${thread}/leave`);
    await page.getByText('You have left “Late shift”.').waitFor();
    await button(page, 'New group').click();
    await page.getByLabel('Name of the group').fill('Late shift');
    await page.getByLabel('People who are added later see earlier messages').check();
    await choose(page, ben.id);
    await button(page, 'Create the group').click();
    await page.locator('#picker-error').getByText(/then give the new one another name\.$/).waitFor();
    await isKept();
  });

  test('who was removed while they were away finds it gone, and who was added finds it', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const thread = await made(ann, [ben], { name: 'Island' });
    await tell(ann, thread, 'ship ahoy');
    const { page, link } = await stage.enter(ben);
    await open(page, 'Island');
    await field(page).fill('I begin');
    link.cut();
    await page.locator('#connection.down').waitFor();
    await ann.rest('DELETE', `/threads/${thread}/members/${ben.id}`);
    // More than a connection is kept for: the events are not sent again.
    const other = await made(ann, [ben], { name: 'Mainland' });
    link.mend();
    await page.getByText(/(removed you from “Island”|“Island” is not open to you any more)\.$/).waitFor();
    await listed(page, 'Mainland').waitFor();
    await listed(page, 'Island').waitFor({ state: 'detached' });
    assert.equal(await field(page).isVisible(), false);
    await open(page, 'Mainland');
    assert.equal((await ben.rest('GET', `/threads/${other}`)).status, 200);
    // A reload of the address that it had leads nowhere, calmly.
    await page.goto(`${link.origin}/#${thread}`);
    await page.reload();
    await page.locator('#error').getByText('That is not there, or not yours to see.').waitFor();
  });

  test('a group can show everything to those who come later, and says which', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const { page } = await stage.enter(ann);
    await button(page, 'New group').click();
    await page.getByLabel('Name of the group').fill('Archive of all');
    await page.getByLabel('People who are added later see earlier messages').check();
    await choose(page, ben.id);
    await button(page, 'Create the group').click();
    await page.locator('#title').getByText('Archive of all').waitFor();
    await field(page).fill('of old');
    await field(page).press('Enter');
    await message(page, 'of old').waitFor();
    await openMembers(page);
    await page.getByText('Who is added sees everything that was sent before.').waitFor();
    await button(page, 'Add people').click();
    await choose(page, cem.id);
    await button(page, 'Add to the group').click();
    const { page: cems } = await stage.enter(cem);
    await open(cems, 'Archive of all');
    await message(cems, 'of old').waitFor();
    await cems.getByText('This is where it began.').waitFor();
  });

  test('a reply to what was before somebody came says so instead of looking for it for ever', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const thread = await made(ann, [ben], { name: 'Riddles' });
    const { _id: first } = await tell(ann, thread, 'the first riddle');
    for (let n = 0; n < 60; n += 1) await tell(ann, thread, `riddle ${n}`);
    await ann.rest('POST', `/threads/${thread}/members`, { userIds: [cem.id] });
    await tell(ben, thread, 'the answer to the first', { replyTo: first });
    const { page } = await stage.enter(cem);
    await open(page, 'Riddles');
    await message(page, 'the answer to the first').getByRole('button', { name: /^In reply to/ }).click();
    await page.getByText('That message is not here. It is gone, or from before you came.').waitFor();
    assert.deepEqual(await contents(page), ['the answer to the first']);
    await page.getByText('You see what was sent since you came.').waitFor();
  });

  test('a message is read by all once those who did not read it are gone', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const thread = await made(ann, [ben, cem], { name: 'Readers' });
    const { page } = await stage.enter(ann);
    await open(page, 'Readers');
    await field(page).fill('read this');
    await field(page).press('Enter');
    const ticks = message(page, 'read this').locator('.ticks');
    await ticks.waitFor();
    await ben.rest('POST', `/threads/${thread}/read`, {});
    await becomes('ben has read it', async () => await ticks.getAttribute('title') === `Read by ${ben.id}`);
    assert.notEqual(await ticks.getAttribute('aria-label'), 'Read');
    await ann.rest('DELETE', `/threads/${thread}/members/${cem.id}`);
    await becomes('all have read it', async () => await ticks.getAttribute('aria-label') === 'Read');
  });

  test('a conversation that was started without a group goes on as it is', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    await ann.rest('POST', '/threads', { participants: [ben.id, cem.id], metadata: { subject: 'Order 4711' } });
    const { page } = await stage.enter(ann);
    await open(page, 'Order 4711');
    await openMembers(page);
    await page.getByRole('dialog', { name: '3 members' }).waitFor();
    for (const name of ['Add people', 'Name and picture', 'Leave the group', `Change ${ben.id}`]) assert.equal(await button(page, name).isVisible(), false, name);
    assert.equal(await page.locator('#member-names .role').count(), 0);
  });

  test('a group without a name is called by its people, and is not the chat of the same two', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const chat = await ann.startThread(ben);
    await tell(ann, chat, 'just the two of us');
    const { page } = await stage.enter(ben);
    await listed(page, ann.id).waitFor();
    const thread = await made(ann, [ben], {});
    await open(page, `Group with ${ann.id}`);
    assert.equal(await page.locator('#threads li').count(), 2);
    assert.match(await page.locator('#subtitle').textContent(), /^2 members/);
    await openMembers(page);
    await page.getByRole('dialog', { name: '2 members' }).waitFor();
    await page.keyboard.press('Escape');
    await ann.rest('POST', `/threads/${thread}/leave`);
    await page.locator('#title').getByText('Only you', { exact: true }).waitFor();
  });

  test('names that are long, of another direction, or of emoji fit everywhere', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const names = ['W'.repeat(NAME_MAX), '👩‍👩‍👧‍👦 Family 🏳️‍🌈', 'מסיבת גן ביום שבת', '\u200fحفلة الحديقة (5)', 'a <b>bold</b> name', `${'👍🏽'.repeat(NAME_MAX / 2)}`];
    for (const name of names) await made(ann, [ben], { name });
    for (const options of [PHONE, { viewport: { width: 1100, height: 800 } }]) {
      const { page } = await stage.enter(ben, options);
      await becomes('all are listed', async () => await page.locator('#threads li').count() === names.length);
      const shown = await page.locator('#threads .name').allTextContents();
      for (const name of names.filter(each => !each.startsWith('\u200f'))) assert.ok(shown.includes(name), name);
      for (const item of await page.locator('#threads button').all()) {
        if (!await item.isVisible()) await button(page, 'Back to the conversations').click();
        await item.click();
        await openMembers(page);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        assert.ok(await dialog(page).evaluate(each => each.scrollWidth <= each.clientWidth));
        await button(page, 'Leave the group').click();
        assert.ok(await page.locator('#sure').evaluate(each => each.scrollWidth <= each.clientWidth && each.clientHeight < innerHeight));
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
      }
    }
  });

  test('the list of 5,000 members is quick, finds everybody, and stays where it is when one of them goes', { timeout: 300_000 }, async () => {
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const run = root.id.slice(-8);
    const ids = Array.from({ length: MANY - 1 }, (_, n) => `p${String(n).padStart(4, '0')}-${run}`);
    const thread = await made(root, ids.map(id => ({ id })), { name: 'Everybody' });
    const { page } = await stage.enter(root);
    await listed(page, 'Everybody').click();
    await page.getByText('5,000 members').first().waitFor();
    await openMembers(page);
    await page.getByRole('dialog', { name: '5,000 members' }).waitFor();
    assert.equal(await page.locator('#member-names .name').first().textContent(), root.id, 'its owners come first');
    const last = { id: ids.at(-1) };
    await page.getByLabel('Find a member').fill(last.id.slice(0, 5));
    await member(page, last).waitFor();
    await page.getByLabel('Find a member').fill('');
    await becomes('the first are listed', async () => await page.locator('#member-names li').count() === SHOWN);
    await button(page, 'More').click();
    await becomes('more are listed', async () => await page.locator('#member-names li').count() === 2 * SHOWN);
    const took = await page.evaluate(async id => {
      const began = performance.now();
      document.querySelector(`#member-names [data-id="${id}"][data-act="more"]`).click();
      await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now() - began;
    }, ids[1]);
    assert.ok(took < DRAWN_MS, `${took} ms`);
    await page.locator(`[data-id="${ids[1]}"][data-act="Remove"]`).click();
    await agree(page, 'Remove');
    await page.getByRole('dialog', { name: '4,999 members' }).waitFor();
    await becomes('the others are listed, nothing is read anew', async () => await page.locator('#member-names li').count() === 2 * SHOWN);
    await page.getByLabel('Find a member').fill(last.id.slice(0, 5));
    assert.equal(await member(page, last).isVisible(), true);
    assert.equal((await root.rest('GET', `/threads/${thread}`)).thread.participantCount, MANY - 1);
    assert.equal((await lines(page)).at(-1), `You removed ${ids[1]}.`);
  });

  test('what the page says of itself lets it be installed', async () => {
    const { page, context } = await stage.openWindow();
    const session = await context.newCDPSession(page);
    const { errors, manifest, data } = await session.send('Page.getAppManifest');
    assert.deepEqual(errors, []);
    assert.ok(data ?? manifest, 'the policy lets it through');
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'), []);
    const { icons } = await page.evaluate(async () => (await fetch('/manifest.webmanifest')).json());
    const sizes = await page.evaluate(all => Promise.all(all.map(async ({ src, sizes }) => {
      const picture = Object.assign(document.createElement('img'), { src });
      await picture.decode();
      return [sizes, `${picture.naturalWidth}x${picture.naturalHeight}`];
    })), icons);
    for (const [said, is] of sizes) assert.ok(said === 'any' || said === is, `${said} is ${is}`);
    const touch = page.locator('link[rel="apple-touch-icon"]');
    assert.equal((await page.request.get(new URL(await touch.getAttribute('href'), page.url()).href)).headers()['content-type'], 'image/png');
  });
});
