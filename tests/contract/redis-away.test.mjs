// A Redis that is away for long. A single process goes on as if it had none, and a fleet goes on telling who
// comes and goes; nobody is shown as somebody they are not when it is back.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ownRedis } from '../measure/redis.mjs';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

/** A sweeper that has just started waits until every device has renewed its lease; and a busy machine. */
const HEARD_MS = 90_000;
/** Redis is believed again once every device has renewed its lease there; and a busy machine. */
const BELIEVED_MS = 90_000;
const isInMemory = async (system, role) => /^eventflow_presence_in_memory 1$/m.test(await system.admin(role, '/metrics'));
const times = (text, words) => text.split(words).length - 1;

describe('one process whose Redis is away', () => {
  let redis, system;
  const people = [];
  const person = name => people[people.push(new Person(system, name)) - 1];
  before(async () => {
    redis = await ownRedis();
    await redis.kill();
    system = await startSystem('single', { EVENTFLOW_PRESENCE__URL: redis.url });
  });
  after(async () => {
    people.forEach(each => each.leave());
    await system?.stop();
    await redis?.stop();
  });

  test('is ready, delivers, answers who is there, and uses Redis when it is back', { timeout: BELIEVED_MS * 3 }, async () => {
    const [ann, ben, cleo] = [person('ann'), person('ben'), person('cleo')];
    const thread = await ann.startThread(ben, cleo);
    await Promise.all([ann, ben, cleo].map(each => each.connect()));
    assert.equal((await ann.send(thread, 'hello')).success, true);
    await ben.hears('message:received');
    assert.match(await system.admin('eventflow', '/readyz'), /"ready"/);
    const status = async who => (await ann.api('GET', `/presence/${who.id}`)).presence?.status;
    await eventually('online by REST', async () => await status(ben) === 'online' && await status(cleo) === 'online');
    await ann.ask('thread:join', { threadId: thread });
    ben.socket.disconnect();
    const heard = (who, wanted) => ann.all('presence:sync').some(each => each.userId === who.id && each.status === wanted);
    await eventually('a departure is heard', () => heard(ben, 'offline'));
    assert.equal(await status(ben), 'offline');
    await eventually('a metric says it', () => isInMemory(system, 'eventflow'));
    assert.equal(times(await system.logs('eventflow'), 'presence is answered from memory'), 1);

    await redis.start();
    await eventually('Redis is used again', async () => !await isInMemory(system, 'eventflow'), BELIEVED_MS);
    assert.deepEqual([await status(ben), await status(cleo)], ['offline', 'online']);
    assert.ok(!heard(cleo, 'offline') && !heard(cleo, 'away'), 'nobody seemed to go');
    await ben.connect();
    await eventually('online by REST again', async () => await status(ben) === 'online');
    const log = await system.logs('eventflow');
    assert.deepEqual([times(log, 'presence is answered from memory'), times(log, 'presence is answered from the shared store again')], [1, 1]);
  });
});

describe('a fleet whose Redis goes away', () => {
  let redis, system;
  const people = [];
  const person = name => people[people.push(new Person(system, name)) - 1];
  before(async () => {
    redis = await ownRedis();
    system = await startSystem('fleet', { REDIS_URL: redis.url });
  });
  after(async () => {
    people.forEach(each => each.leave());
    await system?.stop();
    await redis?.stop();
  });

  test('tells who leaves, stays ready, and says why it cannot be asked', { timeout: HEARD_MS * 2 }, async () => {
    const [ann, ben] = [person('ann'), person('ben')];
    const thread = await ann.startThread(ben);
    await Promise.all([ann.connect(), ben.connect()]);
    await eventually('online', async () => (await ann.ask('presence:sync', { userIds: [ben.id] })).presence?.[0]?.status === 'online');
    await ann.ask('thread:join', { threadId: thread });
    await redis.kill();
    ben.socket.disconnect();
    await eventually('the departure is heard', () => ann.all('presence:sync').at(-1)?.status === 'offline', HEARD_MS);
    assert.match(await system.admin('presence-sweeper', '/readyz'), /"ready"/);
    await eventually('a metric says it', () => isInMemory(system, 'presence-sweeper'));
    const refused = await ann.api('GET', `/presence/${ben.id}`);
    assert.deepEqual([refused.status, refused.code], [503, 'unavailable']);
    assert.match(refused.error, /presence store does not answer/);
    await ben.connect();
    await eventually('the return is heard', () => ann.all('presence:sync').at(-1)?.status === 'online', HEARD_MS);
  });
});
