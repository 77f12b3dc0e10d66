// The files of messages that are being written, by conversation: those on their way, a few at a time, and
// those that are there. A file that cannot be uploaded stays with its reason until somebody tries again or
// removes it.
//
// What is there is kept over a reload; a file on its way is not, since a page may not open it again by
// itself. Dispatches `change`.

import { onTheSide, tell } from '/notice.js';
import { Refusal } from '/refusal.js';
import { sizeOf } from '/sizes.js';
import { keep, newKey, recall } from '/storage.js';
import { largestFile, removeUpload, upload } from '/upload.js';

/** Files of one message. */
export const FILES_MAX = 10;
/** The server takes four uploads of a person at a time: one is left for another device. */
const AT_ONCE = 3;

export class Uploads extends EventTarget {
  #api;
  /** In the order in which they were chosen. @type {UploadEntry[]} */
  #entries;
  /** @type {Map<string, AbortController>} */
  #running = new Map();
  /** Bytes of the largest file; none are taken where it is not known yet. @type {number | null} */
  #most = null;

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    super();
    this.#api = api;
    this.#entries = recall('files', []);
    addEventListener('beforeunload', event => this.#running.size > 0 && event.preventDefault());
  }

  /** Whether this server takes files. */
  get isOn() {
    return this.#most !== null;
  }

  /** Asks the server whether it takes files, and how large ones. */
  async learn() {
    const most = await largestFile(this.#api);
    if (most !== undefined || this.#most === null) this.#most = most === undefined ? Infinity : most;
    this.#changed();
  }

  /**
   * The files of the message that is written in a conversation.
   * @param {string | undefined} threadId
   * @returns {UploadEntry[]}
   */
  of(threadId) {
    return this.#entries.filter(entry => entry.threadId === threadId);
  }

  /**
   * Somebody has chosen files for a message.
   * @param {string} threadId
   * @param {File[]} files
   */
  add(threadId, files) {
    if (!this.isOn) return tell('Files are off on this server. Nothing was attached.');
    const free = FILES_MAX - this.of(threadId).length;
    if (files.length > free) tell(`A message has at most ${FILES_MAX} files.`);
    for (const file of files.slice(0, free)) {
      /** @type {UploadEntry} */
      const entry = { key: newKey(), threadId, name: file.name, size: file.size, state: 'waiting', sent: 0, reason: '', file };
      this.#entries.push(entry);
      const reason = this.#tooLarge(file);
      if (reason) Object.assign(entry, { state: 'failed', reason, isFinal: true });
    }
    this.#next();
    return this.#changed();
  }

  /**
   * A file is not wanted any more.
   * @param {string} key
   */
  remove(key) {
    const entry = this.#entries.find(each => each.key === key);
    if (!entry) return;
    this.#running.get(key)?.abort();
    if (entry.uploadId) removeUpload(this.#api, entry.uploadId);
    this.#drop([entry]);
  }

  /**
   * Goes on with one that has failed.
   * @param {string} key
   */
  again(key) {
    const entry = this.#entries.find(each => each.key === key);
    if (entry?.state !== 'failed' || !entry.file) return;
    Object.assign(entry, { state: 'waiting', reason: '', isPassing: false });
    this.#next();
    this.#changed();
  }

  /** There is a connection again: what has failed without one goes on. */
  goOn() {
    for (const { key, isPassing } of this.#entries) if (isPassing) this.again(key);
  }

  /**
   * The message is sent: what it has is its own now.
   * @param {UploadEntry[]} entries
   */
  settle(entries) {
    this.#drop(entries);
  }

  /** Whoever signed in is leaving. */
  close() {
    for (const running of this.#running.values()) running.abort();
    this.#running.clear();
    this.#entries = [];
  }

  /** @param {UploadEntry[]} entries */
  #drop(entries) {
    this.#entries = this.#entries.filter(entry => !entries.includes(entry));
    this.#next();
    this.#changed();
  }

  /** @param {File} file */
  #tooLarge({ size }) {
    return this.#most !== null && size > this.#most ? tooLargeWords(this.#most) : '';
  }

  #next() {
    for (const entry of this.#entries) {
      if (this.#running.size >= AT_ONCE) return;
      if (entry.state === 'waiting') onTheSide(() => this.#run(entry));
    }
  }

  /** @param {UploadEntry} entry */
  async #run(entry) {
    const running = new AbortController();
    this.#running.set(entry.key, running);
    Object.assign(entry, { state: 'uploading' });
    this.#changed();
    try {
      const attachment = await upload(this.#api, /** @type {File} */ (entry.file), {
        id: entry.uploadId, signal: running.signal,
        begun: id => { entry.uploadId = id; },
        progress: sent => { entry.sent = sent; this.#tell(); },
      });
      Object.assign(entry, { state: 'ready', attachment });
    } catch (error) {
      if (running.signal.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      Object.assign(entry, { state: 'failed', reason: wordsOf(error, this.#most), isFinal: FINAL.includes(error.code), isPassing: error.isPassing });
    } finally {
      this.#running.delete(entry.key);
      this.#next();
      this.#changed();
    }
  }

  /** Keeps what is ready over a reload, and tells. */
  #changed() {
    const ready = this.#entries.filter(({ state }) => state === 'ready');
    keep('files', ready.map(({ file: _file, ...entry }) => entry));
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}

/** What the same file does not get by again. */
const FINAL = ['too_large', 'wrong_type', 'invalid'];

/**
 * Why a file was not taken, as a sentence.
 * @param {Refusal} refusal
 * @param {number | null} most
 */
function wordsOf({ code, said, message }, most) {
  const [, bytes] = /(\d+) bytes/.exec(said) ?? [];
  if (code === 'too_large') return tooLargeWords(Number(bytes ?? most ?? 0));
  if (code === 'quota_exceeded') {
    return bytes ? `There is no room for it: all your files may come to ${sizeOf(Number(bytes))}.`
      : 'You have too many files that no message uses. Send or remove some first.';
  }
  return code === 'offline' ? 'The connection was cut too often.' : message;
}

/** @param {number} most */
const tooLargeWords = most => (most ? `It is too large: a file has at most ${sizeOf(most)}.` : 'It is too large.');
