// The servers that the system depends on, as the gateway that answers finds them, and that gateway itself.

import { $, element } from '/elements.js';
import { span } from '/ops-figures.js';

/** @type {Record<string, string>} */
const NAMES = { broker: 'Broker', store: 'Store', presence: 'Presence store' };
/** @type {Record<string, [string, string]>} */
const STATES = { up: ['up', 'good'], blocked: ['takes no messages', 'bad'], down: ['down', 'bad'], absent: ['none in this system', 'soft'] };

export class Servers {
  #api;

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  async load() {
    const { servers, process } = await this.#api.ask('GET', '/ops/servers');
    $('server-list').replaceChildren(...servers.map((/** @type {Server} */ server) => {
      const [words, look] = STATES[server.state] ?? [server.state, ''];
      const took = server.answeredInMs === null ? '' : `, answered in ${span(server.answeredInMs)}`;
      return element('li', {}, element('strong', {}, NAMES[server.name] ?? server.name), element('span', { class: look }, words), took,
        server.problem && element('div', { class: 'facts' }, server.problem));
    }));
    $('process').textContent = `Answered by ${process.role} ${process.version}: ${process.status}, up ${span(process.uptimeSeconds * 1000)}.`;
    /** @type {Problem[]} */
    const problems = [...process.notReadyBecause, ...process.impaired];
    const warnings = Object.entries(process.warnings);
    $('problems').replaceChildren(
      ...problems.map(({ part, why, seconds }) => element('li', { class: 'bad' }, `${part}: ${why} (for ${span(seconds * 1000)})`)),
      ...warnings.map(([part, why]) => element('li', {}, `${part}: ${why}`)));
  }
}

/** @typedef {{ name: string, state: string, answeredInMs: number | null, problem: string | null }} Server */
/** @typedef {{ part: string, why: string, seconds: number }} Problem */
