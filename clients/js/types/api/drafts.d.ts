/** @typedef {import('../documents.js').DraftAnswer} DraftAnswer */
/** @typedef {import('../documents.js').DraftsPage} DraftsPage */
/** @typedef {import('../documents.js').Queued} Queued */
export class Drafts {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * A page of the drafts of all threads; what was saved last comes first.
     * @param {import('./path.js').PageQuery} [page]
     * @returns {Promise<DraftsPage>}
     */
    list(page?: import("./path.js").PageQuery): Promise<DraftsPage>;
    /**
     * The draft in a thread; `revision` 0 if there was never one.
     * @param {string} threadId
     * @returns {Promise<DraftAnswer>}
     */
    get(threadId: string): Promise<DraftAnswer>;
    /**
     * Saves a draft; an empty content deletes it. With `basedOn`, the revision that this device knows, a newer
     * one is not overwritten: it rejects with `conflict`.
     * @param {string} threadId
     * @param {{ content: string, replyTo?: string, basedOn?: number }} draft
     * @returns {Promise<DraftAnswer | Queued>}
     */
    save(threadId: string, draft: {
        content: string;
        replyTo?: string;
        basedOn?: number;
    }): Promise<DraftAnswer | Queued>;
    /**
     * Deletes a draft, whatever revision it has.
     * @param {string} threadId
     * @returns {Promise<DraftAnswer | Queued>}
     */
    delete(threadId: string): Promise<DraftAnswer | Queued>;
    #private;
}
export type DraftAnswer = import("../documents.js").DraftAnswer;
export type DraftsPage = import("../documents.js").DraftsPage;
export type Queued = import("../documents.js").Queued;
