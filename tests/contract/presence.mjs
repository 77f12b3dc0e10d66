// Presence for those who may see it: by REST and by event.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

/**
 * The sweeper judges by time only when it has been in touch for a while; on a busy machine it may lose touch
 * with Redis for moments.
 */
const JUDGED_MS = 60_000;

export function presence(stage) {
  const { person, pair } = stage;
  const status = async (viewer, who) => (await viewer.api('GET', `/presence/${who.id}`)).presence?.status;

  test('old fault 15: a connected person is online by REST, and offline moments after leaving', async () => {
    const { ann, ben } = await pair();
    await eventually('online', async () => await status(ann, ben) === 'online');
    ben.socket.disconnect();
    await eventually('offline', async () => await status(ann, ben) === 'offline', JUDGED_MS);
    const { presence: seen } = await ann.api('GET', `/presence/${ben.id}`);
    assert.equal(typeof seen.lastSeen, 'string');
  });

  test('who asked hears of changes; two devices count as one person', async () => {
    const { ann, ben } = await pair();
    await eventually('online', async () => {
      const answer = await ann.ask('presence:sync', { userIds: [ben.id] });
      assert.equal(answer.success, true, JSON.stringify(answer));
      return answer.presence?.[0]?.status === 'online';
    });
    const first = ben.socket;
    await ben.connect();
    ann.heard = [];
    first.disconnect();
    await ben.ask('presence:update', { status: 'away' });
    await eventually('away', () => ann.all('presence:sync').some(each => each.userId === ben.id && each.status === 'away'), JUDGED_MS);
    assert.ok(!ann.all('presence:sync').some(each => each.status === 'offline'));
    await ben.ask('presence:update', { status: 'online' });
    await eventually('online again', () => ann.all('presence:sync').at(-1)?.status === 'online');
    ben.socket.disconnect();
    await eventually('offline', () => ann.all('presence:sync').at(-1)?.status === 'offline', JUDGED_MS);
  });

  test('somebody who was asked for before the first thread with them is shown when it is there', async () => {
    const [ann, ben] = [person('ann'), person('ben')];
    await Promise.all([ann.connect(), ben.connect()]);
    assert.equal((await ann.ask('presence:sync', { userIds: [ben.id] })).presence[0].status, 'offline');
    await ann.startThread(ben);
    await eventually('told without asking again', () => ann.all('presence:sync').some(each => each.userId === ben.id && each.status === 'online'));
    assert.equal((await ann.ask('presence:sync', { userIds: [ben.id] })).presence[0].status, 'online');
  });

  test('being away by choice holds on all devices of a person, and they are told', async () => {
    const { ann, ben } = await pair();
    const phone = ben.socket;
    await ben.connect();
    const told = [];
    phone.on('presence:chosen', body => told.push(body.status));
    await eventually('online', async () => await status(ann, ben) === 'online');
    await ben.ask('presence:update', { status: 'away' });
    await eventually('the phone is told', () => told.includes('away'));
    await eventually('away on both', async () => await status(ann, ben) === 'away');
    await ben.ask('presence:update', { status: 'online' });
    await eventually('the phone is told again', () => told.at(-1) === 'online');
    await eventually('online again', async () => await status(ann, ben) === 'online');
    assert.deepEqual(ann.all('presence:chosen'), []);
  });

  test('old fault 10: who does not look hears nothing, and a stranger looks like somebody who was never there', async () => {
    const { ann, ben } = await pair();
    const [cleo, eve] = [person('cleo'), person('eve')];
    const group = await ann.startThread(ben, cleo);
    await Promise.all([cleo.connect(), eve.connect()]);
    await eve.ask('presence:sync', { userIds: [ben.id] });
    assert.equal(await status(eve, ben), 'offline');
    await eventually('online for a friend', async () => await status(ann, ben) === 'online');
    await ann.ask('thread:join', { threadId: group });
    const heard = wanted => eventually(`${wanted} for who looks`, () => ['presence:sync', 'presence:update'].every(event =>
      ann.all(event).filter(each => each.userId === ben.id).at(-1)?.status === wanted), JUDGED_MS);
    await heard('online');
    await ben.ask('presence:update', { status: 'away' });
    await heard('away');
    ben.socket.disconnect();
    await heard('offline');
    await eventually('offline for a friend', async () => await status(ann, ben) === 'offline');
    // A participant who never looked: whatever was on its way to them came before this message.
    await ann.send(group, 'the end');
    await cleo.hears('message:received');
    assert.deepEqual([...cleo.all('presence:sync'), ...cleo.all('presence:update')], []);
    assert.deepEqual([...eve.all('presence:sync'), ...eve.all('presence:update')].map(each => [each.userId, each.status]), [[ben.id, 'offline']]);
    assert.equal((await eve.api('GET', `/presence/${ben.id}`)).presence.lastSeen, null);
  });

  test('many are asked about at once, but not too many', async () => {
    const { ann, ben } = await pair();
    const bulk = await ann.api('GET', `/presence?userIds=${ben.id},${ann.id},nobody`);
    assert.equal(bulk.status, 200);
    assert.equal(bulk.presence.length, 3);
    const many = Array.from({ length: 201 }, (_, n) => `u${n}`).join();
    assert.equal((await ann.api('GET', `/presence?userIds=${many}`)).status, 400);
  });
}
