// Messages that are sent later: planned by both doors, and some of them changed, moved or cancelled, up to
// the moment at which they are due.

import { setTimeout as sleep } from 'node:timers/promises';
import { DONE, now } from './journal.mjs';
import { send } from './sending.mjs';
import { newKey, newMessageToken, textOf } from './words.mjs';

const PLAN_EVERY_MS = [250, 800];
const AT_ONCE = 60;
/** The server takes 10 s; whoever asks again for an answer needs some more. */
const AHEAD_MS = [13_000, 30_000];
/** What is planned is due at most so long after the end of the run, near which nothing is planned. */
const AFTER_END_MS = 5_000;
/** A step may come a little after the message was due, and is too late then. */
const TOO_LATE_MS = 400;
const SHARES = { edit: 0.35, move: 0.15, cancel: 0.2, second: 0.3 };

/** Plans until the end of the run; resolves once everything is answered. */
export function planMessages(stage, places) {
  const random = stage.random.fork('scheduled');
  const isTimeLeft = () => now() + AHEAD_MS[0] < stage.until + AFTER_END_MS;
  return stage.repeat(random, PLAN_EVERY_MS, AT_ONCE, async () => isTimeLeft() && plan(stage, random, random.pick(places)));
}

/** `place` is `{id, members}`. */
async function plan(stage, random, { id: thread, members }) {
  const sender = random.pick(members);
  const token = newMessageToken();
  const sendAt = time(stage, random);
  const content = textOf(token, thread, 'planned');
  const entry = { token, thread, sender: sender.id, steps: [] };
  stage.journal.scheduled.push(entry);
  const body = { content, clientMessageId: token, sendAt: new Date(sendAt).toISOString() };
  const { answer, ...done } = await send(sender, thread, body, random);
  Object.assign(entry, done, { id: answer.scheduled?._id });
  entry.steps.push({ kind: 'plan', content, sendAt, ...done });
  if (done.outcome !== DONE) return;
  for (let due = sendAt; ;) {
    const kind = Object.keys(SHARES).find(each => each in STEPS && random.chance(SHARES[each]));
    if (!kind) return;
    await sleep(Math.max(0, random.between(now(), due + TOO_LATE_MS) - now()));
    const step = await take(stage, random, sender, entry, kind);
    due = step.sendAt ?? due;
    if (kind === 'cancel' || step.outcome !== DONE || !random.chance(SHARES.second)) return;
  }
}

const STEPS = {
  edit: (stage, random, { token, thread, steps }) => ({ content: textOf(token, thread, `edited ${steps.length}`) }),
  move: (stage, random) => ({ sendAt: time(stage, random) }),
  cancel: () => ({}),
};

async function take(stage, random, sender, entry, kind) {
  const step = { kind, ...STEPS[kind](stage, random, entry) };
  const { content, sendAt } = step;
  const body = kind === 'cancel' ? undefined : { ...content && { content }, ...sendAt && { sendAt: new Date(sendAt).toISOString() } };
  const path = `/messages/scheduled/${entry.id}`;
  const { answer, ...done } = await sender.asks(kind === 'cancel' ? 'DELETE' : 'PATCH', path, { body, headers: newKey() });
  Object.assign(step, done, { said: answer.scheduled?.state });
  entry.steps.push(step);
  return step;
}

/** A whole millisecond, as the server keeps times. */
function time(stage, random) {
  const latest = Math.max(AHEAD_MS[0] + 1, Math.min(AHEAD_MS[1], stage.until + AFTER_END_MS - now()));
  return Math.floor(now() + random.between(AHEAD_MS[0], latest));
}
