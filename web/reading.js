// Read receipts: the open conversation is read while its window is visible and its newest message is in view.
// The server is told once for each newest message, and not more often than somebody can read. What its reader
// has marked unread, here or on another device, is read when it is opened anew, or when more comes.

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
   * `look` gives `{thread, message}`: the newest message of somebody else that its reader has before their
   * eyes, or nothing.
   * @param {{ connection: import('/connection.js').Connection, threads: import('/threads.js').Threads,
   *   look: () => { thread: Thread, message: Message } | undefined }} parts
   */
  constructor({ connection, threads, look }) {
    this.#connection = connection;
    this.#threads = threads;
    this.#look = look;
    document.addEventListener('visibilitychange', () => this.look());
  }

  /** Something came into view. */
  look() {
    const inView = this.#look();
    if (this.#timer || !inView || !this.#connection.isUp) return;
    const { thread, message } = inView;
    if (message.seq <= Math.max(this.#place(thread), this.#held.get(thread._id) ?? 0)) return;
    this.#timer = this.#again(PAUSE_MS);
    this.#tell(thread, message);
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
   * @param {Thread} thread
   * @param {Message} message
   */
  async #tell(thread, message) {
    const before = this.#read.get(thread._id) ?? 0;
    this.#read.set(thread._id, message.seq);
    try {
      const { unreadCount } = await this.#connection.ask('thread:read', { threadId: thread._id });
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
