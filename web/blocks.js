// Whom somebody blocks, and what is asked to block somebody and to end that. Each change is made once, also
// if its answer is lost and it is asked for again. What all of this person's windows are told of it is heard
// here. Dispatches `change`.

import { KeyedChanges } from '/keyed-changes.js';

const PAGE = 100;
/** What codes mean here; of all others the sentences are right as they are. @type {Record<string, string>} */
const WORDS = {
  unavailable: 'The service is not available at the moment. Nothing was changed: please try again.',
  offline: 'There is no connection at the moment. Please try again when there is one.',
};

export class Blocks extends EventTarget {
  #api;
  #changes;
  #people;
  #names;
  #changed;
  /** Since when somebody is blocked. @type {Map<string, string>} */
  #known = new Map();
  /** Changes that were heard: what was asked before them may not know of them. */
  #heard = 0;

  /**
   * `changed(userId)` is called when somebody is blocked, or is not any more.
   * @param {{ api: import('/api.js').Api, people: import('/people.js').People,
   *   names: import('/names.js').Names, changed: (userId: string) => void }} parts
   */
  constructor({ api, people, names, changed }) {
    super();
    this.#api = api;
    this.#changes = new KeyedChanges(api);
    this.#people = people;
    this.#names = names;
    this.#changed = changed;
  }

  /** @param {string} id */
  has(id) {
    return this.#known.has(id);
  }

  /**
   * All of them, by name.
   * @returns {{ id: string, name: string, since: string }[]}
   */
  get all() {
    const all = [...this.#known].map(([id, since]) => ({ id, name: this.#people.name(id), since }));
    return all.sort((one, other) => one.name.localeCompare(other.name) || (one.id < other.id ? -1 : 1));
  }

  /** Reads them again. */
  async load() {
    let heard, read;
    do {
      heard = this.#heard;
      read = await this.#read();
    } while (heard !== this.#heard);
    this.#known = read;
    this.dispatchEvent(new Event('change'));
  }

  /** @returns {Promise<Map<string, string>>} */
  async #read() {
    const read = new Map();
    for (let cursor = ''; ;) {
      const page = await this.#api.read(`/users/blocks?limit=${PAGE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      for (const { user, blockedAt } of page.blocks) {
        this.#people.learn(user);
        read.set(user.id, blockedAt);
      }
      if (!page.nextCursor) return read;
      cursor = page.nextCursor;
    }
  }

  /** @param {string} id */
  async block(id) {
    const { block } = await this.#ask('PUT', id);
    // A repetition finds that the block has ended again.
    if (block) this.#people.learn(block.user);
    this.#become(id, block?.blockedAt);
  }

  /** @param {string} id */
  async unblock(id) {
    await this.#ask('DELETE', id);
    this.#become(id, undefined);
  }

  /**
   * It was done here or on another device.
   * @param {{ userId: string, isBlocked: boolean, updatedAt: string }} update
   */
  heard({ userId, isBlocked, updatedAt }) {
    this.#names.want([userId]);
    this.#become(userId, isBlocked ? this.#known.get(userId) ?? updatedAt : undefined);
  }

  /**
   * @param {string} id
   * @param {string | undefined} since
   */
  #become(id, since) {
    this.#heard += 1;
    if (since) this.#known.set(id, since);
    else this.#known.delete(id);
    this.dispatchEvent(new Event('change'));
    this.#changed(id);
  }

  /**
   * @param {'PUT' | 'DELETE'} method
   * @param {string} id
   */
  #ask(method, id) {
    return this.#changes.make(id, { method, path: `/users/${encodeURIComponent(id)}/block` }, WORDS);
  }
}
