// Threads: start, list, read, leave, archive.

import { pause, pauseAfter } from '../pause.js';
import { Refusal } from '../refusal.js';
import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').ListedThread} ListedThread */
/** @typedef {import('../documents.js').Queued} Queued */
/** @typedef {import('./path.js').PageQuery} PageQuery */

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
   * @param {{ participants: string[], metadata?: Record<string, unknown> }} thread
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

  /** @param {ListedThread} thread */
  #tell(thread) {
    this.#known(thread);
    return thread;
  }
}
