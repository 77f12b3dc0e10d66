/** @typedef {import('../documents.js').ScheduledAnswer} ScheduledAnswer */
/** @typedef {import('../documents.js').ScheduledPage} ScheduledPage */
/** @typedef {import('../documents.js').Attachment} Attachment */
/** @typedef {import('../documents.js').Queued} Queued */
/**
 * What is to be said, and when.
 * @typedef {object} Planned
 * @property {string | Date} sendAt 10 s to 366 days ahead
 * @property {string} [content]
 * @property {Attachment[]} [attachments]
 * @property {string} [replyTo] the id of the message that it answers
 * @property {string[]} [mentions] the ids of the people whom it mentions
 * @property {string} [key] the same key is the same message; one of its own if it is not given
 */
export class Scheduled {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * Keeps a message, to be sent at its time. It is kept once, however often it is asked for.
     * @param {string} threadId
     * @param {Planned} planned
     * @returns {Promise<ScheduledAnswer | Queued>}
     */
    add(threadId: string, { sendAt, key, ...message }: Planned): Promise<ScheduledAnswer | Queued>;
    /**
     * A page of one's own, also of those that have ended; what is due last comes first.
     * @param {import('./path.js').PageQuery} [page]
     * @returns {Promise<ScheduledPage>}
     */
    list(page?: import("./path.js").PageQuery): Promise<ScheduledPage>;
    /**
     * Changes what waits; what is not named stays as it is. Rejects with `too_late` once its time has come.
     * @param {string} id
     * @param {{ content?: string, mentions?: string[], sendAt?: string | Date }} change
     * @returns {Promise<ScheduledAnswer | Queued>}
     */
    change(id: string, { sendAt, ...change }: {
        content?: string;
        mentions?: string[];
        sendAt?: string | Date;
    }): Promise<ScheduledAnswer | Queued>;
    /**
     * Sends now what waits.
     * @param {string} id
     * @returns {Promise<ScheduledAnswer | Queued>}
     */
    send(id: string): Promise<ScheduledAnswer | Queued>;
    /**
     * Does not send what waits. Rejects with `too_late` once its time has come.
     * @param {string} id
     * @returns {Promise<ScheduledAnswer | Queued>}
     */
    cancel(id: string): Promise<ScheduledAnswer | Queued>;
    #private;
}
export type ScheduledAnswer = import("../documents.js").ScheduledAnswer;
export type ScheduledPage = import("../documents.js").ScheduledPage;
export type Attachment = import("../documents.js").Attachment;
export type Queued = import("../documents.js").Queued;
/**
 * What is to be said, and when.
 */
export type Planned = {
    /**
     * 10 s to 366 days ahead
     */
    sendAt: string | Date;
    content?: string | undefined;
    attachments?: ({
        filename?: string | null;
        metadata?: import("../../types/contract.js").components["schemas"]["Metadata"] | null;
        mimeType?: string | null;
        size?: number | null;
        type: import("../../types/contract.js").components["schemas"]["AttachmentKind"];
        url: import("../../types/contract.js").components["schemas"]["Link"];
    } | {
        id: string;
        metadata?: import("../../types/contract.js").components["schemas"]["Metadata"] | null;
    })[] | undefined;
    /**
     * the id of the message that it answers
     */
    replyTo?: string | undefined;
    /**
     * the ids of the people whom it mentions
     */
    mentions?: string[] | undefined;
    /**
     * the same key is the same message; one of its own if it is not given
     */
    key?: string | undefined;
};
