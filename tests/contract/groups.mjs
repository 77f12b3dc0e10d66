// Groups: an owner names them, adds and removes people and shares the ownership; who is added sees what is
// sent then, and who is removed sees nothing more. By REST and by socket, on either shape.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { found, newKey } from './founding.mjs';
import { eventually } from './person.mjs';

/** Rounds in which somebody is removed and added again. */
const ROUNDS = 5;

export function groups(stage) {
  const { connected, person } = stage;
  const add = async (owner, thread, ...people) => {
    const answer = await owner.rest('POST', `/threads/${thread}/members`, { userIds: people.map(each => each.id) }, newKey());
    assert.equal(answer.status, 200, JSON.stringify(answer));
    return answer.thread;
  };
  const remove = async (owner, thread, who) => {
    const answer = await owner.rest('DELETE', `/threads/${thread}/members/${who.id}`, undefined, newKey());
    assert.equal(answer.status, 200, JSON.stringify(answer));
  };
  const roles = members => Object.fromEntries(members.map(({ id, role }) => [id, role]));
  const contents = messages => messages.map(each => each.content);

  test('everybody sees the members of a thread with their roles, in pages', async () => {
    const [ann, ben, cem, eve] = await connected('ann', 'ben', 'cem', 'eve');
    const thread = await found(ann, [ben, cem], { name: 'Us', picture: '/us.png' });
    const expected = { [ann.id]: 'owner', [ben.id]: 'member', [cem.id]: 'member' };
    const [created] = await cem.hears('thread:created');
    assert.deepEqual(roles(created.thread.members), expected);
    const group = { name: 'Us', picture: '/us.png', history: 'joined', owners: [ann.id] };
    for (const { thread: seen } of [created, await ben.rest('GET', `/threads/${thread}`)]) {
      assert.deepEqual([roles(seen.members), seen.group], [expected, group]);
    }
    const { threads: [listed] } = await ben.rest('GET', '/threads');
    assert.deepEqual([listed.participant, roles(listed.members)], [{ id: null, name: 'Us', avatar: '/us.png' }, expected]);
    const first = await ben.rest('GET', `/threads/${thread}/members?limit=2`);
    const rest = await ben.rest('GET', `/threads/${thread}/members?limit=2&cursor=${first.nextCursor}`);
    assert.deepEqual([roles([...first.members, ...rest.members]), first.participantCount, rest.nextCursor], [expected, 3, null]);
    assert.equal((await eve.rest('GET', `/threads/${thread}/members`)).status, 404);
    const two = await ann.startThread(ben);
    const { members, participantCount } = await ben.rest('GET', `/threads/${two}/members`);
    assert.deepEqual([roles(members), participantCount], [{ [ann.id]: 'member', [ben.id]: 'member' }, 2]);
  });

  test('an owner names a group, adds and removes people and shares the ownership, and everybody hears of it', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const thread = await found(ann, [ben]);
    const named = await ann.rest('PATCH', `/threads/${thread}`, { name: 'Plans', picture: 'https://pics.example/p.png' });
    assert.deepEqual([named.status, named.thread.group.name], [200, 'Plans']);
    for (const who of [ann, ben]) {
      const [{ thread: told }] = await who.hears('thread:updated');
      assert.deepEqual([told._id, told.group], [thread, named.thread.group]);
    }
    const { participantCount } = await add(ann, thread, cem, ben);
    assert.equal(participantCount, 3);
    for (const who of [ann, ben, cem]) {
      const [told] = await who.hears('thread:members:added');
      assert.deepEqual([told.threadId, told.addedBy, told.participantCount, roles(told.members)], [thread, ann.id, 3, { [cem.id]: 'member' }]);
    }
    assert.equal((await cem.hears('thread:created'))[0].thread._id, thread);
    assert.equal((await cem.send(thread, 'hello')).success, true);
    await ben.hears('message:received');
    const shared = await ann.rest('PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'owner' });
    assert.deepEqual([shared.status, shared.thread.group.owners], [200, [ann.id, ben.id].sort()]);
    assert.deepEqual((await cem.hears('thread:updated'))[0].thread.group.owners, [ann.id, ben.id].sort());
    await remove(ben, thread, cem);
    for (const who of [ann, ben, cem]) {
      const [left] = await who.hears('thread:left');
      assert.deepEqual([left.threadId, left.userId, left.removedBy, left.participantCount], [thread, cem.id, ben.id, 2]);
    }
    assert.equal((await ben.rest('PATCH', `/threads/${thread}/members/${ann.id}`, { role: 'member' })).status, 200);
    const alone = await ben.rest('PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'member' });
    assert.deepEqual([alone.status, alone.code], [400, 'invalid'], 'a group has an owner');
    // The last owner who leaves hands over; whoever names themselves leaves.
    await remove(ben, thread, ben);
    const heard = await ann.hears('thread:updated', 4);
    assert.deepEqual(heard.at(-1).thread.group.owners, [ann.id]);
    assert.equal((await ann.hears('thread:left', 2)).at(-1).removedBy, undefined);
  });

  test('members, strangers and former members change nothing, and a thread that is no group stays as it is', async () => {
    const [ann, ben, cem, eve] = await connected('ann', 'ben', 'cem', 'eve');
    const thread = await found(ann, [ben, cem]);
    await remove(ann, thread, cem);
    const changes = [
      ['PATCH', `/threads/${thread}`, { name: 'mine' }],
      ['POST', `/threads/${thread}/members`, { userIds: [eve.id] }],
      ['DELETE', `/threads/${thread}/members/${ann.id}`],
      ['PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'owner' }],
    ];
    for (const [method, path, body] of changes) {
      const refused = await ben.rest(method, path, body);
      assert.deepEqual([refused.status, refused.code], [403, 'forbidden'], `${method} ${path}`);
      for (const who of [cem, eve]) assert.equal((await who.rest(method, path, body)).status, 404, `${method} ${path}`);
    }
    const again = await cem.rest('POST', '/threads', { participants: [ann.id, ben.id, cem.id], group: {} });
    assert.deepEqual([again.status, again.code], [403, 'forbidden'], 'nobody comes back by themselves');
    const two = await ann.startThread(ben);
    for (const [method, path, body] of [
      ['POST', `/threads/${two}/members`, { userIds: [cem.id] }], ['PATCH', `/threads/${two}`, { name: 'x' }],
      ['DELETE', `/threads/${two}/members/${ben.id}`], ['PATCH', `/threads/${two}/members/${ben.id}`, { role: 'owner' }],
    ]) {
      const refused = await ann.rest(method, path, body);
      assert.deepEqual([refused.status, refused.code], [409, 'not_group'], `${method} ${path}`);
    }
    const { thread: seen } = await ann.rest('GET', `/threads/${thread}`);
    assert.deepEqual([seen.participants, seen.group.name, seen.group.owners], [[ann.id, ben.id].sort(), null, [ann.id]]);
    for (const [body, named] of [
      [{}, /name or picture/], [{ name: 5 }, /^name/], [{ name: 'x'.repeat(101) }, /^name/], [{ name: ' ' }, /^name/],
      [{ picture: 'javascript:alert(1)' }, /^picture/],
    ]) {
      const refused = await ann.rest('PATCH', `/threads/${thread}`, body);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], JSON.stringify(body));
      assert.match(refused.error, named);
    }
    for (const body of [{}, { userIds: [] }, { userIds: 'x' }, { userIds: ['a,b'] }, { userIds: Array.from({ length: 101 }, (_, n) => `p${n}`) }]) {
      const refused = await ann.rest('POST', `/threads/${thread}/members`, body);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], JSON.stringify(body));
      assert.match(refused.error, /^userIds/);
    }
    assert.equal((await ann.rest('PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'king' })).code, 'invalid');
    assert.equal((await ann.rest('DELETE', `/threads/${thread}/members/${eve.id}`)).status, 404);
    const twice = await add(ann, thread, ben);
    assert.equal(twice.participantCount, 2, 'who is in it stays as they are');
    assert.deepEqual(ben.all('thread:members:added'), []);
  });

  test('who is added sees what is sent then, in histories, single messages, search, pins, sync and quotes', async () => {
    const [ann, ben, dan] = await connected('ann', 'ben', 'dan');
    const thread = await found(ann, [ben]);
    const { message: secret } = await ann.send(thread, 'a secret of old');
    const { message: pinned } = await ben.send(thread, 'pinned of old');
    await ann.rest('PUT', `/${pinned._id}/pin`);
    await ann.rest('PATCH', `/${secret._id}`, { content: 'a secret of old, edited' });
    await eventually('lists know both', async () => (await ben.rest('GET', `/threads/${thread}`)).thread.lastSeq === 2);
    const shown = await add(ann, thread, dan);
    assert.equal(shown.lastSeq, 2);
    const { thread: seen } = await dan.rest('GET', `/threads/${thread}`);
    assert.deepEqual([seen.unreadCount, seen.lastMessage], [0, null]);
    const { message: reply } = await ben.send(thread, 'about the secret', { replyTo: secret._id });
    assert.equal(reply.replyTo.quote.content, 'a secret of old, edited');
    const [heard] = await dan.hears('message:received');
    assert.deepEqual([heard.message.content, heard.message.replyTo], ['about the secret', { messageId: secret._id }]);
    assert.equal((await ann.hears('message:received', 3))[2].message.replyTo.quote.content, 'a secret of old, edited');
    await dan.send(thread, 'hello');
    for (const query of ['', '?after=0', '?before=100', `?afterTime=${new Date(0).toISOString()}`, '?limit=1&before=4']) {
      const { messages } = await dan.rest('GET', `/${thread}${query}`);
      assert.deepEqual(contents(messages), ['about the secret', 'hello'].slice(0, messages.length), query);
      assert.ok(messages.length > 0 && messages.every(each => each.replyTo?.quote === undefined), query);
    }
    const page = await dan.rest('GET', `/${thread}?limit=2`);
    assert.equal(page.nextCursor, null, 'nothing is before it');
    for (const [method, path, body] of [
      ['GET', `/${secret._id}/edits`], ['POST', `/${secret._id}/reactions`, { emoji: '👍' }], ['POST', `/${secret._id}/read`],
      ['PUT', `/${secret._id}/pin`], ['DELETE', `/${pinned._id}/pin`], ['PATCH', `/${secret._id}`, { content: 'x' }],
    ]) assert.equal((await dan.rest(method, path, body)).status, 404, `${method} ${path}`);
    const answering = await dan.rest('POST', `/${thread}`, { content: 'x', replyTo: secret._id });
    assert.deepEqual([answering.status, answering.code], [400, 'invalid']);
    assert.deepEqual((await dan.rest('GET', `/threads/${thread}/pins`)).messages, []);
    assert.equal((await ben.rest('GET', `/threads/${thread}/pins`)).messages.length, 1);
    const changed = await dan.rest('GET', `/${thread}?changesAfter=0`);
    assert.deepEqual([changed.messages, changed.lastChange > 0], [[], true]);
    const search = async (who, words) => contents((await who.rest('GET', `/search?q=${words}`)).hits.map(hit => hit.message));
    await eventually('the new one is found', async () => (await search(dan, 'secret')).length === 1);
    assert.deepEqual([await search(dan, 'secret'), await search(dan, 'old')], [['about the secret'], []]);
    assert.equal((await search(ben, 'old')).length, 2);
    const { threads: [synced] } = await dan.ask('sync', { threads: [{ threadId: thread, after: 0, changesAfter: 0 }] });
    assert.deepEqual([contents(synced.messages), synced.changed, synced.gap], [['about the secret', 'hello'], [], false]);
    assert.ok(synced.messages.every(each => each.replyTo?.quote === undefined));
    // What happens to an old message is not told to them either.
    const told = ['message:updated', 'message:pinned', 'message:deleted', 'reaction:received'];
    await ann.rest('PATCH', `/${secret._id}`, { content: 'another secret' });
    await ben.rest('POST', `/${secret._id}/reactions`, { emoji: '👍' });
    await ann.rest('DELETE', `/${secret._id}`);
    await ben.hears('message:deleted');
    await ann.send(thread, 'the end');
    await dan.hears('message:received', 3);
    assert.deepEqual(told.flatMap(event => dan.all(event)), []);
    const marked = await dan.rest('POST', `/threads/${thread}/unread`, { seq: 1 });
    assert.deepEqual([marked.status, marked.seq, marked.unreadCount], [200, 2, 2]);
  });

  test('a group may show all of its history to who is added', async () => {
    const [ann, ben, dan] = await connected('ann', 'ben', 'dan');
    const thread = await found(ann, [ben], { history: 'all' });
    await ann.send(thread, 'of old');
    await add(ann, thread, dan);
    const { messages } = await dan.rest('GET', `/${thread}`);
    assert.deepEqual(contents(messages), ['of old']);
    assert.equal((await dan.rest('GET', `/threads/${thread}`)).thread.unreadCount, 0);
  });

  test('who is removed hears and sees nothing from then on, and goes on when they are added again', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const thread = await found(ann, [ben, cem]);
    const { message } = await ann.send(thread, 'before');
    await cem.hears('message:received');
    assert.equal((await cem.ask('thread:join', { threadId: thread })).success, true);
    // A connection that was lost before hears nothing of what was sent after.
    await cem.reconnects(async () => {
      await remove(ann, thread, cem);
      await ann.send(thread, 'without them');
      await ben.hears('message:received', 2);
    });
    for (const [method, path, body] of [
      ['GET', `/${thread}`], ['GET', `/threads/${thread}`], ['GET', `/threads/${thread}/members`], ['POST', `/threads/${thread}/leave`],
      ['POST', `/${thread}`, { content: 'x' }], ['POST', `/${message._id}/reactions`, { emoji: '👍' }], ['GET', `/${message._id}/edits`],
      ['GET', `/threads/${thread}/pins`], ['GET', `/search?q=before&threadId=${thread}`],
    ]) assert.equal((await cem.rest(method, path, body)).status, 404, `${method} ${path}`);
    for (const [event, body] of [
      ['thread:join', { threadId: thread }], ['message:send', { threadId: thread, content: 'x' }], ['thread:read', { threadId: thread }],
    ]) assert.equal((await cem.ask(event, body)).code, 'not_found', event);
    const { threads: [refused] } = await cem.ask('sync', { threads: [{ threadId: thread, after: 0, changesAfter: 0 }] });
    assert.equal(refused.code, 'not_found');
    assert.deepEqual((await cem.rest('GET', '/search?q=before')).hits, []);
    assert.deepEqual((await cem.rest('GET', '/threads')).threads, []);
    assert.deepEqual(cem.received(), ['before']);
    await add(ann, thread, cem);
    await ben.send(thread, 'welcome back');
    await cem.hears('message:received', 2);
    assert.deepEqual(cem.received(), ['before', 'welcome back']);
    assert.equal((await cem.send(thread, 'thanks')).success, true);
    assert.deepEqual(contents((await cem.rest('GET', `/${thread}`)).messages), ['welcome back', 'thanks']);
    const { threads: [synced] } = await cem.ask('sync', { threads: [{ threadId: thread, after: 1 }] });
    assert.deepEqual([contents(synced.messages), synced.gap], [['welcome back', 'thanks'], true]);
  });

  test('a change under one key is made once, and its repetition undoes nothing', async () => {
    const [ann, ben, cem, dan] = await connected('ann', 'ben', 'cem', 'dan');
    const thread = await found(ann, [ben, cem]);
    const [gone, named] = [newKey(), newKey()];
    const takeOut = () => ann.rest('DELETE', `/threads/${thread}/members/${cem.id}`, undefined, gone);
    const name = () => ann.rest('PATCH', `/threads/${thread}`, { name: 'First' }, named);
    for (const change of [takeOut, name]) assert.equal((await change()).status, 200);
    await add(ann, thread, cem);
    await ann.rest('PATCH', `/threads/${thread}`, { name: 'Second' });
    for (const change of [takeOut, name]) assert.equal((await change()).status, 200, 'answered as the first time');
    const { thread: seen } = await cem.rest('GET', `/threads/${thread}`);
    assert.deepEqual([seen.participantCount, seen.group.name], [3, 'Second']);
    const other = await ann.rest('POST', `/threads/${thread}/members`, { userIds: [dan.id] }, gone);
    assert.deepEqual([other.status, other.code], [422, 'key_reused']);
    const long = await ann.rest('PATCH', `/threads/${thread}`, { name: 'x' }, { 'idempotency-key': 'k'.repeat(129) });
    assert.deepEqual([long.status, long.code], [400, 'invalid']);
    const without = await ann.rest('DELETE', `/threads/${thread}/members/${dan.id}`, undefined, newKey());
    assert.deepEqual([without.status, without.code], [404, 'not_found']);
    assert.equal((await dan.rest('GET', `/threads/${thread}`)).status, 404);
  });

  test('of what happens in a group who was removed hears nothing, and their draft is gone', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const thread = await found(ann, [ben, cem]);
    const { message } = await ann.send(thread, 'before');
    await cem.hears('message:received');
    assert.equal((await cem.ask('thread:join', { threadId: thread })).success, true);
    assert.equal((await cem.ask('draft:save', { threadId: thread, content: 'I think' })).success, true);
    await remove(ann, thread, cem);
    await cem.hears('thread:left');
    const heardBefore = cem.heard.length;
    const refused = await cem.ask('draft:save', { threadId: thread, content: 'still' });
    assert.equal(refused.code, 'not_found');
    for (const path of [`/threads/${thread}/draft`, `/threads/${thread}/members`]) assert.equal((await cem.rest('GET', path)).status, 404);
    assert.deepEqual((await cem.rest('GET', '/drafts')).drafts, []);
    const mentioning = await ann.send(thread, 'and what of cem?', { mentions: [cem.id] });
    assert.deepEqual([mentioning.success, mentioning.code], [false, 'invalid'], 'they are a stranger');
    await ben.ask('typing:start', { threadId: thread });
    await ann.hears('typing:update');
    await ann.rest('PATCH', `/${message._id}`, { content: 'before, edited' });
    await ben.rest('POST', `/${message._id}/reactions`, { emoji: '👍', action: 'add' });
    await ben.rest('PUT', `/${message._id}/pin`);
    await ben.ask('thread:read', { threadId: thread });
    await ann.rest('PATCH', `/threads/${thread}`, { name: 'Without them' });
    await ann.send(thread, 'after');
    await ann.rest('DELETE', `/${message._id}`);
    await Promise.all(['message:updated', 'reaction:received', 'message:pinned', 'message:read:update', 'thread:updated', 'message:deleted']
      .map(event => ann.hears(event)));
    // Something else of which they hear, sent when the others have heard all of that.
    const other = await ann.startThread(cem);
    await ann.send(other, 'elsewhere');
    await cem.hears('message:received', 2);
    const about = cem.heard.slice(heardBefore).filter(({ body }) => JSON.stringify(body).includes(thread));
    assert.deepEqual(about, []);
    await add(ann, thread, cem);
    assert.deepEqual((await cem.rest('GET', `/threads/${thread}/draft`)).draft.content, '');
  });

  test('whoever comes and goes hears and finds what is said while they are in it, and never the rest', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const phone = Object.assign(person('cem'), { id: cem.id, token: cem.token });
    await phone.connect();
    const thread = await found(ann, [ben, cem]);
    const word = `w${randomUUID().slice(0, 8)}`;
    const said = { shown: [], hidden: [] };
    /** Some messages by both doors and from both people; every one is stored when this ends. */
    const say = async kind => {
      const contents = Array.from({ length: 4 }, () => `${word} ${kind} ${said.shown.length + said.hidden.length} ${randomUUID()}`);
      said[kind].push(...contents);
      await ann.send(thread, contents[0]);
      await Promise.all([ben.send(thread, contents[1]), ann.rest('POST', `/${thread}`, { content: contents[2] })]);
      await ben.rest('POST', `/${thread}`, { content: contents[3] });
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      await say('shown');
      // What is on its way when they are removed is heard or not.
      await cem.hears('message:received', said.shown.length);
      await remove(ann, thread, cem);
      // A device that comes back meanwhile is sent nothing of it either.
      await (round % 2 ? phone.reconnects(() => say('hidden')) : say('hidden'));
      const { threads: [synced] } = await cem.ask('sync', { threads: [{ threadId: thread, after: 0 }] });
      assert.equal(synced.code, 'not_found');
      await add(ann, thread, cem);
    }
    await say('shown');
    await cem.hears('message:received', said.shown.length);
    assert.deepEqual(cem.received().toSorted(), said.shown.toSorted(), 'each once, and nothing else');
    await eventually('the phone has heard the last', () => said.shown.slice(-4).every(content => phone.received().includes(content)));
    assert.deepEqual(phone.received().filter(content => !said.shown.includes(content)), []);
    const visible = said.shown.slice(-4);
    const finds = async who => (await who.rest('GET', `/search?q=${word}&limit=100`)).hits.map(hit => hit.message.content).toSorted();
    await eventually('everything is found', async () => (await finds(ann)).length === said.shown.length + said.hidden.length);
    const { threads: [synced] } = await cem.ask('sync', { threads: [{ threadId: thread, after: 0, changesAfter: 0 }] });
    for (const seen of [await finds(cem), (await cem.history(thread)).toSorted(), contents(synced.messages).toSorted()]) {
      assert.deepEqual(seen, visible.toSorted(), 'what was said since they were added last');
    }
  });
}
