// How somebody wants to be told of things outside of this page: the part of the settings that the server
// keeps as preferences. Every change is written at once, and only what it names, so that another window's
// changes stay. What another window changes is drawn here.
//
// The settings are a dialog, which hides the page's line for refusals. So they have a line of their own.

import { $, arrange, element } from '/elements.js';
import { zone } from '/moments.js';
import { Refusal } from '/refusal.js';

/** The server's names for messages, and those that mention somebody, among the kinds of notifications. */
const MESSAGES = 'message';
const MENTIONS = 'mention';
/** @type {Record<string, string>} */
const NAMES = { [MESSAGES]: 'Messages', [MENTIONS]: 'Mentions of me' };
/** How the server writes a kind. */
const KIND = /^[a-z0-9_.:-]{1,64}$/;
/** @type {[keyof Channels, string][]} */
const CHANNELS = [['inApp', 'in the app'], ['email', 'by e-mail'], ['push', 'by push']];
const HOURS = 24;
/** UTC by its other name: by the first one the server means that nobody has chosen. */
const CHOSEN_UTC = 'Etc/UTC';
/**
 * What the server changes: it leaves alone whatever is not named, also within these.
 * @typedef {Omit<Partial<Preferences>, 'channels' | 'types' | 'quietHours' | 'digest'> & {
 *   channels?: Partial<Channels>, types?: Record<string, Partial<Channels>>,
 *   quietHours?: Partial<Preferences['quietHours']>, digest?: Partial<Preferences['digest']>,
 * }} PreferencesChange
 */
/** @type {Preferences} */
const DEFAULTS = {
  channels: { inApp: true, email: true, push: true }, types: {}, quietHours: { enabled: false, from: '22:00', until: '07:00' },
  digest: { every: 'immediately', hour: 8 }, timeZone: 'UTC', whenAway: false, mutes: [], updatedAt: null,
};

