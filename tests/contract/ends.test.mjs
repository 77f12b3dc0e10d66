// Parts of a fleet end while people use it. A gateway that drains tells no client to stay away, and what
// was accepted outlives the processes that held it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

const PAIRS = 100;
/** How a page of a host application comes back by itself; the official client's times. */
const AS_PUBLISHED = { transports: ['websocket', 'polling'], reconnectionDelay: 1_000, reconnectionDelayMax: 5_000, reconnectionAttempts: 5 };
const PAUSE_MS = 400;
/** Pairs whose only gateway is killed. */
const FEW_PAIRS = 15;

describe('a fleet whose parts end', () => {
  let system;
  const people = [];
  before(async () => { system = await startSystem('fleet', { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' }); });
  after(async () => {
    people.forEach(person => person.leave());
    await system?.stop();
  });

  test('old fault 20: a notification that could not be stored is tried again, also when every process that knew of it has died', async () => {
    const [root, ann] = [new Person(system, 'root', { role: 'admin' }), new Person(system, 'ann')];
    people.push(ann);
    await ann.connect();
    await system.kill('persistence-worker');
    const order = { userId: ann.id, type: 'order_update', title: 'Your order' };
    const accepted = await root.apiOnce('POST', '/notifications', order);
    assert.deepEqual([accepted.status, accepted.success], [202, true], JSON.stringify(accepted));
    assert.deepEqual((await ann.api('GET', '/notifications')).notifications, []);
    await system.kill('http-gateway');
    await Promise.all(['persistence-worker', 'http-gateway'].map(role => system.start(role)));
    const [{ notification }] = await ann.hears('notification:received');
    assert.equal(notification.title, order.title);
    const { notifications, unreadCount } = await ann.api('GET', '/notifications');
    assert.deepEqual([notifications.map(each => each._id), unreadCount], [[notification._id], 1]);
    assert.equal(ann.all('notification:received').length, 1);
  });

  test('client trap C12: two hundred clients come back by themselves, none was told to stay away, and every message is there once', async () => {
    const clients = [];
    const pairs = await Promise.all(Array.from({ length: PAIRS }, async (_, n) => {
      const [ann, ben] = [new Person(system, `ann${n}`), new Person(system, `ben${n}`)];
      clients.push(ann, ben);
      people.push(ann, ben);
      return { ann, ben, thread: await ann.startThread(ben), said: [] };
    }));
    const lost = new Map();
    const gaveUp = [];
    for (const person of clients) {
      const socket = await person.connect(AS_PUBLISHED);
      socket.on('disconnect', reason => lost.set(person.id, [...lost.get(person.id) ?? [], reason]));
      socket.io.on('reconnect_failed', () => gaveUp.push(person.id));
    }
    let goesOn = true;
    const writing = pairs.map(async ({ ann, thread, said }) => {
      for (let n = 0; goesOn; n += 1) {
        said.push(`number ${n}`);
        await insists(ann, thread, said.at(-1), `key ${n}`);
        await new Promise(resolve => setTimeout(resolve, PAUSE_MS * (0.5 + Math.random())));
      }
    });
    await eventually('everybody writes', () => pairs.every(({ said }) => said.length > 2));
    await ends(await system.pid('ws-gateway'));
    assert.equal(lost.size, clients.length, 'everybody has lost the connection');
    await system.start('ws-gateway');
    await eventually('everybody is back', () => gaveUp.length > 0 || clients.every(person => person.socket.connected));
    assert.deepEqual(gaveUp, []);
    const before = pairs.map(({ said }) => said.length);
    await eventually('everybody writes again', () => pairs.every(({ said }, n) => said.length > before[n] + 2));
    goesOn = false;
    await Promise.all(writing);
    // Once each; "io server disconnect" would mean: do not come back.
    assert.deepEqual([...new Set([...lost.values()].map(reasons => reasons.join()))], ['transport close']);
    await eventually('everybody is there', () => clients.every(person => person.socket.connected));
    assert.deepEqual(gaveUp, []);
    for (const { ann, thread, said } of pairs) {
      // The last answers may have said that a message is queued.
      await eventually('what was queued is stored', async () => (await ann.wholeHistory(thread)).length >= said.length);
      assert.deepEqual(await ann.wholeHistory(thread), said);
    }
  });
});

// Both at once: most of it is waiting.
describe('the only gateway is killed', { concurrency: 2 }, () => {
  for (const [shape, role] of [['single', 'eventflow'], ['fleet', 'ws-gateway']]) {
    describe(`the shape "${shape}"`, { concurrency: 1 }, () => {
      let system;
      const people = [];
      before(async () => { system = await startSystem(shape, { EVENTS_PER_MINUTE: '0' }); });
      after(async () => {
        people.forEach(person => person.leave());
        await system?.stop();
      });

      for (const seconds of [3, 8]) {
        test(`client trap C11: started again after ${seconds} s, every client with five tries is back by itself and can be written to`, async () => {
          const gaveUp = [];
          const pairs = await Promise.all(Array.from({ length: FEW_PAIRS }, async () => {
            const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
            people.push(ann, ben);
            const thread = await ann.startThread(ben);
            for (const person of [ann, ben]) {
              const socket = await person.connect(AS_PUBLISHED);
              socket.io.on('reconnect_failed', () => gaveUp.push(person.id));
            }
            return { ann, ben, thread };
          }));
          const clients = pairs.flatMap(({ ann, ben }) => [ann, ben]);
          await system.kill(role);
          await eventually('everybody has lost the connection', () => clients.every(person => !person.socket.connected));
          await new Promise(resolve => setTimeout(resolve, seconds * 1_000)); // for so long there is no gateway
          assert.ok(clients.every(person => !person.socket.connected));
          await system.start(role);
          await eventually('everybody is back', () => gaveUp.length > 0 || clients.every(person => person.socket.connected));
          assert.deepEqual(gaveUp, []);
          await Promise.all(pairs.map(async ({ ann, ben, thread }) => {
            assert.equal((await ann.send(thread, 'here again')).success, true);
            for (const each of [ann, ben]) {
              await each.hears('message:received');
              assert.deepEqual(each.received(), ['here again']);
            }
          }));
        });
      }
    });
  }
});

/** SIGTERM, and the end of the process. */
async function ends(pid) {
  process.kill(pid, 'SIGTERM');
  const isAlive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await eventually('the gateway has ended', () => !isAlive());
}

/** Sends until there is an answer, always with the same key, as the protocol page advises. */
async function insists(person, threadId, content, clientMessageId) {
  for (;;) {
    if (!person.socket.connected) await eventually(`${person.id} is back`, () => person.socket.connected);
    const answer = await person.ask('message:send', { threadId, content, clientMessageId }).catch(lost => lost);
    if (answer.success) return;
    assert.ok(answer instanceof Error || answer.code === 'unavailable', JSON.stringify(answer));
  }
}
