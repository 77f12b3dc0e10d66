// The messages of all threads, each told once and in the order of `seq`, whatever the connection does.
//
// Of each thread the feed knows its place: the newest `seq` that was told, and the newest change number. A
// live message that is not the next one waits until those before it have come, or were asked for with `sync`.
// After a connect without recovery every thread is asked about; what a lost connection has left of these
// questions is asked by the next one, recovered or not. Everything may be heard twice.

import { pause, pauseAfter } from './pause.js';
import { Refusal } from './refusal.js';

/** @typedef {import('./documents.js').Message} Message */
/** @typedef {import('./documents.js').SyncedThread} SyncedThread */

/**
 * How far a thread was told.
 * @typedef {object} Place
 * @property {number} seq
 * @property {number} [lastChange]
 */

/**
 * A thread that is followed; `isShown`: whoever listens has its document, not only messages of it.
 * @typedef {Place & { ahead: Map<number, Message>, gaps: number, isShown: boolean }} Followed
 */

/**
 * What is read by REST.
 * @typedef {object} Api
 * @property {import('./api/messages.js').Messages} messages
 * @property {import('./api/threads.js').Threads} threads
 */

/** Threads of one `sync`. */
const THREADS_MAX = 100;
/** Time for a message in front to arrive by itself, and for a store that is read from another server. */
const GAP_PATIENCE_MS = 400;
/** A gap that is told so often is one: the server has lost what this client has. */
const GAPS_MAX = 3;
/** Clocks of gateways differ a little. */
const CLOCKS_MS = 60_000;

export class Feed {
  #connection;
  #messages;
  #threads;
  #told;
  #places;
  /** @type {Map<string, Followed>} */
  #followed = new Map();
  /** Threads to ask about. @type {Set<string>} */
  #wanted = new Set();
  #isAsking = false;
  /** Whether something was missed of which not everything has been told. */
  #hasMissed = false;
  /**
   * The newest time that was seen before something was missed, until the server has named the threads that
   * were written to since.
   * @type {{ since: number } | undefined}
   */
  #unnamed;
  /**
   * Messages of threads that may be among these: what was missed of a thread comes first.
   * @type {Message[]}
   */
  #held = [];
  /** The newest time of the server that was seen, in milliseconds. */
  #newest = 0;

  /**
   * @param {import('./connection.js').Connection} connection
   * @param {Api} api
   * @param {import('./emitter.js').Emitter<import('./events.js').Events>} told
   * @param {import('./places.js').Places | undefined} places keeps the places over a restart
   */
  constructor(connection, { messages, threads }, told, places) {
    this.#connection = connection;
    this.#messages = messages;
    this.#threads = threads;
    this.#told = told;
    this.#places = places;
  }

  /** Takes the places that were kept. */
  async open() {
    const kept = await this.#places?.read();
    for (const [threadId, place] of kept?.threads ?? []) this.know(threadId, place);
    this.#newest = Math.max(this.#newest, kept?.newest ?? 0);
  }

  /**
   * Follows a thread from this place on, unless it is followed already.
   * @param {string} threadId
   * @param {Place} place
   * @param {boolean} [isShown]
   */
  know(threadId, place, isShown = true) {
    const known = this.#followed.get(threadId);
    if (!known) {
      this.#followed.set(threadId, { ...place, ahead: new Map(), gaps: 0, isShown });
      return this.#keep(threadId);
    }
    known.lastChange ??= place.lastChange;
    known.isShown ||= isShown;
    return undefined;
  }

  /**
   * A thread was listed, or heard of.
   * @param {import('./documents.js').Thread} thread
   */
  knowThread(thread) {
    this.#see(thread.lastMessageAt ?? thread.createdAt);
    this.know(thread._id, { seq: thread.lastSeq });
  }

  /** @param {string} threadId */
  forget(threadId) {
    this.#followed.delete(threadId);
    this.#wanted.delete(threadId);
    this.#held = this.#held.filter(message => message.threadId !== threadId);
    this.#places?.forget(threadId);
  }

