// What must have become of each message, by the answers alone: `must` is `once`, `never` or `maybe`, and the
// message was stored between `from` and `to`.

import { DONE, OPEN, REFUSED } from '../journal.mjs';
import { around } from '../periods.mjs';

/** Token to `{token, kind, thread, sender, content, must, from, to, file, takenBack, sendAt, entry}`. */
export function messagesOf(journal, periods) {
  const heard = firstHeard(journal);
  const messages = new Map();
  for (const entry of journal.messages) messages.set(entry.token, sentAtOnce(entry, heard));
  for (const entry of journal.scheduled) messages.set(entry.token, sentLater(entry, heard, periods(entry.thread, entry.sender)));
  return messages;
}

function firstHeard(journal) {
  const heard = new Map();
  for (const { token, at } of journal.heard) heard.set(token, Math.min(heard.get(token) ?? Infinity, at));
  return heard;
}

function sentAtOnce(entry, heard) {
  const { token, kind, thread, sender, content, file, takenBack, outcome, isDoubtful } = entry;
  const refused = isDoubtful ? 'maybe' : 'never';
  const must = { [DONE]: 'once', [REFUSED]: refused, [OPEN]: 'maybe' }[outcome];
  return {
    token, kind, thread, sender, contents: [content], file, takenBack, must, from: entry.asked,
    to: Math.min(entry.answered, heard.get(token) ?? Infinity), entry,
  };
}

/** The changes that were answered decide what is sent, and when. Rights are those of that time. */
function sentLater(entry, heard, { in: within, out }) {
  const { token, thread, sender, steps } = entry;
  let [must, contents, sendAt, isSure] = [entry.outcome === DONE ? 'once' : entry.isDoubtful || entry.outcome === OPEN ? 'maybe' : 'never', [], undefined, true];
  for (const step of steps) {
    if (step.outcome === REFUSED) {
      // An attempt before that may be carried out later. A change would be found by its key then.
      if (step.kind === 'plan' && step.isDoubtful) [contents, sendAt] = [[step.content], step.sendAt];
      continue;
    }
    if (step.outcome === OPEN) {
      isSure = false;
      if (step.kind === 'cancel') must = 'maybe';
      if (step.content) contents = [...contents, step.content];
      continue;
    }
    if (step.kind === 'cancel') must = 'never';
    if (step.content) contents = [step.content];
    if (step.sendAt) sendAt = step.sendAt;
  }
  const wasWaiting = must === 'once';
  if (must === 'once' && around(out, sendAt, Infinity)) must = 'never';
  else if (must === 'once' && !around(within, sendAt, Infinity)) must = 'maybe';
  const from = isSure && sendAt ? sendAt : entry.asked ?? 0;
  return { token, kind: 'scheduled', thread, sender, contents, must, from, to: heard.get(token) ?? Infinity, sendAt: isSure ? sendAt : undefined, wasWaiting, entry };
}
