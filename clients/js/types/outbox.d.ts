/** @typedef {import('./emitter.js').Emitter<import('./events.js').Events>} Told */
export class Outbox {
    /**
     * @param {import('./connection.js').Connection} connection
     * @param {import('./storage.js').Keeper} storage
     * @param {string} user
     * @param {Told} told
     */
    constructor(connection: import("./connection.js").Connection, storage: import("./storage.js").Keeper, user: string, told: Told);
    /** Resolves once what was kept is here. */
    get opened(): Promise<void>;
    /**
     * What is not known to be stored, of one thread or of all, in the order in which it was written.
     * @param {string} [threadId]
     * @returns {OutboxEntry[]}
     */
    entries(threadId?: string): OutboxEntry[];
    /**
     * Sends a message, whatever happens meanwhile. Resolves with the message once it is stored, which may take
     * as long as there is no connection; rejects with a `Refusal` if the server refuses it for good. The result
     * need not be looked at: `stored` and `refused` tell it too.
     * @param {string} threadId
     * @param {Draft} draft
     * @returns {Promise<Message>}
     */
    send(threadId: string, { content, attachments, replyTo, mentions, key }: Draft): Promise<Message>;
    /**
     * Sends one that has failed again, with the key it has, after those that were written since.
     * @param {string} key
     */
    again(key: string): void;
    /**
     * Forgets one that is not wanted any more. If it is under way already it may be stored all the same.
     * @param {string} key
     */
    forget(key: string): void;
    /** Forgets everything. */
    clear(): Promise<void>;
    /** There is a connection: everything without an answer is sent again, in order. */
    resume(): void;
    /** Nothing is sent any more; what waits is kept. */
    close(): void;
    /**
     * A message of the person is stored.
     * @param {Message} message
     */
    heard(message: Message): void;
    #private;
}
export type Message = import("./documents.js").Message;
export type Attachment = import("./documents.js").Attachment;
export type OutboxEntry = {
    /**
     * the message's `clientMessageId`
     */
    key: string;
    threadId: string;
    content: string;
    attachments?: ({
        filename?: string | null;
        metadata?: import("../types/contract.js").components["schemas"]["Metadata"] | null;
        mimeType?: string | null;
        size?: number | null;
        type: import("../types/contract.js").components["schemas"]["AttachmentKind"];
        url: import("../types/contract.js").components["schemas"]["Link"];
    } | {
        id: string;
        metadata?: import("../types/contract.js").components["schemas"]["Metadata"] | null;
    })[] | undefined;
    /**
     * the id of the message that this one answers
     */
    replyTo?: string | undefined;
    /**
     * the ids of the people whom it mentions
     */
    mentions?: string[] | undefined;
    /**
     * those of one thread are sent in this order
     */
    order: number;
    /**
     * when it was written, by the clock of this side
     */
    at: string;
    /**
     * `queued`: the server will store it
     */
    state: "waiting" | "sending" | "queued" | "failed";
    /**
     * why it failed, or waits
     */
    refusal?: {
        code: import("./refusal.js").RefusalCode;
        error: string;
    } | undefined;
};
/**
 * What is written.
 */
export type Draft = {
    content?: string;
    attachments?: Attachment[];
    replyTo?: string;
    mentions?: string[];
    key?: string;
};
export type Told = import("./emitter.js").Emitter<import("./events.js").Events>;
