// How far one's own messages have come: what the server says of each, and what follows from how far everybody
// has received and read.
//
// Nothing here goes back: of two things heard the further one counts, in whatever order they come.

const RANK = { sent: 0, delivered: 1, read: 2 };
/** In larger conversations the server keeps no receipts of single messages. */
const PEOPLE_MAX = 100;
/**
 * The newest words of the server on single messages that are remembered, for messages that are still on their
 * way here.
 */
const TOLD_MAX = 200;

export class Receipts {
  #participants;
  #count;
  /** From which message on somebody who came later is in it. @type {Map<string, number>} */
  #since = new Map();
  /** @type {Map<string, { delivered: number, read: number }>} */
  #cursors = new Map();
  /** @type {Map<string, MessageStatus>} */
  #told = new Map();

  /**
   * @param {string[]} participants
   * @param {number} count how many there are; of a large conversation only the first are known
   */
  constructor(participants, count = participants.length) {
    this.#participants = participants;
    this.#count = count;
  }

  /** Whether not everybody is known, or nobody keeps receipts. */
  get #isLarge() {
    return this.#count > Math.min(PEOPLE_MAX, this.#participants.length);
  }

  /**
   * People were added: messages up to the one of this place were not for them.
   * @param {string[]} ids
   * @param {number} seq
   */
  joined(ids, seq) {
    const others = ids.filter(id => !this.#participants.includes(id));
    others.forEach(id => this.#since.set(id, seq));
    this.#participants = [...this.#participants, ...others];
    this.#count += others.length;
  }

  /**
   * Nobody waits any more for who has left.
   * @param {string} id
   */
  left(id) {
    if (this.#participants.includes(id)) this.#count -= 1;
    this.#participants = this.#participants.filter(each => each !== id);
  }

  /**
   * Takes `message:status` (`delivered`) or `message:read:update` (`read`).
   * @param {'delivered' | 'read'} kind
   * @param {Receipt} receipt
   */
  heard(kind, { userId, seq, messages }) {
    const cursor = this.#cursors.get(userId) ?? { delivered: 0, read: 0 };
    this.#cursors.set(userId, { ...cursor, [kind]: Math.max(cursor[kind], seq) });
    for (const { _id, status } of messages) if (RANK[status] > RANK[this.#told.get(_id) ?? 'sent']) this.#told.set(_id, status);
    this.#told = new Map([...this.#told].slice(-TOLD_MAX));
  }

  /**
   * Takes everybody's cursors, as the server tells them after an absence.
   * @param {PersonCursors[]} cursors
   */
  told(cursors) {
    for (const { userId, deliveredSeq, readSeq } of cursors) {
      const known = this.#cursors.get(userId) ?? { delivered: 0, read: 0 };
      this.#cursors.set(userId, { delivered: Math.max(known.delivered, deliveredSeq), read: Math.max(known.read, readSeq) });
    }
  }

  /**
   * Brings a message up to what was heard.
   * @param {Message} message
   */
  apply(message) {
    raise(message, this.#told.get(message._id));
    if (this.#isLarge) return;
    const recipients = this.#participants.filter(id => id !== message.senderId && message.seq > (this.#since.get(id) ?? 0));
    /** @type {(kind: 'delivered' | 'read', list: { userId: string }[]) => (id: string) => boolean} */
    const has = (kind, list) => id => list.some(each => each.userId === id) || (this.#cursors.get(id)?.[kind] ?? 0) >= message.seq;
    const hasRead = has('read', message.readBy);
    const hasGot = has('delivered', message.deliveredTo);
    if (recipients.every(hasRead)) raise(message, 'read');
    else if (recipients.every(id => hasRead(id) || hasGot(id))) raise(message, 'delivered');
  }

  /**
   * Who has read a message.
   * @param {Message} message
   * @returns {string[]}
   */
  readers(message) {
    if (this.#isLarge) return [];
    return this.#participants.filter(id => id !== message.senderId
      && (message.readBy.some(each => each.userId === id) || (this.#cursors.get(id)?.read ?? 0) >= message.seq));
  }
}

/**
 * @param {Message} message
 * @param {MessageStatus | undefined} status
 */
function raise(message, status) {
  if (status && RANK[status] > RANK[message.status]) message.status = status;
}