  /**
   * There is a connection: what was missed is asked for. A session that was recovered has missed nothing
   * itself, so only what an earlier one has not been told yet is.
   * @param {boolean} [recovered]
   */
  resume(recovered = false) {
    if (recovered) return this.#want();
    this.#hasMissed = true;
    // Another one each time: an answer of the session before says nothing of this absence.
    if (this.#newest > 0) this.#unnamed = { since: this.#unnamed?.since ?? this.#newest };
    return this.#want(...this.#followed.keys());
  }

  /** @param {Message} message a live one */
  heard(message) {
    const { threadId, seq } = message;
    const isKnown = this.#followed.has(threadId);
    if (!isKnown && this.#unnamed) return void this.#held.push(message);
    if (!isKnown) this.know(threadId, { seq: seq - 1 }, false);
    this.#take(message);
    if (this.#followed.get(threadId)?.ahead.size) setTimeout(() => this.#wantIfBehind(threadId), GAP_PATIENCE_MS);
    return undefined;
  }

  /**
   * Tells a message if it is next, and those that waited for it.
   * @param {Message} message
   */
  #take(message) {
    const thread = this.#followed.get(message.threadId);
    if (!thread || message.seq <= thread.seq) return;
    thread.ahead.set(message.seq, message);
    for (let next; (next = thread.ahead.get(thread.seq + 1));) {
      thread.ahead.delete(next.seq);
      thread.seq = next.seq;
      this.#see(next.createdAt);
      this.#told.emit('message', { message: next, threadId: next.threadId });
    }
    this.#keep(message.threadId);
  }

  /** @param {string} threadId */
  #wantIfBehind(threadId) {
    if (this.#followed.get(threadId)?.ahead.size) this.#want(threadId);
  }

  /** @param {...string} threadIds */
  #want(...threadIds) {
    threadIds.forEach(threadId => this.#wanted.add(threadId));
    if (!this.#isAsking) this.#askAll();
  }

  /** Asks until nothing is wanted any more, or the connection is gone; the next one resumes. */
  async #askAll() {
    this.#isAsking = true;
    for (let failures = 1; this.#connection.isUp && this.#isBehind;) {
      try {
        await this.#askSome([...this.#wanted].slice(0, THREADS_MAX));
        failures = 1;
      } catch (error) {
        await pause(pauseAfter(failures, Refusal.of(error).retryAfterMs));
        failures += 1;
      }
    }
    this.#isAsking = false;
    if (!this.#hasMissed || this.#isBehind) return;
    this.#hasMissed = false;
    this.#told.emit('resumed', { threads: this.#followed.size });
  }

  /** Whether there is something to ask. */
  get #isBehind() {
    return this.#wanted.size > 0 || this.#unnamed !== undefined;
  }

  /** @param {string[]} threadIds */
  async #askSome(threadIds) {
    const unnamed = this.#unnamed;
    const since = unnamed && new Date(unnamed.since - CLOCKS_MS).toISOString();
    const threads = threadIds.map(threadId => {
      const { seq, lastChange } = this.#followed.get(threadId) ?? { seq: 0 };
      return { threadId, after: seq, ...lastChange !== undefined && { changesAfter: lastChange } };
    });
    const answer = await this.#connection.ask('sync', { threads, ...since && { threadsAfter: since } });
    threadIds.forEach(threadId => this.#wanted.delete(threadId));
    for (const thread of answer.threads) {
      if ('error' in thread) this.#membershipEnded(thread.threadId);
      else this.#apply(thread);
    }
    if (!since) return;
    for (const threadId of answer.newThreads ?? []) {
      await this.#find(threadId, since).catch(error => {
        // Whoever has left it meanwhile need not hear of it.
        if (Refusal.of(error).isPassing) throw error;
      });
    }
    if (this.#unnamed !== unnamed) return;
    this.#unnamed = undefined;
    this.#held.splice(0).forEach(message => this.heard(message));
  }

  /** @param {SyncedThread} synced */
  #apply({ threadId, messages, changed = [], cursors, lastChange, complete, gap }) {
    const thread = this.#followed.get(threadId);
    if (!thread) return;
    messages.forEach(message => this.#take(message));
    thread.lastChange = lastChange;
    for (const message of changed) this.#told.emit('changed', { message, threadId });
    if (cursors) this.#told.emit('cursors', { threadId, cursors });
    thread.gaps = gap ? thread.gaps + 1 : 0;
    if (thread.gaps >= GAPS_MAX) this.#reset(threadId);
    else if (!complete) this.#wanted.add(threadId);
    else if (gap || thread.ahead.size) setTimeout(() => this.#followed.has(threadId) && this.#want(threadId), GAP_PATIENCE_MS);
    this.#keep(threadId);
  }

  /**
   * A thread that nobody here knew was written to: it is followed from the first message on that is younger
   * than what was seen before.
   * @param {string} threadId
   * @param {string} since
   */
  async #find(threadId, since) {
    if (this.#followed.get(threadId)?.isShown) return;
    if (!this.#followed.has(threadId)) {
      const { messages: [first] } = await this.#messages.history(threadId, { after: since, limit: 1 });
      if (first) this.know(threadId, { seq: first.seq - 1 }, false);
      this.#wanted.add(threadId);
    }
    this.#told.emit('thread:found', { thread: await this.#threads.get(threadId) });
  }

  /**
   * The server has less than this client: it is followed anew, from what the server has.
   * @param {string} threadId
   */
  #reset(threadId) {
    this.forget(threadId);
    this.#told.emit('thread:reset', { threadId });
    this.#threads.get(threadId).catch(() => {});
  }

  /**
   * For the server the person is no member of this thread.
   * @param {string} threadId
   */
  #membershipEnded(threadId) {
    this.forget(threadId);
    this.#told.emit('thread:lost', { threadId });
  }

  /** @param {string} time of the server */
  #see(time) {
    this.#newest = Math.max(this.#newest, Date.parse(time) || 0);
  }

  /** @param {string} threadId */
  #keep(threadId) {
    const thread = this.#followed.get(threadId);
    if (thread) this.#places?.keep(threadId, { seq: thread.seq, lastChange: thread.lastChange }, this.#unnamed?.since ?? this.#newest);
  }
}
