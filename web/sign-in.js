// Signing in and out: as one of the demo people, or with a token of the host application.
//
// The token stays in this tab. Signing out forgets everything and loads the page anew, so nothing of one
// person is left for the next; a sign-in that ended by itself keeps drafts and what waits to be sent, for the
// same person only.

import { $, button } from '/elements.js';
import { forget, forgetAll, keep, recall } from '/storage.js';

/**
 * Resolves with `{token, me}` once somebody is signed in.
 * @returns {Promise<{ token: string, me: Me }>}
 */
export function signIn() {
  return new Promise(resolve => {
    /** @param {string} token */
    const enter = token => {
      const me = owner(token);
      if (!me) return say('That is not a token.');
      if (recall('person') !== me.id) forgetAll();
      keep('person', me.id);
      keep('token', token);
      $('sign-in').hidden = true;
      return resolve({ token, me });
    };
    const kept = recall('token');
    if (kept) return enter(kept);
    say(recall('reason', ''));
    forget('reason');
    $('sign-in').hidden = false;
    $('token-form').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      enter($('token').value.trim());
    });
    return offerDemo(enter);
  });
}

/** Forgets everything and shows the sign-in again. */
export function signOut() {
  forgetAll();
  startAnew();
}

/**
 * The sign-in has ended by itself.
 * @param {string} reason
 */
export function signInEnded(reason) {
  forget('token');
  keep('reason', reason);
  startAnew();
}

function startAnew() {
  history.replaceState(null, '', location.pathname);
  location.reload();
}

/** @param {(token: string) => void} enter */
async function offerDemo(enter) {
  const { people } = await fetch('/demo/people').then(answer => answer.json()).catch(() => ({ people: [] }));
  $('sign-in-hint').hidden = people.length === 0;
  $('people').replaceChildren(...people.map((/** @type {Me} */ person) => button(`I am ${person.name}`, async () => {
    try {
      const answer = await fetch(`/demo/sign-in/${person.id}`, { method: 'POST' });
      enter((await answer.json()).token);
    } catch {
      say('The service is not available at the moment. Please try again.');
    }
  })));
}

/** @param {string} words */
function say(words) {
  $('sign-in-error').textContent = words;
}

/**
 * Whose token it is, by what it says of itself; whether it holds, the server decides.
 * @param {string} token
 * @returns {Me | undefined}
 */
function owner(token) {
  try {
    const body = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), letter => letter.charCodeAt(0))));
    const id = claims.id ?? claims.sub;
    return typeof id === 'string' ? { id, name: typeof claims.name === 'string' ? claims.name : id } : undefined;
  } catch {
    return undefined;
  }
}
