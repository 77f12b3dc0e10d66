// Mentions: a message names people of its thread, who are told of it also where they have muted the thread.
// By socket and by REST, on either shape.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from './person.mjs';

/** The most people whom one message mentions. */
const MENTIONS_MAX = 50;

export function mentions(stage) {
  const { person, pair } = stage;
  const listed = async (who, thread) => {
    const { threads } = await who.rest('GET', '/threads');
    return threads.find(each => each._id === thread);
  };
  const unreadMentions = async (who, thread) => (await listed(who, thread)).unreadMentions;

  test('whom a message mentions is in every answer and event of it, in histories, lists, sync and search', async () => {
    const { ann, ben, thread } = await pair();
    const word = `hey${randomUUID().slice(0, 8)}`;
    const bySocket = await ann.send(thread, `${word} @ben`, { mentions: [ben.id, ann.id, ben.id] });
    const both = [ann.id, ben.id].sort();
    assert.deepEqual([bySocket.success, bySocket.message.mentions], [true, both], 'sorted, each once');
    const byRest = await ann.rest('POST', `/${thread}`, { content: 'and here', mentions: [ben.id] });
    assert.deepEqual([byRest.status, byRest.message.mentions], [201, [ben.id]]);
    const { message: plain } = await ann.send(thread, `@${ben.id} is only a text`);
    assert.equal(plain.mentions, undefined, 'the list alone counts');
    for (const who of [ann, ben]) {
      const heard = await who.hears('message:received', 3);
      assert.deepEqual(heard.map(({ message }) => message.mentions), [both, [ben.id], undefined]);
    }
    const { messages } = await ben.rest('GET', `/${thread}`);
    assert.deepEqual(messages.map(each => each.mentions), [both, [ben.id], undefined]);
    const { threads: [synced] } = await ben.ask('sync', { threads: [{ threadId: thread, after: 1 }] });
    assert.deepEqual(synced.messages.map(each => each.mentions), [[ben.id], undefined]);
    const found = await eventually('it is found', async () => {
      const { hits } = await ben.rest('GET', `/search?q=${word}`);
      return hits.length > 0 && hits;
    });
    assert.deepEqual(found.map(({ message }) => message.mentions), [both]);
    assert.deepEqual([await unreadMentions(ben, thread), await unreadMentions(ann, thread)], [2, 0], 'nobody mentions themselves');
  });

  test('an edit sets whom a message mentions, and everybody hears of it; without the field it leaves them', async () => {
    const { ann, ben, thread } = await pair();
    const { message: { _id } } = await ann.send(thread, 'one');
    const set = await ann.rest('PATCH', `/${_id}`, { content: 'one', mentions: [ben.id] });
    assert.deepEqual([set.status, set.message.mentions, typeof set.message.editedAt], [200, [ben.id], 'string']);
    const text = await ann.ask('message:edit', { messageId: _id, content: 'two' });
    assert.deepEqual([text.message.content, text.message.mentions], ['two', [ben.id]]);
    assert.equal(await unreadMentions(ben, thread), 1);
    const none = await ann.ask('message:edit', { messageId: _id, content: 'two', mentions: [] });
    assert.deepEqual([none.success, none.message.mentions], [true, undefined]);
    const heard = await ben.hears('message:updated', 3);
    assert.deepEqual(heard.map(({ message }) => message.mentions), [[ben.id], [ben.id], undefined]);
    assert.equal(await unreadMentions(ben, thread), 0);
    await ann.rest('PATCH', `/${_id}`, { content: 'two', mentions: [ben.id] });
    assert.equal(await unreadMentions(ben, thread), 1);
    assert.equal((await ann.rest('DELETE', `/${_id}`)).message.mentions, undefined);
    assert.deepEqual([await unreadMentions(ben, thread), (await ben.rest('GET', `/${thread}`)).messages[0].mentions], [0, undefined]);
  });

  test('who is not in the thread is mentioned by nobody, and the refusal names the field', async () => {
    const [ann, ben, cem, eve] = ['ann', 'ben', 'cem', 'eve'].map(name => person(name));
    await Promise.all([ann, eve].map(each => each.connect()));
    const thread = await ann.startThread(ben, cem);
    const { message } = await ann.send(thread, 'hello', { mentions: [cem.id] });
    assert.equal((await cem.rest('POST', `/threads/${thread}/leave`)).status, 200);
    await ann.hears('thread:left');
    const sentence = 'mentions names somebody who is not in the thread';
    for (const who of [cem, eve]) {
      const body = { content: 'you', mentions: [ben.id, who.id] };
      const byRest = await ann.rest('POST', `/${thread}`, body);
      const bySocket = await ann.ask('message:send', { threadId: thread, ...body });
      const byEdit = await ann.rest('PATCH', `/${message._id}`, { content: 'hello', mentions: [who.id] });
      const expected = who === cem ? undefined : 'invalid';
      assert.deepEqual([byRest.status, byRest.code, byRest.error], [400, 'invalid', sentence]);
      assert.deepEqual([bySocket.code, bySocket.error], ['invalid', sentence]);
      assert.equal(byEdit.code, expected, 'whom the message mentioned before may have left');
    }
    const tooMany = Array.from({ length: MENTIONS_MAX + 1 }, (_, n) => `${ben.id}${n}`);
    for (const [wrong, words] of [['all', 'mentions'], [[7], 'mentions'], [['\u0000'], 'mentions'], [tooMany, 'mentions has more than 50 items']]) {
      const refused = await ann.rest('POST', `/${thread}`, { content: 'x', mentions: wrong });
      assert.deepEqual([refused.status, refused.code, refused.error.includes(words)], [400, 'invalid', true], refused.error);
      const edit = await ann.ask('message:edit', { messageId: message._id, content: 'x', mentions: wrong });
      assert.deepEqual([edit.code, edit.error.includes(words)], ['invalid', true], edit.error);
    }
    // Strangers learn nothing, whomever they mention.
    const foreign = await eve.rest('POST', `/${thread}`, { content: 'x', mentions: [ben.id] });
    assert.deepEqual([foreign.status, foreign.code], [404, 'not_found']);
    assert.equal((await eve.ask('message:edit', { messageId: message._id, content: 'x', mentions: [eve.id] })).code, 'not_found');
    assert.equal((await ben.rest('PATCH', `/${message._id}`, { content: 'x', mentions: [ben.id] })).status, 403);
  });

  test('a message that comes again under its key is found, also when whom it mentions has left', async () => {
    const [ann, ben, cem] = ['ann', 'ben', 'cem'].map(name => person(name));
    await ann.connect();
    const thread = await ann.startThread(ben, cem);
    const body = { content: 'you', mentions: [cem.id], clientMessageId: 'k' };
    const first = await ann.rest('POST', `/${thread}`, body);
    assert.equal((await cem.rest('POST', `/threads/${thread}/leave`)).status, 200);
    await ann.hears('thread:left');
    const again = await ann.rest('POST', `/${thread}`, body);
    assert.deepEqual([first.status, again.status, again.message._id], [201, 200, first.message._id]);
    const bySocket = await ann.ask('message:send', { threadId: thread, ...body });
    assert.deepEqual([bySocket.success, bySocket.message._id], [true, first.message._id]);
    const fresh = await ann.rest('POST', `/${thread}`, { ...body, clientMessageId: 'other' });
    assert.deepEqual([fresh.status, fresh.code], [400, 'invalid'], 'a new one is refused as without a key');
    assert.equal((await ann.rest('POST', `/${thread}`, { ...body, content: 'them' })).code, 'key_reused');
    assert.equal((await ben.rest('GET', `/${thread}`)).messages.length, 1);
  });

  test('under one key other mentions are another message', async () => {
    const { ann, ben, thread } = await pair();
    const keyed = mentioned => ann.rest('POST', `/${thread}`, { content: 'x', mentions: mentioned, clientMessageId: 'k' });
    const first = await keyed([ben.id]);
    const again = await keyed([ben.id]);
    assert.deepEqual([first.status, again.status, again.message._id], [201, 200, first.message._id]);
    assert.equal((await keyed([])).code, 'key_reused');
  });

  test('a mention passes a muted thread, also by an edit, once, and the delivery log says what it is', async () => {
    const [ann, ben, cem] = ['ann', 'ben', 'cem'].map(name => person(name));
    const root = person('root', { role: 'admin' });
    const thread = await ann.startThread(ben, cem);
    for (const who of [ben, cem]) {
      assert.equal((await who.api('POST', '/devices', { fcmToken: `token-${randomUUID()}` })).status, 201);
      assert.equal((await who.api('PUT', `/notifications/preferences/mutes/${thread}`, {})).status, 200);
    }
    const { message: one } = await ann.rest('POST', `/${thread}`, { content: 'for all' });
    const { message: two } = await ann.rest('POST', `/${thread}`, { content: 'for ben', mentions: [ben.id] });
    const pushes = async who => {
      const { deliveries } = await root.api('GET', `/users/${who.id}/deliveries`);
      const rows = deliveries.filter(each => each.channel === 'push' && each.outcome !== 'sent' && each.outcome !== 'failed');
      return rows.map(each => [each.messageId, each.type, each.reason ?? 'told']).reverse();
    };
    const says = (who, rows) => eventually(`${JSON.stringify(rows)} of ${who.id}`, async () => {
      const found = await pushes(who);
      return found.length >= rows.length && assert.deepEqual(found.sort(), [...rows].sort()) === undefined;
    });
    await says(ben, [[one._id, 'message', 'muted'], [two._id, 'mention', 'told']]);
    await says(cem, [[one._id, 'message', 'muted'], [two._id, 'message', 'muted']]);
    for (const content of ['for both', 'for you both']) {
      await ann.rest('PATCH', `/${two._id}`, { content, mentions: [ben.id, cem.id] });
    }
    const { message: three } = await ann.rest('POST', `/${thread}`, { content: 'for all again' });
    await says(cem, [[one._id, 'message', 'muted'], [two._id, 'message', 'muted'], [two._id, 'mention', 'told'], [three._id, 'message', 'muted']]);
    await says(ben, [[one._id, 'message', 'muted'], [two._id, 'mention', 'told'], [three._id, 'message', 'muted']]);
  });
}
