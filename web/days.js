// Messages under the headings of their days. What is shown already is kept and only moved: it does not lose its focus or its place.

import { arrange, element } from '/elements.js';
import { dayName, dayOf } from '/times.js';

/** Messages of one person within this time stand together. */
const TOGETHER_MS = 300_000;

export class Days {
  #box; #items = new Map(); #days = new Map();

  constructor(box) {
    this.#box = box;
  }

  /** Shows rows `{key, at, senderId, draw(item, follows)}` in their order; `follows` is whether a row stands with the one before. */
  draw(rows) {
    const items = new Map();
    const days = new Map();
    let before;
    for (const row of rows) {
      // By its place: clocks differ, and a message never stands under an earlier day than the one before it.
      const at = before?.at > row.at ? before.at : row.at;
      const day = dayOf(at);
      const follows = days.has(day) && before.senderId === row.senderId && new Date(at) - new Date(before.at) < TOGETHER_MS;
      const item = this.#items.get(row.key) ?? element('li', { tabindex: '-1' });
      row.draw(item, follows);
      items.set(row.key, item);
      if (!days.has(day)) days.set(day, []);
      days.get(day).push(item);
      before = { at, senderId: row.senderId };
    }
    this.#items = items;
    arrange(this.#box, [...days].map(([day, its]) => this.#drawDay(day, its)));
    this.#days.forEach((shown, day) => days.has(day) || this.#days.delete(day));
  }

  #drawDay(day, items) {
    const shown = this.#days.get(day) ?? { heading: element('h3'), list: element('ol'), section: element('section') };
    this.#days.set(day, shown);
    shown.heading.textContent = dayName(day);
    arrange(shown.section, [shown.heading, shown.list]);
    arrange(shown.list, items);
    return shown.section;
  }
}
