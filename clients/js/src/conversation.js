// What a page shows of one thread: its messages without a gap between the oldest and the newest that are
// here, with edits, reactions and receipts, and what waits in the outbox.
//
// Every event may come twice and at any time: what is heard while a page is on its way is applied to that
// page too. A snapshot never changes; there is a new one after each change, as React's `useSyncExternalStore`
// wants it.

import { Receipts } from './receipts.js';

/** @typedef {import('./documents.js').Message} Message */
/** @typedef {import('./documents.js').ListedThread} ListedThread */
/** What happens to a message. @typedef {(message: Message) => Message} Change */

/**
 * @typedef {object} Snapshot
 * @property {ListedThread | undefined} thread
 * @property {readonly Message[]} messages ascending by `seq`, without a gap
 * @property {readonly import('./outbox.js').OutboxEntry[]} pending what is not stored yet, behind them
 * @property {readonly string[]} typing who types
 * @property {boolean} isOpen whether the newest messages are here
 * @property {boolean} hasOlder whether there are messages before these
 */

/** Messages shown at first, and more at each step into the past. */
const PAGE = 50;

export class Conversation {
  #client;
  /** @type {ListedThread | undefined} */
  #thread;
  #receipts = new Receipts([], 0);
  /** @type {Message[]} */
  #messages = [];
  /** Messages that came before the newest page did. @type {Message[]} */
  #early = [];
  /**
   * Of each page that is on its way: what has happened since it was asked for.
   * @type {Set<[string, Change][]>}
   */
  #meanwhile = new Set();
  /** @type {Set<string>} */
  #typing = new Set();
  /** @type {Set<() => void>} */
  #watchers = new Set();
  /** @type {Snapshot | undefined} */
  #snapshot;
  /** @type {(() => void)[]} */
  #ends = [];
  #ending = new AbortController();
  /** @type {Promise<void> | undefined} */
  #filling;
  #isOpen = false;

  /**
   * @param {import('./client.js').EventFlow} client
   * @param {string} threadId
   */
  constructor(client, threadId) {
    this.#client = client;
    this.threadId = threadId;
  }

