#!/usr/bin/env node
// People change groups, plan messages and upload files on a running system, while something else kills its
// processes; then a ledger says what was lost, doubled, reordered, or shown to somebody who is not in it.
// `tests/kill --mix` runs it.
//
//   node tests/mix/run.mjs --ws URL… --http URL [--duration 60] [--seed N] [--jwt-secret S] [--journal FILE]
//
// Needs NODE_PATH of `tests/services env`, and a system with EVENTS_PER_MINUTE=0, REST_PER_MINUTE_USER=0 and
// THREADS_NEW_PER_HOUR=0. What is done follows from the seed, which is printed; --journal keeps all that the
// ledger has looked at. Exit code 0: the ledger is clean. 1: it is not. 2: the run could not be made.

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { mint } from '../contract/person.mjs';
import { stopRun, Stage } from './stage.mjs';
import { audit } from './audit.mjs';
import { Group } from './groups.mjs';
import { judge, report } from './ledger.mjs';
import { planMessages } from './scheduled.mjs';
import { uploadFiles } from './uploads.mjs';

/** People of a run. The first ones found a group each. */
const PEOPLE = 9;
/** `history` of each group. */
const GROUPS = ['joined', 'joined', 'all'];
/** People of a group at its start, its founder among them. */
const AT_FIRST = 5;
/** So many people have a second device, which is quiet; one person is on long-polling. */
const TWO_DEVICES = 2;
const POLLING = 3;
/** Pauses between two losses of a connection. */
const DROP_EVERY_MS = [1_500, 5_000];

await main().catch(error => stopRun(error));

async function main() {
  const option = value => ({ type: 'string', default: value });
  const { values } = parseArgs({
    options: {
      ws: { type: 'string', multiple: true }, http: { type: 'string' }, duration: option('60'), seed: option(String(Date.now() % 1_000_000)),
      'jwt-secret': option('0123456789abcdef0123456789abcdef'), journal: { type: 'string' },
    },
  });
  console.log(`mix: seed ${values.seed}, ${values.duration} s`);
  const stage = new Stage(values);
  for (let n = 0; n < PEOPLE; n += 1) stage.join(`mix${n}-${values.seed}`, id => mint({ id, name: id, role: 'user' }, values['jwt-secret']));
  stage.people.forEach((person, n) => {
    person.connect([n === POLLING ? 'polling' : 'websocket']);
    if (n < TWO_DEVICES) person.connect(['websocket'], true);
  });
  const groups = await Promise.all(GROUPS.map((history, n) => {
    const others = Array.from({ length: AT_FIRST - 1 }, (_, next) => stage.people[(n + next + 1) % PEOPLE]);
    return Group.found(stage, stage.people[n], others, history);
  }));
  const pairs = await Promise.all([[0, 4], [5, 6]].map(([one, other]) => startPair(stage, stage.people[one], stage.people[other])));
  stage.begin();
  const places = [...groups, ...pairs];
  await Promise.all([
    ...groups.map(group => group.run()), planMessages(stage, [...places, ...pairs]), uploadFiles(stage, places),
    stage.repeat(stage.random.fork('drops'), DROP_EVERY_MS, 1, async () => stage.random.pick(stage.random.pick(stage.people).devices).drop()),
  ]);
  await audit(stage);
  stage.end();
  const verdict = judge(stage.journal);
  if (values.journal) await writeFile(values.journal, JSON.stringify(stage.journal, (_, value) => value instanceof Map ? Object.fromEntries(value) : value));
  console.log(report(verdict, stage.journal));
  process.exit(verdict.isClean ? 0 : 1);
}

/** A thread of two, whose people stay. */
async function startPair(stage, one, other) {
  const { answer } = await one.asks('POST', '/messages/threads', { body: { participants: [other.id] } });
  const thread = { id: answer.thread._id, kind: 'pair', history: 'all', founder: one.id, people: [one.id, other.id], foundedAt: Date.now() };
  stage.journal.threads.push(thread);
  return { id: thread.id, members: [one, other] };
}
