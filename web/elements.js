// What the page is drawn with. Content is set as text, never as markup.

/**
 * The element of this id. The page's own HTML has it.
 * @param {string} id
 * @returns {any}
 */
export const $ = id => document.getElementById(id);

/**
 * An element with attributes (`true` is one without a value) and children, of which texts stay texts. What is
 * absent or `false` is left out.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...any} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes).filter(([, value]) => isThere(value))) made.setAttribute(name, value === true ? '' : value);
  made.append(...children.filter(isThere));
  return made;
}

/** @param {unknown} value */
const isThere = value => value !== undefined && value !== null && value !== false;

/**
 * A button that does something and submits nothing.
 * @param {string | Node} label
 * @param {(event: MouseEvent) => void} act
 * @param {Record<string, any>} [attributes]
 * @returns {HTMLButtonElement}
 */
export function button(label, act, attributes = {}) {
  const made = /** @type {HTMLButtonElement} */ (element('button', { type: 'button', ...attributes }, label));
  made.addEventListener('click', act);
  return made;
}

/**
 * A function that draws, once for all its calls of one moment: much can change at once.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function drawingOnce(draw) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      draw();
    });
  };
}

/**
 * Makes `wanted` the children of `parent`. What is in its place already is not touched: it keeps its focus
 * and its scroll position.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const kept = new Set(/** @type {Node[]} */ (wanted));
  for (const each of [...parent.childNodes]) {
    if (!kept.has(each)) each.remove();
  }
  let place = parent.firstChild;
  for (const each of wanted) {
    if (each === place) place = place.nextSibling;
    else parent.insertBefore(each, place);
  }
}

/**
 * The address if following it is harmless: https, or a path of this site. Nothing else becomes a link.
 * @param {string} address
 * @returns {string | undefined}
 */
export function harmlessAddress(address) {
  try {
    const { protocol, origin, href } = new URL(address, location.origin);
    return protocol === 'https:' || address.startsWith('/') && origin === location.origin ? href : undefined;
  } catch {
    return undefined;
  }
}
