#!/usr/bin/env node
// How long it takes to find people by name among many: both shapes, by REST, one question at a time.
//
//   eval "$(tests/services env)"; tests/measure/people-search.mjs [--people 100000] [--shapes single,fleet]
//
// People have made-up names of two words. Some share a thread with who asks. Prints, for each shape and kind
// of question, p50 and p99 of the answer in milliseconds, for a system in which everybody may be found and
// for one in which acquaintances are.

import { parseArgs } from 'node:util';
import { Person } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { table } from './figures.mjs';

/** Requests at the same time while people are written. */
const AT_ONCE = 32;
/** Questions of each kind; each asker asks fewer than a minute allows. */
const QUESTIONS = 200;
const ASKERS = 40;
const SYLLABLES = ['an', 'be', 'ca', 'do', 'el', 'fi', 'gu', 'ho', 'in', 'jo', 'ka', 'lu', 'mi', 'no', 'ol', 'pe', 'ri', 'sa', 'tu', 'vi'];

const { people, shapes } = parseArgs({ options: { people: { type: 'string', default: '100000' }, shapes: { type: 'string', default: 'single,fleet' } } }).values;

/** A word of three syllables; the same number is the same word. */
const word = n => [n, Math.floor(n / 20), Math.floor(n / 400)].map(place => SYLLABLES[place % SYLLABLES.length]).join('');
const name = n => `${word(n * 7 + 3)} ${word(n * 13 + 5)}`;
const pick = () => Math.floor(Math.random() * Number(people));

const KINDS = {
  'one letter': () => name(pick())[0],
  'two letters': () => name(pick()).slice(0, 2),
  'a word': () => name(pick()).split(' ')[0],
  'a whole name': () => name(pick()),
  'an id': () => `person-${pick()}`,
  'a word that nobody has': () => `zz${pick()}`,
};

async function inParallel(count, act) {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) await act(next++);
  }));
}

async function measure(shape) {
  const system = await startSystem(shape, { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', PEOPLE_SEARCH: 'everybody', THREADS_NEW_PER_HOUR: '0' });
  try {
    const root = new Person(system, 'root', { role: 'admin' });
    const began = Date.now();
    await inParallel(Number(people), n => root.api('PUT', `/users/person-${n}`, { name: name(n) }));
    console.log(`${shape}: ${people} people written in ${((Date.now() - began) / 1_000).toFixed(0)} s`);
    const askers = Array.from({ length: ASKERS }, () => new Person(system, 'asker'));
    for (const asker of askers) await asker.rest('POST', '/threads', { participants: Array.from({ length: 50 }, (_, n) => `person-${n * 97}`) });
    const rows = [];
    for (const setting of ['everybody', 'acquaintances']) {
      await system.restart({ PEOPLE_SEARCH: setting });
      for (const [kind, words] of Object.entries(KINDS)) rows.push([shape, setting, kind, ...await ask(askers, words)]);
    }
    return rows;
  } finally {
    await system.stop();
  }
}

/** p50 and p99 in milliseconds, and the people on a page on average. */
async function ask(askers, words) {
  const times = [];
  let found = 0;
  for (let n = 0; n < QUESTIONS; n += 1) {
    const asker = askers[n % askers.length];
    const began = performance.now();
    const answer = await asker.apiOnce('GET', `/users/search?q=${encodeURIComponent(words())}&limit=20`);
    times.push(performance.now() - began);
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.error}`);
    found += answer.users.length;
  }
  times.sort((one, other) => one - other);
  return [times[Math.floor(QUESTIONS / 2)].toFixed(1), times[Math.floor(QUESTIONS * 0.99)].toFixed(1), (found / QUESTIONS).toFixed(1)];
}

const rows = [];
for (const shape of shapes.split(',')) rows.push(...await measure(shape));
console.log(table(['shape', 'who may be found', 'asked for', 'p50, ms', 'p99, ms', 'people on a page'], rows));
