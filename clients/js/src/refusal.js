// What was refused, by the server or by the lack of a connection. Act on `code`; the sentence is for people.

/**
 * A code of the protocol's table of errors, or `offline`: no answer came, and it is not known whether the
 * request was carried out.
 * @typedef {'unauthenticated' | 'token_expired' | 'forbidden' | 'csrf_failed' | 'not_found' | 'unknown'
 *   | 'invalid' | 'key_reused' | 'too_late' | 'conflict' | 'not_group' | 'erased' | 'too_large'
 *   | 'quota_exceeded' | 'wrong_type' | 'locked' | 'rate_limited'
 *   | 'unavailable' | 'failed' | 'offline'} RefusalCode
 */

/**
 * What a refusal is made of: a server's answer with `success: false`, and what only HTTP says.
 * @typedef {object} Refused
 * @property {string} [code]
 * @property {string} [error] a sentence for people
 * @property {number} [retryAfterMs] when the same may work
 * @property {number} [status] the HTTP status, if REST was asked
 * @property {unknown} [cause]
 */

/** Codes after which the same request may work later. */
const PASSING = new Set(['rate_limited', 'unavailable', 'offline', 'locked']);
/** Codes after which only another credential helps. */
const OF_SIGN_IN = new Set(['unauthenticated', 'token_expired']);

export class Refusal extends Error {
  /** @param {Refused} refused */
  constructor({ code = 'failed', error, retryAfterMs = 0, status, cause }) {
    super(error || (code === 'offline' ? 'there is no connection' : `refused: ${code}`), { cause });
    this.name = 'Refusal';
    /** @type {RefusalCode} */
    this.code = /** @type {RefusalCode} */ (code);
    /** Milliseconds after which the same may work; 0 if nobody said. */
    this.retryAfterMs = retryAfterMs;
    /** The HTTP status, if REST was asked. */
    this.status = status;
  }

  /**
   * An error as a refusal: one that is none means that no answer came.
   * @param {unknown} error
   * @returns {Refusal}
   */
  static of(error) {
    return error instanceof Refusal ? error : new Refusal({ code: 'offline', error: String(error), cause: error });
  }

  /** Whether the same request may work later. */
  get isPassing() {
    return PASSING.has(this.code);
  }

  /** Whether only another credential helps. */
  get endsSignIn() {
    return OF_SIGN_IN.has(this.code);
  }
}
