// Messages that are sent later. What becomes of them comes to all one's devices as `scheduled:updated`.

import { newKey } from '../key.js';
import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').ScheduledAnswer} ScheduledAnswer */
/** @typedef {import('../documents.js').ScheduledPage} ScheduledPage */
/** @typedef {import('../documents.js').Attachment} Attachment */
/** @typedef {import('../documents.js').Queued} Queued */

/**
 * What is to be said, and when.
 * @typedef {object} Planned
 * @property {string | Date} sendAt 10 s to 366 days ahead
 * @property {string} [content]
 * @property {Attachment[]} [attachments]
 * @property {string} [replyTo] the id of the message that it answers
 * @property {string[]} [mentions] the ids of the people whom it mentions
 * @property {string} [key] the same key is the same message; one of its own if it is not given
 */

export class Scheduled {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * Keeps a message, to be sent at its time. It is kept once, however often it is asked for.
   * @param {string} threadId
   * @param {Planned} planned
   * @returns {Promise<ScheduledAnswer | Queued>}
   */
  add(threadId, { sendAt, key = newKey(), ...message }) {
    const body = { ...message, sendAt: moment(sendAt), clientMessageId: key };
    return this.#rest.ask('POST', path`/messages/${threadId}`, { body, ...REPEATABLE });
  }

  /**
   * A page of one's own, also of those that have ended; what is due last comes first.
   * @param {import('./path.js').PageQuery} [page]
   * @returns {Promise<ScheduledPage>}
   */
  list(page) {
    return this.#rest.ask('GET', '/messages/scheduled', paged(page));
  }

  /**
   * Changes what waits; what is not named stays as it is. Rejects with `too_late` once its time has come.
   * @param {string} id
   * @param {{ content?: string, mentions?: string[], sendAt?: string | Date }} change
   * @returns {Promise<ScheduledAnswer | Queued>}
   */
  change(id, { sendAt, ...change }) {
    const body = { ...change, ...sendAt && { sendAt: moment(sendAt) } };
    return this.#change('PATCH', path`/messages/scheduled/${id}`, body);
  }

  /**
   * Sends now what waits.
   * @param {string} id
   * @returns {Promise<ScheduledAnswer | Queued>}
   */
  send(id) {
    return this.#change('POST', path`/messages/scheduled/${id}/send`);
  }

  /**
   * Does not send what waits. Rejects with `too_late` once its time has come.
   * @param {string} id
   * @returns {Promise<ScheduledAnswer | Queued>}
   */
  cancel(id) {
    return this.#change('DELETE', path`/messages/scheduled/${id}`);
  }

  /**
   * A change under a key of its own: it is made once, however often it is asked for.
   * @param {string} method
   * @param {string} route
   * @param {object} [body]
   */
  #change(method, route, body) {
    return this.#rest.ask(method, route, { key: newKey(), ...body && { body }, ...REPEATABLE });
  }
}

/**
 * @param {string | Date} at
 * @returns {string}
 */
const moment = at => at instanceof Date ? at.toISOString() : at;
