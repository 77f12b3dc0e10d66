// The page of operators. It signs an administrator in, creates the parts, and asks for what changes every few
// seconds while somebody looks. Each part's own file says what it shows.

import { Api } from '/api.js';
import { $ } from '/elements.js';
import { Gateways } from '/ops-gateways.js';
import { Letters } from '/ops-letters.js';
import { Outcomes } from '/ops-outcomes.js';
import { Connected } from '/ops-people.js';
import { Pipeline } from '/ops-pipeline.js';
import { Reports } from '/ops-reports.js';
import { Servers } from '/ops-servers.js';
import { Refusal } from '/refusal.js';
import { signIn, signInEnded, signOut } from '/sign-in.js';

/** Often enough to see it move, seldom enough to cost a broker with 64 shards nothing. */
const LOOK_EVERY_MS = 2_000;
/** What changes slowly is asked for at each so-manieth look. */
const SLOW_EVERY = 5;

const { token, me, isNew } = await signIn();
/** @param {Refusal} refusal */
const ended = refusal => signInEnded(refusal.message);
const api = new Api(token, ended);
const quick = [new Pipeline(api), new Gateways(api), new Servers(api)];
const slow = [new Letters(api), new Connected(api), new Outcomes(api), new Reports(api, me)];

let isPaused = false;
let looks = 0;
/** @type {number | undefined} */
let seenAt;

async function look() {
  const parts = looks % SLOW_EVERY === 0 ? [...quick, ...slow] : quick;
  looks += 1;
  const results = await Promise.allSettled(parts.map(part => part.load()));
  $('ops').classList.remove('loading');
  const faults = results.flatMap(result => result.status === 'rejected' ? [result.reason] : []);
  const refusal = faults.find(fault => fault instanceof Refusal);
  const bug = faults.find(fault => !(fault instanceof Refusal));
  // An administrator whose role was taken away sees the sign-in, like everybody who never had it.
  if (refusal?.code === 'forbidden') return signInEnded('This page is for administrators. Sign in with a token of one.');
  $('error').textContent = refusal?.message ?? '';
  if (faults.length < parts.length) seenAt = Date.now();
  if (bug) throw bug;
  return undefined;
}

/** Looks again and again, also after a round that has failed. */
async function goOn() {
  try {
    if (!isPaused && !document.hidden) await look();
  } finally {
    age();
    setTimeout(goOn, LOOK_EVERY_MS);
  }
}

/** Says how old what is shown is, once that is worth a word. */
function age() {
  const seconds = seenAt ? Math.round((Date.now() - seenAt) / 1000) : undefined;
  const isLate = seconds === undefined || seconds > 3 * LOOK_EVERY_MS / 1000;
  $('fresh').classList.toggle('late', isLate && !isPaused);
  $('fresh').textContent = isPaused ? 'paused' : isLate ? seconds === undefined ? 'asking …' : `${seconds} s old` : 'live';
}

$('pause').addEventListener('click', () => {
  isPaused = !isPaused;
  $('pause').setAttribute('aria-pressed', String(isPaused));
  age();
});
document.addEventListener('visibilitychange', () => { if (!document.hidden) age(); });
setInterval(age, 1000);
$('me').textContent = me.name;
$('sign-out').addEventListener('click', signOut);
$('ops').hidden = false;
// What they have signed in with is hidden.
if (isNew) $('pause').focus();
await goOn();
