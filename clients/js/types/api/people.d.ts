/** @typedef {import('../documents.js').Presence} Presence */
/** @typedef {import('../documents.js').Person} Person */
/** @typedef {import('../documents.js').Queued} Queued */
export class Presences {
    /**
     * @param {import('../rest.js').Rest} rest
     * @param {import('../connection.js').Connection} connection
     */
    constructor(rest: import("../rest.js").Rest, connection: import("../connection.js").Connection);
    /**
     * @param {string} userId
     * @returns {Promise<Presence>}
     */
    get(userId: string): Promise<Presence>;
    /**
     * Up to 200 people, in the order asked.
     * @param {string[]} userIds
     * @returns {Promise<Presence[]>}
     */
    several(userIds: string[]): Promise<Presence[]>;
    /**
     * How up to 200 people are, and from now on each change, as the event `presence:sync`. A new session
     * follows nobody: ask again at `resumed`.
     * @param {string[]} userIds
     * @returns {Promise<Presence[]>}
     */
    follow(userIds: string[]): Promise<Presence[]>;
    /**
     * How the person wants to be seen, on all devices; `away` holds until `online`.
     * @param {'online' | 'away'} status
     */
    choose(status: "online" | "away"): Promise<void>;
    #private;
}
export class People {
    /** @param {import('../rest.js').Rest} rest */
    constructor(rest: import("../rest.js").Rest);
    /**
     * Names and pictures of up to 200 people, in the order asked.
     * @param {string[]} userIds
     * @returns {Promise<Person[]>}
     */
    several(userIds: string[]): Promise<Person[]>;
    /**
     * People whose names or ids have words that begin like these. A page may be empty and lead on.
     * @param {string} words
     * @param {import('./path.js').PageQuery} [page]
     * @returns {Promise<{ users: Person[], nextCursor: string | null }>}
     */
    search(words: string, page?: import("./path.js").PageQuery): Promise<{
        users: Person[];
        nextCursor: string | null;
    }>;
    /**
     * Blocks somebody: neither hears anything of the other, and they do not notice. Threads of the two are away
     * for who blocks; the event `block:updated` says when to read the list of threads again.
     * @param {string} userId
     * @returns {Promise<import('../documents.js').BlockAnswer | Queued>}
     */
    block(userId: string): Promise<import("../documents.js").BlockAnswer | Queued>;
    /**
     * Ends a block: threads of the two are back, with what came meanwhile.
     * @param {string} userId
     * @returns {Promise<import('../documents.js').Done | Queued>}
     */
    unblock(userId: string): Promise<import("../documents.js").Done | Queued>;
    /**
     * A page of the people whom one blocks, sorted by id.
     * @param {import('./path.js').PageQuery} [page]
     * @returns {Promise<import('../documents.js').BlocksPage>}
     */
    blocks(page?: import("./path.js").PageQuery): Promise<import("../documents.js").BlocksPage>;
    #private;
}
export type Presence = import("../documents.js").Presence;
export type Person = import("../documents.js").Person;
export type Queued = import("../documents.js").Queued;
