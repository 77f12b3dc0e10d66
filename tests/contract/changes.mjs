// What happens to messages and threads after they are created: pairing of socket and REST, editing,
// deleting, reactions, receipts, archiving, and catching up. By socket and by REST, on either shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

export function changes(stage) {
  const { person, pair } = stage;
  const latest = (who, event) => who.all(event).at(-1);

  /** As the published page does it: every message by socket and by REST, without a key. */
  const sendTwice = async (who, thread, content) => {
    who.socket.emit('message:send', { threadId: thread, content, attachments: [] });
    return who.restOnce('POST', `/${thread}`, { content, attachments: [] });
  };

  test('old fault 7: what a page sends by socket and by REST without a key is one message, and two equal clicks are two', async () => {
    const { ann, ben, thread } = await pair();
    const contents = ['ok', 'ok', 'one more', 'ok', ...Array.from({ length: 16 }, (_, n) => `number ${n}`)];
    for (const content of contents) {
      const answer = await sendTwice(ann, thread, content);
      // A half that is only queued (202) keeps its place; what became of both halves is read below.
      assert.ok([200, 201, 202].includes(answer.status) && answer.success, JSON.stringify(answer));
    }
    await ben.hears('message:received', contents.length);
    // The socket's half of each click has an answer of its own; one that was queued is not told again.
    await eventually('every half by socket is answered', () => [...ann.all('message:sent'), ...ann.all('message:queued')].length >= contents.length);
    // The slower halves have joined by now: each is in the line before this one.
    const { message: last } = await ann.send(thread, 'the end');
    assert.equal(last.seq, contents.length + 1);
    contents.push('the end');
    await Promise.all([ann, ben].map(each => each.hears('message:received', contents.length)));
    assert.deepEqual((await ben.history(thread, '?limit=100')).toSorted(), contents.toSorted());
    assert.equal(ben.received().length, contents.length);
    assert.equal(ann.received().length, contents.length);
  });

  test('equal messages over one way stay apart', async () => {
    const { ann, ben, thread } = await pair();
    for (let n = 0; n < 3; n += 1) await ann.send(thread, 'again');
    for (let n = 0; n < 3; n += 1) assert.equal((await ben.rest('POST', `/${thread}`, { content: 'again' })).status, 201);
    assert.deepEqual(await ann.history(thread), Array(6).fill('again'));
  });

  test('a message is edited and taken back by its sender only, and everybody hears of it', async () => {
    const { ann, ben, thread } = await pair();
    const { message } = await ann.send(thread, 'helo');
    const edited = await ann.rest('PATCH', `/${message._id}`, { content: 'hello' });
    assert.equal(edited.status, 200, JSON.stringify(edited));
    assert.deepEqual([edited.message.content, edited.message.id], ['hello', message._id]);
    await ben.hears('message:updated');
    assert.equal(latest(ben, 'message:updated').message.content, 'hello');
    assert.equal((await ben.rest('PATCH', `/${message._id}`, { content: 'mine' })).status, 403);
    assert.equal((await ben.rest('DELETE', `/${message._id}`)).status, 403);
    assert.equal((await ann.ask('message:edit', { messageId: message._id, content: 'hello!' })).success, true);
    await ben.hears('message:updated', 2);
    assert.equal((await ann.rest('DELETE', `/${message._id}`)).status, 200);
    assert.equal((await ann.rest('DELETE', `/${message._id}`)).status, 200, 'again');
    await ben.hears('message:deleted');
    assert.equal(latest(ben, 'message:deleted').messageId, message._id);
    const { messages } = await ben.rest('GET', `/${thread}`);
    assert.deepEqual(messages.map(each => [each.seq, each.content, typeof each.deletedAt]), [[1, '', 'string']]);
    assert.equal((await ann.rest('PATCH', `/${message._id}`, { content: 'late' })).status, 404);
  });

  test('a message that is taken back before it was read leaves the unread count, and every device of its readers hears it', async () => {
    const { ann, ben, thread } = await pair();
    const phone = Object.assign(person('ben'), { id: ben.id, token: ben.token });
    await phone.connect();
    const sent = [];
    for (const content of ['one', 'two', 'three']) sent.push((await ann.send(thread, content)).message);
    await phone.hears('message:received', 3);
    const seen = async who => (await who.rest('GET', `/threads/${thread}`)).thread;
    await eventually('three unread', async () => (await seen(ben)).unreadCount === 3);
    const ways = [id => ann.rest('DELETE', `/${id}`), id => ann.ask('message:delete', { messageId: id })];
    for (const [n, { _id }] of sent.toReversed().entries()) {
      assert.equal((await ways[n % 2](_id)).success, true);
      for (const device of [ben, phone]) {
        const { thread: told } = (await device.hears('thread:updated', n + 1)).at(-1);
        assert.deepEqual(told, { _id: thread, id: thread, unreadCount: 2 - n, updatedAt: told.updatedAt });
      }
      const { unreadCount, lastMessage, lastSeq } = await seen(ben);
      assert.deepEqual([unreadCount, lastMessage.content, lastSeq], [2 - n, ['two', 'one', ''][n], 3]);
    }
    const { threads } = await phone.rest('GET', '/threads');
    assert.deepEqual(threads.filter(each => each._id === thread).map(each => each.unreadCount), [0]);
    assert.equal((await ann.rest('DELETE', `/${sent[0]._id}`)).status, 200, 'again');
    // What was read is not left to read either.
    const { message } = await ann.send(thread, 'four');
    assert.equal((await ben.ask('thread:read', { threadId: thread })).unreadCount, 0);
    await ann.ask('message:delete', { messageId: message._id });
    await ben.hears('message:deleted', 4);
    await ann.send(thread, 'the end');
    for (const each of [ann, ben, phone]) await each.hears('message:received', 5);
    assert.deepEqual([phone.all('thread:updated').length, ann.all('thread:updated').length], [4, 0]);
    await eventually('one unread', async () => (await seen(ben)).unreadCount === 1);
  });

  test('old fault 3: a stranger finds no message to read, react to, edit or delete', async () => {
    const { ann, thread } = await pair();
    const eve = person('eve');
    await eve.connect();
    const { message } = await ann.send(thread, 'private');
    for (const [method, path, body] of [
      ['POST', `/${message._id}/read`, {}], ['POST', `/${message._id}/reactions`, { emoji: '👍' }],
      ['PATCH', `/${message._id}`, { content: 'x' }], ['DELETE', `/${message._id}`], ['GET', `/${thread}`],
      ['POST', `/${thread}`, { content: 'x' }], ['GET', `/threads/${thread}`], ['DELETE', `/threads/${thread}`],
      ['POST', `/threads/${thread}/read`, {}],
    ]) assert.equal((await eve.rest(method, path, body)).status, 404, `${method} ${path}`);
    for (const [event, body] of [
      ['message:read', { messageId: message._id }], ['reaction:send', { messageId: message._id, emoji: '👍' }],
      ['message:edit', { messageId: message._id, content: 'x' }], ['message:delete', { messageId: message._id }],
      ['thread:join', { threadId: thread }], ['thread:read', { threadId: thread }], ['message:send', { threadId: thread, content: 'x' }],
    ]) assert.equal((await eve.ask(event, body)).code, 'not_found', event);
    const [seen] = (await ann.rest('GET', `/${thread}`)).messages;
    assert.deepEqual([seen.content, seen.reactions, seen.readBy], ['private', [], []]);
    assert.deepEqual(eve.all('message:received'), []);
  });

  test('who leaves a thread sees nothing more of it, the others are told, and only they themselves come back', async () => {
    const [ann, ben, cem] = [person('ann'), person('ben'), person('cem')];
    await Promise.all([ann.connect(), ben.connect(), cem.connect()]);
    const thread = await ann.startThread(ben, cem);
    const { message } = await ann.send(thread, 'before');
    await cem.hears('message:received');
    assert.equal((await cem.ask('thread:join', { threadId: thread })).success, true);
    const everybody = await cem.rest('GET', `/threads/${thread}/participants?limit=2`);
    const rest = await cem.rest('GET', `/threads/${thread}/participants?limit=2&cursor=${everybody.nextCursor}`);
    assert.deepEqual([...everybody.participants, ...rest.participants].map(each => each.id), [ann.id, ben.id, cem.id].sort());
    assert.deepEqual([everybody.participantCount, rest.nextCursor], [3, null]);
    assert.deepEqual((await cem.rest('POST', `/threads/${thread}/leave`)).status, 200);
    for (const each of [ann, cem]) {
      const [left] = await each.hears('thread:left');
      assert.deepEqual([left.threadId, left.userId, left.participantCount], [thread, cem.id, 2]);
    }
    for (const [method, path, body] of [
      ['GET', `/${thread}`], ['GET', `/threads/${thread}`], ['GET', `/threads/${thread}/participants`], ['POST', `/threads/${thread}/leave`],
      ['POST', `/${thread}`, { content: 'x' }], ['POST', `/threads/${thread}/read`, {}], ['DELETE', `/threads/${thread}`],
      ['POST', `/${message._id}/reactions`, { emoji: '👍' }], ['POST', `/${message._id}/read`, {}],
    ]) assert.equal((await cem.rest(method, path, body)).status, 404, `${method} ${path}`);
    for (const [event, body] of [
      ['thread:join', { threadId: thread }], ['message:send', { threadId: thread, content: 'x' }], ['thread:read', { threadId: thread }],
    ]) assert.equal((await cem.ask(event, body)).code, 'not_found', event);
    await ann.send(thread, 'without cem');
    await ben.hears('message:received', 2);
    assert.deepEqual(cem.received(), ['before']);
    assert.deepEqual((await cem.rest('GET', '/threads')).threads, []);
    const participants = [ann.id, ben.id, cem.id];
    const found = await ann.rest('POST', '/threads', { participants });
    assert.deepEqual([found.status, found.thread._id, found.thread.participantCount], [200, thread, 2], 'others do not bring anybody back');
    const back = await cem.rest('POST', '/threads', { participants });
    assert.deepEqual([back.status, back.thread._id, back.thread.participantCount, back.thread.unreadCount], [201, thread, 3, 0]);
    await ben.hears('thread:created', 2);
    await ann.send(thread, 'with cem');
    await cem.hears('message:received', 2);
    assert.deepEqual(cem.received(), ['before', 'with cem']);
  });

  test('a reaction is put on and taken off, by REST and by socket, and everybody hears all of them', async () => {
    const { ann, ben, thread } = await pair();
    const { message } = await ann.send(thread, 'nice?');
    const put = await ben.rest('POST', `/${message._id}/reactions`, { emoji: '👍' });
    assert.equal(put.status, 200, JSON.stringify(put));
    const [heard] = await ann.hears('reaction:received');
    assert.equal(heard.messageId, message._id);
    assert.deepEqual(heard.reactions.map(each => [each.emoji, each.userId]), [['👍', ben.id]]);
    assert.equal((await ann.ask('reaction:send', { messageId: message._id, emoji: '👍' })).success, true);
    await ben.hears('reaction:received', 2);
    assert.equal(latest(ben, 'reaction:received').reactions.length, 2);
    await ben.rest('POST', `/${message._id}/reactions`, { emoji: '👍' });
    await ann.hears('reaction:received', 3);
    assert.deepEqual(latest(ann, 'reaction:received').reactions.map(each => each.userId), [ann.id]);
    assert.equal((await ben.rest('POST', `/${message._id}/reactions`, { emoji: { $ne: '' } })).status, 400);
  });

  test('an edit that changes nothing is told to nobody, and an emoji in another spelling is the same reaction', async () => {
    const { ann, ben, thread } = await pair();
    const { message } = await ann.send(thread, 'as it is');
    const same = await ann.rest('PATCH', `/${message._id}`, { content: 'as it is' });
    assert.deepEqual([same.status, same.message.editedAt, same.message.updatedAt], [200, undefined, message.updatedAt]);
    assert.equal((await ann.ask('message:edit', { messageId: message._id, content: 'as it is' })).message.editedAt, undefined);
    const react = (who, emoji) => who.rest('POST', `/${message._id}/reactions`, { emoji });
    await react(ann, '\u2764');
    assert.deepEqual((await react(ben, '\u2764\ufe0f')).reactions.map(({ emoji }) => emoji), ['\u2764', '\u2764']);
    assert.deepEqual((await react(ann, '\u2764\ufe0f')).reactions.map(({ userId }) => userId), [ben.id]);
    const heard = await ben.hears('reaction:received', 3);
    assert.deepEqual(heard.map(({ emoji, action }) => [emoji, action]), [['\u2764', 'added'], ['\u2764', 'added'], ['\u2764', 'removed']]);
    await ann.rest('PATCH', `/${message._id}`, { content: 'changed' });
    await ben.hears('message:updated');
    assert.equal(ben.all('message:updated').length, 1);
  });

  test('what was taken back and is sent again by the other way is a new message', async () => {
    const { ann, ben, thread } = await pair();
    for (const [text, change, body] of [['one', 'DELETE'], ['two', 'PATCH', { content: 'other' }]]) {
      const { message } = await ann.send(thread, text);
      assert.equal((await ann.rest(change, `/${message._id}`, body)).status, 200);
      const again = await ann.rest('POST', `/${thread}`, { content: text });
      assert.deepEqual([again.status, again.message.content], [201, text], change);
    }
    assert.deepEqual(await ben.history(thread), ['', 'one', 'other', 'two']);
  });

  test('old fault 5: unread counts are exact, and reading tells the sender', async () => {
    const { ann, ben, thread } = await pair();
    const sent = await Promise.all(Array.from({ length: 50 }, (_, n) => ann.send(thread, `number ${n}`)));
    const unread = async who => (await who.rest('GET', `/threads/${thread}`)).thread.unreadCount;
    await eventually('50 unread', async () => await unread(ben) === 50);
    assert.equal(await unread(ann), 0);
    const third = sent.find(({ message }) => message.seq === 30).message;
    assert.equal((await ben.rest('POST', `/${third._id}/read`, {})).status, 200);
    await eventually('20 unread', async () => await unread(ben) === 20);
    const [update] = await ann.hears('message:read:update');
    assert.deepEqual([update.threadId, update.userId, update.seq], [thread, ben.id, 30]);
    assert.equal((await ben.ask('message:read', { messageId: third._id })).success, true, 'again');
    await ben.rest('POST', `/threads/${thread}/read`, {});
    await eventually('nothing unread', async () => await unread(ben) === 0);
    const { messages } = await ann.rest('GET', `/${thread}?limit=100`);
    assert.deepEqual([...new Set(messages.map(each => each.status))], ['read']);
    assert.deepEqual([...new Set(messages.map(each => each.readBy.map(by => by.userId).join()))], [ben.id]);
    await ann.send(thread, 'one more');
    await eventually('one unread', async () => await unread(ben) === 1);
  });

  test('a message is sent, then delivered when a socket of its recipient has it, then read', async () => {
    const { ann, ben, thread } = await pair(null);
    await ann.connect();
    const { message } = await ann.send(thread, 'hello');
    assert.equal(message.status, 'sent');
    const status = async () => (await ann.rest('GET', `/${thread}`)).messages.map(each => each.status);
    assert.deepEqual(await status(), ['sent']);
    await ben.connect();
    await ann.send(thread, 'there?');
    await eventually('message:status', () => ann.all('message:status').some(each => each.userId === ben.id));
    await eventually('delivered', async () => (await status()).at(-1) === 'delivered');
    await ben.ask('thread:read', { threadId: thread });
    await eventually('read', async () => (await status()).every(each => each === 'read'));
  });

  test('a thread is put away for one person, and comes back with the next message of somebody else', async () => {
    const { ann, ben, thread } = await pair();
    await ann.send(thread, 'hello');
    const listed = async (who, status) => (await who.rest('GET', `/threads?status=${status}`)).threads.map(each => each._id);
    assert.equal((await ben.rest('DELETE', `/threads/${thread}`)).status, 200);
    assert.deepEqual([await listed(ben, 'active'), await listed(ben, 'archived')], [[], [thread]]);
    assert.deepEqual(await listed(ann, 'active'), [thread]);
    await ben.hears('thread:updated');
    assert.equal((await ben.rest('POST', `/threads/${thread}/unarchive`)).status, 200);
    assert.deepEqual(await listed(ben, 'active'), [thread]);
    await ben.rest('DELETE', `/threads/${thread}`);
    await ben.send(thread, 'mine does not bring it back');
    assert.deepEqual(await listed(ben, 'active'), []);
    await ann.send(thread, 'this does');
    await eventually('it is back', async () => (await listed(ben, 'active')).length === 1);
  });

  test('what one device of a person reads or puts away the other one hears, with the exact count', async () => {
    const { ann, ben, thread } = await pair();
    const phone = Object.assign(person('ben'), { id: ben.id, token: ben.token });
    await phone.connect();
    const sent = [];
    for (let n = 1; n <= 5; n += 1) sent.push((await ann.send(thread, `number ${n}`)).message);
    await phone.hears('message:received', 5);
    const hears = async (count, expected) => {
      const { thread: { updatedAt, ...rest } } = (await phone.hears('thread:updated', count)).at(-1);
      assert.deepEqual(rest, { _id: thread, id: thread, ...expected });
      assert.ok(Date.parse(updatedAt) <= Date.now() && Date.parse(updatedAt) >= Date.parse(sent[4].createdAt), updatedAt);
    };
    assert.equal((await ben.rest('POST', `/${sent[2]._id}/read`, {})).unreadCount, 2);
    await hears(1, { unreadCount: 2 });
    assert.equal((await ben.ask('message:read', { messageId: sent[3]._id })).unreadCount, 1);
    await hears(2, { unreadCount: 1 });
    assert.equal((await ben.ask('thread:read', { threadId: thread })).unreadCount, 0);
    await hears(3, { unreadCount: 0 });
    assert.equal((await ben.rest('DELETE', `/threads/${thread}`)).status, 200);
    await hears(4, { status: 'archived', unreadCount: 0 });
    assert.equal((await ben.rest('POST', `/threads/${thread}/unarchive`)).status, 200);
    await hears(5, { status: 'active', unreadCount: 0 });
    // And whoever did it hears the same; the other person hears nothing of it.
    await ann.send(thread, 'the end');
    for (const each of [ann, ben, phone]) await each.hears('message:received', 6);
    await ben.hears('thread:updated', 5);
    assert.deepEqual([phone.all('thread:updated').length, ben.all('thread:updated').length, ann.all('thread:updated').length], [5, 5, 0]);
  });

  test('everybody in a new thread hears of it, may look at it and look away', async () => {
    const [ann, ben] = [person('ann'), person('ben')];
    await ben.connect();
    const thread = await ann.startThread(ben);
    const [heard] = await ben.hears('thread:created');
    assert.deepEqual([heard.thread._id, heard.thread.id], [thread, thread]);
    const shown = [ann, ben].map(({ id }) => ({ id, name: id, avatar: '/assets/avatar.svg', role: 'member' })).toSorted((one, other) => one.id < other.id ? -1 : 1);
    const { thread: read } = await ben.rest('GET', `/threads/${thread}`);
    const { threads: [listed] } = await ann.rest('GET', '/threads');
    assert.deepEqual([heard.thread.members, read.members, listed.members], [shown, shown, shown]);
    for (const event of ['thread:join', 'thread:leave']) {
      assert.deepEqual(await ben.ask(event, { threadId: thread }), { success: true, threadId: thread });
    }
  });

  test('history is paged by time too', async () => {
    const { ann, thread } = await pair();
    await ann.send(thread, 'early');
    await new Promise(resolve => setTimeout(resolve, 30));
    const { message } = await ann.send(thread, 'middle');
    await new Promise(resolve => setTimeout(resolve, 30));
    await ann.send(thread, 'late');
    assert.deepEqual(await ann.history(thread, `?before=${message.createdAt}`), ['early']);
    assert.deepEqual(await ann.history(thread, `?after=${message.createdAt}`), ['late']);
  });

  test('old fault 8: whoever was away gets everything missed with one question, and hears that it is complete', async () => {
    const { ann, ben, thread } = await pair();
    await ann.send(thread, 'seen');
    await ben.hears('message:received');
    ben.socket.disconnect();
    const missed = Array.from({ length: 30 }, (_, n) => `missed ${n}`);
    for (const content of missed) await ann.send(thread, content);
    ben.heard = [];
    await ben.connect(); // a new session: nothing is recovered
    const answer = await ben.ask('sync', { threads: [{ threadId: thread, after: 1 }, { threadId: '0'.repeat(24), after: 0 }] });
    assert.equal(answer.success, true, JSON.stringify(answer));
    const [known, unknown] = answer.threads;
    assert.deepEqual(known.messages.map(each => each.content), missed);
    assert.deepEqual([known.complete, known.gap], [true, false]);
    assert.equal(unknown.code, 'not_found');
  });

  test('what changed while somebody was away is told by sync and by REST, page by page, and who has read how far', async () => {
    const { ann, ben, thread } = await pair();
    const sent = [];
    for (let n = 0; n < 12; n += 1) sent.push((await ann.send(thread, `number ${n}`)).message);
    await ben.hears('message:received', sent.length);
    const ask = (after, changesAfter) => ben.ask('sync', { threads: [{ threadId: thread, after, changesAfter }] });
    const [first] = (await ask(0)).threads;
    assert.deepEqual([first.messages.length, first.lastChange, first.changed], [12, 0, undefined]);
    ben.socket.disconnect();
    await ann.rest('PATCH', `/${sent[0]._id}`, { content: 'edited' });
    await ann.rest('DELETE', `/${sent[1]._id}`);
    await ann.rest('POST', `/${sent[2]._id}/reactions`, { emoji: '👍', action: 'add' });
    await ann.rest('PATCH', `/${sent[0]._id}`, { content: 'edited again' });
    await ann.send(thread, 'new');
    await ben.connect();
    const [missed] = (await ask(12, first.lastChange)).threads;
    const bySeq = new Map(missed.changed.map(each => [each.seq, each]));
    assert.deepEqual([...bySeq.keys()].toSorted(), [1, 2, 3]);
    assert.deepEqual([bySeq.get(1).content, bySeq.get(2).content, typeof bySeq.get(2).deletedAt], ['edited again', '', 'string']);
    assert.deepEqual(bySeq.get(3).reactions.map(each => [each.emoji, each.userId]), [['👍', ann.id]]);
    assert.deepEqual(missed.messages.map(each => each.content), ['new']);
    assert.deepEqual([missed.complete, missed.gap], [true, false]);
    await ben.ask('message:read', { threadId: thread, seq: 13 });
    const [after] = (await ask(13, missed.lastChange)).threads;
    assert.deepEqual([after.changed, after.messages, after.lastChange], [[], [], missed.lastChange]);
    assert.equal(after.cursors.find(each => each.userId === ben.id).readSeq, 13);

    const told = new Map();
    let query = '?limit=2&changesAfter=0', page;
    for (; query; query = page.nextCursor && `?limit=2&cursor=${page.nextCursor}`) {
      page = await ben.rest('GET', `/${thread}${query}`);
      assert.equal(page.status, 200, JSON.stringify(page));
      for (const message of page.messages) told.set(message.seq, message.content);
    }
    assert.deepEqual([...told].toSorted(([one], [other]) => one - other), [[1, 'edited again'], [2, ''], [3, 'number 2']]);
    assert.equal(page.lastChange, missed.lastChange);
    assert.equal((await ben.rest('GET', `/${thread}?changesAfter=${page.lastChange + 1}`)).gap, true);
    const eve = person('eve');
    assert.equal((await eve.rest('GET', `/${thread}?changesAfter=0`)).status, 404);
  });

  test('a history is read through by its cursors in every direction, by place and by time, each message once', async () => {
    const { ann, ben, thread } = await pair();
    const sends = Array.from({ length: 40 }, (_, n) => ann.send(thread, `number ${n}`));
    await Promise.all(sends);
    for (const first of ['', '&after=0', '&before=1000', '&afterTime=2020-01-01T00:00:00.000Z', '&before=9000-01-01T00:00:00.000Z']) {
      const seen = [];
      let query = `?limit=7${first}`;
      while (query) {
        const page = await ben.rest('GET', `/${thread}${query}`);
        assert.equal(page.status, 200, JSON.stringify(page));
        seen.push(...page.messages.map(each => each.seq));
        query = page.nextCursor && `?limit=7&cursor=${encodeURIComponent(page.nextCursor)}`;
      }
      assert.deepEqual(seen.toSorted((one, other) => one - other), Array.from({ length: 40 }, (_, n) => n + 1), first);
    }
  });

  test('a conversation that becomes active between two pages of the list is on the next page', async () => {
    const { ann } = await pair();
    const others = Array.from({ length: 5 }, (_, n) => person(`other${n}`));
    const threads = [];
    for (const other of others) {
      const thread = await ann.startThread(other);
      await ann.send(thread, 'hello');
      threads.push(thread);
    }
    const list = query => ann.rest('GET', `/threads?limit=2${query}`);
    const lists = thread => async () => (await list('')).threads[0]._id === thread;
    await eventually('the newest is on top', lists(threads[4]));
    const first = await list('');
    await others[0].rest('POST', `/${threads[0]}`, { content: 'are you there?' });
    await eventually('the oldest has moved up', lists(threads[0]));
    const seen = first.threads.map(each => each._id);
    for (let cursor = first.nextCursor; cursor;) {
      const page = await list(`&cursor=${encodeURIComponent(cursor)}`);
      seen.push(...page.threads.map(each => each._id));
      cursor = page.nextCursor;
    }
    assert.deepEqual(threads.filter(thread => !seen.includes(thread)), []);
    const since = (await ann.rest('GET', `/threads/${threads[4]}`)).thread.lastMessageAt;
    const { newThreads } = await ann.ask('sync', { threadsAfter: since });
    assert.ok(newThreads.includes(threads[0]), 'written to since');
  });

  test('typing is heard by the others, also by those who never joined, and ends by itself', async () => {
    const { ann, ben, thread } = await pair();
    ann.socket.emit('typing:start', { threadId: thread });
    const [heard] = await ben.hears('typing:update');
    assert.deepEqual(heard, { threadId: thread, userId: ann.id, isTyping: true });
    await eventually('it ends', () => latest(ben, 'typing:update').isTyping === false);
    assert.deepEqual(ann.all('typing:update'), []);
  });

  test('client trap C10: who has pressed three hundred keys, ten at a time, can still send', async () => {
    const { ann, ben, thread } = await pair();
    for (let n = 0; n < 300; n += 1) {
      ann.socket.emit('typing:start', { threadId: thread });
      if (n % 10 === 0) await new Promise(resolve => setTimeout(resolve, 100));
    }
    for (let n = 0; n < 20; n += 1) assert.equal((await ann.send(thread, `number ${n}`)).success, true);
    await ben.hears('message:received', 20);
    assert.ok(ben.all('typing:update').length < 20, `${ben.all('typing:update').length} signals`);
  });
}
