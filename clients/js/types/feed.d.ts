export class Feed {
    /**
     * @param {import('./connection.js').Connection} connection
     * @param {Api} api
     * @param {import('./emitter.js').Emitter<import('./events.js').Events>} told
     * @param {import('./places.js').Places | undefined} places keeps the places over a restart
     */
    constructor(connection: import("./connection.js").Connection, { messages, threads }: Api, told: import("./emitter.js").Emitter<import("./events.js").Events>, places: import("./places.js").Places | undefined);
    /** Takes the places that were kept. */
    open(): Promise<void>;
    /**
     * Follows a thread from this place on, unless it is followed already.
     * @param {string} threadId
     * @param {Place} place
     * @param {boolean} [isShown]
     */
    know(threadId: string, place: Place, isShown?: boolean): void;
    /**
     * A thread was listed, or heard of.
     * @param {import('./documents.js').Thread} thread
     */
    knowThread(thread: import("./documents.js").Thread): void;
    /** @param {string} threadId */
    forget(threadId: string): void;
    /**
     * There is a connection: what was missed is asked for. A session that was recovered has missed nothing
     * itself, so only what an earlier one has not been told yet is.
     * @param {boolean} [recovered]
     */
    resume(recovered?: boolean): void;
    /** @param {Message} message a live one */
    heard(message: Message): undefined;
    #private;
}
export type Message = import("./documents.js").Message;
export type SyncedThread = import("./documents.js").SyncedThread;
/**
 * How far a thread was told.
 */
export type Place = {
    seq: number;
    lastChange?: number | undefined;
};
/**
 * A thread that is followed; `isShown`: whoever listens has its document, not only messages of it.
 */
export type Followed = Place & {
    ahead: Map<number, Message>;
    gaps: number;
    isShown: boolean;
};
/**
 * What is read by REST.
 */
export type Api = {
    messages: import("./api/messages.js").Messages;
    threads: import("./api/threads.js").Threads;
};
