// Asking until there is a final answer, as docs/PROTOCOL.md tells a client to: what gets no answer, or one
// that may pass, is asked for again under the same key.

import { setTimeout as sleep } from 'node:timers/promises';
import { DONE, OPEN, REFUSED, now } from './journal.mjs';

/** Longest for one attempt: more than the server takes for a request that it answers itself. */
const ATTEMPT_MS = 20_000;
/** Whoever has no final answer by then is told apart as `open`, which no clean run has. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = { first: 150, longest: 1_000, growth: 1.5 };
/** Statuses after which the same request is made again. */
const PASSING = new Set([202, 408, 423, 429, 502, 503, 504]);
/** Of those the ones by which the request was certainly not carried out. */
const UNTOUCHED = new Set([423, 429]);
/** The longest that a refusal may tell somebody to wait here. */
const LONGEST_WAIT_MS = 5_000;

/**
 * Makes attempts until one is answered for good. An attempt gives `{status, ...}` or throws. Gives
 * `{asked, answered, outcome, code, isDoubtful, answer}`.
 */
export async function untilFinal(attempt, patience = PATIENCE_MS) {
  const asked = now();
  let isDoubtful = false;
  for (let pause = PAUSE_MS.first; ; pause = Math.min(pause * PAUSE_MS.growth, PAUSE_MS.longest)) {
    const answer = await attempt().catch(error => ({ status: 0, error: error.message, isUnsent: error.isUnsent }));
    const answered = now();
    if (answer.status !== 0 && !PASSING.has(answer.status)) {
      const outcome = answer.status < 400 ? DONE : REFUSED;
      return { asked, answered, outcome, code: answer.code ?? answer.status, isDoubtful, answer };
    }
    isDoubtful ||= !UNTOUCHED.has(answer.status) && !answer.isUnsent;
    if (answered - asked > patience) return { asked, answered, outcome: OPEN, code: 'open', isDoubtful, answer };
    await sleep(Math.max(pause, Math.min(answer.retryAfterMs ?? 0, LONGEST_WAIT_MS)));
  }
}

/**
 * One REST request below /api/v2: `{status, headers, ...body}`; with `asBytes` `{status, headers, bytes}`.
 */
export async function request(base, token, method, path, { body, headers = {}, asBytes = false, signal, duplex } = {}) {
  const isJson = body?.constructor === Object;
  const init = {
    method, duplex, body: isJson ? JSON.stringify(body) : body,
    signal: signal ?? AbortSignal.timeout(ATTEMPT_MS),
    headers: { authorization: `Bearer ${token}`, ...isJson && { 'content-type': 'application/json' }, ...headers },
  };
  const answer = await fetch(`${base}/api/v2${path}`, init);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (asBytes) return { status: answer.status, headers: answer.headers, bytes };
  return { ...bytes.length > 0 && JSON.parse(bytes.toString()), status: answer.status, headers: answer.headers };
}

/** HTTP statuses of the codes that an event is refused with. */
const STATUS = { rate_limited: 429, unavailable: 503, not_found: 404, invalid: 400, key_reused: 422, forbidden: 403, failed: 500 };
/** Longest that an event waits for its callback; one that is not written by then never will be. */
const EVENT_MS = 6_000;

/** One event with its callback, as an attempt: `{status, ...}`. */
export async function emit(socket, event, body) {
  if (!socket.connected) throw Object.assign(new Error('not connected'), { isUnsent: true });
  const answer = await socket.timeout(EVENT_MS).emitWithAck(event, body);
  if (answer.status === 'queued') return { ...answer, status: 202 };
  return { ...answer, status: answer.success ? 200 : STATUS[answer.code] ?? 500 };
}
