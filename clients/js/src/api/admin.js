// What only administrators may: notifying people, profiles, ends of logins, mail addresses, and the state of
// the service. The routes of operators (`/ops/…`) have no types here: `docs/PROTOCOL.md` describes their
// answers.

import { records } from '../records.js';
import { REPEATABLE, paged, path } from './path.js';

/** @typedef {import('../documents.js').Queued} Queued */
/** @typedef {import('../documents.js').Send} Send */
/** @typedef {import('../documents.js').Done} Done */
/** @typedef {import('./path.js').PageQuery} PageQuery */
/**
 * @typedef {object} Profile
 * @property {string} id
 * @property {string} name
 * @property {string | null} avatar
 * @property {string | null} email
 * @property {string} [role]
 */
/**
 * An address that gets no mail.
 * @typedef {{ address: string, reason: string, detail: string | null, at: string }} Suppression
 */
/** Who is told by a send. @typedef {string | string[] | { role: string } | { everybody: true }} Recipients */
/**
 * An answer whose fields `docs/PROTOCOL.md` describes.
 * @typedef {{ success: true } & Record<string, any>} Answer
 */

/**
 * @typedef {object} NotificationText
 * @property {string} [type]
 * @property {string} [title]
 * @property {string} [message]
 * @property {Record<string, unknown>} [data]
 * @property {('inApp' | 'email' | 'push')[]} [channels]
 * @property {'normal' | 'critical'} [priority]
 * @property {string} [threadId]
 * @property {string} [clientNotificationId] with a key the request may be repeated, and is
 */

export class Admin {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
    /** Notifications to many people. */
    this.sends = new Sends(rest);
    /** Addresses that get no mail. */
    this.suppressions = new Suppressions(rest);
    /** What people have reported. */
    this.reports = new Reports(rest);
    /** What operators see and decide. */
    this.ops = new Operations(rest);
  }

  /**
   * Notifies people, and says what became of each.
   * @param {NotificationText & ({ userId: string } | { userIds: string[] })} notification
   * @returns {Promise<import('../documents.js').NotifiedAnswer | Queued>}
   */
  notify(notification) {
    return this.#rest.ask('POST', '/notifications', { body: notification, isRepeatable: Boolean(notification.clientNotificationId) });
  }

  /**
   * Sets the name and picture of a person. It replaces all of it.
   * @param {string} userId
   * @param {{ name: string, avatar?: string, email?: string, role?: string }} profile
   * @returns {Promise<{ success: true, user: Profile } | Queued>}
   */
  setProfile(userId, profile) {
    return this.#rest.ask('PUT', path`/users/${userId}`, { body: profile, ...REPEATABLE });
  }

  /**
   * Ends every login of a person, or the one that is named by its 64 hexadecimal digits.
   * @param {string} userId
   * @param {string} [session]
   * @returns {Promise<Done | Queued>}
   */
  revoke(userId, session) {
    return this.#rest.ask('POST', path`/users/${userId}/revoke`, { ...session && { body: { session } }, ...REPEATABLE });
  }

  /**
   * Everything that is kept of a person, record by record, as `docs/PROTOCOL.md` describes them. The last one
   * is the end: without it this throws.
   * @param {string} userId
   * @param {{ why?: string, signal?: AbortSignal }} [options]
   * @returns {AsyncGenerator<import('../documents.js').ExportRecord>}
   */
  async *exportPerson(userId, { why, signal } = {}) {
    const query = why ? `?why=${encodeURIComponent(why)}` : '';
    yield* records(await this.#rest.exchange('GET', path`/users/${userId}/export` + query, { headers: {}, signal }));
  }

  /**
   * Erases what a person has left here, for ever: nothing brings it back, and the id comes never again.
   * @param {string} userId
   * @param {string} why it is recorded
   * @returns {Promise<import('../documents.js').ErasureAnswer | Queued>}
   */
  erasePerson(userId, why) {
    return this.#rest.ask('POST', path`/users/${userId}/erase`, { body: { userId, why }, ...REPEATABLE });
  }

  /**
   * How far the erasure of a person has come.
   * @param {string} userId
   * @returns {Promise<import('../documents.js').ErasureAnswer>}
   */
  erasure(userId) {
    return this.#rest.ask('GET', path`/users/${userId}/erase`);
  }

  /**
   * The delivery log of a person.
   * @param {string} userId
   * @param {PageQuery} [page]
   * @returns {Promise<import('../documents.js').DeliveriesPage>}
   */
  deliveries(userId, page) {
    return this.#rest.ask('GET', path`/users/${userId}/deliveries`, paged(page));
  }

  /** @returns {Promise<Answer>} */
  status() {
    return this.#rest.ask('GET', '/messaging/status');
  }
}

export class Sends {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * Tells people, a role or everybody, now or at `sendAt`.
   * @param {NotificationText & { to: Recipients, sendAt?: string, template?: string }} send
   * @returns {Promise<{ success: true, send: Send, deduplicated?: true } | Queued>}
   */
  start(send) {
    return this.#rest.ask('POST', '/notifications', { body: send, isRepeatable: Boolean(send.clientNotificationId) });
  }

