// The client: everything that a page or a program does as one person.

import { Admin } from './api/admin.js';
import { Attachments } from './api/attachments.js';
import { Drafts } from './api/drafts.js';
import { Messages } from './api/messages.js';
import { Devices, Notifications, PreferencesOfUser } from './api/notifications.js';
import { People, Presences } from './api/people.js';
import { Threads } from './api/threads.js';
import { Scheduled } from './api/scheduled.js';
import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { Credentials, userOf } from './credentials.js';
import { Emitter } from './emitter.js';
import { Feed } from './feed.js';
import { Outbox } from './outbox.js';
import { Places } from './places.js';
import { Rest } from './rest.js';
import { defaultStorage } from './storage.js';

/**
 * @typedef {object} Options
 * @property {string} [url] of the server; in a page its own origin if it is not given
 * @property {string | import('./credentials.js').TokenSource} [token] the person's token, or a function that
 * gets one from your server: it is called again whenever the server does not take the last one, and before it
 * ends. Without a token the cookie of the host application is the credential
 * @property {string} [userId] who the person is; needed unless `token` is a text, which says it
 * @property {import('./storage.js').Keeper} [storage] where messages that are not stored yet are kept;
 * `localStorage` in a page, IndexedDB in a worker, else memory alone
 * @property {boolean} [remembersPlaces] whether to keep how far each thread was told, so that `message` tells
 * after a restart what was written meanwhile. For programs; a page reads what it shows
 * @property {string} [socketUrl] if sockets have another address than REST
 * @property {object} [socket] more options of socket.io-client, e.g. `{ transports: ['websocket'] }`
 * @property {typeof fetch} [fetch] another one than the global
 */

/** @extends {Emitter<import('./events.js').Events>} */
export class EventFlow extends Emitter {
  #credentials;
  #connection;
  #rest;
  #places;
  /** Whether there is to be a connection. */
  #isWanted = false;

  /** @param {Options} [options] */
  constructor(options = {}) {
    super();
    const { token, url = ownOrigin(), socketUrl = url, storage = defaultStorage() } = options;
    /** Who the person is. */
    this.userId = options.userId ?? (typeof token === 'string' ? userOf(token) : undefined) ?? unnamed();
    this.#credentials = new Credentials(token, this.userId);
    this.#connection = new Connection(socketUrl, options.socket ?? {}, this.#credentials, {
      heard: (name, body) => this.#heard(name, body),
      connected: recovered => this.#connected(recovered),
      state: (state, refusal, recovered) => this.emit('state', { state, refusal, recovered }),
    });
    this.#rest = new Rest(url, this.#credentials, options.fetch);
    this.#places = options.remembersPlaces ? new Places(storage, this.userId, error => this.emit('storage:error', { error })) : undefined;
    /** Threads: start, list, leave, archive. */
    this.threads = new Threads(this.#rest, thread => this.feed.knowThread(thread));
    /** Histories, edits, reactions. */
    this.messages = new Messages(this.#rest);
    /** How people are. */
    this.presence = new Presences(this.#rest, this.#connection);
    /** What people are called. */
    this.people = new People(this.#rest);
    /** What one has begun to write. */
    this.drafts = new Drafts(this.#rest);
    /** What is sent later. */
    this.scheduled = new Scheduled(this.#rest);
    /** Files: uploads and what was uploaded. */
    this.attachments = new Attachments(this.#rest);
    /** The inbox. */
    this.notifications = new Notifications(this.#rest);
    /** How the person wants to be notified. */
    this.preferences = new PreferencesOfUser(this.#rest);
    /** What pushes go to. */
    this.devices = new Devices(this.#rest);
    /** What only administrators may. */
    this.admin = new Admin(this.#rest);
    /** What is told of each thread. */
    this.feed = new Feed(this.#connection, this, this, this.#places);
    /** What is written and not stored yet. */
    this.outbox = new Outbox(this.#connection, storage, this.userId, this);
    /** Resolves once what was kept over a reload is here. */
    this.opened = Promise.all([this.feed.open(), this.outbox.opened]).then(() => {});
  }

  /** How the connection is. */
  get state() {
    return this.#connection.state;
  }

  /** Connects; comes back by itself whatever happens, until `close` or the state `ended`. */
  connect() {
    this.#isWanted = true;
    this.opened.then(() => this.#isWanted && this.#connection.open());
    return this;
  }

  /** Ends the connection. What waits in the outbox is kept for the next time. */
  close() {
    this.#isWanted = false;
    this.outbox.close();
    this.#connection.close();
  }

  /**
   * Ends the connection, and leaves nothing of the person here: what is not stored yet is given up, and no
   * place is kept any more. Who signs in next gets a client of their own.
   */
  async signOut() {
    this.close();
    await Promise.all([this.outbox.clear(), this.#places?.clear()]);
  }

  /**
   * Goes on with another token of the same person, in the open session or in a new one. A client that is
   * closed stays so, and connects with this token when it is told to.
   * @param {string} token
   */
  async useToken(token) {
    this.#credentials.set(token);
    await this.opened;
    if (this.#isWanted) await this.#connection.present();
  }

  /**
   * Sends a message by the outbox: it is stored once, whatever happens to the connection or the page.
   * Resolves with the message once it is stored; rejects with a `Refusal` if the server refuses it for good.
   * @param {string} threadId
   * @param {string | import('./outbox.js').Draft} draft
   * @returns {Promise<import('./documents.js').Message>}
   */
  send(threadId, draft) {
    return this.outbox.send(threadId, typeof draft === 'string' ? { content: draft } : draft);
  }

  /**
   * What a page shows of one thread. Call its `open`.
   * @param {string} threadId
   * @returns {Conversation}
   */
  conversation(threadId) {
    return new Conversation(this, threadId);
  }

  /**
   * Asks over the socket; gives the answer, or throws a `Refusal`.
   * @template {keyof import('./events.js').Requests} Name
   * @param {Name} name
   * @param {import('./events.js').Requests[Name]['body']} body
   * @returns {Promise<import('./events.js').Requests[Name]['answer']>}
   */
  ask(name, body) {
    return this.#connection.ask(name, body);
  }

  /**
   * Asks by REST, for what has no function here; gives the answer, or throws a `Refusal`.
   * @param {string} method
   * @param {string} path below `/api/v2`
   * @param {import('./rest.js').RequestOptions} [options]
   * @returns {Promise<any>}
   */
  request(method, path, options) {
    return this.#rest.ask(method, path, options);
  }

  /** @param {boolean} recovered */
  #connected(recovered) {
    this.feed.resume(recovered);
    this.outbox.resume();
  }

  /**
   * @param {string} name
   * @param {any} body
   */
  #heard(name, body) {
    if (name === 'thread:created') this.feed.knowThread(body.thread);
    this.emit(/** @type {keyof import('./events.js').Events} */ (name), body);
    if (name === 'message:received') {
      if (body.message.senderId === this.userId) this.outbox.heard(body.message);
      this.feed.heard(body.message);
    }
    if (name === 'thread:left' && body.userId === this.userId) {
      this.feed.forget(body.threadId);
      this.emit('thread:lost', { threadId: body.threadId });
    }
  }
}

/**
 * A client that connects at once.
 * @param {Options} [options]
 * @returns {EventFlow}
 */
export const connect = options => new EventFlow(options).connect();

/** @returns {string} */
function ownOrigin() {
  if (typeof location === 'undefined') throw new TypeError('`url` is missing: the address of the server');
  return location.origin;
}

/** @returns {never} */
function unnamed() {
  throw new TypeError('`userId` is missing: without a token that says it, name the person');
}
