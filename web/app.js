// The page. It signs somebody in, creates the parts, and passes what the server says to them. Each part's own
// file says what it does.

import { Alerts } from '/alerts.js';
import { Api } from '/api.js';
import { Blocking, blockedWords } from '/blocking.js';
import { Blocks } from '/blocks.js';
import { Composer } from '/composer.js';
import { Connection } from '/connection.js';
import { Conversation } from '/conversation.js';
import { Devices } from '/devices.js';
import { Drafts } from '/drafts.js';
import { $ } from '/elements.js';
import { EmojiPicker } from '/emoji-picker.js';
import { GroupLines } from '/group-lines.js';
import { Groups } from '/groups.js';
import { ThreadHeader } from '/header.js';
import { Inbox } from '/inbox.js';
import { Later } from '/later.js';
import { LaterList } from '/later-list.js';
import { MemberList } from '/member-list.js';
import { Members } from '/members.js';
import { Mutes } from '/mutes.js';
import { Names } from '/names.js';
import { Navigation } from '/navigation.js';
import { startThread } from '/new-thread.js';
import { attempt, onTheSide, tell } from '/notice.js';
import { Outbox } from '/outbox.js';
import { People } from '/people.js';
import { PreferencesForm } from '/preferences.js';
import { Picker } from '/picker.js';
import { Pins } from '/pins.js';
import { Presence } from '/presence.js';
import { Pushes } from '/pushes.js';
import { Reading } from '/reading.js';
import { ReportForm } from '/report.js';
import { Search } from '/search.js';
import { Sending } from '/sending.js';
import { openSettings } from '/settings.js';
import { signIn, signInEnded, signOut } from '/sign-in.js';
import { StoredFiles } from '/stored-files.js';
import { ThreadList } from '/thread-list.js';
import { openThreadMenu } from '/thread-menu.js';
import { Threads } from '/threads.js';
import { Typing } from '/typing.js';
import { offerUnsent } from '/unsent.js';
import { Uploads } from '/uploads.js';
import { Viewer } from '/viewer.js';

const NAME = document.title;
/** Signing out waits no longer for a server that is away. */
const GOOD_BYE_MS = 2_000;

const { token, me, isNew } = await signIn();

// The parts.

/** @param {import('/refusal.js').Refusal} refusal */
const ended = refusal => { connection.close(); signInEnded(refusal.message); };
const api = new Api(token, ended);
const connection = new Connection(token, ended);
const people = new People(me);
const presence = new Presence(connection);
const typing = new Typing(connection);
const names = new Names({ api, people });
const blocks = new Blocks({ api, people, names, changed: blockChanged });
const threads = new Threads({ api, me, people, names, blocks });
const lines = new GroupLines({ people, threads });
const outbox = new Outbox(connection);
const emoji = new EmojiPicker();
const drafts = new Drafts(api);
const members = new Members({ api, people });
const uploads = new Uploads(api);
const later = new Later(api);
const sending = new Sending({ drafts, members, threads, uploads, later, send: (threadId, message) => conversation.send(threadId, message) });
const composer = new Composer({ drafts, members, people, threads, uploads, sending, me }, {
  pickEmoji: (choose, closed) => emoji.open(choose, closed),
  edit: (...edited) => conversation.edit(...edited),
  editNewest: () => conversation.editNewest(),
  pressed: threadId => typing.pressed(threadId),
  stopped: () => typing.stopped(),
});
const reports = new ReportForm({ api, people });
const conversation = new Conversation({
  api, connection, me, people, names, presence, threads, outbox, composer, emoji, lines, viewer: new Viewer(new StoredFiles(api)),
  seen: () => reading.look(), acts: { unread, report: message => reports.open(message) },
});
const reading = new Reading({ connection, threads, look: () => conversation.seen });
const inbox = new Inbox(api, show);
const pushes = new Pushes(api, show, me.id);
const preferences = new PreferencesForm(api);
const list = new ThreadList({ api, threads, people, presence, typing, drafts, composer, conversation, me, open: show });
new Search({ api, people, threads, open: message => { conversation.jumpTo(message); show(message.threadId); } });
offerUnsent(outbox, conversation);
new ThreadHeader({ threads, people, presence, typing, conversation });
openThreadMenu();
/** Whom one talks with, the most recent first. */
const known = () => [...new Set(threads.listed.flatMap(thread => people.others(thread)))];
const picker = new Picker({ api, people, blocks, known });
const groups = new Groups({ api, threads });
const blocking = new Blocking({ blocks, people, names, threads, conversation });
new MemberList({ members, people, presence, threads, conversation, me, groups, picker, blocks, blocking, chat: async id => show(await threads.start([id])) });
const pins = new Pins({ api, people, conversation });
new LaterList({ later, threads, people, conversation });
new Mutes({ preferences, threads, people, conversation });
openSettings(preferences, blocking, new Devices(api, pushes));
const alerts = new Alerts({ me, people, blocks, threads, preferences, pushes, sees: threadId => conversation.showsNew(threadId) });

