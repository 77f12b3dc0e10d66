#!/usr/bin/env node
// How long people who are no longer there are shown as there: a fleet with two socket gateways, and somebody
// who looks at everybody.
//
//   eval "$(tests/services env)"; tests/measure/presence.mjs [--people 1000]
//
// Ways to go: in order (a closed tab, a DISCONNECT), a gateway killed with `--people` on it, and lines that
// carry nothing any more without being closed (a fifth of as many). A tenth of as many have two devices and
// close one: they stay. Nobody who has gone in order may come back with a heartbeat. Prints a table; exit
// code 1 if a bound is broken.
//
// Bounds: 5 s for leaving in order, 90 s for a kill and for a dead line.

import { parseArgs } from 'node:util';
import { openFront } from '../browser/front.mjs';
import { Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { sleep, spread, table } from './figures.mjs';

const IN_ORDER_MS = 5_000;
const BY_LEASE_MS = 90_000;
/** How long is waited for what should have happened before it is called missing. */
const PATIENCE_MS = 30_000;
/** People of a thread, so that a thread's people may look at each other. */
const THREAD_PEOPLE = 99;
/** Connections opened at once. */
const AT_ONCE = 50;

const { people: count } = parseArgs({ options: { people: { type: 'string', default: '1000' } } }).values;
const system = await startSystem('fleet', { GATEWAYS: '2', EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
const second = { ...system, ws: system.ws2 };
const front = await openFront(second);
const failures = [];
try {
  await measure(Number(count));
} finally {
  front.close();
  await system.stop();
}
failures.forEach(failure => console.error(failure));
process.exit(failures.length === 0 ? 0 : 1);

async function measure(killed) {
  const link = await front.link();
  const groups = {
    tabs: crowd('tab', killed / 10, system),
    leavers: crowd('leaver', killed / 10, system),
    pairs: crowd('pair', killed / 10, second),
    silent: crowd('silent', killed / 5, { ...system, ws: link.origin }),
    killed: crowd('killed', killed, system),
  };
  const all = Object.values(groups).flat();
  await each(all, person => person.connect({ reconnection: false }));
  const spares = await eachGives(groups.pairs, async person => {
    const other = new Person(system, 'spare');
    Object.assign(other, { id: person.id, token: person.token });
    return other.connect({ reconnection: false });
  });
  const log = await watch(all);
  const offline = person => log.get(person.id).filter(heard => heard.status === 'offline');
  const rows = [];

  const left = Date.now();
  groups.tabs.forEach(person => person.socket.io.engine.close());
  groups.leavers.forEach(person => person.socket.disconnect());
  spares.forEach(socket => socket.io.engine.close());
  rows.push(await gone('closed tab', groups.tabs, left, IN_ORDER_MS), await gone('left', groups.leavers, left, IN_ORDER_MS));

  const cut = Date.now();
  link.silence();
  await system.kill('ws-gateway');
  rows.push(await gone('dead line', groups.silent, cut, BY_LEASE_MS), await gone('gateway killed', groups.killed, cut, BY_LEASE_MS));

  const back = [...groups.tabs, ...groups.leavers].filter(person => log.get(person.id).at(-1).status !== 'offline');
  const lost = groups.pairs.filter(person => offline(person).length > 0);
  rows.push(['two devices, one closed', groups.pairs.length, `shown offline: ${lost.length}`, 0]);
  if (back.length > 0) failures.push(`${back.length} came back after they had left`);
  if (lost.length > 0) failures.push(`${lost.length} with a second device were shown as offline`);
  await agree(all, person => groups.pairs.includes(person) ? 'online' : 'offline');
  console.log(table(['way to go', 'people', 'time to offline p50 / p99 / max, ms', 'bound, ms'], rows));

  /** Waits until all of them are offline to who looks; a row with the times since `from`. */
  async function gone(title, who, from, bound) {
    await eventually(title, () => who.every(person => offline(person).length > 0), bound + PATIENCE_MS).catch(() => {});
    const missing = who.filter(person => offline(person).length === 0).length;
    const times = who.flatMap(person => offline(person).slice(0, 1)).map(heard => heard.at - from);
    if (missing > 0) failures.push(`${title}: ${missing} of ${who.length} are still shown`);
    if (Math.max(...times) > bound) failures.push(`${title}: ${Math.max(...times)} ms, the bound is ${bound} ms`);
    return [title, who.length, spread(times), bound];
  }
}

function crowd(name, size, where) {
  return Array.from({ length: Math.ceil(size) }, () => new Person(where, name));
}

async function each(who, act) {
  for (let from = 0; from < who.length; from += AT_ONCE) await Promise.all(who.slice(from, from + AT_ONCE).map(act));
}

async function eachGives(who, act) {
  const given = [];
  await each(who, async person => given.push(await act(person)));
  return given;
}

/**
 * Somebody on the second gateway shares a thread with each and looks at all; what they hear by person, with
 * the time.
 */
async function watch(who) {
  const log = new Map(who.map(person => [person.id, []]));
  const watchers = [];
  for (let from = 0; from < who.length; from += THREAD_PEOPLE) {
    const group = who.slice(from, from + THREAD_PEOPLE);
    const watcher = new Person(second, 'watcher');
    watchers.push(watcher);
    await watcher.startThread(...group);
    const socket = await watcher.connect();
    socket.on('presence:sync', ({ userId, status }) => log.get(userId)?.push({ status, at: Date.now() }));
    await eventually('everybody is online', async () => {
      await watcher.ask('presence:sync', { userIds: group.map(person => person.id) });
      await sleep(100);
      return group.every(person => log.get(person.id).at(-1)?.status === 'online');
    });
  }
  log.forEach(heard => heard.splice(0));
  watch.people = watchers;
  return log;
}

/** REST says the same as was heard. */
async function agree(who, expected) {
  for (const [index, watcher] of watch.people.entries()) {
    const group = who.slice(index * THREAD_PEOPLE, (index + 1) * THREAD_PEOPLE);
    const { presence } = await watcher.api('GET', `/presence?userIds=${group.map(person => person.id).join()}`);
    const wrong = presence.filter(({ status }, n) => status !== expected(group[n]));
    if (wrong.length > 0) failures.push(`REST disagrees about ${wrong.length}, for example ${JSON.stringify(wrong[0])}`);
  }
}
