// The client of EventFlow messaging for browsers and Node.

export { Conversation } from './conversation.js';
export { EventFlow, connect } from './client.js';
export { Refusal } from './refusal.js';
export { defaultStorage, indexedDbStorage, memoryStorage, webStorage } from './storage.js';
export { typed } from './typed.js';

/** @typedef {import('./client.js').Options} Options */
/** @typedef {import('./conversation.js').Snapshot} Snapshot */
/** @typedef {import('./documents.js').Attachment} Attachment */
/** @typedef {import('./documents.js').Device} Device */
/** @typedef {import('./documents.js').HistoryPage} HistoryPage */
/** @typedef {import('./documents.js').ListedThread} ListedThread */
/** @typedef {import('./documents.js').Message} Message */
/** @typedef {import('./documents.js').Notification} Notification */
/** @typedef {import('./documents.js').Person} Person */
/** @typedef {import('./documents.js').Preferences} Preferences */
/** @typedef {import('./documents.js').PreferencesChange} PreferencesChange */
/** @typedef {import('./documents.js').Presence} Presence */
/** @typedef {import('./documents.js').Quote} Quote */
/** @typedef {import('./documents.js').StoredFile} StoredFile */
/** @typedef {import('./documents.js').Thread} Thread */
/** @typedef {import('./events.js').ConnectionState} ConnectionState */
/** @typedef {import('./events.js').Events} Events */
/** @typedef {import('./events.js').Requests} Requests */
/** @typedef {import('./outbox.js').Draft} Draft */
/** @typedef {import('./outbox.js').OutboxEntry} OutboxEntry */
/** @typedef {import('./refusal.js').RefusalCode} RefusalCode */
/** @typedef {import('./storage.js').Keeper} Keeper */
