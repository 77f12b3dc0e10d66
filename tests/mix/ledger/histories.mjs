// Histories against answers: what was accepted is there once, with its words, in an order that fits the
// times; and everybody reads the part of it that is theirs.

import { DONE, OPEN } from '../journal.mjs';

export function judgeHistories(court) {
  const { journal, messages, find, counts } = court;
  const found = new Map();
  for (const thread of journal.threads) {
    const history = journal.histories.get(thread.id) ?? [];
    for (const stored of history) {
      const known = messages.get(stored.token);
      if (!known || known.thread !== thread.id) find('groups', 'wrong', `nobody sent ${stored.token} to ${thread.id}, place ${stored.seq}`);
      else found.set(stored.token, [...(found.get(stored.token) ?? []), stored]);
    }
    judgePlaces(court, thread, history);
    judgeViews(court, thread, history);
  }
  for (const message of messages.values()) {
    if (message.must === 'once') counts(message.kind);
    if (message.entry.outcome === OPEN) find(message.kind, 'open', `no final answer to ${message.token}`);
    judgeMessage(court, message, found.get(message.token) ?? []);
  }
}

function judgeMessage({ find }, message, stored) {
  const { token, kind, must, contents, sender, takenBack, file, entry } = message;
  if (must === 'once' && stored.length === 0) find(kind, 'lost', `${token} of ${sender} is accepted and not in the history`);
  if (must === 'never' && stored.length > 0) find(kind, 'wrong', `${token} of ${sender} is refused or cancelled and in the history`);
  if (stored.length > 1) find(kind, 'doubled', `${token} of ${sender} at places ${stored.map(({ seq }) => seq)}`);
  if (kind === 'scheduled') judgeState({ find }, message, stored);
  for (const each of stored) {
    const isGone = takenBack?.outcome === DONE;
    if (each.sender !== sender) find(kind, 'wrong', `${token} is stored as ${each.sender}'s, and is ${sender}'s`);
    if (!takenBack && each.isTakenBack || isGone && !each.isTakenBack) find(kind, 'wrong', `${token} is taken back: ${each.isTakenBack}, asked for: ${isGone}`);
    if (entry.id && kind !== 'scheduled' && entry.outcome === DONE && entry.id !== each.id) find(kind, 'wrong', `${token} is stored as ${each.id} and was answered as ${entry.id}`);
    if (each.isTakenBack) continue;
    if (!contents.includes(each.content)) find(kind, 'wrong', `${token} says ${JSON.stringify(each.content)} and was to say ${JSON.stringify(contents)}`);
    if (file && String(each.files) !== file) find(kind, 'wrong', `${token} has the files ${each.files} and was sent with ${file}`);
  }
}

/** A time that is nearer is refused, though the request was made in time and had no answer. */
const AHEAD_MS = 10_000;

/** The list of its sender says the same of a planned message as the history. */
function judgeState({ find }, { token, must, wasWaiting, entry, sendAt }, stored) {
  for (const step of entry.steps) {
    if (step.outcome === OPEN) find('scheduled', 'open', `no final answer to ${step.kind} of ${token}`);
    else if (step.outcome !== DONE && step.kind === 'move' && step.code === 'invalid' && step.answered > step.sendAt - AHEAD_MS) continue;
    else if (step.outcome !== DONE && step.kind !== 'plan' && step.code !== 'too_late') find('scheduled', 'wrong', `${step.kind} of ${token} is refused with ${step.code}`);
    else if (step.outcome !== DONE && step.kind !== 'plan' && step.answered < sendAt) {
      find('scheduled', 'wrong', `${step.kind} of ${token} is too late ${Math.round(sendAt - step.answered)} ms before its time`);
    }
  }
  if (entry.outcome !== DONE) return;
  if (sendAt && entry.listedSendAt !== sendAt) find('scheduled', 'wrong', `${token} is due at ${entry.listedSendAt}, and was answered with ${sendAt}`);
  const expected = stored.length > 0 ? ['sent'] : must === 'never' ? [wasWaiting ? 'failed' : 'cancelled'] : ['failed'];
  if (!expected.includes(entry.state)) find('scheduled', 'wrong', `${token} is ${entry.state} (${entry.reason}), and was to be ${expected}`);
  if (entry.state === 'sent' && stored.every(({ id }) => id !== entry.messageId)) find('scheduled', 'lost', `${token} is sent as ${entry.messageId}, which is not in the history`);
}

/** Since when somebody knows that a planned message waits for its time: when that time was answered. */
const waitsSince = ({ entry }) => Math.max(...entry.steps.filter(({ kind, outcome }) => outcome === DONE && ['plan', 'move'].includes(kind)).map(({ answered }) => answered));

/**
 * Places have no holes. What was answered before another one was asked for is before it. So is what is due
 * earlier, if it waited when the other one was due: a plan may be in its queue for longer than its time.
 */
function judgePlaces({ messages, find }, thread, history) {
  history.forEach(({ seq, token }, n) => {
    if (seq !== n + 1) find('groups', 'wrong', `${token} is the ${n + 1}th of ${thread.id} at place ${seq}`);
  });
  const known = history.map(({ token }) => messages.get(token)).filter(Boolean);
  const later = { to: Infinity };
  for (const message of known.toReversed?.() ?? [...known].reverse()) {
    if (later.to < message.from) find(message.kind, 'reordered', `${message.token} is before ${later.token} in ${thread.id}, which was there before it was sent`);
    if (message.to < later.to) Object.assign(later, message);
  }
  let before = { sendAt: -Infinity };
  for (const message of known.filter(each => each.kind === 'scheduled' && each.sendAt)) {
    if (message.sendAt < before.sendAt) {
      if (waitsSince(message) < before.sendAt) find('scheduled', 'reordered', `${message.token} is due ${before.sendAt - message.sendAt} ms before ${before.token} and behind it in ${thread.id}`);
    } else before = message;
  }
}

/**
 * What somebody reads at the end is the end of the history from some place on; which one, their periods say.
 */
function judgeViews({ journal, messages, periods, find }, thread, history) {
  for (const { person, isRefused, messages: seen, asked } of journal.views.filter(view => view.thread === thread.id)) {
    const { in: within, out } = periods(thread.id, person);
    const period = within.at(-1)?.to === Infinity ? within.at(-1) : undefined;
    const isOut = out.at(-1)?.to === Infinity && out.at(-1).from < asked;
    if (isOut && !isRefused) find('groups', 'strangers', `${person} is out of ${thread.id} and reads its history`);
    if (period && isRefused) find('groups', 'lost', `${person} is in ${thread.id} and is refused its history`);
    if (!seen || seen.length === 0 && !period) continue;
    const rest = history.slice(history.length - seen.length);
    const differs = seen.findIndex((each, n) => each.id !== rest[n]?.id || each.content !== rest[n].content || each.seq !== rest[n].seq);
    if (differs >= 0) find('groups', 'wrong', `what ${person} reads of ${thread.id} is another history: ${seen[differs].token}, place ${seen[differs].seq}`);
    if (!period) continue;
    const first = history.length - seen.length;
    history.forEach(({ token }, n) => {
      const message = messages.get(token);
      const mustSee = message && (thread.history === 'all' || period.joined === undefined || message.from > period.from);
      if (mustSee && n < first) find(message.kind, 'lost', `${token} is not in what ${person} reads of ${thread.id}`);
    });
  }
}