  /** What there is to show now. */
  get snapshot() {
    return this.#snapshot ??= Object.freeze({
      thread: this.#thread, messages: this.#messages, pending: this.#client.outbox.entries(this.threadId).map(entry => ({ ...entry })),
      typing: [...this.#typing], isOpen: this.#isOpen, hasOlder: this.#oldest > 1,
    });
  }

  /**
   * Calls `act` after each change. Gives a function that ends it.
   * @param {() => void} act
   * @returns {() => void}
   */
  subscribe = act => {
    this.#watchers.add(act);
    return () => void this.#watchers.delete(act);
  };

  /**
   * What there is to show now; for React's `useSyncExternalStore`, as `subscribe`.
   * @returns {Snapshot}
   */
  getSnapshot = () => this.snapshot;

  /** Reads the newest messages and follows the thread from then on. */
  async open() {
    if (this.#ends.length === 0) this.#listen();
    this.#thread = await this.#client.threads.get(this.threadId);
    this.#receipts = new Receipts(this.#thread.participants, this.#thread.participantCount);
    await this.#openNewest();
    this.#join();
  }

  /** Ends it: nobody looks any more. */
  close() {
    this.#ending.abort();
    this.#ends.forEach(end => end());
    this.#client.ask('thread:leave', { threadId: this.threadId }).catch(() => {});
  }

  /** Reads a page of what was before. */
  async older() {
    await this.#page({ before: this.#oldest });
    this.#changed();
  }

  /**
   * Sends a message by the outbox; it is shown as pending until it is stored.
   * @param {string | import('./outbox.js').Draft} draft
   * @returns {Promise<Message>}
   */
  send(draft) {
    return this.#client.send(this.threadId, draft);
  }

  /** Marks everything that is shown as read. */
  async markRead() {
    if (this.#newest > 0) await this.#client.threads.read(this.threadId, this.#newest);
  }

  /** Tells the others that the person types. The server ends it after 6 s; call it again with each key. */
  startTyping() {
    this.#client.ask('typing:start', { threadId: this.threadId }).catch(() => {});
  }

  /** Tells the others that the person does not type any more. */
  stopTyping() {
    this.#client.ask('typing:stop', { threadId: this.threadId }).catch(() => {});
  }

  /**
   * Who has read a message.
   * @param {Message} message
   * @returns {string[]}
   */
  readers(message) {
    return this.#receipts.readers(message);
  }

  get #oldest() {
    return this.#messages[0]?.seq ?? 1;
  }

  get #newest() {
    return this.#messages.at(-1)?.seq ?? 0;
  }

  async #openNewest() {
    this.#isOpen = false;
    this.#messages = [];
    const { lastChange } = await this.#page({});
    this.#client.feed.know(this.threadId, { seq: this.#newest, lastChange });
    this.#isOpen = true;
    this.#early.splice(0).forEach(message => this.#received(message));
    this.#changed();
  }

  /** Says that the person looks at the thread, so that presence comes; a new session has to hear it again. */
  #join() {
    if (!this.#ending.signal.aborted) this.#client.ask('thread:join', { threadId: this.threadId }).catch(() => {});
  }

  #listen() {
    /** @type {(name: keyof import('./events.js').Events, act: (body: any) => void) => void} */
    const on = (name, act) => void this.#ends.push(this.#client.on(name, body => {
      if (/** @type {any} */ (body).threadId === this.threadId) act(body);
    }));
    const replace = (/** @type {Message} */ message) => this.#update(message._id, () => message);
    on('message', ({ message }) => this.#received(message));
    on('changed', ({ message }) => replace(message));
    on('message:deleted', ({ messageId, deletedAt }) => this.#update(messageId, taken(deletedAt)));
    on('reaction:received', ({ messageId, reactions }) => this.#update(messageId, message => ({ ...message, reactions })));
    on('message:read:update', receipt => this.#receipt(() => this.#receipts.heard('read', receipt)));
    on('message:status', receipt => this.#receipt(() => this.#receipts.heard('delivered', receipt)));
    on('cursors', ({ cursors }) => this.#receipt(() => this.#receipts.told(cursors)));
    on('typing:update', ({ userId, isTyping }) => this.#types(userId, isTyping));
    on('thread:reset', () => this.#openNewest().catch(() => {}));
    on('outbox', () => this.#changed());
    this.#ends.push(this.#client.on('message:updated', ({ message }) => message.threadId === this.threadId && replace(message)));
    this.#ends.push(this.#client.on('resumed', () => {
      this.#join();
      if (this.#isOpen) this.#fill();
    }));
  }

  /** @param {Message} message */
  #received(message) {
    if (!this.#isOpen) return void this.#early.push(message);
    if (message.seq <= this.#newest) return undefined;
    this.#typing.delete(message.senderId);
    if (message.seq > this.#newest + 1) return void this.#fill();
    this.#take([message]);
    return this.#changed();
  }

  /**
   * The feed may be further than the page that was read: what is between is read, too. If that cannot be done
   * now, the next message or connect does it.
   */
  #fill() {
    this.#filling ??= (async () => {
      for await (const page of this.#client.messages.pages(this.threadId, { after: this.#newest, signal: this.#ending.signal })) this.#take(page.messages);
      this.#changed();
    })().catch(() => {}).finally(() => { this.#filling = undefined; });
    return this.#filling;
  }

  /**
   * @param {string} id
   * @param {Change} change
   */
  #update(id, change) {
    this.#meanwhile.forEach(log => log.push([id, change]));
    const changed = (/** @type {Message} */ message) => message._id === id ? this.#receipts.applied(change(message)) : message;
    this.#messages = this.#messages.map(changed);
    this.#early = this.#early.map(changed);
    this.#changed();
  }

  /** @param {() => void} take */
  #receipt(take) {
    take();
    this.#messages = this.#messages.map(message => this.#receipts.applied(message));
    this.#changed();
  }

  /**
   * @param {string} userId
   * @param {boolean} isTyping
   */
  #types(userId, isTyping) {
    if (isTyping) this.#typing.add(userId);
    else this.#typing.delete(userId);
    this.#changed();
  }

  /**
   * Reads a page and takes its messages.
   * @param {import('./api/messages.js').HistoryQuery} query
   */
  async #page(query) {
    /** @type {[string, Change][]} */
    const log = [];
    this.#meanwhile.add(log);
    try {
      const page = await this.#client.messages.history(this.threadId, { ...query, limit: PAGE, signal: this.#ending.signal });
      this.#take(page.messages.map(message => log.reduce((now, [id, change]) => id === now._id ? change(now) : now, message)));
      return page;
    } finally {
      this.#meanwhile.delete(log);
    }
  }

  /**
   * Takes messages that adjoin or overlap what is here.
   * @param {Message[]} messages
   */
  #take(messages) {
    const bySeq = new Map(this.#messages.map(message => [message.seq, message]));
    for (const message of messages) bySeq.set(message.seq, this.#receipts.applied(message));
    this.#messages = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  }

  #changed() {
    this.#snapshot = undefined;
    this.#watchers.forEach(act => act());
  }
}

/**
 * A message that was taken back keeps its place.
 * @param {string} deletedAt
 * @returns {Change}
 */
const taken = deletedAt => message => ({ ...message, content: '', attachments: [], reactions: [], deletedAt });
