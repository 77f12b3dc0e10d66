// Where a run happens: the addresses of the system, the people, the journal, and when it is over.

import { setTimeout as sleep } from 'node:timers/promises';
import { request } from './asking.mjs';
import { Person } from './device.mjs';
import { newJournal, now } from './journal.mjs';
import { Random } from './random.mjs';

export class Stage {
  people = [];
  journal = newJournal();

  constructor({ ws, http, seed, duration }) {
    Object.assign(this, { sockets: ws, http, duration: Number(duration) * 1_000, random: new Random(seed) });
  }

  /** Somebody who is in the run from now on. */
  join(id, tokenOf) {
    this.people.push(new Person(this, id, tokenOf(id)));
  }

  person(id) {
    return this.people.find(each => each.id === id);
  }

  /** The time of the run begins when its threads are there. */
  begin() {
    this.until = now() + this.duration;
  }

  request(token, method, path, options) {
    return request(this.http, token, method, path, options);
  }

  /**
   * Does something again and again until the end of the run, after pauses between these two, at most so many
   * at once; resolves once the last one is done.
   */
  async repeat(random, [shortest, longest], atOnce, act) {
    const going = new Set();
    while (now() < this.until) {
      await sleep(random.between(shortest, longest));
      while (going.size >= atOnce) await Promise.race(going);
      const one = act().catch(error => this.fails(error)).finally(() => going.delete(one));
      going.add(one);
    }
    await Promise.all(going);
  }

  /** An error of the run itself. */
  fails(error) {
    stopRun(error);
  }

  end() {
    this.people.forEach(({ devices }) => devices.forEach(device => device.end()));
  }
}

/** Ends the run, which has no verdict. */
export function stopRun(error) {
  console.error('mix: the run could not be made:', error);
  process.exit(2);
}
