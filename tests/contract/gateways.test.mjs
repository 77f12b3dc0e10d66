// A fleet with two socket gateways: it makes no difference who is connected to which, and a gateway that is
// killed loses nobody a message.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

/** A closed connection is offline after the grace for reloads and a tick of the sweeper. */
const LEAVES_MS = 5_000;
/** And this for a busy machine; without being told, nobody would know before its lease ends, after 75 s. */
const GONE_MS = 40_000;
const MESSAGES_EACH = 20;
/**
 * People of a gateway that was killed are gone for those who look within this: two heartbeats may be late,
 * and a step of the sweeper.
 */
const DEAD_MS = 90_000;
/**
 * A gateway says every five seconds how much is going on; one of another fleet that used the same Redis
 * before is forgotten after 15 s, and its people after 75 s.
 */
const REPORTED_MS = 90_000;
/** The figures of a gateway that was killed are left out after 15 s; and this for a busy machine. */
const FORGOTTEN_MS = 30_000;

// Three fleets beside each other: most of it is waiting.
describe('a fleet with two socket gateways', { concurrency: 3 }, () => {
  for (const part of [gatewaysAgree, aGatewayEnds, aGatewayIsGone]) describe(part.name, { concurrency: 1 }, () => part(openFleet()));
});

/** A fleet of its own for the tests of one suite; people leave after each test. */
function openFleet() {
  let system, people = [];
  before(async () => { system = await startSystem('fleet', { GATEWAYS: '2', EVENTS_PER_MINUTE: '0' }); });
  after(() => system?.stop());
  afterEach(() => {
    people.forEach(person => person.leave());
    people = [];
  });

  /** Somebody whose sockets go to the first or the second gateway. */
  function on(gateway, name, claims) {
    people.push(new Person({ ...system, ws: [system.ws, system.ws2][gateway - 1] }, name, claims));
    return people.at(-1);
  }

  /** Two people with a thread, each connected to a gateway of their own. */
  async function pair() {
    const [ann, ben] = [on(1, 'ann'), on(2, 'ben')];
    const thread = await ann.startThread(ben);
    await Promise.all([ann.connect(), ben.connect()]);
    return { ann, ben, thread };
  }

  return {
    get system() { return system; },
    on, pair,
  };
}

const status = async (viewer, who) => (await viewer.api('GET', `/presence/${who.id}`)).presence?.status;
const seqs = who => who.all('message:received').map(({ message }) => message.seq);
const upTo = count => Array.from({ length: count }, (_, n) => n + 1);