/** Dispatches `change`. */
export class PreferencesForm extends EventTarget {
  #api;
  /** @type {Preferences} */
  #known = DEFAULTS;
  /**
   * Kinds that were named here. They have the channels of all others, but for those that somebody sets.
   * @type {Set<string>}
   */
  #named = new Set();

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    super();
    this.#api = api;
    $('time-zone').append(...zones().map(zone => element('option', { value: zone }, zone.replaceAll('_', ' '))));
    $('digest-hour').append(...Array.from({ length: HOURS }, (_, hour) => element('option', { value: hour }, `${String(hour).padStart(2, '0')}:00`)));
    $('when-away').addEventListener('change', () => this.write({ whenAway: $('when-away').checked }));
    $('quiet').addEventListener('change', () => this.#writeQuietHours({}));
    $('quiet-from').addEventListener('change', () => this.#writeQuietHours({ from: $('quiet-from').value }));
    $('quiet-until').addEventListener('change', () => this.#writeQuietHours({ until: $('quiet-until').value }));
    for (const id of ['quiet-from', 'quiet-until']) $(id).addEventListener('blur', () => this.#drawTimes());
    $('time-zone').addEventListener('change', () => this.write({ timeZone: written($('time-zone').value) }));
    $('digest').addEventListener('change', () => this.#writeDigest());
    $('digest-hour').addEventListener('change', () => this.write({ digest: { hour: Number($('digest-hour').value) } }));
    $('new-kind').addEventListener('submit', (/** @type {SubmitEvent} */ event) => this.#nameKind(event));
  }

  /** The threads that are muted now. */
  get mutes() {
    return this.#known.mutes.filter(({ until }) => !until || new Date(until).getTime() > Date.now());
  }

  get quietHours() {
    return this.#known.quietHours;
  }

  get timeZone() {
    return this.#known.timeZone;
  }

  /** Whether pushes come also while a page is open. */
  get whenAway() {
    return this.#known.whenAway;
  }

  /** Reads them again. */
  async load() {
    this.heard(await this.#api.read('/notifications/preferences'));
  }

  /**
   * They were set, here or elsewhere. Of two sets the later one counts.
   * @param {{ preferences: Preferences }} body
   */
  heard({ preferences }) {
    if ((this.#known.updatedAt ?? '') > (preferences.updatedAt ?? '')) return;
    this.#known = { ...DEFAULTS, ...preferences };
    this.#draw();
    this.dispatchEvent(new Event('change'));
  }

  /**
   * Changes what `change` names. Gives what was wrong with it; then all is drawn as it was.
   * @param {PreferencesChange} change
   * @returns {Promise<string>}
   */
  write(change) {
    return this.ask('PATCH', '/notifications/preferences', change);
  }

  /**
   * The same by another route that answers with the preferences.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<string>}
   */
  async ask(method, path, body) {
    $('settings-error').textContent = '';
    $('settings-saved').textContent = '';
    try {
      const answer = await this.#api.ask(method, path, body);
      if (answer.preferences) this.heard(answer);
      // Without them the server has the change and has not made it yet; an event will tell.
      $('settings-saved').textContent = 'Saved.';
      return '';
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      $('settings-error').textContent = error.message;
      this.#draw();
      return error.message;
    }
  }

  /** @param {{ from?: string, until?: string }} times */
  #writeQuietHours(times) {
    return this.write({ quietHours: { enabled: $('quiet').checked, ...times }, ...$('quiet').checked && this.#zone() });
  }

  #writeDigest() {
    const every = $('digest').value;
    return this.write({ digest: { every }, ...every === '1d' && this.#zone() });
  }

  /** Somebody who has set no time zone means that of this browser. */
  #zone() {
    return this.#known.timeZone === DEFAULTS.timeZone && { timeZone: written(zone()) };
  }

  /** @param {SubmitEvent} event */
  #nameKind(event) {
    event.preventDefault();
    const kind = $('kind').value.trim();
    $('settings-error').textContent = KIND.test(kind) ? '' : 'A kind has small letters, digits and the signs _ . : - only.';
    if (!KIND.test(kind)) return;
    this.#named.add(kind);
    $('kind').value = '';
    this.#draw();
    $(`by-email-${kind}`)?.focus();
  }

  #draw() {
    const { quietHours, digest, timeZone, whenAway, types } = this.#known;
    const kinds = [...new Set([MESSAGES, MENTIONS, ...Object.keys(types), ...this.#named])];
    const focused = document.activeElement?.id;
    arrange($('kinds'), [...kinds.map(kind => this.#row(kind)), this.#row(null)]);
    if (focused && !document.activeElement?.id) $(focused)?.focus();
    $('when-away').checked = whenAway;
    $('quiet').checked = quietHours.enabled;
    this.#drawTimes();
    const zone = timeZone === CHOSEN_UTC ? 'UTC' : timeZone;
    if (![...$('time-zone').options].some(option => option.value === zone)) $('time-zone').append(element('option', { value: zone }, zone));
    $('time-zone').value = zone;
    $('digest').value = digest.every;
    $('digest-hour').value = String(digest.hour);
    $('digest-hours').hidden = digest.every !== '1d';
  }

  /** Every digit is written, and answers come while the next ones are typed: a field keeps what is typed in it. */
  #drawTimes() {
    const { from, until } = this.#known.quietHours;
    for (const [id, time] of [['quiet-from', from], ['quiet-until', until]]) if (document.activeElement !== $(id)) $(id).value = time;
  }

  /** The channels of a kind; of `null` those of every other one. @param {string | null} kind */
  #row(kind) {
    const { channels, types } = this.#known;
    const name = kind === null ? 'Everything else' : Object.hasOwn(NAMES, kind) ? NAMES[kind] : kind;
    const own = (/** @type {string | null} */ of) => (of !== null && Object.hasOwn(types, of) ? types[of] : {});
    // What is not said of mentions is as for messages.
    const chosen = { ...channels, ...kind === MENTIONS && own(MESSAGES), ...own(kind) };
    const isMessage = kind === MESSAGES || kind === MENTIONS;
    const cells = CHANNELS.map(([channel, words]) => {
      // A message is in its conversation, whatever somebody wants to be told of it.
      if (isMessage && channel === 'inApp') return element('td');
      const id = `by-${channel.toLowerCase()}-${kind ?? 'all'}`;
      const box = /** @type {HTMLInputElement} */ (element('input', { type: 'checkbox', id, 'aria-label': `${name} ${words}` }));
      box.checked = chosen[channel];
      // Only what was clicked: another click may be on its way, here or in another window.
      box.addEventListener('change', () => {
        const wanted = { [channel]: box.checked };
        return this.write(kind === null ? { channels: wanted } : { types: { [kind]: wanted } });
      });
      return element('td', {}, element('label', { class: 'tick' }, box));
    });
    return element('tr', {}, element('th', { scope: 'row' }, name), ...cells);
  }
}

/** A time zone as the server gets it from here. @param {string} name */
const written = name => (name === 'UTC' ? CHOSEN_UTC : name);

/** Every time zone that this browser knows, that of the browser first. */
function zones() {
  return [...new Set([zone(), 'UTC', ...Intl.supportedValuesOf('timeZone')])];
}
