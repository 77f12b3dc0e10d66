// The dialog in which somebody chooses people by name: one for a chat, several for a new group or to add to
// one. It looks for them on the server while one types.
//
// Nobody who is unknown gets a conversation by accident: the page says that nobody was found. A user id as it
// is can be used in a second step, for people whom the host application knows and this server does not yet.

import { $, arrange, button, element } from '/elements.js';
import { offer, redraw } from '/focus.js';
import { NAME_MAX, tooLong } from '/groups.js';
import { Refusal } from '/refusal.js';

const PAGE = 20;
/** Between the last key and the question: less than a pause while typing, more than the time between keys. */
const PAUSE_MS = 200;
/** A page of the server may be empty and lead on. So many are read before the page asks whether to go on. */
const EMPTY_MAX = 5;
/** People who are offered before anything is typed. */
const OFFERED_MAX = 8;
/** Ids are separated by commas where several are written. */
const NOT_IN_IDS = ',';

export class Picker {
  #parts;
  /** @type {PickerPurpose | undefined} */
  #purpose;
  /** Those chosen so far, of several. @type {Set<string>} */
  #chosen = new Set();
  /** Who is shown. @type {string[]} */
  #found = [];
  /** @type {string | null} */
  #cursor = null;
  #asking = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * `parts`: `api`, `people`, `blocks`, and `known()` with the ids of those whom one talks with.
   * @param {{ api: import('/api.js').Api, people: import('/people.js').People, known: () => string[],
   *   blocks: import('/blocks.js').Blocks }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    $('whom').addEventListener('input', () => this.#typed());
    $('whom').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'ArrowDown') this.#firstOffer()?.focus();
      // A form of two fields without a button is not submitted by this key.
      if (event.key === 'Enter' && !event.isComposing) this.#entered();
    });
    $('picker-form').addEventListener('submit', (/** @type {SubmitEvent} */ event) => event.preventDefault());
    $('more-candidates').addEventListener('click', () => this.#more());
    $('use-as-is').addEventListener('click', () => this.#choose(this.#words));
    $('use-chosen').addEventListener('click', () => this.#start([...this.#chosen]));
    $('close-picker').addEventListener('click', () => $('picker').close());
    $('picker').addEventListener('close', () => this.#asking.abort());
  }

  /** @param {PickerPurpose} purpose */
  open(purpose) {
    this.#purpose = purpose;
    this.#chosen.clear();
    $('picker-title').textContent = purpose.title;
    $('group-is-new').hidden = !purpose.isNewGroup;
    $('new-name').value = '';
    $('new-history').checked = false;
    $('whom').value = '';
    $('use-chosen').textContent = purpose.deed ?? '';
    $('picked').setAttribute('aria-label', purpose.isNewGroup ? 'In the group' : 'To be added');
    this.#say('');
    this.#typed();
    $('picker').showModal();
    $(purpose.isNewGroup ? 'new-name' : 'whom').focus();
  }

  /** What somebody chooses for is not there any more. */
  close() {
    $('picker').close();
  }

  /** How a new group is to be. @returns {NewGroup | undefined} */
  get #group() {
    const name = $('new-name').value.trim();
    return this.#purpose?.isNewGroup ? { ...name && { name }, history: $('new-history').checked ? 'all' : 'joined' } : undefined;
  }

  get #words() {
    return $('whom').value.trim();
  }

  get #isTooMany() {
    return this.#chosen.size > (this.#purpose?.most ?? Infinity);
  }

  #firstOffer() {
    return $('candidates').querySelector('button:enabled') ?? ($('as-is').hidden ? null : $('use-as-is'));
  }

  /** Whoever is the only one is meant. Of several, and of an id as it is, somebody has to choose. */
  async #entered() {
    clearTimeout(this.#timer);
    const words = this.#words;
    if (words !== '') {
      this.#found = [];
      this.#cursor = null;
      await this.#more();
    }
    const [only, ...others] = this.#found.filter(id => !this.#whyNot(id));
    if (words !== '' && only && others.length === 0 && words === this.#words) return this.#choose(only);
    return this.#firstOffer()?.focus();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#cursor = null;
    if (this.#words === '') {
      this.#found = this.#parts.known().filter(id => !this.#whyNot(id)).slice(0, OFFERED_MAX);
      $('picker-words').textContent = this.#found.length > 0 ? 'People you talk with' : 'Type a name, or a user id.';
      return this.#draw();
    }
    $('picker-words').textContent = 'Looking …';
    $('as-is').hidden = true;
    this.#timer = setTimeout(() => { this.#found = []; this.#more(); }, PAUSE_MS);
    return undefined;
  }

  async #more() {
    this.#asking.abort();
    const { signal } = this.#asking = new AbortController();
    const words = this.#words;
    try {
      for (let tries = EMPTY_MAX, before = this.#found.length; tries > 0 && before === this.#found.length; tries -= 1) {
        await this.#page(words, signal);
        if (!this.#cursor) break;
      }
      $('picker-words').textContent = this.#found.length > 0 ? '' : `Nobody whom you can find is called “${words}”.`;
      this.#draw(words);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      $('picker-words').textContent = error.message;
      this.#draw();
    }
  }

  /**
   * @param {string} words
   * @param {AbortSignal} signal
   */
  async #page(words, signal) {
    const after = this.#cursor ? `&cursor=${encodeURIComponent(this.#cursor)}` : '';
    const page = await this.#parts.api.ask('GET', `/users/search?q=${encodeURIComponent(words)}&limit=${PAGE}${after}`, undefined, signal);
    for (const person of page.users) this.#parts.people.learn(person);
    this.#found.push(...page.users.map((/** @type {{ id: string }} */ { id }) => id));
    this.#cursor = page.nextCursor;
  }

  /**
   * `asked` is what the server has answered to: only then it is known whether there is such an id.
   * @param {string} [asked]
   */
  #draw(asked) {
    const { people } = this.#parts;
    const hadFocus = $('picker').contains(document.activeElement);
    redraw($('candidates'), this.#found.filter(id => !this.#chosen.has(id)).map(id => this.#offer(id)), $('whom'));
    arrange($('picked'), [...this.#chosen].map(id => element('li', {}, people.picture(id), element('span', { dir: 'auto' }, people.name(id)),
      button('×', () => { this.#chosen.delete(id); this.#say(''); this.#draw(asked); }, { class: 'quiet', 'aria-label': `Take ${people.name(id)} out` }))));
    offer($('more-candidates'), this.#cursor !== null, $('candidates'));
    const mayBeId = asked !== undefined && asked === this.#words && !asked.includes(NOT_IN_IDS);
    $('as-is').hidden = !mayBeId || this.#found.includes(asked) || this.#chosen.has(asked);
    $('use-as-is').textContent = `Use “${asked ?? ''}” as a user id`;
    $('use-chosen').hidden = !this.#purpose?.deed;
    $('use-chosen').disabled = this.#chosen.size === 0 || this.#isTooMany;
    if (hadFocus && !$('picker').contains(document.activeElement)) $('whom').focus();
  }

  /** @param {string} id */
  #offer(id) {
    const { people } = this.#parts;
    const name = people.name(id);
    const why = this.#whyNot(id);
    const choice = button(people.picture(id), () => this.#choose(id), { disabled: why !== undefined, 'data-id': id });
    const more = why ?? (name !== id && id);
    choice.append(element('span', { class: 'name', dir: 'auto' }, name), ...more ? [element('span', { class: 'id' }, more)] : []);
    return element('li', {}, choice);
  }

  /**
   * Why somebody cannot be chosen; nothing if they can.
   * @param {string} id
   * @returns {string | undefined}
   */
  #whyNot(id) {
    if (this.#purpose?.isIn?.(id)) return 'in the group already';
    return this.#parts.blocks.has(id) ? 'blocked by you' : undefined;
  }

  /** @param {string} id */
  #choose(id) {
    if (!this.#purpose?.deed) return this.#start([id]);
    this.#chosen.add(id);
    this.#say(this.#isTooMany ? `${this.#purpose.most} people can be added at once.` : '');
    $('whom').value = '';
    this.#typed();
    return $('whom').focus();
  }

  /** @param {string[]} participants */
  async #start(participants) {
    const purpose = this.#purpose;
    const group = this.#group;
    this.#say('');
    if ([...group?.name ?? ''].length > NAME_MAX) return this.#say(tooLong(group?.name ?? ''));
    $('use-chosen').disabled = true;
    try {
      const threadId = await purpose?.start(participants, group);
      $('picker').close();
      if (threadId) purpose?.begun?.(threadId);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#say(purpose?.words?.[error.code] ?? error.message);
      $('use-chosen').disabled = false;
    }
    return undefined;
  }

  /** @param {string} words */
  #say(words) {
    $('picker-error').textContent = words;
  }
}
