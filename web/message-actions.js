// What can be done with a message: put a sign on it, say it differently, take it back. One set of tools hangs on the message under the
// pointer or the one with the focus; arrow keys go from message to message.

import { $, button, element } from '/elements.js';

/** Signs to choose from, with what they are called. */
const EMOJI = { '👍': 'thumbs up', '❤️': 'heart', '😂': 'laughing', '🎉': 'party', '😢': 'sad', '😮': 'surprised' };

export class MessageActions {
  #list; #handlers; #box; #emoji; #opener; #edit; #takeBack; #message;

  /** `acts`: `find(item)` gives the message of an item if there is something to do with it, and `isOwn`, `react`, `edit`, `takeBack`. */
  constructor(list, acts) {
    this.#list = list;
    this.#handlers = acts;
    this.#emoji = element('span', { role: 'group', 'aria-label': 'Emoji', hidden: true }, ...Object.entries(EMOJI).map(([emoji, name]) =>
      button(emoji, () => this.#react(emoji), { class: 'emoji', 'aria-label': `React with ${name}`, title: name })));
    this.#opener = button('☺', () => this.#openEmoji(this.#emoji.hidden), { 'aria-label': 'React', title: 'React', 'aria-expanded': 'false' });
    this.#edit = button('Edit', () => this.#handlers.edit(this.#message));
    this.#takeBack = button('Take back', () => this.#ask());
    this.#box = element('div', { id: 'message-actions', role: 'toolbar', 'aria-label': 'What to do with this message' },
      this.#emoji, this.#opener, this.#edit, this.#takeBack);
    // A finger is nowhere before it presses, and then it gives the focus.
    const hovers = matchMedia('(hover: hover)');
    list.addEventListener('pointerover', event => hovers.matches && this.#emoji.hidden && this.#hang(event.target.closest('li')));
    list.addEventListener('focusin', event => this.#focused(event.target.closest('li')));
    list.addEventListener('pointerleave', () => this.#hangOnFocused());
    list.addEventListener('focusout', event => list.contains(event.relatedTarget) || this.#hang(undefined));
    list.addEventListener('keydown', event => this.#pressed(event));
    $('keep').addEventListener('click', () => $('take-back').close());
  }

  /** The messages have changed: the newest can be reached with Tab, and tools hang on nothing that is gone. */
  drawn() {
    const items = this.#items();
    if (!items.some(item => item.tabIndex === 0)) items.at(-1)?.setAttribute('tabindex', '0');
    const item = this.#box.closest('li');
    if (item) this.#hang(item);
  }

  #items() {
    return [...this.#list.querySelectorAll('li')];
  }

  #hang(item) {
    const message = item && this.#handlers.find(item);
    if (!message) {
      this.#box.remove();
      return;
    }
    if (message._id !== this.#message?._id || !this.#box.isConnected) this.#openEmoji(false);
    this.#message = message;
    this.#offer();
    if (this.#box.parentNode !== item) item.append(this.#box);
  }

  #hangOnFocused() {
    const { activeElement } = document;
    this.#hang(this.#list.contains(activeElement) ? activeElement.closest('li') : undefined);
  }

  #focused(item) {
    if (!item) return;
    this.#items().forEach(each => each.setAttribute('tabindex', each === item ? '0' : '-1'));
    this.#hang(item);
  }

  #pressed(event) {
    if (event.key === 'Escape') this.#openEmoji(false);
    if (event.target.tagName !== 'LI') return;
    const items = this.#items();
    const steps = { ArrowUp: -1, ArrowDown: 1, Home: -items.length, End: items.length };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const place = items.indexOf(event.target) + steps[event.key];
    items[Math.min(Math.max(place, 0), items.length - 1)].focus();
  }

  #openEmoji(isOpen) {
    this.#emoji.hidden = !isOpen;
    this.#opener.setAttribute('aria-expanded', String(isOpen));
    this.#offer();
    if (isOpen) this.#emoji.firstElementChild.focus();
  }

  /** Changing is for one's own messages; the signs take its place while they are open. */
  #offer() {
    const isChangeable = this.#message && this.#handlers.isOwn(this.#message) && this.#emoji.hidden;
    this.#edit.hidden = !isChangeable;
    this.#takeBack.hidden = !isChangeable;
  }

  #react(emoji) {
    const item = this.#box.closest('li');
    this.#openEmoji(false);
    item.focus({ preventScroll: true });
    this.#handlers.react(this.#message, emoji);
  }

  /** Taking back cannot be undone: asks once. */
  #ask() {
    const message = this.#message;
    const item = this.#box.closest('li');
    $('take-back').showModal();
    $('take-back').onclose = () => item.focus({ preventScroll: true });
    $('take-back-now').onclick = () => {
      $('take-back').close();
      this.#handlers.takeBack(message);
    };
  }
}
