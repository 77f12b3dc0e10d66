// The REST API: one request, with the credential, renewed once if the server does not take it, and repeated
// where repeating does no harm.

import { pause, pauseAfter } from './pause.js';
import { Refusal } from './refusal.js';

/** @typedef {Record<string, string | number | boolean | string[] | undefined>} Query */

/**
 * @typedef {object} RequestOptions
 * @property {Query} [query]
 * @property {object} [body]
 * @property {string} [key] a write under this key is carried out once (`Idempotency-Key`)
 * @property {AbortSignal} [signal] nobody waits any more
 * @property {boolean} [isRepeatable] whether a request without an answer may be made again; reads may
 */

/**
 * A request whose body or answer are bytes.
 * @typedef {object} Exchange
 * @property {Record<string, string>} headers
 * @property {Blob | Uint8Array} [body]
 * @property {AbortSignal} [signal] nobody waits any more
 * @property {number} [patienceMs] how long an answer is waited for
 * @property {boolean} [isRepeatable]
 */

/** A request without an answer for so long has none. The server itself takes 15 s at most. */
const ANSWER_PATIENCE_MS = 20_000;
/** For so long what fails for the moment only is asked for again. */
const REPEAT_FOR_MS = 30_000;

export class Rest {
  #base;
  #credentials;
  #fetch;
  /** @type {string | undefined} */
  #csrf;

  /**
   * @param {string} url
   * @param {import('./credentials.js').Credentials} credentials
   * @param {typeof fetch} [fetcher]
   */
  constructor(url, credentials, fetcher) {
    this.#base = `${url.replace(/\/+$/, '')}/api/v2`;
    this.#credentials = credentials;
    // Looked up with each request: a page may replace it.
    this.#fetch = fetcher ?? ((/** @type {any} */ ...given) => fetch(.../** @type {[any]} */ (given)));
  }

  /**
   * Asks; gives the answer, or throws a `Refusal`.
   * @param {string} method
   * @param {string} path below `/api/v2`
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  ask(method, path, options = {}) {
    return this.#repeated(method, options, token => this.#askOnce(method, path, options, token));
  }

  /**
   * Asks with bytes, or for bytes; gives the response, or throws a `Refusal`.
   * @param {string} method
   * @param {string} path below `/api/v2`
   * @param {Exchange} options
   * @returns {Promise<Response>}
   */
  exchange(method, path, options) {
    return this.#repeated(method, options, token => this.#exchangeOnce(method, path, options, token));
  }

  /**
   * @template Answer
   * @param {string} method
   * @param {{ isRepeatable?: boolean, signal?: AbortSignal }} options
   * @param {(token: string | undefined) => Promise<Answer>} askOnce
   * @returns {Promise<Answer>}
   */
  async #repeated(method, options, askOnce) {
    const until = Date.now() + REPEAT_FOR_MS;
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#askSignedIn(askOnce);
      } catch (error) {
        options.signal?.throwIfAborted();
        const refusal = Refusal.of(error);
        const time = pauseAfter(failures, refusal.retryAfterMs);
        const mayRepeat = method === 'GET' || options.isRepeatable;
        if (!refusal.isPassing || !mayRepeat || Date.now() + time > until) throw refusal;
        await pause(time, options.signal);
      }
    }
  }

  /**
   * Asks, once more with another token or CSRF token if the server does not take the first.
   * @template Answer
   * @param {(token: string | undefined) => Promise<Answer>} askOnce
   */
  async #askSignedIn(askOnce) {
    const token = await this.#credentials.get();
    try {
      return await askOnce(token);
    } catch (error) {
      const refusal = Refusal.of(error);
      if (refusal.code === 'csrf_failed' && this.#credentials.isCookie) this.#csrf = undefined;
      else if (refusal.endsSignIn && this.#credentials.isRenewable) this.#credentials.drop(token);
      else throw refusal;
      return askOnce(await this.#credentials.get());
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {RequestOptions} options
   * @param {string | undefined} token
   */
  async #askOnce(method, path, { query = {}, body, key, signal }, token) {
    const headers = await this.#proof(method, token);
    if (body) headers['content-type'] = 'application/json';
    if (key) headers['idempotency-key'] = key;
    return this.#fetchJson(`${this.#base}${path}${written(query)}`, {
      method, headers, body: body && JSON.stringify(body), ...!token && { credentials: 'include' },
    }, signal);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Exchange} options
   * @param {string | undefined} token
   */
  async #exchangeOnce(method, path, { headers, body, signal, patienceMs }, token) {
    const proof = await this.#proof(method, token);
    const init = { method, headers: { ...headers, ...proof }, body, ...!token && { credentials: /** @type {const} */ ('include') } };
    return this.#withPatience(patienceMs, signal, async ending => {
      const response = await this.#fetch(`${this.#base}${path}`, { .../** @type {RequestInit} */ (init), signal: ending.signal });
      if (response.ok) return response;
      const answer = await response.json().catch(() => ({}));
      throw refused(response, answer);
    });
  }

  /**
   * The headers that prove who asks.
   * @param {string} method
   * @param {string | undefined} token
   * @returns {Promise<Record<string, string>>}
   */
  async #proof(method, token) {
    if (token) return { authorization: `Bearer ${token.replace(/^Bearer /i, '')}` };
    return method === 'GET' || method === 'HEAD' ? {} : { 'x-csrf-token': await this.#csrfToken() };
  }

  /** A write whose only credential is a cookie carries the login's CSRF token. */
  async #csrfToken() {
    const { csrfToken } = this.#csrf ? { csrfToken: this.#csrf } : await this.#askOnce('GET', '/csrf-token', {}, undefined);
    this.#csrf = csrfToken;
    return csrfToken;
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   * @param {AbortSignal} [signal]
   */
  #fetchJson(url, init, signal) {
    return this.#withPatience(ANSWER_PATIENCE_MS, signal, async ending => {
      const response = await this.#fetch(url, { ...init, signal: ending.signal });
      const answer = await response.json().catch(cause => {
        // What answers without JSON, or without a code, is not the service but something before it.
        throw new Refusal({ code: ending.signal.aborted ? 'offline' : 'unavailable', status: response.status, cause });
      });
      if (answer?.success === true) return answer;
      throw refused(response, answer);
    });
  }

  /**
   * @template Answer
   * @param {number | undefined} patienceMs
   * @param {AbortSignal | undefined} signal
   * @param {(ending: AbortController) => Promise<Answer>} work
   * @returns {Promise<Answer>}
   */
  async #withPatience(patienceMs = ANSWER_PATIENCE_MS, signal, work) {
    const ending = new AbortController();
    const end = () => ending.abort(signal?.reason);
    const timer = setTimeout(() => ending.abort(), patienceMs);
    signal?.addEventListener('abort', end, { once: true });
    try {
      signal?.throwIfAborted();
      return await work(ending);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    }
  }
}

/**
 * What was refused. What answers without a code is not the service but something before it, or has no body.
 * @param {Response} response
 * @param {any} answer
 */
function refused(response, answer) {
  const retryAfterMs = answer?.retryAfterMs || 1_000 * Number(response.headers.get('retry-after')) || 0;
  const code = response.status === 404 ? 'not_found' : 'unavailable';
  return new Refusal({ code, ...answer, retryAfterMs, status: response.status });
}

/**
 * A query as it stands in a URL: without what is not given; a list with commas between.
 * @param {Query} query
 * @returns {string}
 */
function written(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = given.map(([name, value]) => `${name}=${[value].flat().map(each => encodeURIComponent(String(each))).join(',')}`).join('&');
  return text && `?${text}`;
}
