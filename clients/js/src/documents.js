// The JSON of the server, as docs/PROTOCOL.md describes it: documents, and answers with them. Types only.

/** A time of the server: ISO 8601 in UTC with milliseconds. @typedef {string} Time */

/**
 * @typedef {object} Attachment
 * @property {'image' | 'video' | 'document'} type
 * @property {string} url an https address, or a path on the same site
 * @property {string} [filename]
 * @property {number} [size] bytes
 * @property {string} [mimeType]
 * @property {Record<string, unknown>} [metadata]
 */

/**
 * @typedef {object} Reaction
 * @property {string} emoji
 * @property {string} userId
 * @property {Time} createdAt
 */

/**
 * How far a message has come with all its recipients.
 * @typedef {'sent' | 'delivered' | 'read'} MessageStatus
 */

/**
 * @typedef {object} Message
 * @property {string} _id
 * @property {string} id the same as `_id`
 * @property {string} threadId
 * @property {number} seq its place in the thread: 1, 2, 3 … without a gap
 * @property {string} senderId
 * @property {string} content as the server writes it; `typed(content)` is what was typed
 * @property {Required<Attachment>[]} attachments
 * @property {Reaction[]} reactions
 * @property {MessageStatus} status
 * @property {{ userId: string, readAt: Time }[]} readBy
 * @property {{ userId: string, deliveredAt: Time }[]} deliveredTo
 * @property {boolean} isDraft
 * @property {string} [clientMessageId] the sender's key
 * @property {Time} [editedAt]
 * @property {Time} [deletedAt] when its sender took it back
 * @property {Time} createdAt
 * @property {Time} updatedAt
 */

/**
 * @typedef {object} Thread
 * @property {string} _id
 * @property {string} id the same as `_id`
 * @property {string[]} participants at most the first 50
 * @property {number} participantCount
 * @property {string | null} lastMessageId
 * @property {Time | null} lastMessageAt
 * @property {number} lastSeq
 * @property {'active' | 'archived' | 'deleted'} status
 * @property {Record<string, unknown>} metadata
 * @property {Time} createdAt
 * @property {Time} updatedAt
 */

/**
 * What only the caller sees of a thread.
 * @typedef {object} ThreadOfCaller
 * @property {number} unreadCount
 * @property {Message | null} lastMessage
 * @property {{ id: string | null, name: string, avatar: string }} participant
 */

/** A thread as the caller's list shows it. @typedef {Thread & ThreadOfCaller} ListedThread */

/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {string} avatar
 */

/**
 * How far somebody has come in a thread.
 * @typedef {{ userId: string, deliveredSeq: number, readSeq: number }} Cursors
 */

/** @typedef {{ userId: string, status: 'online' | 'away' | 'offline', lastSeen: Time | null }} Presence */

/**
 * @typedef {object} Notification
 * @property {string} _id
 * @property {string} id the same as `_id`
 * @property {string} userId
 * @property {string} type
 * @property {string} title
 * @property {string} message
 * @property {Record<string, unknown>} data
 * @property {string} [threadId]
 * @property {boolean} isRead
 * @property {Time} [readAt]
 * @property {Time} createdAt
 */

/**
 * The ways by which somebody is told.
 * @typedef {{ inApp: boolean, email: boolean, push: boolean }} Channels
 */

/**
 * A thread of which nobody is told; without an end for ever.
 * @typedef {{ threadId: string, until?: Time | null }} Mute
 */

/**
 * @typedef {object} Preferences
 * @property {Channels} channels
 * @property {Record<string, Channels>} types
 * @property {{ enabled: boolean, from: string, until: string }} quietHours
 * @property {{ every: 'immediately' | '15m' | '1h' | '1d', hour: number }} digest
 * @property {string} timeZone
 * @property {string} locale
 * @property {boolean} whenAway
 * @property {Mute[]} mutes
 * @property {Time | null} updatedAt
 */

/**
 * What a write of preferences may name.
 * @typedef {object} PreferencesChange
 * @property {Partial<Channels>} [channels]
 * @property {Record<string, Partial<Channels>>} [types]
 * @property {{ enabled?: boolean, from?: string, until?: string }} [quietHours]
 * @property {{ every?: 'immediately' | '15m' | '1h' | '1d', hour?: number }} [digest]
 * @property {string} [timeZone]
 * @property {string} [locale]
 * @property {boolean} [whenAway]
 * @property {Mute[]} [mutes]
 */

