// People: how they are, what they are called, and whom one blocks.

import { newKey } from '../key.js';
import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').Presence} Presence */
/** @typedef {import('../documents.js').Person} Person */
/** @typedef {import('../documents.js').Queued} Queued */

export class Presences {
  #rest;
  #connection;

  /**
   * @param {import('../rest.js').Rest} rest
   * @param {import('../connection.js').Connection} connection
   */
  constructor(rest, connection) {
    this.#rest = rest;
    this.#connection = connection;
  }

  /**
   * @param {string} userId
   * @returns {Promise<Presence>}
   */
  async get(userId) {
    return (await this.#rest.ask('GET', path`/presence/${userId}`)).presence;
  }

  /**
   * Up to 200 people, in the order asked.
   * @param {string[]} userIds
   * @returns {Promise<Presence[]>}
   */
  async several(userIds) {
    return (await this.#rest.ask('GET', '/presence', { query: { userIds } })).presence;
  }

  /**
   * How up to 200 people are, and from now on each change, as the event `presence:sync`. A new session
   * follows nobody: ask again at `resumed`.
   * @param {string[]} userIds
   * @returns {Promise<Presence[]>}
   */
  async follow(userIds) {
    return (await this.#connection.ask('presence:sync', { userIds })).presence;
  }

  /**
   * How the person wants to be seen, on all devices; `away` holds until `online`.
   * @param {'online' | 'away'} status
   */
  async choose(status) {
    await this.#connection.ask('presence:update', { status });
  }
}

export class People {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * Names and pictures of up to 200 people, in the order asked.
   * @param {string[]} userIds
   * @returns {Promise<Person[]>}
   */
  async several(userIds) {
    return (await this.#rest.ask('GET', '/users', { query: { userIds } })).users;
  }

  /**
   * People whose names or ids have words that begin like these. A page may be empty and lead on.
   * @param {string} words
   * @param {import('./path.js').PageQuery} [page]
   * @returns {Promise<{ users: Person[], nextCursor: string | null }>}
   */
  search(words, page) {
    return this.#rest.ask('GET', '/users/search', paged({ q: words, ...page }));
  }

  /**
   * Blocks somebody: neither hears anything of the other, and they do not notice. Threads of the two are away
   * for who blocks; the event `block:updated` says when to read the list of threads again.
   * @param {string} userId
   * @returns {Promise<import('../documents.js').BlockAnswer | Queued>}
   */
  block(userId) {
    return this.#rest.ask('PUT', path`/users/${userId}/block`, { key: newKey(), ...REPEATABLE });
  }

  /**
   * Ends a block: threads of the two are back, with what came meanwhile.
   * @param {string} userId
   * @returns {Promise<import('../documents.js').Done | Queued>}
   */
  unblock(userId) {
    return this.#rest.ask('DELETE', path`/users/${userId}/block`, { key: newKey(), ...REPEATABLE });
  }

  /**
   * A page of the people whom one blocks, sorted by id.
   * @param {import('./path.js').PageQuery} [page]
   * @returns {Promise<import('../documents.js').BlocksPage>}
   */
  blocks(page) {
    return this.#rest.ask('GET', '/users/blocks', paged(page));
  }
}
