// What the server refused, as a sentence for people. The code decides; the server's own words are used only
// where they name a field, or the rule that a token breaks.

import { several } from '/times.js';

/** @type {Record<string, string>} */
const SENTENCES = {
  unauthenticated: 'Your sign-in does not hold any more. Please sign in again.',
  token_expired: 'Your sign-in has ended. Please sign in again.',
  forbidden: 'You may not do that.',
  csrf_failed: 'You may not do that from here.',
  not_found: 'That is not there, or not yours to see.',
  unknown: 'The server does not know how to do that.',
  not_group: 'This conversation was not started as a group: its people stay as they are.',
  erased: 'This person was deleted: nothing is done in their name any more.',
  queued: 'The server has it, and does it as soon as it can.',
  key_reused: 'Another message was sent in its place before. Please write it again.',
  too_large: 'That is too long.',
  too_late: 'It is too late for that: it is being sent, or has ended.',
  quota_exceeded: 'There is no room for that.',
  wrong_type: 'Files of this kind are not taken here.',
  locked: 'Something else writes that at the moment. Please try again.',
  conflict: 'That has changed meanwhile. Please try again.',
  unavailable: 'The service is not available at the moment. Please try again.',
  failed: 'That could not be done. The operators can see why.',
  offline: 'There is no connection at the moment.',
};
/** What these codes mean where what was typed or chosen stays. @type {Record<string, string>} */
export const NOTHING_IS_LOST = {
  unavailable: 'The service is not available at the moment. Nothing is lost here: please try again.',
  offline: 'There is no connection at the moment. Nothing is lost here: please try again when there is one.',
};
/** What the server says of a token that breaks a rule; the rule follows. */
const BROKEN_TOKEN = 'the token is not valid:';

export class Refusal extends Error {
  /**
   * `code`, `error` and `retryAfterMs` as the server answers them; `waitS` are the seconds that a header asks
   * to wait, 0 if there is none.
   * @param {Refused} refused
   */
  constructor({ code = 'failed', error = '', retryAfterMs = 0, waitS = 0 }) {
    const wait = waitS || Math.ceil(retryAfterMs / 1000);
    super(sentence(code, error, wait));
    this.code = code;
    /** What the server says, for developers. */
    this.said = error;
    this.waitS = wait;
  }

  /** Whether the same again may work later. */
  get isPassing() {
    return ['rate_limited', 'unavailable', 'offline'].includes(this.code);
  }

  /** Whether it is not done and will not be; else it may have been, or the server has it. */
  get isFinal() {
    return !this.isPassing && this.code !== 'queued';
  }

  /** Whether only signing in again helps. */
  get endsSignIn() {
    return ['unauthenticated', 'token_expired'].includes(this.code);
  }
}

/**
 * @param {string} code
 * @param {string} error
 * @param {number} waitS
 * @returns {string}
 */
function sentence(code, error, waitS) {
  if (code === 'rate_limited') {
    return `That was too much at once. Please wait ${waitS ? several(waitS, 'second') : 'a minute'}.`;
  }
  const saysWhy = code === 'invalid' || (code === 'unauthenticated' && error.startsWith(BROKEN_TOKEN));
  if (saysWhy && error) return `${error[0].toUpperCase()}${error.slice(1)}.`;
  return SENTENCES[code] ?? 'That did not work.';
}
