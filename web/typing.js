// Who is typing. The server hears seldom what this user does; what others do is shown until they stop, send,
// or are not heard of any more. Dispatches `change`.

/** A start is repeated while keys are pressed, no more often than this. */
const REPEAT_MS = 3_000;
/** Without a key for this long one has stopped. */
const IDLE_MS = 3_000;
/** The server ends what others do after 6 s; this ends it if that is not heard. */
const LIFE_MS = 8_000;

export class Typing extends EventTarget {
  #connection;
  /** @type {string | undefined} */
  #thread;
  #toldAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idle;
  /** @type {Map<string, Map<string, ReturnType<typeof setTimeout>>>} */
  #others = new Map();

  /** @param {import('/connection.js').Connection} connection */
  constructor(connection) {
    super();
    this.#connection = connection;
  }

  /**
   * A key was pressed in a conversation.
   * @param {string} threadId
   */
  pressed(threadId) {
    if (this.#thread !== threadId) this.stopped();
    this.#thread = threadId;
    if (Date.now() - this.#toldAt >= REPEAT_MS) {
      this.#toldAt = Date.now();
      this.#connection.mention('typing:start', { threadId });
    }
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stopped(), IDLE_MS);
  }

  /** It was sent or left, or nothing is being written any more. */
  stopped() {
    clearTimeout(this.#idle);
    if (this.#thread) this.#connection.mention('typing:stop', { threadId: this.#thread });
    this.#thread = undefined;
    this.#toldAt = 0;
  }

  /**
   * Who types in a conversation.
   * @param {string | undefined} threadId
   * @returns {string[]}
   */
  in(threadId) {
    return threadId ? [...this.#others.get(threadId)?.keys() ?? []] : [];
  }

  /** @param {{ threadId: string, userId: string, isTyping: boolean }} signal */
  heard({ threadId, userId, isTyping }) {
    const people = this.#others.get(threadId) ?? new Map();
    clearTimeout(people.get(userId));
    people.delete(userId);
    if (isTyping) people.set(userId, setTimeout(() => this.heard({ threadId, userId, isTyping: false }), LIFE_MS));
    if (people.size > 0) this.#others.set(threadId, people);
    else this.#others.delete(threadId);
    this.dispatchEvent(new Event('change'));
  }

  /** Nothing of it is known without a connection. */
  disconnected() {
    for (const people of this.#others.values()) people.forEach(timer => clearTimeout(timer));
    this.#others.clear();
    this.#thread = undefined;
    this.#toldAt = 0;
    this.dispatchEvent(new Event('change'));
  }
}
