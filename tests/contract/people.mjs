// The people of the test that runs: made on its system, and gone when it ends.

import { Person } from './person.mjs';

/** `system` gives the system, which is there once tests run. */
export function peopleOf(system) {
  let people = [];
  const person = (name, claims) => {
    people.push(new Person(system(), name, claims));
    return people.at(-1);
  };
  return {
    person,
    /** Ann and Ben with a thread, not connected. */
    async pair() {
      const [ann, ben] = [person('ann'), person('ben')];
      return { ann, ben, thread: await ann.startThread(ben) };
    },
    leave() {
      people.forEach(each => each.leave());
      people = [];
    },
  };
}
