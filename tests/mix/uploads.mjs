// Files of random bytes, by tus in pieces that are cut in the middle now and then, and by a form. Each is
// sent with a message, read by others, and some messages are taken back.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilFinal } from './asking.mjs';
import { DONE, OPEN, now } from './journal.mjs';
import { send } from './sending.mjs';
import { newMessageToken, textOf } from './words.mjs';

const UPLOAD_EVERY_MS = [500, 1_500];
const AT_ONCE = 4;
const BYTES = [200 * 1024, 3 * 1024 * 1024];
const PIECE = [64 * 1024, 1024 * 1024];
const SHARES = { tus: 0.7, cut: 0.3, read: 0.7, takenBack: 0.2 };
/** A request that was cut may still be written by the server. */
const CUT_AFTER_MS = 60;
const TUS = { 'tus-resumable': '1.0.0' };
const OFFSET_STREAM = 'application/offset+octet-stream';
/** Longest for all pieces of one file. */
const PATIENCE_MS = 120_000;

export const shaOf = bytes => createHash('sha256').update(bytes).digest('hex');

/** Uploads until the end of the run; resolves once everything is answered. */
export function uploadFiles(stage, places) {
  const random = stage.random.fork('uploads');
  return stage.repeat(random, UPLOAD_EVERY_MS, AT_ONCE, () => upload(stage, random, random.pick(places)));
}

/** `place` is `{id, members}`. */
async function upload(stage, random, place) {
  const owner = random.pick(place.members);
  const bytes = randomBytes(Math.floor(random.between(...BYTES)));
  const file = { owner: owner.id, size: bytes.length, sha: shaOf(bytes), by: random.chance(SHARES.tus) ? 'tus' : 'form', cuts: 0, asked: now() };
  const end = outcome => stage.journal.uploads.push({ ...file, ...outcome, answered: now() });
  const outcome = await (file.by === 'tus' ? byTus : byForm)(stage, random, owner, bytes, file);
  end(outcome);
  if (outcome.outcome === DONE) await sent(stage, random, place, owner, file);
}

async function byForm(stage, random, owner, bytes, file) {
  const { answer, outcome, code } = await owner.asks('POST', '/attachments', formOf(bytes));
  file.id = answer.attachment?.id;
  return { outcome, code };
}

function formOf(bytes) {
  const body = new FormData();
  body.append('file', new Blob([bytes]), 'mix.bin');
  return { body };
}

async function byTus(stage, random, owner, bytes, file) {
  const headers = { ...TUS, 'upload-length': String(bytes.length), 'upload-metadata': `filename ${btoa('mix.bin')}` };
  const begun = await owner.asks('POST', '/attachments/tus', { headers });
  if (begun.outcome !== DONE) return { outcome: begun.outcome, code: begun.code };
  file.id = begun.answer.id;
  const path = `/attachments/tus/${file.id}`;
  const deadline = now() + PATIENCE_MS;
  for (let [offset, known, sent] = [0, 0, 0]; offset < bytes.length;) {
    if (now() > deadline) return { outcome: OPEN, code: 'open' };
    const end = Math.min(bytes.length, offset + Math.floor(random.between(...PIECE)));
    // A request that was cut may be written on while others are asked.
    sent = Math.max(sent, end);
    const answer = await piece(stage, random, owner, path, offset, bytes.subarray(offset, end), file).catch(() => ({ status: 0 }));
    if (answer.status === 204) {
      offset = known = Number(answer.headers.get('upload-offset'));
      continue;
    }
    const asked = await untilFinal(() => owner.ask('HEAD', path, { headers: TUS }));
    if (asked.outcome !== DONE) return { outcome: asked.outcome, code: `HEAD after ${answer.status}: ${asked.code}` };
    offset = Number(asked.answer.headers.get('upload-offset'));
    stage.journal.offsets.push({ file: file.id, acknowledged: known, sent, found: offset });
    // Another request may write still, or its lock may outlive its gateway.
    if (offset < bytes.length) await sleep(CUT_AFTER_MS * 5);
  }
  // The last byte finishes the file; whoever had no answer to it asks until it is whole.
  const whole = await untilFinal(async () => {
    const info = await owner.ask('GET', `/attachments/${file.id}/info`);
    return info.code === 'conflict' ? { status: 503 } : info;
  });
  return { outcome: whole.outcome, code: whole.code };
}

/** One PATCH, which breaks in the middle by chance. */
function piece(stage, random, owner, path, offset, bytes, file) {
  const headers = { ...TUS, 'upload-offset': String(offset), 'content-type': OFFSET_STREAM };
  if (!random.chance(SHARES.cut)) return owner.ask('PATCH', path, { headers, body: bytes });
  file.cuts += 1;
  const cut = new AbortController();
  const half = bytes.subarray(0, Math.ceil(bytes.length * random.between(0.1, 0.9)));
  let isFirst = true;
  const body = new ReadableStream({
    pull(controller) {
      if (!isFirst) return new Promise(() => {});
      isFirst = false;
      return controller.enqueue(half);
    },
  });
  setTimeout(() => cut.abort(), random.between(CUT_AFTER_MS, CUT_AFTER_MS * 5));
  return owner.ask('PATCH', path, { headers, body, duplex: 'half', signal: cut.signal });
}

async function sent(stage, random, { id: thread, members }, owner, file) {
  const token = newMessageToken();
  const content = textOf(token, thread, 'with a file');
  const { answer, ...done } = await send(owner, thread, { content, attachments: [{ id: file.id }], clientMessageId: token }, random);
  const entry = { token, kind: 'uploads', thread, sender: owner.id, content, file: file.id, ...done, id: answer.message?._id };
  stage.journal.messages.push(entry);
  stage.journal.files.push({ ...file, thread, token, isSent: done.outcome === DONE });
  if (done.outcome !== DONE) return;
  if (random.chance(SHARES.read)) await download(stage, random.pick(members), file.id);
  if (random.chance(SHARES.takenBack)) {
    const { asked, answered, outcome, code } = await owner.asks('DELETE', `/messages/${entry.id}`);
    entry.takenBack = { asked, answered, outcome, code };
    await Promise.all([owner, random.pick(members)].map(who => download(stage, who, file.id)));
  }
}

/** Gets a file, and keeps what came of it. */
export async function download(stage, who, file) {
  const { answer, asked, answered } = await who.asks('GET', `/attachments/${file}`, { asBytes: true });
  stage.journal.downloads.push({
    person: who.id, file, asked, answered, status: answer.status, sha: answer.status === 200 ? shaOf(answer.bytes) : undefined,
  });
}
