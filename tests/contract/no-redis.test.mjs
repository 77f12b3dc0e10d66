// A fleet without Redis, which is optional. Events go to every gateway and changes of presence are heard.
// Whoever asks for somebody's presence is told that it is unknown, and nobody who is online is shown as
// offline.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually, mint } from './person.mjs';
import { startSystem } from './system.mjs';

/** The sweeper judges by time only when it has been in touch for the length of a lease. */
const JUDGED_MS = 120_000;

describe('a fleet without Redis', () => {
  let system, ann, ben;
  before(async () => {
    system = await startSystem('fleet', { REDIS_URL: 'memory:', GATEWAYS: '2' });
    [ann, ben] = [new Person(system, 'ann'), new Person({ ...system, ws: system.ws2 }, 'ben')];
    await Promise.all([ann.connect(), ben.connect()]);
  });
  after(async () => {
    ann?.leave();
    ben?.leave();
    await system?.stop();
  });

  test('brings every message to every gateway, once and in order', async () => {
    const thread = await ann.startThread(ben);
    const said = Array.from({ length: 20 }, (_, n) => `message ${n}`);
    for (const content of said) assert.equal((await ann.send(thread, content)).success, true);
    await ben.hears('message:received', said.length);
    assert.deepEqual(ben.received(), said);
    assert.deepEqual(ann.received(), said);
  });

  test('says that it cannot say who is there, and is degraded', async () => {
    for (const path of [`/presence/${ben.id}`, `/presence?userIds=${ben.id}`]) {
      const answer = await ann.api('GET', path);
      assert.deepEqual([answer.status, answer.code], [503, 'unavailable']);
      assert.match(answer.error, /no presence store that they share/);
    }
    assert.equal((await ann.ask('presence:sync', { userIds: [ben.id] })).code, 'unavailable');
    const operator = mint({ id: 'root', role: 'admin', iat: Math.floor(Date.now() / 1000) });
    const status = await (await fetch(`${system.http}/api/v2/messaging/status`, { headers: { authorization: `Bearer ${operator}` } })).json();
    assert.deepEqual([status.status, status.unavailable], ['degraded', ['presence']]);
  });

  test('tells those who look who goes away and comes back, on any gateway', { timeout: JUDGED_MS * 3 }, async () => {
    const thread = await ann.startThread(ben);
    assert.equal((await ann.ask('thread:join', { threadId: thread })).success, true);
    const seen = status => eventually(`${status} is heard`, () => ann.all('presence:sync').at(-1)?.status === status, JUDGED_MS);
    await ben.ask('presence:update', { status: 'away' });
    await seen('away');
    await ben.ask('presence:update', { status: 'online' });
    await seen('online');
    ben.socket.disconnect();
    await seen('offline');
    assert.ok(ann.all('presence:sync').every(each => each.userId === ben.id), 'of nobody else');
  });
});
