// Dead letters: grouped by cause, listed, chosen, replayed or discarded; and the audit log of who did what.

import { $, button, element } from '/elements.js';
import { offer, redraw } from '/focus.js';
import { ask } from '/ops-ask.js';
import { count, moment } from '/ops-figures.js';
import { Letter } from '/ops-letter.js';
import { pagesOf } from '/ops-pages.js';
import { Replays, dryRunWords } from '/ops-replays.js';

const PAGE = 50;
/** As the server calls the causes, in words for people. */
export const CAUSES = /** @type {Record<string, string>} */ ({
  unreadable: 'nobody can read it', refused: 'refused by its handler', gave_up: 'tries used up', crashed: 'its handler crashed',
  killed_worker: 'killed its worker', unknown: 'no reason known',
});

export class Letters {
  #api;
  #letter;
  #replays;
  /** @type {LetterGroup | undefined} */
  #group;
  /** @type {DeadLetter[]} */
  #shown = [];
  /** @type {string | null} */
  #next = null;
  /** @type {string | null} */
  #nextAudit = null;
  #pages = 1;
  #auditPages = 1;
  /** @type {Set<string>} */
  #chosen = new Set();

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
    this.#letter = new Letter(api, () => this.load());
    this.#replays = new Replays(api, () => this.load());
    $('letters-state').addEventListener('change', () => this.#select(this.#group));
    $('letters-all').addEventListener('click', () => this.#select(undefined));
    $('more-letters').addEventListener('click', () => { this.#pages += 1; void this.load(); });
    $('more-audit').addEventListener('click', () => { this.#auditPages += 1; void this.load(); });
    $('choose-all').addEventListener('change', () => this.#choose($('choose-all').checked ? this.#shown.map(each => each._id) : []));
    $('replay-chosen').addEventListener('click', () => this.#replay({ ids: [...this.#chosen] }, count(this.#chosen.size)));
    $('discard-chosen').addEventListener('click', () => this.#discard({ ids: [...this.#chosen] }, count(this.#chosen.size)));
  }

  async load() {
    const [{ groups }] = await Promise.all([this.#api.ask('GET', '/ops/dead-letters/groups'), this.#loadLetters(), this.#loadAudit(), this.#replays.load()]);
    const total = groups.reduce((/** @type {number} */ sum, /** @type {LetterGroup} */ group) => sum + group.count, 0);
    $('letters-count').textContent = total ? `${count(total)} waiting` : 'none waiting';
    redraw($('groups'), groups.map((/** @type {LetterGroup} */ group) => this.#groupRow(group)));
    this.#draw();
  }

  async #loadLetters() {
    const group = this.#group;
    const filter = { ...group && { queue: group.queue, cause: group.cause, ...group.kind && { kind: group.kind } }, state: $('letters-state').value };
    const [letters, next] = await pagesOf(this.#api, '/ops/dead-letters', { query: { ...filter, limit: PAGE }, key: 'letters', pages: this.#pages });
    this.#shown = letters;
    this.#next = next;
  }

  async #loadAudit() {
    const [entries, next] = await pagesOf(this.#api, '/ops/audit', { query: { limit: PAGE }, key: 'entries', pages: this.#auditPages });
    this.#nextAudit = next;
    $('audit').replaceChildren(...entries.map(auditRow));
    $('no-audit').hidden = entries.length > 0;
    offer($('more-audit'), this.#nextAudit !== null, $('audit'));
  }

  /** @param {LetterGroup | undefined} group */
  #select(group) {
    this.#group = group;
    this.#pages = 1;
    this.#chosen.clear();
    void this.load();
  }

  /** @param {string[]} ids */
  #choose(ids) {
    this.#chosen = new Set(ids);
    this.#draw();
  }

  #draw() {
    const group = this.#group;
    $('letters-group').textContent = group ? `${group.queue}, ${CAUSES[group.cause] ?? group.cause}${group.kind ? `, ${group.kind}` : ''}` : '';
    offer($('letters-all'), group !== undefined, $('groups'));
    const there = new Set(this.#shown.map(each => each._id));
    this.#chosen = new Set([...this.#chosen].filter(id => there.has(id)));
    redraw($('letter-list'), this.#shown.map(letter => this.#row(letter)));
    $('no-letters').hidden = this.#shown.length > 0;
    offer($('more-letters'), this.#next !== null, $('letter-list'));
    $('choose-all').checked = this.#shown.length > 0 && this.#chosen.size === this.#shown.length;
    for (const id of ['replay-chosen', 'discard-chosen']) $(id).disabled = this.#chosen.size === 0;
    // A button that is off loses the focus.
    if (document.activeElement?.matches('#letters :disabled')) $('letters').focus({ preventScroll: true });
    $('chosen-count').textContent = this.#chosen.size ? `${count(this.#chosen.size)} chosen` : '';
  }

  /** @param {DeadLetter} letter */
  #row(letter) {
    const is = (/** @type {string} */ act) => ({ 'data-id': letter._id, 'data-act': act });
    const box = /** @type {HTMLInputElement} */ (element('input', { type: 'checkbox', 'aria-label': `Choose ${letter._id}`, ...is('choose') }));
    box.checked = this.#chosen.has(letter._id);
    box.addEventListener('change', () => {
      if (box.checked) this.#chosen.add(letter._id);
      else this.#chosen.delete(letter._id);
      this.#draw();
    });
    return element('li', {}, element('div', { class: 'line' }, box,
      element('span', { class: 'grow' }, element('strong', {}, letter.kind ?? 'unreadable'), ` from ${letter.queue}: ${CAUSES[letter.cause] ?? letter.cause}`,
        element('div', { class: 'facts' }, letter.reason),
        element('div', { class: 'facts' }, `${letter.state}, failed ${count(letter.failures)}×, last `, moment(letter.lastAt), letter.replays ? `, replayed ${count(letter.replays)}×` : '')),
      button('Show', () => this.#letter.open(letter._id), { class: 'quiet', 'aria-label': `Show ${letter._id}`, ...is('show') })));
  }

  /** @param {LetterGroup} group */
  #groupRow(group) {
    const filter = { queue: group.queue, cause: group.cause, ...group.kind && { kind: group.kind } };
    const name = `${group.kind ?? 'unreadable'} from ${group.queue}, ${CAUSES[group.cause] ?? group.cause}`;
    const is = (/** @type {string} */ act) => ({ class: 'quiet', 'aria-label': `${act} ${name}`, 'data-id': name, 'data-act': act });
    return element('li', {}, element('div', { class: 'line' },
      element('span', { class: 'grow' }, element('strong', {}, count(group.count)), ` ${name}`, element('div', { class: 'facts' }, group.reason, ' · newest ', moment(group.newestAt))),
      button('List', () => this.#select(group), is('List')),
      button('Replay …', () => this.#replay({ filter }, count(group.count)), is('Replay')),
      button('Discard …', () => this.#discard({ filter: { ...filter, to: justAfter(group.newestAt) } }, count(group.count)), is('Discard'))));
  }

  /**
   * @param {object} which
   * @param {string} many
   */
  #replay(which, many) {
    ask({
      title: `Replay ${many} dead letters?`,
      words: 'Each goes back to the queue that it came from. What was done already is not done twice.',
      verb: 'Replay',
      dryRun: async why => dryRunWords((await this.#api.ask('POST', '/ops/replays', { ...which, why, dryRun: true })).dryRun),
      act: why => this.#api.ask('POST', '/ops/replays', { ...which, why }),
      then: answer => { this.#chosen.clear(); this.#replays.began(answer.replay); return this.load(); },
    });
  }

  /**
   * @param {object} which
   * @param {string} many
   */
  #discard(which, many) {
    ask({
      title: `Discard ${many} dead letters?`,
      words: 'They are not carried out. They are kept for a while, and counted no more.',
      verb: 'Discard',
      isGrave: true,
      act: why => this.#discardAll({ ...which, why }),
      then: () => { this.#chosen.clear(); return this.load(); },
    });
  }

  /**
   * Up to 1,000 are discarded at a time. Each time the same are meant: what has failed since somebody looked
   * is not among them.
   * @param {object} body
   */
  async #discardAll(body) {
    for (;;) {
      const answer = await this.#api.ask('POST', '/ops/discards', body);
      if (!answer.left || !answer.discarded) return answer;
    }
  }
}

/** The end, in the server's sense, of what was there at this time. @param {string} time */
const justAfter = time => new Date(Date.parse(time) + 1).toISOString();

/** @param {AuditEntry} entry */
const auditRow = entry => element('li', {}, element('div', { class: 'line' }, moment(entry.at),
  element('span', { class: 'grow' }, element('strong', {}, entry.by), ` ${entry.action.replaceAll('_', ' ')}`, entry.letter && element('span', { class: 'mono' }, ` ${entry.letter}`), entry.detail && ` (${entry.detail})`),
  element('span', { class: 'facts' }, entry.why)));

/**
 * @typedef {{ queue: string, cause: string, kind: string | null, count: number, newestAt: string,
 *   reason: string }} LetterGroup
 */
/**
 * @typedef {{ _id: string, queue: string, kind: string | null, cause: string, reason: string,
 *   state: string, failures: number, replays: number, lastAt: string, version: number, size: number,
 *   attempts: number, envelope: string, firstAt: string }} DeadLetter
 */
/**
 * @typedef {{ at: string, by: string, action: string, why: string, letter: string | null,
 *   detail: string | null }} AuditEntry
 */