/**
 * What pushes go to.
 * @typedef {{ _id: string, kind: 'webpush' | 'fcm', name: string, registeredAt: Time }} Device
 */

/**
 * One row of the delivery log.
 * @typedef {object} Delivery
 * @property {string} userId
 * @property {string} channel
 * @property {'held' | 'folded' | 'suppressed' | 'sent' | 'failed'} outcome
 * @property {Time} at
 * @property {string} [messageId]
 * @property {string} [threadId]
 * @property {string} [notificationId]
 * @property {string} [windowId]
 * @property {Time} [until]
 * @property {string} [waitsFor]
 * @property {string} [reason]
 * @property {string} [provider]
 * @property {string} [answer]
 */

/**
 * A notification to many people.
 * @typedef {object} Send
 * @property {string} _id
 * @property {string} by
 * @property {{ users?: number, role?: string, everybody?: boolean }} to
 * @property {string} type
 * @property {string} title
 * @property {string | null} template
 * @property {'scheduled' | 'running' | 'done' | 'cancelled'} state
 * @property {number | null} total
 * @property {number} sent
 * @property {number} suppressed
 * @property {number} failed
 * @property {Time} createdAt
 * @property {Time | null} sendAt
 * @property {Time | null} startedAt
 * @property {Time | null} endedAt
 */

/**
 * The server has the change and carries it out once its store answers.
 * @typedef {object} Queued
 * @property {true} success
 * @property {'queued'} status
 * @property {string} commandId
 * @property {string} [threadId]
 */

/** @typedef {{ success: true }} Done */
/**
 * A page; `nextCursor` leads to the next one and is `null` at the end.
 * @typedef {{ success: true, nextCursor: string | null }} Page
 */
/** @typedef {{ success: true, thread: ListedThread }} ThreadAnswer */
/** @typedef {Page & { threads: ListedThread[] }} ThreadsPage */
/** @typedef {Page & { participants: Person[], participantCount: number }} ParticipantsPage */
/** @typedef {{ success: true, threadId: string }} ThreadAck */
/** @typedef {{ success: true, threadId: string, status: 'active' | 'archived' }} ArchiveAnswer */
/** @typedef {{ success: true, threadId: string, seq: number, unreadCount: number }} ReadAnswer */
/**
 * `cursors` and `gap` come with what changed.
 * @typedef {Page & { messages: Message[], lastChange: number, cursors?: Cursors[],
 * gap?: boolean }} HistoryPage
 */
/**
 * A message that was found. `highlights` are the places of its `content` that were looked for:
 * `content.slice(start, end)`.
 * @typedef {{ message: Message, highlights: { start: number, end: number }[] }} SearchHit
 */
/**
 * `complete` is false while not every message could be searched.
 * @typedef {Page & { hits: SearchHit[], complete: boolean }} SearchPage
 */
/** @typedef {{ success: true, message: Message, deduplicated?: boolean }} MessageAnswer */
/**
 * @typedef {{ success: true, message: Message, action?: 'edited' | 'deleted' | 'added' | 'removed',
 * reactions?: Reaction[] }} ChangeAnswer
 */
/** @typedef {Page & { notifications: Notification[], unreadCount: number }} NotificationsPage */
/** @typedef {{ success: true, count: number }} CountAnswer */
/** @typedef {{ success: true, preferences: Preferences }} PreferencesAnswer */
/** @typedef {Page & { deliveries: Delivery[] }} DeliveriesPage */

/**
 * What became of each person's notification.
 * @typedef {object} NotifiedAnswer
 * @property {true} success
 * @property {Notification | null} notification
 * @property {Notification[]} notifications
 * @property {string[]} queued
 * @property {string[]} failed
 * @property {string[]} unwanted
 * @property {boolean} [deduplicated]
 */

/**
 * One thread of the answer to `sync`.
 * @typedef {object} SyncedThread
 * @property {string} threadId
 * @property {Message[]} messages
 * @property {Message[]} [changed]
 * @property {Cursors[]} [cursors]
 * @property {number} lastChange
 * @property {boolean} complete
 * @property {boolean} gap
 * @property {true} [success]
 */

/** @typedef {{ threadId: string, success: false, error: string, code: string }} RefusedThread */
/**
 * @typedef {{ success: true, threads: (SyncedThread | RefusedThread)[], newThreads?: string[] }} SyncAnswer
 */

export {};
