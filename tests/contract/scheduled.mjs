// Messages that are sent later: scheduled, listed, changed, sent now, cancelled, and sent once, by the rights
// of that time. By socket and by REST, on either shape.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from './person.mjs';

/** As soon as a message may be planned for. */
const SOONEST_MS = 10_000;
/** The same, and a little: the server reads the clock after the test. */
const SOON_MS = 10_500;
const HOUR_MS = 3_600_000;
/** The clocks of a test and its servers are the same but for this. */
const CLOCKS_MS = 50;
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const inMs = ms => new Date(Date.now() + ms).toISOString();

export function scheduledMessages(stage) {
  const { person, pair } = stage;
  const listed = async who => (await who.rest('GET', '/scheduled')).scheduled;

  test('a message is sent at its time, once, and nobody else sees anything of it before', async () => {
    const { ann, ben, thread } = await pair();
    const phone = Object.assign(person('ann'), { id: ann.id, token: ann.token });
    await phone.connect();
    const { message: answered } = await ben.send(thread, 'a question');
    const wanted = { content: 'later', sendAt: inMs(SOON_MS), replyTo: answered._id, clientMessageId: randomUUID() };
    const made = await ann.rest('POST', `/${thread}`, wanted);
    assert.ok([200, 201].includes(made.status), JSON.stringify(made));
    const { scheduled } = made;
    assert.deepEqual([scheduled.state, scheduled.content, scheduled.sendAt, scheduled.threadId, scheduled.replyTo],
      ['waiting', 'later', wanted.sendAt, thread, answered._id]);
    for (const device of [ann, phone]) {
      assert.deepEqual((await device.hears('scheduled:updated'))[0].scheduled, scheduled);
      assert.deepEqual(await listed(device), [scheduled]);
    }
    // Under its key it is the same one, by socket too.
    const again = await phone.ask('message:send', { threadId: thread, ...wanted });
    assert.deepEqual([again.deduplicated, again.scheduled], [true, scheduled]);
    const other = await ann.rest('POST', `/${thread}`, { ...wanted, content: 'something else' });
    assert.deepEqual([other.status, other.code], [422, 'key_reused']);
    assert.deepEqual([await ben.history(thread), await listed(ben)], [['a question'], []]);
    await ben.hears('message:received', 2);
    assert.deepEqual(ben.received(), ['a question', 'later']);
    assert.ok(Date.now() >= Date.parse(wanted.sendAt), 'not before its time');
    const [sent] = await eventually('it has ended', async () => {
      const list = await listed(ann);
      return list[0].state === 'sent' && list;
    });
    const { messages } = await ben.rest('GET', `/${thread}`);
    const stored = messages.at(-1);
    assert.deepEqual([stored._id, stored.clientMessageId, stored.replyTo.messageId], [sent.messageId, wanted.clientMessageId, answered._id]);
    assert.ok(stored.createdAt >= wanted.sendAt);
    await eventually('both devices hear of it', () => [ann, phone].every(device =>
      device.all('scheduled:updated').some(each => each.scheduled.state === 'sent')));
    assert.deepEqual(ben.all('scheduled:updated'), []);
    assert.deepEqual(await ann.history(thread), ['a question', 'later']);
    // What has ended stays as it is.
    const late = await ann.rest('DELETE', `/scheduled/${sent._id}`);
    assert.deepEqual([late.status, late.code], [409, 'too_late']);
  });

  test('what waits is changed and cancelled by its sender alone', async () => {
    const { ann, ben, thread } = await pair();
    const { scheduled } = await ann.ask('message:send', { threadId: thread, content: 'first', sendAt: inMs(HOUR_MS), clientMessageId: randomUUID() });
    for (const [method, body] of [['PATCH', { content: 'mine' }], ['DELETE', undefined]]) {
      assert.equal((await ben.rest(method, `/scheduled/${scheduled._id}`, body)).status, 404);
    }
    const sendAt = inMs(2 * HOUR_MS);
    // RFC 3339 takes its letters in either case.
    const changed = await ann.rest('PATCH', `/scheduled/${scheduled._id}`, { content: 'second', sendAt: sendAt.toLowerCase() });
    assert.deepEqual([changed.status, changed.scheduled.content, changed.scheduled.sendAt], [200, 'second', sendAt]);
    for (const body of [{}, { content: '' }, { content: 7 }, { sendAt: inMs(5_000) }, { sendAt: inMs(367 * 24 * HOUR_MS) }, { sendAt: 'soon' }]) {
      const refused = await ann.rest('PATCH', `/scheduled/${scheduled._id}`, body);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], JSON.stringify(body));
    }
    assert.deepEqual((await listed(ann)).map(each => each.content), ['second']);
    for (let n = 0; n < 2; n += 1) {
      const cancelled = await ann.rest('DELETE', `/scheduled/${scheduled._id}`);
      assert.deepEqual([cancelled.status, cancelled.scheduled.state], [200, 'cancelled']);
    }
    const late = await ann.rest('PATCH', `/scheduled/${scheduled._id}`, { content: 'late' });
    assert.deepEqual([late.status, late.code], [409, 'too_late']);
    await eventually('all is heard', () => ann.all('scheduled:updated').at(-1)?.scheduled.state === 'cancelled');
  });

  test('what waits is sent now, once, in the order of the wishes', async () => {
    const { ann, ben, thread } = await pair();
    const planned = [];
    for (const content of ['second', 'first']) {
      planned.unshift((await ann.rest('POST', `/${thread}`, { content, sendAt: inMs(HOUR_MS), mentions: [ben.id], clientMessageId: randomUUID() })).scheduled);
    }
    assert.equal((await ben.rest('POST', `/scheduled/${planned[0]._id}/send`)).status, 404);
    for (const { _id } of planned) {
      const now = await ann.rest('POST', `/scheduled/${_id}/send`);
      assert.equal(now.status, 200, JSON.stringify(now));
      assert.ok(Date.parse(now.scheduled.sendAt) <= Date.now() + CLOCKS_MS, 'its time is now');
      await pause(2);
    }
    await ben.hears('message:received', 2);
    assert.deepEqual(ben.received(), ['first', 'second']);
    assert.deepEqual((await ben.rest('GET', `/${thread}`)).messages.map(({ mentions }) => mentions), [[ben.id], [ben.id]]);
    for (const { _id } of planned) {
      const again = await ann.rest('POST', `/scheduled/${_id}/send`);
      assert.equal(again.status, 200, 'it is sent already');
    }
    assert.deepEqual(await ann.history(thread), ['first', 'second']);
  });

  test('a change under its key is made once, whatever came after it', async () => {
    const { ann, thread } = await pair();
    const { scheduled } = await ann.rest('POST', `/${thread}`, { content: 'x', sendAt: inMs(HOUR_MS) }, { 'idempotency-key': randomUUID() });
    const key = { 'idempotency-key': randomUUID() };
    const change = (content, headers) => ann.rest('PATCH', `/scheduled/${scheduled._id}`, { content }, headers);
    assert.equal((await change('first', key)).scheduled.content, 'first');
    assert.equal((await change('second')).scheduled.content, 'second');
    assert.equal((await change('first', key)).scheduled.content, 'second');
    assert.equal((await change('third', key)).code, 'key_reused');
    // Also when the time that it names is too near by now.
    const [near, soon] = [{ sendAt: inMs(SOON_MS) }, { 'idempotency-key': randomUUID() }];
    const move = headers => ann.rest('PATCH', `/scheduled/${scheduled._id}`, near, headers);
    assert.equal((await move(soon)).scheduled.sendAt, near.sendAt);
    await pause(SOON_MS - SOONEST_MS + CLOCKS_MS);
    assert.deepEqual([(await move(soon)).scheduled?.sendAt, (await move()).code], [near.sendAt, 'invalid']);
    assert.equal((await ann.rest('DELETE', `/scheduled/${scheduled._id}`)).scheduled.state, 'cancelled');
  });

  test('a time that is too near or too far is refused, and so is a stranger', async () => {
    const { ann, thread } = await pair();
    const eve = person('eve');
    await eve.connect();
    for (const sendAt of [inMs(-HOUR_MS), inMs(5_000), inMs(367 * 24 * HOUR_MS), 'soon', {}]) {
      const body = { content: 'x', sendAt };
      for (const answer of [await ann.rest('POST', `/${thread}`, body), await ann.ask('message:send', { threadId: thread, ...body })]) {
        assert.equal(answer.code, 'invalid', JSON.stringify([sendAt, answer]));
        assert.match(answer.error, /sendAt/);
      }
    }
    const body = { content: 'x', sendAt: inMs(HOUR_MS) };
    assert.equal((await eve.rest('POST', `/${thread}`, body)).status, 404);
    assert.equal((await eve.ask('message:send', { threadId: thread, ...body })).code, 'not_found');
    assert.deepEqual([await listed(ann), await listed(eve)], [[], []]);
  });

  test('an answer to a message that was taken back meanwhile is sent, and quotes nothing of it', async () => {
    const { ann, ben, thread } = await pair();
    const { message: asked } = await ben.send(thread, 'a question');
    const { scheduled } = await ann.rest('POST', `/${thread}`, { content: 'an answer', sendAt: inMs(HOUR_MS), replyTo: asked._id, clientMessageId: randomUUID() });
    assert.equal((await ben.rest('DELETE', `/${asked._id}`)).status, 200);
    await ann.rest('POST', `/scheduled/${scheduled._id}/send`);
    const stored = await eventually('it is sent', async () => (await ben.rest('GET', `/${thread}`)).messages[1]);
    assert.equal(stored.replyTo.messageId, asked._id);
    assert.equal(stored.replyTo.quote.content, '');
    assert.ok(stored.replyTo.quote.deletedAt);
  });

  test('who was removed from the group when the time comes sends nothing and is told why', async () => {
    const { ann, ben } = await pair();
    const made = await ann.rest('POST', '/threads', { participants: [ben.id], group: { name: 'team' } });
    const group = made.thread._id;
    const { scheduled } = await ben.rest('POST', `/${group}`, { content: 'from nobody', sendAt: inMs(HOUR_MS), clientMessageId: randomUUID() });
    assert.equal((await ann.rest('DELETE', `/threads/${group}/members/${ben.id}`)).status, 200);
    assert.equal((await ben.rest('POST', `/scheduled/${scheduled._id}/send`)).status, 200);
    await eventually('it is told', () => ben.all('scheduled:updated').some(({ scheduled: { state, reason } }) =>
      state === 'failed' && reason === 'not_in_thread'));
    assert.deepEqual(await ann.history(group), []);
  });

  test('who has left the thread when the time comes sends nothing and is told why', async () => {
    const { ann, ben, thread } = await pair();
    const body = { content: 'from nobody', sendAt: inMs(SOON_MS), clientMessageId: randomUUID() };
    await ann.rest('POST', `/${thread}`, body);
    await ann.rest('POST', `/threads/${thread}/leave`);
    await eventually('it is told', () => ann.all('scheduled:updated').some(({ scheduled }) =>
      scheduled.state === 'failed' && scheduled.reason === 'not_in_thread'));
    assert.deepEqual((await listed(ann)).map(each => [each.state, each.reason]), [['failed', 'not_in_thread']]);
    assert.deepEqual(await ben.history(thread), []);
  });
}

/** Ends the worker that sends what is due. */
export function scheduledOverKills(stage) {
  test('a scheduled message is sent once although its worker is killed between acceptance and its time', async () => {
    const { ann, ben, thread } = await stage.pair();
    const role = stage.shape === 'single' ? 'eventflow' : 'persistence-worker';
    const sendAt = inMs(SOON_MS);
    const made = await ann.rest('POST', `/${thread}`, { content: 'later', sendAt, clientMessageId: randomUUID() });
    assert.equal(made.scheduled.state, 'waiting');
    await stage.system.kill(role);
    await pause(Date.parse(sendAt) - Date.now() + 1_000); // its time passes meanwhile
    await stage.system.start(role);
    await eventually('it is stored', async () => (await ben.history(thread).catch(() => [])).length === 1);
    await stage.system.kill(role);
    await stage.system.start(role);
    await eventually('it has ended', async () => (await ann.rest('GET', '/scheduled').catch(() => ({}))).scheduled?.[0]?.state === 'sent');
    assert.deepEqual(await ben.history(thread), ['later']);
  });
}
