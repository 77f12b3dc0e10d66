// Drafts: what one has begun to write, the same on all one's devices. Other devices' saves come as
// `draft:updated`.

import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').DraftAnswer} DraftAnswer */
/** @typedef {import('../documents.js').DraftsPage} DraftsPage */
/** @typedef {import('../documents.js').Queued} Queued */

export class Drafts {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * A page of the drafts of all threads; what was saved last comes first.
   * @param {import('./path.js').PageQuery} [page]
   * @returns {Promise<DraftsPage>}
   */
  list(page) {
    return this.#rest.ask('GET', '/messages/drafts', paged(page));
  }

  /**
   * The draft in a thread; `revision` 0 if there was never one.
   * @param {string} threadId
   * @returns {Promise<DraftAnswer>}
   */
  get(threadId) {
    return this.#rest.ask('GET', path`/messages/threads/${threadId}/draft`);
  }

  /**
   * Saves a draft; an empty content deletes it. With `basedOn`, the revision that this device knows, a newer
   * one is not overwritten: it rejects with `conflict`.
   * @param {string} threadId
   * @param {{ content: string, replyTo?: string, basedOn?: number }} draft
   * @returns {Promise<DraftAnswer | Queued>}
   */
  save(threadId, draft) {
    return this.#rest.ask('PUT', path`/messages/threads/${threadId}/draft`, { body: draft, ...REPEATABLE });
  }

  /**
   * Deletes a draft, whatever revision it has.
   * @param {string} threadId
   * @returns {Promise<DraftAnswer | Queued>}
   */
  delete(threadId) {
    return this.#rest.ask('DELETE', path`/messages/threads/${threadId}/draft`, REPEATABLE);
  }
}
