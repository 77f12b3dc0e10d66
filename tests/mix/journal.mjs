// What a run has asked for, was answered, heard and read, as plain lists: all that the ledger looks at. Times
// are milliseconds since 1970 by a clock that never steps (`now`). `asked` is the moment before the first
// attempt, `answered` the one after the final answer; so what a server did for it happened in between.

import { performance } from 'node:perf_hooks';

export const now = () => performance.timeOrigin + performance.now();

/** What became of a request that was repeated until its final answer. */
export const DONE = 'done';
/** Refused, with `code`. `isDoubtful` if an earlier attempt had no answer and may have been carried out. */
export const REFUSED = 'refused';
/** No final answer within the time of `asking.mjs`. */
export const OPEN = 'open';

/** A word that names one message or one name, and that is found again in whatever shows it. */
export const TOKEN = /\b[mn]x[0-9a-f]{16}\b/g;

/** An empty record of a run. */
export const newJournal = () => ({
  /**
   * `{id, kind: 'group' or 'pair', history: 'joined' or 'all', founder, people, name}`; `people` are those of
   * its beginning. The founder of a group never leaves it and always owns it.
   */
  threads: [],
  /**
   * `{thread, kind: 'add', 'remove', 'leave', 'role' or 'rename', by, who, role, name, asked, answered,
   * outcome, code}`
   */
  changes: [],
  /** Looks at a group between changes: `{thread, what, expected, found, at}`. */
  looks: [],
  /**
   * Messages that are sent at once: `{token, kind: 'groups' or 'uploads', thread, sender, content, file,
   * asked, answered, outcome, code, isDoubtful, id, takenBack: {asked, answered, outcome}}`.
   */
  messages: [],
  /**
   * Messages that are sent later: `{token, thread, sender, asked, answered, outcome, code, isDoubtful, id,
   * steps}`; a step is `{kind: 'plan', 'edit', 'move' or 'cancel', content, sendAt, asked, answered,
   * outcome, code}`. `state`, `messageId` and `listedSendAt` are what the list of
   * its sender says at the end.
   */
  scheduled: [],
  /**
   * Uploads, also those of which nothing came: `{id, owner, size, sha, by: 'tus' or 'form', cuts, asked,
   * answered, outcome, code}`.
   */
  uploads: [],
  /** After a piece without an answer: `{file, acknowledged, sent, found}`, in bytes. */
  offsets: [],
  /** Files that were sent: `{id, owner, thread, token, size, sha, by, cuts, isSent}`. */
  files: [],
  /** `{person, file, asked, answered, status, sha}` */
  downloads: [],
  /**
   * Messages that a device got: `{device, person, session, via: 'live' or 'sync', at, thread, id, token,
   * seq, content, sender}`.
   */
  heard: [],
  /**
   * Other events of groups that a device heard: `{device, session, at, event, mark}`; one mark, one event.
   */
  told: [],
  /** Sessions of devices: `{device, session, at}`, once each. */
  sessions: [],
  /**
   * `{device, person, thread, after, asked, answered, isOk, upTo}`: `upTo` is the last place that the answer
   * reaches, Infinity if it was complete.
   */
  syncs: [],
  /** Tokens in anything that was sent to somebody: `{person, token, at, where}`. */
  seen: [],
  /** What somebody who is out of a thread asked for: `{person, thread, what, asked, answered, isRefused}`. */
  probes: [],
  /** At the end. Thread id to its messages, as the founder reads them. */
  histories: new Map(),
  /** At the end: `{person, thread, asked, isRefused, messages}`. */
  views: [],
  /** At the end: thread id to `{name, roles: {person: role}}`. */
  groups: new Map(),
});
