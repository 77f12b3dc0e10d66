// When somebody was in a thread and when not, by the answers. A change happened between its request and its
// answer, so of that time nothing is known: a period is what is certain.

import { DONE } from './journal.mjs';

/**
 * `{in: [{from, to}], out: [{from, to}]}` of a person in a thread, in milliseconds; the last one may have no
 * end. `joined` of a period `in` says whether it began with an addition.
 */
export function periodsOf(journal, thread, person) {
  const periods = { in: [], out: [] };
  const changes = journal.changes
    .filter(change => change.thread === thread.id && change.who === person && ['add', 'remove', 'leave'].includes(change.kind))
    .sort((one, other) => one.asked - other.asked);
  let isIn = thread.people.includes(person);
  let from = -Infinity;
  let joined;
  const end = to => periods[isIn ? 'in' : 'out'].push({ from, to, joined: isIn ? joined : undefined });
  for (const change of changes) {
    if (change.outcome !== DONE && !change.isDoubtful) continue;
    end(change.asked);
    // Of what has no answer nothing is known any more.
    if (change.outcome !== DONE) return periods;
    isIn = change.kind === 'add';
    from = change.answered;
    joined = isIn ? change.asked : undefined;
  }
  end(Infinity);
  return periods;
}

/** The period that holds all of a time, if there is one. */
export const around = (periods, from, to) => periods.find(period => period.from <= from && to <= period.to);

/** `periodsOf` of everybody, looked up once: a function of a thread's id and a person's. */
export function allPeriods(journal) {
  const known = new Map();
  const threads = new Map(journal.threads.map(thread => [thread.id, thread]));
  return (thread, person) => {
    const key = `${thread} ${person}`;
    if (!known.has(key)) known.set(key, periodsOf(journal, threads.get(thread), person));
    return known.get(key);
  };
}
