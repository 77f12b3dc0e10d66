// Whom somebody blocks, and what is asked to block somebody and to end that. Each change is made once, also
// if its answer is lost and it is asked for again. What all of this person's windows are told of it is heard
// here. Dispatches `change`.

import { Refusal } from '/refusal.js';
import { newKey } from '/storage.js';

const PAGE = 100;
/** What codes mean here; of all others the sentences are right as they are. @type {Record<string, string>} */
const WORDS = {
  key_reused: 'That was not done. Please try again.',
  unavailable: 'The service is not available at the moment. Nothing was changed: please try again.',
  offline: 'There is no connection at the moment. Please try again when there is one.',
};

export class Blocks extends EventTarget {
  #api;
  #people;
  #names;
  #changed;
  /** Since when somebody is blocked. @type {Map<string, string>} */
  #known = new Map();
  /** Changes that were heard: what was asked before them may not know of them. */
  #heard = 0;
  /**
   * Of each person the change whose end nobody knows, with its key.
   * @type {Map<string, { method: string, key: string }>}
   */
  #open = new Map();

  /**
   * `changed(userId)` is called when somebody is blocked, or is not any more.
   * @param {{ api: import('/api.js').Api, people: import('/people.js').People,
   *   names: import('/names.js').Names, changed: (userId: string) => void }} parts
   */
  constructor({ api, people, names, changed }) {
    super();
    this.#api = api;
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
    this.#people.learn(block.user);
    this.#become(id, block.blockedAt);
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
  async #ask(method, id) {
    const open = this.#open.get(id);
    const key = open?.method === method ? open.key : newKey();
    this.#open.set(id, { method, key });
    try {
      const answer = await this.#api.askOnce(method, `/users/${encodeURIComponent(id)}/block`, undefined, key);
      if (answer.status === 'queued') throw new Refusal({ code: 'queued' });
      this.#settled(id, key);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!error.isPassing && error.code !== 'queued') this.#settled(id, key);
      throw Object.assign(error, { message: WORDS[error.code] ?? error.message });
    }
  }

  /**
   * @param {string} id
   * @param {string} key
   */
  #settled(id, key) {
    if (this.#open.get(id)?.key === key) this.#open.delete(id);
  }
}
