// One line that says what went wrong with something the user asked for, or, in another look, what somebody
// else has done. It goes away with the next thing they do, or after a while.

import { $ } from '/elements.js';
import { Refusal } from '/refusal.js';

/** Long enough to be read twice. */
const SHOWN_MS = 10_000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let toldTimer;

/**
 * Does what somebody wants; a refusal is shown, and then nothing is given.
 * @param {() => any} act
 * @returns {Promise<any>}
 */
export function attempt(act) {
  say('');
  return onTheSide(act);
}

/**
 * Does what nobody waits for: as above, but what is shown of something else stays.
 * @param {() => any} act
 * @returns {Promise<any>}
 */
export async function onTheSide(act) {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    if (!(error instanceof Refusal)) throw error;
    // A sign-in that has ended says so on the page to sign in again.
    if (!error.endsSignIn) say(error.message);
    return undefined;
  }
}

/**
 * Says what is not a fault of anybody.
 * @param {string} words
 */
export function tell(words) {
  clearTimeout(toldTimer);
  $('told').textContent = words;
  toldTimer = setTimeout(() => { $('told').textContent = ''; }, SHOWN_MS);
}

/** @param {string} words */
function say(words) {
  clearTimeout(timer);
  $('error').textContent = words;
  timer = setTimeout(() => { $('error').textContent = ''; }, SHOWN_MS);
}
