// A dead letter of a fleet: a command that waits in a dead-letter queue, as a worker would have parked it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

/** The version byte before every body. */
const VERSION = Buffer.from([1]);

/** MessagePack of what a command is made of. */
function pack(value) {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === 'number') {
    const number = Buffer.alloc(9);
    number.writeUInt8(0xd3, 0);
    number.writeBigInt64BE(BigInt(value), 1);
    return number;
  }
  if (typeof value === 'string') return sized(0xdb, Buffer.from(value));
  if (Buffer.isBuffer(value)) return sized(0xc6, value);
  if (Array.isArray(value)) return Buffer.concat([head(0xdd, value.length), ...value.map(pack)]);
  const entries = Object.entries(value);
  return Buffer.concat([head(0xdf, entries.length), ...entries.flat().map(pack)]);
}

function head(kind, length) {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

const sized = (kind, bytes) => Buffer.concat([head(kind, bytes.length), bytes]);

/** Puts a message of `sender` to `thread` into a dead-letter queue of `system`. */
export async function makeDeadLetter(system, { thread, sender, content }) {
  const command = { kind: 'send_message', thread_id: thread, sender_id: sender, content, attachments: [], at: Date.now() };
  const body = Buffer.concat([VERSION, pack(command)]);
  const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
  const frame = Buffer.concat([VERSION, pack({ items: [{ id, attempt: 7, body }] })]);
  const { username, password, origin } = new URL(process.env.RABBITMQ_MANAGEMENT_URL);
  const answer = await fetch(`${origin}/api/exchanges/${system.vhost}/amq.default/publish`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      properties: { delivery_mode: 2, headers: { 'x-ef-attempt': 7, 'x-ef-reason': 'gave up: the store said no', 'x-ef-origin': 'persist.0' } },
      routing_key: 'dead.persist.0', payload: frame.toString('base64'), payload_encoding: 'base64',
    }),
  });
  assert.deepEqual(await answer.json(), { routed: true });
}
