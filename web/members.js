// The people of a conversation. A conversation comes with the first fifty of them; of a larger one the others
// are read page by page, when somebody wants to see them.

import { CARRIED_MAX } from '/threads.js';

const PAGE = 100;

export class Members {
  #api;
  #people;
  /**
   * What was read of large conversations.
   * @type {Map<string, { ids: string[], cursor: string | null, count: number }>}
   */
  #read = new Map();

  /** @param {{ api: import('/api.js').Api, people: import('/people.js').People }} parts */
  constructor({ api, people }) {
    this.#api = api;
    this.#people = people;
  }

  /**
   * Those that are known by now, oneself among them.
   * @param {Thread} thread
   * @returns {Person[]}
   */
  of(thread) {
    const ids = new Set([...thread.participants, ...thread.group?.owners ?? [], ...this.#pagesOf(thread)?.ids ?? []]);
    return [...ids].map(id => ({ id, name: this.#people.name(id) }));
  }

  /**
   * Whether there are others.
   * @param {Thread} thread
   */
  hasMore(thread) {
    if (thread.participantCount <= CARRIED_MAX) return false;
    const pages = this.#pagesOf(thread);
    return !pages || pages.cursor !== null;
  }

  /**
   * Reads the next page.
   * @param {Thread} thread
   * @param {AbortSignal} [signal]
   */
  async more(thread, signal) {
    const { ids, cursor } = this.#pagesOf(thread) ?? { ids: [], cursor: null };
    const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const path = `/messages/threads/${encodeURIComponent(thread._id)}/members?limit=${PAGE}${after}`;
    const page = await this.#api.ask('GET', path, undefined, signal);
    for (const person of page.members) this.#people.learn(person);
    const read = page.members.map((/** @type {Person} */ { id }) => id);
    this.#read.set(thread._id, { ids: [...ids, ...read], cursor: page.nextCursor, count: thread.participantCount });
  }

  /**
   * Somebody has left a conversation: what was read of the others stays.
   * @param {{ threadId: string, userId: string, participantCount: number }} left
   */
  left({ threadId, userId, participantCount }) {
    const pages = this.#read.get(threadId);
    if (!pages || participantCount !== pages.count - 1) return;
    this.#read.set(threadId, { ...pages, ids: pages.ids.filter(id => id !== userId), count: participantCount });
  }

  /**
   * People were added to a conversation.
   * @param {{ threadId: string, participantCount: number,
   *   members: { id: string, name: string, avatar?: string }[] }} added
   */
  joined({ threadId, members, participantCount }) {
    for (const person of members) this.#people.learn(person);
    const pages = this.#read.get(threadId);
    if (!pages || participantCount !== pages.count + members.length) return;
    this.#read.set(threadId, { ...pages, ids: [...pages.ids, ...members.map(({ id }) => id)], count: participantCount });
  }

  /**
   * Somebody may have come or gone since: then what was read says nothing.
   * @param {Thread} thread
   */
  #pagesOf(thread) {
    const pages = this.#read.get(thread._id);
    return pages?.count === thread.participantCount ? pages : undefined;
  }
}
