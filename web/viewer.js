// The viewer of a conversation's pictures: a dialog with one of them, the ones before and behind it by arrow
// keys, buttons or a swipe, and a download. Escape closes it, and the focus returns to the picture in its
// message. A picture whose message is taken back goes.

import { $ } from '/elements.js';
import { isPicture, pathOf, thumbnailOf } from '/stored-files.js';
import { typed } from '/typed.js';

/** A finger that has moved so far sideways, and less up or down, turns the page. */
const SWIPE_PX = 50;

export class Viewer {
  /** The files of this server. */
  stored;
  /** Those of the open conversation. @type {Message[]} */
  #messages = [];
  /** @type {Attachment[]} */
  #pictures = [];
  #place = 0;
  /** @type {{ x: number, y: number } | undefined} */
  #touch;

  /** @param {import('/stored-files.js').StoredFiles} stored */
  constructor(stored) {
    this.stored = stored;
    const viewer = $('viewer');
    $('close-viewer').addEventListener('click', () => viewer.close());
    $('picture-before').addEventListener('click', () => this.#go(this.#place - 1));
    $('picture-behind').addEventListener('click', () => this.#go(this.#place + 1));
    $('save-picture').addEventListener('click', () => this.#save());
    viewer.addEventListener('close', () => this.#closed());
    viewer.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#pressed(event));
    const stage = $('viewer-stage');
    stage.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
      this.#touch = event.pointerType === 'mouse' || !event.isPrimary ? undefined : { x: event.clientX, y: event.clientY };
    });
    stage.addEventListener('pointerup', (/** @type {PointerEvent} */ event) => this.#swiped(event));
    // A second finger makes the picture larger.
    stage.addEventListener('pointercancel', () => { this.#touch = undefined; });
    // What lies around the picture belongs to the stage.
    stage.addEventListener('click', (/** @type {MouseEvent} */ { target }) => target === stage && viewer.close());
  }

  /** @param {Attachment} picture */
  open(picture) {
    this.#pictures = picturesOf(this.#messages);
    const place = this.#pictures.findIndex(({ id }) => id === picture.id);
    if (place < 0) return;
    this.#go(place);
    if (!$('viewer').open) $('viewer').showModal();
    $('close-viewer').focus();
  }

  /**
   * The conversation has these messages now.
   * @param {Message[]} messages
   */
  follow(messages) {
    this.#messages = messages;
    if (!$('viewer').open) return;
    const shown = this.#pictures[this.#place];
    this.#pictures = picturesOf(messages);
    const place = this.#pictures.findIndex(({ id }) => id === shown.id);
    if (place < 0) return $('viewer').close();
    this.#place = place;
    return this.#drawPlace();
  }

  /** @param {number} place */
  async #go(place) {
    const picture = this.#pictures[place];
    if (!picture) return;
    this.#place = place;
    const { id = '', filename, width = 1, height = 1 } = picture;
    const name = typed(filename);
    const image = $('viewer-picture');
    $('viewer-name').textContent = name;
    $('viewer-words').textContent = 'Loading …';
    image.alt = name;
    image.removeAttribute('src');
    image.width = width;
    image.height = height;
    this.#drawPlace();
    const isShown = () => this.#pictures[this.#place]?.id === id;
    // The small one is here already, as a rule.
    let isWhole = false;
    this.stored.picture(thumbnailOf(id)).then(address => { if (isShown() && !isWhole) image.src = address; }, () => {});
    try {
      const address = await this.stored.picture(pathOf(id));
      if (!isShown()) return;
      isWhole = true;
      image.src = address;
      $('viewer-words').textContent = '';
    } catch {
      if (isShown()) $('viewer-words').textContent = 'This picture cannot be loaded. It may have been taken back.';
    }
  }

  #drawPlace() {
    const count = this.#pictures.length;
    $('viewer-place').textContent = count > 1 ? `${this.#place + 1} of ${count}` : '';
    $('picture-before').disabled = this.#place === 0;
    $('picture-behind').disabled = this.#place === count - 1;
    $('picture-before').hidden = $('picture-behind').hidden = count < 2;
    // A button that is off has lost the focus.
    if ($('viewer').open && !$('viewer').contains(document.activeElement)) $('close-viewer').focus();
  }

  async #save() {
    const picture = this.#pictures[this.#place];
    $('save-picture').disabled = true;
    await this.stored.save(picture);
    $('save-picture').disabled = false;
    if ($('viewer').open) $('save-picture').focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    /** @type {Record<string, number>} */
    const places = { ArrowLeft: this.#place - 1, ArrowRight: this.#place + 1, Home: 0, End: this.#pictures.length - 1 };
    if (!(event.key in places) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#go(places[event.key]);
  }

  /** @param {PointerEvent} event */
  #swiped({ clientX, clientY }) {
    const from = this.#touch;
    this.#touch = undefined;
    // Somebody who looks at a part of it moves that part.
    if (!from || (window.visualViewport?.scale ?? 1) > 1) return;
    const [across, down] = [clientX - from.x, clientY - from.y];
    if (Math.abs(across) < SWIPE_PX || Math.abs(across) < 2 * Math.abs(down)) return;
    this.#go(this.#place + (across < 0 ? 1 : -1));
  }

  #closed() {
    const { id } = this.#pictures[this.#place] ?? {};
    $('viewer-picture').removeAttribute('src');
    const small = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('#messages .small-picture'))].find(each => each.dataset.file === id);
    this.#pictures = [];
    if (small) small.focus();
    else $('text').focus();
  }
}

/**
 * @param {Message[]} messages
 * @returns {Attachment[]}
 */
const picturesOf = messages => messages.filter(({ deletedAt }) => !deletedAt).flatMap(({ attachments }) => attachments.filter(isPicture));
