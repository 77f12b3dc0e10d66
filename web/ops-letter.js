// One dead letter: masked until somebody says why they look, editable after that, with its history.

import { $, button, element } from '/elements.js';
import { openDialog } from '/focus.js';
import { ask } from '/ops-ask.js';
import { count, moment } from '/ops-figures.js';
import { Refusal } from '/refusal.js';

export class Letter {
  #api;
  #changed;
  /** @type {Shown | undefined} */
  #shown;

  /**
   * @param {import('/api.js').Api} api
   * @param {() => any} changed
   */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    $('letter-close').addEventListener('click', () => $('letter').close());
    $('letter-editor').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Escape') return;
      // Only the editor, not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      this.#leaveEditor();
    });
  }

  /** @param {string} id */
  async open(id) {
    $('letter-error').textContent = '';
    try {
      this.#draw(await this.#api.ask('GET', `/ops/dead-letters/${encodeURIComponent(id)}`));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      $('error').textContent = error.message;
      return;
    }
    openDialog($('letter'));
  }

  /** @param {Shown} shown */
  #draw(shown) {
    this.#shown = shown;
    const { letter, body, bodyError, raw, history, versions, revealed } = shown;
    $('letter-title').textContent = letter.kind ?? 'Unreadable letter';
    const fact = (/** @type {string} */ name, /** @type {any} */ value) => [element('dt', {}, name), element('dd', {}, value)];
    $('letter-facts').replaceChildren(
      ...fact('Id', element('span', { class: 'mono' }, letter._id)), ...fact('Envelope', element('span', { class: 'mono' }, letter.envelope)),
      ...fact('From', letter.queue), ...fact('Why', letter.reason), ...fact('State', letter.state),
      ...fact('Failed', `${count(letter.failures)}×, after ${count(letter.attempts)} tries`), ...fact('First', moment(letter.firstAt)), ...fact('Last', moment(letter.lastAt)),
      ...fact('Size', `${count(letter.size)} bytes, version ${letter.version} of ${versions.length}`));
    $('letter-body-title').textContent = revealed ? 'What it carries' : 'What it carries, masked';
    $('letter-body').textContent = bodyError ? `${bodyError}${raw ? `\n${raw}` : ''}` : JSON.stringify(body, null, 2);
    this.#edit(false);
    $('letter-history').replaceChildren(...history.map(entry => element('li', {}, element('div', { class: 'line' }, moment(entry.at),
      element('span', { class: 'grow' }, element('strong', {}, entry.event), entry.by && ` by ${entry.by}`, entry.reason && `: ${entry.reason}`),
      element('span', { class: 'facts' }, entry.why ?? '')))));
  }

  /** @param {boolean} isOn */
  #edit(isOn) {
    const shown = this.#shown;
    if (!shown) return;
    const waits = shown.letter.state === 'waiting';
    const hadFocus = $('letter-actions').contains(document.activeElement);
    $('letter-editor').hidden = !isOn;
    $('letter-body').hidden = isOn;
    $('letter-actions').replaceChildren(...isOn
      ? [button('Cancel', () => this.#leaveEditor(), { class: 'quiet' }), button('Save …', () => this.#save())]
      : [!shown.revealed && button('Reveal …', () => this.#reveal()), shown.revealed && waits && !shown.bodyError && button('Edit', () => this.#edit(true))].filter(each => each !== false));
    if (!isOn && hadFocus) ($('letter-actions').querySelector('button') ?? $('letter-body')).focus();
    if (!isOn) return;
    $('letter-text').value = JSON.stringify(shown.body, null, 2);
    $('letter-text').focus();
  }

  #leaveEditor() {
    $('letter-actions').querySelector('button')?.focus();
    this.#edit(false);
  }

  #reveal() {
    const letter = this.#shown?.letter;
    if (!letter) return;
    ask({
      title: 'Show what people wrote?',
      words: 'The audit log will say that you looked.',
      verb: 'Reveal',
      act: why => this.#api.ask('POST', `/ops/dead-letters/${encodeURIComponent(letter._id)}/reveal`, { why }),
      then: answer => this.#draw(answer),
    });
  }

  #save() {
    const letter = this.#shown?.letter;
    if (!letter) return;
    $('letter-error').textContent = '';
    /** @type {any} */
    let body;
    try {
      body = JSON.parse($('letter-text').value);
    } catch (error) {
      $('letter-error').textContent = `That is no JSON: ${error instanceof Error ? error.message : ''}`;
      $('letter-text').focus();
      return;
    }
    ask({
      title: 'Save the edited body?',
      words: 'The version before it is kept. Replay the letter to have it carried out.',
      verb: 'Save',
      act: why => this.#api.ask('PUT', `/ops/dead-letters/${encodeURIComponent(letter._id)}/body`, { body, version: letter.version, why }),
      then: async () => { $('letter').close(); await this.#changed(); },
    });
  }
}

/**
 * @typedef {{ letter: { _id: string, envelope: string, queue: string, kind: string | null, reason: string,
 *   state: string, failures: number, attempts: number, size: number, version: number, firstAt: string,
 *   lastAt: string }, body: any, bodyError: string | null, raw: string | null,
 *   history: { at: string, event: string, by?: string, why?: string, reason?: string }[], versions: any[],
 *   revealed: boolean }} Shown
 */
