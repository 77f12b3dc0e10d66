// Where the tests of one shape happen: one system for all of them, and people who leave after each test.

import { after, afterEach, before, describe } from 'node:test';
import { Person } from './person.mjs';
import { startSystem } from './system.mjs';

/** Runs `parts`, each a function that defines tests on the stage it is given, on one system of `shape` with these settings. */
export function onShape(shape, parts, settings = {}) {
  describe(`the shape "${shape}"`, () => {
    let people = [];
    const stage = {
      shape,
      system: undefined,
      person(name, claims) {
        people.push(new Person(stage.system, name, claims));
        return people.at(-1);
      },
      /** Two people with a thread; both connected unless asked otherwise. */
      async pair(options = {}) {
        const [ann, ben] = [stage.person('ann'), stage.person('ben')];
        const thread = await ann.startThread(ben);
        if (options !== null) await Promise.all([ann.connect(options), ben.connect(options)]);
        return { ann, ben, thread };
      },
    };
    before(async () => { stage.system = await startSystem(shape, settings); });
    after(() => stage.system?.stop());
    afterEach(() => {
      people.forEach(person => person.leave());
      people = [];
    });
    for (const part of parts) describe(part.name, () => part(stage));
  });
}
