#!/usr/bin/env node
// What one account can take of a gateway: answers that it asks for and never reads, and events that it sends
// over one connection after the other.
//
//   tests/measure/answers.mjs [--shape single] [--readers 60] [--watch 30] [--connections 10]
//
// A fleet (`--shape fleet`) needs `eval "$(tests/services env)"` first. Binaries: EVENTFLOW_BIN_DIR. Steps,
// on one system with its default limits:
//
// - unread answers: `--readers` connections each ask for a history of 4 MB and read nothing. Within `--watch`
//   seconds no answer may be waiting in the server any more: it is cut, or was a refusal that the client's
//   kernel has taken.
// - connections in a row: `--connections` connections, one after the other, each send 100 events. All of them
//   together may send what one account may send.
//
// Prints a table; exit code 1 if a bound is broken.

import { connect } from 'node:net';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Person } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { sleep, table } from './figures.mjs';

const MB = 1_000_000;
/** A page that holds 4 MB: 100 messages of the longest text, 10,000 characters of four bytes. */
const MESSAGES = 100;
const LONG = '\u{1F600}'.repeat(10_000);
/** Memory that unread answers may take: `rest.answers_kb`, and as much again for what the kernel holds. */
const MORE = 128 * MB;
/** The default of gateway.events_per_minute_user. */
const EVENTS_OF_ONE = 300;
const EVENTS_A_CONNECTION = 100;

const option = value => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: { shape: option('single'), readers: option('60'), watch: option('30'), connections: option('10') },
});
const failures = [];
// What is measured is not how many requests and messages one may send, so those limits are off.
const system = await startSystem(values.shape, { REST_PER_MINUTE_USER: '0', REST_PER_MINUTE_IP: '0' });
try {
  console.log(await unread(), '\n');
  console.log(await inARow());
} finally {
  await system.stop();
}
failures.forEach(failure => console.error(failure));
process.exit(failures.length === 0 ? 0 : 1);

async function unread() {
  const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
  const thread = await ann.startThread(ben);
  for (let n = 0; n < MESSAGES; n += 1) await ann.rest('POST', `/${thread}`, { content: LONG });
  const before = await resident();
  let closed = 0;
  const started = Date.now();
  const readers = Array.from({ length: Number(values.readers) }, () => {
    const { port } = new URL(system.http);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /api/v2/messages/${thread}?limit=${MESSAGES} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${ann.token}\r\n\r\n`);
    socket.pause();
    return socket;
  });
  let [highest, last] = [before, undefined];
  while (closed < readers.length && Date.now() - started < Number(values.watch) * 1_000) {
    await sleep(250);
    highest = Math.max(highest, await resident());
    closed = readers.length - await waiting(new Set(readers.map(socket => socket.localPort)));
    if (closed === readers.length) last = (Date.now() - started) / 1_000;
  }
  readers.forEach(socket => socket.destroy());
  if (last === undefined) failures.push(`${readers.length - closed} answers that nobody reads are waiting after ${values.watch} s`);
  if (highest > before + MORE) failures.push(`unread answers took ${mb(highest - before)} MB, the bound is ${mb(MORE)} MB`);
  return table(['unread answers', 'MB before', 'MB at most', 'waiting at the end', 'none after, s'],
    [[readers.length, mb(before), mb(highest), readers.length - closed, last?.toFixed(1) ?? 'never']]);
}

async function inARow() {
  const [mallory, other] = [new Person(system, 'mallory'), new Person(system, 'other')];
  const thread = await mallory.startThread(other);
  const started = Date.now();
  let [taken, refused, refusal] = [0, 0, undefined];
  for (let n = 0; n < Number(values.connections); n += 1) {
    const socket = await mallory.connect();
    const answers = await Promise.all(Array.from({ length: EVENTS_A_CONNECTION }, () => mallory.ask('thread:join', { threadId: thread })));
    for (const answer of answers) {
      if (answer.code === 'rate_limited') [refused, refusal] = [refused + 1, answer];
      else taken += 1;
    }
    socket.close();
  }
  if (taken > EVENTS_OF_ONE) failures.push(`${taken} events were taken, the bound is ${EVENTS_OF_ONE}`);
  return table(['connections in a row', 'events taken', 'refused', 'in s', 'a refusal says to wait, ms'],
    [[values.connections, taken, refused, ((Date.now() - started) / 1_000).toFixed(1), refusal?.retryAfterMs ?? 'nothing']]);
}

/**
 * Connections that the server has to clients at these ports, with bytes of an answer in them that the client
 * has not taken. A client that does not read sees no end either, so the kernel is asked.
 */
async function waiting(clients) {
  const port = address => Number.parseInt(address.split(':')[1], 16);
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1).map(line => line.trim().split(/\s+/));
  const server = Number(new URL(system.http).port);
  // Local address, remote address, state (01 is ESTABLISHED), bytes to send and to read.
  return lines.filter(([, local, remote, state, queues]) =>
    port(local) === server && clients.has(port(remote)) && state === '01' && !queues.startsWith('00000000:')).length;
}

/** Resident memory of the process that answers requests, in bytes. */
async function resident() {
  const role = values.shape === 'single' ? 'eventflow' : 'http-gateway';
  const status = await readFile(`/proc/${await system.pid(role)}/status`, 'utf8');
  return Number(status.match(/VmRSS:\s+(\d+) kB/)[1]) * 1024;
}

function mb(bytes) {
  return (bytes / MB).toFixed(1);
}
