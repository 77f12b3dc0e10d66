// Reports of messages: those that nobody has handled, or those that somebody has, the newest first. What the
// reported message says is masked until somebody wants to see it; it is the copy of when it was reported.

import { $, button, element } from '/elements.js';
import { offer, redraw } from '/focus.js';
import { ask } from '/ops-ask.js';
import { count, moment } from '/ops-figures.js';
import { pagesOf } from '/ops-pages.js';
import { reasonWords } from '/reasons.js';
import { Refusal } from '/refusal.js';
import { fileName } from '/sizes.js';
import { typed } from '/typed.js';

const PAGE = 25;
/** People in one question for names. */
const ASKED_MAX = 100;
/** Stands for a text that nobody has wanted to see, however long it is. */
const MASK = '•••••';

export class Reports {
  #api;
  #me;
  /** @type {ShownReport[]} */
  #shown = [];
  #hasMore = false;
  #pages = 1;
  /** The latest question: an answer to an earlier one says nothing any more. */
  #asked = {};
  /** Whose message is shown as it is. @type {Set<string>} */
  #revealed = new Set();
  /** What people are called, of those who were asked for. @type {Map<string, string>} */
  #names = new Map();
  /** @type {Map<string, { item: HTMLElement, state: string }>} */
  #items = new Map();

