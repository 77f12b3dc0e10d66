// Whom to mention: behind an `@` in the text field, people of the conversation are offered by name. The field
// keeps the focus; its arrow keys go through the list, Enter and Tab take, Escape closes, and a press takes,
// too.

import { $, element } from '/elements.js';
import { folded } from '/folded.js';
import { Refusal } from '/refusal.js';
import { several } from '/times.js';

/** More than this is too much to choose from: one types on. */
const OFFERED_MAX = 6;
/** An `@` that begins a word, and what was typed behind it: names have spaces. */
const ASKED = /(?<![\p{L}\p{N}._%+@-])@(?<words>[^\n@]{0,60})$/u;
/** Scripts whose words have no spaces between them. */
const NO_SPACES = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}]/u;

export class MentionPicker {
  #parts;
  /** @type {Person[]} */
  #offers = [];
  #chosen = 0;
  /** Where the `@` is. */
  #start = -1;
  /** The place of an `@` that nobody is wanted for. */
  #passed = -1;
  /** @type {AbortController | undefined} */
  #reading;

  /**
   * `parts`: `thread()` gives the open conversation, `members`, `people`, `me`, and `take(person, start,
   * end)` writes a name in the place of what was typed.
   * @param {{ thread: () => Thread | undefined, members: import('/members.js').Members,
   *   people: import('/people.js').People, me: Me,
   *   take: (person: Person, start: number, end: number) => void }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    $('text').addEventListener('blur', () => this.close());
    // A caret that is moved away asks for nobody.
    $('text').addEventListener('click', () => this.look());
    $('offers').addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => event.preventDefault());
    $('offers').addEventListener('mousedown', (/** @type {MouseEvent} */ event) => event.preventDefault());
  }

  /** Something was typed. */
  look() {
    const asked = this.#asked();
    if (!asked) this.#passed = -1;
    if (!asked || asked.start === this.#passed) return this.close();
    this.#start = asked.start;
    this.#chosen = 0;
    this.#find(asked.words);
    return this.#readMore(asked.thread);
  }

  /**
   * Whether the key was meant for the list.
   * @param {KeyboardEvent} event
   * @returns {boolean}
   */
  pressed(event) {
    const count = this.#offers.length;
    if (count === 0 || event.isComposing) return false;
    if (event.key === 'ArrowDown') this.#choose((this.#chosen + 1) % count);
    else if (event.key === 'ArrowUp') this.#choose((this.#chosen + count - 1) % count);
    else if (event.key === 'Enter' || event.key === 'Tab' && !event.shiftKey) this.#take(this.#offers[this.#chosen]);
    else if (event.key === 'Escape') this.#pass();
    else return false;
    event.preventDefault();
    return true;
  }

  close() {
    this.#reading?.abort();
    this.#reading = undefined;
    this.#offer([]);
  }

  #asked() {
    const { value, selectionStart, selectionEnd } = $('text');
    const thread = this.#parts.thread();
    const found = selectionStart === selectionEnd && ASKED.exec(value.slice(0, selectionStart));
    return found && found.groups && thread ? { thread, start: found.index, words: found.groups.words } : undefined;
  }

  /** @param {string} words */
  #find(words) {
    const { thread, members, me } = this.#parts;
    const open = thread();
    const others = open ? members.of(open).filter(({ id }) => id !== me.id) : [];
    const wanted = folded(words);
    const found = others.filter(person => begins(person, wanted)).sort((one, other) => one.name.localeCompare(other.name));
    this.#offer(found.slice(0, OFFERED_MAX));
  }

  /**
   * Of a large conversation there may be others who fit better.
   * @param {Thread} thread
   */
  async #readMore(thread) {
    if (this.#reading || !this.#parts.members.hasMore(thread)) return;
    const { signal } = this.#reading = new AbortController();
    try {
      while (this.#parts.members.hasMore(thread)) {
        await this.#parts.members.more(thread, signal);
        const asked = this.#asked();
        if (signal.aborted || !asked) return;
        this.#find(asked.words);
      }
    } catch (error) {
      if (!signal.aborted && !(error instanceof Refusal)) throw error;
    }
  }

  /** @param {Person[]} people */
  #offer(people) {
    this.#offers = people;
    $('offers').hidden = people.length === 0;
    $('offers').replaceChildren(...people.map((person, place) => this.#item(person, place)));
    $('offered').textContent = people.length > 0 ? `${several(people.length, 'name')} to choose from` : '';
    this.#choose(Math.min(this.#chosen, Math.max(people.length - 1, 0)));
  }

  /**
   * @param {Person} person
   * @param {number} place
   */
  #item(person, place) {
    const { people } = this.#parts;
    const item = element('li', { role: 'option', id: `offer-${place}` }, people.picture(person.id),
      element('span', { class: 'name', dir: 'auto' }, person.name),
      person.name !== person.id && element('span', { class: 'id', dir: 'auto' }, person.id));
    item.addEventListener('click', () => this.#take(person));
    return item;
  }

  /** @param {number} place */
  #choose(place) {
    this.#chosen = place;
    [...$('offers').children].forEach((item, n) => item.setAttribute('aria-selected', String(n === place)));
    $('offers').children[place]?.scrollIntoView({ block: 'nearest' });
    if (this.#offers.length > 0) $('text').setAttribute('aria-activedescendant', `offer-${place}`);
    else $('text').removeAttribute('aria-activedescendant');
  }

  /** Nobody else is wanted for this `@`. */
  #pass() {
    this.#passed = this.#start;
    this.close();
  }

  /** @param {Person} person */
  #take(person) {
    this.#pass();
    this.#parts.take(person, this.#start, $('text').selectionStart);
  }
}

/**
 * Whether what was typed begins the name or the id of somebody, or a word of it.
 * @param {Person} person
 * @param {string} wanted
 */
const begins = ({ id, name }, wanted) => [name, id].map(folded).some(text =>
  text.startsWith(wanted) || text.split(/[\s.,_@-]+/).some((word, n, words) => words.slice(n).join(' ').startsWith(wanted))
  || NO_SPACES.test(wanted) && text.includes(wanted));
