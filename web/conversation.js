// The open conversation: its messages by day, the messages that wait to be sent, and everything one can do
// with a message.
//
// It draws what `History` and `Outbox` hold, and leaves an item alone that has not changed. Dispatches
// `change` when another conversation is open.

import { answeredOf } from '/answered.js';
import { beginningWords } from '/beginning.js';
import { drawMessage, drawWaiting } from '/bubble.js';
import { Changes } from '/changes.js';
import { Days } from '/days.js';
import { showEdits } from '/edits.js';
import { $, drawingOnce } from '/elements.js';
import { History } from '/history.js';
import { attempt, onTheSide, tell } from '/notice.js';
import { ReaderPlace } from '/place.js';
import { Scroller } from '/scroller.js';
import { fileNames } from '/sizes.js';
import { several } from '/times.js';
import { typed } from '/typed.js';
import { MessageActions } from '/message-actions.js';

/** What was before somebody's eyes for so long was seen; many messages can pass by in a moment. */
const GLANCE_MS = 300;
/** In larger groups nobody is told who of them is there. */
const WATCHED_MAX = 100;

export class Conversation extends EventTarget {
  #parts;
  /** @type {Thread | undefined} */
  #thread;
  /** @type {History | undefined} */
  #history;
  #scroller = new Scroller($('scroller'), () => this.#firstUnseen());
  #days = new Days($('messages'));
  #actions;
  #changes;
  #place;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #glance;
  #isReadingOlder = false;
  /** The message to go to once it is here. @type {Message | undefined} */
  #wanted;
  #drawSoon = drawingOnce(() => this.#draw());

