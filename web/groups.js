// What the owners of a group do to it, and leaving it. Each change is made once, also if its answer is lost
// and it is asked for again. What is refused is said in the words of a group.

import { KeyedChanges } from '/keyed-changes.js';
import { NOTHING_IS_LOST, Refusal } from '/refusal.js';

/** So many can be added at once. */
export const ADDED_MAX = 100;
/** Characters of a name, as the server counts them. */
export const NAME_MAX = 100;
/** What codes mean here; of all others the sentences are right as they are. @type {Record<string, string>} */
const WORDS = {
  ...NOTHING_IS_LOST,
  forbidden: 'Only an owner of the group can do that, and you are none any more.',
  not_found: 'They are not in the group any more.',
};
const MAY_NOT_ADD = 'You may not add all of these people, maybe because you block one of them, or you do not own the group any more.';

/**
 * What to do with a name that is no name.
 * @param {string} name
 */
export const tooLong = name => `A group's name has at most ${NAME_MAX} characters. This one has ${[...name].length}.`;

export class Groups {
  #changes;
  #threads;

  /** @param {{ api: import('/api.js').Api, threads: import('/threads.js').Threads }} parts */
  constructor({ api, threads }) {
    this.#changes = new KeyedChanges(api);
    this.#threads = threads;
  }

  /**
   * Another name or picture; an empty one takes away what is there.
   * @param {string} threadId
   * @param {{ name?: string, picture?: string }} look
   */
  async describe(threadId, look) {
    await this.#change(threadId, 'PATCH', '', look);
  }

  /**
   * @param {string} threadId
   * @param {string[]} userIds
   */
  async add(threadId, userIds) {
    await this.#change(threadId, 'POST', '/members', { userIds }, { ...WORDS, forbidden: MAY_NOT_ADD });
  }

  /**
   * @param {string} threadId
   * @param {string} userId
   */
  async remove(threadId, userId) {
    await this.#change(threadId, 'DELETE', `/members/${encodeURIComponent(userId)}`);
    await this.#threads.left({ threadId, userId });
  }

  /**
   * @param {string} threadId
   * @param {string} userId
   * @param {'owner' | 'member'} role
   */
  async setRole(threadId, userId, role) {
    await this.#change(threadId, 'PATCH', `/members/${encodeURIComponent(userId)}`, { role });
  }

  /**
   * Whoever has left already has left.
   * @param {string} threadId
   * @param {string} me
   */
  async leave(threadId, me) {
    try {
      await this.#change(threadId, 'POST', '/leave');
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'not_found')) throw error;
    }
    this.#threads.left({ threadId, userId: me });
  }

  /**
   * @param {string} threadId
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {Record<string, string>} [words]
   */
  async #change(threadId, method, path, body, words = WORDS) {
    const askedAt = performance.now();
    try {
      const { thread } = await this.#changes.make(threadId, { method, path: `/messages/threads/${encodeURIComponent(threadId)}${path}`, body }, words);
      if (thread) this.#threads.changedTo(thread, askedAt);
    } catch (error) {
      // Somebody else has changed the group, or this person's part in it.
      if (error instanceof Refusal && error.isFinal) this.#threads.learnAgain(threadId).catch(() => {});
      throw error;
    }
  }
}
