export class Threads {
    /**
     * @param {import('../rest.js').Rest} rest
     * @param {(thread: ListedThread) => void} [known] is told of every thread that was read
     */
    constructor(rest: import("../rest.js").Rest, known?: (thread: ListedThread) => void);
    /**
     * Starts a thread with these people, or finds it. While the store is down the request is repeated; if that
     * takes too long, it rejects with `unavailable`, and the thread will be there later.
     * With `group` it is a group, which the caller owns.
     * @param {{ participants: string[], metadata?: Record<string, unknown>, group?: GroupLook }} thread
     * @returns {Promise<ListedThread>}
     */
    start(thread: {
        participants: string[];
        metadata?: Record<string, unknown>;
        group?: GroupLook;
    }): Promise<ListedThread>;
    /**
     * One page of the caller's threads, most recently active first.
     * @param {PageQuery & { status?: 'active' | 'archived', skip?: number }} [page]
     * @returns {Promise<import('../documents.js').ThreadsPage>}
     */
    list(page?: PageQuery & {
        status?: "active" | "archived";
        skip?: number;
    }): Promise<import("../documents.js").ThreadsPage>;
    /**
     * All of the caller's threads, page by page; each once.
     * @param {{ status?: 'active' | 'archived', limit?: number, signal?: AbortSignal }} [which]
     * @returns {AsyncGenerator<ListedThread, void, void>}
     */
    all(which?: {
        status?: "active" | "archived";
        limit?: number;
        signal?: AbortSignal;
    }): AsyncGenerator<ListedThread, void, void>;
    /**
     * @param {string} threadId
     * @returns {Promise<ListedThread>}
     */
    get(threadId: string): Promise<ListedThread>;
    /**
     * A page of the people in a thread, sorted by id.
     * @param {string} threadId
     * @param {PageQuery} [page]
     * @returns {Promise<import('../documents.js').ParticipantsPage>}
     */
    participants(threadId: string, page?: PageQuery): Promise<import("../documents.js").ParticipantsPage>;
    /**
     * A page of the people in a thread with their roles, sorted by id.
     * @param {string} threadId
     * @param {PageQuery} [page]
     * @returns {Promise<import('../documents.js').MembersPage>}
     */
    members(threadId: string, page?: PageQuery): Promise<import("../documents.js").MembersPage>;
    /**
     * Gives a group another name or picture; an empty text takes away what is there.
     * @param {string} threadId
     * @param {{ name?: string, picture?: string }} look
     * @returns {Promise<ChangedGroup>}
     */
    describe(threadId: string, look: {
        name?: string;
        picture?: string;
    }): Promise<ChangedGroup>;
    /**
     * Adds people to a group: all of them, or none.
     * @param {string} threadId
     * @param {string[]} userIds
     * @returns {Promise<ChangedGroup>}
     */
    addMembers(threadId: string, userIds: string[]): Promise<ChangedGroup>;
    /**
     * Removes somebody from a group. Whoever names themselves leaves.
     * @param {string} threadId
     * @param {string} userId
     * @returns {Promise<import('../documents.js').ThreadAck | Queued>}
     */
    removeMember(threadId: string, userId: string): Promise<import("../documents.js").ThreadAck | Queued>;
    /**
     * Makes somebody an owner of a group, or a member.
     * @param {string} threadId
     * @param {string} userId
     * @param {'owner' | 'member'} role
     * @returns {Promise<ChangedGroup>}
     */
    setRole(threadId: string, userId: string, role: "owner" | "member"): Promise<ChangedGroup>;
    /**
     * Leaves for good. Repeating it is refused with `not_found`.
     * @param {string} threadId
     * @returns {Promise<import('../documents.js').ThreadAck | Queued>}
     */
    leave(threadId: string): Promise<import("../documents.js").ThreadAck | Queued>;
    /**
     * Puts a thread away, for the caller only, until somebody else writes.
     * @param {string} threadId
     * @returns {Promise<import('../documents.js').ArchiveAnswer | Queued>}
     */
    archive(threadId: string): Promise<import("../documents.js").ArchiveAnswer | Queued>;
    /**
     * @param {string} threadId
     * @returns {Promise<import('../documents.js').ArchiveAnswer | Queued>}
     */
    unarchive(threadId: string): Promise<import("../documents.js").ArchiveAnswer | Queued>;
    /**
     * Marks as read, up to `seq` or everything that is there.
     * @param {string} threadId
     * @param {number} [seq]
     * @returns {Promise<import('../documents.js').ReadAnswer | Queued>}
     */
    read(threadId: string, seq?: number): Promise<import("../documents.js").ReadAnswer | Queued>;
    /**
     * A page of the pinned messages; what was pinned last comes first.
     * @param {string} threadId
     * @param {PageQuery} [page]
     * @returns {Promise<import('../documents.js').PinsPage>}
     */
    pins(threadId: string, page?: PageQuery): Promise<import("../documents.js").PinsPage>;
    /**
     * Marks messages of others as unread again for oneself, from `seq` on or the newest one.
     * @param {string} threadId
     * @param {number} [seq]
     * @returns {Promise<import('../documents.js').ReadAnswer | Queued>}
     */
    unread(threadId: string, seq?: number): Promise<import("../documents.js").ReadAnswer | Queued>;
    #private;
}
export type ListedThread = import("../documents.js").ListedThread;
export type Queued = import("../documents.js").Queued;
export type PageQuery = import("./path.js").PageQuery;
export type GroupLook = import("../documents.js").GroupLook;
export type ChangedGroup = import("../documents.js").ThreadAnswer | Queued;
