// Messages that were written and are not known to be stored. Each has a key of its own and is sent again with
// that key, after a lost connection and even after a reload, until there is an answer: the server stores it
// once.
//
// An entry is `sending`, `waiting` for the connection, `queued` (the server has it and stores it later) or
// `failed` with a reason; only then the user has to decide. Dispatches `change`, and `stored` with the
// message.

import { Refusal } from '/refusal.js';
import { keep, newKey, recall } from '/storage.js';

/** An answer that does not come, or a store that is down, is asked again after this. */
const PAUSE_MS = 3_000;
/** Then somebody has to say whether it is worth going on. */
const TRIES_MAX = 10;

export class Outbox extends EventTarget {
  #connection;
  /** @type {Map<string, OutboxEntry>} */
  #entries;

  /** @param {import('/connection.js').Connection} connection */
  constructor(connection) {
    super();
    this.#connection = connection;
    this.#entries = new Map(recall('outbox', []).map((/** @type {OutboxEntry} */ entry) => [entry.key, { ...entry, tries: 0 }]));
  }

  /**
   * What waits in a conversation, in the order it was written.
   * @param {string | undefined} threadId
   * @returns {OutboxEntry[]}
   */
  of(threadId) {
    return [...this.#entries.values()].filter(entry => entry.threadId === threadId);
  }

  /**
   * @param {string} threadId
   * @param {string} content
   * @param {Mentioned[]} mentioned
   * @param {Answered} [answered] what the message answers
   * @param {Attachment[]} [files] files that were uploaded
   */
  send(threadId, content, mentioned, answered, files) {
    /** @type {OutboxEntry} */
    const entry = { key: newKey(), threadId, content, mentioned, answered, files, at: new Date().toISOString(), state: 'waiting', reason: '', tries: 0 };
    this.#entries.set(entry.key, entry);
    this.#post(entry);
  }

  /**
   * Sends one that has failed again, with the key it has.
   * @param {string} key
   */
  again(key) {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.tries = 0;
    this.#post(entry);
  }

  /**
   * What has failed in a conversation, in the order it was written.
   * @param {string | undefined} threadId
   * @returns {OutboxEntry[]}
   */
  failed(threadId) {
    return this.of(threadId).filter(entry => entry.state === 'failed');
  }

  /**
   * Sends all that has failed in a conversation again, one behind the other: a message does not overtake the
   * one before it, and what stops one stops those behind it.
   * @param {string | undefined} threadId
   */
  async allAgain(threadId) {
    const entries = this.failed(threadId);
    entries.forEach(entry => this.#set(entry, 'sending'));
    for (const [place, entry] of entries.entries()) {
      entry.tries = 0;
      if (this.#entries.has(entry.key)) await this.#post(entry);
      if (entry.state !== 'failed') continue;
      entries.slice(place + 1).forEach(each => this.#set(each, 'failed', entry.reason));
      return;
    }
  }

  /** Sends everything again that has no answer yet. */
  resend() {
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'failed') this.#post(entry);
    }
  }

  /**
   * Forgets one: it was stored, or is not wanted any more.
   * @param {string | null | undefined} key
   */
  settle(key) {
    if (key && this.#entries.delete(key)) this.#changed();
  }

  /** @param {OutboxEntry} entry */
  async #post(entry) {
    this.#set(entry, this.#connection.isUp ? 'sending' : 'waiting');
    entry.tries += 1;
    try {
      const { key, threadId, content, mentioned = [], answered, files = [] } = entry;
      const mentions = mentioned.length > 0 ? mentioned.map(({ id }) => id) : undefined;
      const attachments = files.length > 0 ? files.map(({ id }) => ({ id })) : undefined;
      const body = { threadId, content, attachments, mentions, replyTo: answered?.messageId, clientMessageId: key };
      const answer = await this.#connection.ask('message:send', body);
      if (answer.message) this.#stored(entry, answer.message);
      else this.#set(entry, 'queued');
    } catch (refusal) {
      this.#refused(entry, refusal);
    }
  }

  /**
   * @param {OutboxEntry} entry
   * @param {Message} message
   */
  #stored(entry, message) {
    this.dispatchEvent(new CustomEvent('stored', { detail: message }));
    this.settle(entry.key);
  }

  /**
   * @param {OutboxEntry} entry
   * @param {unknown} refusal
   */
  #refused(entry, refusal) {
    if (!this.#entries.has(entry.key)) return;
    if (!this.#connection.isUp) return this.#set(entry, 'waiting');
    const { code, message } = refusal instanceof Refusal ? refusal : new Refusal({});
    const goesOn = ['offline', 'unavailable'].includes(code) && entry.tries < TRIES_MAX;
    if (!goesOn) return this.#set(entry, 'failed', message);
    return setTimeout(() => this.#entries.has(entry.key) && this.#post(entry), PAUSE_MS);
  }

  /**
   * @param {OutboxEntry} entry
   * @param {OutboxEntry['state']} state
   * @param {string} [reason]
   */
  #set(entry, state, reason = '') {
    Object.assign(entry, { state, reason });
    if (this.#entries.has(entry.key)) this.#changed();
  }

  #changed() {
    keep('outbox', [...this.#entries.values()]);
    this.dispatchEvent(new Event('change'));
  }
}
