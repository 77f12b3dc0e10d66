// What can be done with the open conversation. On wide screens the buttons stand beside the title; on narrow
// ones they are a menu behind one button, and the title has the width.
//
// In the menu the arrow keys, Home and End go through it, Escape and Tab close it, and the focus returns to
// the button.

import { $ } from '/elements.js';

/** As narrow, the list or the conversation is shown (conversation.css). */
const narrow = matchMedia('(max-width: 767.98px)');

export function openThreadMenu() {
  const opener = $('open-tools');
  /** @type {HTMLElement} */
  const tools = $('thread-tools');
  /** @returns {HTMLElement[]} */
  const items = () => [...tools.querySelectorAll('button')].filter(each => !each.hidden);
  const isOpen = () => tools.classList.contains('open');

  /** @param {boolean} isWanted */
  const show = isWanted => {
    tools.classList.toggle('open', isWanted);
    opener.setAttribute('aria-expanded', String(isWanted));
  };
  const close = () => {
    const hadFocus = tools.contains(document.activeElement);
    show(false);
    if (hadFocus) opener.focus();
  };
  const arrange = () => {
    show(false);
    tools.setAttribute('role', narrow.matches ? 'menu' : 'group');
    for (const item of tools.querySelectorAll('button')) {
      if (narrow.matches) item.setAttribute('role', 'menuitem');
      else item.removeAttribute('role');
    }
  };

  opener.addEventListener('click', () => {
    if (isOpen()) return close();
    arrange();
    show(true);
    return items()[0]?.focus();
  });
  // What was chosen may open a dialog, which has the focus then.
  tools.addEventListener('click', () => isOpen() && close());
  tools.addEventListener('keydown', event => {
    if (!isOpen()) return;
    const all = items();
    const place = all.findIndex(each => each === document.activeElement);
    /** @type {Record<string, number>} */
    const places = { ArrowDown: (place + 1) % all.length, ArrowUp: (place + all.length - 1) % all.length, Home: 0, End: all.length - 1 };
    if (event.key in places) all[places[event.key]].focus();
    else if (event.key === 'Escape') close();
    else if (event.key === 'Tab') return close();
    else return;
    event.preventDefault();
  });
  document.addEventListener('pointerdown', ({ target }) => {
    if (isOpen() && target instanceof Node && !tools.contains(target) && !opener.contains(target)) show(false);
  });
  narrow.addEventListener('change', arrange);
  arrange();
}

/** The focus goes to where somebody came from: a button of the header, or the menu that has it. */
export function focusTool(/** @type {HTMLElement} */ button) {
  if (button.checkVisibility()) button.focus();
  else $('open-tools').focus();
}
