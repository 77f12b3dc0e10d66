// Saying to the administrators what is wrong with a message: a dialog with a reason, and words if somebody
// wants to say more. A message is reported once by each person. What was chosen and typed stays until it is
// sent, also when the dialog is closed meanwhile.

import { $, element } from '/elements.js';
import { plain } from '/markup.js';
import { tell } from '/notice.js';
import { REASONS, reasonWords } from '/reasons.js';
import { NOTHING_IS_LOST, Refusal } from '/refusal.js';
import { typed } from '/typed.js';

/** Characters of what somebody says, as the server counts them. */
const TEXT_MAX = 500;
/** What codes mean here; of all others the sentences are right as they are. @type {Record<string, string>} */
const WORDS = {
  ...NOTHING_IS_LOST,
  not_found: 'The message is not there any more, or not yours to see.',
};

export class ReportForm {
  #api;
  #people;
  /** @type {Message | undefined} */
  #message;
  /** What was reported in this window, and why. @type {Map<string, string>} */
  #reported = new Map();
  #isSending = false;

  /** @param {{ api: import('/api.js').Api, people: import('/people.js').People }} parts */
  constructor({ api, people }) {
    this.#api = api;
    this.#people = people;
    $('reasons').append(...Object.entries(REASONS).map(([reason, words]) =>
      element('label', { class: 'choice' }, element('input', { type: 'radio', name: 'reason', value: reason }), ` ${words}`)));
    $('report-form').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.#send();
    });
    for (const id of ['close-report', 'cancel-report']) $(id).addEventListener('click', () => $('report').close());
  }

  /** @param {Message} message */
  open(message) {
    if (message._id !== this.#message?._id) $('report-form').reset();
    this.#message = message;
    const words = plain(typed(message.content)) || typed(message.attachments[0]?.filename ?? '');
    $('reported').replaceChildren(element('strong', {}, this.#people.name(message.senderId)), ' ', element('bdi', {}, words));
    this.#say('');
    this.#draw();
    const item = [...$('messages').querySelectorAll('li')].find(each => each.dataset.messageId === message._id);
    $('report').onclose = () => item?.focus({ preventScroll: true });
    $('report').showModal();
  }

  get #reason() {
    return $('reasons').querySelector('input:checked')?.value;
  }

  /** What was reported is not reported again: the first report stays. */
  #draw() {
    const reason = this.#reported.get(this.#message?._id ?? '');
    $('report-form').hidden = reason !== undefined;
    $('report-words').textContent = reason === undefined
      ? 'The administrators get it, with the message as it is now. Nobody else is told.'
      : `You have reported this message: ${reasonWords(reason)}. The administrators have it.`;
  }

  async #send() {
    const message = this.#message;
    const reason = this.#reason;
    // One line, as the server keeps it.
    const text = $('report-text').value.trim().replace(/\s+/g, ' ');
    const length = [...text].length;
    if (!message || this.#isSending) return undefined;
    if (!reason) {
      $('reasons').querySelector('input').focus();
      return this.#say('Please choose what is wrong with it.');
    }
    if (length > TEXT_MAX) return this.#say(`That can have ${TEXT_MAX} characters. This has ${length}.`);
    this.#say('');
    this.#isSending = true;
    try {
      const answer = await this.#api.ask('POST', `/messages/${message._id}/report`, { reason, ...text && { text } });
      this.#done(message, answer.report?.reason ?? reason, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (message === this.#message) this.#say(WORDS[error.code] ?? error.message);
    } finally {
      this.#isSending = false;
    }
    return undefined;
  }

  /**
   * @param {Message} message
   * @param {string} reason of the report that counts
   * @param {{ deduplicated?: boolean, status?: string }} answer
   */
  #done(message, reason, { deduplicated, status }) {
    this.#reported.set(message._id, reason);
    const before = `Thank you. You had reported this message before (${reasonWords(reason)}), and that report stays as it is.`;
    tell(deduplicated ? before : status === 'queued' ? 'Thank you for telling us. The server has your report, and the administrators get it as soon as it can.'
      : 'Thank you for telling us. The administrators have your report.');
    if (message !== this.#message) return;
    $('report-form').reset();
    $('report').close();
  }

  /** @param {string} words */
  #say(words) {
    $('report-error').textContent = words;
    if (words) $('report-error').scrollIntoView({ block: 'nearest' });
  }
}
