// The socket gateways: how many sockets each has, and whether it takes what is for them.

import { $, element } from '/elements.js';
import { count, some, span } from '/ops-figures.js';

export class Gateways {
  #api;

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  async load() {
    const { gateways, unknown } = await this.#api.ask('GET', '/ops/gateways');
    $('gateway-list').replaceChildren(...gateways.map(card));
    const none = gateways.length === 0 ? ['No gateway reports.'] : [];
    $('gateways-unknown').textContent = [...none, ...Object.values(unknown)].join(' ');
  }
}

/**
 * @param {{ id: string, sockets: number | null, rooms: number | null, typing: number | null,
 *   backlog: number | null, reportAgeMs: number | null, problem: string | null }} gateway
 */
function card(gateway) {
  return element('li', {},
    element('strong', { class: 'mono' }, gateway.id),
    element('div', { class: 'figures' }, ...[some(gateway.sockets, 'socket'), some(gateway.rooms, 'open thread'), `${count(gateway.typing)} typing`].map(words => element('span', {}, words))),
    element('div', { class: 'facts' }, `${count(gateway.backlog)} messages not taken · reported ${gateway.reportAgeMs === null ? 'never' : `${span(gateway.reportAgeMs)} ago`}`),
    gateway.problem && element('div', { class: 'bad' }, gateway.problem));
}
