// The messages of one conversation, ordered by `seq`, without a gap between the oldest and the newest that
// are here.
//
// A live message that is not the next one waits until those before it are read from the store. Every event
// may come twice and at any time: what is heard while a page is on its way is applied to that page too.
// Dispatches `change`.

import { Receipts } from '/receipts.js';

/** Messages shown at first, and more at each step into the past. */
const PAGE = 50;
/** The largest page there is. */
const LARGEST_PAGE = 100;
/** So many pages are read back for the first unread message: 1,000 messages. Who has more begins there. */
const UNREAD_PAGES_MAX = 10;
/** Time for the message in front to arrive by itself. */
const GAP_PATIENCE_MS = 400;

export class History extends EventTarget {
  #api;
  #thread;
  #receipts;
  /** Messages that came before those in front of them, by `seq`. @type {Map<number, Message>} */
  #ahead = new Map();
  /**
   * Of each page that is on its way: what has happened to messages since it was asked for.
   * @type {Set<[string, MessageChange][]>}
   */
  #meanwhile = new Set();
  /** @type {Promise<void>} */
  #opening = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #filling;
  #isOpen = false;
  /** Whether nothing is before what is here: whoever was added to a group does not see what was before. */
  #isWhole = false;
  /** The change number up to which the messages that are here are told. */
  #lastChange = 0;
  #ending = new AbortController();

  /**
   * @param {import('/api.js').Api} api
   * @param {Thread} thread
   */
  constructor(api, thread) {
    super();
    this.#api = api;
    this.#thread = thread;
    this.#receipts = new Receipts(thread.participants, thread.participantCount);
    /** @type {Message[]} */
    this.messages = [];
  }

  get threadId() {
    return this.#thread._id;
  }

  get oldest() {
    return this.messages[0]?.seq ?? 1;
  }

  get newest() {
    return this.messages.at(-1)?.seq ?? 0;
  }

  /** Whether the newest page is here. */
  get isOpen() {
    return this.#isOpen;
  }

  get hasOlder() {
    return this.oldest > 1 && !this.#isWhole;
  }

  /** Whether its reader came later and sees only what was sent then. */
  get beginsLater() {
    return this.#isWhole && this.oldest > 1;
  }

