// Asks what people are called of whom only the id is known: those of a group whom its conversation does not
// name, and whoever wrote or is mentioned in a large one. Dispatches `change` when names have come.

import { onTheSide } from '/notice.js';

/** People in one question. */
const ASKED_MAX = 100;
/** Messages come in bursts: their people are asked for together. */
const COLLECTING_MS = 50;

export class Names extends EventTarget {
  #api;
  #people;
  /** @type {Set<string>} */
  #wanted = new Set();
  /** Whoever was asked for once: the server has no other name for them. @type {Set<string>} */
  #asked = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {{ api: import('/api.js').Api, people: import('/people.js').People }} parts */
  constructor({ api, people }) {
    super();
    this.#api = api;
    this.#people = people;
  }

  /**
   * Somebody is shown.
   * @param {string[]} ids
   */
  want(ids) {
    for (const id of ids) {
      if (!this.#people.isKnown(id) && !this.#asked.has(id)) this.#wanted.add(id);
    }
    if (this.#timer || this.#wanted.size === 0) return;
    this.#timer = setTimeout(() => onTheSide(() => this.#ask()), COLLECTING_MS);
  }

  async #ask() {
    this.#timer = undefined;
    const ids = [...this.#wanted].slice(0, ASKED_MAX);
    for (const id of ids) {
      this.#wanted.delete(id);
      this.#asked.add(id);
    }
    this.want([]);
    const { users } = await this.#api.read(`/users?userIds=${ids.map(encodeURIComponent).join(',')}`);
    for (const person of users) this.#people.learn(person);
    this.dispatchEvent(new Event('change'));
  }
}
