// The verdict on a run: from its journal, what was done of each kind, and what of it was lost, doubled,
// reordered, shown to strangers, wrong or never answered. Looks at nothing but the journal.

import { judgeChanges } from './ledger/changes.mjs';
import { judgeFiles } from './ledger/files.mjs';
import { judgeHearing } from './ledger/hearing.mjs';
import { judgeHistories } from './ledger/histories.mjs';
import { judgeStrangers } from './ledger/strangers.mjs';
import { messagesOf } from './ledger/messages.mjs';
import { allPeriods } from './periods.mjs';

/** What a clean run has none of. */
export const FAULTS = ['lost', 'doubled', 'reordered', 'strangers', 'wrong', 'open'];
export const KINDS = ['changes', 'groups', 'scheduled', 'uploads'];
/** Findings that a report shows of each fault of each kind. */
const SHOWN = 5;

/** `{rows: {kind: {done, lost, …}}, findings: [{kind, fault, what}], isClean}`. */
export function judge(journal) {
  const rows = Object.fromEntries(KINDS.map(kind => [kind, { done: 0, ...Object.fromEntries(FAULTS.map(fault => [fault, 0])) }]));
  const findings = [];
  const find = (kind, fault, what) => {
    rows[kind][fault] += 1;
    findings.push({ kind, fault, what });
  };
  const periods = allPeriods(journal);
  const messages = messagesOf(journal, periods);
  const court = { journal, periods, messages, find, counts: (kind, count = 1) => { rows[kind].done += count; } };
  for (const judgeSome of [judgeChanges, judgeHistories, judgeHearing, judgeStrangers, judgeFiles]) judgeSome(court);
  return { rows, findings, isClean: findings.length === 0 };
}

/**
 * How long after their removal was answered people heard live what had been sent before it, in milliseconds.
 * It was on its way, so it is held against nobody.
 */
function onTheirWay(journal) {
  const periods = allPeriods(journal);
  return journal.heard.filter(({ via }) => via === 'live').flatMap(({ thread, person, at }) => {
    const period = periods(thread, person).out.find(({ from, to }) => from > 0 && from < at && at < to);
    return period ? [Math.round(at - period.from)] : [];
  });
}

/** One line for each kind, the findings, and in the last line the sum. */
export function report({ rows, findings, isClean }, journal) {
  const shown = KINDS.flatMap(kind => FAULTS.flatMap(fault => findings.filter(each => each.kind === kind && each.fault === fault).slice(0, SHOWN)));
  const count = list => list.length;
  const late = onTheirWay(journal);
  const of = (list, kind) => count(list.filter(each => each.kind === kind || each.via === kind || each.by === kind));
  const steps = journal.scheduled.flatMap(each => each.steps);
  return [
    `mix: ${journal.threads.length} threads, ${new Set(journal.sessions.map(each => each.device)).size} devices, ${count(journal.sessions)} sessions; `
      + `heard ${of(journal.heard, 'live')} live and ${of(journal.heard, 'sync')} by catching up`,
    `mix: changes: ${['add', 'remove', 'leave', 'role', 'rename'].map(kind => `${of(journal.changes, kind)} ${kind}`).join(', ')}; ${count(journal.probes)} tries of people who were out; `
      + `${count(late)} messages of before heard after a removal was answered, ${Math.max(0, ...late)} ms at most`,
    `mix: planned ${of(steps, 'plan')}, ${of(steps, 'edit')} edited, ${of(steps, 'move')} moved, ${of(steps, 'cancel')} cancelled; `
      + `files ${of(journal.uploads, 'tus')} by tus with ${journal.uploads.reduce((sum, { cuts }) => sum + cuts, 0)} cuts and ${count(journal.offsets)} resumed, `
      + `${of(journal.uploads, 'form')} by form, ${count(journal.messages.filter(each => each.takenBack))} taken back, ${count(journal.downloads)} downloads`,
    ...shown.map(({ kind, fault, what }) => `mix: ${kind} ${fault}: ${what}`),
    ...KINDS.map(kind => `mix: ${kind.padEnd(9)} done ${String(rows[kind].done).padStart(5)}  ${FAULTS.map(fault => `${fault} ${rows[kind][fault]}`).join('  ')}`),
    `mix: ${isClean ? 'clean' : `NOT CLEAN: ${findings.length} findings`}`,
  ].join('\n');
}