// What the server says.

connection.on('connect', ({ recovered }) => {
  presence.connected();
  outbox.resend();
  if (recovered) { drafts.flush(); return reading.look(); }
  conversation.connectedAnew();
  pins.load();
  onTheSide(() => inbox.load());
  onTheSide(() => pushes.load());
  onTheSide(() => drafts.load());
  onTheSide(() => later.load());
  onTheSide(() => uploads.learn());
  uploads.goOn();
  onTheSide(() => preferences.load());
  onTheSide(() => blocks.load());
  return onTheSide(async () => { await threads.load(); await route(); });
});
connection.on('disconnect', () => { presence.disconnected(); typing.disconnected(); });
connection.on('message:received', ({ message }) => {
  typing.heard({ threadId: message.threadId, userId: message.senderId, isTyping: false });
  alerts.heard(message);
  take(message);
});
connection.on('message:updated', ({ message }) => changed(message.threadId, message._id, { mentions: undefined, ...message }));
connection.on('message:pinned', ({ message }) => changed(message.threadId, message._id, { pinned: undefined, ...message }));
connection.on('message:deleted', ({ threadId, messageId, deletedAt }) => {
  changed(threadId, messageId, { deletedAt, content: '', attachments: [], reactions: [], pinned: undefined, mentions: undefined });
});
connection.on('reaction:received', ({ threadId, messageId, reactions }) => changed(threadId, messageId, { reactions }));
connection.on('message:status', body => progressed('delivered', body));
connection.on('message:read:update', body => progressed('read', body));
connection.on('thread:created', ({ thread }) => onTheSide(() => threads.learnAgain(thread._id)));
connection.on('thread:members:added', body => {
  names.want([body.addedBy]);
  members.joined(body);
  lines.joined(body);
  conversation.peopleChanged(body);
  onTheSide(() => threads.joined(body));
});
connection.on('thread:left', body => {
  names.want([body.userId, ...body.removedBy ? [body.removedBy] : []]);
  members.left(body);
  lines.left(body);
  conversation.peopleChanged(body);
  onTheSide(() => threads.left(body));
});
connection.on('thread:updated', ({ thread }) => {
  const known = threads.get(thread._id);
  if (known?.unreadCount === 0 && thread.unreadCount > 0) reading.unread(known);
  if (thread.group) lines.changed(thread, known?.group);
  threads.updated(thread);
  if (thread.group) onTheSide(() => threads.learnAgain(thread._id));
  if (thread.unreadCount === 0) onTheSide(() => pushes.read(thread._id));
});
connection.on('typing:update', body => typing.heard(body));
connection.on('presence:sync', body => presence.heard(body));
connection.on('presence:update', body => presence.heard(body));
connection.on('presence:chosen', body => presence.chosen(body));
connection.on('draft:updated', ({ draft }) => drafts.heard(draft));
connection.on('scheduled:updated', ({ scheduled }) => later.heard(scheduled));
connection.on('notification:received', body => {
  inbox.received(body);
  alerts.notified(body.notification);
});
connection.on('notification:updated', body => {
  inbox.updated(body);
  onTheSide(() => pushes.notified(body.notificationId));
});
connection.on('preferences:updated', body => preferences.heard(body));
lines.addEventListener('change', event => {
  // For those who hear the page instead of seeing it.
  if (event instanceof CustomEvent && event.detail.threadId === conversation.threadId) $('news').textContent = event.detail.words;
});
connection.on('block:updated', body => blocks.heard(body));
outbox.addEventListener('stored', event => event instanceof CustomEvent && take(event.detail));

/** @param {Message} message */
function take(message) {
  threads.received(message, conversation.showsNew(message.threadId));
  conversation.received(message);
  if (message.senderId === me.id) outbox.settle(message.clientMessageId);
}

