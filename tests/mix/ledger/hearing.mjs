// What devices were told against histories: everybody hears what was sent while they were in, once on a
// session and in order; what a device has missed, it gets when it asks.

import { around } from '../periods.mjs';

/** Longest after the beginning of a session that a gateway sends what was missed. */
const REPEATS_MS = 15_000;

export function judgeHearing(court) {
  const { journal } = court;
  const devices = new Map();
  for (const heard of journal.heard) appended(devices, `${heard.device} ${heard.thread}`, heard);
  const stored = new Map([...journal.histories.values()].flat().map(message => [message.id, message]));
  for (const heard of devices.values()) judgeStream(court, heard, stored);
  judgeMissing(court, devices);
  judgeTold(court);
}

const appended = (map, key, value) => map.has(key) ? map.get(key).push(value) : map.set(key, [value]);

/** What one device got of one thread. */
function judgeStream({ journal, messages, find }, heard, stored) {
  const kindOf = token => messages.get(token)?.kind ?? 'groups';
  const sessions = new Map();
  for (const each of heard) if (each.via === 'live') appended(sessions, each.session, each);
  const began = new Map(journal.sessions.map(({ device, session, at }) => [`${device} ${session}`, at]));
  const before = new Set();
  for (const [session, live] of sessions) {
    const here = new Set();
    let last = 0;
    for (const { id, seq, token, at, device } of live) {
      if (here.has(id)) find(kindOf(token), 'doubled', `${token}, place ${seq}, comes twice to ${device}`);
      else if (seq < last) find(kindOf(token), 'reordered', `${token}, place ${seq}, comes behind ${last} to ${device}`);
      else if (before.has(id) && at - began.get(`${device} ${session}`) > REPEATS_MS) find(kindOf(token), 'doubled', `${token}, place ${seq}, comes again to ${device}`);
      here.add(id);
      last = Math.max(last, seq);
    }
    here.forEach(id => before.add(id));
  }
  for (const { id, seq, token, content, device, via } of heard) {
    const same = stored.get(id);
    if (!same) find(kindOf(token), 'wrong', `${token}, place ${seq}, is told to ${device} and not in the history`);
    else if (same.seq !== seq || same.token !== token || !same.isTakenBack && same.content !== content) {
      find(kindOf(token), 'wrong', `${token}, place ${seq}, is told to ${device} by ${via} as ${JSON.stringify(content)}, and is ${JSON.stringify(same)}`);
    }
  }
}

/**
 * Who is in a thread at the end has all that was sent since they came. And an answer to somebody who asked
 * for what is missing has all that was sent since they came and before they asked.
 */
function judgeMissing({ journal, messages, periods, find }, devices) {
  const threads = new Map(journal.threads.map(thread => [thread.id, thread]));
  const expected = new Map();
  for (const [thread, history] of journal.histories) expected.set(thread, history.map(each => ({ ...each, ...messages.get(each.token) })).filter(each => each.kind));
  const people = new Map([...journal.sessions, ...journal.heard].map(({ device }) => [device, device.split('/')[0]]));
  for (const [device, person] of people) {
    for (const [thread, history] of expected) {
      const has = new Set(devices.get(`${device} ${thread}`)?.map(({ id }) => id));
      const missing = history.filter(({ id }) => !has.has(id));
      if (missing.length === 0) continue;
      const { in: within } = periods(thread, person);
      const asks = journal.syncs.filter(sync => sync.device === device && sync.thread === thread && sync.isOk);
      for (const { token, kind, seq, from, to } of missing) {
        const period = around(within, from, to);
        if (!period) continue;
        const isAtEnd = period.to === Infinity;
        const ask = asks.find(({ after, upTo, asked, answered }) => after < seq && seq <= upTo && asked >= to && around([period], asked, answered));
        if (isAtEnd || ask) {
          find(kind, 'lost', `${device} has never got ${token}, place ${seq} of ${thread} (${threads.get(thread).history})${ask ? ', and asked for it' : ''}`);
        }
      }
    }
  }
  for (const { device, person, thread, asked, answered, isOk } of journal.syncs) {
    const { in: within } = periods(thread, person);
    if (!isOk && around(within, asked, answered) && asked > threads.get(thread).foundedAt) find('groups', 'lost', `${device} is in ${thread} and is refused what it missed`);
  }
}

/** A change of a group is told once on a session. */
function judgeTold({ journal, find }) {
  const known = new Set();
  for (const { device, session, event, mark } of journal.told) {
    const key = `${device} ${session} ${event} ${mark}`;
    if (known.has(key)) find('changes', 'doubled', `${event} ${mark} comes twice to ${device}`);
    known.add(key);
  }
}
