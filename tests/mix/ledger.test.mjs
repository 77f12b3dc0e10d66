// The ledger of the mix can say no: each test gives it a record in which one thing went wrong, and expects
// just that verdict.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DONE, OPEN, REFUSED, newJournal } from './journal.mjs';
import { FAULTS, judge, report } from './ledger.mjs';

const ANN = 'ann';
const BEN = 'ben';
const CEM = 'cem';
const GROUP = 'group';

/**
 * A clean run: of a group of ann, ben and cem, cem is removed at 300 to 310 and added again at 600 to 610. A
 * message is sent at 100, one while cem is out, one afterwards; a planned one is due at 700, one is
 * cancelled, and one has a file.
 */
function cleanRun(history = 'joined') {
  const journal = newJournal();
  journal.threads.push({ id: GROUP, kind: 'group', history, founder: ANN, people: [ANN, BEN, CEM], name: 'nx0', foundedAt: 0 });
  const change = (kind, asked, more) => journal.changes.push({ thread: GROUP, kind, by: ANN, asked, answered: asked + 10, outcome: DONE, ...more });
  change('remove', 300, { who: CEM });
  change('rename', 400, { name: 'nx1' });
  change('add', 600, { who: CEM });
  const message = (token, asked, more = {}) => journal.messages.push({
    token, kind: 'groups', thread: GROUP, sender: BEN, content: `${token} text`, asked, answered: asked + 10, outcome: DONE, isDoubtful: false, id: `id-${token}`, ...more,
  });
  message('mx1', 100);
  message('mx2', 500);
  message('mx3', 650);
  message('mx5', 800, { kind: 'uploads', file: 'file' });
  const step = (kind, asked, more) => ({ kind, asked, answered: asked + 10, outcome: DONE, ...more });
  journal.scheduled.push(
    { token: 'mx4', thread: GROUP, sender: BEN, asked: 120, answered: 130, outcome: DONE, id: 's4', state: 'sent', messageId: 'id-mx4', listedSendAt: 700,
      steps: [step('plan', 120, { content: 'mx4 text', sendAt: 690 }), step('edit', 140, { content: 'mx4 changed' }), step('move', 160, { sendAt: 700 })] },
    { token: 'mx9', thread: GROUP, sender: BEN, asked: 120, answered: 130, outcome: DONE, id: 's9', state: 'cancelled', listedSendAt: 700,
      steps: [step('plan', 120, { content: 'mx9 text', sendAt: 700 }), step('cancel', 150)] },
  );
  journal.files.push({ id: 'file', owner: BEN, thread: GROUP, token: 'mx5', sha: 'right', size: 1 });
  journal.uploads.push({ id: 'file', owner: BEN, by: 'tus', outcome: DONE, cuts: 0 });
  const stored = ['mx1', 'mx2', 'mx3', 'mx4', 'mx5'].map((token, n) => ({
    id: `id-${token}`, seq: n + 1, sender: BEN, token, content: token === 'mx4' ? 'mx4 changed' : `${token} text`, isTakenBack: false, files: token === 'mx5' ? ['file'] : [],
  }));
  journal.histories.set(GROUP, stored);
  journal.groups.set(GROUP, { name: 'nx1', roles: { [ANN]: 'owner', [BEN]: 'member', [CEM]: 'member' } });
  const from = history === 'all' ? 0 : 2;
  journal.views.push(...[[ANN, 0], [BEN, 0], [CEM, from]].map(([person, n]) => ({ person, thread: GROUP, asked: 900, isRefused: false, messages: stored.slice(n) })));
  const at = { mx1: 112, mx2: 512, mx3: 662, mx4: 705, mx5: 812 };
  for (const person of [ANN, BEN, CEM]) {
    journal.sessions.push({ device: `${person}/1`, session: 's', at: 0 });
    for (const { seq, token, id, content, sender } of stored) {
      const isOut = person === CEM && token === 'mx2';
      if (isOut && history !== 'all') continue;
      journal.heard.push({ device: `${person}/1`, person, session: 's', via: isOut ? 'sync' : 'live', at: isOut ? 620 : at[token], thread: GROUP, id, token, seq, content, sender });
      journal.seen.push({ person, token, at: isOut ? 620 : at[token], where: 'test' });
    }
    journal.downloads.push({ person, file: 'file', asked: 900, answered: 910, status: 200, sha: 'right' });
  }
  journal.probes.push({ person: CEM, thread: GROUP, what: 'history', asked: 320, answered: 330, isRefused: true });
  journal.looks.push({ thread: GROUP, what: CEM, expected: null, found: null, at: 320 });
  return journal;
}

