// The files of the message that is being written, above its field: how far each is, and what can be done with
// it. Files come by the button, are dropped on the conversation or pasted into the field.

import { $, arrange, button, element } from '/elements.js';
import { tell } from '/notice.js';
import { sizeOf } from '/sizes.js';
import { PICTURES } from '/stored-files.js';
import { several } from '/times.js';
import { FILES_MAX } from '/uploads.js';

/** Of a larger one no picture is drawn here: it would take long. */
const PICTURE_MAX_BYTES = 25_000_000;

export class Attached {
  #uploads;
  #threadId;
  /** @type {Map<string, { item: HTMLElement, draw: (entry: UploadEntry) => void, forget: () => void }>} */
  #items = new Map();
  /** How deep in what lies under it something is dragged. */
  #depth = 0;

  /**
   * `threadId()` gives the conversation in which a message is being written; none while one is edited.
   * @param {import('/uploads.js').Uploads} uploads
   * @param {() => string | undefined} threadId
   */
  constructor(uploads, threadId) {
    this.#uploads = uploads;
    this.#threadId = threadId;
    uploads.addEventListener('change', () => this.draw());
    $('attach').addEventListener('click', () => $('choose-files').click());
    $('choose-files').addEventListener('change', () => {
      this.#add([...$('choose-files').files]);
      $('choose-files').value = '';
      $('text').focus();
    });
    $('text').addEventListener('paste', (/** @type {ClipboardEvent} */ event) => this.#pasted(event));
    this.#listenForDrops();
    this.draw();
  }

  draw() {
    const threadId = this.#threadId();
    const entries = this.#uploads.of(threadId);
    const hadFocus = $('attached').contains(document.activeElement);
    for (const [key, { forget }] of this.#items) {
      if (entries.some(entry => entry.key === key)) continue;
      forget();
      this.#items.delete(key);
    }
    arrange($('attached'), entries.map(entry => {
      const shown = this.#items.get(entry.key) ?? this.#item(entry.key, entry);
      this.#items.set(entry.key, shown);
      shown.draw(entry);
      return shown.item;
    }));
    if (hadFocus && !$('attached').contains(document.activeElement)) $('text').focus();
    $('attached').hidden = entries.length === 0;
    $('attach').hidden = !this.#uploads.isOn || threadId === undefined;
    const words = saidOf(entries);
    if ($('attached-words').textContent !== words) $('attached-words').textContent = words;
  }

  /** @param {File[]} files */
  #add(files) {
    const threadId = this.#threadId();
    if (threadId && files.length > 0) this.#uploads.add(threadId, files);
  }

  /**
   * Of something that is a text too, as cells of a table, the text is meant.
   * @param {ClipboardEvent} event
   */
  #pasted(event) {
    const pasted = event.clipboardData;
    if (!pasted || pasted.files.length === 0 || pasted.types.includes('text/plain') || !this.#threadId()) return;
    event.preventDefault();
    this.#add([...pasted.files]);
  }

  /** A file that is dropped beside the conversation must not take the place of the page. */
  #listenForDrops() {
    const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => dataTransfer?.types.includes('Files') ?? false;
    const end = () => {
      this.#depth = 0;
      $('drop-here').hidden = true;
    };
    const place = $('conversation');
    addEventListener('dragover', event => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      const isHere = event.target instanceof Node && place.contains(event.target) && this.#threadId();
      if (event.dataTransfer) event.dataTransfer.dropEffect = isHere ? 'copy' : 'none';
    });
    place.addEventListener('dragenter', (/** @type {DragEvent} */ event) => {
      this.#depth += 1;
      if (hasFiles(event) && this.#threadId() && this.#uploads.isOn) $('drop-here').hidden = false;
    });
    place.addEventListener('dragleave', () => {
      this.#depth -= 1;
      if (this.#depth <= 0) end();
    });
    addEventListener('drop', event => {
      end();
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (event.target instanceof Node && place.contains(event.target)) this.#add(dropped(event.dataTransfer));
    });
  }

  /**
   * @param {string} key
   * @param {UploadEntry} entry
   */
  #item(key, { name, size, file }) {
    const address = file && PICTURES.includes(file.type) && size <= PICTURE_MAX_BYTES ? URL.createObjectURL(file) : undefined;
    const picture = element('span', { class: 'sign', 'aria-hidden': 'true' }, address && element('img', { src: address, alt: '' }));
    const words = element('small', { dir: 'ltr' });
    const progress = /** @type {HTMLProgressElement} */ (element('progress', { max: String(Math.max(size, 1)), 'aria-label': `Upload of ${name}` }));
    const again = button('Try again', () => this.#uploads.again(key), { class: 'quiet', 'aria-label': `Try again: ${name}` });
    const remove = button('×', () => this.#uploads.remove(key), { class: 'quiet remove' });
    const item = element('li', {}, picture, element('span', { class: 'what' }, element('bdi', { class: 'name' }, name), words, progress), again, remove);
    const draw = (/** @type {UploadEntry} */ { state, sent, reason, isFinal, file: mine }) => {
      const isUnderway = state === 'waiting' || state === 'uploading';
      item.className = state;
      words.textContent = wordsOf(state, sent, size, reason);
      progress.hidden = !isUnderway;
      progress.value = sent;
      again.hidden = state !== 'failed' || Boolean(isFinal) || !mine;
      remove.title = isUnderway ? 'Cancel' : 'Remove';
      remove.setAttribute('aria-label', `${remove.title} ${name}`);
    };
    return { item, draw, forget: () => address && URL.revokeObjectURL(address) };
  }
}

/**
 * @param {UploadEntry['state']} state
 * @param {number} sent
 * @param {number} size
 * @param {string} reason
 */
function wordsOf(state, sent, size, reason) {
  if (state === 'failed') return `not uploaded: ${reason}`;
  if (state === 'waiting') return `${sizeOf(size)} · waits`;
  return state === 'ready' ? sizeOf(size) : `${Math.floor(sent / Math.max(size, 1) * 100)} % of ${sizeOf(size)}`;
}

/**
 * For those who hear the page: how many are where, which changes seldom.
 * @param {UploadEntry[]} entries
 */
function saidOf(entries) {
  const count = (/** @type {UploadEntry['state'][]} */ ...states) => entries.filter(({ state }) => states.includes(state)).length;
  const [failed, underway, ready] = [count('failed'), count('waiting', 'uploading'), count('ready')];
  return [failed && `${several(failed, 'file')} not uploaded`, underway && `${several(underway, 'file')} being uploaded`, ready && `${several(ready, 'file')} attached`]
    .filter(Boolean).join(', ');
}

/**
 * What was dropped, without folders: a browser gives them as files that cannot be read.
 * @param {DataTransfer | null} transfer
 * @returns {File[]}
 */
function dropped(transfer) {
  const items = [...transfer?.items ?? []].filter(({ kind }) => kind === 'file');
  const files = items.filter(item => !item.webkitGetAsEntry?.()?.isDirectory).flatMap(item => item.getAsFile() ?? []);
  if (files.length < items.length) tell(`A folder cannot be sent. Choose up to ${FILES_MAX} of its files.`);
  return files;
}
