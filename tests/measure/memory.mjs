#!/usr/bin/env node
// What memory the gateway takes, and what it gives back: under load, and for people who lost their
// connection.
//
//   tests/measure/memory.mjs [--shape single] [--load 30] [--pairs 100] [--in-flight 16] [--rest 60]
//                            [--sessions 64]
//
// A fleet (`--shape fleet`) needs `eval "$(tests/services env)"` first. Binaries: EVENTFLOW_BIN_DIR. Steps,
// each on a system of its own:
//
// - load: `eventflow-load` saturates the system for `--load` seconds and goes away; `--rest` seconds later
//   the gateway has to be back at 1.3 times what it took before, and 50 MB.
// - lost: one account loses `--sessions` connections. On each it first asks for the answers to a send whose
//   message was edited to 40 KB since, as fast as it can: 110 bytes in, 40 KB kept. Then as many accounts do
//   so with one connection each. What is kept stays within its settings, also while clients are still there.
//
// `--load 0` or `--sessions 0` leaves a step out. Prints a table; exit code 1 if a bound is broken.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { Person, eventually } from '../contract/person.mjs';
import { SECRET, startSystem } from '../contract/system.mjs';
import { sleep, table } from './figures.mjs';

const run = promisify(execFile);
const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');
const bins = process.env.EVENTFLOW_BIN_DIR ?? join(process.env.CARGO_TARGET_DIR ?? join(repository, 'target'), 'release');
const MB = 1_000_000;
/** What the gateway may take after the load: so many times what it took before, and so much more. */
const AFTER = { times: 1.3, more: 50 * MB };
/**
 * The defaults of gateway.recovery_bytes and gateway.recovery_bytes_per_user. What comes faster than room is
 * made may take an eighth more.
 */
const KEPT = 16 * 1024 * 1024 * 9 / 8;
const KEPT_BY_ONE = 4 * 1024 * 1024 * 9 / 8;
/** What messages between people and answers beside the flood may keep. */
const OTHERS = MB;
/** Before the first look: connections to the servers are open, caches filled. */
const SETTLE_S = 5;
/** The longest text: 10,000 characters of four bytes. */
const LONG = '\u{1F600}'.repeat(10_000);
/** Answers to a send that each lost session asks for: 4 MB, more than one session keeps. */
const REPEATS = 100;
/** What a send is answered with, also by a system that is too busy. */
const ANSWERS = ['message:sent', 'message:queued', 'message:error', 'disconnect'];
/** No limits of events and requests: the flood is the point. */
const SETTINGS = { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', SOCKETS_PER_USER: '0' };

const option = value => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: { shape: option('single'), load: option('30'), pairs: option('100'), 'in-flight': option('16'), rest: option('60'), sessions: option('64') },
});
const role = values.shape === 'single' ? 'eventflow' : 'ws-gateway';
const failures = [];
if (Number(values.load) > 0) console.log(await under(load), '\n');
if (Number(values.sessions) > 0) console.log(await under(lost));
failures.forEach(failure => console.error(failure));
process.exit(failures.length === 0 ? 0 : 1);

/** Runs a step on a system of its own. */
async function under(step) {
  const system = await startSystem(values.shape, SETTINGS);
  try {
    await sleep(SETTLE_S * 1_000);
    return await step(system);
  } finally {
    await system.stop();
  }
}

async function load(system) {
  const before = await resident(system);
  const [pairs, seconds, inFlight] = [values.pairs, values.load, values['in-flight']];
  const args = ['run', '--ws', system.ws.replace('http', 'ws'), '--http', system.http, '--jwt-secret', SECRET,
    '--mode', 'saturate', '--pairs', pairs, '--in-flight', inFlight, '--warmup', '1', '--duration', seconds];
  // Whatever its verdict, which stands in the table: memory is measured here.
  const { stdout } = await run(join(bins, 'eventflow-load'), args).catch(failed => failed);
  const end = await resident(system);
  const kept = await metric(system, 'eventflow_gateway_recovery_bytes');
  await sleep(Number(values.rest) * 1_000);
  const after = await resident(system);
  const bound = before * AFTER.times + AFTER.more;
  if (after > bound) failures.push(`${mb(after)} MB are taken after the load, the bound is ${mb(bound)} MB`);
  if (kept > KEPT) failures.push(`${mb(kept)} MB are kept, the bound is ${mb(KEPT)} MB`);
  const verdict = stdout.match(/lost .*/)?.[0] ?? 'no verdict';
  return table(['gateway, MB', 'before', 'end of load', 'kept then', `${values.rest} s later`, 'bound', 'ledger'],
    [[role, mb(before), mb(end), mb(kept), mb(after), mb(bound), verdict]]);
}

