// Draws the files of a message: pictures small, with the room that they will need; other files by name, kind
// and size; and references to files of the host application as links.

import { button, element, harmlessAddress } from '/elements.js';
import { fileName, kindOf, sizeOf } from '/sizes.js';
import { isPicture, isStored, thumbnailOf } from '/stored-files.js';
import { typed } from '/typed.js';

/** The server makes small pictures of this size. On narrow screens there is less room. */
const SIDE_PX = 320;
const NARROW_SIDE_PX = 230;
const narrow = matchMedia('(max-width: 767.98px)');
/** A picture that is long and thin is no line that nobody hits. */
const LEAST_PX = 44;

/**
 * @param {Attachment[]} attachments
 * @param {FileActs} acts
 * @returns {HTMLElement}
 */
export const drawFiles = (attachments, acts) => element('div', { class: 'files' }, ...attachments.map(each => drawFile(each, acts)));

/**
 * @param {Attachment} attachment
 * @param {FileActs} acts
 */
function drawFile(attachment, acts) {
  if (isPicture(attachment)) return drawPicture(attachment, acts);
  return isStored(attachment) ? drawStored(attachment, acts) : drawReference(attachment);
}

/**
 * @param {Attachment} attachment
 * @param {FileActs} acts
 */
function drawPicture(attachment, acts) {
  const { id = '', filename, width = 1, height = 1 } = attachment;
  const scale = Math.min(1, (narrow.matches ? NARROW_SIDE_PX : SIDE_PX) / Math.max(width, height));
  const [wide, high] = [width, height].map(side => Math.max(Math.round(side * scale), LEAST_PX));
  const image = /** @type {HTMLImageElement} */ (element('img', { src: placeholder(wide, high), width: wide, height: high, alt: '', draggable: 'false' }));
  const open = button(image, () => acts.open(attachment), { class: 'small-picture', 'aria-label': `Picture ${typed(filename)}`, title: typed(filename), 'data-file': id });
  acts.stored.show(image, thumbnailOf(id), () => open.replaceWith(drawStored(attachment, acts)));
  return open;
}

/**
 * @param {Attachment} attachment
 * @param {FileActs} acts
 */
function drawStored(attachment, { stored }) {
  const name = typed(attachment.filename);
  const more = [kindOf(attachment.mimeType), attachment.size !== undefined && sizeOf(attachment.size)].filter(Boolean).join(' · ');
  const words = element('small', { dir: 'ltr' }, more);
  const verb = element('span', { class: 'unseen' }, 'Download ');
  const save = button(element('span', { class: 'what' }, verb, element('bdi', { class: 'name' }, name), ' ', words), async () => {
    const hadFocus = document.activeElement === save;
    words.textContent = 'loading …';
    save.disabled = true;
    await stored.save(attachment);
    save.disabled = false;
    if (hadFocus && document.activeElement === document.body) save.focus({ preventScroll: true });
    words.textContent = more;
  }, { class: 'stored-file', title: `Download ${name}` });
  return save;
}

/** @param {Attachment} attachment */
function drawReference(attachment) {
  const name = fileName(attachment);
  const address = harmlessAddress(attachment.url);
  if (!address) return element('span', { class: 'file', dir: 'auto' }, name);
  return element('a', { class: 'file', dir: 'auto', href: address, target: '_blank', rel: 'noopener noreferrer' }, name);
}

/**
 * Nothing, of this size: a picture that is not here yet has its room.
 * @param {number} width
 * @param {number} height
 */
const placeholder = (width, height) => `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"/>`)}`;
