// Read receipts: the open conversation is read up to the newest message that its reader has had before their
// eyes in a visible window, and no further. The server is told once for each such message, and not more often
// than somebody can read. What its reader has marked unread, here or on another device, is read when it is
// opened anew, or when more comes.

import { Refusal } from '/refusal.js';

const PAUSE_MS = 1_000;
const AGAIN_MS = 10_000;

export class Reading {
  #connection;
  #threads;
  #look;
  /** @type {Map<string, number>} */
  #read = new Map();
  /** The newest messages of conversations that are marked unread. @type {Map<string, number>} */
  #held = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * `look` gives `{thread, message, isEnd}`: the newest message of somebody else that its reader has seen,
   * and whether nothing comes behind it; or it gives nothing.
   * @param {{ connection: import('/connection.js').Connection, threads: import('/threads.js').Threads,
   *   look: () => Seen | undefined }} parts
   */
  constructor({ connection, threads, look }) {
    this.#connection = connection;
    this.#threads = threads;
    this.#look = look;
    document.addEventListener('visibilitychange', () => this.look());
  }

  /** Something came into view. */
  look() {
    const seen = this.#look();
    if (this.#timer || !seen || !this.#connection.isUp) return;
    const { thread, message } = seen;
    if (message.seq <= Math.max(this.#place(thread), this.#held.get(thread._id) ?? 0)) return;
    this.#timer = this.#again(PAUSE_MS);
    this.#tell(seen);
  }

  /**
   * A conversation that was read to its end was marked unread.
   * @param {Thread} thread
   */
  unread(thread) {
    this.#held.set(thread._id, thread.lastSeq);
    this.#read.delete(thread._id);
    thread.readTo = 0;
  }

  /**
   * A conversation is opened: what was marked unread may be read.
   * @param {string} threadId
   */
  opened(threadId) {
    this.#held.delete(threadId);
  }

  /**
   * Up to where the server knows a conversation to be read.
   * @param {Thread} thread
   */
  #place(thread) {
    return Math.max(this.#read.get(thread._id) ?? 0, thread.readTo ?? 0);
  }

  /**
   * Who has seen the last message has read the conversation: nothing may be counted as unread behind it then.
   * @param {Seen} seen
   */
  async #tell({ thread, message, isEnd }) {
    const before = this.#read.get(thread._id) ?? 0;
    this.#read.set(thread._id, message.seq);
    try {
      const { unreadCount } = isEnd
        ? await this.#connection.ask('thread:read', { threadId: thread._id })
        : await this.#connection.ask('message:read', { threadId: thread._id, seq: message.seq });
      this.#threads.updated({ _id: thread._id, unreadCount });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#read.set(thread._id, before);
      clearTimeout(this.#timer);
      this.#timer = this.#again(AGAIN_MS);
    }
  }

  /** @param {number} time */
  #again(time) {
    return setTimeout(() => {
      this.#timer = undefined;
      this.look();
    }, time);
  }
}
