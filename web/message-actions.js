// What can be done with a message: react to it, answer it, pin it, mark it unread, report it, edit it, take
// it back. One set of buttons hangs on the message under the pointer or on the one with the focus. Arrow
// keys go from message to message.

import { $, button, element } from '/elements.js';

/** Signs to choose from at once, with what they are called. */
const EMOJI = { '👍': 'thumbs up', '❤️': 'heart', '😂': 'laughing', '😊': 'smiling', '🎉': 'party', '😮': 'surprised' };

export class MessageActions {
  #list;
  #handlers;
  #box;
  #emoji;
  #opener;
  #reply;
  #pin;
  #unread;
  #report;
  #edit;
  #takeBack;
  /** @type {Message | undefined} */
  #message;
  /**
   * Whether something in the list is being pressed: the buttons must not move it away from under the finger,
   * else something else is pressed.
   */
  #isPressed = false;

  /**
   * `find(item)` of the handlers gives the message of an item if there is something to do with it, and
   * `keeping(change)` changes what is shown and keeps what the reader sees in its place.
   * @param {HTMLElement} list
   * @param {{ find: (item: HTMLElement) => Message | undefined, isOwn: (message: Message) => boolean,
   *   keeping: (change: () => void) => void, react: (message: Message, emoji: string) => void,
   *   pickEmoji: (choose: (emoji: string) => void, closed: () => void) => void,
   *   reply: (message: Message) => void, edit: (message: Message) => void, pin: (message: Message) => void,
   *   unread: (message: Message) => void, report: (message: Message) => void,
   *   takeBack: (message: Message) => void }} handlers
   */
  constructor(list, handlers) {
    this.#list = list;
    this.#handlers = handlers;
    this.#emoji = element('span', { role: 'group', 'aria-label': 'Emoji', hidden: true }, ...Object.entries(EMOJI).map(([emoji, name]) =>
      button(emoji, () => this.#react(emoji), { class: 'emoji', 'aria-label': `React with ${name}`, title: name })),
      button('+', () => this.#pickEmoji(), { 'aria-label': 'React with another emoji', title: 'Another emoji', 'aria-haspopup': 'dialog' }));
    this.#opener = button('☺', () => this.#openEmoji(this.#emoji.hidden), { 'aria-label': 'React', title: 'React', 'aria-expanded': 'false' });
    this.#reply = tool('Reply', () => this.#message && this.#handlers.reply(this.#message));
    this.#pin = tool('Pin', () => this.#pinned());
    this.#unread = tool('Unread', () => this.#message && this.#handlers.unread(this.#message), 'Mark as unread from here');
    this.#report = tool('Report', () => this.#message && this.#handlers.report(this.#message), 'Report this message');
    this.#edit = tool('Edit', () => this.#message && this.#handlers.edit(this.#message));
    this.#takeBack = tool('Take back', () => this.#ask());
    this.#box = element('div', { id: 'message-actions', role: 'toolbar', 'aria-label': 'What to do with this message' },
      this.#emoji, this.#opener, this.#reply, this.#pin, this.#unread, this.#report, this.#edit, this.#takeBack);
    // A finger is nowhere before it presses, and then it gives the focus.
    const hovers = matchMedia('(hover: hover)');
    list.addEventListener('pointerover', event => hovers.matches && this.#emoji.hidden && this.#hang(itemOf(event)));
    list.addEventListener('focusin', event => this.#focused(itemOf(event)));
    list.addEventListener('mousedown', () => { this.#isPressed = true; }, { capture: true });
    // Behind the click, which comes with it.
    addEventListener('mouseup', () => this.#isPressed && setTimeout(() => this.#letGo()), { capture: true });
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
      if (this.#box.isConnected) this.#handlers.keeping(() => this.#box.remove());
      return;
    }
    if (message._id !== this.#message?._id || !this.#box.isConnected) this.#openEmoji(false);
    this.#message = message;
    this.#offer();
    if (this.#box.parentNode !== item) this.#handlers.keeping(() => item.append(this.#box));
  }

  #hangOnFocused() {
    const { activeElement } = document;
    this.#hang(this.#list.contains(activeElement) ? activeElement?.closest('li') : undefined);
  }

  /** @param {HTMLElement | null | undefined} item */
  #focused(item) {
    if (!item) return;
    this.#items().forEach(each => each.setAttribute('tabindex', each === item ? '0' : '-1'));
    if (this.#isPressed) return;
    this.#hang(item);
    this.#show();
  }

  #letGo() {
    this.#isPressed = false;
    const { activeElement } = document;
    const item = this.#list.contains(activeElement) ? activeElement?.closest('li') : undefined;
    if (item) this.#focused(item);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === 'Escape') this.#left();
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

  /** Away from the emoji to their button, and from the buttons to their message. */
  #left() {
    const { activeElement } = document;
    const wasIn = (/** @type {HTMLElement} */ place) => place.contains(activeElement);
    const next = wasIn(this.#emoji) ? this.#opener : wasIn(this.#box) ? this.#box.closest('li') : undefined;
    this.#openEmoji(false);
    next?.focus({ preventScroll: true });
  }

  /** @param {boolean} isOpen */
  #openEmoji(isOpen) {
    this.#emoji.hidden = !isOpen;
    this.#opener.setAttribute('aria-expanded', String(isOpen));
    this.#offer();
    if (isOpen) this.#emoji.querySelector('button')?.focus();
    if (isOpen) this.#show();
  }

  /** Under fingers the buttons are below the message, which may be below the end of the window. */
  #show() {
    if (this.#box.isConnected) this.#box.scrollIntoView({ block: 'nearest' });
  }

  /** Changing is for one's own messages; the emoji take the place of everything else while they are open. */
  #offer() {
    const isOwn = this.#message && this.#handlers.isOwn(this.#message);
    const isChangeable = isOwn && this.#emoji.hidden;
    this.#reply.hidden = !this.#emoji.hidden;
    this.#pin.hidden = !this.#emoji.hidden;
    const pin = this.#message?.pinned ? 'Unpin' : 'Pin';
    // What is being pressed stays: a button whose content is replaced under a finger is not clicked.
    if (this.#pin.title !== pin) this.#pin.replaceChildren(label(pin));
    this.#pin.title = pin;
    this.#unread.hidden = this.#report.hidden = isOwn || !this.#emoji.hidden;
    this.#edit.hidden = !isChangeable;
    this.#takeBack.hidden = !isChangeable;
  }

  #pickEmoji() {
    const message = this.#message;
    const item = this.#box.closest('li');
    this.#handlers.pickEmoji(emoji => message && this.#handlers.react(message, emoji), () => item?.focus({ preventScroll: true }));
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
 * A button with a sign of its own where there is little room (conversation.css), and its name.
 * @param {string} name
 * @param {() => void} act
 * @param {string} [title]
 */
const tool = (name, act, title = name) => button(label(name), act, { class: `tool to-${name.toLowerCase().replace(' ', '-')}`, title });

/** @param {string} name */
const label = name => element('span', { class: 'label' }, name);

/**
 * The message's item in which something happened.
 * @param {Event} event
 */
function itemOf({ target }) {
  return target instanceof Element ? target.closest('li') : undefined;
}
