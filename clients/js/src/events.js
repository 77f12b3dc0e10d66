// The names and bodies of events: what the server sends, what a client may ask, and what this package tells
// by itself. Types only.

/** @typedef {import('./documents.js').Message} Message */
/** @typedef {import('./documents.js').Thread} Thread */
/** @typedef {import('./documents.js').Time} Time */
/** @typedef {import('./documents.js').Queued} Queued */
/** @typedef {import('./documents.js').Presence} Presence */
/** @typedef {import('./documents.js').Reaction} Reaction */
/** @typedef {import('./documents.js').Attachment} Attachment */
/** @typedef {import('./documents.js').Cursors} Cursors */
/** @typedef {import('./documents.js').Notification} Notification */
/** @typedef {import('./documents.js').Preferences} Preferences */
/** @typedef {import('./documents.js').ThreadAck} ThreadAck */
/** @typedef {import('./documents.js').ReadAnswer} ReadAnswer */
/** @typedef {import('./documents.js').ChangeAnswer} ChangeAnswer */
/** @typedef {import('./refusal.js').Refusal} Refusal */
/** @typedef {import('./outbox.js').OutboxEntry} OutboxEntry */

/**
 * Somebody has received or read a thread further.
 * @typedef {object} Receipt
 * @property {string} threadId
 * @property {string} userId
 * @property {number} seq
 * @property {string | null} messageId
 * @property {{ _id: string, seq: number, status: import('./documents.js').MessageStatus }[]} messages
 */

/**
 * An event was refused, or a credential.
 * @typedef {{ error: string, code: string, retryAfterMs?: number }} EventRefused
 */

/**
 * A message that was sent is stored.
 * @typedef {object} MessageSent
 * @property {true} success
 * @property {Message} message
 * @property {string} [clientMessageId]
 * @property {boolean} [deduplicated]
 */

/**
 * Somebody put an emoji on a message or took one off; `reactions` are all that it has now.
 * @typedef {object} ReactionReceived
 * @property {string} messageId
 * @property {string} threadId
 * @property {number} seq
 * @property {string} userId
 * @property {string | null} emoji
 * @property {'added' | 'removed'} action
 * @property {Reaction[]} reactions
 */

/**
 * What changed of a thread for this person alone.
 * @typedef {object} ThreadChange
 * @property {string} _id
 * @property {string} id
 * @property {number} [unreadCount]
 * @property {'active' | 'archived'} [status]
 * @property {Time} updatedAt
 */

/**
 * The person read or deleted a notification, or all of them, on any device.
 * @typedef {object} NotificationChange
 * @property {'read' | 'deleted'} action
 * @property {string | null} notificationId
 * @property {number | null} unreadCount
 * @property {Time} updatedAt
 */

/**
 * Events of the server, as they came: live, perhaps twice, and none of what happened while there was no
 * connection. `message`, `changed` and `cursors` tell that too.
 * @typedef {{
 *   'message:sent': MessageSent,
 *   'message:queued': Queued & { clientMessageId: string | null },
 *   'message:error': EventRefused & { success: false, threadId?: string, clientMessageId?: string },
 *   'message:received': { message: Message },
 *   'message:updated': { message: Message },
 *   'message:deleted': { messageId: string, threadId: string, seq: number, deletedAt: Time },
 *   'reaction:received': ReactionReceived,
 *   'message:read:update': Receipt & { readAt: Time },
 *   'message:status': Receipt & { deliveredAt: Time },
 *   'thread:created': { thread: Thread & { members: import('./documents.js').Person[] } },
 *   'thread:left': { threadId: string, userId: string, participantCount: number, leftAt: Time },
 *   'thread:updated': { thread: ThreadChange },
 *   'typing:update': { threadId: string, userId: string, isTyping: boolean },
 *   'presence:sync': Presence,
 *   'presence:update': Presence,
 *   'presence:chosen': { status: 'online' | 'away', updatedAt: Time },
 *   'notification:received': { notification: Notification, unreadCount?: number },
 *   'notification:updated': NotificationChange,
 *   'preferences:updated': { preferences: Preferences },
 *   'auth:success': { userId: string },
 *   'auth:error': EventRefused,
 *   'session:ended': { reason: string },
 *   'error': EventRefused & { event: string },
 * }} ServerEvents
 */

/**
 * How the connection is.
 * @typedef {'closed' | 'connecting' | 'online' | 'offline' | 'ended'} ConnectionState
 */

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
 * @typedef {{
 *   'message': { message: Message, threadId: string },
 *   'changed': { message: Message, threadId: string },
 *   'cursors': { threadId: string, cursors: Cursors[] },
 *   'thread:found': { thread: import('./documents.js').ListedThread },
 *   'thread:lost': { threadId: string },
 *   'thread:reset': { threadId: string },
 *   'state': { state: ConnectionState, refusal?: Refusal, recovered?: boolean },
 *   'resumed': { threads: number },
 *   'outbox': { threadId: string },
 *   'stored': { message: Message, key: string },
 *   'refused': { entry: OutboxEntry, refusal: Refusal },
 *   'storage:error': { error: unknown },
 * }} OwnEvents
 */

/** Every event that can be listened to. @typedef {ServerEvents & OwnEvents} Events */

/**
 * The argument of `message:send`.
 * @typedef {object} SendBody
 * @property {string} threadId
 * @property {string} [content]
 * @property {Attachment[]} [attachments]
 * @property {string} [replyTo] the id of the message that this one answers
 * @property {string} [clientMessageId]
 */

/**
 * The argument of `sync`.
 * @typedef {object} SyncBody
 * @property {{ threadId: string, after?: number, changesAfter?: number }[]} threads
 * @property {number} [limit]
 * @property {Time} [threadsAfter]
 */

/** A message that the server has only queued. @typedef {Queued & { message?: undefined }} SendQueued */
/** An argument that names a thread. @typedef {{ threadId: string }} OfThread */
/** @typedef {'add' | 'remove' | 'toggle'} ReactionAction */

/**
 * What a client may ask over the socket: the argument and the answer of each event.
 * @typedef {{
 *   'auth': { body: { userId?: string, token?: string }, answer: { success: true, userId: string } },
 *   'message:send': { body: SendBody, answer: MessageSent | SendQueued },
 *   'message:edit': { body: { messageId: string, content: string }, answer: ChangeAnswer | Queued },
 *   'message:delete': { body: { messageId: string }, answer: ChangeAnswer | Queued },
 *   'reaction:send': {
 *     body: { messageId: string, emoji: string, action?: ReactionAction }, answer: ChangeAnswer | Queued,
 *   },
 *   'message:read': {
 *     body: { messageId: string } | OfThread & { seq: number }, answer: ReadAnswer | Queued,
 *   },
 *   'thread:read': { body: OfThread, answer: ReadAnswer | Queued },
 *   'thread:join': { body: OfThread, answer: ThreadAck },
 *   'thread:leave': { body: OfThread, answer: ThreadAck },
 *   'typing:start': { body: OfThread, answer: ThreadAck },
 *   'typing:stop': { body: OfThread, answer: ThreadAck },
 *   'presence:update': {
 *     body: { status: 'online' | 'away' }, answer: { success: true, status: 'online' | 'away' },
 *   },
 *   'presence:sync': { body: { userIds: string[] }, answer: { success: true, presence: Presence[] } },
 *   'sync': { body: SyncBody, answer: import('./documents.js').SyncAnswer },
 * }} Requests
 */

export {};
