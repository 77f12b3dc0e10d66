// How the page proves who is signed in: with a token, or in a frame of a host application with that
// application's cookie, which the browser sends by itself. With a cookie every write carries the CSRF token
// of the login.
//
// What the host application gives is replaced when the server refuses it, and a token before it ends. A token
// that somebody has pasted stays as it is. Dispatches `change` when there is another credential, and
// `trouble` with words each time there is none yet.

import { Refusal } from '/refusal.js';

/** A token is renewed when a fifth of its life is left. */
const LIFE_BEFORE_RENEWAL = 0.8;
/** At the earliest after this: a wrong clock must not make the page ask all the time. */
const SOONEST_RENEWAL_MS = 10_000;
/** The longest time that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** These change nothing, and need no CSRF token. */
const READS = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Gets another token of the same person, or nothing where their cookie holds again; calls `failed` with words
 * each time it cannot.
 * @typedef {(failed: (words: string) => void) => Promise<string | undefined>} Renewal
 */

export class Credential extends EventTarget {
  /** Grows with each one that takes the place of another. */
  version = 0;
  /** The token; nothing if the cookie is the credential. @type {string | undefined} */
  #token;
  #renew;
  /** @type {Promise<void> | undefined} */
  #renewing;
  /** @type {Promise<string> | undefined} */
  #csrf;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string | undefined} token nothing: the cookie of the host application
   * @param {Renewal} [renew]
   */
  constructor(token, renew) {
    super();
    this.#token = token;
    this.#renew = renew;
    this.#schedule();
  }

  get isCookie() {
    return this.#token === undefined;
  }

  /** Whether another one can be had without anybody's help here. */
  get isRenewable() {
    return this.#renew !== undefined;
  }

  /** What a socket presents when it connects. */
  get handshake() {
    return this.isCookie ? {} : { token: this.#token };
  }

  /**
   * Headers of a request. Throws a `Refusal` if there is no CSRF token.
   * @param {string} method
   * @returns {Promise<Record<string, string>>}
   */
  async headers(method) {
    if (!this.isCookie) return { Authorization: `Bearer ${this.#token}` };
    if (READS.includes(method)) return {};
    this.#csrf ??= csrfToken();
    try {
      return { 'X-CSRF-Token': await this.#csrf };
    } catch (error) {
      this.#csrf = undefined;
      throw error;
    }
  }

  /**
   * Resolves once there is another credential than the one of `version`, which the server has refused or will
   * refuse.
   * @param {number} version
   * @returns {Promise<void>}
   */
  async replace(version) {
    if (!this.#renew || version !== this.version) return undefined;
    this.#renewing ??= this.#take(this.#renew).finally(() => { this.#renewing = undefined; });
    return this.#renewing;
  }

  /** @param {Renewal} renew */
  async #take(renew) {
    this.#token = await renew(words => this.dispatchEvent(new CustomEvent('trouble', { detail: words })));
    // It belongs to one login.
    this.#csrf = undefined;
    this.version += 1;
    this.#schedule();
    this.dispatchEvent(new Event('change'));
  }

  #schedule() {
    clearTimeout(this.#timer);
    const end = this.#token === undefined || !this.#renew ? undefined : claims(this.#token)?.exp;
    if (typeof end !== 'number') return;
    const wait = Math.max((end * 1000 - Date.now()) * LIFE_BEFORE_RENEWAL, SOONEST_RENEWAL_MS);
    this.#timer = setTimeout(() => this.replace(this.version), Math.min(wait, LONGEST_TIMER_MS));
  }
}

/**
 * Whose token it is, by what it says of itself; whether it holds, the server decides.
 * @param {string} token
 * @returns {Me | undefined}
 */
export function owner(token) {
  const said = claims(token);
  const id = said?.id ?? said?.sub;
  return typeof id === 'string' ? { id, name: typeof said?.name === 'string' ? said.name : id } : undefined;
}

/**
 * @param {string} token
 * @returns {Record<string, unknown> | undefined}
 */
function claims(token) {
  try {
    const body = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), letter => letter.charCodeAt(0)))) ?? undefined;
  } catch {
    return undefined;
  }
}

/** @returns {Promise<string>} */
async function csrfToken() {
  const answer = await fetch('/api/v2/csrf-token').then(response => response.json()).catch(() => ({ code: 'offline' }));
  if (!answer.success) throw new Refusal(answer);
  return answer.csrfToken;
}
