// Files: uploads that go on after a cut (tus 1.0), and what was uploaded. A message is sent with the `id` of
// a finished file: `client.send(threadId, { attachments: [{ id }] })`.

import { pause, pauseAfter } from '../pause.js';
import { Refusal } from '../refusal.js';
import { REPEATABLE, path } from './path.js';

/** @typedef {import('../documents.js').AttachmentAnswer} AttachmentAnswer */
/** @typedef {import('../documents.js').UploadAnswer} UploadAnswer */
/** @typedef {import('../documents.js').StoredFile} StoredFile */

/**
 * @typedef {object} UploadOptions
 * @property {string} [name] as people see it; that of a `File` if it is not given
 * @property {(progress: { sent: number, total: number }) => void} [onProgress] after each piece that is kept
 * @property {(id: string) => void} [onBegun] the id of the upload: keep it to go on after a reload
 * @property {string} [resume] the id of an upload of the same file that was begun before
 * @property {AbortSignal} [signal] nobody waits any more; what has come is kept for `resume`
 */

/** Bytes of one request: what a cut costs, and how often progress is told. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** A piece without an answer for so long has none: 4 MiB at 35 KB/s. */
const PIECE_PATIENCE_MS = 120_000;
/** So many failures one after the other end an upload: about two minutes. */
const FAILURES_MAX = 10;
/** Codes after which the upload is asked for where it is. */
const ASK_WHERE = new Set(['conflict', 'locked']);

export class Attachments {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * Uploads a file, piece by piece; goes on after cuts, also at another gateway. Gives the file as a message
   * shows it.
   * @param {Blob | ArrayBuffer | Uint8Array | string} file
   * @param {UploadOptions} [options]
   * @returns {Promise<StoredFile>}
   */
  async upload(file, { name, onProgress, onBegun, resume, signal } = {}) {
    const blob = file instanceof Blob ? file : new Blob([/** @type {any} */ (file)]);
    const total = blob.size;
    const id = resume ?? await this.#begun(blob, name ?? /** @type {File} */ (blob).name, signal);
    if (!resume) onBegun?.(id);
    let sent = resume ? await this.offset(id, { signal }) : 0;
    for (let failures = 0; sent < total;) {
      try {
        sent = await this.append(id, sent, blob.slice(sent, sent + PIECE_BYTES), { signal });
        failures = 0;
        onProgress?.({ sent, total });
      } catch (error) {
        signal?.throwIfAborted();
        const refusal = Refusal.of(error);
        failures += 1;
        const mayPass = refusal.isPassing || ASK_WHERE.has(refusal.code);
        if (!mayPass || failures > FAILURES_MAX) throw refusal;
        await pause(pauseAfter(failures, refusal.retryAfterMs), signal);
        sent = await this.offset(id, { signal });
      }
    }
    return (await this.info(id)).attachment;
  }

  /**
   * @param {Blob} blob
   * @param {string | undefined} name
   * @param {AbortSignal | undefined} signal
   */
  async #begun(blob, name, signal) {
    const { id } = await this.begin(blob.size, name, { signal });
    if (!id) throw new Refusal({ code: 'failed' });
    return id;
  }

  /**
   * Begins an upload of so many bytes.
   * @param {number} length
   * @param {string} [name]
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<UploadAnswer>}
   */
  async begin(length, name, { signal } = {}) {
    /** @type {Record<string, string>} */
    const headers = { ...TUS, 'upload-length': String(length) };
    if (name) headers['upload-metadata'] = `filename ${base64(name)}`;
    return (await this.#rest.exchange('POST', '/attachments/tus', { headers, signal })).json();
  }

  /**
   * How many bytes of an upload the server has.
   * @param {string} id
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<number>}
   */
  async offset(id, { signal } = {}) {
    const answer = await this.#rest.exchange('HEAD', path`/attachments/tus/${id}`, { headers: TUS, signal, ...REPEATABLE });
    return Number(answer.headers.get('upload-offset'));
  }

  /**
   * Appends bytes to an upload at an offset. Gives how many the server has then.
   * @param {string} id
   * @param {number} offset
   * @param {Blob | Uint8Array} bytes
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<number>}
   */
  async append(id, offset, bytes, { signal } = {}) {
    const headers = { ...TUS, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' };
    const request = { headers, body: bytes, signal, patienceMs: PIECE_PATIENCE_MS };
    const answer = await this.#rest.exchange('PATCH', path`/attachments/tus/${id}`, request);
    return Number(answer.headers.get('upload-offset'));
  }

  /**
   * A finished file of one's own.
   * @param {string} id
   * @returns {Promise<AttachmentAnswer>}
   */
  info(id) {
    return this.#rest.ask('GET', path`/attachments/${id}/info`);
  }

  /**
   * The bytes of a file that one may see, for programs; a page shows the `url` of the attachment.
   * @param {string} id
   * @param {{ range?: string, signal?: AbortSignal }} [options] a range as `bytes=0-99`
   * @returns {Promise<Response>}
   */
  get(id, { range, signal } = {}) {
    return this.#rest.exchange('GET', path`/attachments/${id}`, { headers: range ? { range } : {}, signal });
  }

  /**
   * The small picture of an image.
   * @param {string} id
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<Response>}
   */
  thumbnail(id, { signal } = {}) {
    return this.#rest.exchange('GET', path`/attachments/${id}/thumbnail`, { headers: {}, signal });
  }

  /**
   * Deletes a file that no message uses, whole or not.
   * @param {string} id
   */
  remove(id) {
    return this.#rest.ask('DELETE', path`/attachments/${id}`, REPEATABLE);
  }
}

const TUS = Object.freeze({ 'tus-resumable': '1.0.0' });

/** @param {string} text */
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
