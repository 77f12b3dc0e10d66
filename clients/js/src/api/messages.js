// Messages: histories and changes. To send one so that it survives whatever happens, use the outbox
// (`EventFlow.send`).

import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').Queued} Queued */
/** @typedef {import('../documents.js').ChangeAnswer} ChangeAnswer */
/** @typedef {import('../documents.js').Edits} Edits */
/** @typedef {import('../documents.js').HistoryPage} HistoryPage */
/** @typedef {import('../documents.js').SearchPage} SearchPage */
/** @typedef {import('../documents.js').Attachment} Attachment */

/**
 * Which messages: the newest if nothing is named; one of `before`, `after`, `changesAfter` and `cursor`.
 * @typedef {object} HistoryQuery
 * @property {number | string} [before] a `seq`, or a time
 * @property {number | string} [after] a `seq`, or a time
 * @property {number} [changesAfter] the `lastChange` of the page before
 */

/**
 * Which of the messages that have the words.
 * @typedef {object} SearchFilters
 * @property {string} [threadId] only this thread
 * @property {string} [sender] only messages of this person
 * @property {string} [from] accepted at this time or later
 * @property {string} [to] accepted before this time
 * @property {boolean} [hasAttachment] only messages with attachments
 */

export class Messages {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * One page of a thread, ascending by `seq`.
   * @param {string} threadId
   * @param {import('./path.js').PageQuery & HistoryQuery} [page]
   * @returns {Promise<HistoryPage>}
   */
  history(threadId, page) {
    return this.#rest.ask('GET', path`/messages/${threadId}`, paged(page));
  }

  /**
   * A page and all that follow it.
   * @param {string} threadId
   * @param {{ limit?: number, signal?: AbortSignal } & HistoryQuery} [first]
   * @returns {AsyncGenerator<HistoryPage, void, void>}
   */
  async *pages(threadId, { signal, limit = 100, ...first } = {}) {
    /** @type {{ cursor?: string } & HistoryQuery | undefined} */
    let query = first;
    while (query) {
      /** @type {HistoryPage} */
      const page = await this.history(threadId, { limit, signal, ...query });
      query = page.nextCursor ? { cursor: page.nextCursor } : undefined;
      yield page;
    }
  }

  /**
   * Messages of all one's threads that have these words, the newest first.
   * @param {string} words
   * @param {import('./path.js').PageQuery & SearchFilters} [page]
   * @returns {Promise<SearchPage>}
   */
  search(words, page) {
    return this.#rest.ask('GET', path`/messages/search`, paged({ q: words, ...page }));
  }

  /**
   * Sends by REST, once. With a key it may be repeated, and is.
   * @param {string} threadId
   * @param {{ content?: string, attachments?: Attachment[], replyTo?: string,
   *   mentions?: string[], clientMessageId?: string }} message
   * @returns {Promise<import('../documents.js').MessageAnswer | Queued>}
   */
  send(threadId, message) {
    return this.#rest.ask('POST', path`/messages/${threadId}`, { body: message, isRepeatable: Boolean(message.clientMessageId) });
  }

  /**
   * @param {string} messageId
   * @param {string} content
   * @param {string[]} [mentions] whom the message mentions from now on; without it, whom it mentioned before
   * @returns {Promise<ChangeAnswer | Queued>}
   */
  edit(messageId, content, mentions) {
    return this.#rest.ask('PATCH', path`/messages/${messageId}`, { body: { content, mentions }, ...REPEATABLE });
  }

  /**
   * Pins a message to its thread; everybody in it may.
   * @param {string} messageId
   * @returns {Promise<ChangeAnswer | Queued>}
   */
  pin(messageId) {
    return this.#rest.ask('PUT', path`/messages/${messageId}/pin`, REPEATABLE);
  }

  /**
   * @param {string} messageId
   * @returns {Promise<ChangeAnswer | Queued>}
   */
  unpin(messageId) {
    return this.#rest.ask('DELETE', path`/messages/${messageId}/pin`, REPEATABLE);
  }

  /**
   * What a message said before its edits, oldest first.
   * @param {string} messageId
   * @returns {Promise<Edits>}
   */
  edits(messageId) {
    return this.#rest.ask('GET', path`/messages/${messageId}/edits`);
  }

  /**
   * Reports a message to the administrators, with what it says now. A second report of it changes nothing.
   * @param {string} messageId
   * @param {import('../documents.js').ReportRequest} report
   * @returns {Promise<import('../documents.js').ReportedAnswer | Queued>}
   */
  report(messageId, report) {
    return this.#rest.ask('POST', path`/messages/${messageId}/report`, { body: report, ...REPEATABLE });
  }

  /**
   * Takes a message back.
   * @param {string} messageId
   * @returns {Promise<ChangeAnswer | Queued>}
   */
  delete(messageId) {
    return this.#rest.ask('DELETE', path`/messages/${messageId}`, REPEATABLE);
  }

  /**
   * Puts an emoji on a message or takes it off. `toggle` does the opposite of what the message shows, so it
   * is not repeated by itself.
   * @param {string} messageId
   * @param {string} emoji
   * @param {'add' | 'remove' | 'toggle'} [action]
   * @returns {Promise<ChangeAnswer | Queued>}
   */
  react(messageId, emoji, action = 'toggle') {
    return this.#rest.ask('POST', path`/messages/${messageId}/reactions`, { body: { emoji, action }, isRepeatable: action !== 'toggle' });
  }

  /**
   * Marks as read up to this message.
   * @param {string} messageId
   * @returns {Promise<import('../documents.js').ReadAnswer | Queued>}
   */
  read(messageId) {
    return this.#rest.ask('POST', path`/messages/${messageId}/read`, REPEATABLE);
  }
}
