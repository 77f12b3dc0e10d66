/**
 * A time of the server: ISO 8601 in UTC with milliseconds.
 */
export type Time = string;
export type Attachment = {
    type: "image" | "video" | "document";
    /**
     * an https address, or a path on the same site
     */
    url: string;
    filename?: string | undefined;
    /**
     * bytes
     */
    size?: number | undefined;
    mimeType?: string | undefined;
    metadata?: Record<string, unknown> | undefined;
};
export type Reaction = {
    emoji: string;
    userId: string;
    createdAt: Time;
};
/**
 * How far a message has come with all its recipients.
 */
export type MessageStatus = "sent" | "delivered" | "read";
export type Message = {
    _id: string;
    /**
     * the same as `_id`
     */
    id: string;
    threadId: string;
    /**
     * its place in the thread: 1, 2, 3 … without a gap
     */
    seq: number;
    senderId: string;
    /**
     * as the server writes it; `typed(content)` is what was typed
     */
    content: string;
    attachments: Required<Attachment>[];
    reactions: Reaction[];
    status: MessageStatus;
    readBy: {
        userId: string;
        readAt: Time;
    }[];
    deliveredTo: {
        userId: string;
        deliveredAt: Time;
    }[];
    isDraft: boolean;
    /**
     * the sender's key
     */
    clientMessageId?: string | undefined;
    editedAt?: string | undefined;
    /**
     * when its sender took it back
     */
    deletedAt?: string | undefined;
    createdAt: Time;
    updatedAt: Time;
};
export type Thread = {
    _id: string;
    /**
     * the same as `_id`
     */
    id: string;
    /**
     * at most the first 50
     */
    participants: string[];
    participantCount: number;
    lastMessageId: string | null;
    lastMessageAt: Time | null;
    lastSeq: number;
    status: "active" | "archived" | "deleted";
    metadata: Record<string, unknown>;
    createdAt: Time;
    updatedAt: Time;
};
/**
 * What only the caller sees of a thread.
 */
export type ThreadOfCaller = {
    unreadCount: number;
    lastMessage: Message | null;
    participant: {
        id: string | null;
        name: string;
        avatar: string;
    };
};
/**
 * A thread as the caller's list shows it.
 */
export type ListedThread = Thread & ThreadOfCaller;
export type Person = {
    id: string;
    name: string;
    avatar: string;
};
/**
 * How far somebody has come in a thread.
 */
export type Cursors = {
    userId: string;
    deliveredSeq: number;
    readSeq: number;
};
export type Presence = {
    userId: string;
    status: "online" | "away" | "offline";
    lastSeen: Time | null;
};
export type Notification = {
    _id: string;
    /**
     * the same as `_id`
     */
    id: string;
    userId: string;
    type: string;
    title: string;
    message: string;
    data: Record<string, unknown>;
    threadId?: string | undefined;
    isRead: boolean;
    readAt?: string | undefined;
    createdAt: Time;
};
/**
 * The ways by which somebody is told.
 */
export type Channels = {
    inApp: boolean;
    email: boolean;
    push: boolean;
};
/**
 * A thread of which nobody is told; without an end for ever.
 */
export type Mute = {
    threadId: string;
    until?: Time | null;
};
export type Preferences = {
    channels: Channels;
    types: Record<string, Channels>;
    quietHours: {
        enabled: boolean;
        from: string;
        until: string;
    };
    digest: {
        every: "immediately" | "15m" | "1h" | "1d";
        hour: number;
    };
    timeZone: string;
    locale: string;
    whenAway: boolean;
    mutes: Mute[];
    updatedAt: Time | null;
};
/**
 * What a write of preferences may name.
 */
export type PreferencesChange = {
    channels?: Partial<Channels> | undefined;
    types?: Record<string, Partial<Channels>> | undefined;
    quietHours?: {
        enabled?: boolean;
        from?: string;
        until?: string;
    } | undefined;
    digest?: {
        every?: "immediately" | "15m" | "1h" | "1d";
        hour?: number;
    } | undefined;
    timeZone?: string | undefined;
    locale?: string | undefined;
    whenAway?: boolean | undefined;
    mutes?: Mute[] | undefined;
};
/**
 * What pushes go to.
 */
