/**
 * A time of the server: ISO 8601 in UTC with milliseconds.
 */
export type Time = string;
/**
 * A file, as a message that is sent names it.
 */
export type Attachment = import("../types/contract.js").AttachmentReference;
export type Reaction = import("../types/contract.js").Reaction;
export type MessageStatus = import("../types/contract.js").MessageStatus;
export type Quote = import("../types/contract.js").Quote;
export type Message = import("../types/contract.js").MessageWithId;
export type Thread = Omit<import("../types/contract.js").CreatedThread, "members">;
export type ListedThread = import("../types/contract.js").ListedThread;
export type Person = import("../types/contract.js").Participant;
export type Cursors = import("../types/contract.js").PersonCursors;
export type Presence = import("../types/contract.js").Presence;
export type Notification = import("../types/contract.js").NotificationWithId;
export type Channels = import("../types/contract.js").Channels;
export type Mute = import("../types/contract.js").Mute;
export type Preferences = import("../types/contract.js").Preferences;
export type PreferencesChange = import("../types/contract.js").PreferencesBody;
export type Device = import("../types/contract.js").ShownDevice;
export type Delivery = import("../types/contract.js").ListedDelivery;
export type Send = import("../types/contract.js").ShownSend;
export type Queued = import("../types/contract.js").QueuedAnswer;
export type Done = import("../types/contract.js").DoneAnswer;
export type ThreadAnswer = import("../types/contract.js").ThreadAnswer;
export type ThreadsPage = import("../types/contract.js").ThreadsAnswer;
export type ParticipantsPage = import("../types/contract.js").ParticipantsAnswer;
export type ThreadAck = import("../types/contract.js").ThreadAck;
export type ArchiveAnswer = import("../types/contract.js").ArchiveAnswer;
export type ReadAnswer = import("../types/contract.js").CursorAnswer;
export type HistoryPage = import("../types/contract.js").HistoryAnswer;
export type MessageAnswer = import("../types/contract.js").MessageAnswer;
export type ChangeAnswer = import("../types/contract.js").ChangeAnswer;
export type NotificationsPage = import("../types/contract.js").NotificationsAnswer;
export type CountAnswer = import("../types/contract.js").CountAnswer;
export type PreferencesAnswer = import("../types/contract.js").PreferencesAnswer;
export type DeliveriesPage = import("../types/contract.js").DeliveriesAnswer;
export type SendsPage = import("../types/contract.js").SendsAnswer;
export type SuppressionsPage = import("../types/contract.js").SuppressionsAnswer;
export type NotifiedAnswer = import("../types/contract.js").NotifiedAnswer;
export type SyncedThread = import("../types/contract.js").SyncedMessages;
export type RefusedThread = import("../types/contract.js").RefusedThread;
export type SyncAnswer = import("../types/contract.js").SyncAnswer;
