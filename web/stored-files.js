// The bytes of files that messages have. They are asked for with this page's token, so a picture has an
// address that this page alone knows (`blob:`), as long as it is kept. A picture is read when it comes near
// the eyes of its reader.

import { $ } from '/elements.js';
import { onTheSide } from '/notice.js';
import { typed } from '/typed.js';

/** So many small pictures are kept: some screens full. */
const SMALL_MAX = 150;
/** So many whole ones: that before and that behind, and some more. Each may have megabytes. */
const WHOLE_MAX = 6;
/** A picture is read so far before it is seen. */
const NEAR = '600px';
/** What the server takes for pictures, and browsers draw without running anything. */
export const PICTURES = ['image/gif', 'image/jpeg', 'image/png', 'image/webp'];
/** Nothing runs in it, wherever a browser might open it. */
const BYTES = 'application/octet-stream';
/** A download has begun by then. */
const BEGUN_MS = 60_000;

/** The end of a small picture's path. */
const SMALL = '/thumbnail';

/** Addresses of pictures by their paths, the one used last at the end. @typedef {Map<string, string>} Kept */

export class StoredFiles {
  #api;
  /** @type {Kept} */
  #small = new Map();
  /** @type {Kept} */
  #whole = new Map();
  /** @type {Map<string, Promise<string>>} */
  #reading = new Map();
  /** What a picture shows once it is near. @type {WeakMap<Element, () => void>} */
  #wanted = new WeakMap();
  #near = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.#near.unobserve(target);
      this.#wanted.get(target)?.();
    }
  }, { root: $('scroller'), rootMargin: NEAR });

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Shows a picture in an element: at once if it is here, else when it is near and read. `failed` is called
   * if there is none.
   * @param {HTMLImageElement} image
   * @param {string} path
   * @param {() => void} failed
   */
  show(image, path, failed) {
    const here = this.#small.get(path);
    if (here) { image.src = here; return; }
    this.#wanted.set(image, () => this.picture(path).then(address => { image.src = address; }, failed));
    this.#near.observe(image);
  }

  /**
   * The address of a picture. Rejects if there is none.
   * @param {string} path
   * @returns {Promise<string>}
   */
  async picture(path) {
    const kept = path.endsWith(SMALL) ? this.#small : this.#whole;
    const here = kept.get(path);
    if (here) {
      kept.delete(path);
      kept.set(path, here);
      return here;
    }
    const reading = this.#reading.get(path) ?? this.#read(path, kept).finally(() => this.#reading.delete(path));
    this.#reading.set(path, reading);
    return reading;
  }

  /**
   * @param {string} path
   * @param {Kept} kept
   */
  async #read(path, kept) {
    const bytes = await this.#api.readFile(path);
    if (!PICTURES.includes(bytes.type)) throw new TypeError(`no picture: ${bytes.type}`);
    const address = URL.createObjectURL(bytes);
    kept.set(path, address);
    if (kept.size > (kept === this.#small ? SMALL_MAX : WHOLE_MAX)) {
      const [[oldest, old]] = kept;
      kept.delete(oldest);
      URL.revokeObjectURL(old);
    }
    return address;
  }

  /**
   * Saves a file on this device, under its name.
   * @param {Attachment} attachment
   */
  async save({ id, filename }) {
    const bytes = await onTheSide(() => this.#api.getFile(pathOf(id ?? '')));
    if (!bytes) return;
    const address = URL.createObjectURL(new Blob([bytes], { type: BYTES }));
    const link = document.createElement('a');
    link.href = address;
    link.download = typed(filename);
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), BEGUN_MS);
  }
}

/**
 * Whether a file was uploaded to this server; else it is a reference to one of the host application's.
 * @param {Attachment} attachment
 */
export const isStored = ({ id }) => id !== undefined && /^[0-9a-f]{24}$/.test(id);

/**
 * Whether the viewer shows it.
 * @param {Attachment} attachment
 */
export const isPicture = attachment => isStored(attachment) && attachment.type === 'image' && PICTURES.includes(attachment.mimeType ?? '')
  && Boolean(attachment.thumbnailUrl && attachment.width && attachment.height);

/** @param {string} id */
export const pathOf = id => `/attachments/${id}`;
/** @param {string} id */
export const thumbnailOf = id => `/attachments/${id}${SMALL}`;
