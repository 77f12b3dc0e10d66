// The credential of a person: a token that stays, a function that gets one whenever it is needed, or the
// cookie of the host application.

import { Refusal } from './refusal.js';

/**
 * Gets a token of the person from the host application's server.
 * @typedef {() => string | Promise<string>} TokenSource
 */

/**
 * A token is replaced when a fifth of its life is left, at the earliest after this: a wrong clock on this
 * side, or a host that is away, must not make it ask all the time.
 */
export const SOONEST_RENEWAL_MS = 30_000;
const LIFE_BEFORE_RENEWAL = 0.8;
/** The longest time that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Credentials {
  /** @type {TokenSource | undefined} */
  #source;
  /** @type {string | undefined} */
  #token;
  /** @type {Promise<string> | undefined} */
  #asking;

  /**
   * @param {string | TokenSource | undefined} token nothing: the cookie of the host application
   * @param {string} userId whose token it has to be
   */
  constructor(token, userId) {
    this.userId = userId;
    /** Whether the browser's cookie is the credential. */
    this.isCookie = token === undefined;
    if (typeof token === 'function') this.#source = token;
    else if (token !== undefined) this.set(token);
  }

  /** Whether a new token can be had without anybody's help. */
  get isRenewable() {
    return this.#source !== undefined;
  }

  /**
   * The token; nothing if the cookie is the credential. Rejects with a refusal if there is none that holds.
   * @returns {Promise<string | undefined>}
   */
  async get() {
    return this.isCookie || this.#token ? this.#token : this.renew();
  }

  /**
   * Another token than the one that there is, which stays until then. Rejects with a refusal if there is
   * none.
   * @returns {Promise<string>}
   */
  async renew() {
    if (!this.#source) throw new Refusal({ code: 'unauthenticated', error: 'the token does not hold any more' });
    this.#asking ??= this.#ask(this.#source).finally(() => { this.#asking = undefined; });
    return this.#asking;
  }

  /**
   * The server does not take this token any more, or will not for long.
   * @param {string | undefined} token
   */
  drop(token) {
    if (token === this.#token) this.#token = undefined;
  }

  /**
   * Takes another token of the same person.
   * @param {string} token
   */
  set(token) {
    if (this.#isOfAnother(token)) throw new TypeError(`the token is not of ${this.userId}`);
    this.isCookie = false;
    this.#token = token;
  }

  /**
   * Milliseconds until the token is to be replaced; nothing if it says no end.
   * @returns {number | undefined}
   */
  get renewalMs() {
    const exp = this.#token && claims(this.#token).exp;
    if (typeof exp !== 'number') return undefined;
    const left = exp * 1_000 - Date.now();
    return Math.min(Math.max(left * LIFE_BEFORE_RENEWAL, SOONEST_RENEWAL_MS), LONGEST_TIMER_MS);
  }

  /** @param {TokenSource} source */
  async #ask(source) {
    /** @type {unknown} */
    let token;
    try {
      token = await source();
    } catch (error) {
      // A host that cannot be reached is no end of a sign-in; one that refuses says so with a `Refusal`.
      throw Refusal.of(error);
    }
    if (typeof token !== 'string' || !token) throw new Refusal({ code: 'unauthenticated', error: 'there is no token' });
    // Somebody else has signed in at the host meanwhile: what this person wrote must not be sent as theirs.
    if (this.#isOfAnother(token)) throw new Refusal({ code: 'unauthenticated', error: `the token is not of ${this.userId}` });
    this.#token = token;
    return token;
  }

  /** @param {string} token */
  #isOfAnother(token) {
    const user = userOf(token);
    return user !== undefined && user !== this.userId;
  }
}

/**
 * The user id that a token names; nothing if it cannot be read.
 * @param {string} token
 * @returns {string | undefined}
 */
export function userOf(token) {
  const { id, sub } = claims(token);
  const user = id ?? sub;
  return typeof user === 'string' ? user : undefined;
}

/**
 * The claims of a token, which nobody has verified.
 * @param {string} token
 * @returns {Record<string, unknown>}
 */
function claims(token) {
  try {
    const part = token.replace(/^Bearer /i, '').split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(part), letter => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}
