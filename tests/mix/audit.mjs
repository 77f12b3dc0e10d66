// What is there at the end, when everything is answered and nobody asks for anything any more: the histories
// as founders and as everybody else reads them, the groups, what became of what was planned, and the files.

import { setTimeout as sleep } from 'node:timers/promises';
import { DONE, now } from './journal.mjs';
import { download } from './uploads.mjs';

/** Longest for what is due to be sent, and for devices to have everything. */
const PATIENCE_MS = 90_000;
const LOOK_EVERY_MS = 300;
/** Nothing that was on its way comes later, to somebody who must not hear it. */
const SILENCE_MS = 1_500;
/** A device that asks for nothing is sent what it missed within this time after it came back. */
const SENT_MS = 12_000;
/** People who read each file, beside its owner; everybody whom it is hidden from asks for it too. */
const READERS = 2;

/** Fills the journal's `histories`, `views`, `groups`, and the ends of `scheduled`. */
export async function audit(stage) {
  const { journal, people } = stage;
  await planned(stage);
  await until('every device is connected', () => people.every(each => each.devices.every(({ socket }) => socket.connected)));
  const quiet = people.flatMap(each => each.devices).filter(({ isQuiet }) => isQuiet);
  await until('quiet devices were sent what they missed', () => quiet.every(({ began }) => now() - began > SENT_MS));
  await sleep(SILENCE_MS);
  await Promise.all(people.flatMap(each => each.devices.map(device => device.settle())));
  await until('every device has everything', () => people.every(each => each.devices.every(({ isSettled }) => isSettled)));
  await Promise.all(journal.threads.map(thread => readThread(stage, thread)));
  for (const file of journal.files) await readFile(stage, file);
}

async function planned(stage) {
  const { journal, people } = stage;
  await Promise.all(people.map(async person => {
    const own = new Map(journal.scheduled.filter(each => each.sender === person.id && each.id).map(each => [each.id, each]));
    await until(`what ${person.id} has planned has ended`, async () => {
      for (let path = '/messages/scheduled?limit=100'; path;) {
        const { answer, outcome } = await person.asks('GET', path);
        if (outcome !== DONE) throw new Error(`scheduled messages are not listed: ${JSON.stringify(answer)}`);
        for (const { _id, state, messageId, reason, sendAt } of answer.scheduled) {
          if (own.has(_id)) Object.assign(own.get(_id), { state, messageId, reason, listedSendAt: Date.parse(sendAt) });
        }
        path = answer.nextCursor && `/messages/scheduled?limit=100&cursor=${encodeURIComponent(answer.nextCursor)}`;
      }
      return [...own.values()].every(({ state }) => !['waiting', 'sending'].includes(state));
    });
  }));
}

async function readThread(stage, { id, kind, founder }) {
  const { journal, people } = stage;
  await Promise.all(people.map(async who => {
    const asked = now();
    const messages = await historyOf(who, id);
    journal.views.push({ person: who.id, thread: id, asked, isRefused: messages === undefined, messages });
    if (who.id === founder) journal.histories.set(id, messages ?? []);
  }));
  if (kind !== 'group') return;
  const owner = stage.person(founder);
  const { answer: { thread } } = await owner.asks('GET', `/messages/threads/${id}`);
  const { answer: { members } } = await owner.asks('GET', `/messages/threads/${id}/members?limit=100`);
  journal.groups.set(id, { name: thread?.group.name, roles: Object.fromEntries((members ?? []).map(each => [each.id, each.role])) });
}

/** A whole history, or nothing if it is refused. */
async function historyOf(who, thread) {
  const messages = [];
  for (let after = 0; ;) {
    const { answer, outcome } = await who.asks('GET', `/messages/${thread}?after=${after}&limit=100`);
    if (outcome !== DONE) return undefined;
    messages.push(...answer.messages.map(({ _id, seq, senderId, content, clientMessageId, deletedAt, attachments }) => ({
      id: _id, seq, sender: senderId, content, token: clientMessageId, isTakenBack: deletedAt !== undefined, files: (attachments ?? []).map(each => each.id),
    })));
    if (answer.messages.length === 0) return messages;
    after = messages.at(-1).seq;
  }
}

async function readFile(stage, file) {
  const { people, journal, random } = stage;
  const sees = new Set(journal.views.filter(view => view.messages?.some(({ token }) => token === file.token)).map(view => view.person));
  const readers = people.filter(({ id }) => sees.has(id) && id !== file.owner).sort(() => random.next() - 0.5).slice(0, READERS);
  const others = people.filter(({ id }) => !sees.has(id) || id === file.owner);
  await Promise.all([...readers, ...others].map(who => download(stage, who, file.id)));
}

async function until(what, look) {
  const deadline = now() + PATIENCE_MS;
  while (!await look()) {
    if (now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}
