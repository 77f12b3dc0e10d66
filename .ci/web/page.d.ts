// What the page's files share: people, and the JSON of the server as docs/PROTOCOL.md describes it.

/** Whoever is signed in. */
interface Me {
  id: string;
  name: string;
}

/** Somebody, with the name by which the page shows them. */
interface Person {
  id: string;
  name: string;
}

/** Somebody whom a message mentions. */
interface Mentioned extends Person {
  isMe: boolean;
}

/** How somebody is; nothing is known of `undefined`. */
type PresenceStatus = 'online' | 'away' | 'offline';

interface PresenceOfUser {
  userId: string;
  status: PresenceStatus;
  lastSeen: string | null;
}

/** How far a message has come. */
type MessageStatus = 'sent' | 'delivered' | 'read';

/** An uploaded file has an `id`, and what the server found in its bytes; another one is a reference. */
interface Attachment {
  type: string;
  url: string;
  filename: string;
  id?: string;
  size?: number;
  mimeType?: string;
  thumbnailUrl?: string;
  width?: number;
  height?: number;
}

/** What can be done with the files of a message. */
type FileActs = Pick<import('/viewer.js').Viewer, 'stored' | 'open'>;

/** A file of a message that is being written. */
interface UploadEntry {
  key: string;
  threadId: string;
  name: string;
  size: number;
  /** What is to be uploaded; after a reload it is not there any more. */
  file?: File;
  state: 'waiting' | 'uploading' | 'ready' | 'failed';
  /** Bytes that the server has. */
  sent: number;
  /** Why it failed, as a sentence. */
  reason: string;
  /** Whether it would fail again. */
  isFinal?: boolean;
  /** Whether it may not fail with the next connection. */
  isPassing?: boolean;
  uploadId?: string;
  /** The file as the message is going to show it. */
  attachment?: Attachment;
}

/** A message as it was written, with its files. */
interface Written {
  content: string;
  /** The ids of those whom it mentions. */
  mentions: string[];
  /** What it answers. */
  answered?: Answered;
  files: Attachment[];
}

/** A message that is to be sent later, or was. */
interface ScheduledMessage {
  _id: string;
  threadId: string;
  content: string;
  attachments: Attachment[];
  mentions?: string[];
  sendAt: string;
  updatedAt: string;
  state: 'waiting' | 'sending' | 'sent' | 'cancelled' | 'failed';
  reason?: string;
  messageId?: string;
}

interface Reaction {
  emoji: string;
  userId: string;
}

/** The beginning of a message that a reply answers. */
interface Quote {
  seq: number;
  senderId: string;
  content: string;
  filename?: string;
  deletedAt?: string | null;
}

/** What a message answers, as it is shown above it. */
interface Answered {
  messageId: string;
  /** Its place in the conversation, if it is known. */
  seq?: number;
  name: string;
  text: string;
}

interface Message {
  _id: string;
  threadId: string;
  seq: number;
  senderId: string;
  content: string;
  attachments: Attachment[];
  /** The ids of those whom it mentions. */
  mentions?: string[];
  replyTo?: { messageId: string; quote?: Quote };
  reactions: Reaction[];
  status: MessageStatus;
  deliveredTo: { userId: string }[];
  readBy: { userId: string }[];
  createdAt: string;
  updatedAt: string;
  editedAt?: string | null;
  pinned?: { pinnedAt: string; userId: string };
  deletedAt?: string | null;
  clientMessageId?: string | null;
}

/** How far somebody has come in a conversation. */
interface PersonCursors {
  userId: string;
  deliveredSeq: number;
  readSeq: number;
}

/** A page of a conversation's messages; `cursors` and `gap` come with what changed. */
interface SearchHit {
  message: Message;
  highlights: { start: number; end: number }[];
}

interface HistoryPage {
  messages: Message[];
  lastChange: number;
  nextCursor: string | null;
  cursors?: PersonCursors[];
  gap?: boolean;
}

/** How a group looks, who owns it, and what people see who are added. */
interface Group {
  name: string | null;
  picture: string | null;
  history: 'joined' | 'all';
  owners: string[];
}

/** A group that is to be. */
interface NewGroup {
  name?: string;
  history: Group['history'];
}

/** What became of a group, between its messages. */
interface GroupLine {
  key: string;
  at: string;
  /** The place of the message behind which it stands. */
  after: number;
  /** As people are called now. */
  words: () => string;
}

/** How somebody is shown in the list of members. */
interface MemberView {
  picture: () => HTMLElement;
  /** Whether they are there. */
  words: string;
  isOwner: boolean;
  /** Begins to write to them; not to oneself. */
  write?: () => unknown;
  /** What can be done with them. */
  acts: { label: string; act: () => unknown; isGrave?: boolean }[];
  /** Whether that changes the group, too. */
  mayChange: boolean;
  /** Whether that is shown. */
  isOpen: boolean;
  toggle: () => void;
}

/** What people are chosen for. */
interface PickerPurpose {
  title: string;
  /** Whether name and history of a new group are asked for, too. */
  isNewGroup?: boolean;
  /** Several are chosen, and then this is done. Without it one is, and that is all. */
  deed?: string;
  /** So many at most. */
  most?: number;
  /** Who cannot be chosen any more. */
  isIn?: (id: string) => boolean;
  /** Gives the id of the conversation that it has started, if it has; rejects with a refusal. */
  start: (ids: string[], group?: NewGroup) => Promise<string | void>;
  /** The dialog is closed: shows what was started. */
  begun?: (threadId: string) => void;
  /** What codes of refusals mean here. */
  words?: Record<string, string>;
}

