// Where the tests of one shape happen: one system for all of them. Parts run beside each other, since most of
// a test is waiting; the tests of one part run one after the other, and the people of a test leave when it
// ends.

import { after, afterEach, before, describe } from 'node:test';
import { peopleOf } from './people.mjs';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

/**
 * Parts beside each other at most. Most of a test is waiting, but each moment counts for somebody: a socket
 * has 10 s to sign in, and with all parts at once on two busy cores a test of ten questions took longer.
 */
const PARTS_AT_ONCE = 8;

/**
 * Runs parts, each a function that defines tests on the stage it is given, on one system of `shape` with
 * these settings: those in `together` beside each other, a few at once, then those in `alone`, which end and
 * restart the system, one by one.
 */
export function onShape(shape, { together = [], alone = [] }, settings = {}) {
  describe(`the shape "${shape}"`, { concurrency: 1 }, () => {
    let system;
    before(async () => {
      system = await startSystem(shape, settings);
      await everyShardAnswers(system);
    });
    after(() => system?.stop());
    describe('beside each other', { concurrency: Math.max(1, Math.min(PARTS_AT_ONCE, together.length)) }, () => {
      for (const part of together) describe(part.name, { concurrency: 1 }, () => part(openStage(shape, () => system)));
    });
    describe('alone', { concurrency: 1 }, () => {
      for (const part of alone) describe(part.name, { concurrency: 1 }, () => part(openStage(shape, () => system)));
    });
  });
}

/** Subjects that are asked for: so many that, by chance, every shard has one. */
const SUBJECTS = 24;

/**
 * Waits until commands are carried out within the time in which they are answered. While several systems
 * start beside each other the first ones of a fleet take longer, and are answered with 202.
 */
async function everyShardAnswers(system) {
  const root = new Person(system, 'root', { role: 'admin' });
  await Promise.all(Array.from({ length: SUBJECTS }, () => {
    const body = { userId: new Person(system, 'nobody').id, type: 'start', title: 'start', message: '' };
    return eventually('a shard answers', async () => (await root.apiOnce('POST', '/notifications', body)).status === 201);
  }));
}

/** The stage of one part: the system, which is there once tests run, and the people of the test that runs. */
function openStage(shape, system) {
  const people = peopleOf(system);
  afterEach(() => people.leave());
  return {
    shape,
    get system() { return system(); },
    person: people.person,
    /** People with these names; all of them are connected. */
    async connected(...names) {
      const all = names.map(name => people.person(name));
      await Promise.all(all.map(each => each.connect()));
      return all;
    },
    /** Two people with a thread; both connected unless asked otherwise. */
    async pair(options = {}) {
      const two = await people.pair();
      if (options !== null) await Promise.all([two.ann.connect(options), two.ben.connect(options)]);
      return two;
    },
  };
}
