/** @typedef {import('../documents.js').Queued} Queued */
/** @typedef {import('../documents.js').ChangeAnswer} ChangeAnswer */
/** @typedef {import('../documents.js').Edits} Edits */
/** @typedef {import('../documents.js').HistoryPage} HistoryPage */
/** @typedef {import('../documents.js').SearchPage} SearchPage */
/** @typedef {import('../documents.js').Attachment} Attachment */
/**
 * Which messages: the newest if nothing is named; one of `before`, `after`, `changesAfter` and `cursor`.
 * @typedef {object} HistoryQuery
 * @property {number | string} [before] a `seq`, or a time
 * @property {number | string} [after] a `seq`, or a time
 * @property {number} [changesAfter] the `lastChange` of the page before
 */
/**
 * Which of the messages that have the words.
 * @typedef {object} SearchFilters
 * @property {string} [threadId] only this thread
 * @property {string} [sender] only messages of this person
 * @property {string} [from] accepted at this time or later
 * @property {string} [to] accepted before this time
 * @property {boolean} [hasAttachment] only messages with attachments
 */
export class Messages {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * One page of a thread, ascending by `seq`.
     * @param {string} threadId
     * @param {import('./path.js').PageQuery & HistoryQuery} [page]
     * @returns {Promise<HistoryPage>}
     */
    history(threadId: string, page?: import("./path.js").PageQuery & HistoryQuery): Promise<HistoryPage>;
    /**
     * A page and all that follow it.
     * @param {string} threadId
     * @param {{ limit?: number, signal?: AbortSignal } & HistoryQuery} [first]
     * @returns {AsyncGenerator<HistoryPage, void, void>}
     */
    pages(threadId: string, { signal, limit, ...first }?: {
        limit?: number;
        signal?: AbortSignal;
    } & HistoryQuery): AsyncGenerator<HistoryPage, void, void>;
    /**
     * Messages of all one's threads that have these words, the newest first.
     * @param {string} words
     * @param {import('./path.js').PageQuery & SearchFilters} [page]
     * @returns {Promise<SearchPage>}
     */
    search(words: string, page?: import("./path.js").PageQuery & SearchFilters): Promise<SearchPage>;
    /**
     * Sends by REST, once. With a key it may be repeated, and is.
     * @param {string} threadId
     * @param {{ content?: string, attachments?: Attachment[], replyTo?: string,
     *   mentions?: string[], clientMessageId?: string }} message
     * @returns {Promise<import('../documents.js').MessageAnswer | Queued>}
     */
    send(threadId: string, message: {
        content?: string;
        attachments?: Attachment[];
        replyTo?: string;
        mentions?: string[];
        clientMessageId?: string;
    }): Promise<import("../documents.js").MessageAnswer | Queued>;
    /**
     * @param {string} messageId
     * @param {string} content
     * @param {string[]} [mentions] whom the message mentions from now on; without it, whom it mentioned before
     * @returns {Promise<ChangeAnswer | Queued>}
     */
    edit(messageId: string, content: string, mentions?: string[]): Promise<ChangeAnswer | Queued>;
    /**
     * Pins a message to its thread; everybody in it may.
     * @param {string} messageId
     * @returns {Promise<ChangeAnswer | Queued>}
     */
    pin(messageId: string): Promise<ChangeAnswer | Queued>;
    /**
     * @param {string} messageId
     * @returns {Promise<ChangeAnswer | Queued>}
     */
    unpin(messageId: string): Promise<ChangeAnswer | Queued>;
    /**
     * What a message said before its edits, oldest first.
     * @param {string} messageId
     * @returns {Promise<Edits>}
     */
    edits(messageId: string): Promise<Edits>;
    /**
     * Reports a message to the administrators, with what it says now. A second report of it changes nothing.
     * @param {string} messageId
     * @param {import('../documents.js').ReportRequest} report
     * @returns {Promise<import('../documents.js').ReportedAnswer | Queued>}
     */
    report(messageId: string, report: import("../documents.js").ReportRequest): Promise<import("../documents.js").ReportedAnswer | Queued>;
    /**
     * Takes a message back.
     * @param {string} messageId
     * @returns {Promise<ChangeAnswer | Queued>}
     */
    delete(messageId: string): Promise<ChangeAnswer | Queued>;
    /**
     * Puts an emoji on a message or takes it off. `toggle` does the opposite of what the message shows, so it
     * is not repeated by itself.
     * @param {string} messageId
     * @param {string} emoji
     * @param {'add' | 'remove' | 'toggle'} [action]
     * @returns {Promise<ChangeAnswer | Queued>}
     */
    react(messageId: string, emoji: string, action?: "add" | "remove" | "toggle"): Promise<ChangeAnswer | Queued>;
    /**
     * Marks as read up to this message.
     * @param {string} messageId
     * @returns {Promise<import('../documents.js').ReadAnswer | Queued>}
     */
    read(messageId: string): Promise<import("../documents.js").ReadAnswer | Queued>;
    #private;
}
export type Queued = import("../documents.js").Queued;
export type ChangeAnswer = import("../documents.js").ChangeAnswer;
export type Edits = import("../documents.js").Edits;
export type HistoryPage = import("../documents.js").HistoryPage;
export type SearchPage = import("../documents.js").SearchPage;
export type Attachment = import("../documents.js").Attachment;
/**
 * Which messages: the newest if nothing is named; one of `before`, `after`, `changesAfter` and `cursor`.
 */
export type HistoryQuery = {
    /**
     * a `seq`, or a time
     */
    before?: string | number | undefined;
    /**
     * a `seq`, or a time
     */
    after?: string | number | undefined;
    /**
     * the `lastChange` of the page before
     */
    changesAfter?: number | undefined;
};
/**
 * Which of the messages that have the words.
 */
export type SearchFilters = {
    /**
     * only this thread
     */
    threadId?: string | undefined;
    /**
     * only messages of this person
     */
    sender?: string | undefined;
    /**
     * accepted at this time or later
     */
    from?: string | undefined;
    /**
     * accepted before this time
     */
    to?: string | undefined;
    /**
     * only messages with attachments
     */
    hasAttachment?: boolean | undefined;
};
