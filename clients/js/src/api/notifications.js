// The inbox, preferences, and devices for pushes.

import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').Queued} Queued */
/** @typedef {import('../documents.js').CountAnswer} CountAnswer */
/** @typedef {import('../documents.js').PreferencesAnswer} PreferencesAnswer */
/** @typedef {import('../documents.js').PreferencesChange} PreferencesChange */
/** @typedef {import('../documents.js').Device} Device */
/** @typedef {import('./path.js').PageQuery} PageQuery */

export class Notifications {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * A page of the inbox, newest first.
   * @param {PageQuery & { unread?: true, skip?: number }} [page]
   * @returns {Promise<import('../documents.js').NotificationsPage>}
   */
  list(page) {
    return this.#rest.ask('GET', '/notifications', paged(page));
  }

  /** @returns {Promise<number>} */
  async unreadCount() {
    return (await this.#rest.ask('GET', '/notifications/unread-count')).unreadCount;
  }

  /**
   * @param {string} notificationId
   * @returns {Promise<CountAnswer | Queued>}
   */
  read(notificationId) {
    return this.#rest.ask('POST', path`/notifications/${notificationId}/read`, REPEATABLE);
  }

  /** @returns {Promise<CountAnswer | Queued>} */
  readAll() {
    return this.#rest.ask('POST', '/notifications/read-all');
  }

  /**
   * @param {string} notificationId
   * @returns {Promise<CountAnswer | Queued>}
   */
  delete(notificationId) {
    return this.#rest.ask('DELETE', path`/notifications/${notificationId}`);
  }

  /**
   * What became of a notification by each channel, the newest first.
   * @param {string} notificationId
   * @param {PageQuery} [page]
   * @returns {Promise<import('../documents.js').DeliveriesPage>}
   */
  deliveries(notificationId, page) {
    return this.#rest.ask('GET', path`/notifications/${notificationId}/deliveries`, paged(page));
  }
}

export class PreferencesOfUser {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /** @returns {Promise<import('../documents.js').Preferences>} */
  async get() {
    return (await this.#rest.ask('GET', '/notifications/preferences')).preferences;
  }

  /**
   * Replaces all preferences: what is not named has its default.
   * @param {PreferencesChange} preferences
   * @returns {Promise<PreferencesAnswer | Queued>}
   */
  set(preferences) {
    return this.#rest.ask('PUT', '/notifications/preferences', { body: preferences, ...REPEATABLE });
  }

  /**
   * Changes what is named and leaves the rest.
   * @param {PreferencesChange} preferences
   * @returns {Promise<PreferencesAnswer | Queued>}
   */
  change(preferences) {
    return this.#rest.ask('PATCH', '/notifications/preferences', { body: preferences, ...REPEATABLE });
  }

  /**
   * Mutes one thread, until a time or for ever.
   * @param {string} threadId
   * @param {string} [until]
   * @returns {Promise<PreferencesAnswer | Queued>}
   */
  mute(threadId, until) {
    return this.#rest.ask('PUT', path`/notifications/preferences/mutes/${threadId}`, { body: { until }, ...REPEATABLE });
  }

  /**
   * @param {string} threadId
   * @returns {Promise<PreferencesAnswer | Queued>}
   */
  unmute(threadId) {
    return this.#rest.ask('DELETE', path`/notifications/preferences/mutes/${threadId}`, REPEATABLE);
  }
}

export class Devices {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * Registers a browser (what `PushSubscription.toJSON()` gives) or an app, or renews it.
   * @param {{ subscription: object, name?: string } | { fcmToken: string, name?: string }} device
   * @returns {Promise<{ success: true, device: Device } | Queued>}
   */
  register(device) {
    return this.#rest.ask('POST', '/devices', { body: device, ...REPEATABLE });
  }

  /** @returns {Promise<Device[]>} */
  async list() {
    return (await this.#rest.ask('GET', '/devices')).devices;
  }

  /**
   * @param {string} deviceId
   * @returns {Promise<import('../documents.js').Done | Queued>}
   */
  remove(deviceId) {
    return this.#rest.ask('DELETE', path`/devices/${deviceId}`);
  }

  /**
   * What a browser subscribes with; `null` if the system sends no pushes to browsers.
   * @returns {Promise<string | null>}
   */
  async pushKey() {
    return (await this.#rest.ask('GET', '/push/key')).publicKey;
  }
}
