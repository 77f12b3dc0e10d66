// The pipeline: every queue with what waits in it, how old and how fast that is, and who owns it; the rungs
// of the retry ladder; the workers, and when the shards were shared out anew.

import { $, element } from '/elements.js';
import { UNKNOWN, count, moment, span } from '/ops-figures.js';

/**
 * The stages in the order in which a message passes them: their queues, a name, who works on them, and
 * whether the next stage gets its work from them.
 * @type {[string[], string, string, boolean][]}
 */
const STAGES = [
  [['persist', 'cursors'], 'Commands and cursors', 'persistence-worker stores them', true],
  [['fanout'], 'Events', 'fanout-worker sends them to the gateways', true],
  [['notify'], 'Who is told', 'e-mail and push workers decide who was away', true],
  [['email', 'push'], 'E-mail and push', 'email-worker and push-worker send', false],
  [['presence'], 'Presence', 'presence-sweeper, beside messages', false],
];
/** Messages from which a bar is full. A message carries up to 256 commands. */
const FULL = 100;
const FATES = { joined: 'joined', left: 'left', silent: 'fell silent' };

export class Pipeline {
  #api;

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  async load() {
    const answer = await this.#api.ask('GET', '/ops/pipeline');
    $('stages').replaceChildren(...STAGES.map(([stages, name, who, leads]) => {
      const queues = stages.flatMap(stage => answer.hops.filter((/** @type {Hop} */ hop) => hop.stage === stage)).map(queue);
      return element('li', { class: leads ? 'stage to-next' : 'stage' }, element('h3', {}, name), element('p', {}, who), element('ul', {}, ...queues));
    }));
    $('rungs').replaceChildren(...answer.retry.map((/** @type {Rung} */ rung) => chip(`after ${span(rung.delayMs)}`, rung)));
    const parked = answer.dead.filter((/** @type {Figures} */ figures) => figures.messages !== 0 || figures.problem);
    $('parked').replaceChildren(...parked.length ? parked.map((/** @type {Figures} */ figures) => chip(figures.queue, figures)) : [element('li', {}, 'nothing')]);
    $('unknown').replaceChildren(...Object.entries(answer.unknown).flatMap(([field, why]) => [element('dt', {}, `${UNKNOWN} ${WORDS[field] ?? field}`), element('dd', {}, why)]));
    this.#drawWorkers(answer);
  }

  /** @param {{ workers: Worker[], changes: Change[] }} answer */
  #drawWorkers({ workers, changes }) {
    $('worker-list').replaceChildren(...workers.map(worker => element('li', {},
      element('strong', {}, `${worker.stage} `, element('span', { class: 'mono' }, worker.id)),
      element('span', { class: 'facts' }, `${held(worker)} · ${worker.place ?? 'place unknown'} · version ${worker.version}`))));
    $('no-workers').hidden = workers.length > 0;
    $('change-list').replaceChildren(...changes.map(change => element('li', {}, element('div', { class: 'line' }, moment(change.at),
      element('span', { class: 'grow' }, `${change.stage} `, element('span', { class: 'mono' }, change.worker), ` ${FATES[change.what]}: ${change.workers} ${change.workers === 1 ? 'worker' : 'workers'} now`),
      element('span', { class: 'facts' }, change.place ?? '')))));
    $('no-changes').hidden = changes.length > 0;
  }
}

/**
 * What a worker consumes, or by how many shards a gateway sends.
 * @param {Worker} worker
 */
function held({ stage, shards, holds }) {
  if (stage === 'gateway') return `sends to ${shards} ${shards === 1 ? 'shard' : 'shards'}`;
  return holds.length ? `shards ${holds.join(', ')}` : 'no shard';
}

/** The fields that may be unknown, as the page calls them.
 * @type {Record<string, string>} */
const WORDS = { oldestAgeMs: 'oldest', inPerSecond: 'in', outPerSecond: 'out', owner: 'owner' };

/**
 * One queue of a stage.
 * @param {Hop} hop
 */
function queue(hop) {
  const facts = [
    hop.messages === 0 && hop.oldestAgeMs === null ? undefined : `oldest ${span(hop.oldestAgeMs)}`,
    `in ${count(hop.inPerSecond)}/s`,
    `out ${count(hop.outPerSecond)}/s`,
  ];
  const isHeld = hop.isConsumed !== false;
  const owner = hop.shard === null ? `${count(hop.consumers)} ${hop.consumers === 1 ? 'consumer' : 'consumers'}`
    : `owner ${hop.owner ?? UNKNOWN}${hop.spare ? `, spare ${hop.spare}` : ''}${isHeld ? '' : ', not consuming'}`;
  const bar = element('meter', { min: 0, max: FULL, high: FULL / 2, optimum: 0, value: hop.messages ?? 0, 'aria-label': `${hop.queue}: messages that wait` });
  return element('li', { class: 'queue' },
    element('div', { class: 'line' }, element('span', { class: 'name' }, hop.queue), element('span', { class: 'depth' }, `${count(hop.messages)} waiting`)),
    bar,
    element('div', { class: 'facts' }, facts.filter(Boolean).join(' · ')),
    element('div', { class: isHeld ? 'facts' : 'facts bad' }, owner),
    hop.problem && element('div', { class: 'bad' }, hop.problem));
}

/**
 * @param {string} name
 * @param {Figures} figures
 */
function chip(name, figures) {
  const has = figures.messages !== 0;
  const words = figures.problem ? `${name}: ${figures.problem}` : `${name}: ${count(figures.messages)}${has ? `, oldest ${span(figures.oldestAgeMs)}` : ''}`;
  return element('li', { class: has ? 'has' : undefined }, words);
}

/**
 * @typedef {{ queue: string, messages: number | null, consumers: number | null, oldestAgeMs: number | null,
 * problem: string | null }} Figures
 */
/**
 * @typedef {Figures & { stage: string, shard: number | null, owner: string | null, spare: string | null,
 * isConsumed: boolean | null, inPerSecond: number | null, outPerSecond: number | null }} Hop
 */
/** @typedef {Figures & { delayMs: number }} Rung */
/**
 * @typedef {{ id: string, stage: string, shards: number, holds: number[],
 *   place: string | null, version: string }} Worker
 */
/**
 * @typedef {{ at: string, stage: string, worker: string, what: 'joined' | 'left' | 'silent',
 *   workers: number, place: string | null }} Change
 */
