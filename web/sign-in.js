// Signing in and out: as one of the demo people, or with a token of the host application.
//
// The token stays in this tab. Signing out forgets everything and loads the page anew, so nothing of one
// person is left for the next; a sign-in that ended by itself keeps drafts and what waits to be sent, for the
// same person only.

import { $, button, element } from '/elements.js';
import { forget, forgetAll, keep, recall } from '/storage.js';

const UNAVAILABLE = 'The service is not available at the moment. Please try again.';

/**
 * Resolves with `{token, me, isNew}` once somebody is signed in; `isNew` is whether they have done it just now.
 * @returns {Promise<{ token: string, me: Me, isNew: boolean }>}
 */
export function signIn() {
  return new Promise(resolve => {
    /** @param {string} token */
    const enter = token => {
      const me = owner(token);
      if (!me) return say('That is not a token.');
      const isNew = recall('token') !== token;
      if (recall('person') !== me.id) forgetAll();
      keep('person', me.id);
      keep('token', token);
      $('sign-in').hidden = true;
      return resolve({ token, me, isNew });
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
  const people = await demoPeople();
  showWords(people.length > 0 ? 'some' : 'none');
  $('people').replaceChildren(...people.map(person => {
    const picture = element('span', { class: 'picture', 'aria-hidden': 'true' }, element('img', { src: person.avatar, alt: '' }));
    const choose = button(picture, () => enterAs(person, enter));
    choose.append(`I am ${person.name}`);
    return choose;
  }));
}

/**
 * Shows the words of the page for an installation with some demo people, or with none.
 * @param {'some' | 'none'} people
 */
function showWords(people) {
  for (const words of document.querySelectorAll('[data-demo]')) words.toggleAttribute('hidden', words.getAttribute('data-demo') !== people);
}

/**
 * Nobody, where the server has no demo people for this browser.
 * @returns {Promise<(Me & { avatar: string })[]>}
 */
async function demoPeople() {
  try {
    return (await (await fetch('/demo/people')).json()).people;
  } catch {
    say(UNAVAILABLE);
    return [];
  }
}

/**
 * Signs in as a demo person. A first visit begins in a conversation of theirs.
 * @param {Me} person
 * @param {(token: string) => void} enter
 */
async function enterAs({ id }, enter) {
  let answer;
  try {
    answer = await (await fetch(`/demo/sign-in/${id}`, { method: 'POST' })).json();
  } catch {
    return say(UNAVAILABLE);
  }
  if (!answer.success) return say('The demo people are for whoever sits at the server\'s own machine.');
  if (answer.threadId && !location.hash) history.replaceState(null, '', `#${answer.threadId}`);
  return enter(answer.token);
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
