export class Receipts {
    /**
     * @param {string[]} participants
     * @param {number} count how many there are; of a large thread only the first are known
     */
    constructor(participants: string[], count: number);
    /**
     * Takes `message:status` (`delivered`) or `message:read:update` (`read`).
     * @param {'delivered' | 'read'} kind
     * @param {import('./events.js').Receipt} receipt
     */
    heard(kind: "delivered" | "read", { userId, seq, messages }: import("./events.js").Receipt): void;
    /**
     * Takes everybody's cursors, as the server tells them after an absence.
     * @param {import('./documents.js').Cursors[]} cursors
     */
    told(cursors: import("./documents.js").Cursors[]): void;
    /**
     * The message with what was heard of it.
     * @param {Message} message
     * @returns {Message}
     */
    applied(message: Message): Message;
    /**
     * Who has read a message; nobody in a large thread, where that is not told.
     * @param {Message} message
     * @returns {string[]}
     */
    readers(message: Message): string[];
    #private;
}
export type Message = import("./documents.js").Message;
export type MessageStatus = import("./documents.js").MessageStatus;
