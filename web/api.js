// The REST API. A read goes on until it is answered; a write is tried once and throws why it was refused.
// While reads wait for the service, somebody is told why: a page must not look empty because it could not be
// read.

import { Refusal } from '/refusal.js';

const FIRST_PAUSE_S = 1;
const LONGEST_PAUSE_S = 15;

/** @type {Record<string, string>} */
const TROUBLES = { unavailable: 'The service is not available at the moment.', offline: 'The service cannot be reached.' };

/** Dispatches `change` when reads begin or end to wait. */
export class Api extends EventTarget {
  #token;
  #ended;
  /** Why reads are asked for again, of those that wait now. @type {Map<object, Refusal>} */
  #waiting = new Map();

  /**
   * `ended` is called with the refusal when the token does not hold any more.
   * @param {string} token
   * @param {(refusal: Refusal) => void} ended
   */
  constructor(token, ended) {
    super();
    this.#token = token;
    this.#ended = ended;
  }

  /**
   * Reads. What fails only for the moment is asked for again, until it is there or `signal` says that nobody
   * waits any more.
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async read(path, signal) {
    const read = {};
    try {
      for (let pause = FIRST_PAUSE_S; ; pause = Math.min(pause * 2, LONGEST_PAUSE_S)) {
        try {
          return await this.ask('GET', path, undefined, signal);
        } catch (error) {
          if (!(error instanceof Refusal && error.isPassing)) throw error;
          this.#waiting.set(read, error);
          this.#changed();
          await waiting(Math.max(pause, error.waitS) * 1000, signal);
        }
      }
    } finally {
      if (this.#waiting.delete(read)) this.#changed();
    }
  }

  /**
   * Why something that was to be read is not there yet, in words; none if all of it is.
   * @returns {string}
   */
  get trouble() {
    const refusal = [...this.#waiting.values()].at(-1);
    return refusal ? `${TROUBLES[refusal.code] ?? refusal.message} Trying again …` : '';
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /**
   * Asks once; gives the answer, or throws a `Refusal`.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  ask(method, path, body, signal) {
    return this.#ask(method, path, { body, signal });
  }

  /**
   * As `ask`, for a change that is made once however often it is asked for under this key.
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   * @param {string} key
   * @returns {Promise<any>}
   */
  askOnce(method, path, body, key) {
    return this.#ask(method, path, { body, key });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, signal?: AbortSignal, key?: string }} more
   * @returns {Promise<any>}
   */
  async #ask(method, path, { body, signal, key }) {
    const headers = {
      Authorization: `Bearer ${this.#token}`, ...body && { 'Content-Type': 'application/json' }, ...key && { 'Idempotency-Key': key },
    };
    let response, answer;
    try {
      response = await fetch(`/api/v2${path}`, { method, headers, body: body && JSON.stringify(body), signal });
      answer = await response.json();
    } catch (error) {
      signal?.throwIfAborted();
      // Something that answers without JSON is not the service but what stands before it.
      throw new Refusal({ code: error instanceof SyntaxError ? 'unavailable' : 'offline' });
    }
    if (answer.success) return answer;
    const refusal = new Refusal({ ...answer, waitS: Number(response.headers.get('Retry-After')) || 0 });
    if (refusal.endsSignIn) this.#ended(refusal);
    throw refusal;
  }
}

/**
 * @param {number} time
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function waiting(time, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, time);
    signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
