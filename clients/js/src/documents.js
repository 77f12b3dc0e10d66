// The JSON of the server, by the names of this package. Types only: they are made of the documents of the
// contract (types/contract.d.ts), which say what each field means.

/** A time of the server: ISO 8601 in UTC with milliseconds. @typedef {string} Time */

/** A file, as a message that is sent names it. */
/** @typedef {import('../types/contract.js').AttachmentReference} Attachment */
/** A file, as a message shows it. */
/** @typedef {import('../types/contract.js').Attachment} StoredFile */
/** @typedef {import('../types/contract.js').AttachmentAnswer} AttachmentAnswer */
/** @typedef {import('../types/contract.js').UploadAnswer} UploadAnswer */
/** @typedef {import('../types/contract.js').Reaction} Reaction */
/** @typedef {import('../types/contract.js').MessageStatus} MessageStatus */
/** @typedef {import('../types/contract.js').Quote} Quote */
/** @typedef {import('../types/contract.js').MessageWithId} Message */
/** @typedef {Omit<import('../types/contract.js').CreatedThread, 'members'>} Thread */
/** @typedef {import('../types/contract.js').ListedThread} ListedThread */
/** @typedef {import('../types/contract.js').Participant} Person */
/** @typedef {import('../types/contract.js').PersonCursors} Cursors */
/** @typedef {import('../types/contract.js').Presence} Presence */
/** @typedef {import('../types/contract.js').NotificationWithId} Notification */
/** @typedef {import('../types/contract.js').Channels} Channels */
/** @typedef {import('../types/contract.js').Mute} Mute */
/** @typedef {import('../types/contract.js').Preferences} Preferences */
/** @typedef {import('../types/contract.js').PreferencesBody} PreferencesChange */
/** @typedef {import('../types/contract.js').ShownDevice} Device */
/** @typedef {import('../types/contract.js').ListedDelivery} Delivery */
/** @typedef {import('../types/contract.js').ShownSend} Send */
/** @typedef {import('../types/contract.js').QueuedAnswer} Queued */
/** @typedef {import('../types/contract.js').DoneAnswer} Done */
/** @typedef {import('../types/contract.js').ThreadAnswer} ThreadAnswer */
/** @typedef {import('../types/contract.js').ThreadsAnswer} ThreadsPage */
/** @typedef {import('../types/contract.js').ParticipantsAnswer} ParticipantsPage */
/** @typedef {import('../types/contract.js').MembersAnswer} MembersPage */
/** @typedef {import('../types/contract.js').GroupBody} GroupLook */
/** @typedef {import('../types/contract.js').BlockAnswer} BlockAnswer */
/** @typedef {import('../types/contract.js').ReportBody} ReportRequest */
/** @typedef {import('../types/contract.js').ReportedAnswer} ReportedAnswer */
/** @typedef {import('../types/contract.js').ReportAnswer} ReportAnswer */
/** @typedef {import('../types/contract.js').ReportsAnswer} ReportsPage */
/** @typedef {import('../types/contract.js').BlocksAnswer} BlocksPage */
/** @typedef {import('../types/contract.js').ThreadAck} ThreadAck */
/** @typedef {import('../types/contract.js').ArchiveAnswer} ArchiveAnswer */
/** @typedef {import('../types/contract.js').CursorAnswer} ReadAnswer */
/** @typedef {import('../types/contract.js').EditsAnswer} Edits */
/** @typedef {import('../types/contract.js').PinsAnswer} PinsPage */
/** @typedef {import('../types/contract.js').ErasureAnswer} ErasureAnswer */
/** @typedef {import('../types/contract.js').ExportRecord} ExportRecord */
/** @typedef {import('../types/contract.js').DraftAnswer} DraftAnswer */
/** @typedef {import('../types/contract.js').DraftsAnswer} DraftsPage */
/** @typedef {import('../types/contract.js').ScheduledAnswer} ScheduledAnswer */
/** @typedef {import('../types/contract.js').ScheduledListAnswer} ScheduledPage */
/** @typedef {import('../types/contract.js').ShownScheduled} ShownScheduled */
/** @typedef {import('../types/contract.js').HistoryAnswer} HistoryPage */
/** A message that was found. `content.slice(start, end)` of its highlights is what was looked for. */
/** @typedef {import('../types/contract.js').SearchHit} SearchHit */
/** @typedef {import('../types/contract.js').SearchAnswer} SearchPage */
/** @typedef {import('../types/contract.js').MessageAnswer} MessageAnswer */
/** @typedef {import('../types/contract.js').ChangeAnswer} ChangeAnswer */
/** @typedef {import('../types/contract.js').NotificationsAnswer} NotificationsPage */
/** @typedef {import('../types/contract.js').CountAnswer} CountAnswer */
/** @typedef {import('../types/contract.js').PreferencesAnswer} PreferencesAnswer */
/** @typedef {import('../types/contract.js').DeliveriesAnswer} DeliveriesPage */
/** @typedef {import('../types/contract.js').SendsAnswer} SendsPage */
/** @typedef {import('../types/contract.js').SuppressionsAnswer} SuppressionsPage */
/** @typedef {import('../types/contract.js').NotifiedAnswer} NotifiedAnswer */
/** @typedef {import('../types/contract.js').SyncedMessages} SyncedThread */
/** @typedef {import('../types/contract.js').RefusedThread} RefusedThread */
/** @typedef {import('../types/contract.js').SyncAnswer} SyncAnswer */

export {};
