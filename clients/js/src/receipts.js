// How far the messages of a thread have come: what the server says of each, and what follows from how far
// everybody has received and read. Of two things heard the further one counts, in whatever order they come.

/** @typedef {import('./documents.js').Message} Message */
/** @typedef {import('./documents.js').MessageStatus} MessageStatus */

const RANK = { sent: 0, delivered: 1, read: 2 };
/** In larger threads the server keeps no receipts of single messages. */
const PEOPLE_MAX = 100;
/** The newest words of the server on messages that are remembered, for those that are still on their way. */
const TOLD_MAX = 200;

export class Receipts {
  #participants;
  #isLarge;
  /** @type {Map<string, { delivered: number, read: number }>} */
  #cursors = new Map();
  /** @type {Map<string, MessageStatus>} */
  #told = new Map();

  /**
   * @param {string[]} participants
   * @param {number} count how many there are; of a large thread only the first are known
   */
  constructor(participants, count) {
    this.#participants = participants;
    this.#isLarge = count > Math.min(PEOPLE_MAX, participants.length);
  }

  /**
   * Takes `message:status` (`delivered`) or `message:read:update` (`read`).
   * @param {'delivered' | 'read'} kind
   * @param {import('./events.js').Receipt} receipt
   */
  heard(kind, { userId, seq, messages }) {
    const cursor = this.#cursors.get(userId) ?? { delivered: 0, read: 0 };
    this.#cursors.set(userId, { ...cursor, [kind]: Math.max(cursor[kind], seq) });
    for (const { _id, status } of messages) if (RANK[status] > RANK[this.#told.get(_id) ?? 'sent']) this.#told.set(_id, status);
    this.#told = new Map([...this.#told].slice(-TOLD_MAX));
  }

  /**
   * Takes everybody's cursors, as the server tells them after an absence.
   * @param {import('./documents.js').Cursors[]} cursors
   */
  told(cursors) {
    for (const { userId, deliveredSeq, readSeq } of cursors) {
      const known = this.#cursors.get(userId) ?? { delivered: 0, read: 0 };
      this.#cursors.set(userId, { delivered: Math.max(known.delivered, deliveredSeq), read: Math.max(known.read, readSeq) });
    }
  }

  /**
   * The message with what was heard of it.
   * @param {Message} message
   * @returns {Message}
   */
  applied(message) {
    const status = this.#status(message);
    return status && RANK[status] > RANK[message.status] ? { ...message, status } : message;
  }

  /**
   * Who has read a message; nobody in a large thread, where that is not told.
   * @param {Message} message
   * @returns {string[]}
   */
  readers(message) {
    if (this.#isLarge) return [];
    return this.#recipients(message).filter(id => this.#has('read', message, id));
  }

  /**
   * @param {Message} message
   * @returns {MessageStatus | undefined}
   */
  #status(message) {
    const told = this.#told.get(message._id);
    if (told === 'read' || this.#isLarge) return told;
    const recipients = this.#recipients(message);
    if (recipients.every(id => this.#has('read', message, id))) return 'read';
    return recipients.every(id => this.#has('delivered', message, id)) ? 'delivered' : told;
  }

  /** @param {Message} message */
  #recipients({ senderId }) {
    return this.#participants.filter(id => id !== senderId);
  }

  /**
   * What was read was delivered.
   * @param {'delivered' | 'read'} kind
   * @param {Message} message
   * @param {string} id
   */
  #has(kind, { seq, readBy, deliveredTo }, id) {
    const { delivered, read } = this.#cursors.get(id) ?? { delivered: 0, read: 0 };
    if (read >= seq || readBy.some(each => each.userId === id)) return true;
    return kind === 'delivered' && (delivered >= seq || deliveredTo.some(each => each.userId === id));
  }
}
