#!/usr/bin/env node
// What happens to those who sit at a gateway when another one is killed and all its clients come at once.
//
//   tests/measure/reconnects.mjs [--clients 5000] [--joins-per-second 0,1000] [--before 10] [--rate 20]
//
// Needs `eval "$(tests/services env)"`. Binaries: EVENTFLOW_BIN_DIR; figures need a release build on a quiet
// machine. For each setting of JOINS_PER_SECOND (0: no admission) on a fleet of its own with two gateways:
// `--clients` clients join the first, and two people talk at the second, `--rate` messages a second. After
// `--before` seconds the first gateway is killed. The clients come back to the second as the official client
// does (after 0.5 to 1.5 s, then later and later, five attempts) and ask for what they missed. The clients
// are processes of their own, so that they delay nobody's clock but the machine's.
//
// Prints a table: how long clients were away, what was refused, latency of the two before and during, CPU and
// memory of the gateway, what it did without. Exit code 1 if a client was left behind or a message was lost.

import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Person, mint } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { sleep, spread, table } from './figures.mjs';

/** Clients of one process: more of them would measure its event loop. */
const CLIENTS_EACH = 2_500;
/** Joins a second while the clients come for the first time. */
const FIRST_JOINS_PER_SECOND = 400;
/** The official client's options in the published page: `reconnectionDelay` and so on. */
const RETRY = { first: 1_000, longest: 5_000, jitter: 0.5, attempts: 5 };
/** Nobody needs longer; whoever does is counted as left behind. */
const BACK_WITHIN_MS = 60_000;
/** Times in /proc are in hundredths of a second. */
const TICKS_PER_SECOND = 100;

if (process.argv[2] === 'clients') await beClients(JSON.parse(process.argv[3]));
else await measure();

async function measure() {
  const option = value => ({ type: 'string', default: value });
  const { values } = parseArgs({
    options: { clients: option('5000'), 'joins-per-second': option('0,1000'), before: option('10'), rate: option('20') },
  });
  const rows = [];
  for (const joins of values['joins-per-second'].split(',')) {
    rows.push(await storm({ joins, clients: Number(values.clients), beforeS: Number(values.before), rate: Number(values.rate) }));
  }
  console.log(table(['joins/s', 'clients', 'away p50 / p99 / max ms', 'join p50 / p99 / max ms', 'attempts refused', 'left behind',
    'latency before p50 / p99 / max ms', 'during', 'CPU s', 'CPU ms a join', 'RSS MB before', 'peak', 'shed'], rows));
}

