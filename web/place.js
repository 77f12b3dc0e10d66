// Where the reader of the open conversation is: up to which message they have seen it, and which message was
// the first new one when they came. A message is seen once its end was before their eyes in a visible window.

import { isUnseen } from '/unseen.js';

export class ReaderPlace {
  #me;
  /** @type {import('/history.js').History | undefined} */
  #history;
  #seenTo = 0;
  /** @type {number | undefined} */
  #firstNew;

  /** @param {Me} me */
  constructor(me) {
    this.#me = me;
  }

  /** Whether it is known where the reader begins; nothing is shown or read before. */
  get isKnown() {
    return this.#history !== undefined;
  }

  /** The first message that was new when the reader came. */
  get firstNew() {
    return this.#history?.messages.find(each => each.seq === this.#firstNew);
  }

  /** The newest message of somebody else that the reader has seen. */
  get lastSeen() {
    return this.#history?.messages.findLast(each => this.#isOfOthers(each) && each.seq <= this.#seenTo);
  }

  get hasSeenAll() {
    return this.#seenTo >= (this.#history?.newest ?? 0);
  }

  /** The messages that the reader has not seen. */
  get unseen() {
    return this.#history?.messages.filter(each => each.seq > this.#seenTo) ?? [];
  }

  /** Those of them that are news. */
  get news() {
    return this.unseen.filter(each => this.#isOfOthers(each) && !each.deletedAt);
  }

  /**
   * The reader begins at the first message that is unread, else at the end.
   * @param {import('/history.js').History} history
   * @param {Message} [first]
   */
  begin(history, first) {
    this.#firstNew = first?.seq;
    this.#seenTo = first ? first.seq - 1 : history.newest;
    this.#history = history;
  }

  /** The conversation is closed. */
  forget() {
    this.#history = this.#firstNew = undefined;
    this.#seenTo = 0;
  }

  /**
   * A message of somebody else came: while nobody looks it is new to whoever comes back.
   * @param {Message} message
   */
  came({ seq }) {
    if (isUnseen() && (this.#firstNew ?? 0) <= this.#seenTo) this.#firstNew = seq;
  }

  /**
   * The reader looks: `hasCome` says of a message whether its end is before their eyes, or was.
   * @param {(message: Message) => boolean} hasCome
   */
  look(hasCome) {
    if (!isUnseen()) this.#seenTo = this.unseen.findLast(hasCome)?.seq ?? this.#seenTo;
  }

  /** The reader wants to be at the end: what they leave out on the way is not new any more. */
  leaveOut() {
    this.#seenTo = Math.max(this.#seenTo, this.#history?.newest ?? 0);
  }

  /** The reader has answered: they have done with what was new. */
  answered() {
    this.#firstNew = undefined;
    this.leaveOut();
  }

  /** @param {Message} message */
  #isOfOthers({ senderId }) {
    return senderId !== this.#me.id;
  }
}
