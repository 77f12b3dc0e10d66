// How many database commands a message costs, counted between a whole fleet and a real MongoDB.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';
import { countCommands } from './wire.mjs';

const MESSAGES = 100;
/**
 * Receipts are written within about a second of what they are about; after this long without a command none
 * is to come.
 */
const RECEIPTS_MS = 2_000;
/**
 * Processes look for what is due or marked every few seconds, and count dead letters and what waits: no cost
 * of messages.
 */
const LOOKS_FOR_DUE = [
  'find outboundWindows', 'find sends', 'find deadLetterReplays', 'aggregate deadLetters', 'find scheduledMessages', 'aggregate scheduledMessages',
  'find erasures', 'find uploads',
];

describe('what messages cost at the database of a fleet', () => {
  let system, wire;
  const people = [];
  before(async () => {
    const [, address] = process.env.MONGODB_URI.match(/\/\/(?:[^@/]*@)?([^/?]+)/);
    wire = await countCommands(address);
    const MONGODB_URI = `mongodb://${wire.address}/eventflow?directConnection=true`;
    system = await startSystem('fleet', { MONGODB_URI, EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
  });
  after(async () => {
    people.forEach(person => person.leave());
    await system?.stop();
    wire?.close();
  });

  /** Two people who are there, and a thread of theirs that the processes know. */
  async function pair() {
    const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
    people.push(ann, ben);
    const thread = await ann.startThread(ben);
    await Promise.all([ann.connect(), ben.connect()]);
    await ann.send(thread, 'the first one');
    await quiet();
    return { ann, ben, thread };
  }

  /** Waits until counters and receipts have followed their messages; gives every command up to then. */
  async function quiet() {
    const commands = [];
    await eventually('nothing more follows', async () => {
      await new Promise(resolve => setTimeout(resolve, RECEIPTS_MS));
      const more = wire.take().filter(command => !LOOKS_FOR_DUE.includes(command));
      commands.push(...more);
      return more.length === 0;
    });
    return commands;
  }

  test('old fault 21: a message alone costs three commands at most, the counters and receipts that follow included', async () => {
    const { ann, thread } = await pair();
    for (let n = 0; n < MESSAGES; n += 1) await ann.send(thread, `number ${n}`);
    const commands = await quiet();
    const inserts = commands.filter(command => command === 'insert messages').length;
    assert.equal(inserts, MESSAGES, 'each was stored when it was answered');
    assert.ok(commands.length <= 3 * MESSAGES, `${commands.length} commands: ${summary(commands)}`);
  });

  test('old fault 21: messages that come at once share their commands', async () => {
    const { ann, ben, thread } = await pair();
    const sent = Array.from({ length: MESSAGES }, (_, n) => [ann, ben][n % 2].send(thread, `number ${n}`));
    for (const answer of await Promise.all(sent)) assert.equal(answer.success, true);
    const commands = await quiet();
    assert.ok(commands.includes('insert messages'), 'they were seen');
    assert.ok(commands.length <= MESSAGES / 2, `${commands.length} commands: ${summary(commands)}`);
  });
});

function summary(commands) {
  const counts = new Map();
  for (const command of commands) counts.set(command, (counts.get(command) ?? 0) + 1);
  return JSON.stringify(Object.fromEntries(counts));
}
