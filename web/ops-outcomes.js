// What became of notifications by e-mail and push in the last day: sent, or held back and why.

import { $, element } from '/elements.js';
import { count } from '/ops-figures.js';

export class Outcomes {
  #api;

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  async load() {
    const { outcomes } = await this.#api.ask('GET', '/ops/outcomes');
    /** @type {Map<string, Outcome[]>} */
    const channels = new Map();
    for (const outcome of outcomes) channels.set(outcome.channel, [...channels.get(outcome.channel) ?? [], outcome]);
    $('outcome-list').replaceChildren(...[...channels].map(([channel, found]) => element('li', {}, element('strong', {}, channel),
      element('ul', {}, ...found.map(({ outcome, reason, deliveries }) => element('li', { class: 'plain' }, `${count(deliveries)} ${outcome}${reason ? `: ${reason.replaceAll('_', ' ')}` : ''}`))))));
    $('no-outcomes').hidden = outcomes.length > 0;
  }
}

/** @typedef {{ channel: string, outcome: string, reason: string | null, deliveries: number }} Outcome */
