// Changes of groups: each one that was accepted happened once, so a group is always what the accepted changes
// in their order make of it, and so it is at the end.

import { DONE, OPEN } from '../journal.mjs';

export function judgeChanges({ journal, find, counts }) {
  for (const change of journal.changes) {
    const { kind, thread, who, by, name, outcome, code } = change;
    const what = `${kind} ${who ?? name} in ${thread} by ${by}`;
    if (outcome === OPEN) find('changes', 'open', `no final answer to ${what}`);
    else if (outcome === DONE) counts('changes');
    // Everybody who asked was an owner, of something that was not so yet.
    else find('changes', 'lost', `${what} is refused with ${code}`);
  }
  for (const { thread, what, expected, found } of journal.looks) {
    if (found !== expected) find('changes', 'wrong', `${what} in ${thread} is ${found} between changes, and was to be ${expected}`);
  }
  for (const thread of journal.threads) if (thread.kind === 'group') judgeEnd({ journal, find }, thread);
}

function judgeEnd({ journal, find }, thread) {
  const changes = journal.changes.filter(change => change.thread === thread.id && change.outcome !== OPEN).sort((one, other) => one.answered - other.answered);
  if (journal.changes.some(change => change.thread === thread.id && change.outcome === OPEN)) return;
  const roles = Object.fromEntries(thread.people.map(person => [person, person === thread.founder ? 'owner' : 'member']));
  let { name } = thread;
  for (const { kind, who, role, name: wanted, outcome } of changes) {
    if (outcome !== DONE) continue;
    if (kind === 'rename') name = wanted;
    else if (kind === 'add') roles[who] = 'member';
    else if (kind === 'role') roles[who] = role;
    else delete roles[who];
  }
  const end = journal.groups.get(thread.id) ?? { roles: {} };
  if (end.name !== name) find('changes', 'wrong', `${thread.id} is called ${end.name} at the end, and was to be ${name}`);
  for (const person of new Set([...Object.keys(roles), ...Object.keys(end.roles)])) {
    if (end.roles[person] !== roles[person]) find('changes', 'wrong', `${person} is ${end.roles[person]} in ${thread.id} at the end, and was to be ${roles[person]}`);
  }
}
