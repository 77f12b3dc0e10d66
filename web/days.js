// Draws messages under the headings of their days. It keeps and only moves what is shown already, so that
// nothing loses its focus or its scroll position.

import { arrange, element } from '/elements.js';
import { dayName, dayOf } from '/times.js';

/** Messages of one person within this time stand together. */
const TOGETHER_MS = 300_000;

export class Days {
  #box;
  /** @type {Map<string, HTMLElement>} */
  #items = new Map();
  /** @type {Map<string, { heading: HTMLElement, list: HTMLElement, section: HTMLElement }>} */
  #days = new Map();

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /**
   * Shows rows `{key, at, senderId, draw(item, follows)}` in their order; `follows` is whether a row stands
   * with the one before.
   * @param {Row[]} rows
   */
  draw(rows) {
    /** @type {Map<string, HTMLElement>} */
    const items = new Map();
    /** @type {Map<string, HTMLElement[]>} */
    const days = new Map();
    /** @type {{ at: string, senderId: string } | undefined} */
    let before;
    for (const row of rows) {
      // By its place: clocks differ, and a message never stands under an earlier day than the one before it.
      const at = before && before.at > row.at ? before.at : row.at;
      const day = dayOf(at);
      const isSoon = before?.senderId === row.senderId && Date.parse(at) - Date.parse(before.at) < TOGETHER_MS;
      const follows = days.has(day) && isSoon;
      const item = this.#items.get(row.key) ?? element('li', { tabindex: '-1' });
      row.draw(item, follows);
      items.set(row.key, item);
      days.set(day, [...days.get(day) ?? [], item]);
      before = { at, senderId: row.senderId };
    }
    this.#items = items;
    arrange(this.#box, [...days].map(([day, its]) => this.#drawDay(day, its)));
    this.#days.forEach((shown, day) => days.has(day) || this.#days.delete(day));
  }

  /**
   * @param {string} day
   * @param {HTMLElement[]} items
   */
  #drawDay(day, items) {
    const shown = this.#days.get(day) ?? { heading: element('h3'), list: element('ol'), section: element('section') };
    this.#days.set(day, shown);
    shown.heading.textContent = dayName(day);
    arrange(shown.section, [shown.heading, shown.list]);
    arrange(shown.list, items);
    return shown.section;
  }
}
