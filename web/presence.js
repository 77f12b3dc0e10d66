// Who is online, of the people in the conversations that are shown. It also tells the server that this user
// is active. Dispatches `change`.

import { lastSeen } from '/times.js';

/** People one question may name. */
const ASKED_MAX = 200;
/** Conversations come in bursts: their people are asked for together. */
const COLLECTING_MS = 100;
const AGAIN_MS = 15_000;
/** "5 minutes ago" becomes 6. */
const AGEING_MS = 60_000;
/** The server takes somebody for away who has not used a device for 5 minutes. */
const ACTIVE_MS = 120_000;

export class Presence extends EventTarget {
  #connection;
  /** @type {Set<string>} */
  #wanted = new Set();
  /** @type {Set<string>} */
  #asked = new Set();
  /** @type {Map<string, { status: PresenceStatus, lastSeen: string | null }>} */
  #known = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #activeAt = 0;
  /**
   * How this person wants to be seen, as they last said on any of their devices.
   * @type {'online' | 'away'}
   */
  #choice = 'online';

  /** @param {import('/connection.js').Connection} connection */
  constructor(connection) {
    super();
    this.#connection = connection;
    setInterval(() => this.#changed(), AGEING_MS);
  }

  /**
   * From now on it is known whether they are there.
   * @param {string[]} ids
   */
  watch(ids) {
    ids.forEach(id => this.#wanted.add(id));
    if (!this.#timer && [...this.#wanted].some(id => !this.#asked.has(id))) this.#later(COLLECTING_MS);
  }

  /**
   * `online`, `away`, `offline`, or nothing if it is not known.
   * @param {string} id
   * @returns {PresenceStatus | undefined}
   */
  status(id) {
    return this.#known.get(id)?.status;
  }

  /**
   * As people say it.
   * @param {string} id
   * @returns {string}
   */
  words(id) {
    const { status, lastSeen: at } = this.#known.get(id) ?? {};
    if (status === 'online' || status === 'away') return status;
    if (status === 'offline') return at ? lastSeen(at) : 'offline';
    return '';
  }

  /** @param {PresenceOfUser} presence */
  heard({ userId, status, lastSeen: at }) {
    this.#known.set(userId, { status, lastSeen: at });
    this.#changed();
  }

  /**
   * A new session hears of nobody until it asks, and one that was away was not told what changed meanwhile.
   */
  connected() {
    this.#asked.clear();
    this.#activeAt = Date.now();
    if (this.#wanted.size > 0) this.#later(0);
  }

  /**
   * Whether somebody is there is another question now: one of the two blocks the other, or does not any more.
   * @param {string} id
   */
  askAgain(id) {
    this.#known.delete(id);
    this.#asked.delete(id);
    if (this.#wanted.has(id)) this.#later(COLLECTING_MS);
    this.#changed();
  }

  /** Nothing of it is known without a connection. */
  disconnected() {
    this.#known.clear();
    this.#changed();
  }

  /**
   * This person chose on one of their devices how to be seen.
   * @param {{ status: 'online' | 'away' }} choice
   */
  chosen({ status }) {
    this.#choice = status;
  }

  /** This person did something here. Reading asks the server for nothing, and would look like being away. */
  active() {
    if (Date.now() - this.#activeAt < ACTIVE_MS || !this.#connection.isUp) return;
    this.#activeAt = Date.now();
    this.#connection.mention('presence:update', { status: this.#choice });
  }

  /** @param {number} time */
  #later(time) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), time);
  }

  async #ask() {
    this.#timer = undefined;
    const userIds = [...this.#wanted].filter(id => !this.#asked.has(id)).slice(0, ASKED_MAX);
    if (userIds.length === 0 || !this.#connection.isUp) return;
    userIds.forEach(id => this.#asked.add(id));
    try {
      const { presence } = await this.#connection.ask('presence:sync', { userIds });
      for (const each of presence) this.heard(each);
      this.#later(COLLECTING_MS);
    } catch {
      userIds.forEach(id => this.#asked.delete(id));
      this.#later(AGAIN_MS);
    }
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
