export type Message = import("./documents.js").Message;
export type Thread = import("./documents.js").Thread;
export type Time = import("./documents.js").Time;
export type Queued = import("./documents.js").Queued;
export type Presence = import("./documents.js").Presence;
export type Reaction = import("./documents.js").Reaction;
export type Attachment = import("./documents.js").Attachment;
export type Cursors = import("./documents.js").Cursors;
export type Notification = import("./documents.js").Notification;
export type Preferences = import("./documents.js").Preferences;
export type ThreadAck = import("./documents.js").ThreadAck;
export type ReadAnswer = import("./documents.js").ReadAnswer;
export type ChangeAnswer = import("./documents.js").ChangeAnswer;
export type Refusal = import("./refusal.js").Refusal;
export type OutboxEntry = import("./outbox.js").OutboxEntry;
/**
 * Somebody has received or read a thread further.
 */
export type Receipt = {
    threadId: string;
    userId: string;
    seq: number;
    messageId: string | null;
    messages: {
        _id: string;
        seq: number;
        status: import("./documents.js").MessageStatus;
    }[];
};
/**
 * An event was refused, or a credential.
 */
export type EventRefused = {
    error: string;
    code: string;
    retryAfterMs?: number;
};
/**
 * A message that was sent is stored.
 */
export type MessageSent = {
    success: true;
    message: Message;
    clientMessageId?: string | undefined;
    deduplicated?: boolean | undefined;
};
/**
 * Somebody put an emoji on a message or took one off; `reactions` are all that it has now.
 */
export type ReactionReceived = {
    messageId: string;
    threadId: string;
    seq: number;
    userId: string;
    emoji: string | null;
    action: "added" | "removed";
    reactions: Reaction[];
};
/**
 * What changed of a thread for this person alone.
 */
export type ThreadChange = {
    _id: string;
    id: string;
    unreadCount?: number | undefined;
    status?: "active" | "archived" | undefined;
    updatedAt: Time;
};
/**
 * The person read or deleted a notification, or all of them, on any device.
 */
export type NotificationChange = {
    action: "read" | "deleted";
    notificationId: string | null;
    unreadCount: number | null;
    updatedAt: Time;
};
/**
 * Events of the server, as they came: live, perhaps twice, and none of what happened while there was no
 * connection. `message`, `changed` and `cursors` tell that too.
 */
export type ServerEvents = {
    "message:sent": MessageSent;
    "message:queued": Queued & {
        clientMessageId: string | null;
    };
    "message:error": EventRefused & {
        success: false;
        threadId?: string;
        clientMessageId?: string;
    };
    "message:received": {
        message: Message;
    };
    "message:updated": {
        message: Message;
    };
    "message:deleted": {
        messageId: string;
        threadId: string;
        seq: number;
        deletedAt: Time;
    };
    "reaction:received": ReactionReceived;
    "message:read:update": Receipt & {
        readAt: Time;
    };
    "message:status": Receipt & {
        deliveredAt: Time;
    };
    "thread:created": {
        thread: Thread & {
            members: import("./documents.js").Person[];
        };
    };
    "thread:left": {
        threadId: string;
        userId: string;
        participantCount: number;
        leftAt: Time;
    };
    "thread:updated": {
        thread: ThreadChange;
    };
    "typing:update": {
        threadId: string;
        userId: string;
        isTyping: boolean;
    };
    "presence:sync": Presence;
    "presence:update": Presence;
    "presence:chosen": {
        status: "online" | "away";
        updatedAt: Time;
    };
    "notification:received": {
        notification: Notification;
        unreadCount?: number;
    };
    "notification:updated": NotificationChange;
    "preferences:updated": {
        preferences: Preferences;
    };
    "auth:success": {
        userId: string;
    };
    "auth:error": EventRefused;
    "session:ended": {
        reason: string;
    };
    "error": EventRefused & {
        event: string;
    };
};
/**
 * How the connection is.
 */