/** One storm on a fleet of its own: a row of the table. */
async function storm({ joins, clients, beforeS, rate }) {
  const settings = { GATEWAYS: '2', EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', JOINS_PER_SECOND: joins, SHED_AT_MS: '100', LOG_LEVEL: 'warn' };
  const system = await startSystem('fleet', settings);
  const crowds = [];
  try {
    for (let from = 0; from < clients; from += CLIENTS_EACH) {
      crowds.push(await openCrowd({ from, count: Math.min(CLIENTS_EACH, clients - from), first: system.ws, then: system.ws2 }));
    }
    const talk = await startTalk({ ...system, ws: system.ws2 }, rate);
    await sleep(beforeS * 1_000);
    const [before, pid] = [talk.take(), await system.pid('ws-gateway-2')];
    const [cpu, rss] = [await cpuSeconds(pid), await rssMb(pid)];
    const watch = watchRss(pid);
    const backs = crowds.map(crowd => crowd.back());
    await system.kill('ws-gateway');
    const results = (await Promise.all(backs)).flat();
    const during = talk.take();
    const used = await cpuSeconds(pid) - cpu;
    const lost = await talk.end();
    const shed = [...(await system.admin('ws-gateway-2', '/metrics')).matchAll(/^eventflow_shed_total\{what="(\w+)"\} (\d+)$/gm)];
    const back = results.filter(result => result.away !== undefined);
    if (back.length < results.length || lost > 0) process.exitCode = 1;
    if (lost > 0) console.log(`${lost} messages of the two were lost`);
    return [joins, results.length, spread(back.map(({ away }) => away)), spread(back.map(({ join }) => join)),
      results.reduce((sum, { refused }) => sum + refused, 0), results.length - back.length,
      spread(before), spread(during), used.toFixed(1), (1_000 * used / results.length).toFixed(2), rss, watch.stop(),
      shed.map(([, what, count]) => `${what} ${count}`).join(', ')];
  } finally {
    crowds.forEach(crowd => crowd.leave());
    await system.stop();
  }
}

/** A process of clients that have joined. */
async function openCrowd(crowd) {
  const child = fork(fileURLToPath(import.meta.url), ['clients', JSON.stringify(crowd)]);
  const said = what => new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the clients ended with ${code}`)));
    child.on('message', message => { if (message.what === what) resolve(message.value); });
  });
  await said('joined');
  return { back: () => said('back'), leave: () => child.kill() };
}

/** Two people at the second gateway; latencies from the call to the event at the other. */
async function startTalk(system, rate) {
  const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
  const thread = await ann.startThread(ben);
  await Promise.all([ann.connect(), ben.connect()]);
  const sent = new Map();
  let [latencies, count] = [[], 0];
  ben.socket.on('message:received', ({ message }) => {
    latencies.push(performance.now() - sent.get(message.content));
    sent.delete(message.content);
  });
  const talking = setInterval(() => {
    sent.set(`${count}`, performance.now());
    ann.socket.emit('message:send', { threadId: thread, content: `${count}`, clientMessageId: `${count}` });
    count += 1;
  }, 1_000 / rate);
  return {
    take() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    /** Gives how many messages were not heard. */
    async end() {
      clearInterval(talking);
      for (let waited = 0; sent.size > 0 && waited < 100; waited += 1) await sleep(100);
      [ann, ben].forEach(person => person.leave());
      return sent.size;
    },
  };
}

async function cpuSeconds(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND; // utime and stime, fields 14 and 15
}

async function rssMb(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]) / 1_000);
}

function watchRss(pid) {
  let peak = 0;
  const looking = setInterval(async () => { peak = Math.max(peak, await rssMb(pid)); }, 200);
  return {
    stop() {
      clearInterval(looking);
      return peak;
    },
  };
}

/** The process of clients: they join, say so, come back when they are cut, and say how that went. */
async function beClients({ from, count, first, then }) {
  const { WebSocket } = createRequire(createRequire(import.meta.url).resolve('engine.io-client'))('ws');
  const clients = [];
  let isCut = false;
  const backs = [];
  for (let n = from; n < from + count; n += 1) {
    const token = mint({ id: `storm-${process.pid}-${n}`, role: 'user', jti: `${process.pid}-${n}` });
    const client = { token, session: undefined, url: first };
    clients.push(join(WebSocket, client));
    client.whenCut = () => {
      client.url = then;
      if (!isCut) {
        isCut = true;
        // All are cut at the same moment, or within what the kernel takes for it.
        setTimeout(async () => process.send({ what: 'back', value: await Promise.all(backs) }), RETRY.first);
      }
      backs.push(comeBack(WebSocket, client));
    };
    await sleep(1_000 / FIRST_JOINS_PER_SECOND);
  }
  await Promise.all(clients);
  process.send({ what: 'joined' });
}

/** How long the client was away, how long its last join took, and how often it was refused. */
async function comeBack(WebSocket, client) {
  client.whenCut = () => {};
  const cut = performance.now();
  let [refused, attempt] = [0, 0];
  while (performance.now() - cut < BACK_WITHIN_MS && attempt < RETRY.attempts) {
    const jitter = 1 + RETRY.jitter * (2 * Math.random() - 1);
    await sleep(Math.min(RETRY.longest, RETRY.first * 2 ** attempt * jitter));
    const began = performance.now();
    const outcome = await join(WebSocket, client).catch(error => error);
    if (outcome === 'joined') return { away: performance.now() - cut, join: performance.now() - began, refused };
    refused += 1;
    // An OPEN packet ends the count.
    attempt = outcome.wasOpen ? 0 : attempt + 1;
  }
  return { refused };
}

/** Opens a WebSocket and joins, with the session it had; resolves when it has joined. */
function join(WebSocket, client) {
  return new Promise((resolve, reject) => {
    let [wasOpen, hasJoined] = [false, false];
    const socket = new WebSocket(`${client.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
    socket.on('message', data => {
      const text = data.toString();
      if (text === '2') socket.send('3');
      if (text.startsWith('0')) {
        wasOpen = true;
        socket.send(`40${JSON.stringify({ token: client.token, ...client.session })}`);
      }
      if (text.startsWith('40')) {
        hasJoined = true;
        client.session = { pid: JSON.parse(text.slice(2)).pid };
        resolve('joined');
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (hasJoined) client.whenCut();
      else reject(Object.assign(new Error('not let in'), { wasOpen }));
    });
  });
}
