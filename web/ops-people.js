// Who is connected, with a search; somebody can be disconnected, with a reason that they are told.

import { $, button, element } from '/elements.js';
import { offer, redraw } from '/focus.js';
import { ask } from '/ops-ask.js';
import { count, moment } from '/ops-figures.js';

const PAGE = 25;

export class Connected {
  #api;
  /** @type {Person[]} */
  #shown = [];
  /** @type {string | null} */
  #next = null;
  #wanted = PAGE;

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
    $('people-search').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#wanted = PAGE;
      void this.load();
    });
    $('more-people').addEventListener('click', () => {
      this.#wanted += PAGE;
      void this.load();
    });
  }

  async load() {
    const search = encodeURIComponent($('people-text').value.trim());
    this.#shown = [];
    let cursor = '';
    do {
      const page = await this.#api.ask('GET', `/ops/users?search=${search}&limit=${PAGE}&cursor=${cursor}`);
      this.#shown.push(...page.users);
      this.#next = page.nextCursor;
      cursor = encodeURIComponent(page.nextCursor ?? '');
      $('people-count').textContent = `${count(page.connected)} connected`;
    } while (this.#next && this.#shown.length < this.#wanted);
    this.#draw();
  }

  #draw() {
    redraw($('people-list'), this.#shown.map(person => {
      const at = person.gateways === null ? 'nobody can say at which gateway' : person.gateways.length ? `at ${person.gateways.join(', ')}` : 'at no gateway';
      return element('li', {}, element('div', { class: 'line' },
        element('span', { class: 'grow' }, element('strong', {}, person.name), ' ', element('span', { class: 'mono' }, person.id),
          element('div', { class: 'facts' }, `${person.status}, ${at}${person.lastSeen ? ', last active ' : ''}`, person.lastSeen && moment(person.lastSeen))),
        button('Disconnect …', () => this.#disconnect(person), { class: 'quiet', 'aria-label': `Disconnect ${person.name}`, 'data-id': person.id })));
    }), $('people-list'));
    $('no-people').hidden = this.#shown.length > 0;
    offer($('more-people'), this.#next !== null, $('people-list'));
  }

  /** @param {Person} person */
  #disconnect(person) {
    ask({
      title: `Disconnect ${person.name}?`,
      words: 'Every socket of theirs is closed, and their page is told why. They can connect again: to keep them out, revoke their logins.',
      verb: 'Disconnect',
      act: why => this.#api.ask('POST', `/ops/users/${encodeURIComponent(person.id)}/disconnect`, { why }),
      then: () => this.load(),
    });
  }
}

/**
 * @typedef {{ id: string, name: string, status: string, gateways: string[] | null,
 *   lastSeen: string | null }} Person
 */
