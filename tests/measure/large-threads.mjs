#!/usr/bin/env node
// What large threads cost somebody who was put into them without being asked.
//
//   tests/measure/large-threads.mjs [--shape single] [--threads 100] [--people 4998] [--lists 20]
//
// A fleet (`--shape fleet`) needs `eval "$(tests/services env)"` first. Binaries: EVENTFLOW_BIN_DIR. An
// administrator makes `--threads` threads of `--people` people, one of whom then reads the list of threads,
// once and `--lists` times at once.
//
// Prints a table; exit code 1 if a list is larger than a page may be.

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Person } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { table } from './figures.mjs';

const MB = 1_000_000;
/** A page ends at 1 MiB; one entry may be larger. */
const PAGE = 1.25 * 1024 * 1024;
const SETTINGS = { REST_PER_MINUTE_USER: '0', REST_PER_MINUTE_IP: '0' };

const option = value => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: { shape: option('single'), threads: option('100'), people: option('4998'), lists: option('20') },
});
const role = values.shape === 'single' ? 'eventflow' : 'http-gateway';
const system = await startSystem(values.shape, SETTINGS);
try {
  const [root, victim] = [new Person(system, 'root', { role: 'admin' }), new Person(system, 'victim')];
  const crowd = Array.from({ length: Number(values.people) - 2 }, (_, n) => `person-${String(n).padStart(5, '0')}-of-the-large-crowd`);
  for (let n = 0; n < Number(values.threads); n += 1) {
    const made = await root.rest('POST', '/threads', { participants: [victim.id, ...crowd], metadata: { n } });
    if (!made.success) throw new Error(JSON.stringify(made));
  }
  const one = await list(victim);
  const started = Date.now();
  const many = await Promise.all(Array.from({ length: Number(values.lists) }, () => list(victim)));
  const together = (Date.now() - started) / 1_000;
  const refused = many.filter(({ status }) => status !== 200).length;
  console.log(table(['threads of', 'a list, MB', 'in ms', 'threads in it', `${values.lists} at once, s`, 'refused', 'memory at most, MB'],
    [[`${values.threads} × ${values.people}`, (one.bytes / MB).toFixed(2), one.ms, one.threads, together.toFixed(2), refused, await highest()]]));
  if (one.bytes > PAGE) {
    console.error(`a list has ${one.bytes} bytes, the bound is ${PAGE}`);
    process.exitCode = 1;
  }
} finally {
  await system.stop();
}

async function list(person) {
  const started = Date.now();
  const answer = await fetch(`${system.http}/api/v2/messages/threads?limit=100`, { headers: { authorization: `Bearer ${person.token}` } });
  const text = await answer.text();
  return { status: answer.status, bytes: text.length, threads: JSON.parse(text).threads?.length ?? 0, ms: Date.now() - started };
}

/** The most memory that the process has had, in MB. */
async function highest() {
  const status = await readFile(`/proc/${await system.pid(role)}/status`, 'utf8');
  return (Number(status.match(/VmHWM:\s+(\d+) kB/)[1]) * 1024 / MB).toFixed(0);
}
