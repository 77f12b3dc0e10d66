// What went wrong with something somebody wanted, in one line; it goes with the next thing they do, or after a while.

import { $ } from '/elements.js';
import { Refusal } from '/refusal.js';

/** Long enough to be read twice. */
const SHOWN_MS = 10_000;
let timer;

/** Does what somebody wants; a refusal is shown, and then nothing is given. */
export function attempt(act) {
  say('');
  return onTheSide(act);
}

/** Does what nobody waits for: as above, but what is shown of something else stays. */
export async function onTheSide(act) {
  try {
    return await act();
  } catch (error) {
    if (error.name === 'AbortError') return undefined;
    if (!(error instanceof Refusal)) throw error;
    // A sign-in that has ended says so on the page to sign in again.
    if (!error.endsSignIn) say(error.message);
    return undefined;
  }
}

function say(words) {
  clearTimeout(timer);
  $('error').textContent = words;
  timer = setTimeout(() => { $('error').textContent = ''; }, SHOWN_MS);
}
