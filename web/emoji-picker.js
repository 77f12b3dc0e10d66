// The dialog to choose an emoji in: by its group, or by the words that it is looked for with. The data is
// read when the dialog opens for the first time.

import { $, button, element } from '/elements.js';
import { keep, recall } from '/storage.js';

/** The signs that were chosen last are offered first. */
const RECENT_MAX = 16;
/** More hits than this tell nobody anything. */
const HITS_MAX = 120;
/** @typedef {{ sign: string, name: string, words: string[] }} Emoji */

export class EmojiPicker {
  /** @type {{ name: string, emoji: Emoji[] }[]} */
  #groups = [];
  /** @type {(sign: string) => void} */
  #choose = () => {};

  constructor() {
    $('emoji-words').addEventListener('input', () => this.#draw());
    $('emoji-words').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#inField(event));
    $('emoji-signs').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#inSigns(event));
    $('close-emoji').addEventListener('click', () => $('emoji').close());
    // What lies around a dialog belongs to it.
    $('emoji').addEventListener('click', (/** @type {MouseEvent} */ { target }) => target === $('emoji') && $('emoji').close());
  }

  /**
   * Offers all emoji; `choose` gets the one that somebody takes, and `closed` is called in any case.
   * @param {(sign: string) => void} choose
   * @param {() => void} [closed]
   */
  async open(choose, closed) {
    this.#choose = choose;
    $('emoji').onclose = closed;
    $('emoji-words').value = '';
    $('emoji').showModal();
    if (this.#groups.length === 0) this.#groups = await read();
    this.#draw();
  }

  #draw() {
    const words = $('emoji-words').value.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = words.length > 0 ? [{ name: '', emoji: found(this.#groups, words) }] : [...this.#recent(), ...this.#groups];
    $('emoji-signs').replaceChildren(...groups.map(({ name, emoji }) => element('section', { 'aria-label': name || 'Found' },
      name && element('h3', {}, name), element('div', { class: 'signs' }, ...emoji.map(each => this.#sign(each))))));
    $('emoji-signs').querySelector('button')?.setAttribute('tabindex', '0');
    const count = words.length > 0 ? groups[0].emoji.length : undefined;
    $('emoji-found').textContent = count === 0 ? 'Nothing was found.' : '';
  }

  /** @param {Emoji} emoji */
  #sign({ sign, name }) {
    return button(sign, () => this.#take(sign), { class: 'emoji', 'aria-label': name, title: name, tabindex: '-1' });
  }

  #recent() {
    /** @type {string[]} */
    const signs = recall('emoji', []);
    const all = new Map(this.#groups.flatMap(({ emoji }) => emoji.map(each => [each.sign, each])));
    const emoji = signs.flatMap(sign => all.get(sign) ?? []);
    return emoji.length > 0 ? [{ name: 'Used last', emoji }] : [];
  }

  /** @param {string} sign */
  #take(sign) {
    keep('emoji', [sign, ...recall('emoji', []).filter((/** @type {string} */ each) => each !== sign)].slice(0, RECENT_MAX));
    $('emoji').close();
    this.#choose(sign);
  }

  /** @param {KeyboardEvent} event */
  #inField(event) {
    const first = $('emoji-signs').querySelector('button');
    if (event.isComposing || !first || !['Enter', 'ArrowDown'].includes(event.key)) return;
    event.preventDefault();
    if (event.key === 'ArrowDown') first.focus();
    else if ($('emoji-words').value.trim()) first.click();
  }

  /** @param {KeyboardEvent} event */
  #inSigns(event) {
    const signs = [...$('emoji-signs').querySelectorAll('button')];
    const at = signs.indexOf(event.target);
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: beside(signs, at, 1), ArrowUp: beside(signs, at, -1), Home: 0, End: signs.length - 1 };
    const next = steps[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    if (next < 0) $('emoji-words').focus();
    else signs[next]?.focus();
  }
}

/** @returns {Promise<{ name: string, emoji: Emoji[] }[]>} */
async function read() {
  const { GROUPS } = await import('/emoji-data.js');
  return GROUPS.map(([name, list]) => ({ name, emoji: list.split('|').map(emojiOf) }));
}

/**
 * @param {string} text the sign, a space, its name and words
 * @returns {Emoji}
 */
function emojiOf(text) {
  const [sign, ...rest] = text.split(' ');
  const words = rest.join(' ').split(',');
  return { sign, name: words[0], words };
}

/**
 * Those that have every one of these words, or a word that begins so: first those that are called so.
 * @param {{ emoji: Emoji[] }[]} groups
 * @param {string[]} wanted
 * @returns {Emoji[]}
 */
function found(groups, wanted) {
  const begins = (/** @type {string} */ text) => {
    const words = text.toLowerCase().split(/[\s-]+/);
    return wanted.every(each => words.some(word => word.startsWith(each)));
  };
  const hits = groups.flatMap(({ emoji }) => emoji).filter(({ sign, words }) => begins(words.join(' ')) || wanted[0] === sign);
  return [...hits.filter(({ name }) => begins(name)), ...hits.filter(({ name }) => !begins(name))].slice(0, HITS_MAX);
}

/**
 * The place of the sign above or below another one, in the row that is nearest.
 * @param {HTMLElement[]} signs
 * @param {number} at
 * @param {1 | -1} step
 */
function beside(signs, at, step) {
  const { offsetTop: row, offsetLeft: column } = signs[at] ?? {};
  let next = at;
  while (signs[next]?.offsetTop === row && next in signs) next += step;
  let best = next;
  for (const there = signs[next]?.offsetTop; next in signs && signs[next].offsetTop === there; next += step) {
    if (Math.abs(signs[next].offsetLeft - column) < Math.abs(signs[best].offsetLeft - column)) best = next;
  }
  return best;
}
