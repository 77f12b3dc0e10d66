// Marking unread: messages of others are unread again for one person, from one message on. By socket and by
// REST, on either shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

export function unread(stage) {
  const { person, pair } = stage;
  const seen = async (who, thread) => (await who.rest('GET', `/threads/${thread}`)).thread.unreadCount;

  /** Two people with a thread of six messages in turn, which both have read; Ben has a phone, too. */
  const readByBoth = async () => {
    const { ann, ben, thread } = await pair();
    const phone = Object.assign(person('ben'), { id: ben.id, token: ben.token });
    await phone.connect();
    for (let n = 1; n <= 3; n += 1) {
      await ann.send(thread, `question ${n}`);
      await ben.send(thread, `answer ${n}`);
    }
    for (const who of [ann, ben]) assert.equal((await who.ask('thread:read', { threadId: thread })).unreadCount, 0);
    await ann.hears('message:read:update', 2);
    await phone.hears('thread:updated');
    return { ann, ben, phone, thread };
  };

  test('messages are unread again for one person, on all their devices and in their list, and for nobody else', async () => {
    const { ann, ben, phone, thread } = await readByBoth();
    const before = (await ann.rest('GET', `/${thread}`)).messages;
    const marked = await ben.rest('POST', `/threads/${thread}/unread`, { seq: 3 });
    assert.deepEqual([marked.status, marked.success, marked.seq, marked.unreadCount, marked.threadId], [200, true, 2, 2, thread]);
    for (const device of [ben, phone]) {
      const { thread: told } = (await device.hears('thread:updated', 2)).at(-1);
      assert.deepEqual(told, { _id: thread, id: thread, unreadCount: 2, updatedAt: told.updatedAt });
    }
    const bySocket = await phone.ask('thread:unread', { threadId: thread, seq: 1 });
    assert.deepEqual([bySocket.success, bySocket.seq, bySocket.unreadCount], [true, 0, 3]);
    await ben.hears('thread:updated', 3);
    const { threads } = await ben.rest('GET', '/threads');
    assert.deepEqual(threads.map(each => [each._id, each.unreadCount]), [[thread, 3]]);
    // Nothing of it reaches the other person: no event, no receipt, no count.
    assert.deepEqual((await ann.rest('GET', `/${thread}`)).messages, before);
    await ann.send(thread, 'the end');
    for (const each of [ann, ben, phone]) await each.hears('message:received', 7);
    assert.equal(await seen(ann, thread), 0);
    assert.deepEqual([ann.all('thread:updated').length, ann.all('message:read:update').length], [1, 2]);
    await eventually('one more', async () => await seen(ben, thread) === 4);
  });

  test('without a place the newest message of somebody else is unread, and a place that is read nowhere changes nothing', async () => {
    const { ann, ben, thread } = await readByBoth();
    assert.deepEqual((({ seq, unreadCount }) => [seq, unreadCount])(await ben.rest('POST', `/threads/${thread}/unread`)), [4, 1]);
    assert.equal(await seen(ben, thread), 1);
    // A mark never reads anything.
    for (const seq of [6, 99, Number.MAX_SAFE_INTEGER]) {
      assert.equal((await ben.ask('thread:unread', { threadId: thread, seq })).unreadCount, 1, `${seq}`);
    }
    const empty = await ann.startThread(person('cem'));
    assert.equal((await ann.rest('POST', `/threads/${empty}/unread`)).unreadCount, 0);
    for (const seq of ['1', -1, 1.5, {}, true]) {
      assert.equal((await ben.rest('POST', `/threads/${thread}/unread`, { seq })).code, 'invalid', JSON.stringify(seq));
      assert.equal((await ben.ask('thread:unread', { threadId: thread, seq })).code, 'invalid', JSON.stringify(seq));
    }
    const eve = person('eve');
    await eve.connect();
    assert.equal((await eve.rest('POST', `/threads/${thread}/unread`, { seq: 1 })).status, 404);
    assert.equal((await eve.ask('thread:unread', { threadId: thread, seq: 1 })).code, 'not_found');
  });

  test('what is read again is no news to the others, what is new beyond it is', async () => {
    const { ann, ben, thread } = await readByBoth();
    await ben.rest('POST', `/threads/${thread}/unread`, { seq: 1 });
    assert.equal((await ben.rest('POST', `/threads/${thread}/read`, { seq: 3 })).unreadCount, 1);
    assert.equal((await ben.ask('thread:read', { threadId: thread })).unreadCount, 0);
    const { message } = await ann.send(thread, 'new');
    await ben.hears('message:received', 7);
    assert.equal((await ben.ask('thread:read', { threadId: thread })).unreadCount, 0);
    const told = (await ann.hears('message:read:update', 3)).filter(each => each.userId === ben.id);
    assert.deepEqual(told.map(each => each.seq), [6, 7]);
    assert.deepEqual(told.at(-1).messages.map(each => each._id), [message._id]);
    assert.equal(ann.all('message:read:update').length, 3);
  });

  test('who was away learns by sync and by REST what is unread again; nobody else does', async () => {
    const { ann, ben, phone, thread } = await readByBoth();
    phone.socket.disconnect();
    await ben.rest('POST', `/threads/${thread}/unread`, { seq: 4 });
    // It is told while the phone is away, so that the phone does not hear it.
    await ben.hears('thread:updated', 2);
    await phone.connect();
    const cursorsOf = async who => {
      const { threads: [synced] } = await who.ask('sync', { threads: [{ threadId: thread, after: 6, changesAfter: 0 }] });
      const { cursors } = await who.rest('GET', `/${thread}?changesAfter=0`);
      const own = list => list.find(each => each.userId === ben.id);
      assert.deepEqual(own(cursors), own(synced.cursors));
      return own(cursors);
    };
    assert.deepEqual(await cursorsOf(phone), { userId: ben.id, deliveredSeq: 6, readSeq: 6, unreadAfter: 3 });
    assert.deepEqual(await cursorsOf(ann), { userId: ben.id, deliveredSeq: 6, readSeq: 6 });
    // What is taken back leaves the count, also beyond such a place.
    const { messages } = await ann.rest('GET', `/${thread}`);
    await ann.rest('DELETE', `/${messages[4]._id}`);
    const { thread: told } = (await phone.hears('thread:updated', 2)).at(-1);
    assert.deepEqual([told.unreadCount, await seen(ben, thread)], [0, 0]);
    await ben.ask('thread:read', { threadId: thread });
    assert.equal((await cursorsOf(phone)).unreadAfter, undefined);
  });
}
