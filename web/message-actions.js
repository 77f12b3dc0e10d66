// What can be done with a message: react to it, answer it, pin it, mark it unread, edit it, take it back. One
// set of buttons hangs on the message under the pointer or on the one with the focus. Arrow keys go from
// message to message.

import { $, button, element } from '/elements.js';

/** Signs to choose from, with what they are called. */
const EMOJI = { '👍': 'thumbs up', '❤️': 'heart', '😂': 'laughing', '🎉': 'party', '😢': 'sad', '😮': 'surprised' };

export class MessageActions {
  #list;
  #handlers;
  #box;
  #emoji;
  #opener;
  #reply;
  #pin;
  #unread;
  #edit;
  #takeBack;
  /** @type {Message | undefined} */
  #message;

  /**
   * `find(item)` of the handlers gives the message of an item if there is something to do with it.
   * @param {HTMLElement} list
   * @param {{ find: (item: HTMLElement) => Message | undefined, isOwn: (message: Message) => boolean,
   *   react: (message: Message, emoji: string) => void, reply: (message: Message) => void,
   *   edit: (message: Message) => void, pin: (message: Message) => void, unread: (message: Message) => void,
   *   takeBack: (message: Message) => void }} handlers
   */
  constructor(list, handlers) {
    this.#list = list;
    this.#handlers = handlers;
    this.#emoji = element('span', { role: 'group', 'aria-label': 'Emoji', hidden: true }, ...Object.entries(EMOJI).map(([emoji, name]) =>
      button(emoji, () => this.#react(emoji), { class: 'emoji', 'aria-label': `React with ${name}`, title: name })));
    this.#opener = button('☺', () => this.#openEmoji(this.#emoji.hidden), { 'aria-label': 'React', title: 'React', 'aria-expanded': 'false' });
    this.#reply = button('Reply', () => this.#message && this.#handlers.reply(this.#message));
    this.#pin = button('Pin', () => this.#pinned());
    this.#unread = button('Unread', () => this.#message && this.#handlers.unread(this.#message), { title: 'Mark as unread from here' });
    this.#edit = button('Edit', () => this.#message && this.#handlers.edit(this.#message));
    this.#takeBack = button('Take back', () => this.#ask());
    this.#box = element('div', { id: 'message-actions', role: 'toolbar', 'aria-label': 'What to do with this message' },
      this.#emoji, this.#opener, this.#reply, this.#pin, this.#unread, this.#edit, this.#takeBack);
    // A finger is nowhere before it presses, and then it gives the focus.
    const hovers = matchMedia('(hover: hover)');
    list.addEventListener('pointerover', event => hovers.matches && this.#emoji.hidden && this.#hang(itemOf(event)));
    list.addEventListener('focusin', event => this.#focused(itemOf(event)));
    list.addEventListener('pointerleave', () => this.#hangOnFocused());
    list.addEventListener('focusout', ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && list.contains(relatedTarget))) this.#hang(undefined);
    });
    list.addEventListener('keydown', event => this.#pressed(event));
    $('keep').addEventListener('click', () => $('take-back').close());
  }

  /**
   * The messages have changed: the newest can be reached with Tab, and tools hang on nothing that is gone.
   */
  drawn() {
    const items = this.#items();
    if (!items.some(item => item.tabIndex === 0)) items.at(-1)?.setAttribute('tabindex', '0');
    const item = this.#box.closest('li');
    if (item) this.#hang(item);
  }

  #items() {
    return [...this.#list.querySelectorAll('li')];
  }

  /** @param {HTMLElement | null | undefined} item */
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
    this.#hang(this.#list.contains(activeElement) ? activeElement?.closest('li') : undefined);
  }

  /** @param {HTMLElement | null | undefined} item */
  #focused(item) {
    if (!item) return;
    this.#items().forEach(each => each.setAttribute('tabindex', each === item ? '0' : '-1'));
    this.#hang(item);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === 'Escape') this.#openEmoji(false);
    const { target } = event;
    if (!(target instanceof HTMLLIElement)) return;
    const items = this.#items();
    /** @type {Record<string, number>} */
    const steps = { ArrowUp: -1, ArrowDown: 1, Home: -items.length, End: items.length };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const place = items.indexOf(target) + steps[event.key];
    items[Math.min(Math.max(place, 0), items.length - 1)].focus();
  }

  /** @param {boolean} isOpen */
  #openEmoji(isOpen) {
    this.#emoji.hidden = !isOpen;
    this.#opener.setAttribute('aria-expanded', String(isOpen));
    this.#offer();
    if (isOpen) this.#emoji.querySelector('button')?.focus();
  }

  /** Changing is for one's own messages; the emoji take the place of everything else while they are open. */
  #offer() {
    const isOwn = this.#message && this.#handlers.isOwn(this.#message);
    const isChangeable = isOwn && this.#emoji.hidden;
    this.#reply.hidden = !this.#emoji.hidden;
    this.#pin.hidden = !this.#emoji.hidden;
    this.#pin.textContent = this.#message?.pinned ? 'Unpin' : 'Pin';
    this.#unread.hidden = isOwn || !this.#emoji.hidden;
    this.#edit.hidden = !isChangeable;
    this.#takeBack.hidden = !isChangeable;
  }

  /** @param {string} emoji */
  #react(emoji) {
    const item = this.#box.closest('li');
    this.#openEmoji(false);
    item?.focus({ preventScroll: true });
    if (this.#message) this.#handlers.react(this.#message, emoji);
  }

  /** The focus goes to the message: the buttons lose it when they move to another one. */
  #pinned() {
    this.#box.closest('li')?.focus({ preventScroll: true });
    if (this.#message) this.#handlers.pin(this.#message);
  }

  /** Taking back cannot be undone: asks once. */
  #ask() {
    const message = this.#message;
    const item = this.#box.closest('li');
    $('take-back').showModal();
    $('take-back').onclose = () => item?.focus({ preventScroll: true });
    $('take-back-now').onclick = () => {
      $('take-back').close();
      if (message) this.#handlers.takeBack(message);
    };
  }
}

/**
 * The message's item in which something happened.
 * @param {Event} event
 */
function itemOf({ target }) {
  return target instanceof Element ? target.closest('li') : undefined;
}
