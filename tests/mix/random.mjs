// Chance that can be had again: everything a run decides by chance follows from its seed. What the machine
// does meanwhile does not, so a seed repeats the plan of a run and not its every moment.

import { createHash } from 'node:crypto';

/** Numbers of a seed (mulberry32), and what is made of them. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = createHash('sha256').update(String(seed)).digest().readUInt32LE();
  }

  /** At least 0 and below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low, high) {
    return low + this.next() * (high - low);
  }

  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  /** A source of its own, so that what several people do does not depend on who is faster. */
  fork(name) {
    return new Random(`${this.#state} ${name}`);
  }
}