/** Both gateways are there all the time. */
function gatewaysAgree(fleet) {
  const { on, pair } = fleet;

  test('what four people on both gateways say at once, each hears once and in the same order', async () => {
    const all = [on(1, 'ann'), on(2, 'ben'), on(1, 'cleo'), on(2, 'dan')];
    const thread = await all[0].startThread(...all.slice(1));
    await Promise.all(all.map(each => each.connect()));
    await Promise.all(all.map(async each => {
      for (let n = 0; n < MESSAGES_EACH; n += 1) {
        const answer = await each.send(thread, `${each.id} ${n}`, { clientMessageId: `${n}` });
        assert.equal(answer.success, true, JSON.stringify(answer));
      }
    }));
    const history = await all[0].history(thread, '?limit=100');
    for (const each of all) {
      await each.hears('message:received', all.length * MESSAGES_EACH);
      assert.deepEqual(seqs(each), upTo(all.length * MESSAGES_EACH));
      assert.deepEqual(each.received(), history);
      const own = history.filter(content => content.startsWith(`${each.id} `));
      assert.deepEqual(own, Array.from({ length: MESSAGES_EACH }, (_, n) => `${each.id} ${n}`));
    }
  });

  test('typing, receipts, reactions and edits cross from one gateway to the other', async () => {
    const { ann, ben, thread } = await pair();
    ann.socket.emit('typing:start', { threadId: thread });
    assert.equal((await ben.hears('typing:update'))[0].userId, ann.id);
    const { message } = await ann.send(thread, 'hello');
    await ben.hears('message:received');
    assert.equal((await ben.ask('message:read', { messageId: message._id })).success, true);
    await ann.hears('message:read:update');
    assert.equal((await ben.ask('reaction:send', { messageId: message._id, emoji: '👍' })).success, true);
    assert.deepEqual((await ann.hears('reaction:received'))[0].reactions.map(each => each.userId), [ben.id]);
    assert.equal((await ann.ask('message:edit', { messageId: message._id, content: 'hello!' })).success, true);
    assert.equal((await ben.hears('message:updated'))[0].message.content, 'hello!');
  });

  test('presence crosses: who looks from the other gateway hears of coming, going away and leaving', async () => {
    const { ann, ben } = await pair();
    await eventually('online', async () => (await ann.ask('presence:sync', { userIds: [ben.id] })).presence?.[0]?.status === 'online');
    ann.heard = [];
    const heard = wanted => () => ann.all('presence:sync').some(each => each.userId === ben.id && each.status === wanted);
    await ben.ask('presence:update', { status: 'away' });
    await eventually('away', heard('away'));
    ben.socket.disconnect();
    await eventually('offline', heard('offline'), GONE_MS);
    await ben.connect();
    await eventually('online again', heard('online'));
  });

  test('a revoked login ends on every gateway', async () => {
    const [root, ann] = [on(1, 'root', { role: 'admin' }), on(1, 'ann')];
    const first = await ann.connect({ reconnection: false });
    ann.system = { ...ann.system, ws: fleet.system.ws2 };
    const second = await ann.connect({ reconnection: false });
    const closed = [first, second].map(socket => new Promise(resolve => socket.once('disconnect', resolve)));
    await new Promise(resolve => setTimeout(resolve, 1_100)); // a token of the same second counts as issued before
    await root.revoke(ann.id);
    await Promise.all(closed);
  });

  test('two devices of one person on two gateways each hear a message once, and one that is closed leaves them online', async () => {
    const { ann, ben, thread } = await pair();
    const devices = [ben.socket];
    ben.system = { ...ben.system, ws: fleet.system.ws };
    devices.push(await ben.connect());
    const heard = devices.map(socket => {
      const seen = [];
      socket.on('message:received', ({ message }) => seen.push(message.content));
      return seen;
    });
    for (const content of ['one', 'two', 'three']) await ann.send(thread, content);
    for (const seen of heard) await eventually('three', () => seen.length === 3);
    assert.deepEqual(heard, [['one', 'two', 'three'], ['one', 'two', 'three']]);

    await eventually('online', async () => (await ann.ask('presence:sync', { userIds: [ben.id] })).presence?.[0]?.status === 'online');
    ann.heard = [];
    devices[0].io.engine.close(); // as a closed tab does; its session waits
    devices[0].disconnect();
    await new Promise(resolve => setTimeout(resolve, LEAVES_MS)); // nothing is to happen for as long as leaving takes
    assert.deepEqual(ann.all('presence:sync'), []);
    assert.equal(await status(ann, ben), 'online');
    devices[1].disconnect();
    await eventually('offline', () => ann.all('presence:sync').at(-1)?.status === 'offline', GONE_MS);
  });

  test('the status of the service adds up what is going on at both gateways, exactly', async () => {
    const root = on(1, 'root', { role: 'admin' });
    const [ann, ben, cleo] = [on(1, 'ann'), on(2, 'ben'), on(2, 'cleo')];
    const [first, second, third] = [await ann.startThread(ben), await ann.startThread(cleo), await ben.startThread(cleo)];
    const { system: home } = ann;
    ann.system = { ...home, ws: fleet.system.ws2 }; // a person with devices at both gateways is one
    const tablet = await ann.connect({ transports: ['polling'] });
    ann.system = home;
    await Promise.all([ann.connect(), ben.connect(), cleo.connect({ transports: ['polling'] })]);
    const stats = expected => eventually(JSON.stringify(expected), async () => {
      const { stats: seen, status: health } = await root.api('GET', '/messaging/status');
      return health === 200 && JSON.stringify(Object.entries(seen).toSorted()) === JSON.stringify(Object.entries(expected).toSorted());
    }, REPORTED_MS);
    for (const thread of [first, second]) await ann.ask('thread:join', { threadId: thread });
    // Whoever types in a thread looks at it; somebody who types in two is one.
    const keys = setInterval(() => [[ann, first], [ann, second], [ben, third], [cleo, third]].forEach(([who, threadId]) =>
      who.socket.emit('typing:start', { threadId })), 500);
    await stats({ connectedClients: 4, onlineUsers: 3, typingUsers: 3, rooms: 3 }).finally(() => clearInterval(keys));
    await ann.ask('thread:leave', { threadId: second });
    tablet.disconnect();
    ben.socket.disconnect();
    await stats({ connectedClients: 2, onlineUsers: 2, typingUsers: 0, rooms: 2 });
  });
}

