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
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /** Notifications to many people. */
    sends: Sends;
    /** Addresses that get no mail. */
    suppressions: Suppressions;
    /** What people have reported. */
    reports: Reports;
    /** What operators see and decide. */
    ops: Operations;
    /**
     * Notifies people, and says what became of each.
     * @param {NotificationText & ({ userId: string } | { userIds: string[] })} notification
     * @returns {Promise<import('../documents.js').NotifiedAnswer | Queued>}
     */
    notify(notification: NotificationText & ({
        userId: string;
    } | {
        userIds: string[];
    })): Promise<import("../documents.js").NotifiedAnswer | Queued>;
    /**
     * Sets the name and picture of a person. It replaces all of it.
     * @param {string} userId
     * @param {{ name: string, avatar?: string, email?: string, role?: string }} profile
     * @returns {Promise<{ success: true, user: Profile } | Queued>}
     */
    setProfile(userId: string, profile: {
        name: string;
        avatar?: string;
        email?: string;
        role?: string;
    }): Promise<{
        success: true;
        user: Profile;
    } | Queued>;
    /**
     * Ends every login of a person, or the one that is named by its 64 hexadecimal digits.
     * @param {string} userId
     * @param {string} [session]
     * @returns {Promise<Done | Queued>}
     */
    revoke(userId: string, session?: string): Promise<Done | Queued>;
    /**
     * Everything that is kept of a person, record by record, as `docs/PROTOCOL.md` describes them. The last one
     * is the end: without it this throws.
     * @param {string} userId
     * @param {{ why?: string, signal?: AbortSignal }} [options]
     * @returns {AsyncGenerator<import('../documents.js').ExportRecord>}
     */
    exportPerson(userId: string, { why, signal }?: {
        why?: string;
        signal?: AbortSignal;
    }): AsyncGenerator<import("../documents.js").ExportRecord>;
    /**
     * Erases what a person has left here, for ever: nothing brings it back, and the id comes never again.
     * @param {string} userId
     * @param {string} why it is recorded
     * @returns {Promise<import('../documents.js').ErasureAnswer | Queued>}
     */
    erasePerson(userId: string, why: string): Promise<import("../documents.js").ErasureAnswer | Queued>;
    /**
     * How far the erasure of a person has come.
     * @param {string} userId
     * @returns {Promise<import('../documents.js').ErasureAnswer>}
     */
    erasure(userId: string): Promise<import("../documents.js").ErasureAnswer>;
    /**
     * The delivery log of a person.
     * @param {string} userId
     * @param {PageQuery} [page]
     * @returns {Promise<import('../documents.js').DeliveriesPage>}
     */
    deliveries(userId: string, page?: PageQuery): Promise<import("../documents.js").DeliveriesPage>;
    /** @returns {Promise<Answer>} */
    status(): Promise<Answer>;
    #private;
}
export class Sends {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * Tells people, a role or everybody, now or at `sendAt`.
     * @param {NotificationText & { to: Recipients, sendAt?: string, template?: string }} send
     * @returns {Promise<{ success: true, send: Send, deduplicated?: true } | Queued>}
     */
    start(send: NotificationText & {
        to: Recipients;
        sendAt?: string;
        template?: string;
    }): Promise<{
        success: true;
        send: Send;
        deduplicated?: true;
    } | Queued>;
    /**
     * @param {PageQuery} [page]
     * @returns {Promise<import('../documents.js').SendsPage>}
     */
    list(page?: PageQuery): Promise<import("../documents.js").SendsPage>;
    /**
     * @param {string} sendId
     * @returns {Promise<Send>}
     */
    get(sendId: string): Promise<Send>;
    /**
     * @param {string} sendId
     * @returns {Promise<{ success: true, send: Send } | Queued>}
     */
    cancel(sendId: string): Promise<{
        success: true;
        send: Send;
    } | Queued>;
    #private;
}
export class Suppressions {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * @param {PageQuery} [page]
     * @returns {Promise<import('../documents.js').SuppressionsPage>}
     */
    list(page?: PageQuery): Promise<import("../documents.js").SuppressionsPage>;
    /**
     * @param {string} address
     * @returns {Promise<import('../documents.js').CountAnswer | Queued>}
     */
    lift(address: string): Promise<import("../documents.js").CountAnswer | Queued>;
    #private;
}
export class Reports {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * A page of reports of messages, the newest first.
     * @param {import('./path.js').PageQuery & { status?: 'open' | 'handled' }} [page]
     * @returns {Promise<import('../documents.js').ReportsPage>}
     */
    list(page?: import("./path.js").PageQuery & {
        status?: "open" | "handled";
    }): Promise<import("../documents.js").ReportsPage>;
    /**
     * Marks a report as handled; the first word about it stays.
     * @param {string} reportId
     * @param {string} [note] what came of it
     * @returns {Promise<import('../documents.js').ReportAnswer | import('../documents.js').Queued>}
     */
    handle(reportId: string, note?: string): Promise<import("../documents.js").ReportAnswer | import("../documents.js").Queued>;
    #private;
}
export class Operations {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /** @returns {Promise<Answer>} */
    pipeline(): Promise<Answer>;
    /** @returns {Promise<Answer>} */
    gateways(): Promise<Answer>;
    /** @returns {Promise<Answer>} */
    servers(): Promise<Answer>;
    /** @returns {Promise<Answer>} */
    outcomes(): Promise<Answer>;
    /**
     * @param {PageQuery & { search?: string }} [page]
     * @returns {Promise<Answer>}
     */
    users(page?: PageQuery & {
        search?: string;
    }): Promise<Answer>;
    /**
     * @param {string} userId
     * @param {string} why
     * @returns {Promise<Done>}
     */
    disconnect(userId: string, why: string): Promise<Done>;
    /**
     * @param {PageQuery & Record<string, any>} [page]
     * @returns {Promise<Answer>}
     */
    letters(page?: PageQuery & Record<string, any>): Promise<Answer>;
    /**
     * @param {Record<string, any>} [which]
     * @returns {Promise<Answer>}
     */
    letterGroups(which?: Record<string, any>): Promise<Answer>;
    /**
     * @param {string} letterId
     * @returns {Promise<Answer>}
     */
    letter(letterId: string): Promise<Answer>;
    /**
     * @param {string} letterId
     * @param {{ why: string, version?: number }} reveal
     * @returns {Promise<Answer>}
     */
    reveal(letterId: string, reveal: {
        why: string;
        version?: number;
    }): Promise<Answer>;
    /**
     * @param {string} letterId
     * @param {{ body: object, version: number, why: string }} edit
     * @returns {Promise<Answer>}
     */
    edit(letterId: string, edit: {
        body: object;
        version: number;
        why: string;
    }): Promise<Answer>;
    /**
     * @param {{ why: string, ids?: string[], filter?: object, dryRun?: boolean, perSecond?: number }} replay
     * @returns {Promise<Answer>}
     */
    replay(replay: {
        why: string;
        ids?: string[];
        filter?: object;
        dryRun?: boolean;
        perSecond?: number;
    }): Promise<Answer>;
    /**
     * @param {string} replayId
     * @returns {Promise<Answer>}
     */
    replayed(replayId: string): Promise<Answer>;
    /**
     * @param {{ why: string, ids?: string[], filter?: object }} discard
     * @returns {Promise<Answer>}
     */
    discard(discard: {
        why: string;
        ids?: string[];
        filter?: object;
    }): Promise<Answer>;
    /**
     * @param {PageQuery & { letter?: string }} [page]
     * @returns {Promise<Answer>}
     */
    audit(page?: PageQuery & {
        letter?: string;
    }): Promise<Answer>;
    #private;
}
export type Queued = import("../documents.js").Queued;
export type Send = import("../documents.js").Send;
export type Done = import("../documents.js").Done;
export type PageQuery = import("./path.js").PageQuery;
export type Profile = {
    id: string;
    name: string;
    avatar: string | null;
    email: string | null;
    role?: string | undefined;
};
/**
 * An address that gets no mail.
 */
export type Suppression = {
    address: string;
    reason: string;
    detail: string | null;
    at: string;
};
/**
 * Who is told by a send.
 */
export type Recipients = string | string[] | {
    role: string;
} | {
    everybody: true;
};
/**
 * An answer whose fields `docs/PROTOCOL.md` describes.
 */
export type Answer = {
    success: true;
} & Record<string, any>;
export type NotificationText = {
    type?: string | undefined;
    title?: string | undefined;
    message?: string | undefined;
    data?: Record<string, unknown> | undefined;
    channels?: ("push" | "email" | "inApp")[] | undefined;
    priority?: "normal" | "critical" | undefined;
    threadId?: string | undefined;
    /**
     * with a key the request may be repeated, and is
     */
    clientNotificationId?: string | undefined;
};
