export class Conversation {
    /**
     * @param {import('./client.js').EventFlow} client
     * @param {string} threadId
     */
    constructor(client: import("./client.js").EventFlow, threadId: string);
    threadId: string;
    /** What there is to show now. */
    get snapshot(): Snapshot | Readonly<{
        thread: {
            _id: string;
            createdAt: string;
            group?: import("../types/contract.js").components["schemas"]["Group"];
            id: string;
            lastMessage: import("../types/contract.js").components["schemas"]["MessageWithId"] | null;
            lastMessageAt: string | null;
            lastMessageId: string | null;
            lastSeq: number;
            members: import("../types/contract.js").components["schemas"]["ThreadMember"][];
            metadata: {
                [key: string]: unknown;
            };
            participant: import("../types/contract.js").components["schemas"]["ThreadCompanion"];
            participantCount: number;
            participants: string[];
            status: import("../types/contract.js").components["schemas"]["ThreadStatus"];
            unreadCount: number;
            unreadMentions: number;
            updatedAt: string;
        } | undefined;
        messages: {
            _id: string;
            attachments: import("../types/contract.js").components["schemas"]["Attachment"][];
            clientMessageId?: string;
            content: string;
            createdAt: string;
            deletedAt?: string;
            deliveredTo: import("../types/contract.js").components["schemas"]["DeliveryReceipt"][];
            editedAt?: string;
            id: string;
            isDraft: boolean;
            mentions?: string[];
            pinned?: import("../types/contract.js").components["schemas"]["Pinned"];
            reactions: import("../types/contract.js").components["schemas"]["Reaction"][];
            readBy: import("../types/contract.js").components["schemas"]["ReadReceipt"][];
            replyTo?: import("../types/contract.js").components["schemas"]["ReplyTo"];
            senderId: string;
            seq: number;
            status: import("../types/contract.js").components["schemas"]["MessageStatus"];
            threadId: string;
            updatedAt: string;
        }[];
        pending: {
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
        }[];
        typing: string[];
        isOpen: boolean;
        hasOlder: boolean;
    }>;
    /**
     * Calls `act` after each change. Gives a function that ends it.
     * @param {() => void} act
     * @returns {() => void}
     */
    subscribe: (act: () => void) => () => void;
    /**
     * What there is to show now; for React's `useSyncExternalStore`, as `subscribe`.
     * @returns {Snapshot}
     */
    getSnapshot: () => Snapshot;
    /**
     * Reads the newest messages and follows the thread from then on; also again, after `close`. Rejects with an
     * `AbortError` if it is closed meanwhile.
     */
    open(): Promise<void>;
    /** Ends it: nobody looks any more. What was shown last stays in the snapshot until it is opened again. */
    close(): void;
    /** Reads a page of what was before. */
    older(): Promise<void>;
    /**
     * Sends a message by the outbox; it is shown as pending until it is stored.
     * @param {string | import('./outbox.js').Draft} draft
     * @returns {Promise<Message>}
     */
    send(draft: string | import("./outbox.js").Draft): Promise<Message>;
    /** Marks everything that is shown as read, once. */
    markRead(): Promise<void>;
    /** Tells the others that the person types. The server ends it after 6 s; call it again with each key. */
    startTyping(): void;
    /** Tells the others that the person does not type any more. */
    stopTyping(): void;
    /**
     * Who has read a message.
     * @param {Message} message
     * @returns {string[]}
     */
    readers(message: Message): string[];
    #private;
}
export type Message = import("./documents.js").Message;
export type ListedThread = import("./documents.js").ListedThread;
export type HistoryQuery = import("./api/messages.js").HistoryQuery;
/**
 * Which page of the history.
 */
export type Query = import("./api/path.js").PageQuery & HistoryQuery;
/**
 * What happens to a message.
 */
export type Change = (message: Message) => Message;
export type Snapshot = {
    thread: ListedThread | undefined;
    /**
     * ascending by `seq`, without a gap
     */
    messages: readonly Message[];
    /**
     * what is not stored yet, behind them
     */
    pending: readonly import("./outbox.js").OutboxEntry[];
    /**
     * who types
     */
    typing: readonly string[];
    /**
     * whether the newest messages are here
     */
    isOpen: boolean;
    /**
     * whether there are messages before these
     */
    hasOlder: boolean;
};
