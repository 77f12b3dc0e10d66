// What a page shows of one thread: its messages without a gap between the oldest and the newest that are
// here, with edits, reactions and receipts, and what waits in the outbox.
//
// Every event may come twice and at any time: what is heard while a page is on its way is applied to that
// page too. A snapshot never changes; there is a new one after each change, as React's `useSyncExternalStore`
// wants it.

import { pause, pauseAfter } from './pause.js';
import { Receipts } from './receipts.js';
import { Refusal } from './refusal.js';

/** @typedef {import('./documents.js').Message} Message */
/** @typedef {import('./documents.js').ListedThread} ListedThread */
/** @typedef {import('./api/messages.js').HistoryQuery} HistoryQuery */
/** Which page of the history. @typedef {import('./api/path.js').PageQuery & HistoryQuery} Query */
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
/** The most characters of a quote. */
const QUOTE_MAX_CHARS = 200;
/** Time for a store that is read from another server: it may be a moment behind what was told. */
const BEHIND_PAUSE_MS = 400;

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
  /** Ends what was begun since the last `open`. */
  #ending = new AbortController();
  /** @type {Promise<void> | undefined} */
  #filling;
  /** The newest `seq` that was told, of messages that are here or still to be read. */
  #told = 0;
  /** The highest `seq` that was marked as read, or is being marked. */
  #readTo = 0;
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

  /**
   * Reads the newest messages and follows the thread from then on; also again, after `close`. Rejects with an
   * `AbortError` if it is closed meanwhile.
   */
  async open() {
    if (this.#ending.signal.aborted) this.#ending = new AbortController();
    const { signal } = this.#ending;
    if (this.#ends.length === 0) this.#listen();
    const thread = await this.#client.threads.get(this.threadId);
    signal.throwIfAborted();
    this.#thread = thread;
    this.#receipts = new Receipts(thread.participants, thread.participantCount);
    await this.#openNewest();
    this.#join();
  }

  /** Ends it: nobody looks any more. What was shown last stays in the snapshot until it is opened again. */
  close() {
    this.#ending.abort();
    this.#ends.splice(0).forEach(end => end());
    this.#filling = undefined;
    this.#early = [];
    this.#typing.clear();
    this.#isOpen = false;
    this.#client.ask('thread:leave', { threadId: this.threadId }).catch(() => {});
    this.#changed();
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

  /** Marks everything that is shown as read, once. */
  async markRead() {
    const [seq, before] = [this.#newest, this.#readTo];
    if (seq <= before) return;
    this.#readTo = seq;
    try {
      await this.#client.threads.read(this.threadId, seq);
    } catch (error) {
      if (this.#readTo === seq) this.#readTo = before;
      throw error;
    }
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
    on('thread:reset', () => this.#reset());
    on('outbox', () => this.#changed());
    for (const name of /** @type {const} */ (['message:updated', 'message:pinned'])) {
      this.#ends.push(this.#client.on(name, ({ message }) => message.threadId === this.threadId && replace(message)));
    }
    // So that it does not go from `pending` before it is here; behind a gap the feed tells it in its turn.
    this.#ends.push(this.#client.on('stored', ({ message }) => {
      if (message.threadId === this.threadId && message.seq === this.#newest + 1) this.#received(message);
    }));
    // Without a connection nobody says that somebody has stopped.
    this.#ends.push(this.#client.on('state', ({ state }) => state !== 'online' && this.#typing.size > 0 && this.#nobodyTypes()));
    this.#ends.push(this.#client.on('resumed', () => {
      this.#join();
      if (this.#isOpen) this.#fill();
    }));
  }

  /** @param {Message} message */
  #received(message) {
    if (!this.#isOpen) return void this.#early.push(message);
    if (message.seq <= this.#newest) return undefined;
    this.#told = Math.max(this.#told, message.seq);
    this.#typing.delete(message.senderId);
    if (message.seq > this.#newest + 1) return void this.#fill();
    this.#take([message]);
    return this.#changed();
  }

  /** The feed may be further than the page that was read: what is between is read, too. */
  #fill() {
    if (this.#filling) return;
    const filling = this.#untilDone(signal => this.#fillUp(signal)).finally(() => {
      if (this.#filling === filling) this.#filling = undefined;
    });
    this.#filling = filling;
  }

  /**
   * Reads on from the newest message that is here: page by page, however short, and until everything is here
   * that was told.
   * @param {AbortSignal} signal
   */
  async #fillUp(signal) {
    for (;;) {
      /** @type {Query | undefined} */
      let query = { after: this.#newest };
      while (query) {
        const { nextCursor } = await this.#page(query);
        this.#changed();
        query = nextCursor ? { cursor: nextCursor } : undefined;
      }
      if (this.#newest >= this.#told) return;
      await pause(BEHIND_PAUSE_MS, signal);
    }
  }

  /** The server's data is another one: everything is read again, and nothing that was being read is taken. */
  #reset() {
    if (this.#isOpen) {
      this.#ending.abort();
      this.#ending = new AbortController();
      this.#filling = undefined;
    }
    this.#told = this.#readTo = 0;
    this.#untilDone(() => this.#openNewest());
  }

  /**
   * Does something that nobody waits for until it is done or refused for good, or the conversation is closed:
   * what fails for the moment only is done again, once there is a connection.
   * @param {(signal: AbortSignal) => Promise<void>} act
   */
  async #untilDone(act) {
    const { signal } = this.#ending;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        return await act(signal);
      } catch (error) {
        if (!(error instanceof Refusal) || !error.isPassing) return undefined;
        await pause(pauseAfter(failures, error.retryAfterMs), signal).catch(() => {});
        await this.#online();
      }
    }
    return undefined;
  }

  /** Resolves once there is a connection, or the conversation is closed. @returns {Promise<void>} */
  #online() {
    if (this.#client.state === 'online') return Promise.resolve();
    return new Promise(resolve => this.#ends.push(resolve, this.#client.on('state', ({ state }) => state === 'online' && resolve())));
  }

  #nobodyTypes() {
    this.#typing.clear();
    this.#changed();
  }

  /**
   * @param {string} id
   * @param {Change} change
   */
  #update(id, change) {
    this.#meanwhile.forEach(log => log.push([id, change]));
    const changed = (/** @type {Message} */ message) => message._id === id ? this.#receipts.applied(change(message)) : requoted(message, id, change);
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
   * @param {Query} query
   */
  async #page(query) {
    const { signal } = this.#ending;
    /** @type {[string, Change][]} */
    const log = [];
    this.#meanwhile.add(log);
    try {
      const page = await this.#client.messages.history(this.threadId, { ...query, limit: PAGE, signal });
      // It may be open again, or of another state of the server, by now.
      signal.throwIfAborted();
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
 * A reply to a message that changes quotes it as it is then.
 * @param {Message} message
 * @param {string} id
 * @param {Change} change
 * @returns {Message}
 */
function requoted(message, id, change) {
  const quote = message.replyTo?.messageId === id ? message.replyTo.quote : undefined;
  if (!quote) return message;
  const { content, deletedAt } = change({ ...message, content: quote.content, deletedAt: quote.deletedAt });
  return { ...message, replyTo: { messageId: id, quote: { ...quote, content: [...content].slice(0, QUOTE_MAX_CHARS).join(''), deletedAt } } };
}

/**
 * A message that was taken back keeps its place.
 * @param {string} deletedAt
 * @returns {Change}
 */
const taken = deletedAt => message => ({ ...message, content: '', attachments: [], reactions: [], deletedAt });
