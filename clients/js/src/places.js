// How far each thread was told, kept over a restart: for programs that must hear what was written while they
// were away. Written behind what is told, one after the other: after a crash the last messages may be told
// again.

/** @typedef {import('./feed.js').Place} Place */

export class Places {
  #storage;
  #prefix;
  #troubled;
  /** What is to be written, by key; nothing: to be deleted. @type {Map<string, string | undefined>} */
  #waiting = new Map();
  /** Resolves once nothing waits any more. @type {Promise<void> | undefined} */
  #writing;
  #isCleared = false;

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
    this.#write(threadId, JSON.stringify({ ...place, newest }));
  }

  /** @param {string} threadId */
  forget(threadId) {
    this.#write(threadId, undefined);
  }

  /** Forgets everything, and keeps nothing from then on. What is being written is waited for. */
  async clear() {
    this.#isCleared = true;
    this.#waiting.clear();
    await this.#writing;
    const kept = await this.#storage.list(this.#prefix).catch(() => []);
    await Promise.all(kept.map(([key]) => this.#storage.delete(key))).catch(this.#troubled);
  }

  /**
   * @param {string} threadId
   * @param {string | undefined} text
   */
  #write(threadId, text) {
    if (this.#isCleared) return;
    this.#waiting.set(this.#prefix + threadId, text);
    this.#writing ??= this.#writeAll();
  }

  /** Of several places of one thread only the last is written. */
  async #writeAll() {
    for (const [key, text] of this.#waiting) {
      this.#waiting.delete(key);
      await (text === undefined ? this.#storage.delete(key) : this.#storage.set(key, text)).catch(this.#troubled);
    }
    this.#writing = undefined;
  }
}
