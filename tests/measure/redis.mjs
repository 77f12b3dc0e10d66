#!/usr/bin/env node
// What messages, requests and presence notice of a Redis that is away: stopped and started empty, then one
// that takes connections and never answers.
//
//   eval "$(tests/services env)"; tests/measure/redis.mjs [--rate 200] [--calm 20] [--stopped 60] [--hole 30]
//
// A fleet with two socket gateways has a redis-server of its own. Pairs of people, one on each gateway, talk
// at `--rate` messages a second, a tenth of them by REST; besides, somebody reads threads and presence by
// REST. Prints a table and exit code 0 if no message was lost, doubled or out of order, none of it took 250
// ms longer than while Redis was well, and presence was right 90 s after.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Person, eventually } from '../contract/person.mjs';
import { freePort } from '../contract/ports.mjs';
import { startSystem } from '../contract/system.mjs';
import { percentile, sleep, spread, table } from './figures.mjs';

/**
 * The longest that anything may take more because of Redis, and for which share of the answers this is
 * judged.
 */
const ADDED_MS = 250;
const JUDGED_SHARE = 0.99;
/** When presence has to be right again. */
const PRESENCE_MS = 90_000;
const PAIRS = 10;
/** One message in this many goes by REST. */
const REST_SHARE = 10;
/** One reading request for this many messages. */
const READ_SHARE = 10;
/** Before anything is measured: connections are opened, caches filled. */
const WARM_UP_S = 3;

