// Signing in within a frame of a host application: with the token that the host gives, or with the host's
// cookie. Nobody is asked for anything here: what cannot be done yet is said in words and tried again.
//
// The token is not kept: every load of the frame asks for one. If it is another person's than the last, what
// that one has left in this tab is forgotten before anything is shown.

import { Credential, owner } from '/credential.js';
import { $ } from '/elements.js';
import { NO_TOKEN } from '/host-page.js';
import { Refusal } from '/refusal.js';
import { Socket } from '/socket.js';
import { forget, forgetAll, keep, recall } from '/storage.js';

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
/** A server that has not said by then who somebody is, is away. */
const PATIENCE_MS = 10_000;

/** @typedef {NonNullable<typeof import('/host-page.js').host>} Host */

/**
 * Resolves once somebody is signed in.
 * @param {Host} host
 * @returns {Promise<{ credential: Credential, me: Me }>}
 */
export async function signInEmbedded(host) {
  const out = new AbortController();
  host.on('sign-out', () => { forgetAll(); host.say('signed-out'); }, out.signal);
  $('token-form').hidden = true;
  $('sign-in').hidden = false;
  say(window.parent === window ? 'This page belongs into a page of a host application.' : recall('reason', 'Signing in …'));
  forget('reason');
  const { hasTokens } = await host.greeted;
  const signedIn = await (hasTokens ? byToken(host) : byCookie());
  if (recall('person') !== signedIn.me.id) forgetAll();
  keep('person', signedIn.me.id);
  out.abort();
  $('sign-in').hidden = true;
  return signedIn;
}

/**
 * @param {Host} host
 * @returns {Promise<{ credential: Credential, me: Me }>}
 */
async function byToken(host) {
  for (;;) {
    const token = await ask(host, say);
    const me = owner(token);
    if (me) return { me, credential: new Credential(token, failed => another(host, me, failed)) };
    say(words('wrong'));
  }
}

/**
 * Another token of the same person. If somebody else has signed in at the host meanwhile, the page begins
 * anew as theirs, and this never resolves.
 * @param {Host} host
 * @param {Me} me
 * @param {(said: string) => void} failed
 * @returns {Promise<string>}
 */
async function another(host, me, failed) {
  const token = await ask(host, failed);
  return owner(token)?.id === me.id ? token : beginAnew();
}

/**
 * The next token that the host gives. `failed` is called with words each time it has none.
 * @param {Host} host
 * @param {(said: string) => void} failed
 * @returns {Promise<string>}
 */
function ask(host, failed) {
  const answered = new AbortController();
  return new Promise(resolve => {
    host.on('token-failed', ({ reason }) => failed(words(reason)), answered.signal);
    host.on('token', ({ token }) => { answered.abort(); resolve(token); }, answered.signal);
    host.say('token-wanted');
  });
}

/** @returns {Promise<{ credential: Credential, me: Me }>} */
async function byCookie() {
  const id = await cookieHolds(say);
  return { me: { id, name: id }, credential: new Credential(undefined, failed => stillHolds(id, failed)) };
}

/**
 * The cookie of the same person again, as `another`.
 * @param {string} id
 * @param {(said: string) => void} failed
 */
async function stillHolds(id, failed) {
  return await cookieHolds(failed) === id ? undefined : beginAnew();
}

/**
 * Whose cookie holds, once there is one that does.
 * @param {(said: string) => void} failed
 * @returns {Promise<string>}
 */
async function cookieHolds(failed) {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const answer = await ownerOfCookie();
    if (answer.success) return answer.userId;
    const refusal = new Refusal(answer);
    failed(refusal.endsSignIn ? words('refused') : `${refusal.message} Trying again …`);
    await new Promise(resolve => setTimeout(resolve, pause));
  }
}

/**
 * Somebody else is signed in at the host now: nothing of the one before stays, and nothing goes on.
 * @returns {Promise<never>}
 */
function beginAnew() {
  forgetAll();
  history.replaceState(null, '', location.pathname);
  location.reload();
  return new Promise(() => {});
}

/**
 * Who the browser's cookie signs in. A socket asks: a page cannot read the cookie, and the answer is the
 * server's.
 * @returns {Promise<any>}
 */
async function ownerOfCookie() {
  const socket = new Socket(() => ({}));
  const offline = { success: false, code: 'offline' };
  const answered = new Promise(resolve => {
    socket.addEventListener('connect', () => resolve(socket.request('auth', {}).catch(() => offline)));
    socket.addEventListener('refused', event => event instanceof CustomEvent && resolve({ success: false, code: event.detail?.data?.code }));
    setTimeout(() => resolve(offline), PATIENCE_MS);
  });
  return answered.finally(() => socket.close());
}

/** @param {string} reason */
const words = reason => `${NO_TOKEN[reason]} Trying again …`;

/** @param {string} said */
function say(said) {
  $('sign-in-state').hidden = !said;
  // The same words again are not said again to those who hear the page.
  if ($('sign-in-state').textContent !== said) $('sign-in-state').textContent = said;
}