export type Device = {
    _id: string;
    kind: "webpush" | "fcm";
    name: string;
    registeredAt: Time;
};
/**
 * One row of the delivery log.
 */
export type Delivery = {
    userId: string;
    channel: string;
    outcome: "held" | "folded" | "suppressed" | "sent" | "failed";
    at: Time;
    messageId?: string | undefined;
    threadId?: string | undefined;
    notificationId?: string | undefined;
    windowId?: string | undefined;
    until?: string | undefined;
    waitsFor?: string | undefined;
    reason?: string | undefined;
    provider?: string | undefined;
    answer?: string | undefined;
};
/**
 * A notification to many people.
 */
export type Send = {
    _id: string;
    by: string;
    to: {
        users?: number;
        role?: string;
        everybody?: boolean;
    };
    type: string;
    title: string;
    template: string | null;
    state: "scheduled" | "running" | "done" | "cancelled";
    total: number | null;
    sent: number;
    suppressed: number;
    failed: number;
    createdAt: Time;
    sendAt: Time | null;
    startedAt: Time | null;
    endedAt: Time | null;
};
/**
 * The server has the change and carries it out once its store answers.
 */
export type Queued = {
    success: true;
    status: "queued";
    commandId: string;
    threadId?: string | undefined;
};
export type Done = {
    success: true;
};
/**
 * A page; `nextCursor` leads to the next one and is `null` at the end.
 */
export type Page = {
    success: true;
    nextCursor: string | null;
};
export type ThreadAnswer = {
    success: true;
    thread: ListedThread;
};
export type ThreadsPage = Page & {
    threads: ListedThread[];
};
export type ParticipantsPage = Page & {
    participants: Person[];
    participantCount: number;
};
export type ThreadAck = {
    success: true;
    threadId: string;
};
export type ArchiveAnswer = {
    success: true;
    threadId: string;
    status: "active" | "archived";
};
export type ReadAnswer = {
    success: true;
    threadId: string;
    seq: number;
    unreadCount: number;
};
/**
 * `cursors` and `gap` come with what changed.
 */
export type HistoryPage = Page & {
    messages: Message[];
    lastChange: number;
    cursors?: Cursors[];
    gap?: boolean;
};
/**
 * A message that was found. `highlights` are the places of its `content` that were looked for:
 * `content.slice(start, end)`.
 */
export type SearchHit = {
    message: Message;
    highlights: {
        start: number;
        end: number;
    }[];
};
/**
 * `complete` is false while not every message could be searched.
 */
export type SearchPage = Page & {
    hits: SearchHit[];
    complete: boolean;
};
export type MessageAnswer = {
    success: true;
    message: Message;
    deduplicated?: boolean;
};
export type ChangeAnswer = {
    success: true;
    message: Message;
    action?: "edited" | "deleted" | "added" | "removed";
    reactions?: Reaction[];
};
export type NotificationsPage = Page & {
    notifications: Notification[];
    unreadCount: number;
};
export type CountAnswer = {
    success: true;
    count: number;
};
export type PreferencesAnswer = {
    success: true;
    preferences: Preferences;
};
export type DeliveriesPage = Page & {
    deliveries: Delivery[];
};
/**
 * What became of each person's notification.
 */
export type NotifiedAnswer = {
    success: true;
    notification: Notification | null;
    notifications: Notification[];
    queued: string[];
    failed: string[];
    unwanted: string[];
    deduplicated?: boolean | undefined;
};
/**
 * One thread of the answer to `sync`.
 */
export type SyncedThread = {
    threadId: string;
    messages: Message[];
    changed?: Message[] | undefined;
    cursors?: Cursors[] | undefined;
    lastChange: number;
    complete: boolean;
    gap: boolean;
    success?: true | undefined;
};
export type RefusedThread = {
    threadId: string;
    success: false;
    error: string;
    code: string;
};
export type SyncAnswer = {
    success: true;
    threads: (SyncedThread | RefusedThread)[];
    newThreads?: string[];
};
