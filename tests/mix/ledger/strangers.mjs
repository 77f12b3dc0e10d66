// Who is out of a thread gets nothing of what is sent then: not by socket, not by any answer. From the moment
// at which a removal was answered until an addition is asked for, nothing is uncertain.

import { DONE } from '../journal.mjs';
import { around } from '../periods.mjs';

export function judgeStrangers(court) {
  judgeTokens(court);
  judgeProbes(court);
  judgeWriters(court);
}

/** Tokens of messages and of names in anything that was sent to somebody. */
function judgeTokens({ journal, messages, periods, find }) {
  const threads = new Map(journal.threads.map(thread => [thread.id, thread]));
  const names = new Map(journal.changes.filter(({ kind }) => kind === 'rename').map(change => [change.name, { ...change, from: change.asked, to: change.answered }]));
  const first = new Map();
  for (const each of journal.seen) {
    const key = `${each.person} ${each.token}`;
    if (!(first.get(key)?.at <= each.at)) first.set(key, each);
  }
  for (const { person, token, at, where } of first.values()) {
    const said = messages.get(token) ?? names.get(token);
    if (!said || said.sender === person) continue;
    const { out } = periods(said.thread, person);
    const period = around(out, said.from, said.to);
    // Who is added later sees what a group is called then and, if the group shows all, what was said before.
    const staysHidden = messages.has(token) && threads.get(said.thread).history !== 'all';
    if (period && (staysHidden || at < period.to)) {
      find(said.kind === 'rename' ? 'changes' : said.kind, 'strangers', `${person} is out of ${said.thread} and gets ${token} by ${where}, ${Math.round(at - said.from)} ms after it was sent`);
    }
    if (said.kind === 'scheduled' && said.sendAt && at < said.sendAt) {
      find('scheduled', 'strangers', `${person} gets ${token} by ${where}, ${Math.round(said.sendAt - at)} ms before its time`);
    }
  }
}

function judgeProbes({ journal, periods, find }) {
  for (const { device, person, thread, asked, answered, isOk } of journal.syncs) {
    if (isOk && around(periods(thread, person).out, asked, answered)) find('groups', 'strangers', `${device} is out of ${thread} and is answered what it missed`);
  }
  for (const { person, thread, what, asked, answered, isRefused } of journal.probes) {
    if (isRefused || !around(periods(thread, person).out, asked, answered)) continue;
    find(what === 'file' ? 'uploads' : 'groups', 'strangers', `${person} is out of ${thread} and is let to its ${what}`);
  }
}

/** Who is out says nothing, also if they are told so; who is in is let to. */
function judgeWriters({ journal, periods, find }) {
  const stored = new Set([...journal.histories.values()].flat().map(({ token }) => token));
  const planned = journal.scheduled.map(each => ({ ...each, kind: 'scheduled' }));
  for (const { thread, sender, token, kind, asked, answered, outcome, code, isDoubtful, door } of [...journal.messages, ...planned]) {
    const { in: within, out } = periods(thread, sender);
    if ((outcome === DONE || kind !== 'scheduled' && stored.has(token)) && around(out, asked, answered)) find(kind, 'strangers', `${sender} is out of ${thread} and sends ${token}`);
    if (outcome !== DONE && code !== 'open' && !isDoubtful && around(within, asked, answered)) find(kind, 'lost', `${sender} is in ${thread}, and ${token} by ${door} is refused with ${code}`);
  }
}
