// Where the focus goes when what has it is drawn anew, is hidden, or goes away. Whoever uses the page by keys
// goes on where they were, or beside it, and not at the beginning of the page.

import { $, arrange } from '/elements.js';

const fingers = matchMedia('(pointer: coarse)');

/**
 * Makes `wanted` the children of a list. Who had the focus in it has it on what is the same now, by `data-id`
 * and `data-act`: else on another button of the same, or on `other`.
 * @param {HTMLElement} list
 * @param {Element[]} wanted
 * @param {HTMLElement | null} other
 */
export function redraw(list, wanted, other = aroundOf(list)) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  arrange(list, wanted);
  if (focused instanceof HTMLElement && !list.contains(document.activeElement)) (sameAs(focused, list) ?? other)?.focus({ preventScroll: true });
}

/**
 * Shows a button, or hides it. Who had the focus on it goes on at the end of the `list` that it is for.
 * @param {HTMLElement} button
 * @param {boolean} isOffered
 * @param {HTMLElement} list
 */
export function offer(button, isOffered, list) {
  const hadFocus = document.activeElement === button;
  button.hidden = !isOffered;
  if (!hadFocus || isOffered) return;
  const last = [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('a, button:enabled, input, [tabindex]'))].at(-1);
  (last ?? aroundOf(list))?.focus({ preventScroll: true });
}

/**
 * Opens a dialog. Once it is closed the focus is where it was, also if that was drawn anew meanwhile.
 * @param {HTMLDialogElement} dialog
 */
export function openDialog(dialog) {
  const from = document.activeElement;
  if (!(from instanceof HTMLElement)) return dialog.showModal();
  const around = aroundOf(from);
  dialog.addEventListener('close', () => {
    if (isNowhere()) (from.isConnected ? from : sameAs(from, document.body) ?? around)?.focus({ preventScroll: true });
  }, { once: true });
  return dialog.showModal();
}

/** One goes on writing; but under fingers a keyboard would come and cover what is shown. */
export function writeOn() {
  if (!fingers.matches) $('text').focus();
}

/**
 * What is drawn now of what had the focus.
 * @param {HTMLElement} gone
 * @param {HTMLElement} place
 * @returns {HTMLElement | undefined}
 */
function sameAs({ dataset: { id, act } }, place) {
  const same = [.../** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll('[data-id]'))].filter(each => each.dataset.id === id);
  return same.find(each => each.dataset.act === act) ?? same.at(-1);
}

/** Whether what had the focus is gone. */
const isNowhere = () => document.activeElement === null || document.activeElement === document.body;

/**
 * The part of the page around something, if a focus can be put on it.
 * @param {HTMLElement} place
 * @returns {HTMLElement | null}
 */
const aroundOf = place => place.closest('dialog[tabindex], section[tabindex]');
