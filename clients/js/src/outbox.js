// Messages that were written here and are not known to be stored.
//
// Each has a key of its own, is kept before it is sent, and is sent again with that key until there is an
// answer, after a lost connection and after a reload: the server stores it once. Of each thread one message
// is under way at a time, so they are stored in the order in which they were written; threads do not wait for
// each other. What the server refuses for good stays here as `failed` until somebody decides.

import { newKey } from './key.js';
import { pause, pauseAfter } from './pause.js';
import { Refusal } from './refusal.js';

/** @typedef {import('./documents.js').Message} Message */
/** @typedef {import('./documents.js').Attachment} Attachment */

/**
 * @typedef {object} OutboxEntry
 * @property {string} key the message's `clientMessageId`
 * @property {string} threadId
 * @property {string} content
 * @property {Attachment[]} [attachments]
 * @property {string} [replyTo] the id of the message that this one answers
 * @property {string[]} [mentions] the ids of the people whom it mentions
 * @property {number} order those of one thread are sent in this order
 * @property {string} at when it was written, by the clock of this side
 * @property {'waiting' | 'sending' | 'queued' | 'failed'} state `queued`: the server will store it
 * @property {{ code: import('./refusal.js').RefusalCode, error: string }} [refusal] why it failed, or waits
 */

/**
 * What is written.
 * @typedef {{ content?: string, attachments?: Attachment[], replyTo?: string, mentions?: string[],
 *   key?: string }} Draft
 */

/** A message that the server has queued is asked about again after this; it is stored once all the same. */
const QUEUED_PATIENCE_MS = 15_000;

/** @typedef {import('./emitter.js').Emitter<import('./events.js').Events>} Told */

export class Outbox {
  #connection;
  #storage;
  #prefix;
  #told;
  /** @type {Map<string, OutboxEntry>} */
  #entries = new Map();
  /** Whoever waits for the end of a message that was written since the last reload. */
  #promises = new Map();
  /** Entries that are being kept, and those that were. @type {Map<string, Promise<void>>} */
  #keeping = new Map();
  /** @type {Set<Promise<void>>} */
  #removing = new Set();
  /** Threads of which a message is under way. @type {Set<string>} */
  #running = new Set();
  /** Ends every pause. */
  #waking = new AbortController();
  #order = 0;
  #opening;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {import('./storage.js').Keeper} storage
   * @param {string} user
   * @param {Told} told
   */
  constructor(connection, storage, user, told) {
    this.#connection = connection;
    this.#storage = storage;
    this.#prefix = `eventflow:${user}:outbox:`;
    this.#told = told;
    this.#opening = this.#open();
  }

  /** Resolves once what was kept is here. */
  get opened() {
    return this.#opening;
  }

