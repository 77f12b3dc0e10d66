// The REST API. A read goes on until it is answered; a write is tried once and throws why it was refused.
// While reads wait for the service, somebody is told why: a page must not look empty because it could not be
// read. Bytes of files go and come as they are (`exchange`).

import { Refusal } from '/refusal.js';

const FIRST_PAUSE_S = 1;
/** A request waits no longer for another token in the place of one that the server has refused. */
const RENEWAL_MS = 20_000;
const LONGEST_PAUSE_S = 15;

/** @type {Record<string, string>} */
const TROUBLES = { unavailable: 'The service is not available at the moment.', offline: 'The service cannot be reached.' };

/** What a refusal without a body means: answers to `HEAD` have none. @type {Record<number, string>} */
const CODES = { 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found', 409: 'conflict', 413: 'too_large', 423: 'locked', 429: 'rate_limited' };

/** Dispatches `change` when reads begin or end to wait. */
export class Api extends EventTarget {
  #credential;
  #ended;
  /** Why reads are asked for again, of those that wait now. @type {Map<object, Refusal>} */
  #waiting = new Map();

  /**
   * `ended` is called with the refusal when the credential does not hold any more.
   * @param {import('/credential.js').Credential} credential
   * @param {(refusal: Refusal) => void} ended
   */
  constructor(credential, ended) {
    super();
    this.#credential = credential;
    this.#ended = ended;
  }

  /**
   * Reads. What fails only for the moment is asked for again, until it is there or `signal` says that nobody
   * waits any more.
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  read(path, signal) {
    return this.#untilAnswered(() => this.ask('GET', path, undefined, signal), signal);
  }

  /**
   * Reads a file, as `read` does.
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @returns {Promise<Blob>}
   */
  readFile(path, signal) {
    return this.#untilAnswered(() => this.getFile(path, signal), signal);
  }

  /**
   * Asks for a file once.
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @returns {Promise<Blob>}
   */
  async getFile(path, signal) {
    const response = await this.exchange('GET', path, { signal });
    return response.blob().catch(() => {
      signal?.throwIfAborted();
      throw new Refusal({ code: 'offline' });
    });
  }

  /**
   * @template Answer
   * @param {() => Promise<Answer>} ask
   * @param {AbortSignal} [signal]
   * @returns {Promise<Answer>}
   */
  async #untilAnswered(ask, signal) {
    const read = {};
    try {
      for (let pause = FIRST_PAUSE_S; ; pause = Math.min(pause * 2, LONGEST_PAUSE_S)) {
        try {
          return await ask();
        } catch (error) {
          signal?.throwIfAborted();
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
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  askOnce(method, path, body, key, signal) {
    return this.#ask(method, path, { body, key, signal });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, signal?: AbortSignal, key?: string }} more
   * @returns {Promise<any>}
   */
  async #ask(method, path, { body, signal, key }) {
    const headers = { ...body && { 'Content-Type': 'application/json' }, ...key && { 'Idempotency-Key': key } };
    const response = await this.exchange(method, path, { headers, body: body && JSON.stringify(body), signal });
    const answer = await answerOf(response, signal);
    if (answer.success) return answer;
    throw this.refused(response.status, answer, response.headers.get('Retry-After'));
  }

  /**
   * Headers that say who asks, for requests that are made elsewhere.
   * @param {string} method
   */
  proof(method) {
    return this.#credential.headers(method);
  }

  /**
   * Asks with bytes, or for bytes; gives the response, or throws a `Refusal`.
   * @param {string} method
   * @param {string} path
   * @param {{ headers?: Record<string, string>, body?: BodyInit, signal?: AbortSignal }} more
   * @returns {Promise<Response>}
   */
  async exchange(method, path, { headers, body, signal }) {
    const { version } = this.#credential;
    const ask = () => this.#once(method, path, { headers, body, signal });
    try {
      return await ask();
    } catch (refusal) {
      if (!this.#credential.isRenewable || !asksForAnother(refusal)) throw this.#judged(refusal);
    }
    await Promise.race([this.#credential.replace(version), waiting(RENEWAL_MS, signal)]);
    return ask().catch(refusal => { throw this.#judged(refusal); });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ headers?: Record<string, string>, body?: BodyInit, signal?: AbortSignal }} more
   * @returns {Promise<Response>}
   */
  async #once(method, path, { headers, body, signal }) {
    const proof = await this.proof(method);
    const response = await fetch(`/api/v2${path}`, { method, headers: { ...headers, ...proof }, body, signal }).catch(() => {
      signal?.throwIfAborted();
      throw new Refusal({ code: 'offline' });
    });
    if (response.ok) return response;
    const refused = method === 'HEAD' ? {} : await answerOf(response, signal);
    throw refusalOf(response.status, refused, response.headers.get('Retry-After'));
  }

  /**
   * What the server refused, as a `Refusal`. If the sign-in has ended, the page goes there; where another
   * credential comes by itself, the same may work later.
   * @param {number} status
   * @param {Refused} answer
   * @param {string | null} retryAfter seconds
   */
  refused(status, answer, retryAfter) {
    return this.#judged(refusalOf(status, answer, retryAfter));
  }

  /** @param {unknown} refusal */
  #judged(refusal) {
    if (!(refusal instanceof Refusal && asksForAnother(refusal))) return refusal;
    if (this.#credential.isRenewable) {
      this.#credential.replace(this.#credential.version);
      return new Refusal({ code: 'unavailable' });
    }
    if (refusal.endsSignIn) this.#ended(refusal);
    return refusal;
  }
}

/**
 * Whether it was refused for what the credential is.
 * @param {unknown} refusal
 */
const asksForAnother = refusal => refusal instanceof Refusal && (refusal.endsSignIn || refusal.code === 'csrf_failed');

/**
 * @param {number} status
 * @param {Refused} answer
 * @param {string | null} retryAfter seconds
 */
function refusalOf(status, answer, retryAfter) {
  const otherwise = status >= 500 ? 'unavailable' : CODES[status];
  return new Refusal({ code: otherwise, ...answer, waitS: Number(retryAfter) || 0 });
}

/**
 * The JSON of an answer. Something that answers without JSON is not the service but what stands before it.
 * @param {Response} response
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function answerOf(response, signal) {
  try {
    return await response.json();
  } catch (error) {
    signal?.throwIfAborted();
    throw new Refusal({ code: error instanceof SyntaxError ? 'unavailable' : 'offline' });
  }
}

/**
 * @param {number} time
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function waiting(time, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, time);
    return signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