  /**
   * @param {import('/api.js').Api} api
   * @param {Me} me
   */
  constructor(api, me) {
    this.#api = api;
    this.#me = me;
    $('reports-state').addEventListener('change', () => this.#select());
    $('more-reports').addEventListener('click', () => this.#more());
  }

  async load() {
    const asked = this.#asked = {};
    const query = { status: $('reports-state').value, limit: PAGE };
    /** @type {[ShownReport[], string | null]} */
    const [found, next] = await pagesOf(this.#api, '/reports', { query, key: 'reports', pages: this.#pages });
    await this.#learn(found.flatMap(({ reporterId, message, handled }) => [reporterId, message.senderId, ...handled ? [handled.by] : []]));
    if (asked !== this.#asked) return;
    this.#shown = found;
    this.#hasMore = next !== null;
    this.#draw();
  }

  #select() {
    this.#pages = 1;
    this.#revealed.clear();
    $('reports-words').textContent = '';
    return this.#loadNow();
  }

  /** One page after the other, however fast it is pressed. */
  async #more() {
    this.#pages += 1;
    $('more-reports').disabled = true;
    await this.#loadNow();
    $('more-reports').disabled = false;
    // A button that is off has lost the focus.
    if (document.activeElement === document.body) ($('more-reports').hidden ? $('reports') : $('more-reports')).focus({ preventScroll: true });
  }

  /** As `load`, for somebody who has asked for it: what is refused is said. */
  async #loadNow() {
    try {
      await this.load();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      $('error').textContent = error.message;
    }
  }

  /** @param {string[]} ids */
  async #learn(ids) {
    const wanted = [...new Set(ids)].filter(id => !this.#names.has(id));
    for (let at = 0; at < wanted.length; at += ASKED_MAX) {
      const { users } = await this.#api.ask('GET', `/users?userIds=${wanted.slice(at, at + ASKED_MAX).map(encodeURIComponent).join(',')}`);
      for (const { id, name } of users) this.#names.set(id, typed(name));
    }
  }

  #draw() {
    const isOpen = $('reports-state').value === 'open';
    $('reports-count').textContent = this.#shown.length === 0 ? `none ${isOpen ? 'open' : 'handled'}`
      : `${this.#hasMore ? 'more than ' : ''}${count(this.#shown.length)} ${isOpen ? 'open' : 'handled'}`;
    redraw($('report-list'), this.#shown.map(report => this.#item(report)));
    for (const [id, { item }] of this.#items) if (!item.isConnected) this.#items.delete(id);
    $('no-reports').hidden = this.#shown.length > 0;
    offer($('more-reports'), this.#hasMore, $('report-list'));
  }

  /**
   * A report is drawn anew only if something of it is different.
   * @param {ShownReport} report
   */
  #item(report) {
    const state = JSON.stringify([report, this.#revealed.has(report.id), this.#who(report.reporterId), this.#who(report.message.senderId), report.handled && this.#who(report.handled.by)]);
    const drawn = this.#items.get(report.id);
    if (drawn?.state === state) return drawn.item;
    const item = this.#drawItem(report);
    this.#items.set(report.id, { item, state });
    return item;
  }

  /** @param {ShownReport} report */
  #drawItem({ id, reason, text, reporterId, createdAt, message, handled }) {
    const isRevealed = this.#revealed.has(id);
    const about = `${reasonWords(reason)}, reported by ${this.#who(reporterId)}`;
    const toggle = button(isRevealed ? 'Hide' : 'Show', () => this.#toggle(id), {
      class: 'quiet', 'data-id': id, 'data-act': 'show', 'aria-label': `${isRevealed ? 'Hide' : 'Show'} the message: ${about}`,
    });
    return element('li', {}, element('div', { class: 'line' },
      element('div', { class: 'grow' }, element('strong', {}, reasonWords(reason)), ' reported by ', ...this.#person(reporterId), ', ', moment(createdAt),
        text && element('p', { class: 'words', dir: 'auto' }, typed(text)),
        element('div', { class: 'facts' }, 'Message of ', ...this.#person(message.senderId), ', sent ', moment(message.createdAt), message.editedAt && ', edited ', message.editedAt && moment(message.editedAt)),
        ...isRevealed ? said(message) : [element('p', { class: 'masked' }, element('span', { 'aria-hidden': 'true' }, MASK), element('span', { class: 'unseen' }, 'The message is masked.'))],
        handled && element('div', { class: 'facts' }, 'Handled by ', ...this.#person(handled.by), ', ', moment(handled.at), handled.note && ': ', handled.note && element('bdi', {}, typed(handled.note)))),
      toggle,
      !handled && button('Mark as handled …', () => this.#handle(id, about), { class: 'quiet', 'data-id': id, 'data-act': 'handle', 'aria-label': `Mark as handled: ${about}` })));
  }

  /** @param {string} id */
  #who(id) {
    return this.#names.get(id) ?? id;
  }

  /**
   * Name and id: names are not unique.
   * @param {string} id
   */
  #person(id) {
    const name = this.#who(id);
    return [element('bdi', {}, name), name !== id && element('span', { class: 'mono' }, ` ${id}`)].filter(Boolean);
  }

  /** @param {string} id */
  #toggle(id) {
    if (!this.#revealed.delete(id)) this.#revealed.add(id);
    this.#draw();
  }

  /**
   * @param {string} id
   * @param {string} about
   */
  #handle(id, about) {
    ask({
      title: 'Mark this report as handled?',
      words: `${about}. Your name stays with it, and it goes to the handled ones. It does nothing to the message or its sender.`,
      verb: 'Mark as handled',
      label: 'A note, if you like. It stays with the report.',
      act: note => this.#api.ask('PUT', `/reports/${encodeURIComponent(id)}/handled`, { ...note && { note } }),
      then: answer => this.#handled(answer),
    });
  }

  /** @param {{ status?: string, report?: ShownReport }} answer */
  async #handled({ status, report }) {
    const by = report?.handled?.by ?? this.#me.id;
    await this.#loadNow();
    $('reports-words').textContent = status === 'queued' ? 'The server has it, and marks the report as soon as it can.'
      : by === this.#me.id ? 'It is marked as handled.' : `${this.#who(by)} had marked it as handled before you.`;
  }
}

/** @param {ShownReport['message']} message */
const said = ({ content, attachments }) => [
  content && element('p', { class: 'said', dir: 'auto' }, typed(content)),
  ...attachments.map(each => element('p', { class: 'said', dir: 'auto' }, `📎 ${fileName(each)}`)),
].filter(Boolean);

/**
 * @typedef {{ id: string, reporterId: string, reason: string, text: string, createdAt: string,
 *   message: { senderId: string, content: string, createdAt: string, editedAt?: string,
 *     attachments: { filename: string, type: string }[] },
 *   handled: { by: string, at: string, note: string } | null }} ShownReport
 */