  /**
   * What is not known to be stored, of one thread or of all, in the order in which it was written.
   * @param {string} [threadId]
   * @returns {OutboxEntry[]}
   */
  entries(threadId) {
    const chosen = [...this.#entries.values()].filter(entry => threadId === undefined || entry.threadId === threadId);
    return chosen.sort((one, other) => one.order - other.order || (one.key < other.key ? -1 : 1));
  }

  /**
   * Sends a message, whatever happens meanwhile. Resolves with the message once it is stored, which may take
   * as long as there is no connection; rejects with a `Refusal` if the server refuses it for good. The result
   * need not be looked at: `stored` and `refused` tell it too.
   * @param {string} threadId
   * @param {Draft} draft
   * @returns {Promise<Message>}
   */
  send(threadId, { content = '', attachments, replyTo, mentions, key = newKey() }) {
    this.#order = Math.max(this.#order + 1, Date.now());
    /** @type {OutboxEntry} */
    const entry = {
      key, threadId, content, ...attachments && { attachments }, ...replyTo && { replyTo }, ...mentions && { mentions },
      order: this.#order, at: new Date().toISOString(), state: 'waiting',
    };
    const stored = new Promise((resolve, reject) => this.#promises.set(key, { resolve, reject }));
    stored.catch(() => {});
    this.#entries.set(key, entry);
    this.#changed(entry);
    this.#keep(entry).then(() => this.#run(threadId));
    return stored;
  }

  /**
   * Sends one that has failed again, with the key it has, after those that were written since.
   * @param {string} key
   */
  again(key) {
    const entry = this.#entries.get(key);
    if (entry?.state !== 'failed') return;
    entry.order = this.#order = Math.max(this.#order + 1, Date.now());
    this.#set(entry, 'waiting');
    this.#keep(entry).then(() => this.#run(entry.threadId));
  }

  /**
   * Forgets one that is not wanted any more. If it is under way already it may be stored all the same.
   * @param {string} key
   */
  forget(key) {
    const entry = this.#entries.get(key);
    if (entry) this.#remove(entry);
    this.#promises.get(key)?.reject(new Refusal({ code: 'failed', error: 'the message was taken out of the outbox' }));
    this.#promises.delete(key);
  }

  /** Forgets everything. */
  async clear() {
    await this.#opening;
    const keys = [...this.#entries.keys()];
    keys.forEach(key => this.forget(key));
    await Promise.all(this.#removing);
  }

  /** There is a connection: everything without an answer is sent again, in order. */
  resume() {
    for (const entry of this.#entries.values()) if (entry.state === 'queued') this.#set(entry, 'waiting');
    this.#waking.abort();
    this.#waking = new AbortController();
    for (const threadId of new Set(this.entries().map(entry => entry.threadId))) this.#run(threadId);
  }

  /** Nothing is sent any more; what waits is kept. */
  close() {
    this.#waking.abort();
  }

  /**
   * A message of the person is stored.
   * @param {Message} message
   */
  heard(message) {
    const entry = this.#entries.get(message.clientMessageId ?? '');
    if (entry?.threadId === message.threadId) this.#stored(entry, message);
  }

  /** Reads what was kept. Entries that were written meanwhile come after it. */
  async #open() {
    const kept = await this.#storage.list(this.#prefix).catch(error => this.#troubled(error)) ?? [];
    for (const [key, text] of kept) {
      const entry = parsed(text);
      if (!entry) await this.#storage.delete(key).catch(() => {});
      else if (!this.#entries.has(entry.key)) this.#entries.set(entry.key, entry);
    }
    const entries = this.entries();
    this.#order = Math.max(this.#order, ...entries.map(entry => entry.order));
    for (const threadId of new Set(entries.map(entry => entry.threadId))) this.#told.emit('outbox', { threadId });
  }

  /**
   * Sends what waits in a thread, one after the other.
   * @param {string} threadId
   */
  async #run(threadId) {
    await this.#opening;
    if (this.#running.has(threadId)) return;
    this.#running.add(threadId);
    for (let entry; this.#connection.isUp && (entry = this.#next(threadId));) await this.#post(entry);
    this.#running.delete(threadId);
  }

  /** @param {string} threadId */
  #next(threadId) {
    return this.entries(threadId).find(entry => entry.state === 'waiting');
  }

  /**
   * Sends one until the server has it, refuses it, or the connection is gone.
   * @param {OutboxEntry} entry
   */
  async #post(entry) {
    const { key, threadId, content, attachments, replyTo, mentions } = entry;
    for (let failures = 1; this.#entries.has(key) && this.#connection.isUp; failures += 1) {
      this.#set(entry, 'sending');
      try {
        const answer = await this.#connection.ask('message:send', { threadId, content, attachments, replyTo, mentions, clientMessageId: key });
        return 'message' in answer ? this.#stored(entry, answer.message) : this.#queued(entry);
      } catch (error) {
        const refusal = Refusal.of(error);
        if (!this.#entries.has(key)) return undefined;
        if (!refusal.isPassing && !refusal.endsSignIn) return this.#failed(entry, refusal);
        this.#set(entry, 'waiting', refusal);
        if (this.#connection.isUp) await pause(pauseAfter(failures, refusal.retryAfterMs), this.#waking.signal).catch(() => {});
      }
    }
    return undefined;
  }

  /**
   * @param {OutboxEntry} entry
   * @param {Message} message
   */
  #stored(entry, message) {
    if (!this.#entries.has(entry.key)) return;
    this.#told.emit('stored', { message, key: entry.key });
    this.#promises.get(entry.key)?.resolve(message);
    this.#promises.delete(entry.key);
    this.#remove(entry);
  }

  /** @param {OutboxEntry} entry */
  #queued(entry) {
    if (!this.#entries.has(entry.key)) return;
    this.#set(entry, 'queued');
    pause(QUEUED_PATIENCE_MS, this.#waking.signal).then(() => {
      if (entry.state !== 'queued' || !this.#entries.has(entry.key)) return;
      this.#set(entry, 'waiting');
      this.#run(entry.threadId);
    }, () => {});
  }

  /**
   * @param {OutboxEntry} entry
   * @param {Refusal} refusal
   */
  #failed(entry, refusal) {
    this.#set(entry, 'failed', refusal);
    this.#keep(entry);
    this.#told.emit('refused', { entry, refusal });
    this.#promises.get(entry.key)?.reject(refusal);
    this.#promises.delete(entry.key);
  }

  /** @param {OutboxEntry} entry */
  #remove(entry) {
    this.#entries.delete(entry.key);
    const kept = this.#keeping.get(entry.key) ?? Promise.resolve();
    const removed = kept.then(() => this.#storage.delete(this.#prefix + entry.key)).catch(error => this.#troubled(error));
    this.#removing.add(removed);
    removed.finally(() => this.#removing.delete(removed));
    this.#keeping.delete(entry.key);
    this.#changed(entry);
  }

  /**
   * @param {OutboxEntry} entry
   * @param {OutboxEntry['state']} state
   * @param {Refusal} [refusal]
   */
  #set(entry, state, refusal) {
    entry.state = state;
    entry.refusal = refusal && { code: refusal.code, error: refusal.message };
    this.#changed(entry);
  }

  /** @param {OutboxEntry} entry */
  #changed({ threadId }) {
    this.#told.emit('outbox', { threadId });
  }

  /** @param {OutboxEntry} entry */
  #keep(entry) {
    const kept = this.#storage.set(this.#prefix + entry.key, JSON.stringify(entry)).catch(error => this.#troubled(error));
    this.#keeping.set(entry.key, kept);
    return kept;
  }

  /**
   * Without a place to keep them messages are sent all the same.
   * @param {unknown} error
   * @returns {undefined}
   */
  #troubled(error) {
    this.#told.emit('storage:error', { error });
    return undefined;
  }
}

/**
 * An entry as it was kept. Only a failed one stays as it was.
 * @param {string} text
 * @returns {OutboxEntry | undefined}
 */
function parsed(text) {
  try {
    const entry = JSON.parse(text);
    if (typeof entry.key !== 'string' || typeof entry.threadId !== 'string') return undefined;
    return { ...entry, state: entry.state === 'failed' ? 'failed' : 'waiting' };
  } catch {
    return undefined;
  }
}
