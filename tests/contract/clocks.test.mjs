// Clocks of a fleet that are ten minutes wrong, in both directions: order, counts and what is sent again do
// not depend on them. What compares an outside time with its own is wrong by as much: whether a token has
// ended. And presence does not hear a gateway that is far behind (docs/OPERATIONS.md, "Clocks"); a minute is
// forgiven.
//
// What measures how long something takes stays right.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

const WRONG_S = 600;
/** Presence forgives a gateway that is so far behind. */
const FORGIVEN_S = 60;
/** A token with so much left has ended for a clock that is ahead, also with the minute that is forgiven. */
const SHORT_S = 300;
const EACH = 20;
/** A closed connection is offline after the grace for reloads and a tick; and this for a busy machine. */
const GONE_MS = 40_000;
/** As long as the lease of a device that nobody renews, and a sweep. */
const LEASE_MS = 80_000;

const upTo = count => Array.from({ length: count }, (_, n) => n + 1);
const seqs = who => who.all('message:received').map(({ message }) => message.seq);

const FLEETS = [
  {
    title: 'the first gateway is ahead and who stores is behind', isAhead: true, hasPresence: true,
    clocks: { 'ws-gateway': WRONG_S, 'persistence-worker': -WRONG_S },
  },
  {
    title: 'the first gateway is behind and who stores is ahead',
    clocks: { 'ws-gateway': -WRONG_S, 'persistence-worker': WRONG_S, 'fanout-worker': -WRONG_S },
  },
  { title: 'the first gateway is a minute behind', clocks: { 'ws-gateway': -FORGIVEN_S }, hasPresence: true },
];

// All at once: most of it is waiting.
describe('a fleet with wrong clocks', { concurrency: FLEETS.length }, () => {
  for (const { title, clocks, isAhead = false, hasPresence = false } of FLEETS) {
    describe(title, { concurrency: 1 }, () => {
      let system;
      const people = [];
      before(async () => {
        const wrong = Object.entries(clocks).map(each => each.join('=')).join(' ');
        system = await startSystem('fleet', { GATEWAYS: '2', EVENTS_PER_MINUTE: '0', EVENTFLOW_SYSTEM_CLOCKS: wrong });
      });
      after(async () => {
        people.forEach(person => person.leave());
        await system?.stop();
      });
      const on = (gateway, name, claims) => {
        people.push(new Person({ ...system, ws: [system.ws, system.ws2][gateway - 1] }, name, claims));
        return people.at(-1);
      };
      const pair = async () => {
        const [ann, ben] = [on(1, 'ann'), on(2, 'ben')];
        const thread = await ann.startThread(ben);
        await Promise.all([ann.connect(), ben.connect()]);
        return { ann, ben, thread };
      };

      test('a token that ends in five minutes shows which clock is wrong', async () => {
        const soon = { exp: Math.floor(Date.now() / 1_000) + SHORT_S, iat: undefined };
        const outcome = gateway => on(gateway, 'eve', soon).connect().then(() => true, refused => refused.data.code);
        assert.deepEqual([await outcome(1), await outcome(2)], [isAhead ? 'token_expired' : true, true]);
      });

      test('everybody hears everything once, in the order of the history, and counts are exact', async () => {
        const { ann, ben, thread } = await pair();
        for (let n = 0; n < EACH; n += 1) {
          for (const who of [ann, ben]) assert.equal((await who.send(thread, `${who.id} ${n}`)).success, true);
        }
        const expected = Array.from({ length: EACH }, (_, n) => [`${ann.id} ${n}`, `${ben.id} ${n}`]).flat();
        for (const who of [ann, ben]) {
          await who.hears('message:received', 2 * EACH);
          assert.deepEqual([seqs(who), who.received()], [upTo(2 * EACH), expected]);
          const unread = async () => (await who.rest('GET', '/threads')).threads.find(each => each._id === thread).unreadCount;
          // Counts follow the messages within moments (docs/PROTOCOL.md, `unreadCount`).
          await eventually('all of the other one is unread', async () => await unread() === EACH);
          assert.equal((await who.ask('thread:read', { threadId: thread })).success, true);
          await eventually('all is read', async () => await unread() === 0);
        }
        assert.deepEqual(await ann.history(thread, '?limit=100'), expected);
      });

      test('who loses the connection is sent what was missed, at the same gateway and at the other one', async () => {
        const { ann, ben, thread } = await pair();
        await ben.send(thread, 'before');
        await ann.hears('message:received');
        await ann.reconnects(() => ben.send(thread, 'meanwhile'));
        assert.equal(ann.socket.recovered, true);
        await ann.hears('message:received', 2);
        const { messages } = (await ann.ask('sync', { threads: [{ threadId: thread, after: 1 }] })).threads[0];
        assert.deepEqual(messages.map(message => message.content), ['meanwhile']);
        ann.socket.io.uri = system.ws2; // where a balancer would send the next connection
        await ann.reconnects(() => ben.send(thread, 'at the other one'));
        await ben.send(thread, 'the end');
        await eventually('the end', () => ann.received().at(-1) === 'the end');
        assert.deepEqual(ann.received(), ['before', 'meanwhile', 'at the other one', 'the end']);
      });

      if (hasPresence) test('whoever is there stays online, and whoever leaves is offline moments later', async () => {
        const { ann, ben } = await pair();
        const shows = async (viewer, who) => (await viewer.ask('presence:sync', { userIds: [who.id] })).presence?.[0]?.status === 'online';
        await eventually('ben is shown to ann', () => shows(ann, ben));
        await eventually('ann is shown to ben', () => shows(ben, ann));
        for (const who of [ann, ben]) who.heard = [];
        await new Promise(resolve => setTimeout(resolve, LEASE_MS)); // nobody is to be forgotten in this time
        for (const [viewer, who] of [[ann, ben], [ben, ann]]) {
          assert.deepEqual(viewer.all('presence:sync').filter(each => each.userId === who.id && each.status === 'offline'), []);
          assert.ok(await shows(viewer, who), `${who.id} is there`);
        }
        ann.socket.disconnect();
        await eventually('ann has left', () => ben.all('presence:sync').some(each => each.userId === ann.id && each.status === 'offline'), GONE_MS);
      });
    });
  }
});
