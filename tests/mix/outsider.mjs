// What somebody who has just left a group, or was removed, tries to read and to write of it.

import { emit, untilFinal } from './asking.mjs';
import { DONE, now } from './journal.mjs';
import { send } from './sending.mjs';
import { newMessageToken, textOf } from './words.mjs';

/** Files of a group that are asked for. */
const FILES = 2;

/** Tries every way at once, and again until `until`; each try gets into the journal. */
export async function probeOutsider(group, who, until) {
  const { stage, id } = group;
  const { journal } = stage;
  const note = (what, { asked, answered, outcome, code }) => journal.probes.push({
    person: who.id, thread: id, what, asked, answered, isRefused: outcome !== DONE, code,
  });
  const reads = {
    history: `/messages/${id}?limit=100`, changes: `/messages/${id}?changesAfter=0`, thread: `/messages/threads/${id}`,
    members: `/messages/threads/${id}/members`, pins: `/messages/threads/${id}/pins`, search: `/messages/search?q=word${id}&threadId=${id}`,
  };
  const read = async ([what, path]) => note(what, await who.asks('GET', path));
  const file = async ({ id: fileId }) => note('file', await who.asks('GET', `/attachments/${fileId}`, { asBytes: true }));
  // Both give other threads too; what they show of this one is found by its tokens (`Person.sees`).
  const everywhere = path => who.asks('GET', path);
  const sync = async () => {
    const { answer, ...done } = await untilFinal(() => emit(who.socket, 'sync', { threads: [{ threadId: id, after: 0, changesAfter: 0 }] }), until - now());
    who.sees(answer, 'sync of an outsider');
    const isRefused = answer.threads?.[0].success === false;
    if (done.outcome === DONE) journal.probes.push({ person: who.id, thread: id, what: 'sync', asked: done.asked, answered: done.answered, isRefused });
  };
  const write = async () => {
    const token = newMessageToken();
    const content = textOf(token, id, 'by an outsider');
    const { answer, ...done } = await send(who, id, { content, clientMessageId: token }, group.random);
    journal.messages.push({ token, kind: 'groups', thread: id, sender: who.id, content, ...done, id: answer.message?._id });
    note('write', done);
  };
  const files = journal.files.filter(each => each.thread === id && each.isSent).slice(-FILES);
  await Promise.all([...Object.entries(reads).map(read), ...files.map(file), sync(), write()]);
  await Promise.all([everywhere(`/messages/search?q=word${id}&limit=100`), everywhere('/messages/threads?limit=100'), read(['history', reads.history])]);
}