  /**
   * `parts`: `api`, `connection`, `me`, `people`, `names`, `presence`, `threads`, `outbox`, `composer`,
   * `emoji` to choose from, `lines` of what became of groups, the `viewer` of pictures, `seen()` for when
   * more came into view, and `acts`, what else is done to a message.
   * @param {{ api: import('/api.js').Api, connection: import('/connection.js').Connection, me: Me,
   *   people: import('/people.js').People, names: import('/names.js').Names,
   *   presence: import('/presence.js').Presence, lines: import('/group-lines.js').GroupLines,
   *   threads: import('/threads.js').Threads, outbox: import('/outbox.js').Outbox,
   *   composer: import('/composer.js').Composer, emoji: import('/emoji-picker.js').EmojiPicker,
   *   viewer: import('/viewer.js').Viewer, seen: () => void, acts: MessageActs }} parts
   */
  constructor(parts) {
    super();
    this.#parts = parts;
    this.#place = new ReaderPlace(parts.me);
    this.#changes = new Changes({ ...parts, changed: ({ threadId, _id }, change) => this.messageChanged(threadId, _id, change) });
    this.#actions = new MessageActions($('messages'), {
      find: item => this.#messageOf(item),
      keeping: change => this.#scroller.keeping(change),
      isOwn: message => message.senderId === parts.me.id,
      pickEmoji: (choose, closed) => parts.emoji.open(choose, closed),
      react: (message, emoji) => this.#changes.react(message, emoji),
      reply: message => parts.composer.answer(this.#answered(message._id, message)),
      pin: message => this.#changes.pin(message),
      ...parts.acts,
      edit: message => parts.composer.edit(message),
      takeBack: message => this.#changes.takeBack(message),
    });
    this.#scroller.addEventListener('top', () => this.#readOlder());
    this.#scroller.addEventListener('moved', () => this.#look());
    $('new-messages').addEventListener('click', () => this.#toEnd());
    document.addEventListener('visibilitychange', () => this.#look());
    for (const each of [parts.outbox, parts.names, parts.lines]) each.addEventListener('change', () => this.#drawSoon());
  }

  get threadId() {
    return this.#thread?._id;
  }

  /** What its reader has seen, in a window that is visible. @returns {Seen | undefined} */
  get seen() {
    const message = document.hidden ? undefined : this.#place.lastSeen;
    return this.#thread && message && { thread: this.#thread, message, isEnd: this.#scroller.isAtEnd && this.#place.hasSeenAll };
  }

  /**
   * Whether a new message of this conversation is before the reader's eyes at once.
   * @param {string} threadId
   * @returns {boolean}
   */
  showsNew(threadId) {
    return threadId === this.threadId && this.#place.isKnown && !document.hidden && this.#scroller.isAtEnd;
  }

  /** @param {Thread} thread */
  open(thread) {
    if (thread._id === this.threadId) return;
    this.close();
    this.#thread = thread;
    this.#parts.lines.begin(thread);
    const history = new History(this.#parts.api, thread);
    this.#history = history;
    history.addEventListener('change', () => this.#drawSoon());
    this.#parts.composer.show(thread._id);
    this.#scroller.toEnd();
    this.#join();
    attempt(async () => {
      await history.open();
      const first = thread.unreadCount > 0 ? await history.backToUnread(thread.unreadCount, this.#parts.me.id) : undefined;
      if (history !== this.#history) return undefined;
      this.#place.begin(history, first);
      this.#draw();
      this.#parts.composer.conversationRead(messageId => this.#answeredHere(messageId));
      return this.#goToWanted();
    });
    this.#opened();
  }

  /**
   * Goes to a message of this conversation, or of the one that is opened next.
   * @param {Message} message
   */
  jumpTo(message) {
    this.#wanted = message;
    if (this.#place.isKnown) this.#goToWanted();
  }

  async #goToWanted() {
    const wanted = this.#wanted;
    if (!wanted || wanted.threadId !== this.threadId) return;
    this.#wanted = undefined;
    await this.jump({ messageId: wanted._id, seq: wanted.seq });
  }

  close() {
    if (!this.#thread) return;
    this.#parts.connection.mention('thread:leave', { threadId: this.threadId });
    this.#history?.close();
    this.#thread = this.#history = undefined;
    this.#place.forget();
    this.#parts.composer.show(undefined);
    this.#opened();
  }

  /** A new session: says again what is looked at, and reads what may have happened meanwhile. */
  connectedAnew() {
    if (!this.#thread) return;
    this.#join();
    const { _id } = this.#thread;
    // Whose reader was removed meanwhile is gone, which others say.
    onTheSide(() => this.#history?.refresh().catch(refusal => this.#parts.threads.unlessGone(_id, refusal)));
  }

  /**
   * People were added to a conversation, or somebody has left it or was removed.
   * @param {{ threadId: string, members?: { id: string }[], userId?: string }} change
   */
  peopleChanged({ threadId, members = [], userId }) {
    if (threadId !== this.threadId) return;
    const ids = members.map(({ id }) => id);
    this.#history?.peopleChanged(ids, userId);
    this.#parts.presence.watch(ids);
  }

  /** @param {Message} message */
  received(message) {
    const history = this.#history;
    if (!history || message.threadId !== this.threadId) return;
    const { me, people } = this.#parts;
    const isNews = message.seq > history.newest && message.senderId !== me.id;
    if (isNews) {
      this.#place.came(message);
      const says = message.mentions?.includes(me.id) ? ' mentions you' : '';
      $('news').textContent = `${people.name(message.senderId)}${says}: ${typed(message.content) || fileNames(message.attachments)}`;
    }
    history.received(message);
  }

  /**
   * Something happened to a message of some conversation.
   * @param {string} threadId
   * @param {string} id
   * @param {Partial<Message>} change
   */
  messageChanged(threadId, id, change) {
    if (threadId === this.threadId) this.#history?.changed(id, change);
  }

  /**
   * @param {'delivered' | 'read'} kind
   * @param {Receipt} body
   */
  receipt(kind, body) {
    if (body.threadId === this.threadId) this.#history?.receipt(kind, body);
  }

  /**
   * One's own message is sent: its writer sees it, and has done with what was new.
   * @param {string} threadId
   * @param {Written} message
   */
  send(threadId, { content, mentions, answered, files }) {
    // It may have waited for its files, and another conversation is open now.
    if (threadId === this.threadId) {
      this.#place.answered();
      this.#scroller.toEnd();
    }
    attempt(() => this.#parts.outbox.send(threadId, content, this.#mentioned(mentions), answered, files));
  }

  /**
   * @param {Message} message
   * @param {string} content
   * @param {string[]} mentions the ids of those whom it mentions from now on
   */
  async edit(message, content, mentions) {
    if (!await this.#changes.edit(message, content, mentions)) this.#parts.composer.edit(message, content, mentions);
  }

  editNewest() {
    const own = this.#history?.messages.findLast(each => each.senderId === this.#parts.me.id && !each.deletedAt);
    if (own) this.#parts.composer.edit(own);
  }

  /**
   * What a reply shows of a message of this conversation, if the message is here.
   * @param {string} messageId
   * @returns {Answered | undefined}
   */
  #answeredHere(messageId) {
    return this.#history?.messages.some(each => each._id === messageId) ? this.#answered(messageId) : undefined;
  }

  /**
   * People as a text names them.
   * @param {string[]} [ids]
   * @returns {Mentioned[]}
   */
  #mentioned(ids = []) {
    const { me, people } = this.#parts;
    return ids.map(id => ({ id, name: people.name(id), isMe: id === me.id }));
  }

  /**
   * What a reply shows of the message that it answers: as that message is now, if it is here.
   * @param {string} messageId
   * @param {Quote} [quote]
   */
  #answered(messageId, quote) {
    return answeredOf(messageId, this.#history?.messages.find(each => each._id === messageId), quote, this.#parts.people);
  }

  /**
   * Shows a message of this conversation, however far back it is.
   * @param {Pick<Answered, 'messageId' | 'seq'>} message
   */
  async jump({ messageId, seq }) {
    const history = this.#history;
    if (!history) return;
    if (seq !== undefined && !await attempt(async () => { await history.backTo(seq); return true; })) return;
    if (history !== this.#history) return;
    this.#draw();
    const item = [...$('messages').querySelectorAll('li')].find(each => each.dataset.messageId === messageId);
    if (item) this.#scroller.show(item);
    else tell('That message is not here. It is gone, or from before you came.');
  }

  #join() {
    if (!this.#thread) return;
    this.#parts.connection.mention('thread:join', { threadId: this.threadId });
    this.#parts.presence.watch(this.#parts.people.others(this.#thread).slice(0, WATCHED_MAX));
  }

  #opened() {
    this.#draw();
    this.dispatchEvent(new Event('change'));
  }

  async #readOlder() {
    const history = this.#history;
    if (this.#isReadingOlder || !this.#place.isKnown || !history?.hasOlder) return;
    this.#isReadingOlder = true;
    await onTheSide(() => history.older());
    this.#isReadingOlder = false;
  }

  /** @param {HTMLElement} item */
  #messageOf(item) {
    const message = this.#history?.messages.find(each => each._id === item.dataset.messageId);
    return message?.deletedAt ? undefined : message;
  }

  #draw() {
    const { firstNew } = this.#place;
    this.#scroller.keeping(() => {
      $('beginning').textContent = beginningWords(this.#thread, this.#history, this.#place.isKnown);
      this.#days.draw(this.#thread ? this.#rows() : [], firstNew && this.#key(firstNew));
    });
    this.#parts.viewer.follow(this.#history?.messages ?? []);
    this.#actions.drawn();
    this.#look();
  }

  /** The reader has moved, or what they look at has changed. */
  #look() {
    const { news } = this.#place;
    this.#drawJump(news.length - 1 - news.findLastIndex(message => this.#hasCome(message)));
    if (this.#glance) return;
    this.#glance = setTimeout(() => {
      this.#glance = undefined;
      this.#place.look(message => this.#hasCome(message));
      this.#parts.seen();
    }, GLANCE_MS);
  }

  /** @param {Message} message */
  #hasCome(message) {
    const item = this.#days.item(this.#key(message));
    return item !== undefined && this.#scroller.hasCome(item);
  }

  /**
   * The way to the newest message is open to everybody who is further up, and says how many are new.
   * @param {number} count
   */
  #drawJump(count) {
    const jump = $('new-messages');
    jump.hidden = !this.#place.isKnown || this.#scroller.isAtEnd && count === 0;
    jump.textContent = count > 0 ? `${several(count, 'new message')} ↓` : '↓';
    jump.setAttribute('aria-label', count > 0 ? several(count, 'new message') : 'To the newest message');
  }

  #toEnd() {
    this.#place.leaveOut();
    this.#scroller.toEnd();
    // Who came by keys goes on with the newest message: the button is away there.
    if ($('new-messages').matches(':focus-visible')) [...$('messages').querySelectorAll('li')].at(-1)?.focus({ preventScroll: true });
    this.#drawSoon();
  }

  /** The line above what is new, or what else the reader has to see next. */
  #firstUnseen() {
    const [first] = this.#place.news;
    if (!first) return undefined;
    return first === this.#place.firstNew ? this.#days.line : this.#days.item(this.#key(first));
  }

