// Files: what was uploaded comes down with the same bytes to those who see its message, to nobody else, and
// to nobody once the message was taken back.

import { DONE, OPEN } from '../journal.mjs';
import { around } from '../periods.mjs';

export function judgeFiles({ journal, messages, periods, find }) {
  for (const { id, owner, by, outcome, code } of journal.uploads) {
    if (outcome === OPEN) find('uploads', 'open', `the file ${id} of ${owner} by ${by} is never whole`);
    else if (outcome !== DONE) find('uploads', 'lost', `the file ${id} of ${owner} by ${by} is refused: ${code}`);
  }
  for (const { file, acknowledged, sent, found } of journal.offsets) {
    if (found < acknowledged) find('uploads', 'lost', `${file} has ${found} bytes, and was answered with ${acknowledged}`);
    if (found > sent) find('uploads', 'wrong', `${file} has ${found} bytes of ${sent} that were sent`);
  }
  const files = new Map(journal.files.map(file => [file.id, file]));
  const threads = new Map(journal.threads.map(thread => [thread.id, thread]));
  for (const download of journal.downloads) {
    const file = files.get(download.file);
    const fault = file && verdictOn(download, file, messages.get(file.token), threads.get(file.thread), periods);
    if (fault) find('uploads', fault, `${download.person} asks for ${file.id} of ${file.owner} in ${file.thread} and gets ${download.status} ${download.sha ?? ''}`);
  }
}

/** The fault of one download, if it has one. */
function verdictOn({ person, asked, answered, status, sha }, file, message, thread, periods) {
  if (status === 200 && sha !== file.sha) return 'wrong';
  if (status !== 200 && status !== 404) return 'open';
  const back = message.takenBack;
  if (back?.outcome === DONE && asked > back.answered) return status === 200 ? 'strangers' : undefined;
  if (back && (back.outcome === OPEN || answered > back.asked)) return undefined;
  // Its owner has it alone before it is sent, and like everybody else then.
  if (person === file.owner && message.must !== 'once') return message.must === 'never' && status === 404 ? 'lost' : undefined;
  const { in: within, out } = periods(thread.id, person);
  const period = around(within, asked, answered);
  const isStored = message.must === 'once' && message.to < asked;
  if (period && isStored && (thread.history === 'all' || period.joined === undefined || message.from > period.from)) return status === 404 ? 'lost' : undefined;
  if (status === 404) return undefined;
  if (around(out, asked, answered)) return 'strangers';
  const hidden = thread.history === 'joined' && period?.joined !== undefined && message.to < period.joined;
  return hidden || message.must === 'never' ? 'strangers' : undefined;
}
