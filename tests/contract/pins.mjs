// Pins: everybody in a thread pins its messages and unpins them. By socket and by REST, on either shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';

/** The most pinned messages of a thread. */
const PINS_MAX = 50;

export function pins(stage) {
  const { person, pair } = stage;
  const listed = async (who, thread, query = '') => {
    const page = await who.rest('GET', `/threads/${thread}/pins${query}`);
    assert.equal(page.status, 200, JSON.stringify(page));
    return page;
  };
  const contents = ({ messages }) => messages.map(each => each.content);

  test('everybody in a thread pins its messages and unpins them, and everybody hears of it', async () => {
    const { ann, ben, thread } = await pair();
    const sent = [];
    for (const content of ['one', 'two', 'three']) sent.push((await ann.send(thread, content)).message);
    const [one, two, three] = sent.map(message => message._id);
    const pinned = await ben.rest('PUT', `/${two}/pin`);
    assert.deepEqual([pinned.status, pinned.message.pinned.userId, typeof pinned.message.pinned.pinnedAt], [200, ben.id, 'string']);
    for (const who of [ann, ben]) {
      const [{ action, message, userId }] = await who.hears('message:pinned');
      assert.deepEqual([action, message._id, message.content, message.pinned, userId], ['pinned', two, 'two', pinned.message.pinned, ben.id]);
    }
    const bySocket = await ann.ask('message:pin', { messageId: one });
    assert.deepEqual([bySocket.success, bySocket.action, bySocket.message.pinned.userId], [true, 'pinned', ann.id]);
    assert.equal((await ann.rest('PUT', `/${three}/pin`)).status, 200);
    assert.deepEqual(contents(await listed(ben, thread)), ['three', 'one', 'two']);
    // A message that is pinned already stays as it is, and nobody is told again.
    const again = await ann.rest('PUT', `/${two}/pin`);
    assert.deepEqual([again.status, again.message.pinned], [200, pinned.message.pinned]);
    const off = await ann.ask('message:unpin', { messageId: two });
    assert.deepEqual([off.success, off.action, off.message.pinned], [true, 'unpinned', undefined]);
    assert.equal((await ben.rest('DELETE', `/${two}/pin`)).status, 200, 'again');
    assert.equal((await ben.rest('DELETE', `/${three}/pin`)).status, 200);
    const heard = (await ben.hears('message:pinned', 5)).map(({ action, message }) => `${action} ${message.content}`);
    assert.deepEqual(heard, ['pinned two', 'pinned one', 'pinned three', 'unpinned two', 'unpinned three']);
    assert.deepEqual(contents(await listed(ann, thread)), ['one']);
    const { messages } = await ben.rest('GET', `/${thread}`);
    assert.deepEqual(messages.map(each => each.pinned?.userId), [ann.id, undefined, undefined]);
  });

  test('a pin stays with an edit and goes with its message; who was away learns of both', async () => {
    const { ann, ben, thread } = await pair();
    const { message: plan } = await ann.send(thread, 'at 8');
    const { message: oops } = await ann.send(thread, 'oops');
    await ben.hears('message:received', 2);
    ben.socket.disconnect();
    for (const { _id } of [plan, oops]) await ann.rest('PUT', `/${_id}/pin`);
    await ann.rest('PATCH', `/${plan._id}`, { content: 'at 9' });
    await ann.rest('DELETE', `/${oops._id}`);
    await ben.connect();
    const { threads: [synced] } = await ben.ask('sync', { threads: [{ threadId: thread, after: 2, changesAfter: 0 }] });
    assert.deepEqual(synced.changed.map(each => [each.content, each.pinned?.userId]), [['at 9', ann.id], ['', undefined]]);
    assert.deepEqual(contents(await listed(ben, thread)), ['at 9']);
    assert.equal((await ann.rest('PUT', `/${oops._id}/pin`)).status, 404);
    assert.equal((await ann.ask('message:pin', { messageId: oops._id })).code, 'not_found');
  });

  test('strangers and former members pin nothing and see no list', async () => {
    const [ann, ben, cem, eve] = ['ann', 'ben', 'cem', 'eve'].map(name => person(name));
    const thread = await ann.startThread(ben, cem);
    const { message } = await ann.rest('POST', `/${thread}`, { content: 'ours' });
    assert.equal((await cem.rest('PUT', `/${message._id}/pin`)).status, 200);
    assert.equal((await cem.rest('POST', `/threads/${thread}/leave`)).status, 200);
    await eve.connect();
    for (const who of [cem, eve]) {
      for (const [method, path] of [['PUT', `/${message._id}/pin`], ['DELETE', `/${message._id}/pin`], ['GET', `/threads/${thread}/pins`]]) {
        assert.equal((await who.rest(method, path)).status, 404, `${method} ${path}`);
      }
    }
    for (const event of ['message:pin', 'message:unpin']) {
      assert.equal((await eve.ask(event, { messageId: message._id })).code, 'not_found', event);
    }
    // What somebody pinned who has left stays pinned.
    assert.deepEqual((await listed(ben, thread)).messages.map(each => each.pinned.userId), [cem.id]);
  });

  test('a thread has room for so many pins, and its list comes in pages', async () => {
    const { ann, thread } = await pair(null);
    const ids = [];
    for (let n = 0; n <= PINS_MAX; n += 1) ids.push((await ann.rest('POST', `/${thread}`, { content: `${n}` })).message._id);
    for (const id of ids.slice(0, PINS_MAX)) assert.equal((await ann.rest('PUT', `/${id}/pin`)).status, 200);
    const full = await ann.rest('PUT', `/${ids[PINS_MAX]}/pin`);
    assert.deepEqual([full.status, full.code, full.error], [400, 'invalid', `a thread has at most ${PINS_MAX} pinned messages`]);
    const seen = [];
    for (let query = '?limit=20'; query;) {
      const page = await listed(ann, thread, query);
      seen.push(...contents(page));
      query = page.nextCursor && `?limit=20&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
    assert.deepEqual(seen, Array.from({ length: PINS_MAX }, (_, n) => `${PINS_MAX - 1 - n}`));
    for (const query of ['?cursor=x', '?cursor=1', '?cursor=1.-1', '?limit=0']) {
      assert.equal((await ann.rest('GET', `/threads/${thread}/pins${query}`)).code, 'invalid', query);
    }
    await ann.rest('DELETE', `/${ids[0]}/pin`);
    assert.equal((await ann.rest('PUT', `/${ids[PINS_MAX]}/pin`)).status, 200);
  });
}