  /**
   * @param {PageQuery} [page]
   * @returns {Promise<import('../documents.js').SendsPage>}
   */
  list(page) {
    return this.#rest.ask('GET', '/notifications/sends', paged(page));
  }

  /**
   * @param {string} sendId
   * @returns {Promise<Send>}
   */
  async get(sendId) {
    return (await this.#rest.ask('GET', path`/notifications/sends/${sendId}`)).send;
  }

  /**
   * @param {string} sendId
   * @returns {Promise<{ success: true, send: Send } | Queued>}
   */
  cancel(sendId) {
    return this.#rest.ask('DELETE', path`/notifications/sends/${sendId}`, REPEATABLE);
  }
}

export class Suppressions {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * @param {PageQuery} [page]
   * @returns {Promise<import('../documents.js').SuppressionsPage>}
   */
  list(page) {
    return this.#rest.ask('GET', '/email/suppressions', paged(page));
  }

  /**
   * @param {string} address
   * @returns {Promise<import('../documents.js').CountAnswer | Queued>}
   */
  lift(address) {
    return this.#rest.ask('DELETE', path`/email/suppressions/${address}`, REPEATABLE);
  }
}

export class Reports {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * A page of reports of messages, the newest first.
   * @param {import('./path.js').PageQuery & { status?: 'open' | 'handled' }} [page]
   * @returns {Promise<import('../documents.js').ReportsPage>}
   */
  list(page) {
    return this.#rest.ask('GET', '/reports', paged(page));
  }

  /**
   * Marks a report as handled; the first word about it stays.
   * @param {string} reportId
   * @param {string} [note] what came of it
   * @returns {Promise<import('../documents.js').ReportAnswer | import('../documents.js').Queued>}
   */
  handle(reportId, note) {
    return this.#rest.ask('PUT', path`/reports/${reportId}/handled`, { body: { note }, ...REPEATABLE });
  }
}

export class Operations {
  #rest;

  /** @param {import('../rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /** @returns {Promise<Answer>} */
  pipeline() {
    return this.#rest.ask('GET', '/ops/pipeline');
  }

  /** @returns {Promise<Answer>} */
  gateways() {
    return this.#rest.ask('GET', '/ops/gateways');
  }

  /** @returns {Promise<Answer>} */
  servers() {
    return this.#rest.ask('GET', '/ops/servers');
  }

  /** @returns {Promise<Answer>} */
  outcomes() {
    return this.#rest.ask('GET', '/ops/outcomes');
  }

  /**
   * @param {PageQuery & { search?: string }} [page]
   * @returns {Promise<Answer>}
   */
  users(page) {
    return this.#rest.ask('GET', '/ops/users', paged(page));
  }

  /**
   * @param {string} userId
   * @param {string} why
   * @returns {Promise<Done>}
   */
  disconnect(userId, why) {
    return this.#rest.ask('POST', path`/ops/users/${userId}/disconnect`, { body: { why }, ...REPEATABLE });
  }

  /**
   * @param {PageQuery & Record<string, any>} [page]
   * @returns {Promise<Answer>}
   */
  letters(page) {
    return this.#rest.ask('GET', '/ops/dead-letters', paged(page));
  }

  /**
   * @param {Record<string, any>} [which]
   * @returns {Promise<Answer>}
   */
  letterGroups(which) {
    return this.#rest.ask('GET', '/ops/dead-letters/groups', paged(which));
  }

  /**
   * @param {string} letterId
   * @returns {Promise<Answer>}
   */
  letter(letterId) {
    return this.#rest.ask('GET', path`/ops/dead-letters/${letterId}`);
  }

  /**
   * @param {string} letterId
   * @param {{ why: string, version?: number }} reveal
   * @returns {Promise<Answer>}
   */
  reveal(letterId, reveal) {
    return this.#rest.ask('POST', path`/ops/dead-letters/${letterId}/reveal`, { body: reveal });
  }

  /**
   * @param {string} letterId
   * @param {{ body: object, version: number, why: string }} edit
   * @returns {Promise<Answer>}
   */
  edit(letterId, edit) {
    return this.#rest.ask('PUT', path`/ops/dead-letters/${letterId}/body`, { body: edit });
  }

  /**
   * @param {{ why: string, ids?: string[], filter?: object, dryRun?: boolean, perSecond?: number }} replay
   * @returns {Promise<Answer>}
   */
  replay(replay) {
    return this.#rest.ask('POST', '/ops/replays', { body: replay });
  }

  /**
   * @param {string} replayId
   * @returns {Promise<Answer>}
   */
  replayed(replayId) {
    return this.#rest.ask('GET', path`/ops/replays/${replayId}`);
  }

  /**
   * @param {{ why: string, ids?: string[], filter?: object }} discard
   * @returns {Promise<Answer>}
   */
  discard(discard) {
    return this.#rest.ask('POST', '/ops/discards', { body: discard });
  }

  /**
   * @param {PageQuery & { letter?: string }} [page]
   * @returns {Promise<Answer>}
   */
  audit(page) {
    return this.#rest.ask('GET', '/ops/audit', paged(page));
  }
}
