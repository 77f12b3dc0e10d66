// The pieces the page is drawn with. What they show is set as text, never as markup.

export const $ = id => document.getElementById(id);

/** An element with attributes (`true` is one without a value) and children, of which texts stay texts. What is absent or `false` is left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes).filter(([, value]) => isThere(value))) made.setAttribute(name, value === true ? '' : value);
  made.append(...children.filter(isThere));
  return made;
}

const isThere = value => value !== undefined && value !== null && value !== false;

/** A button that does something and submits nothing. */
export function button(label, act, attributes = {}) {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', act);
  return made;
}

/** A function that draws, once for all its calls of one moment: much can change at once. */
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

/** Makes `wanted` the children of `parent`. What is in its place already is not touched: it keeps its focus and its scroll position. */
export function arrange(parent, wanted) {
  let place = parent.firstChild;
  for (const each of wanted) {
    if (each === place) place = place.nextSibling;
    else parent.insertBefore(each, place);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

/** The address if following it is harmless: https, or a path of this site. Nothing else becomes a link. */
export function harmlessAddress(address) {
  try {
    const { protocol, origin, href } = new URL(address, location.origin);
    return protocol === 'https:' || address.startsWith('/') && origin === location.origin ? href : undefined;
  } catch {
    return undefined;
  }
}
