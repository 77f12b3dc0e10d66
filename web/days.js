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
  /** @type {Map<string, Record<'heading' | 'list' | 'rest' | 'section', HTMLElement>>} */
  #days = new Map();
  /** The line above what is new. */
  line = element('p', { class: 'new-line' }, element('span', {}, 'New messages'));

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /**
   * The item of a row that is shown.
   * @param {string} key
   */
  item(key) {
    return this.#items.get(key);
  }

  /**
   * Shows rows `{key, at, senderId, draw(item, follows)}` in their order; `follows` is whether a row stands
   * with the one before. The line stands above the row `firstNew`.
   * @param {Row[]} rows
   * @param {string} [firstNew] its key
   */
  draw(rows, firstNew) {
    const { activeElement } = document;
    /** @type {Map<string, HTMLElement>} */
    const items = new Map();
    /** @type {Map<string, { items: HTMLElement[], news: HTMLElement[] }>} */
    const days = new Map();
    /** @type {{ at: string, senderId: string } | undefined} */
    let before;
    for (const row of rows) {
      // By its place: clocks differ, and a message never stands under an earlier day than the one before it.
      const at = before && before.at > row.at ? before.at : row.at;
      const day = days.get(dayOf(at)) ?? { items: [], news: [] };
      const isSoon = before?.senderId === row.senderId && Date.parse(at) - Date.parse(before.at) < TOGETHER_MS;
      const isFirstNew = row.key === firstNew;
      const item = this.#items.get(row.key) ?? element('li', { tabindex: '-1' });
      row.draw(item, isSoon && !isFirstNew && days.has(dayOf(at)));
      items.set(row.key, item);
      (isFirstNew || day.news.length > 0 ? day.news : day.items).push(item);
      days.set(dayOf(at), day);
      before = { at, senderId: row.senderId };
    }
    this.#items = items;
    arrange(this.#box, [...days].map(([name, day]) => this.#drawDay(name, day)));
    this.#days.forEach((shown, day) => days.has(day) || this.#days.delete(day));
    // What moves to another list, as all do when the line goes, loses the focus on its way.
    if (activeElement instanceof HTMLElement && activeElement !== document.activeElement && this.#box.contains(activeElement)) {
      activeElement.focus({ preventScroll: true });
    }
  }

  /**
   * @param {string} day
   * @param {{ items: HTMLElement[], news: HTMLElement[] }} its
   */
  #drawDay(day, { items, news }) {
    const shown = this.#days.get(day) ?? { heading: element('h3'), list: element('ol'), rest: element('ol'), section: element('section') };
    this.#days.set(day, shown);
    shown.heading.textContent = dayName(day);
    arrange(shown.section, [shown.heading, ...items.length > 0 ? [shown.list] : [], ...news.length > 0 ? [this.line, shown.rest] : []]);
    arrange(shown.list, items);
    arrange(shown.rest, news);
    return shown.section;
  }
}
