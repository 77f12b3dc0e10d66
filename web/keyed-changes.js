// Changes that are each made once, also if their answer is lost and they are asked for again: the same again
// has the same key. Another change of the same subject takes its place: to make the earlier one again is
// another change then.

import { Refusal } from '/refusal.js';
import { newKey } from '/storage.js';

/** What codes mean for a change, unless its maker says so. @type {Record<string, string>} */
const WORDS = { key_reused: 'That was not done. Please try again.' };

export class KeyedChanges {
  #api;
  /**
   * Of each subject the change whose end nobody knows, with its key.
   * @type {Map<string, { asked: string, key: string }>}
   */
  #open = new Map();

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Makes a change; gives the answer, or throws a `Refusal` with the sentence for its code.
   * @param {string} subject what is changed
   * @param {{ method: string, path: string, body?: object }} change
   * @param {Record<string, string>} words sentences by code; of all others they are right as they are
   * @returns {Promise<any>}
   */
  async make(subject, { method, path, body }, words) {
    const asked = JSON.stringify([method, path, body]);
    const open = this.#open.get(subject);
    const key = open?.asked === asked ? open.key : newKey();
    this.#open.set(subject, { asked, key });
    const settled = () => this.#open.get(subject)?.key === key && this.#open.delete(subject);
    try {
      const answer = await this.#api.askOnce(method, path, body, key);
      if (answer.status === 'queued') throw new Refusal({ code: 'queued' });
      settled();
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.isFinal) settled();
      throw Object.assign(error, { message: words[error.code] ?? WORDS[error.code] ?? error.message });
    }
  }
}
