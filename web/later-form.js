// The form in which a message that waits is changed: its text and its time. If another device changes it,
// sends it or cancels it meanwhile, the form says so and keeps what was typed.

import { button, element } from '/elements.js';
import { keptMentions } from '/mentions.js';
import { fieldOf, timeOf, tooSoonOrLate, zone } from '/moments.js';
import { LENGTH_MAX, tooLong } from '/sending.js';
import { typed } from '/typed.js';

/** @type {Record<string, string>} */
const MEANWHILE = {
  waiting: 'Meanwhile it was changed on another device. Saving puts yours in its place.',
  sending: 'Meanwhile its time has come: it cannot be changed any more.',
  sent: 'Meanwhile it was sent: it cannot be changed any more.',
  cancelled: 'Meanwhile it was cancelled on another device.',
  failed: 'Meanwhile its time has come, and it was not sent.',
};

export class LaterForm {
  #parts;
  #base;
  #text;
  #when;
  #meanwhile;
  #save;
  item;

  /**
   * `parts`: `people`, `save(change)` says whether it was done, `say(words)` what is wrong, and `end()`.
   * @param {ScheduledMessage} scheduled
   * @param {{ people: import('/people.js').People, say: (words: string) => void, end: () => void,
   *   save: (change: { content?: string, mentions?: string[], sendAt?: string }) => Promise<boolean> }} parts
   */
  constructor(scheduled, parts) {
    this.#parts = parts;
    this.#base = scheduled;
    this.#text = /** @type {HTMLTextAreaElement} */ (element('textarea', { rows: '3', dir: 'auto', 'aria-label': 'Text of the message' }));
    this.#text.value = typed(scheduled.content);
    this.#when = /** @type {HTMLInputElement} */ (element('input', { type: 'datetime-local', required: true, 'aria-label': 'Date and time' }));
    this.#when.value = fieldOf(new Date(scheduled.sendAt));
    this.#meanwhile = element('p', { role: 'status', class: 'meanwhile' });
    this.#save = /** @type {HTMLButtonElement} */ (element('button', {}, 'Save'));
    const form = element('form', {}, this.#text, this.#when, element('p', { class: 'zone' }, `Time zone: ${zone()}`), this.#meanwhile,
      element('div', { class: 'choices' }, button('Keep as it was', () => this.#parts.end(), { class: 'quiet' }), this.#save));
    form.addEventListener('submit', event => { event.preventDefault(); this.#submit(); });
    form.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return;
      // Only the form, not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      this.#parts.end();
    });
    this.item = element('li', {}, form);
  }

  get id() {
    return this.#base._id;
  }

  focus() {
    this.#text.focus();
  }

  /**
   * The message is as it is; of what is typed nothing is lost.
   * @param {ScheduledMessage | undefined} now
   */
  drawn(now) {
    const isOther = now?.updatedAt !== this.#base.updatedAt;
    const words = isOther ? MEANWHILE[now?.state ?? 'sent'] : '';
    if (this.#meanwhile.textContent !== words) this.#meanwhile.textContent = words;
    this.#save.disabled = isOther && now?.state !== 'waiting';
  }

  async #submit() {
    const change = this.#change();
    if (typeof change === 'string') return this.#parts.say(change);
    this.#save.disabled = true;
    if (Object.keys(change).length === 0 || await this.#parts.save(change)) return this.#parts.end();
    this.#save.disabled = false;
    return undefined;
  }

  /** What is different, or why it cannot be. */
  #change() {
    const { content: before, mentions = [], sendAt, attachments } = this.#base;
    const content = this.#text.value.trim();
    const length = [...content].length;
    if (content === '' && attachments.length === 0) return 'A message needs a text.';
    if (length > LENGTH_MAX) return tooLong(length - LENGTH_MAX);
    const isMoved = this.#when.value !== fieldOf(new Date(sendAt));
    const at = timeOf(this.#when.value);
    const wrong = isMoved ? tooSoonOrLate(at) : '';
    if (wrong) return wrong;
    const people = mentions.map(id => ({ id, name: this.#parts.people.name(id) }));
    return {
      ...content !== typed(before) && { content, ...mentions.length > 0 && { mentions: keptMentions(typed(before), people, content, people) } },
      ...isMoved && at && { sendAt: at.toISOString() },
    };
  }
}
