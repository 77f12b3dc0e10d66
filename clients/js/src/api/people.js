// People: how they are, and what they are called.

import { paged, path } from './path.js';

/** @typedef {import('../documents.js').Presence} Presence */
/** @typedef {import('../documents.js').Person} Person */

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
}