/** A conversation as the server lists it; `heard` and `readTo` are the page's own. */
interface Thread {
  _id: string;
  /** At most 50 of them; `participantCount` says how many there are. */
  participants: string[];
  participantCount: number;
  participant?: { id: string; name: string; avatar?: string };
  /** The first ten of its people. */
  members?: { id: string; name: string; avatar?: string; role?: 'owner' | 'member' }[];
  /** Only of a conversation that was started as a group. */
  group?: Group;
  metadata?: { subject?: unknown };
  status: 'active' | 'archived';
  unreadCount: number;
  /** How many of the unread messages mention whoever is signed in. */
  unreadMentions?: number;
  lastSeq: number;
  lastMessage?: Message | null;
  lastMessageAt?: string | null;
  createdAt: string;
  /** The highest `seq` that was heard live. */
  heard?: number;
  /** The `seq` up to which it was read when it was listed. */
  readTo?: number;
}

interface UserNotification {
  _id: string;
  title: string;
  message: string;
  createdAt: string;
  isRead: boolean;
  threadId?: string | null;
}

/** The body of `notification:updated`. */
interface NotificationUpdate {
  action: 'read' | 'deleted';
  notificationId: string | null;
  unreadCount: number | null;
  updatedAt: string;
}

/** The ways by which somebody is told. */
interface Channels {
  inApp: boolean;
  email: boolean;
  push: boolean;
}

/** A conversation of which nobody is told; without an end for ever. */
interface Mute {
  threadId: string;
  until?: string | null;
}

/** How somebody wants to be told. */
interface Preferences {
  channels: Channels;
  types: Record<string, Channels>;
  quietHours: { enabled: boolean; from: string; until: string };
  digest: { every: 'immediately' | '15m' | '1h' | '1d'; hour: number };
  timeZone: string;
  whenAway: boolean;
  mutes: Mute[];
  updatedAt: string | null;
}

/** What pushes go to. */
interface Device {
  _id: string;
  kind: 'webpush' | 'fcm';
  name: string;
  registeredAt: string;
}

/** The body of `message:status` and of `message:read:update`. */
interface Receipt {
  threadId: string;
  userId: string;
  seq: number;
  messages: { _id: string; status: MessageStatus }[];
  readAt?: string;
}

/** What its reader has seen of the open conversation: the newest message of somebody else. */
interface Seen {
  thread: Thread;
  message: Message;
  /** Whether it is the last one. */
  isEnd: boolean;
}

/** A message that is not known to be stored. */
interface OutboxEntry {
  /** The message's `clientMessageId`. */
  key: string;
  threadId: string;
  content: string;
  /** What the message answers. */
  answered?: Answered;
  /** Whom it mentions. */
  mentioned?: Mentioned[];
  files?: Attachment[];
  at: string;
  state: 'sending' | 'waiting' | 'queued' | 'failed';
  /** Why it failed, as a sentence. */
  reason: string;
  tries: number;
}

/** What somebody has begun to write in a conversation. */
interface Draft {
  content: string;
  /** What the message is going to answer. */
  answered?: Answered;
  /** Those who were chosen to be mentioned; they are if their names still stand in the text. */
  mentioned: Person[];
  /** Whether it was written on another device, which does not tell whom it mentions. */
  isFromElsewhere?: boolean;
}

/** A draft as the server keeps it. */
interface StoredDraft {
  threadId: string;
  content: string;
  replyTo?: string;
  revision: number;
  updatedAt: string | null;
}

/** A draft and what is known of it at the server. */
interface DraftState extends Draft {
  /** What the server has, as far as this page knows. */
  saved: { content: string; replyTo?: string };
  revision: number;
  /** A newer one of another device, while somebody has to choose. */
  theirs?: StoredDraft;
}

/** How the server refuses, by REST and by socket. */
interface Refused {
  code?: string;
  error?: string;
  /** Milliseconds to wait, where the answer says it. */
  retryAfterMs?: number;
  /** Seconds to wait, as a header says it; 0 if there is none. */
  waitS?: number;
}

/** Does to a message what has happened to it. */
type MessageChange = (message: Message) => void;

/** What is done to a message elsewhere than in its conversation. */
interface MessageActs {
  /** Messages from this one on are to be unread. */
  unread: (message: Message) => void;
  /** The administrators are to be told of it. */
  report: (message: Message) => void;
}

/** How one message is drawn, beside what it says itself. */
interface MessageView {
  isOwn: boolean;
  isGroup: boolean;
  /** Whether the message before it is of the same person, and of the same moment. */
  follows: boolean;
  name: string;
  nameOf: (id: string) => string;
  /** The names of those who have read it. */
  readers: string;
  /** What the message answers. */
  answered?: Answered;
  /** Whom the message mentions. */
  mentioned: Mentioned[];
  /** Shows what the message answers. */
  jump: (answered: Answered) => void;
  /** Shows what the message said before it was edited. */
  edits: (message: Message) => void;
  me: Me;
  react: (message: Message, emoji: string) => void;
  files: FileActs;
}

/** One message or waiting entry of a conversation. */
interface Row {
  key: string;
  at: string;
  senderId: string;
  draw: (item: HTMLElement, follows: boolean) => void;
}