/** Runs all phases, each of so many seconds; gives the rows of a table, and what was wrong. */
export async function redisLoss({ rate, calm, stopped, hole, share = JUDGED_SHARE, added = ADDED_MS }) {
  const redis = await ownRedis();
  let system;
  try {
    system = await startSystem('fleet', { GATEWAYS: '2', REDIS_URL: redis.url, EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
    const talk = await new Talk(system, rate).begin();
    await talk.phase('warming up', WARM_UP_S);
    await talk.phase('well', calm);

    await redis.kill();
    const changed = [await talk.changeOver()];
    await talk.phase('stopped', stopped);
    await redis.start();
    await Promise.all([talk.phase('back, empty', calm), talk.presenceIsRight()]);

    redis.signal('SIGSTOP');
    changed.push(await talk.changeOver());
    await talk.phase('silent', hole);
    redis.signal('SIGCONT');
    await Promise.all([talk.phase('back again', calm), talk.presenceIsRight()]);

    await talk.end({ share, added });
    return { rows: talk.rows(), problems: talk.problems, changed };
  } finally {
    await system?.stop();
    await redis.stop();
  }
}

/** People who talk in pairs, each on another gateway, and what is known of every message. */
class Talk {
  problems = [];
  #phases = [];
  #pending = new Set();
  #sent = 0;
  #presence = new Map();
  #everybody = [];

  constructor(system, rate) {
    this.system = system;
    this.rate = rate;
    this.second = { ...system, ws: system.ws2 };
  }

  async begin() {
    this.pairs = await Promise.all(Array.from({ length: PAIRS }, async () => {
      const people = [new Person(this.system, 'ann'), new Person(this.second, 'ben')];
      const thread = await people[0].startThread(people[1]);
      for (const person of people) await this.#comes(person);
      return { people, thread, sent: [] };
    }));
    this.root = new Person(this.system, 'root', { role: 'admin' });
    this.extras = [new Person(this.second, 'leaves'), new Person(this.second, 'leaves')];
    await Promise.all(this.extras.map(person => this.#comes(person)));
    await eventually('everybody is online', () => this.#isRight());
    return this;
  }

  async #comes(person) {
    const socket = await person.connect();
    socket.on('disconnect', reason => person.left || this.problems.push(`${person.id} lost its connection: ${reason}`));
    socket.on('message:received', ({ message }) => {
      const [phase, at] = [this.#phases[Number(message.content.split(' ')[0])], Number(message.content.split(' ')[1])];
      if (message.senderId !== person.id) phase.delivery.push(Date.now() - at);
    });
    this.#presence.set(person.id, 'online');
    this.#everybody.push(person);
  }

  /** Somebody goes and somebody comes, while Redis cannot be told. */
  async changeOver() {
    const [goes, comes] = [this.extras.shift(), new Person(this.second, 'comes')];
    goes.left = true;
    goes.leave();
    this.#presence.set(goes.id, 'offline');
    const from = Date.now();
    await this.#comes(comes);
    return Date.now() - from;
  }

  /** Talks for so many seconds, at an even pace whatever becomes of it. */
  async phase(title, seconds) {
    this.#phases.push({ title, socket: [], rest: [], read: [], delivery: [], failed: 0 });
    const from = Date.now();
    const due = () => Math.floor((Date.now() - from) / 1_000 * this.rate);
    for (let n = 0; Date.now() < from + seconds * 1_000;) {
      for (; n < due(); n += 1) this.#say();
      await sleep(2);
    }
  }

  #say() {
    const index = this.#phases.length - 1;
    const n = this.#sent++;
    const pair = this.pairs[n % PAIRS];
    const person = pair.people[Math.floor(n / PAIRS) % 2];
    const content = `${index} ${Date.now()} ${n}`;
    const way = Math.floor(n / PAIRS / 2) % REST_SHARE === 0 ? 'rest' : 'socket';
    pair.sent.push({ n, content, from: person.id, way });
    this.#time(way, index, async () => {
      const answer = way === 'rest'
        ? await person.restOnce('POST', `/${pair.thread}`, { content, clientMessageId: content })
        : await person.ask('message:send', { threadId: pair.thread, content, clientMessageId: content });
      if (!answer.success || answer.status === 202) this.problems.push(`not stored: ${content}: ${JSON.stringify(answer)}`);
    });
    if (n % READ_SHARE === 0) this.#time('read', index, () => person.rest('GET', '/threads'));
    // Presence may be unavailable meanwhile, but must say so at once.
    if (n % READ_SHARE === 5) this.#time('read', index, () => person.api('GET', `/presence/${pair.people[0].id}`));
  }

  #time(kind, index, act) {
    const from = Date.now();
    const done = act().then(() => this.#phases[index][kind].push(Date.now() - from), error => this.problems.push(`${kind}: ${error}`));
    const pending = done.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  /** Notes how long from now it takes until everybody is shown as they are. */
  async presenceIsRight() {
    const [from, phase] = [Date.now(), this.#phases.at(-1)];
    const right = await eventually('presence', () => this.#isRight(), PRESENCE_MS).catch(() => false);
    phase.presence = right ? Date.now() - from : Infinity;
    if (phase.presence > PRESENCE_MS) this.problems.push(`${phase.title}: presence is not right after ${PRESENCE_MS} ms`);
  }

  async #isRight() {
    await sleep(200);
    const answer = await this.root.api('GET', `/presence?userIds=${[...this.#presence.keys()].join()}`);
    return answer.status === 200 && answer.presence.every(({ userId, status }) => status === this.#presence.get(userId));
  }

  /**
   * Waits for what is under way, then judges: history and both ends have every message once, in one order.
   */
  async end(tolerance) {
    await Promise.all(this.#pending);
    for (const { people, thread, sent } of this.pairs) {
      const history = await wholeHistory(people[0], thread);
      for (const person of people) {
        await person.hears('message:received', sent.length).catch(error => this.problems.push(String(error).slice(0, 200)));
        check(this.problems, `${person.id} heard`, person.received(), history);
      }
      check(this.problems, 'stored', history.toSorted(), sent.map(each => each.content).toSorted());
      for (const person of people) {
        const own = new Set(sent.filter(each => each.from === person.id && each.way === 'socket').map(each => each.content));
        check(this.problems, `order of ${person.id}`, history.filter(each => own.has(each)), [...own]);
      }
    }
    for (const kind of ['socket', 'rest', 'read']) this.#judge(kind, tolerance);
    this.#everybody.forEach(person => {
      person.left = true;
      person.leave();
    });
  }

  #judge(kind, { share, added }) {
    const calm = this.#phases.find(phase => phase.title === 'well')[kind];
    for (const { title, [kind]: times } of this.#phases.slice(2)) {
      const more = percentile(times, share) - percentile(calm, share);
      if (more > added) this.problems.push(`${title}: ${kind}, ${share * 100} % are ${more} ms slower than while Redis was well`);
    }
  }

  rows() {
    return this.#phases.slice(1).map(({ title, socket, rest, read, delivery, presence }) =>
      [title, delivery.length, ...[socket, rest, read, delivery].map(spread), presence === undefined ? '' : `${(presence / 1_000).toFixed(1)} s`]);
  }
}

function check(problems, what, actual, expected) {
  try {
    assert.deepEqual(actual, expected);
  } catch {
    const [has, wanted] = [new Set(actual), new Set(expected)];
    const missing = [...wanted].filter(each => !has.has(each)).length;
    problems.push(`${what}: ${actual.length} of ${expected.length}, ${missing} missing, ${actual.length - has.size} doubled, or out of order`);
  }
}

async function wholeHistory(who, thread) {
  const all = [];
  for (;;) {
    const { messages } = await who.rest('GET', `/${thread}?limit=100&after=${all.length}`);
    all.push(...messages.map(message => message.content));
    if (messages.length < 100) return all;
  }
}

/** A redis-server on a port of its own, without anything on disk, not started yet. */
export async function ownRedis() {
  const folder = await mkdtemp(join(tmpdir(), 'eventflow-redis-'));
  const port = await freePort();
  let server;
  const redis = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
      server = spawn('redis-server', args, { stdio: 'ignore' });
      await eventually('redis listens', () => listens(port));
    },
    async kill() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    },
    signal: name => server.kill(name),
    async stop() {
      if (server.exitCode === null && server.signalCode === null) await redis.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}

function listens(port) {
  return new Promise(resolve => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

if (import.meta.filename === process.argv[1]) {
  const option = value => ({ type: 'string', default: value });
  const { values } = parseArgs({ options: { rate: option('200'), calm: option('20'), stopped: option('60'), hole: option('30') } });
  const numbers = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
  const { rows, problems, changed } = await redisLoss(numbers);
  const times = ['socket ack', 'REST send', 'REST read', 'delivery'].map(what => `${what} p50 / p99 / max, ms`);
  console.log(table(['Redis', 'deliveries', ...times, 'presence right after'], rows));
  console.log(`connecting while Redis was away took ${changed.join(' and ')} ms`);
  problems.forEach(problem => console.error(problem));
  process.exit(problems.length === 0 ? 0 : 1);
}