/** What the ledger finds after `spoil`, as `kind fault` once each. */
function verdictOn(spoil, history) {
  const journal = cleanRun(history);
  spoil(journal);
  return [...new Set(judge(journal).findings.map(({ kind, fault }) => `${kind} ${fault}`))].sort();
}

const history = journal => journal.histories.get(GROUP);
const entry = (journal, token) => journal.messages.find(each => each.token === token);
const planned = (journal, token) => journal.scheduled.find(each => each.token === token);
const drop = (list, is) => list.splice(0, list.length, ...list.filter(each => !is(each)));
const hears = (journal, person, token, more = {}) => {
  const stored = history(journal).find(each => each.token === token);
  journal.heard.push({ device: `${person}/1`, person, session: 's', via: 'live', at: 820, thread: GROUP, ...stored, ...more });
};
/** Takes a message out of the history and everything that was read or heard. */
const forget = (journal, token) => {
  drop(history(journal), each => each.token === token);
  history(journal).forEach((each, n) => { each.seq = n + 1; });
  journal.views.forEach(view => { view.messages = view.messages.filter(each => each.token !== token); });
  drop(journal.heard, each => each.token === token);
  journal.heard.forEach(each => { each.seq = history(journal).find(({ id }) => id === each.id).seq; });
};
/** Puts a message at another place of the history, and of everything that was read or heard. */
const move = (journal, token, place) => {
  const list = history(journal);
  const [one] = list.splice(list.findIndex(each => each.token === token), 1);
  list.splice(place - 1, 0, one);
  list.forEach((each, n) => { each.seq = n + 1; });
  journal.views.forEach(view => { view.messages = list.slice(list.length - view.messages.length); });
  journal.heard.forEach(each => { each.seq = list.find(({ id }) => id === each.id).seq; });
  journal.heard.sort((a, b) => a.seq - b.seq);
};

test('a run in which nothing went wrong is clean, and its report says so in the last line', () => {
  for (const kept of ['joined', 'all']) {
    const journal = cleanRun(kept);
    const verdict = judge(journal);
    assert.deepEqual(verdict.findings, [], kept);
    assert.equal(verdict.isClean, true);
    assert.equal(report(verdict, journal).split('\n').at(-1), 'mix: clean');
    assert.deepEqual(['changes', 'groups', 'scheduled', 'uploads'].map(kind => verdict.rows[kind].done), [3, 3, 1, 1]);
  }
});

/** mx9 is due at 700 and sent behind mx4, which is due at 760. */
function behindALaterOne(journal) {
  planned(journal, 'mx4').steps[2].sendAt = planned(journal, 'mx4').listedSendAt = 760;
  planned(journal, 'mx9').steps.pop();
  Object.assign(planned(journal, 'mx9'), { state: 'sent', messageId: 'id-mx9' });
  const sent = { ...history(journal)[3], id: 'id-mx9', token: 'mx9', content: 'mx9 text', seq: 5 };
  history(journal).splice(4, 0, sent);
  history(journal).forEach((each, n) => { each.seq = n + 1; });
  journal.views.forEach(view => { view.messages = history(journal).slice(view.person === CEM ? 2 : 0); });
  journal.heard.forEach(each => { each.seq = history(journal).find(({ id }) => id === each.id).seq; });
  [...journal.heard, ...journal.seen].forEach(each => { if (each.token === 'mx4') each.at = 770; });
  [ANN, BEN, CEM].forEach(person => hears(journal, person, 'mx9', { at: 771 }));
  journal.heard.sort((one, other) => one.seq - other.seq);
}