async function lost(system) {
  const rows = [];
  const sessions = Number(values.sessions);
  const mallory = new Person(system, 'mallory');
  const crowd = Array.from({ length: sessions }, () => new Person(system, 'crowd'));
  const groups = [
    ['one account', Array(sessions).fill(mallory), KEPT_BY_ONE + OTHERS],
    ['as many accounts', crowd, KEPT],
  ];
  for (const [who, people, bound] of groups) {
    const before = await resident(system);
    const started = Date.now();
    const highest = await watching(system, () => Promise.all(people.map((person, index) => flood(person, index, people))));
    const took = (Date.now() - started) / 1_000;
    const kept = await eventually('the clients are gone', async () => {
      await sleep(1_000);
      return await metric(system, 'eventflow_gateway_sockets{transport="websocket"}') === 0
        && await metric(system, 'eventflow_gateway_recovery_bytes');
    });
    const parked = await metric(system, 'eventflow_gateway_parked_sessions');
    await sleep(Number(values.rest) * 1_000);
    if (highest.kept > bound) failures.push(`${who}: ${mb(highest.kept)} MB were kept, the bound is ${mb(bound)} MB`);
    rows.push([`${sessions} sessions of ${who}`, took.toFixed(1), mb(before), mb(highest.resident), mb(highest.kept), mb(bound), mb(kept), parked,
      mb(await resident(system))]);
  }
  return table(['lost', 'in s', 'MB before', 'at most', 'kept at most', 'bound', 'kept', 'parked', `${values.rest} s later, MB`], rows);
}

/**
 * Sends a message, makes it long, and asks on a connection of its own for the answer again and again; then
 * the line breaks.
 */
async function flood(person, index, people) {
  const other = people[(index + 1) % people.length];
  const socket = await connected(person);
  person.made ??= prepare(person, other === person ? new Person(person.system, 'other') : other);
  const thread = await person.made;
  for (let repeat = 0; repeat < REPEATS; repeat += 1) socket.emit('message:send', { threadId: thread, content: 'x', clientMessageId: 'key' });
  // What comes back is not read any further than it takes to see that all of it was asked.
  await new Promise(resolve => ANSWERS.forEach(event => socket.once(event, resolve)));
  socket.io.engine.transport.ws?.terminate();
}

/** A socket that does not come back. */
function connected(person) {
  const socket = person.open({ auth: { token: person.token }, reconnection: false });
  socket.offAny();
  person.socket = socket;
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}

async function prepare(person, other) {
  const thread = await person.startThread(other);
  const { message } = await person.rest('POST', `/${thread}`, { content: 'x', clientMessageId: 'key' });
  await person.rest('PATCH', `/${message._id}`, { content: LONG });
  return thread;
}

/** Looks at the gateway while `act` runs; gives the highest figures. */
async function watching(system, act) {
  const highest = { resident: 0, kept: 0 };
  let done = false;
  const looks = (async () => {
    while (!done) {
      highest.resident = Math.max(highest.resident, await resident(system));
      highest.kept = Math.max(highest.kept, await metric(system, 'eventflow_gateway_recovery_bytes'));
      await sleep(100);
    }
  })();
  await act();
  await sleep(2_000);
  done = true;
  await looks;
  return highest;
}

/** Resident memory of the gateway's process, in bytes. */
async function resident(system) {
  const status = await readFile(`/proc/${await system.pid(role)}/status`, 'utf8');
  return Number(status.match(/VmRSS:\s+(\d+) kB/)[1]) * 1024;
}

async function metric(system, name) {
  const line = (await system.admin(role, '/metrics')).split('\n').find(line => line.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

function mb(bytes) {
  return (bytes / MB).toFixed(1);
}
