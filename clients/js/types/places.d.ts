/** @typedef {import('./feed.js').Place} Place */
export class Places {
    /**
     * @param {import('./storage.js').Keeper} storage
     * @param {string} user
     * @param {(error: unknown) => void} troubled
     */
    constructor(storage: import("./storage.js").Keeper, user: string, troubled: (error: unknown) => void);
    /**
     * Everything that was kept; `newest` is the newest time of the server that was seen.
     * @returns {Promise<{ threads: [string, Place][], newest: number }>}
     */
    read(): Promise<{
        threads: [string, Place][];
        newest: number;
    }>;
    /**
     * @param {string} threadId
     * @param {Place} place
     * @param {number} newest
     */
    keep(threadId: string, place: Place, newest: number): void;
    /** @param {string} threadId */
    forget(threadId: string): void;
    /** Forgets everything, and keeps nothing from then on. What is being written is waited for. */
    clear(): Promise<void>;
    #private;
}
export type Place = import("./feed.js").Place;
