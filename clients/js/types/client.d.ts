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
export class EventFlow extends Emitter<import("./events.js").Events> {
    /** @param {Options} [options] */
    constructor(options?: Options);
    /** Who the person is. */
    userId: string;
    /** Threads: start, list, leave, archive. */
    threads: Threads;
    /** Histories, edits, reactions. */
    messages: Messages;
    /** How people are. */
    presence: Presences;
    /** What people are called. */
    people: People;
    /** What one has begun to write. */
    drafts: Drafts;
    /** What is sent later. */
    scheduled: Scheduled;
    /** Files: uploads and what was uploaded. */
    attachments: Attachments;
    /** The inbox. */
    notifications: Notifications;
    /** How the person wants to be notified. */
    preferences: PreferencesOfUser;
    /** What pushes go to. */
    devices: Devices;
    /** What only administrators may. */
    admin: Admin;
    /** What is told of each thread. */
    feed: Feed;
    /** What is written and not stored yet. */
    outbox: Outbox;
    /** Resolves once what was kept over a reload is here. */
    opened: Promise<void>;
    /** How the connection is. */
    get state(): import("./events.js").ConnectionState;
    /** Connects; comes back by itself whatever happens, until `close` or the state `ended`. */
    connect(): this;
    /** Ends the connection. What waits in the outbox is kept for the next time. */
    close(): void;
    /**
     * Ends the connection, and leaves nothing of the person here: what is not stored yet is given up, and no
     * place is kept any more. Who signs in next gets a client of their own.
     */
    signOut(): Promise<void>;
    /**
     * Goes on with another token of the same person, in the open session or in a new one. A client that is
     * closed stays so, and connects with this token when it is told to.
     * @param {string} token
     */
    useToken(token: string): Promise<void>;
    /**
     * Sends a message by the outbox: it is stored once, whatever happens to the connection or the page.
     * Resolves with the message once it is stored; rejects with a `Refusal` if the server refuses it for good.
     * @param {string} threadId
     * @param {string | import('./outbox.js').Draft} draft
     * @returns {Promise<import('./documents.js').Message>}
     */
    send(threadId: string, draft: string | import("./outbox.js").Draft): Promise<import("./documents.js").Message>;
    /**
     * What a page shows of one thread. Call its `open`.
     * @param {string} threadId
     * @returns {Conversation}
     */
    conversation(threadId: string): Conversation;
    /**
     * Asks over the socket; gives the answer, or throws a `Refusal`.
     * @template {keyof import('./events.js').Requests} Name
     * @param {Name} name
     * @param {import('./events.js').Requests[Name]['body']} body
     * @returns {Promise<import('./events.js').Requests[Name]['answer']>}
     */
    ask<Name extends keyof import("./events.js").Requests>(name: Name, body: import("./events.js").Requests[Name]["body"]): Promise<import("./events.js").Requests[Name]["answer"]>;
    /**
     * Asks by REST, for what has no function here; gives the answer, or throws a `Refusal`.
     * @param {string} method
     * @param {string} path below `/api/v2`
     * @param {import('./rest.js').RequestOptions} [options]
     * @returns {Promise<any>}
     */
    request(method: string, path: string, options?: import("./rest.js").RequestOptions): Promise<any>;
    #private;
}
export function connect(options?: Options): EventFlow;
export type Options = {
    /**
     * of the server; in a page its own origin if it is not given
     */
    url?: string | undefined;
    /**
     * the person's token, or a function that
     * gets one from your server: it is called again whenever the server does not take the last one, and before it
     * ends. Without a token the cookie of the host application is the credential
     */
    token?: string | import("./credentials.js").TokenSource | undefined;
    /**
     * who the person is; needed unless `token` is a text, which says it
     */
    userId?: string | undefined;
    /**
     * where messages that are not stored yet are kept;
     * `localStorage` in a page, IndexedDB in a worker, else memory alone
     */
    storage?: import("./storage.js").Keeper | undefined;
    /**
     * whether to keep how far each thread was told, so that `message` tells
     * after a restart what was written meanwhile. For programs; a page reads what it shows
     */
    remembersPlaces?: boolean | undefined;
    /**
     * if sockets have another address than REST
     */
    socketUrl?: string | undefined;
    /**
     * more options of socket.io-client, e.g. `{ transports: ['websocket'] }`
     */
    socket?: object | undefined;
    /**
     * another one than the global
     */
    fetch?: typeof fetch | undefined;
};
import { Emitter } from './emitter.js';
import { Threads } from './api/threads.js';
import { Messages } from './api/messages.js';
import { Presences } from './api/people.js';
import { People } from './api/people.js';
import { Drafts } from './api/drafts.js';
import { Scheduled } from './api/scheduled.js';
import { Attachments } from './api/attachments.js';
import { Notifications } from './api/notifications.js';
import { PreferencesOfUser } from './api/notifications.js';
import { Devices } from './api/notifications.js';
import { Admin } from './api/admin.js';
import { Feed } from './feed.js';
import { Outbox } from './outbox.js';
import { Conversation } from './conversation.js';