export type ConnectionState = "closed" | "connecting" | "online" | "offline" | "ended";
/**
 * Events of this package.
 *
 * - `message`: a message of a thread; each once, in the order of `seq`, also after an absence.
 * - `changed`: a message as it is now; it was edited, taken back or reacted to during an absence.
 * - `cursors`: how far everybody has come in a thread, after an absence.
 * - `thread:found`: a thread that began, or was written to, during an absence, and that nobody here knew.
 * - `thread:lost`: the person is not in this thread any more.
 * - `thread:reset`: the server does not have what this client has of the thread (its data was restored from a
 *   copy); read the thread again.
 * - `state`: the connection is another way. `ended`: only another credential helps, see `useToken`.
 * - `resumed`: everything that was missed has been told.
 * - `outbox`: what waits to be stored changed.
 * - `stored`, `refused`: what became of a message that was written here, also before a reload.
 * - `storage:error`: something could not be kept over a reload; the message is sent all the same.
 */
export type OwnEvents = {
    "message": {
        message: Message;
        threadId: string;
    };
    "changed": {
        message: Message;
        threadId: string;
    };
    "cursors": {
        threadId: string;
        cursors: Cursors[];
    };
    "thread:found": {
        thread: import("./documents.js").ListedThread;
    };
    "thread:lost": {
        threadId: string;
    };
    "thread:reset": {
        threadId: string;
    };
    "state": {
        state: ConnectionState;
        refusal?: Refusal;
        recovered?: boolean;
    };
    "resumed": {
        threads: number;
    };
    "outbox": {
        threadId: string;
    };
    "stored": {
        message: Message;
        key: string;
    };
    "refused": {
        entry: OutboxEntry;
        refusal: Refusal;
    };
    "storage:error": {
        error: unknown;
    };
};
/**
 * Every event that can be listened to.
 */
export type Events = ServerEvents & OwnEvents;
/**
 * The argument of `message:send`.
 */
export type SendBody = {
    threadId: string;
    content?: string | undefined;
    attachments?: import("./documents.js").Attachment[] | undefined;
    /**
     * the id of the message that this one answers
     */
    replyTo?: string | undefined;
    clientMessageId?: string | undefined;
};
/**
 * The argument of `sync`.
 */
export type SyncBody = {
    threads: {
        threadId: string;
        after?: number;
        changesAfter?: number;
    }[];
    limit?: number | undefined;
    threadsAfter?: string | undefined;
};
/**
 * A message that the server has only queued.
 */
export type SendQueued = Queued & {
    message?: undefined;
};
/**
 * An argument that names a thread.
 */
export type OfThread = {
    threadId: string;
};
export type ReactionAction = "add" | "remove" | "toggle";
/**
 * What a client may ask over the socket: the argument and the answer of each event.
 */
export type Requests = {
    "auth": {
        body: {
            userId?: string;
            token?: string;
        };
        answer: {
            success: true;
            userId: string;
        };
    };
    "message:send": {
        body: SendBody;
        answer: MessageSent | SendQueued;
    };
    "message:edit": {
        body: {
            messageId: string;
            content: string;
        };
        answer: ChangeAnswer | Queued;
    };
    "message:delete": {
        body: {
            messageId: string;
        };
        answer: ChangeAnswer | Queued;
    };
    "reaction:send": {
        body: {
            messageId: string;
            emoji: string;
            action?: ReactionAction;
        };
        answer: ChangeAnswer | Queued;
    };
    "message:read": {
        body: {
            messageId: string;
        } | (OfThread & {
            seq: number;
        });
        answer: ReadAnswer | Queued;
    };
    "thread:read": {
        body: OfThread;
        answer: ReadAnswer | Queued;
    };
    "thread:join": {
        body: OfThread;
        answer: ThreadAck;
    };
    "thread:leave": {
        body: OfThread;
        answer: ThreadAck;
    };
    "typing:start": {
        body: OfThread;
        answer: ThreadAck;
    };
    "typing:stop": {
        body: OfThread;
        answer: ThreadAck;
    };
    "presence:update": {
        body: {
            status: "online" | "away";
        };
        answer: {
            success: true;
            status: "online" | "away";
        };
    };
    "presence:sync": {
        body: {
            userIds: string[];
        };
        answer: {
            success: true;
            presence: Presence[];
        };
    };
    "sync": {
        body: SyncBody;
        answer: import("./documents.js").SyncAnswer;
    };
};
