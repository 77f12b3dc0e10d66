// Who is there: of the people in the conversations that are shown, and of this person that they still do something. Tells `change`.

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
  #connection; #wanted = new Set(); #asked = new Set(); #known = new Map(); #timer; #activeAt = 0;

  constructor(connection) {
    super();
    this.#connection = connection;
    setInterval(() => this.#changed(), AGEING_MS);
  }

  /** From now on it is known whether they are there. */
  watch(ids) {
    ids.forEach(id => this.#wanted.add(id));
    if (!this.#timer && [...this.#wanted].some(id => !this.#asked.has(id))) this.#later(COLLECTING_MS);
  }

  /** `online`, `away`, `offline`, or nothing if it is not known. */
  status(id) {
    return this.#known.get(id)?.status;
  }

  /** As people say it. */
  words(id) {
    const { status, lastSeen: at } = this.#known.get(id) ?? {};
    if (status === 'online' || status === 'away') return status;
    if (status === 'offline') return at ? lastSeen(at) : 'offline';
    return '';
  }

  heard({ userId, status, lastSeen: at }) {
    this.#known.set(userId, { status, lastSeen: at });
    this.#changed();
  }

  /** A new session hears of nobody until it asks, and one that was away was not told what changed meanwhile. */
  connected() {
    this.#asked.clear();
    this.#activeAt = Date.now();
    if (this.#wanted.size > 0) this.#later(0);
  }

  /** Nothing of it is known without a connection. */
  lost() {
    this.#known.clear();
    this.#changed();
  }

  /** This person did something here. Reading asks the server for nothing, and would look like being away. */
  active() {
    if (Date.now() - this.#activeAt < ACTIVE_MS || !this.#connection.isUp) return;
    this.#activeAt = Date.now();
    this.#connection.mention('presence:update', { status: 'online' });
  }

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
      presence.forEach(each => this.heard(each));
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