/**
 * @param {string} threadId
 * @param {string} id
 * @param {Partial<Message>} change
 */
function changed(threadId, id, change) {
  threads.messageChanged(threadId, id, change);
  conversation.messageChanged(threadId, id, change);
  pins.changed(threadId, id, change);
  composer.messageChanged(id);
}

/**
 * Messages of others from this one on are unread again. Their reader goes back to the list.
 * @param {Message} message
 */
async function unread({ threadId, seq }) {
  const answer = await attempt(() => api.ask('POST', `/messages/threads/${encodeURIComponent(threadId)}/unread`, { seq }));
  const known = threads.get(threadId);
  if (!answer || !known) return;
  if (answer.unreadCount > 0) reading.unread(known);
  threads.updated({ _id: threadId, unreadCount: answer.unreadCount });
  navigation.leave();
}

/**
 * Somebody is blocked now, or is not any more.
 * @param {string} userId
 */
function blockChanged(userId) {
  presence.askAgain(userId);
  onTheSide(() => threads.blockChanged(userId));
}

/**
 * @param {'delivered' | 'read'} kind
 * @param {Receipt} body
 */
function progressed(kind, body) {
  conversation.receipt(kind, body);
  body.messages.forEach(({ _id, status }) => threads.messageChanged(body.threadId, _id, { status }));
}

/** One is called, and looks, as for the others, once a conversation has told. */
function drawMe() {
  const picture = people.picture(me.id);
  $('me').textContent = people.name(me.id);
  if (!$('my-picture').firstChild?.isEqualNode(picture)) $('my-picture').replaceChildren(picture);
}

/**
 * Signing out: what was begun is kept for this person's next device, and nothing for the next person here.
 */
async function leave() {
  await Promise.race([drafts.flush(), new Promise(resolve => setTimeout(resolve, GOOD_BYE_MS))]);
  drafts.close();
  uploads.close();
  connection.close();
  alerts.forget();
  await pushes.forget();
}

// The open conversation is the one that the address names.

const navigation = new Navigation(() => attempt(route));

/** @param {string} threadId */
function show(threadId) {
  navigation.open(threadId);
}

async function route() {
  const id = navigation.threadId;
  if (!id) return closeConversation();
  const thread = threads.get(id) ?? await threads.learn(id);
  if (navigation.threadId === id) conversation.open(thread);
}

/** Nobody looks at a conversation any more: who had the focus in it goes on in the list. */
function closeConversation() {
  const { threadId } = conversation;
  const hadFocus = $('conversation').contains(document.activeElement);
  conversation.close();
  if (hadFocus) list.focus(threadId);
}

conversation.addEventListener('change', () => conversation.threadId && reading.opened(conversation.threadId));
$('back').addEventListener('click', () => navigation.leave());

/**
 * A conversation is not there for this person any more: nothing can be written in it.
 * @param {{ thread: Thread, removedBy?: string, isLeft?: boolean }} what
 */
function gone({ thread, removedBy, isLeft }) {
  const title = `“${people.title(thread)}”`;
  const removed = removedBy ? `${people.name(removedBy)} removed you from ${title}.` : `${title} is not open to you any more.`;
  const partner = people.partner(thread);
  if (partner && blocks.has(partner)) tell(blockedWords(people.name(partner)));
  else tell(isLeft ? `You have left ${title}.` : removed);
  if (navigation.threadId !== thread._id) return;
  closeConversation();
  navigation.leave();
}

// The rest of the page.

threads.addEventListener('change', () => {
  document.title = threads.unread > 0 ? `(${threads.unread}) ${NAME}` : NAME;
  drawMe();
});
threads.addEventListener('gone', event => event instanceof CustomEvent && gone(event.detail));
startThread({ picker, threads }, show);
// A list that was never read says so itself.
api.addEventListener('change', () => { $('trouble').textContent = threads.isLoaded && api.trouble ? `Something could not be loaded yet. ${api.trouble}` : ''; });
for (const event of ['pointerdown', 'keydown', 'wheel']) addEventListener(event, () => presence.active(), { passive: true });
drawMe();
$('sign-out').addEventListener('click', async () => { await leave(); signOut(); });
$('chat').hidden = false;
// What they have signed in with is hidden.
if (isNew) $('new-chat').focus();
connection.open();
