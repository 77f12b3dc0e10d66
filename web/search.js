// Searching the messages of all conversations: the field, the list of what was found with the places marked,
// and the way from there to a message. Texts are set as text; a place is an element around a part of it.

import { $, element } from '/elements.js';
import { offer } from '/focus.js';
import { attempt } from '/notice.js';
import { Refusal } from '/refusal.js';
import { shortTime } from '/times.js';
import { typed } from '/typed.js';

const PAGE = 20;
/** Characters of a long message before its first place and behind it. */
const BEFORE = 40;
const BEHIND = 200;

export class Search {
  #parts;
  #asking = new AbortController();
  #words = '';
  /** @type {string | null} */
  #cursor = null;

  /**
   * `parts`: `api`, `people`, `threads`, and `open(message)` that shows a message in its conversation.
   * @param {{ api: import('/api.js').Api, people: import('/people.js').People,
   *   threads: import('/threads.js').Threads, open: (message: Message) => void }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    $('search').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#begin($('words').value.trim());
    });
    // The cross in the field empties it.
    $('words').addEventListener('input', () => { if ($('words').value === '') this.#end(); });
    $('more-hits').addEventListener('click', () => this.#more());
  }

  /** @param {string} words */
  #begin(words) {
    if (words === '') return this.#end();
    this.#words = words;
    this.#cursor = null;
    $('hits').replaceChildren();
    $('search-words').textContent = 'Searching …';
    this.#show(true);
    return this.#more();
  }

  #end() {
    this.#asking.abort();
    this.#show(false);
  }

  /** @param {boolean} isShown */
  #show(isShown) {
    $('found').hidden = !isShown;
    $('more-hits').hidden = true;
  }

  /** A page may have no hits and lead on: then the next one is asked for at once. */
  async #more() {
    this.#asking.abort();
    const { signal } = this.#asking = new AbortController();
    let page;
    do {
      const cursor = this.#cursor ? `&cursor=${encodeURIComponent(this.#cursor)}` : '';
      const path = `/messages/search?q=${encodeURIComponent(this.#words)}&limit=${PAGE}${cursor}`;
      page = await attempt(() => this.#ask(path, signal));
      if (signal.aborted || page?.cannotBe) return;
      if (!page) return this.#show($('hits').childElementCount > 0);
      this.#cursor = page.nextCursor;
    } while (page.hits.length === 0 && this.#cursor);
    $('hits').append(...page.hits.map((/** @type {SearchHit} */ hit) => this.#item(hit)));
    offer($('more-hits'), this.#cursor !== null, $('hits'));
    $('search-words').textContent = words($('hits').childElementCount, page.complete);
  }

  /**
   * Words that cannot be searched for are no trouble: where the hits would be it says what can.
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async #ask(path, signal) {
    try {
      return await this.#parts.api.ask('GET', path, undefined, signal);
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'invalid')) throw error;
      $('search-words').textContent = error.message.replace(/^Q /, 'A search ');
      return { cannotBe: true };
    }
  }

  /** @param {SearchHit} hit */
  #item({ message, highlights }) {
    const { people, threads, open } = this.#parts;
    const thread = threads.get(message.threadId);
    const [name, title] = [people.nameOrYou(message.senderId), thread ? people.title(thread) : ''];
    const where = title === name ? '' : title;
    const button = element('button', { type: 'button' },
      element('span', { class: 'name', dir: 'auto' }, name, where && ` · ${where}`),
      element('time', { datetime: message.createdAt }, shortTime(message.createdAt)),
      element('span', { class: 'preview', dir: 'auto' }, ...marked(message.content, highlights)),
    );
    button.addEventListener('click', () => open(message));
    return element('li', {}, button);
  }
}

/**
 * @param {number} count
 * @param {boolean} isComplete
 */
function words(count, isComplete) {
  const found = count === 0 ? 'Nothing was found.' : '';
  return isComplete ? found : `${found} Older messages are still being indexed, so there may be more.`.trim();
}

/**
 * The part of a text around its first place, with its places marked.
 * @param {string} content
 * @param {{ start: number, end: number }[]} highlights
 */
function marked(content, highlights) {
  const from = cut(content, Math.max(0, (highlights[0]?.start ?? 0) - BEFORE));
  const to = cut(content, Math.min(content.length, from + BEFORE + BEHIND));
  const parts = [];
  let at = from;
  for (const { start, end } of highlights.filter(place => place.end <= to)) {
    parts.push(typed(content.slice(at, start)), element('mark', {}, typed(content.slice(start, end))));
    at = end;
  }
  return [from > 0 && '…', ...parts, typed(content.slice(at, to)), to < content.length && '…'];
}

/**
 * The place, or the one after it in the middle of a character.
 * @param {string} text
 * @param {number} place
 */
const cut = (text, place) => (/[\uDC00-\uDFFF]/.test(text[place] ?? '') ? place + 1 : place);