  /**
   * People were added, or somebody has left or was removed.
   * @param {string[]} joined
   * @param {string} [left]
   */
  peopleChanged(joined, left) {
    this.#receipts.joined(joined, Math.max(this.newest, this.#thread.lastSeq));
    if (left) this.#receipts.left(left);
    this.messages.forEach(message => this.#receipts.apply(message));
    this.#changed();
  }

  /** @param {Message} message */
  readers(message) {
    return this.#receipts.readers(message);
  }

  /** Reads the newest messages. */
  open() {
    this.#opening = this.#page(`limit=${PAGE}`).then(({ lastChange, nextCursor }) => {
      this.#isWhole = nextCursor === null;
      this.#lastChange = lastChange;
      this.#isOpen = true;
      this.#joinAhead();
      this.#changed();
      return this.#fill();
    });
    return this.#opening;
  }

  /** Nobody looks any more: what is still being read is not waited for. */
  close() {
    this.#ending.abort();
  }

  /** Reads a page of what was before. */
  async older() {
    await this.#before(PAGE);
    this.#changed();
  }

  /** After an absence: reads what has changed of the messages that are here, and what came since. */
  async refresh() {
    await this.#opening.catch(() => this.open());
    await this.#readChanges();
    await this.#readOn(this.newest);
    await this.#fill();
  }

  /**
   * A message was heard, or is the answer to sending it.
   * @param {Message} message
   */
  received(message) {
    if (this.#isOpen && message.seq <= this.newest) return;
    this.#ahead.set(message.seq, message);
    this.#joinAhead();
    this.#changed();
    if (this.#isOpen && this.#ahead.size > 0) setTimeout(() => this.#fill().catch(() => {}), GAP_PATIENCE_MS);
  }

  /**
   * Something happened to a message: `change(message)` does it.
   * @param {string} id
   * @param {MessageChange} change
   */
  update(id, change) {
    this.#meanwhile.forEach(log => log.push([id, change]));
    const message = this.messages.find(each => each._id === id) ?? [...this.#ahead.values()].find(each => each._id === id);
    if (!message) return;
    change(message);
    this.#receipts.apply(message);
    this.#changed();
  }

  /**
   * A message is other than before, here and wherever a reply quotes it.
   * @param {string} id
   * @param {Partial<Message>} change
   */
  changed(id, change) {
    this.update(id, message => {
      // What is told of a reply may come without its quote.
      const replyTo = change.replyTo?.quote ? change.replyTo : message.replyTo;
      Object.assign(message, change, { replyTo });
    });
    const { content, deletedAt } = change;
    for (const { replyTo } of this.messages) {
      if (replyTo?.messageId !== id || !replyTo.quote) continue;
      if (content !== undefined) replyTo.quote.content = content;
      if (deletedAt) replyTo.quote.deletedAt = deletedAt;
    }
    this.#changed();
  }

  /**
   * Reads back until the message of this place is here.
   * @param {number} seq
   */
  async backTo(seq) {
    await this.#opening;
    while (this.oldest > seq && this.hasOlder && !this.#ending.signal.aborted) await this.#before(LARGEST_PAGE);
  }

  /**
   * Reads back until so many messages of others are here; gives the oldest of them.
   * @param {number} count
   * @param {string} me
   * @returns {Promise<Message | undefined>}
   */
  async backToUnread(count, me) {
    for (let pages = 0; ; pages += 1) {
      const unread = this.messages.filter(({ senderId, deletedAt }) => senderId !== me && !deletedAt).slice(-count);
      const isAll = unread.length >= count || !this.hasOlder || pages === UNREAD_PAGES_MAX;
      if (isAll || this.#ending.signal.aborted) return unread[0];
      await this.#before(LARGEST_PAGE);
    }
  }

  /** @param {number} limit */
  async #before(limit) {
    const { nextCursor } = await this.#page(`before=${this.oldest}&limit=${limit}`);
    this.#isWhole = nextCursor === null;
  }

  /**
   * Somebody has got (`delivered`) or read (`read`) the conversation further.
   * @param {'delivered' | 'read'} kind
   * @param {Receipt} body
   */
  receipt(kind, body) {
    this.#receipts.heard(kind, body);
    this.messages.forEach(message => this.#receipts.apply(message));
    this.#changed();
  }

  /** Reads what is missing before messages that came ahead. */
  #fill() {
    this.#filling ??= this.#fillUp().finally(() => { this.#filling = undefined; });
    return this.#filling;
  }

  async #fillUp() {
    while (this.#ahead.size > 0 && !this.#ending.signal.aborted) {
      await this.#readOn(this.newest);
      // A store that is read from another server may be a moment behind.
      if (this.#ahead.size > 0) await new Promise(resolve => setTimeout(resolve, GAP_PATIENCE_MS));
    }
  }

  /** A server that does not know the change number is another one than before: everything is read again. */
  async #readChanges() {
    for await (const { cursors, gap, lastChange } of this.#pages(`changesAfter=${this.#lastChange}`, this.oldest)) {
      this.#lastChange = lastChange;
      this.#receipts.told(cursors ?? []);
      this.messages.forEach(message => this.#receipts.apply(message));
      this.#changed();
      if (gap) await this.#readOn(this.oldest - 1);
    }
  }

  /** @param {number} place */
  async #readOn(place) {
    const pages = this.#pages(`after=${place}`);
    while (!(await pages.next()).done) {
      this.#joinAhead();
      this.#changed();
    }
  }

  /**
   * Reads a page and all that follow it.
   * @param {string} first
   * @param {number} [oldest]
   */
  async *#pages(first, oldest) {
    for (let query = first; query;) {
      const page = await this.#page(`${query}&limit=${LARGEST_PAGE}`, oldest);
      query = page.nextCursor ? `cursor=${encodeURIComponent(page.nextCursor)}` : '';
      yield page;
    }
  }

  /**
   * Reads a page and takes its messages. With `oldest`, only those from there to the newest that is here: a
   * page of changes may tell of others.
   * @param {string} query
   * @param {number} [oldest]
   * @returns {Promise<HistoryPage>}
   */
  async #page(query, oldest) {
    /** @type {[string, MessageChange][]} */
    const log = [];
    this.#meanwhile.add(log);
    try {
      /** @type {HistoryPage} */
      const page = await this.#api.read(`/messages/${this.#thread._id}?${query}`, this.#ending.signal);
      for (const [id, change] of log) page.messages.filter(each => each._id === id).forEach(change);
      const isHere = (/** @type {Message} */ { seq }) => oldest === undefined || seq >= oldest && seq <= this.newest;
      this.#take(page.messages.filter(isHere));
      return page;
    } finally {
      this.#meanwhile.delete(log);
    }
  }

  /**
   * Takes a page that adjoins or overlaps what is here.
   * @param {Message[]} messages
   */
  #take(messages) {
    const bySeq = new Map(this.messages.map(message => [message.seq, message]));
    for (const message of messages) {
      this.#receipts.apply(message);
      bySeq.set(message.seq, message);
    }
    this.messages = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  }

  /** Takes those that came ahead and are next now. */
  #joinAhead() {
    if (!this.#isOpen) return;
    for (const seq of [...this.#ahead.keys()].sort((one, other) => one - other)) {
      if (seq > this.newest + 1) break;
      const next = this.#ahead.get(seq);
      if (next && seq === this.newest + 1) this.#take([next]);
      this.#ahead.delete(seq);
    }
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
