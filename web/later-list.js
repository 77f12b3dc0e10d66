// The dialog with what is to be sent later: of the open conversation, or of all. What waits can be changed,
// sent at once and cancelled; of what was not sent it says why. It follows other devices; what is typed in
// a form stays whatever they do.

import { $, arrange, button, element } from '/elements.js';
import { LaterForm } from '/later-form.js';
import { whenWords } from '/moments.js';
import { tell } from '/notice.js';
import { Refusal } from '/refusal.js';
import { fileNames } from '/sizes.js';
import { sure, notAnyMore } from '/sure.js';
import { several } from '/times.js';
import { typed } from '/typed.js';

/** @type {Record<string, string>} */
const REASONS = {
  not_in_thread: 'you were not in this conversation any more',
  thread_gone: 'the conversation was not there any more',
  key_reused: 'another message was sent in its place',
};

export class LaterList {
  #parts;
  /** The conversation whose messages are shown; all of them without. @type {string | undefined} */
  #threadId;
  /** The button that has opened it. @type {HTMLElement | undefined} */
  #opener;
  /** The one that is being changed. @type {LaterForm | undefined} */
  #form;
  /** What is shown, with what it was drawn from. @type {Map<string, { item: HTMLElement, words: string }>} */
  #items = new Map();
  /** The one that somebody is asked about. @type {string | undefined} */
  #asked;

