// What became of a group while this page was open: who came and went, and what it is called. The lines stand
// between its messages, where they were heard.
//
// The server tells it once, to those who are connected, and keeps it in no history: after a reload the lines
// are gone. An event that is heard twice is one line. Dispatches `change` with what is new: `{threadId,
// words}`.

import { drawLine } from '/bubble.js';
import { typed } from '/typed.js';

/** Of a group in which much happens the newest are shown. */
const LINES_MAX = 100;
/** More than so many are counted. */
const NAMED_MAX = 3;

export class GroupLines extends EventTarget {
  #people;
  #threads;
  /** @type {Map<string, GroupLine[]>} */
  #known = new Map();
  /**
   * What was told of groups last. What is known of them otherwise may be newer: the answer to a change of
   * one's own comes before it is told.
   * @type {Map<string, Group>}
   */
  #told = new Map();

  /** @param {{ people: import('/people.js').People, threads: import('/threads.js').Threads }} parts */
  constructor({ people, threads }) {
    super();
    this.#people = people;
    this.#threads = threads;
  }

  /**
   * The rows of the messages that are here, with the lines between them.
   * @param {import('/history.js').History} history
   * @param {Row[]} rows one of each of its messages
   * @returns {Row[]}
   */
  weave({ threadId, messages, oldest, hasOlder }, rows) {
    const lines = (this.#known.get(threadId) ?? []).filter(({ after }) => !hasOlder || after >= oldest);
    /** @type {Row[]} */
    const woven = [];
    let next = 0;
    messages.forEach(({ seq }, place) => {
      for (; next < lines.length && lines[next].after < seq; next += 1) woven.push(rowOf(lines[next]));
      woven.push(rows[place]);
    });
    return [...woven, ...lines.slice(next).map(rowOf)];
  }

  /**
   * A conversation is opened: from here on it is told what becomes of it.
   * @param {Thread} thread
   */
  begin({ _id, group }) {
    if (group) this.#told.set(_id, group);
  }

  /**
   * People were added.
   * @param {{ threadId: string, addedAt: string, addedBy: string, members: Person[] }} added
   */
  joined({ threadId, addedAt, addedBy, members }) {
    const ids = members.map(({ id }) => id);
    this.#add(threadId, `joined ${addedAt} ${ids}`, addedAt, () => `${this.#people.nameOrYou(addedBy)} added ${this.#names(ids)}.`);
  }

  /**
   * Somebody has left, or was removed.
   * @param {{ threadId: string, userId: string, leftAt: string, removedBy?: string }} left
   */
  left({ threadId, userId, leftAt, removedBy }) {
    this.#add(threadId, `left ${leftAt} ${userId}`, leftAt, () => (removedBy
      ? `${this.#people.nameOrYou(removedBy)} removed ${this.#people.name(userId)}.` : `${this.#people.name(userId)} left.`));
  }

  /**
   * Name, picture or owners are others. The server does not tell who did that.
   * @param {{ _id: string, updatedAt: string, group: Group }} changed
   * @param {Group | undefined} known
   */
  changed({ _id, updatedAt, group }, known) {
    const before = this.#told.get(_id) ?? known;
    this.#told.set(_id, group);
    if (!before) return;
    const { name, picture, owners } = group;
    /** @type {[string, boolean, () => string][]} */
    const all = [
      ['name', name !== before.name, () => (name ? `The group is called “${typed(name)}” now.` : 'The group has no name any more.')],
      ['picture', picture !== before.picture, () => (picture ? 'The group has another picture.' : 'The group has no picture any more.')],
      ...owners.filter(id => !before.owners.includes(id)).map(id => this.#role(id, 'own', 'owns', 'the group now.')),
      ...before.owners.filter(id => !owners.includes(id)).map(id => this.#role(id, 'do not own', 'does not own', 'the group any more.')),
    ];
    for (const [kind, isNew, words] of all) if (isNew) this.#add(_id, `${kind} ${updatedAt}`, updatedAt, words);
  }

  /**
   * @param {string} id
   * @param {string} yours
   * @param {string} theirs
   * @param {string} rest
   * @returns {[string, boolean, () => string]}
   */
  #role(id, yours, theirs, rest) {
    const words = () => {
      const name = this.#people.nameOrYou(id);
      return `${name} ${name === 'You' ? yours : theirs} ${rest}`;
    };
    return [`${yours} ${id}`, true, words];
  }

  /** @param {string[]} ids */
  #names(ids) {
    const names = ids.slice(0, NAMED_MAX).map(id => this.#people.nameOrYou(id).replace(/^You$/, 'you'));
    const more = ids.length - names.length;
    if (more > 0) return `${names.join(', ')} and ${more} more`;
    return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names.join('');
  }

  /**
   * @param {string} threadId
   * @param {string} key
   * @param {string} at
   * @param {() => string} words
   */
  #add(threadId, key, at, words) {
    const lines = this.#known.get(threadId) ?? [];
    const thread = this.#threads.get(threadId);
    if (!thread || lines.some(line => line.key === key)) return;
    lines.push({ key, at, after: Math.max(thread.lastSeq, thread.heard ?? 0), words });
    this.#known.set(threadId, lines.slice(-LINES_MAX));
    this.dispatchEvent(new CustomEvent('change', { detail: { threadId, words: words() } }));
  }
}

/**
 * @param {GroupLine} line
 * @returns {Row}
 */
const rowOf = ({ key, at, words }) => ({ key, at, senderId: '', draw: item => drawLine(item, words()) });