/** One gateway ends and comes back. */
function aGatewayEnds(fleet) {
  const { on, pair } = fleet;

  test('when a gateway is killed its people go on at the other one, with every message once and in order', async () => {
    const { ann, ben, thread } = await pair();
    const cleo = on(2, 'cleo');
    const group = await ann.startThread(ben, cleo);
    await cleo.connect();
    await eventually('online', async () => (await cleo.ask('presence:sync', { userIds: [ann.id] })).presence?.[0]?.status === 'online');
    cleo.heard = [];
    for (let n = 0; n < 3; n += 1) await ben.send(group, `before ${n}`);
    await ann.hears('message:received', 3);

    const sessions = [];
    ann.socket.on('connect', () => sessions.push(ann.socket.recovered));
    ann.socket.io.uri = fleet.system.ws2; // where a load balancer would send the next connection
    await fleet.system.kill('ws-gateway');
    for (let n = 0; n < 5; n += 1) assert.equal((await ben.send(group, `meanwhile ${n}`)).success, true);
    await eventually('ann is back', () => ann.socket.connected && sessions.length === 1);
    assert.deepEqual(sessions, [false], 'a new session; what she has missed comes by itself');
    assert.equal((await ann.send(group, 'here I am')).success, true);
    await ben.send(group, 'welcome back');

    for (const each of [ann, ben, cleo]) {
      await each.hears('message:received', 10);
      assert.deepEqual(seqs(each), upTo(10), each.id);
    }
    assert.equal((await ann.history(group, '?limit=100')).length, 10);
    assert.deepEqual(cleo.all('presence:sync').filter(each => each.userId === ann.id && each.status === 'offline'), []);
    assert.equal(await status(cleo, ann), 'online');
    assert.equal((await ann.send(thread, 'and in the other thread')).success, true);
    await ben.hears('message:received', 11);

    cleo.heard = [];
    ann.socket.disconnect(); // from where she came back: nothing of the killed gateway keeps her online
    await eventually('she has left', () => cleo.all('presence:sync').some(each => each.userId === ann.id && each.status === 'offline'), GONE_MS);
    ann.system = { ...ann.system, ws: fleet.system.ws2 };
    await ann.connect();

    await fleet.system.start('ws-gateway');
    const dan = on(1, 'dan');
    const last = await dan.startThread(ann);
    await dan.connect();
    await ann.send(last, 'to the gateway that is new');
    await dan.hears('message:received');
  });

  for (const [title, end, comesBack] of [
    ['is restarted in order, and does not come back', 'terminate', false],
    ['is restarted in order, and stops at the other one', 'terminate', true],
    ['is killed, and does not come back', 'kill', false],
    ['is killed, and stops at the other one', 'kill', true],
  ]) {
    test(`who types while their gateway ${title}, is not shown typing for ever`, async () => {
      const { ann, ben, thread } = await pair();
      ann.socket.io.reconnection(comesBack);
      ann.socket.io.uri = fleet.system.ws2;
      ann.socket.emit('typing:start', { threadId: thread });
      assert.equal((await ben.hears('typing:update'))[0].isTyping, true);
      const isBack = new Promise(resolve => ann.socket.once('connect', resolve));
      await fleet.system[end]('ws-gateway');
      try {
        if (comesBack) {
          await isBack;
          assert.equal((await ann.ask('typing:stop', { threadId: thread })).success, true);
        }
        await eventually('it ends', () => ben.all('typing:update').at(-1).isTyping === false);
      } finally {
        await fleet.system.start('ws-gateway');
      }
    });
  }
}

/** One gateway is killed and stays away. */
function aGatewayIsGone(fleet) {
  const { on } = fleet;

  test('people of a killed gateway who do not come back are offline within 90 s, and nobody else is', async () => {
    const viewer = on(2, 'viewer');
    const [gone, stays] = [Array.from({ length: 10 }, (_, n) => on(1, `gone${n}`)), on(2, 'stays')];
    const both = on(1, 'both');
    const group = await viewer.startThread(...gone, stays, both);
    await Promise.all([viewer, stays, both, ...gone].map(each => each.connect({ reconnection: false })));
    both.system = { ...both.system, ws: fleet.system.ws2 };
    await both.connect();
    const byRest = async people => (await viewer.api('GET', `/presence?userIds=${people.map(each => each.id)}`)).presence;
    await eventually('all are there', async () => (await byRest([...gone, stays, both])).every(each => each.status === 'online'));
    await viewer.ask('thread:join', { threadId: group });
    await eventually('and seen', () => [...gone, stays, both].every(({ id }) => viewer.all('presence:update').some(each => each.userId === id)));

    const root = on(2, 'root', { role: 'admin' });
    const health = async () => {
      const { stats, gateways, statsAgeMs } = await root.api('GET', '/messaging/status');
      return { clients: stats.connectedClients, gateways, statsAgeMs };
    };
    await eventually('both gateways are counted', async () => {
      const { clients, gateways } = await health();
      return gateways === 2 && clients === gone.length + 4;
    }, REPORTED_MS);
    await fleet.system.kill('ws-gateway');
    const left = await eventually('only the other gateway is counted', async () => {
      const figures = await health();
      return figures.gateways === 1 && figures;
    }, FORGOTTEN_MS);
    assert.equal(left.clients, 3, JSON.stringify(left));
    assert.ok(left.statsAgeMs <= 15_000, JSON.stringify(left));
    const heard = event => new Set(viewer.all(event).filter(each => each.status === 'offline').map(each => each.userId));
    await eventually('all are gone', () => ['presence:sync', 'presence:update'].every(event => heard(event).size >= gone.length), DEAD_MS);
    for (const event of ['presence:sync', 'presence:update']) assert.deepEqual([...heard(event)].toSorted(), gone.map(({ id }) => id).toSorted());
    assert.deepEqual((await byRest([...gone, stays, both])).map(each => each.status), [...gone.map(() => 'offline'), 'online', 'online']);
  });
}
