// How far one's messages have come: what the server says of each, and what follows from how far everybody has got and read.
//
// Nothing here ever goes back: of two things heard the further one counts, in whatever order they come.

const RANK = { sent: 0, delivered: 1, read: 2 };
/** In larger conversations the server keeps no receipts of single messages. */
const PEOPLE_MAX = 100;
/** The newest words of the server on single messages that are remembered, for messages that are still on their way here. */
const TOLD_MAX = 200;

export class Receipts {
  #participants; #cursors = new Map(); #told = new Map();

  constructor(participants) {
    this.#participants = participants;
  }

  /** Takes `message:status` (`delivered`) or `message:read:update` (`read`). */
  heard(kind, { userId, seq, messages, readAt }) {
    const cursor = this.#cursors.get(userId) ?? { delivered: 0, read: 0 };
    cursor[kind] = Math.max(cursor[kind], seq);
    if (kind === 'read') cursor.readAt = readAt;
    this.#cursors.set(userId, cursor);
    this.#told = new Map([...this.#told, ...messages.map(each => [each._id, each.status])].slice(-TOLD_MAX));
  }

  /** Brings a message up to what was heard. */
  apply(message) {
    raise(message, this.#told.get(message._id));
    if (this.#participants.length > PEOPLE_MAX) return;
    const recipients = this.#participants.filter(id => id !== message.senderId);
    const has = (kind, list) => id => list.some(each => each.userId === id) || (this.#cursors.get(id)?.[kind] ?? 0) >= message.seq;
    const hasRead = has('read', message.readBy);
    const hasGot = has('delivered', message.deliveredTo);
    if (recipients.every(hasRead)) raise(message, 'read');
    else if (recipients.every(id => hasRead(id) || hasGot(id))) raise(message, 'delivered');
  }

  /** Who has read a message. */
  readers(message) {
    if (this.#participants.length > PEOPLE_MAX) return [];
    return this.#participants.filter(id => id !== message.senderId
      && (message.readBy.some(each => each.userId === id) || (this.#cursors.get(id)?.read ?? 0) >= message.seq));
  }
}

function raise(message, status) {
  if (RANK[status] > RANK[message.status]) message.status = status;
}
