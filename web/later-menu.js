// The menu beside "Send": when a message is to be sent instead, in an hour, tomorrow morning, or at a time
// that somebody picks in a dialog. All of it is in the time zone of the browser.
//
// In the menu the arrow keys, Home and End go through it, Escape and Tab close it, and the focus returns to
// its button.

import { $, button } from '/elements.js';
import { fieldOf, timeOf, tooSoonOrLate, whenWords, zone } from '/moments.js';

const HOUR_MS = 3_600_000;
/** When tomorrow's messages go: the hour at which days begin in offices. */
const MORNING_HOUR = 9;

export class LaterMenu {
  #want;

  /**
   * `want(sendAt)` sends what is written at this time.
   * @param {(sendAt: Date) => void} want
   */
  constructor(want) {
    this.#want = want;
    const opener = $('send-later');
    opener.addEventListener('mousedown', (/** @type {MouseEvent} */ event) => event.preventDefault());
    opener.addEventListener('click', () => (this.#isOpen ? this.#close() : this.#open()));
    $('later-choices').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#pressed(event));
    document.addEventListener('pointerdown', ({ target }) => {
      if (this.#isOpen && target instanceof Node && !$('later-choices').contains(target) && !opener.contains(target)) this.#show(false);
    });
    $('pick-time').addEventListener('submit', (/** @type {SubmitEvent} */ event) => { event.preventDefault(); this.#picked(); });
    $('close-pick-time').addEventListener('click', () => $('pick-time-dialog').close());
    $('pick-time-dialog').addEventListener('close', () => $('text').focus());
  }

  /** There is nothing to send later any more. */
  hide() {
    this.#show(false);
  }

  get #isOpen() {
    return !$('later-choices').hidden;
  }

  #open() {
    const choices = [['In an hour', inAnHour()], ['Tomorrow morning', tomorrow()]];
    const items = choices.map(([name, at]) => {
      const item = button(`${name}`, () => this.#choose(/** @type {Date} */ (at)), { role: 'menuitem', class: 'quiet' });
      const when = document.createElement('small');
      when.textContent = whenWords(/** @type {Date} */ (at));
      item.append(' ', when);
      return item;
    });
    $('later-choices').replaceChildren(...items, button('Pick date and time', () => this.#pick(), { role: 'menuitem', class: 'quiet', 'aria-haspopup': 'dialog' }));
    this.#show(true);
    items[0].focus();
  }

  /** @param {boolean} isWanted */
  #show(isWanted) {
    $('later-choices').hidden = !isWanted;
    $('send-later').setAttribute('aria-expanded', String(isWanted));
  }

  #close() {
    this.#show(false);
    $('send-later').focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const all = [...$('later-choices').querySelectorAll('button')];
    const place = all.findIndex(each => each === document.activeElement);
    /** @type {Record<string, number>} */
    const places = { ArrowDown: (place + 1) % all.length, ArrowUp: (place + all.length - 1) % all.length, Home: 0, End: all.length - 1 };
    if (event.key in places) all[places[event.key]].focus();
    else if (event.key === 'Escape') this.#close();
    else if (event.key === 'Tab') return this.#close();
    else return undefined;
    return event.preventDefault();
  }

  /** @param {Date} at */
  #choose(at) {
    this.#show(false);
    $('text').focus();
    this.#want(at);
  }

  #pick() {
    this.#show(false);
    $('pick-time-error').textContent = '';
    $('when').value = fieldOf(inAnHour());
    $('when-zone').textContent = `Time zone: ${zone()}`;
    $('pick-time-dialog').showModal();
    $('when').focus();
  }

  #picked() {
    const at = timeOf($('when').value);
    const wrong = tooSoonOrLate(at);
    $('pick-time-error').textContent = wrong;
    if (wrong || !at) return $('when').focus();
    $('pick-time-dialog').close();
    return this.#want(at);
  }
}

/** On the minute: people do not plan seconds. */
const inAnHour = () => new Date(Math.ceil((Date.now() + HOUR_MS) / 60_000) * 60_000);

function tomorrow() {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, MORNING_HOUR);
}
