// How far each thread was told, kept over a restart: for programs that must hear what was written while they
// were away. Written behind what is told: after a crash the last messages may be told again.

/** @typedef {import('./feed.js').Place} Place */

export class Places {
  #storage;
  #prefix;
  #troubled;
  /** What is to be written, by key. @type {Map<string, string>} */
  #waiting = new Map();
  #isWriting = false;

  /**
   * @param {import('./storage.js').Keeper} storage
   * @param {string} user
   * @param {(error: unknown) => void} troubled
   */
  constructor(storage, user, troubled) {
    this.#storage = storage;
    this.#prefix = `eventflow:${user}:place:`;
    this.#troubled = troubled;
  }

  /**
   * Everything that was kept; `newest` is the newest time of the server that was seen.
   * @returns {Promise<{ threads: [string, Place][], newest: number }>}
   */
  async read() {
    try {
      const kept = (await this.#storage.list(this.#prefix)).map(([key, text]) => [key.slice(this.#prefix.length), JSON.parse(text)]);
      return { threads: kept.map(([threadId, { newest: _, ...place }]) => [threadId, place]), newest: Math.max(0, ...kept.map(([, { newest }]) => newest)) };
    } catch (error) {
      this.#troubled(error);
      return { threads: [], newest: 0 };
    }
  }

  /**
   * @param {string} threadId
   * @param {Place} place
   * @param {number} newest
   */
  keep(threadId, place, newest) {
    this.#waiting.set(this.#prefix + threadId, JSON.stringify({ ...place, newest }));
    if (!this.#isWriting) this.#write();
  }

  /** @param {string} threadId */
  forget(threadId) {
    this.#waiting.delete(this.#prefix + threadId);
    this.#storage.delete(this.#prefix + threadId).catch(this.#troubled);
  }

  /** Forgets everything. */
  async clear() {
    this.#waiting.clear();
    const kept = await this.#storage.list(this.#prefix).catch(() => []);
    await Promise.all(kept.map(([key]) => this.#storage.delete(key))).catch(this.#troubled);
  }

  /** Writes one after the other; of several places of one thread only the last. */
  async #write() {
    this.#isWriting = true;
    for (const [key, text] of this.#waiting) {
      this.#waiting.delete(key);
      await this.#storage.set(key, text).catch(this.#troubled);
    }
    this.#isWriting = false;
  }
}
