// Replays that were begun on this page: how far each has come.

import { $, element } from '/elements.js';
import { count } from '/ops-figures.js';

/** Most refusals of a dry run that are written out. */
const REFUSED_SHOWN = 10;

export class Replays {
  #api;
  #changed;
  /** @type {Map<string, Replay>} */
  #known = new Map();

  /**
   * `changed` is called when a replay has ended.
   * @param {import('/api.js').Api} api
   * @param {() => any} changed
   */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
  }

  /** @param {Replay} replay */
  began(replay) {
    this.#known.set(replay._id, replay);
    this.#draw();
  }

  async load() {
    for (const replay of this.#known.values()) {
      if (replay.state === 'done' && replay.failedAgain === undefined) continue;
      const now = (await this.#api.ask('GET', `/ops/replays/${replay._id}`)).replay;
      this.#known.set(now._id, now);
      if (replay.state !== 'done' && now.state === 'done') queueMicrotask(this.#changed);
    }
    this.#draw();
  }

  #draw() {
    $('replays').replaceChildren(...[...this.#known.values()].reverse().map(replay => element('li', {},
      `Replay for “${replay.why}”: ${replay.state}, ${count(replay.replayed)} of ${count(replay.total)} letters sent, ${count(replay.refused)} refused, ${count(replay.failedAgain)} failed again`)));
  }
}

/**
 * A dry run in words.
 * @param {{ total: number, looked: number, replayable: number, refused: { _id: string, reason: string }[],
 *   queues: { queue: string, count: number }[] }} run
 * @returns {string}
 */
export function dryRunWords(run) {
  const looked = run.looked < run.total ? ` (looked at ${count(run.looked)} of ${count(run.total)})` : '';
  return [
    `${count(run.replayable)} can be replayed${looked}`,
    ...run.queues.map(({ queue, count: many }) => `  ${count(many)} to ${queue}`),
    ...run.refused.length ? [`${count(run.refused.length)} cannot:`] : [],
    ...run.refused.slice(0, REFUSED_SHOWN).map(({ _id, reason }) => `  ${_id}: ${reason}`),
  ].join('\n');
}

/**
 * @typedef {{ _id: string, why: string, state: string, total: number, replayed: number, refused: number,
 * failedAgain: number }} Replay
 */
