// Threads: start, list, read, leave, archive; and groups, whose owners say who is in them.

import { newKey } from '../key.js';
import { pause, pauseAfter } from '../pause.js';
import { Refusal } from '../refusal.js';
import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').ListedThread} ListedThread */
/** @typedef {import('../documents.js').Queued} Queued */
/** @typedef {import('./path.js').PageQuery} PageQuery */
/** @typedef {import('../documents.js').GroupLook} GroupLook */
/** @typedef {import('../documents.js').ThreadAnswer | Queued} ChangedGroup */

/** A thread that is queued is asked for again so many times. */
const TRIES_MAX = 8;

export class Threads {
  #rest;
  #known;

  /**
   * @param {import('../rest.js').Rest} rest
   * @param {(thread: ListedThread) => void} [known] is told of every thread that was read
   */
  constructor(rest, known = () => {}) {
    this.#rest = rest;
    this.#known = known;
  }

  /**
   * Starts a thread with these people, or finds it. While the store is down the request is repeated; if that
   * takes too long, it rejects with `unavailable`, and the thread will be there later.
   * With `group` it is a group, which the caller owns.
   * @param {{ participants: string[], metadata?: Record<string, unknown>, group?: GroupLook }} thread
   * @returns {Promise<ListedThread>}
   */
  async start(thread) {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#rest.ask('POST', '/messages/threads', { body: thread, ...REPEATABLE });
      if (answer.thread) return this.#tell(answer.thread);
      if (tries === TRIES_MAX) throw new Refusal({ code: 'unavailable', error: `the thread ${answer.threadId} is queued` });
      await pause(pauseAfter(tries));
    }
  }

  /**
   * One page of the caller's threads, most recently active first.
   * @param {PageQuery & { status?: 'active' | 'archived', skip?: number }} [page]
   * @returns {Promise<import('../documents.js').ThreadsPage>}
   */
  async list(page) {
    const answer = await this.#rest.ask('GET', '/messages/threads', paged(page));
    answer.threads.forEach((/** @type {ListedThread} */ thread) => this.#tell(thread));
    return answer;
  }

  /**
   * All of the caller's threads, page by page; each once.
   * @param {{ status?: 'active' | 'archived', limit?: number, signal?: AbortSignal }} [which]
   * @returns {AsyncGenerator<ListedThread, void, void>}
   */
  async *all(which = {}) {
    const seen = new Set();
    /** @type {string | null | undefined} */
    let cursor;
    do {
      const page = await this.list({ limit: 100, ...which, ...cursor && { cursor } });
      for (const thread of page.threads) if (!seen.has(thread._id)) yield thread;
      page.threads.forEach(thread => seen.add(thread._id));
      cursor = page.nextCursor;
    } while (cursor);
  }

  /**
   * @param {string} threadId
   * @returns {Promise<ListedThread>}
   */
  async get(threadId) {
    return this.#tell((await this.#rest.ask('GET', path`/messages/threads/${threadId}`)).thread);
  }

  /**
   * A page of the people in a thread, sorted by id.
   * @param {string} threadId
   * @param {PageQuery} [page]
   * @returns {Promise<import('../documents.js').ParticipantsPage>}
   */
  participants(threadId, page) {
    return this.#rest.ask('GET', path`/messages/threads/${threadId}/participants`, paged(page));
  }

  /**
   * A page of the people in a thread with their roles, sorted by id.
   * @param {string} threadId
   * @param {PageQuery} [page]
   * @returns {Promise<import('../documents.js').MembersPage>}
   */
  members(threadId, page) {
    return this.#rest.ask('GET', path`/messages/threads/${threadId}/members`, paged(page));
  }

  /**
   * Gives a group another name or picture; an empty text takes away what is there.
   * @param {string} threadId
   * @param {{ name?: string, picture?: string }} look
   * @returns {Promise<ChangedGroup>}
   */
  describe(threadId, look) {
    return this.#change('PATCH', path`/messages/threads/${threadId}`, look);
  }

  /**
   * Adds people to a group: all of them, or none.
   * @param {string} threadId
   * @param {string[]} userIds
   * @returns {Promise<ChangedGroup>}
   */
  addMembers(threadId, userIds) {
    return this.#change('POST', path`/messages/threads/${threadId}/members`, { userIds });
  }

  /**
   * Removes somebody from a group. Whoever names themselves leaves.
   * @param {string} threadId
   * @param {string} userId
   * @returns {Promise<import('../documents.js').ThreadAck | Queued>}
   */
  removeMember(threadId, userId) {
    return this.#change('DELETE', path`/messages/threads/${threadId}/members/${userId}`);
  }

  /**
   * Makes somebody an owner of a group, or a member.
   * @param {string} threadId
   * @param {string} userId
   * @param {'owner' | 'member'} role
   * @returns {Promise<ChangedGroup>}
   */
  setRole(threadId, userId, role) {
    return this.#change('PATCH', path`/messages/threads/${threadId}/members/${userId}`, { role });
  }

  /**
   * Leaves for good. Repeating it is refused with `not_found`.
   * @param {string} threadId
   * @returns {Promise<import('../documents.js').ThreadAck | Queued>}
   */
  leave(threadId) {
    return this.#rest.ask('POST', path`/messages/threads/${threadId}/leave`);
  }

  /**
   * Puts a thread away, for the caller only, until somebody else writes.
   * @param {string} threadId
   * @returns {Promise<import('../documents.js').ArchiveAnswer | Queued>}
   */
  archive(threadId) {
    return this.#rest.ask('DELETE', path`/messages/threads/${threadId}`);
  }

  /**
   * @param {string} threadId
   * @returns {Promise<import('../documents.js').ArchiveAnswer | Queued>}
   */
  unarchive(threadId) {
    return this.#rest.ask('POST', path`/messages/threads/${threadId}/unarchive`, REPEATABLE);
  }

  /**
   * Marks as read, up to `seq` or everything that is there.
   * @param {string} threadId
   * @param {number} [seq]
   * @returns {Promise<import('../documents.js').ReadAnswer | Queued>}
   */
  read(threadId, seq) {
    return this.#rest.ask('POST', path`/messages/threads/${threadId}/read`, seq === undefined ? {} : { body: { seq }, ...REPEATABLE });
  }

  /**
   * A page of the pinned messages; what was pinned last comes first.
   * @param {string} threadId
   * @param {PageQuery} [page]
   * @returns {Promise<import('../documents.js').PinsPage>}
   */
  pins(threadId, page) {
    return this.#rest.ask('GET', path`/messages/threads/${threadId}/pins`, paged(page));
  }

  /**
   * Marks messages of others as unread again for oneself, from `seq` on or the newest one.
   * @param {string} threadId
   * @param {number} [seq]
   * @returns {Promise<import('../documents.js').ReadAnswer | Queued>}
   */
  unread(threadId, seq) {
    return this.#rest.ask('POST', path`/messages/threads/${threadId}/unread`, seq === undefined ? {} : { body: { seq }, ...REPEATABLE });
  }

  /**
   * A change of a group under a key of its own: it is made once, however often it is asked for.
   * @param {string} method
   * @param {string} route
   * @param {object} [body]
   */
  #change(method, route, body) {
    return this.#rest.ask(method, route, { key: newKey(), ...body && { body }, ...REPEATABLE });
  }

  /** @param {ListedThread} thread */
  #tell(thread) {
    this.#known(thread);
    return thread;
  }
}
