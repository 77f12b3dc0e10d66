// What announces a gigabyte is refused by that, over each transport, and costs the process no memory.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Person } from './person.mjs';
import { handshake } from './raw.mjs';
import { startSystem } from './system.mjs';

const ANNOUNCED = 2 ** 30;
/** What a client sends of it, unless the server closes before. */
const SENT = 2 ** 20;
const EACH = 100;
/** What a process may take for all of them together: 256 KiB for each. All that is sent is 300 MB. */
const MORE = 3 * EACH * 256 * 1024;
/** A connection that sends no whole request is closed after 10 s; and this for a busy machine. */
const CLOSED_MS = 30_000;

// Both at once: most of it is waiting.
describe('what is far too large', { concurrency: 2 }, () => {
  for (const [shape, roles] of [['single', ['eventflow']], ['fleet', ['ws-gateway', 'http-gateway']]]) {
    describe(`the shape "${shape}"`, { concurrency: 1 }, () => {
      let system, ann, thread;
      before(async () => {
        system = await startSystem(shape);
        ann = new Person(system, 'ann');
        thread = await ann.startThread(new Person(system, 'ben'));
        await ann.connect();
      });
      after(async () => {
        ann?.leave();
        await system?.stop();
      });

      test('three hundred clients that announce a gigabyte are refused, and their gateway does not grow', async t => {
        const memory = () => Promise.all(roles.map(async role => kilobytes(await system.pid(role), 'VmRSS')));
        const peak = () => Promise.all(roles.map(async role => kilobytes(await system.pid(role), 'VmHWM')));
        const before_ = await memory();
        const ways = { request: () => byRequest(system.http, ann, thread), poll: () => byPolling(system.ws), frame: () => byFrame(system.ws) };
        for (const [way, go] of Object.entries(ways)) {
          const told = await Promise.all(Array.from({ length: EACH }, go));
          t.diagnostic(`${way}: ${JSON.stringify([...new Set(told)])}`);
          assert.ok(told.every(said => said === 'closed' || said.startsWith('HTTP/1.1 4')), JSON.stringify([...new Set(told)]));
        }
        const grown = (await peak()).map((most, n) => (most - before_[n]) * 1_024);
        t.diagnostic(`grown by ${grown.map(bytes => `${Math.round(bytes / 1e6)} MB`)}`);
        assert.ok(grown.every(bytes => bytes < MORE), `grown by ${grown}, at most ${MORE}`);
        assert.equal((await ann.send(thread, 'as always')).success, true);
      });
    });
  }
});

async function kilobytes(pid, what) {
  return Number((await readFile(`/proc/${pid}/status`, 'utf8')).match(new RegExp(`${what}:\\s+(\\d+)`))[1]);
}

/** A message by REST. */
const byRequest = (origin, who, thread) => pours(open(origin), [
  `POST /api/v2/messages/${thread} HTTP/1.1`, `host: ${new URL(origin).host}`, `authorization: Bearer ${who.token}`,
  'content-type: application/json', `content-length: ${ANNOUNCED}`, '', '{"content":"',
].join('\r\n'));

/** Packets of a session on long-polling. */
async function byPolling(origin) {
  const opened = await (await fetch(`${origin}/socket.io/?EIO=4&transport=polling`)).text();
  const { sid } = JSON.parse(opened.slice(1));
  return pours(open(origin), [
    `POST /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1`, `host: ${new URL(origin).host}`,
    'content-type: text/plain', `content-length: ${ANNOUNCED}`, '', '4',
  ].join('\r\n'));
}

/** One frame of a WebSocket: text, masked, with a length of eight bytes (RFC 6455, 5.2). */
async function byFrame(origin) {
  const { socket } = await handshake(origin);
  const header = Buffer.alloc(14);
  header.writeUInt16BE(0x81ff, 0);
  header.writeBigUInt64BE(BigInt(ANNOUNCED), 2);
  return pours(socket, header, false);
}

function open(origin) {
  const { hostname, port } = new URL(origin);
  return connect({ host: hostname, port: Number(port) });
}

/**
 * Writes the beginning and then as much as the server takes; gives the first line of its answer, or that it
 * has closed without one.
 */
async function pours(socket, beginning, isRequest = true) {
  let said = '';
  let isOver = false;
  socket.on('error', () => {});
  socket.on('data', data => { said += data; });
  const closed = once(socket, 'close').then(() => { isOver = true; });
  socket.write(beginning);
  const chunk = Buffer.alloc(64 * 1_024, 'x');
  for (let sent = 0; sent < SENT && !isOver && !(isRequest && said); sent += chunk.length) {
    const isTaken = socket.write(chunk);
    if (!isTaken) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
    // sleep: the server has a turn between two parts
    await new Promise(resolve => setTimeout(resolve, 1));
  }
  const answered = isRequest && new Promise(resolve => { if (said) resolve(); else socket.once('data', resolve); });
  const late = new Promise(resolve => setTimeout(resolve, CLOSED_MS, 'late').unref());
  const outcome = await Promise.race([closed, late, ...answered ? [answered] : []]);
  socket.destroy();
  if (outcome === 'late') return 'late';
  return isRequest && said ? said.split('\r\n')[0] : 'closed';
}