  /**
   * `parts`: `later`, `threads`, `people`, `conversation`.
   * @param {{ later: import('/later.js').Later, threads: import('/threads.js').Threads,
   *   people: import('/people.js').People, conversation: import('/conversation.js').Conversation }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    const { later, threads, conversation } = parts;
    for (const each of [later, threads, conversation]) each.addEventListener('change', () => this.#draw());
    later.addEventListener('failed', event => event instanceof CustomEvent && this.#failed(event.detail));
    $('open-later').addEventListener('click', () => this.#open($('open-later')));
    $('later-here').addEventListener('click', () => this.#open($('later-here'), conversation.threadId));
    $('close-later').addEventListener('click', () => $('later').close());
    $('later').addEventListener('close', () => this.#closed());
    this.#draw();
  }

  /**
   * @param {HTMLElement} opener
   * @param {string} [threadId]
   */
  #open(opener, threadId) {
    this.#opener = opener;
    this.#threadId = threadId;
    this.#say('');
    this.#draw();
    $('later').showModal();
    // What is told of a conversation's name may not be here yet.
    const { later, threads } = this.#parts;
    for (const id of new Set(later.listed.map(each => each.threadId))) if (!threads.get(id)) threads.learn(id).catch(() => {});
    later.see();
  }

  #closed() {
    this.#form = undefined;
    this.#items.clear();
    this.#parts.later.see();
    if (this.#opener?.checkVisibility()) this.#opener.focus();
    else $($('text').checkVisibility() ? 'text' : 'new-chat').focus();
  }

  /** @param {ScheduledMessage} scheduled */
  #failed({ threadId, reason }) {
    tell(`A message to “${this.#title(threadId)}” was not sent: ${REASONS[reason ?? ''] ?? 'something went wrong'}.`);
  }

  /** @param {string} threadId */
  #title(threadId) {
    const thread = this.#parts.threads.get(threadId);
    return thread ? this.#parts.people.title(thread) : 'a conversation that is not open to you';
  }

  #draw() {
    const { later, conversation } = this.#parts;
    drawCount($('open-later'), later.count(), 'Scheduled');
    drawCount($('later-here'), conversation.threadId ? later.count(conversation.threadId) : { waiting: 0, failed: 0 }, 'To be sent later');
    const shown = later.listed.filter(each => this.#threadId === undefined || each.threadId === this.#threadId);
    const hadFocus = $('later').open && $('scheduled').contains(document.activeElement);
    const focused = hadFocus ? /** @type {HTMLElement} */ (document.activeElement).dataset.act : undefined;
    $('later-title').textContent = this.#threadId === undefined ? 'Scheduled messages' : 'To be sent later in this conversation';
    $('no-scheduled').hidden = shown.length > 0 || this.#form !== undefined;
    this.#form?.drawn(later.get(this.#form.id));
    // One that is being changed stays, whatever has become of it.
    const edited = this.#form && !shown.some(each => each._id === this.#form?.id) ? [this.#form.item] : [];
    arrange($('scheduled'), [...edited, ...shown.map(each => (each._id === this.#form?.id ? this.#form.item : this.#item(each)))]);
    if (hadFocus && !$('scheduled').contains(document.activeElement)) {
      const same = focused && $('scheduled').querySelector(`[data-act="${focused}"]`);
      (same || $('later')).focus();
    }
    if (this.#asked && !shown.some(each => each._id === this.#asked && each.state === 'waiting')) notAnyMore();
  }

  /**
   * What has not changed stays: it may be under a finger.
   * @param {ScheduledMessage} scheduled
   */
  #item(scheduled) {
    const words = JSON.stringify([scheduled, this.#threadId === undefined && this.#title(scheduled.threadId), whenWords(new Date(scheduled.sendAt))]);
    const shown = this.#items.get(scheduled._id);
    if (shown?.words === words) return shown.item;
    const item = this.#drawItem(scheduled);
    this.#items.set(scheduled._id, { item, words });
    return item;
  }

  /** @param {ScheduledMessage} scheduled */
  #drawItem(scheduled) {
    const { _id, content, attachments, state, reason, sendAt, threadId } = scheduled;
    const act = (/** @type {string} */ label, /** @type {() => unknown} */ deed, kind = 'quiet') =>
      button(label, deed, { class: kind, 'data-act': `${label.split(' ')[0]}-${_id}` });
    const isFailed = state === 'failed';
    const when = isFailed ? `Not sent: ${REASONS[reason ?? ''] ?? 'something went wrong'}` : state === 'sending' ? 'Being sent …' : whenWords(new Date(sendAt));
    return element('li', { class: isFailed ? 'failed' : '' },
      element('p', { class: 'when' }, element('strong', {}, capital(when)), this.#threadId === undefined && element('bdi', {}, ` · ${this.#title(threadId)}`)),
      content && element('p', { class: 'content', dir: 'auto' }, typed(content)),
      attachments.length > 0 && element('p', { class: 'names', dir: 'auto' }, fileNames(attachments)),
      state === 'waiting' && element('div', { class: 'choices' },
        act('Change', () => this.#change(scheduled)), act('Send now', () => this.#attempt(() => this.#parts.later.sendNow(_id))),
        act('Cancel message', () => this.#cancel(_id), 'quiet bad')));
  }

  /** @param {ScheduledMessage} scheduled */
  #change(scheduled) {
    const end = () => {
      this.#form = undefined;
      this.#draw();
      const same = $('scheduled').querySelector(`[data-act="Change-${scheduled._id}"]`) ?? $('later');
      same.focus();
    };
    this.#form = new LaterForm(scheduled, {
      people: this.#parts.people, say: words => this.#say(words), end,
      save: change => this.#attempt(() => this.#parts.later.change(scheduled._id, change)),
    });
    this.#draw();
    this.#form.focus();
  }

  /** @param {string} id */
  async #cancel(id) {
    this.#asked = id;
    const isSure = await sure('Cancel this message? It is not sent, and what it says is gone.', 'Cancel the message');
    this.#asked = undefined;
    if (isSure) await this.#attempt(() => this.#parts.later.cancel(id));
  }

  /**
   * Whether it was done; why not is said in the dialog.
   * @param {() => Promise<void>} deed
   */
  async #attempt(deed) {
    this.#say('');
    try {
      await deed();
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!error.endsSignIn) this.#say(error.message);
      return false;
    }
  }

  /** @param {string} words */
  #say(words) {
    $('later-error').textContent = words;
  }
}

/**
 * A button that says how much there is; away while there is nothing.
 * @param {HTMLElement} place
 * @param {{ waiting: number, failed: number }} count
 * @param {string} name
 */
function drawCount(place, { waiting, failed }, name) {
  place.hidden = waiting + failed === 0;
  const words = [waiting > 0 && several(waiting, 'message'), failed > 0 && `${failed} not sent`].filter(Boolean).join(', ');
  place.textContent = `${name}: ${words}`;
  place.classList.toggle('bad', failed > 0);
}

/** @param {string} words */
const capital = words => `${words[0].toUpperCase()}${words.slice(1)}`;
