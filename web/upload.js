// One file on its way to the server, by tus 1.0.0: it goes in pieces, and after a cut it goes on where it
// was, also at another gateway. docs/PROTOCOL.md has the routes.

import { waiting } from '/api.js';
import { Refusal } from '/refusal.js';

const TUS = Object.freeze({ 'Tus-Resumable': '1.0.0' });
const BYTES = 'application/offset+octet-stream';
/** Bytes of one request: what a cut costs at most. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** A piece of which nothing goes on for so long has no answer. */
const SILENCE_MS = 45_000;
/** So many failures one after the other end an upload: about two minutes. Then somebody has to say. */
const FAILURES_MAX = 10;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
/** Codes after which the upload is asked for where it is. */
const ASK_WHERE = ['conflict', 'locked'];

/**
 * Uploads a file; gives it as a message shows it, or throws a `Refusal`. `id` is that of an upload of the
 * same file that was begun before; `begun(id)` tells that of a new one.
 * @param {import('/api.js').Api} api
 * @param {File} file
 * @param {{ id?: string, signal: AbortSignal, begun: (id: string) => void,
 *   progress: (sent: number) => void }} more
 * @returns {Promise<Attachment>}
 */
export async function upload(api, file, { id, signal, begun, progress }) {
  let isSure = false;
  let sent = 0;
  for (let failures = 0; ;) {
    try {
      if (id === undefined) {
        begun(id = await begin(api, file, signal));
        sent = 0;
      } else if (!isSure) sent = await offset(api, id, signal);
      isSure = true;
      progress(sent);
      if (sent >= file.size) return (await api.ask('GET', `/attachments/${id}/info`, undefined, signal)).attachment;
      const from = sent;
      sent = await append(api, id, { from, bytes: file.slice(from, from + PIECE_BYTES), signal, progress });
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Refusal)) throw error;
      // An upload that was left for too long is gone: it begins anew.
      if (error.code === 'not_found') id = undefined;
      isSure = false;
      failures += 1;
      const mayPass = error.isPassing || ASK_WHERE.includes(error.code) || error.code === 'not_found';
      if (!mayPass || failures > FAILURES_MAX) throw error;
      await waiting(Math.max(error.waitS * 1000, Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)), signal);
    }
  }
}

/**
 * Ends an upload, or deletes a file that no message uses. What is left otherwise goes by itself in a day.
 * @param {import('/api.js').Api} api
 * @param {string} id
 */
export function removeUpload(api, id) {
  api.ask('DELETE', `/attachments/${id}`).catch(() => {});
}

/**
 * How large a file may be; nothing where the server takes no files, and `undefined` if it does not say.
 * @param {import('/api.js').Api} api
 * @returns {Promise<number | null | undefined>}
 */
export async function largestFile(api) {
  try {
    const most = (await api.exchange('OPTIONS', '/attachments/tus', {})).headers;
    if (most.get('Tus-Max-Size') !== null) return Number(most.get('Tus-Max-Size'));
    return most.get('Tus-Version') === null ? undefined : null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.isPassing ? undefined : null;
  }
}

/**
 * @param {import('/api.js').Api} api
 * @param {File} file
 * @param {AbortSignal} signal
 * @returns {Promise<string>}
 */
async function begin(api, file, signal) {
  const headers = { ...TUS, 'Upload-Length': String(file.size), 'Upload-Metadata': `filename ${base64(file.name)}` };
  const response = await api.exchange('POST', '/attachments/tus', { headers, signal });
  const { id } = await response.json().catch(() => ({}));
  if (typeof id !== 'string') throw new Refusal({ code: 'unavailable' });
  return id;
}

/**
 * How many bytes the server has.
 * @param {import('/api.js').Api} api
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function offset(api, id, signal) {
  const response = await api.exchange('HEAD', `/attachments/tus/${id}`, { headers: TUS, signal });
  return Number(response.headers.get('Upload-Offset'));
}

/**
 * Appends bytes; gives how many the server has then. `fetch` does not tell how far it is, so this is an
 * `XMLHttpRequest`.
 * @param {import('/api.js').Api} api
 * @param {string} id
 * @param {{ from: number, bytes: Blob, signal: AbortSignal, progress: (sent: number) => void }} piece
 * @returns {Promise<number>}
 */
async function append(api, id, { from, bytes, signal, progress }) {
  const proof = await api.proof('PATCH');
  const request = new XMLHttpRequest();
  // What answers without JSON has no `response` then.
  request.responseType = 'json';
  const give = () => request.abort();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  const moved = () => {
    clearTimeout(silence);
    silence = setTimeout(give, SILENCE_MS);
  };
  /** @type {Promise<number>} */
  const answered = new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', ({ loaded }) => { moved(); progress(from + loaded); });
    for (const event of ['error', 'abort']) request.addEventListener(event, () => reject(new Refusal({ code: 'offline' })));
    request.addEventListener('load', () => {
      if (request.status === 204) resolve(Number(request.getResponseHeader('Upload-Offset')));
      else reject(api.refused(request.status, request.response ?? { code: 'unavailable' }, request.getResponseHeader('Retry-After')));
    });
    request.open('PATCH', `/api/v2/attachments/tus/${id}`);
    const headers = { ...TUS, ...proof, 'Upload-Offset': String(from), 'Content-Type': BYTES };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    signal.addEventListener('abort', give);
    moved();
    request.send(bytes);
  });
  return answered.finally(() => {
    clearTimeout(silence);
    signal.removeEventListener('abort', give);
  });
}

/** @param {string} text */
const base64 = text => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
