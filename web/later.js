// What somebody has written to be sent later, in all their conversations and from all their devices. The
// server sends it; here it is listed, changed, sent at once and cancelled.
//
// An event may come late or again, so of several the latest `updatedAt` counts. Dispatches `change`, and
// `failed` with a message that was not sent, when that is heard.

import { waiting } from '/api.js';
import { newKey, keep, recall } from '/storage.js';
import { Refusal } from '/refusal.js';

const PAGE = 100;
/** The server keeps what has ended for a week, behind what waits: so many pages have all that waits. */
const PAGES_MAX = 3;
/** A plan without an answer is made again, under its key. */
const TRIES_MAX = 3;
const PAUSE_MS = 2_000;
/** Later none comes: the server itself takes 15 s at most. */
const PATIENCE_MS = 20_000;
/** Ends of messages that were seen, as many as can wait. */
const SEEN_MAX = 200;

export class Later extends EventTarget {
  #api;
  /** @type {Map<string, ScheduledMessage>} */
  #known = new Map();
  /** Failed ones that somebody has looked at. @type {Set<string>} */
  #seen;
  /** What was asked for last without an answer: the same again has the same key. */
  #last = { key: '', body: '' };

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    super();
    this.#api = api;
    this.#seen = new Set(recall('later-seen', []));
  }

  /** What waits and what was not sent, the next to be sent first. */
  get listed() {
    const isListed = (/** @type {ScheduledMessage} */ { state }) => ['waiting', 'sending', 'failed'].includes(state);
    return [...this.#known.values()].filter(isListed).sort((one, other) => (one.sendAt < other.sendAt ? -1 : 1));
  }

  /** @param {string} id */
  get(id) {
    return this.#known.get(id);
  }

  /**
   * How many wait, and how many were not sent without being looked at; of one conversation, or of all.
   * @param {string} [threadId]
   */
  count(threadId) {
    const here = this.listed.filter(each => threadId === undefined || each.threadId === threadId);
    const failed = here.filter(({ _id, state }) => state === 'failed' && !this.#seen.has(_id)).length;
    return { waiting: here.filter(({ state }) => state !== 'failed').length, failed };
  }

  /** Somebody has looked at all of them. */
  see() {
    const failed = this.listed.filter(({ state }) => state === 'failed').map(({ _id }) => _id);
    this.#seen = new Set([...this.#seen, ...failed].slice(-SEEN_MAX));
    keep('later-seen', [...this.#seen]);
    this.#changed();
  }

  /** Reads all of them again: this page may have missed some. */
  async load() {
    const before = new Set(this.#known.keys());
    /** @type {Map<string, ScheduledMessage>} */
    const read = new Map();
    let cursor = '';
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const page = await this.#api.read(`/messages/scheduled?limit=${PAGE}${cursor}`);
      for (const each of page.scheduled) read.set(each._id, each);
      if (!page.nextCursor) break;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
    for (const [id, known] of this.#known) {
      // What was heard meanwhile may be newer than the page, or not on it.
      const isNewer = known.updatedAt > (read.get(id)?.updatedAt ?? '');
      if (isNewer && (read.has(id) || !before.has(id))) read.set(id, known);
    }
    this.#known = read;
    this.#changed();
  }

  /** @param {ScheduledMessage} scheduled */
  heard(scheduled) {
    const known = this.#known.get(scheduled._id);
    if (known && known.updatedAt >= scheduled.updatedAt) return;
    this.#known.set(scheduled._id, scheduled);
    if (scheduled.state === 'failed') this.dispatchEvent(new CustomEvent('failed', { detail: scheduled }));
    this.#changed();
  }

  /**
   * Keeps a message for its time.
   * @param {string} threadId
   * @param {Written} message
   * @param {Date} sendAt
   */
  async add(threadId, { content, mentions, answered }, sendAt) {
    const body = {
      sendAt: sendAt.toISOString(), content, ...mentions.length > 0 && { mentions }, ...answered && { replyTo: answered.messageId },
    };
    const wanted = JSON.stringify([threadId, body]);
    const key = this.#last.body === wanted ? this.#last.key : newKey();
    this.#last = { key, body: wanted };
    const path = `/messages/${encodeURIComponent(threadId)}`;
    const answer = await this.#persist(signal => this.#api.ask('POST', path, { ...body, clientMessageId: key }, signal));
    this.#last = { key: '', body: '' };
    this.#take(answer);
  }

  /**
   * Changes what waits; what is not named stays as it is.
   * @param {string} id
   * @param {{ content?: string, mentions?: string[], sendAt?: string }} change
   */
  change(id, change) {
    return this.#write('PATCH', `/messages/scheduled/${id}`, change);
  }

  /** @param {string} id */
  sendNow(id) {
    return this.#write('POST', `/messages/scheduled/${id}/send`);
  }

  /** @param {string} id */
  cancel(id) {
    return this.#write('DELETE', `/messages/scheduled/${id}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async #write(method, path, body) {
    const key = newKey();
    this.#take(await this.#persist(signal => this.#api.askOnce(method, path, body, key, signal)));
  }

  /**
   * Without a message the server has the command, and an event tells what became of it.
   * @param {{ scheduled?: ScheduledMessage }} answer
   */
  #take({ scheduled }) {
    if (scheduled) this.heard(scheduled);
  }

  /**
   * Asks again what fails for the moment: under its key it is done once.
   * @param {(signal: AbortSignal) => Promise<any>} ask
   */
  async #persist(ask) {
    for (let tries = 1; ; tries += 1) {
      const patience = AbortSignal.timeout(PATIENCE_MS);
      try {
        return await ask(patience);
      } catch (error) {
        const refusal = patience.aborted ? new Refusal({ code: 'offline' }) : error;
        if (!(refusal instanceof Refusal && ['offline', 'unavailable'].includes(refusal.code)) || tries === TRIES_MAX) throw refusal;
        await waiting(PAUSE_MS);
      }
    }
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
