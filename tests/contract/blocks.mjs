// Blocks between people: of two of whom one blocks the other neither hears anything of the other, and whoever
// is blocked sees no difference. By REST and by socket, on either shape.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { found, newKey } from './founding.mjs';
import { eventually } from './person.mjs';

export function blocks(stage) {
  const { connected, person } = stage;
  /** Blocks somebody, and waits until the gateway of the one who blocks has heard of it. */
  const block = async (who, other) => {
    const told = who.all('block:updated').length;
    const answer = await who.api('PUT', `/users/${other.id}/block`);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    assert.equal(answer.block.user.id, other.id);
    if (who.socket) assert.equal((await who.hears('block:updated', told + 1)).at(-1).isBlocked, true);
    return answer.block;
  };
  const unblock = async (who, other) => {
    const told = who.all('block:updated').length;
    const answer = await who.api('DELETE', `/users/${other.id}/block`);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    if (who.socket) assert.equal((await who.hears('block:updated', told + 1)).at(-1).isBlocked, false);
  };
  const listed = async who => (await who.rest('GET', '/threads')).threads.map(each => each._id);
  const status = async (viewer, who) => (await viewer.api('GET', `/presence/${who.id}`)).presence.status;
  const OWN = /^(_id|id|headers|.*At|.*Id|content|seq|lastSeq|participants?|members|mentions|lastMessage|name|readBy|deliveredTo)$/;
  /** What an answer looks like without what differs between two threads anyway: ids, times, people. */
  const form = answer => JSON.stringify(answer, (key, value) => {
    const isOwn = OWN.test(key) || key === 'status' && typeof value === 'string';
    return isOwn ? typeof value : value;
  });
  /** What `who` hears from now on with one of these ids in it; ends behind a message of `friend`. */
  const hearing = (who, ...ids) => {
    const before = who.heard.length;
    return async friend => {
      const other = await friend.startThread(who);
      const word = randomUUID();
      await friend.send(other, word);
      await eventually('what came after it is heard', () => who.received().includes(word));
      return who.heard.slice(before).filter(({ body }) => ids.some(id => JSON.stringify(body).includes(id))).map(({ event }) => event);
    };
  };

  test('whoever is blocked sees no difference, and who blocks hears nothing of them', async () => {
    const [ann, ben] = await connected('ann', 'ben');
    // Somebody who blocks nobody and is not there.
    const cem = person('cem');
    const thread = await ann.startThread(ben);
    const { message: old } = await ben.send(thread, 'before');
    const { message: hers } = await ann.send(thread, 'hello');
    await ann.hears('message:received', 2);
    const beside = await cem.startThread(ben);
    const { message: his } = await ben.send(beside, 'before');
    const { message: theirs } = await cem.rest('POST', `/${beside}`, { content: 'hello' });
    await block(ann, ben);
    const ends = hearing(ann, thread, ben.id);
    // What ben does in the thread with who blocks him, and what he does in another one, is answered alike.
    const acts = [
      (id, messages, other) => ben.ask('message:send', { threadId: id, content: `to ${other.id}`, mentions: [other.id] }),
      (id, { own }) => ben.rest('PATCH', `/${own}`, { content: 'edited' }),
      (id, { other }) => ben.rest('POST', `/${other}/reactions`, { emoji: '👍', action: 'add' }),
      (id, { other }) => ben.rest('PUT', `/${other}/pin`),
      id => ben.ask('typing:start', { threadId: id }),
      id => ben.ask('thread:join', { threadId: id }),
      id => ben.ask('thread:read', { threadId: id }),
      id => ben.rest('POST', `/${id}`, { content: 'by REST' }),
      id => ben.rest('GET', `/threads/${id}/participants`),
      id => ben.rest('GET', `/threads/${id}/members`),
      id => ben.ask('sync', { threads: [{ threadId: id, after: 0 }] }),
      (id, { own }) => ben.rest('DELETE', `/${own}`),
      (id, messages, other) => ben.rest('POST', '/threads', { participants: [other.id] }),
      (id, messages, other) => ben.rest('POST', '/threads', { participants: [other.id], metadata: { subject: 'another one' } }),
      (id, messages, other) => ben.api('GET', `/users?userIds=${other.id}`),
    ];
    for (const [index, act] of acts.entries()) {
      const here = await act(thread, { own: old._id, other: hers._id }, ann);
      const there = await act(beside, { own: his._id, other: theirs._id }, cem);
      assert.equal(form(here), form(there), `act ${index}`);
    }
    await ben.hears('message:received', 8);
    assert.deepEqual(ben.all('message:received').filter(({ message }) => message.threadId === thread).map(({ message }) => message.status), Array(4).fill('sent'));
    await cem.connect();
    assert.deepEqual(await ends(cem), [], 'ann hears nothing of it');
    assert.deepEqual(ben.all('block:updated'), []);
    assert.deepEqual([await status(ben, ann), await status(ann, ben)], ['offline', 'offline']);
    await eventually('cem is online for ben', async () => await status(ben, cem) === 'online');
  });

  test('what whoever is blocked saw before stays as it was: receipts, and when the other one was there last', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const [thread, group] = [await ann.startThread(ben), await found(cem, [ann, ben])];
    for (const id of [thread, group]) {
      await ben.send(id, 'a word before');
      await eventually('ann hears it', () => ann.all('message:received').some(({ message }) => message.threadId === id));
      await ann.rest('POST', `/threads/${id}/read`, {});
    }
    const shown = async () => {
      const all = await Promise.all([thread, group].map(async id => [
        (await ben.rest('GET', `/${id}`)).messages,
        (await ben.rest('GET', `/${id}?changesAfter=0`)).messages,
        (await ben.rest('GET', `/threads/${id}`)).thread.lastMessage,
        (await ben.ask('sync', { threads: [{ threadId: id, after: 0 }] })).threads[0].messages,
      ]));
      return { all, cursors: (await ben.rest('GET', `/${thread}?changesAfter=0`)).cursors };
    };
    const readers = ({ all }) => all.map(([[message]]) => message.readBy.map(each => each.userId));
    await eventually('ben sees that ann has read both', async () => readers(await shown()).every(each => each.includes(ann.id)));
    ann.leave();
    const presence = async () => (await ben.api('GET', `/presence/${ann.id}`)).presence;
    await eventually('ann is gone', async () => (await presence()).status === 'offline');
    const before = { shown: await shown(), presence: await presence() };
    assert.ok(before.presence.lastSeen);
    const told = ben.all('presence:sync').length;
    const { block: { blockedAt } } = await ann.api('PUT', `/users/${ben.id}/block`);
    assert.deepEqual({ shown: await shown(), presence: await presence() }, before);
    const { presence: [asked] } = await ben.ask('presence:sync', { userIds: [ann.id] });
    assert.deepEqual(asked, before.presence);
    await ann.connect();
    await cem.send(group, 'the end');
    await eventually('the end is heard', () => ben.received().includes('the end'));
    const { status: now, lastSeen } = await presence();
    assert.ok(now === 'offline' && lastSeen <= blockedAt, `also while she is here: ${now} since ${lastSeen}`);
    assert.deepEqual(ben.all('presence:sync').slice(told).filter(each => each.userId === ann.id && each.status !== 'offline'), []);
  });

  test('what was planned or begun in a thread before a block does not reach the other one', async () => {
    const [ann, ben] = await connected('ann', 'ben');
    const thread = await ann.startThread(ben);
    await ben.send(thread, 'hello');
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const plan = async content => (await ann.rest('POST', `/${thread}`, { content, sendAt })).scheduled._id;
    const [one, other] = [await plan('see you tomorrow'), await plan('or not')];
    await ann.rest('PUT', `/threads/${thread}/draft`, { content: 'begun' });
    await block(ann, ben);
    const refused = [
      await ann.rest('PATCH', `/scheduled/${one}`, { content: 'changed' }), await ann.rest('POST', `/scheduled/${one}/send`),
    ];
    assert.deepEqual(refused.map(({ status: code }) => code), [404, 404]);
    assert.deepEqual((await ann.rest('GET', '/drafts')).drafts, [], 'the draft is away with its thread');
    assert.equal((await ann.rest('DELETE', `/scheduled/${other}`)).status, 200, 'it can be cancelled');
    assert.deepEqual((await ann.rest('GET', '/scheduled')).scheduled.map(({ _id, state }) => [_id, state]).toSorted(), [[one, 'waiting'], [other, 'cancelled']].toSorted());
    await unblock(ann, ben);
    assert.deepEqual((await ann.rest('GET', '/drafts')).drafts.map(({ content }) => content), ['begun']);
    assert.equal((await ann.rest('POST', `/scheduled/${one}/send`)).status, 200);
    await eventually('it goes once the block has ended', () => ben.received().includes('see you tomorrow'));
  });

  test('for who blocks the thread is away everywhere until that ends; then it is back with everything', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const word = `w${randomUUID().slice(0, 8)}`;
    const thread = await ann.startThread(ben);
    const { message } = await ben.send(thread, `${word} before`);
    await ann.rest('PUT', `/${message._id}/pin`);
    await eventually('it is found', async () => (await ann.rest('GET', `/search?q=${word}`)).hits.length === 1);
    await block(ann, ben);
    const anew = await ben.startThread(ann, cem);
    const { thread: { _id: subject } } = await ben.rest('POST', '/threads', { participants: [ann.id], metadata: { subject: 'again' } });
    await ben.send(thread, `${word} meanwhile`);
    await ben.send(subject, 'by another way');
    for (const id of [thread, subject, anew]) {
      for (const [method, path, body] of [
        ['GET', `/${id}`], ['GET', `/threads/${id}`], ['GET', `/threads/${id}/members`], ['GET', `/threads/${id}/participants`],
        ['GET', `/threads/${id}/pins`], ['POST', `/${id}`, { content: 'x' }], ['POST', `/threads/${id}/read`], ['POST', `/threads/${id}/leave`],
        ['DELETE', `/threads/${id}`], ['GET', `/threads/${id}/draft`], ['GET', `/search?q=${word}&threadId=${id}`],
      ]) assert.equal((await ann.rest(method, path, body)).status, 404, `${method} ${path}`);
      for (const [event, body] of [
        ['thread:join', { threadId: id }], ['message:send', { threadId: id, content: 'x' }], ['typing:start', { threadId: id }], ['thread:read', { threadId: id }],
      ]) assert.equal((await ann.ask(event, body)).code, 'not_found', event);
      const { threads: [refused] } = await ann.ask('sync', { threads: [{ threadId: id, after: 0, changesAfter: 0 }] });
      assert.equal(refused.code, 'not_found');
    }
    for (const [method, path, body] of [
      ['POST', `/${message._id}/reactions`, { emoji: '👍' }], ['GET', `/${message._id}/edits`], ['POST', `/${message._id}/read`],
    ]) assert.equal((await ann.rest(method, path, body)).status, 404, `${method} ${path}`);
    assert.deepEqual([await listed(ann), (await ann.rest('GET', `/search?q=${word}`)).hits], [[], []]);
    assert.deepEqual((await ann.ask('sync', { threads: [], threadsAfter: new Date(0).toISOString() })).newThreads, []);
    assert.deepEqual((await listed(cem)), [anew], 'cem sees the thread with both of them');
    await unblock(ann, ben);
    assert.deepEqual((await listed(ann)).toSorted(), [thread, subject, anew].toSorted());
    const seen = await eventually('the thread is as it was left', async () => {
      const { thread: shown } = await ann.rest('GET', `/threads/${thread}`);
      return shown.lastSeq === 2 && shown;
    });
    assert.deepEqual([seen.unreadCount, seen.lastMessage.content], [2, `${word} meanwhile`]);
    assert.deepEqual(await ann.history(thread), [`${word} before`, `${word} meanwhile`]);
    await ben.send(thread, 'welcome back');
    await eventually('it is heard at once', () => ann.received().includes('welcome back'));
    assert.equal((await ann.rest('POST', `/${thread}`, { content: 'by REST' })).status, 201);
    await eventually('by both', () => ben.received().includes('by REST'));
  });

  test('in a group both read everything, and hear nothing of what the other one does beside that', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const thread = await found(cem, [ann, ben]);
    const { message } = await ben.send(thread, 'of old');
    for (const who of [ann, ben, cem]) await who.ask('thread:join', { threadId: thread });
    await eventually('ann is shown to ben', () => ben.all('presence:sync').some(each => each.userId === ann.id && each.status === 'online'));
    const { blockedAt } = await block(ann, ben);
    await eventually('ann is offline for ben', () => ben.all('presence:sync').filter(each => each.userId === ann.id).at(-1).status === 'offline');
    const { presence: [asked] } = await ben.ask('presence:sync', { userIds: [ann.id] });
    assert.equal(asked.status, 'offline');
    const before = { ann: ann.heard.length, ben: ben.heard.length };
    for (const who of [ann, ben]) {
      assert.equal((await who.ask('typing:start', { threadId: thread })).success, true);
      await eventually(`cem sees ${who.id} type`, () => cem.all('typing:update').some(each => each.userId === who.id && each.isTyping));
      await who.ask('typing:stop', { threadId: thread });
    }
    await ann.send(thread, 'from ann');
    await ben.send(thread, 'from ben', { mentions: [ann.id] });
    for (const who of [ann, ben]) await eventually('both are read', () => ['from ann', 'from ben'].every(each => who.received().includes(each)));
    for (const who of [ann, ben, cem]) await who.ask('thread:read', { threadId: thread });
    const readers = who => new Set(who.all('message:read:update').map(each => each.userId));
    await eventually('cem hears who reads', () => [ann, ben].every(each => readers(cem).has(each.id)));
    await ben.rest('PATCH', `/${message._id}`, { content: 'of old, edited' });
    await cem.send(thread, 'the end');
    for (const who of [ann, ben]) await eventually('the end is heard', () => who.received().includes('the end'));
    for (const [who, other] of [[ann, ben], [ben, ann]]) {
      const heard = who.heard.slice(before[who === ann ? 'ann' : 'ben']);
      const of = event => heard.filter(each => each.event === event).map(({ body }) => body);
      for (const event of ['typing:update', 'message:read:update', 'message:status', 'presence:sync', 'presence:update']) {
        assert.deepEqual(of(event).filter(each => each.userId === other.id), [], `${event} of the other one`);
      }
      const [updated] = of('message:updated');
      const { messages } = await who.rest('GET', `/${thread}`);
      const { threads: [synced] } = await who.ask('sync', { threads: [{ threadId: thread, after: 0, changesAfter: 0 }] });
      for (const each of [updated.message, ...messages, ...synced.messages]) {
        const receipts = [...each.readBy, ...each.deliveredTo].filter(receipt => (receipt.readAt ?? receipt.deliveredAt) > blockedAt);
        assert.ok(!receipts.some(receipt => receipt.userId === other.id), `${each.content}: ${JSON.stringify(receipts)}`);
      }
      assert.ok(!synced.cursors.some(each => each.userId === other.id));
    }
    const { messages } = await cem.rest('GET', `/${thread}`);
    assert.ok(messages[0].readBy.some(each => each.userId === ann.id), 'cem sees the receipts of both');
    await unblock(ann, ben);
    await eventually('ann is shown to ben again', () => ben.all('presence:sync').filter(each => each.userId === ann.id).at(-1).status === 'online');
    await ann.ask('typing:start', { threadId: thread });
    await eventually('ben sees ann type', () => ben.all('typing:update').some(each => each.userId === ann.id && each.isTyping));
  });

  test('a mention by somebody who is blocked counts for nobody, and everybody sees it', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const thread = await found(cem, [ann, ben]);
    await block(ann, ben);
    await ben.send(thread, 'you there', { mentions: [ann.id] });
    await cem.send(thread, 'hello', { mentions: [ann.id] });
    const seen = await eventually('both are counted', async () => {
      const { thread: shown } = await ann.rest('GET', `/threads/${thread}`);
      return shown.unreadCount === 2 && shown;
    });
    assert.equal(seen.unreadMentions, 1);
    assert.deepEqual((await ann.rest('GET', `/${thread}`)).messages.map(each => each.mentions), [[ann.id], [ann.id]]);
  });

  test('nobody is reached through a group into which somebody brings them whom they block', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const old = await found(ben, [cem]);
    await block(ann, ben);
    const before = ann.heard.length;
    const founded = await found(ben, [ann, cem], { name: 'Mine' });
    const added = await ben.rest('POST', `/threads/${old}/members`, { userIds: [ann.id] }, newKey());
    assert.deepEqual([added.status, added.thread.participantCount], [200, 3]);
    for (const thread of [founded, old]) {
      await ben.send(thread, 'hello ann', { mentions: [ann.id] });
      await cem.send(thread, 'hello all');
      assert.ok((await ben.rest('GET', `/threads/${thread}/members`)).members.some(each => each.id === ann.id), 'ben sees ann in it');
    }
    const theirs = await found(cem, [ann, ben]);
    await cem.send(theirs, 'from cem');
    await eventually('a group of cem is heard', () => ann.received().includes('from cem'));
    const about = ann.heard.slice(before).filter(({ body }) => [founded, old].some(id => JSON.stringify(body).includes(id)));
    assert.deepEqual(about, []);
    assert.deepEqual(await listed(ann), [theirs]);
    await unblock(ann, ben);
    assert.deepEqual((await listed(ann)).toSorted(), [founded, old, theirs].toSorted());
  });

  test('who blocks starts nothing with whom they block, and lists them in pages', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const group = await found(ann, [cem]);
    await block(ann, ben);
    for (const [path, body] of [
      ['/threads', { participants: [ben.id] }], ['/threads', { participants: [ben.id, cem.id], group: {} }],
      [`/threads/${group}/members`, { userIds: [ben.id] }],
    ]) {
      const refused = await ann.rest('POST', path, body);
      assert.deepEqual([refused.status, refused.code], [403, 'forbidden'], path);
    }
    const nobody = `nobody-${randomUUID()}`;
    await ann.api('PUT', `/users/${nobody}/block`);
    const all = [ben.id, nobody].sort();
    const first = await ann.api('GET', '/users/blocks?limit=1');
    const rest = await ann.api('GET', `/users/blocks?limit=1&cursor=${first.nextCursor}`);
    const end = rest.nextCursor ? await ann.api('GET', `/users/blocks?limit=1&cursor=${rest.nextCursor}`) : { blocks: [] };
    assert.deepEqual([...first.blocks, ...rest.blocks, ...end.blocks].map(each => each.user.id), all);
    assert.deepEqual((await ben.api('GET', '/users/blocks')).blocks, []);
    for (const [method, path, code] of [
      ['PUT', `/users/${ann.id}/block`, 'invalid'], ['DELETE', `/users/${ann.id}/block`, 'invalid'], ['PUT', `/users/${'x'.repeat(300)}/block`, 'invalid'],
      ['GET', '/users/blocks?limit=0', 'invalid'],
    ]) {
      const refused = await ann.api(method, path);
      assert.deepEqual([refused.status, refused.code], [400, code], `${method} ${path}`);
    }
    for (const [method, path] of [['PUT', `/users/${ben.id}/block`], ['DELETE', `/users/${ben.id}/block`], ['GET', '/users/blocks']]) {
      const answer = await fetch(`${stage.system.http}/api/v2${path}`, { method });
      assert.equal(answer.status, 401, `${method} ${path}`);
    }
  });

  test('a block under one key is made once, all devices hear of it, and repetitions undo nothing', async () => {
    const [ann, ben] = await connected('ann', 'ben');
    const phone = Object.assign(person('ann'), { id: ann.id, token: ann.token });
    await phone.connect();
    const thread = await ann.startThread(ben);
    const key = newKey();
    const put = headers => ann.api('PUT', `/users/${ben.id}/block`, undefined, headers);
    const first = await put(key);
    assert.equal(first.status, 200);
    await ann.hears('block:updated');
    const again = await put();
    assert.equal(again.block.blockedAt, first.block.blockedAt, 'since the first time');
    await unblock(ann, ben);
    const late = await put(key);
    assert.deepEqual([late.status, late.block], [200, null], 'the block has ended since');
    assert.equal((await ann.rest('GET', `/threads/${thread}`)).status, 200, 'and nothing is undone');
    const opposite = await ann.api('DELETE', `/users/${ben.id}/block`, undefined, key);
    assert.deepEqual([opposite.status, opposite.code], [422, 'key_reused']);
    assert.deepEqual((await phone.hears('block:updated', 2)).map(each => [each.userId, each.isBlocked]), [[ben.id, true], [ben.id, false]]);
    assert.deepEqual(ben.all('block:updated'), []);
  });

  test('a device that was away while somebody was blocked is sent nothing of them when it comes back', async () => {
    const [ann, ben, cem] = await connected('ann', 'ben', 'cem');
    const [thread, other] = [await ann.startThread(ben), await ann.startThread(cem)];
    await ben.send(thread, 'before');
    await ann.hears('message:received');
    const phone = Object.assign(person('ann'), { id: ann.id, token: ann.token });
    await phone.connect();
    await ann.reconnects(async () => {
      await block(phone, ben);
      await ben.send(thread, 'while away');
      await eventually('ben hears himself', () => ben.received().includes('while away'));
      await cem.send(other, 'from cem');
    });
    await eventually('what cem said is heard', () => ann.received().includes('from cem'));
    assert.deepEqual(ann.received(), ['before', 'from cem']);
  });
}
