// Sends what was written in a conversation, once its files are there: until then the wish waits, and the text
// and the files stay where they are. If a file fails, nothing is sent, and somebody decides. What is to be
// sent later goes to the server at once; files cannot be sent later. Dispatches `change`.

import { mentionedIn } from '/mentions.js';
import { attempt, tell } from '/notice.js';
import { several } from '/times.js';

/** Characters of a message, as the server counts them. */
export const LENGTH_MAX = 10_000;

/**
 * Why a text with so many characters too many is not sent.
 * @param {number} count
 */
export const tooLong = count => `${several(count, 'character')} too many. A message has at most ${LENGTH_MAX.toLocaleString('en')}.`;

export class Sending extends EventTarget {
  #parts;
  /** Conversations whose message waits for its files. @type {Set<string>} */
  #wishes = new Set();
  /** Conversations of which something is on its way to be sent later. @type {Set<string>} */
  #planning = new Set();

  /**
   * `parts`: `drafts`, `members`, `threads`, `uploads`, `later`, and `send(threadId, message)`.
   * @param {{ drafts: import('/drafts.js').Drafts, members: import('/members.js').Members,
   *   threads: import('/threads.js').Threads, uploads: import('/uploads.js').Uploads,
   *   later: import('/later.js').Later, send: (threadId: string, message: Written) => void }} parts
   */
  constructor(parts) {
    super();
    this.#parts = parts;
    parts.uploads.addEventListener('change', () => [...this.#wishes].forEach(threadId => this.#look(threadId)));
  }

  /**
   * Whether there is anything to send.
   * @param {string} threadId
   */
  hasAnything(threadId) {
    return this.#parts.drafts.of(threadId).content.trim() !== '' || this.#parts.uploads.of(threadId).length > 0;
  }

  /**
   * What a conversation's message waits for, as a sentence; nothing if it does not wait.
   * @param {string | undefined} threadId
   */
  waitsFor(threadId) {
    if (!threadId) return '';
    if (this.#planning.has(threadId)) return 'Being planned …';
    return this.#wishes.has(threadId) ? 'This is sent as soon as its files are uploaded.' : '';
  }

  /**
   * Whether it can still be kept from being sent.
   * @param {string | undefined} threadId
   */
  isHeld(threadId) {
    return threadId !== undefined && this.#wishes.has(threadId);
  }

  /**
   * Sends what is written in a conversation.
   * @param {string} threadId
   */
  want(threadId) {
    if (!this.hasAnything(threadId) || this.#planning.has(threadId)) return;
    this.#wishes.add(threadId);
    this.#look(threadId);
    this.#changed();
  }

  /**
   * Sends what is written in a conversation at this time. The draft goes once the server has the message, if
   * nothing else was typed meanwhile.
   * @param {string} threadId
   * @param {Date} sendAt
   */
  async plan(threadId, sendAt) {
    const { drafts, later, uploads } = this.#parts;
    if (uploads.of(threadId).length > 0) return tell('Files cannot be sent later. Send them now, or remove them.');
    const message = this.#written(threadId, []);
    if (!message || this.#planning.has(threadId)) return undefined;
    this.#planning.add(threadId);
    this.#changed();
    const isKept = await attempt(async () => { await later.add(threadId, message, sendAt); return true; });
    if (isKept && drafts.of(threadId).content.trim() === message.content) drafts.end(threadId);
    this.#planning.delete(threadId);
    return this.#changed();
  }

  /** @param {string | undefined} threadId */
  give(threadId) {
    if (threadId && this.#wishes.delete(threadId)) this.#changed();
  }

  /** @param {string} threadId */
  #look(threadId) {
    if (!this.#wishes.has(threadId)) return;
    const files = this.#parts.uploads.of(threadId);
    const isFailed = files.some(({ state }) => state === 'failed');
    if (!isFailed && files.some(({ state }) => state !== 'ready')) return;
    this.#wishes.delete(threadId);
    if (isFailed) tell('Not sent: a file could not be uploaded. Try it again, or remove it.');
    else this.#send(threadId, files);
    this.#changed();
  }

  /**
   * @param {string} threadId
   * @param {UploadEntry[]} files
   */
  #send(threadId, files) {
    const message = this.#written(threadId, files);
    if (!message) return;
    this.#parts.drafts.end(threadId);
    this.#parts.uploads.settle(files);
    this.#parts.send(threadId, message);
  }

  /**
   * What is written; nothing if it was taken out or is too long by now.
   * @param {string} threadId
   * @param {UploadEntry[]} entries
   * @returns {Written | undefined}
   */
  #written(threadId, entries) {
    const { drafts, members, threads } = this.#parts;
    const { content: typed, answered, mentioned, isFromElsewhere } = drafts.of(threadId);
    const content = typed.trim();
    const files = entries.flatMap(({ attachment }) => attachment ?? []);
    if (content === '' && files.length === 0 || [...content].length > LENGTH_MAX) return undefined;
    const thread = threads.get(threadId);
    const mentions = mentionedIn(content, isFromElsewhere ? [...mentioned, ...thread ? members.of(thread) : []] : mentioned);
    return { content, mentions, answered, files };
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