  /** What is stored, with what became of the group meanwhile, then what waits. */
  #rows() {
    const history = this.#place.isKnown ? this.#history : undefined;
    const stored = history?.messages.map(message => this.#row(message)) ?? [];
    const keys = new Set(stored.map(row => row.key));
    const waiting = this.#parts.outbox.of(this.threadId).filter(entry => !keys.has(entry.key));
    return [...history ? this.#parts.lines.weave(history, stored) : [], ...waiting.map(entry => this.#waitingRow(entry))];
  }

  /**
   * One's own message keeps the place that it had while it waited.
   * @param {Message} message
   */
  #key({ _id, senderId, clientMessageId }) {
    return senderId === this.#parts.me.id && clientMessageId || _id;
  }

  /**
   * @param {Message} message
   * @returns {Row}
   */
  #row(message) {
    const { me, people, names } = this.#parts;
    const isOwn = message.senderId === me.id;
    names.want([message.senderId, ...message.mentions ?? []]);
    /** @type {Row['draw']} */
    const draw = (item, follows) => drawMessage(item, message, {
      isOwn, follows, me, isGroup: this.#thread !== undefined && people.isGroup(this.#thread), name: people.nameOrYou(message.senderId),
      readers: isOwn ? (this.#history?.readers(message) ?? []).map(id => people.name(id)).join(', ') : '',
      mentioned: this.#mentioned(message.mentions),
      answered: message.replyTo && this.#answered(message.replyTo.messageId, message.replyTo.quote), jump: answered => this.jump(answered),
      files: this.#parts.viewer, edits: edited => void showEdits(this.#parts.api, edited),
      nameOf: id => people.nameOrYou(id), react: (message, emoji) => this.#changes.react(message, emoji),
    });
    return { key: this.#key(message), at: message.createdAt, senderId: message.senderId, draw };
  }

  /**
   * @param {OutboxEntry} entry
   * @returns {Row}
   */
  #waitingRow(entry) {
    const { me, outbox, viewer } = this.#parts;
    const isAlone = outbox.failed(entry.threadId).length < 2;
    const acts = { again: isAlone ? () => outbox.again(entry.key) : undefined, drop: () => outbox.settle(entry.key), jump: (/** @type {Answered} */ to) => this.jump(to), files: viewer };
    return { key: entry.key, at: entry.at, senderId: me.id, draw: item => drawWaiting(item, entry, acts) };
  }
}