const CASES = {
  'an accepted message that is not in the history': [journal => forget(journal, 'mx3'), ['groups lost']],
  'a message that somebody who is in never got': [journal => drop(journal.heard, each => each.person === CEM && each.token === 'mx3'), ['groups lost']],
  'a message that is missing in an answer to who asked for it, before they were removed': [journal => {
    drop(journal.heard, each => each.person === CEM && each.token === 'mx1');
    journal.syncs.push({ device: 'cem/1', person: CEM, thread: GROUP, after: 0, asked: 120, answered: 130, isOk: true, upTo: Infinity });
  }, ['groups lost']],
  'who is in and is refused what they missed': [journal => journal.syncs.push({ device: 'ben/1', person: BEN, thread: GROUP, after: 0, asked: 120, answered: 130, isOk: false }), ['groups lost']],
  'who is in and may not write': [journal => journal.messages.push({ ...entry(journal, 'mx1'), token: 'mx8', outcome: REFUSED, code: 'not_found' }), ['groups lost']],
  'a message that is stored twice': [journal => {
    const twice = { ...history(journal)[4], id: 'id-again', seq: 6 };
    history(journal).push(twice);
    journal.views.forEach(view => view.messages.push(twice));
    [ANN, BEN, CEM].forEach(person => hears(journal, person, 'mx5', { id: 'id-again', seq: 6 }));
  }, ['uploads doubled', 'uploads wrong']],
  'a message that comes twice on one session': [journal => hears(journal, ANN, 'mx3'), ['groups doubled']],
  'a message that comes behind a later one': [journal => {
    const mine = journal.heard.filter(each => each.person === ANN && ['mx1', 'mx2'].includes(each.token));
    drop(journal.heard, each => mine.includes(each));
    journal.heard.unshift(mine[1], mine[0]);
  }, ['groups reordered']],
  'a message that is stored before one that was there when it was sent': [journal => move(journal, 'mx5', 4), ['uploads reordered']],
  'a message that is heard by somebody who was removed before it was sent': [journal => journal.seen.push({ person: CEM, token: 'mx2', at: 515, where: 'message:received' }), ['groups strangers']],
  'such a message in any answer, also long after they were added again': [journal => journal.seen.push({ person: CEM, token: 'mx2', at: 800, where: 'GET /messages/search' }), ['groups strangers']],
  'a name that a group got while somebody was out, told to them': [journal => journal.seen.push({ person: CEM, token: 'nx1', at: 450, where: 'thread:updated' }), ['changes strangers']],
  'a thread that somebody who is out may read': [journal => { journal.probes[0].isRefused = false; }, ['groups strangers']],
  'a device of somebody who is out that is answered what it missed': [journal => {
    journal.syncs.push({ device: 'cem/1', person: CEM, thread: GROUP, after: 5, asked: 320, answered: 330, isOk: true, upTo: Infinity });
  }, ['groups strangers']],
  'a message by somebody who is out': [journal => { entry(journal, 'mx2').sender = history(journal)[1].sender = CEM; }, ['groups strangers']],
  'a file that somebody who is out may read': [journal => journal.probes.push({ person: CEM, thread: GROUP, what: 'file', asked: 520, answered: 530, isRefused: false }), ['uploads strangers']],
  'a message with other words': [journal => { history(journal)[0].content = 'other'; }, ['groups wrong']],
  'a message that nobody has sent': [journal => { history(journal)[0].token = 'mx7'; }, ['groups lost', 'groups wrong']],
  'a refused message that is stored': [journal => Object.assign(entry(journal, 'mx2'), { outcome: REFUSED, sender: BEN, code: 'invalid', isDoubtful: false }), ['groups lost', 'groups wrong']],
  'a message without an answer': [journal => Object.assign(entry(journal, 'mx1'), { outcome: OPEN, code: 'open' }), ['groups open']],
  'a removal that did not happen': [journal => { journal.looks[0].found = 'member'; }, ['changes wrong']],
  'a group with somebody too many at the end': [journal => { journal.groups.get(GROUP).roles.eve = 'member'; }, ['changes wrong']],
  'a group with another owner at the end': [journal => { journal.groups.get(GROUP).roles[BEN] = 'owner'; }, ['changes wrong']],
  'a group with an older name at the end': [journal => { journal.groups.get(GROUP).name = 'nx0'; }, ['changes wrong']],
  'a change that is refused': [journal => { journal.changes[1].outcome = REFUSED; journal.groups.get(GROUP).name = 'nx0'; }, ['changes lost']],
  'a change that is told twice': [journal => {
    const told = { device: 'ann/1', session: 's', at: 1, event: 'thread:left', mark: '[1]' };
    journal.told.push(told, told);
  }, ['changes doubled']],
  'a planned message that was never sent': [journal => { forget(journal, 'mx4'); planned(journal, 'mx4').state = 'waiting'; }, ['scheduled lost', 'scheduled wrong']],
  'a planned message that says what it said before it was changed': [journal => {
    history(journal)[3].content = 'mx4 text';
    journal.heard.forEach(each => { if (each.token === 'mx4') each.content = 'mx4 text'; });
  }, ['scheduled wrong']],
  'a planned message that is due at another time than was answered': [journal => { planned(journal, 'mx4').listedSendAt = 690; }, ['scheduled wrong']],
  'a cancelled message that was sent': [journal => {
    const sent = { ...history(journal)[4], id: 'id-mx9', token: 'mx9', content: 'mx9 text', seq: 6, files: [] };
    history(journal).push(sent);
    journal.views.forEach(view => view.messages.push(sent));
    [ANN, BEN, CEM].forEach(person => hears(journal, person, 'mx9', { at: 830 }));
  }, ['scheduled wrong']],
  'a planned message that was sent before its time': [journal => journal.seen.push({ person: ANN, token: 'mx4', at: 650, where: 'message:received' }), ['scheduled strangers']],
  'a planned message behind one that was due later': [behindALaterOne, ['scheduled reordered']],
  'a change of a planned message that is too late long before its time': [journal => {
    planned(journal, 'mx4').steps[1] = { kind: 'edit', content: 'x', asked: 140, answered: 150, outcome: REFUSED, code: 'too_late' };
    history(journal)[3].content = 'mx4 text';
    journal.heard.forEach(each => { if (each.token === 'mx4') each.content = 'mx4 text'; });
  }, ['scheduled wrong']],
  'a file with other bytes': [journal => { journal.downloads[0].sha = 'other'; }, ['uploads wrong']],
  'a file that somebody who sees its message does not get': [journal => { journal.downloads[0].status = 404; }, ['uploads lost']],
  'a file that a stranger gets': [journal => { journal.downloads.push({ ...journal.downloads[0], person: 'eve' }); }, ['uploads strangers']],
  'a file of their own that somebody gets who was removed before it was asked for': [journal => {
    Object.assign(entry(journal, 'mx5'), { sender: CEM, asked: 200, answered: 210 });
    history(journal)[4].sender = journal.files[0].owner = CEM;
    move(journal, 'mx5', 2);
    drop(journal.heard, each => each.person === CEM && each.token === 'mx2');
    journal.downloads.push({ person: CEM, file: 'file', asked: 400, answered: 410, status: 200, sha: 'right' });
  }, ['uploads strangers']],
  'a file that is there after its message was taken back': [journal => {
    entry(journal, 'mx5').takenBack = { asked: 850, answered: 860, outcome: DONE };
    Object.assign(history(journal)[4], { isTakenBack: true, content: '', files: [] });
  }, ['uploads strangers']],
  'an upload that has fewer bytes than it was answered with': [journal => journal.offsets.push({ file: 'file', acknowledged: 10, sent: 20, found: 5 }), ['uploads lost']],
  'an upload that never became whole': [journal => journal.uploads.push({ id: 'f', owner: ANN, by: 'tus', outcome: OPEN }), ['uploads open']],
};

