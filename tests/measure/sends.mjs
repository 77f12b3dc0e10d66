#!/usr/bin/env node
// One send to many people: how fast, in how much memory, and exactly once though its worker is killed.
//
//   tests/measure/sends.mjs [--people 100000] [--shape single] [--per-second 2000] [--kills 1] [--looking 50]
//
// A fleet (`--shape fleet`) needs `eval "$(tests/services env)"` first. Binaries: EVENTFLOW_BIN_DIR.
//
// Writes `--people` profiles with one role, and sends to that role. `--looking` of them have a socket. The
// process that carries the send out is killed `--kills` times with SIGKILL, each after an equal part of the
// people, and started again. Then reads everybody's inbox: each has the notification once, and whoever looks
// without having been cut off heard of it once. Prints tables; exit code 1 if anybody has none or two, or the
// counts of the send are wrong.

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Person, eventually, mint } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { sleep, table } from './figures.mjs';

const MB = 1_000_000;
/** Calls at the same time. */
const AT_ONCE = 64;
/** How often the progress is looked at. */
const LOOK_MS = 500;
/** Rows of the progress table. */
const ROWS = 20;
/** The send stands still no longer than this: a claim of half a minute, and a start. */
const STILL_MS = 90_000;
const ROLE = 'measured';

const option = value => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: { people: option('100000'), shape: option('single'), 'per-second': option('2000'), kills: option('1'), looking: option('50') },
});
const [count, kills, looking] = [values.people, values.kills, values.looking].map(Number);
const worker = values.shape === 'single' ? 'eventflow' : 'persistence-worker';
const system = await startSystem(values.shape, {
  EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', SENDS_PER_SECOND: values['per-second'],
});
const failures = [];
try {
  await measure();
} finally {
  await system.stop();
}
failures.forEach(failure => console.error(failure));
process.exit(failures.length === 0 ? 0 : 1);

async function measure() {
  const root = new Person(system, 'root', { role: 'admin' });
  const ids = Array.from({ length: count }, (_, index) => `measured-${String(index).padStart(7, '0')}`);
  const filled = await timed(() => each(ids, id => wanted(root.api('PUT', `/users/${id}`, { name: id, role: ROLE }), 200)));
  const crowd = ids.filter((_, index) => index % Math.ceil(count / looking) === 0).map(known);
  for (const person of crowd) await person.connect();
  const send = await eventually('the send is kept', async () =>
    (await root.api('POST', '/notifications', { to: { role: ROLE }, title: 'Strike', clientNotificationId: ROLE })).send);
  const { looks, took, broken } = await carriedOut(root, send._id);
  const { send: done } = await root.api('GET', `/notifications/sends/${send._id}`);
  if (done.sent !== count || done.total !== count || done.failed + done.suppressed > 0) failures.push(`wrong counts: ${JSON.stringify(done)}`);
  const found = new Map();
  const read = await timed(() => each(ids, async id => {
    const { notifications } = await wanted(known(id).api('GET', '/notifications'), 200);
    found.set(notifications.length, (found.get(notifications.length) ?? 0) + 1);
  }));
  if (found.get(1) !== count) failures.push(`notifications in inboxes: ${JSON.stringify([...found])}`);
  const heard = crowd.map(person => person.all('notification:received').length);
  if (heard.some(times => times > 1)) failures.push(`somebody heard of it ${Math.max(...heard)} times`);
  if (values.shape === 'fleet' && heard.some(times => times !== 1)) failures.push('somebody looked and did not hear of it');
  crowd.forEach(person => person.sockets.forEach(socket => socket.disconnect()));

  const memory = looks.map(look => look.resident).filter(Boolean);
  console.log(table(['at, s', 'told', `${worker}, MB`], thinned(looks).map(({ at, sent, resident }) => [at.toFixed(1), sent, mb(resident)])));
  console.log();
  console.log(table(
    ['people', 'kills', 'in s', 'people/s', 'stood still, s', 'MB before', 'at most', 'inboxes with 0 / 1 / more', 'heard 0 / 1 / more'],
    [[count, broken.length, took.toFixed(1), Math.round(count / took), broken.map(still => still.toFixed(1)).join(', '), mb(memory[0]),
      mb(Math.max(...memory)), split(found), split(tally(heard))]],
  ));
  console.log(`\nprofiles written in ${filled.toFixed(0)} s, inboxes read in ${read.toFixed(0)} s`);
}

/**
 * Waits for the end, and kills on the way. Gives what was seen, how long it took, and how long each kill
 * cost.
 */
async function carriedOut(root, id) {
  const [started, looks, broken] = [Date.now(), [], []];
  let [moved, last, killedAt] = [Date.now(), 0, undefined];
  for (;;) {
    const { send } = await root.api('GET', `/notifications/sends/${id}`).catch(() => ({}));
    const now = Date.now();
    if (send && send.sent > last) {
      if (killedAt) broken.push((now - killedAt) / 1_000);
      [moved, last, killedAt] = [now, send.sent, undefined];
    }
    if (send) looks.push({ at: (now - started) / 1_000, sent: send.sent, resident: await resident() });
    if (send?.state === 'done') return { looks, took: (now - started) / 1_000, broken };
    if (now - moved > STILL_MS) throw new Error(`the send stands still at ${last} of ${count}`);
    if (!killedAt && broken.length < kills && last > count * (broken.length + 1) / (kills + 1)) {
      killedAt = Date.now();
      await system.kill(worker);
      await system.start(worker);
    }
    await sleep(LOOK_MS);
  }
}

/** Somebody of the directory. */
function known(id) {
  const person = new Person(system, 'known');
  return Object.assign(person, { id, token: mint({ id, name: id, role: 'user' }) });
}

/** An answer with this status, or with the news that the command is queued. */
async function wanted(answer, status) {
  const given = await answer;
  if (given.status !== status && given.status !== 202) throw new Error(`${given.status} instead of ${status}: ${JSON.stringify(given)}`);
  return given;
}

async function each(all, act) {
  const rest = all[Symbol.iterator]();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const one of rest) await act(one);
  }));
}

async function timed(act) {
  const started = Date.now();
  await act();
  return (Date.now() - started) / 1_000;
}

/** Resident memory of the worker's process, in bytes; nothing while it is killed. */
async function resident() {
  const status = await readFile(`/proc/${await system.pid(worker)}/status`, 'utf8').catch(() => '');
  return Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1] ?? 0) * 1024;
}

function thinned(looks) {
  const every = Math.ceil(looks.length / ROWS);
  return looks.filter((_, index) => index % every === 0 || index === looks.length - 1);
}

function tally(numbers) {
  const found = new Map();
  numbers.forEach(number => found.set(number, (found.get(number) ?? 0) + 1));
  return found;
}

/** How often 0, 1 and more were found. */
function split(found) {
  const more = [...found].filter(([times]) => times > 1).reduce((sum, [, people]) => sum + people, 0);
  return [found.get(0) ?? 0, found.get(1) ?? 0, more].join(' / ');
}

function mb(bytes) {
  return (bytes / MB).toFixed(1);
}
