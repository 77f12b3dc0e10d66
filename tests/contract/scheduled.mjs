// Messages that are sent later: scheduled, listed, changed, cancelled, and sent once. By socket and by REST, on
// either shape.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from './person.mjs';

/** As soon as a message may be planned for, and a little: the server reads the clock after the test. */
const SOON_MS = 10_500;
const HOUR_MS = 3_600_000;
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
    assert.deepEqual([scheduled.status, scheduled.content, scheduled.sendAt, scheduled.threadId, scheduled.replyTo],
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
      return list[0].status === 'sent' && list;
    });
    const { messages } = await ben.rest('GET', `/${thread}`);
    const stored = messages.at(-1);
    assert.deepEqual([stored._id, stored.clientMessageId, stored.replyTo.messageId], [sent.messageId, wanted.clientMessageId, answered._id]);
    assert.ok(stored.createdAt >= wanted.sendAt);
    await eventually('both devices hear of it', () => [ann, phone].every(device =>
      device.all('scheduled:updated').some(each => each.scheduled.status === 'sent')));
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
    const changed = await ann.rest('PATCH', `/scheduled/${scheduled._id}`, { content: 'second', sendAt });
    assert.deepEqual([changed.status, changed.scheduled.content, changed.scheduled.sendAt], [200, 'second', sendAt]);
    for (const body of [{}, { content: '' }, { content: 7 }, { sendAt: inMs(5_000) }, { sendAt: inMs(367 * 24 * HOUR_MS) }, { sendAt: 'soon' }]) {
      const refused = await ann.rest('PATCH', `/scheduled/${scheduled._id}`, body);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], JSON.stringify(body));
    }
    assert.deepEqual((await listed(ann)).map(each => each.content), ['second']);
    for (let n = 0; n < 2; n += 1) {
      const cancelled = await ann.rest('DELETE', `/scheduled/${scheduled._id}`);
      assert.deepEqual([cancelled.status, cancelled.scheduled.status], [200, 'cancelled']);
    }
    const late = await ann.rest('PATCH', `/scheduled/${scheduled._id}`, { content: 'late' });
    assert.deepEqual([late.status, late.code], [409, 'too_late']);
    await eventually('all is heard', () => ann.all('scheduled:updated').at(-1)?.scheduled.status === 'cancelled');
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

  test('who has left the thread when the time comes sends nothing and is told why', async () => {
    const { ann, ben, thread } = await pair();
    const body = { content: 'from nobody', sendAt: inMs(SOON_MS), clientMessageId: randomUUID() };
    await ann.rest('POST', `/${thread}`, body);
    await ann.rest('POST', `/threads/${thread}/leave`);
    await eventually('it is told', () => ann.all('scheduled:updated').some(({ scheduled }) =>
      scheduled.status === 'not_sent' && scheduled.reason === 'not_in_thread'));
    assert.deepEqual((await listed(ann)).map(each => [each.status, each.reason]), [['not_sent', 'not_in_thread']]);
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
    assert.equal(made.scheduled.status, 'waiting');
    await stage.system.kill(role);
    await new Promise(resolve => setTimeout(resolve, Date.parse(sendAt) - Date.now() + 1_000)); // its time passes meanwhile
    await stage.system.start(role);
    await eventually('it is stored', async () => (await ben.history(thread).catch(() => [])).length === 1);
    await stage.system.kill(role);
    await stage.system.start(role);
    await eventually('it has ended', async () => (await ann.rest('GET', '/scheduled').catch(() => ({}))).scheduled?.[0]?.status === 'sent');
    assert.deepEqual(await ben.history(thread), ['later']);
  });
}