for (const [what, [spoil, expected]] of Object.entries(CASES)) {
  test(`the ledger finds ${what}`, () => assert.deepEqual(verdictOn(spoil), expected));
}

test('in a group that shows all, who was added again may read what was said meanwhile, and not before', () => {
  const seenAt = at => verdictOn(journal => journal.seen.push({ person: CEM, token: 'mx2', at, where: 'test' }), 'all');
  assert.deepEqual([seenAt(515), seenAt(700)], [['groups strangers'], []]);
});

test('what may have happened or not is held against nobody', () => {
  // The removal is asked for at 300 and answered at 310: in between cem may hear, or not.
  assert.deepEqual(verdictOn(journal => {
    Object.assign(entry(journal, 'mx2'), { asked: 305, answered: 320 });
    drop(journal.heard, each => each.token === 'mx2' && each.person !== ANN);
    [ANN, BEN].forEach(person => drop(journal.heard, each => each.person === person && each.token === 'mx2'));
    [ANN, BEN, CEM].forEach(person => hears(journal, person, 'mx2', { at: 315, via: 'sync' }));
    journal.seen.push({ person: CEM, token: 'mx2', at: 315, where: 'message:received' });
    drop(journal.views, ({ person }) => person === CEM);
  }), []);
  // A new time that had no answer until it was too near.
  assert.deepEqual(verdictOn(journal => planned(journal, 'mx4').steps.push({ kind: 'move', sendAt: 10_500, asked: 200, answered: 600, outcome: REFUSED, code: 'invalid' })), []);
  // A plan that was in its queue while the later one became due.
  assert.deepEqual(verdictOn(journal => {
    behindALaterOne(journal);
    planned(journal, 'mx9').steps.forEach(step => { step.answered = 900; });
  }).filter(each => each.endsWith('reordered')), []);
  // An attempt without an answer, and then a refusal: stored or not.
  assert.deepEqual(verdictOn(journal => Object.assign(entry(journal, 'mx2'), { outcome: REFUSED, isDoubtful: true, code: 'not_found' })), []);
});

test('every fault can be found', () => {
  const found = new Set(Object.values(CASES).flatMap(([spoil]) => verdictOn(spoil)).map(each => each.split(' ')[1]));
  assert.deepEqual([...found].sort(), [...FAULTS].sort());
});
