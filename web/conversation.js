// The open conversation: its messages by day, the messages that wait to be sent, and everything one can do
// with a message.
//
// It draws what `History` and `Outbox` hold, and leaves an item alone that has not changed. Dispatches
// `change` when another conversation is open.

import { drawMessage, drawWaiting } from '/bubble.js';
import { Days } from '/days.js';
import { showEdits } from '/edits.js';
import { $, drawingOnce } from '/elements.js';
import { History } from '/history.js';
import { attempt, onTheSide } from '/notice.js';
import { Scroller } from '/scroller.js';
import { several } from '/times.js';
import { typed } from '/typed.js';
import { MessageActions } from '/message-actions.js';

/** In larger groups nobody is told who of them is there. */
const WATCHED_MAX = 100;

export class Conversation extends EventTarget {
  #parts;
  /** @type {Thread | undefined} */
  #thread;
  /** @type {History | undefined} */
  #history;
  #scroller = new Scroller($('scroller'));
  #days = new Days($('messages'));
  #actions;
  /** The `seq` up to which the reader has had the messages before their eyes. */
  #seenTo = 0;
  #isReadingOlder = false;
  /** The message to go to once it is here. @type {Message | undefined} */
  #wanted;
  #drawSoon = drawingOnce(() => this.#draw());

  /**
   * `parts`: `api`, `connection`, `me`, `people`, `presence`, `threads`, `outbox`, `composer`, `seen()` for
   * when more came into view, and `unread(message)` for when messages are to be unread again.
   * @param {{ api: import('/api.js').Api, connection: import('/connection.js').Connection, me: Me,
   *   people: import('/people.js').People, presence: import('/presence.js').Presence,
   *   threads: import('/threads.js').Threads, outbox: import('/outbox.js').Outbox,
   *   composer: import('/composer.js').Composer, seen: () => void,
   *   unread: (message: Message) => void }} parts
   */
  constructor(parts) {
    super();
    this.#parts = parts;
    this.#actions = new MessageActions($('messages'), {
      find: item => this.#messageOf(item),
      isOwn: message => message.senderId === parts.me.id,
      react: (message, emoji) => {
        const isThere = message.reactions.some(each => each.emoji === emoji && each.userId === parts.me.id);
        return this.#react(message, emoji, !isThere);
      },
      reply: message => parts.composer.answer(this.#answered(message._id, message)),
      pin: message => this.#pin(message),
      unread: message => parts.unread(message),
      edit: message => parts.composer.edit(message),
      takeBack: message => this.#takeBack(message),
    });
    this.#scroller.addEventListener('top', () => this.#readOlder());
    this.#scroller.addEventListener('end', () => this.#drawSoon());
    $('new-messages').addEventListener('click', () => {
      this.#scroller.toEnd();
      this.#drawSoon();
    });
    parts.outbox.addEventListener('change', () => this.#drawSoon());
  }

  get threadId() {
    return this.#thread?._id;
  }

  /** The newest message of somebody else that is before the reader's eyes, with its conversation. */
  get seen() {
    if (!this.#history?.isOpen || document.hidden || !this.#scroller.isAtEnd) return undefined;
    const message = this.#history.messages.findLast(each => each.senderId !== this.#parts.me.id);
    return message && this.#thread && { thread: this.#thread, message };
  }

  /**
   * Whether a new message of this conversation is before the reader's eyes at once.
   * @param {string} threadId
   * @returns {boolean}
   */
  showsNew(threadId) {
    const isHere = threadId === this.threadId && this.#history?.isOpen === true;
    return isHere && !document.hidden && this.#scroller.isAtEnd;
  }

  /** @param {Thread} thread */
  open(thread) {
    if (thread._id === this.threadId) return;
    this.close();
    this.#thread = thread;
    const history = new History(this.#parts.api, thread);
    this.#history = history;
    history.addEventListener('change', () => this.#drawSoon());
    this.#parts.composer.show(thread._id);
    this.#scroller.toEnd();
    this.#join();
    attempt(async () => { await history.open(); await this.#goToWanted(); });
    this.#opened();
  }

  /**
   * Goes to a message of this conversation, or of the one that is opened next.
   * @param {Message} message
   */
  jumpTo(message) {
    this.#wanted = message;
    if (this.#history?.isOpen) this.#goToWanted();
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
    this.#seenTo = 0;
    this.#parts.composer.show(undefined);
    this.#opened();
  }

  /** A new session: says again what is looked at, and reads what may have happened meanwhile. */
  connectedAnew() {
    if (!this.#thread) return;
    this.#join();
    onTheSide(() => this.#history?.refresh());
  }

  /** @param {Message} message */
  received(message) {
    const history = this.#history;
    if (!history || message.threadId !== this.threadId) return;
    const { me, people } = this.#parts;
    const isNews = message.seq > history.newest && message.senderId !== me.id;
    if (isNews) $('news').textContent = `${people.name(message.senderId)}: ${typed(message.content)}`;
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
   * One's own message is sent: its writer sees it.
   * @param {string} threadId
   * @param {string} content
   * @param {Answered} [answered] what it answers
   */
  send(threadId, content, answered) {
    this.#scroller.toEnd();
    attempt(() => this.#parts.outbox.send(threadId, content, answered));
  }

  /**
   * @param {Message} message
   * @param {string} content
   */
  async edit(message, content) {
    const answer = await attempt(() => this.#parts.api.ask('PATCH', `/messages/${message._id}`, { content }));
    if (!answer) this.#parts.composer.edit(message, content);
    else if (answer.message) this.messageChanged(message.threadId, message._id, answer.message);
  }

  editNewest() {
    const own = this.#history?.messages.findLast(each => each.senderId === this.#parts.me.id && !each.deletedAt);
    if (own) this.#parts.composer.edit(own);
  }

  /** @param {Message} message */
  async #takeBack(message) {
    const answer = await attempt(() => this.#parts.api.ask('DELETE', `/messages/${message._id}`));
    if (answer?.message) this.messageChanged(message.threadId, message._id, answer.message);
  }

  /** @param {Message} message */
  async #pin(message) {
    const answer = await attempt(() => this.#parts.api.ask(message.pinned ? 'DELETE' : 'PUT', `/messages/${message._id}/pin`));
    if (answer?.message) this.messageChanged(message.threadId, message._id, { pinned: undefined, ...answer.message });
  }

  /**
   * @param {Message} message
   * @param {string} emoji
   * @param {boolean} isWanted
   */
  async #react(message, emoji, isWanted) {
    const body = { emoji, action: isWanted ? 'add' : 'remove' };
    const answer = await attempt(() => this.#parts.api.ask('POST', `/messages/${message._id}/reactions`, body));
    if (answer?.message) this.messageChanged(message.threadId, message._id, { reactions: answer.message.reactions });
  }

  /**
   * What a reply shows of the message that it answers: as that message is now, if it is here.
   * @param {string} messageId
   * @param {Quote} [quote]
   * @returns {Answered}
   */
  #answered(messageId, quote) {
    const message = this.#history?.messages.find(each => each._id === messageId);
    const { senderId, content, deletedAt, seq } = message ?? quote ?? {};
    const filename = message ? message.attachments[0]?.filename : quote?.filename;
    const words = typed(content ?? '') || typed(filename ?? '') || 'an earlier message';
    return { messageId, seq, name: senderId ? this.#parts.people.nameOrYou(senderId) : '', text: deletedAt ? 'Message taken back' : words };
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
    if (this.#isReadingOlder || !history?.isOpen || !history.hasOlder) return;
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
    this.#scroller.keeping(() => {
      $('beginning').textContent = this.#beginning();
      this.#days.draw(this.#thread ? this.#rows() : []);
    });
    this.#actions.drawn();
    this.#drawNew();
    this.#parts.seen();
  }

  /** Whoever reads further up is told what has come below, and stays there. */
  #drawNew() {
    if (this.#scroller.isAtEnd) this.#seenTo = this.#history?.newest ?? 0;
    const count = this.#history?.messages.filter(each => each.seq > this.#seenTo && each.senderId !== this.#parts.me.id).length ?? 0;
    $('new-messages').hidden = count === 0;
    $('new-messages').textContent = `${several(count, 'new message')} ↓`;
  }

  #beginning() {
    if (!this.#history) return '';
    if (!this.#history.isOpen || this.#history.hasOlder) return 'Reading …';
    return this.#history.messages.length > 0 ? 'This is where it began.' : 'Nothing was said here yet.';
  }

  /** What is stored, then what waits. */
  #rows() {
    const stored = (this.#history?.messages ?? []).map(message => this.#row(message));
    const keys = new Set(stored.map(row => row.key));
    const waiting = this.#parts.outbox.of(this.threadId).filter(entry => !keys.has(entry.key));
    return [...stored, ...waiting.map(entry => this.#waitingRow(entry))];
  }

  /**
   * One's own message keeps the place that it had while it waited.
   * @param {Message} message
   * @returns {Row}
   */
  #row(message) {
    const { me, people } = this.#parts;
    const isOwn = message.senderId === me.id;
    /** @type {Row['draw']} */
    const draw = (item, follows) => drawMessage(item, message, {
      isOwn, follows, me, isGroup: (this.#thread?.participantCount ?? 0) > 2, name: people.nameOrYou(message.senderId),
      readers: isOwn ? (this.#history?.readers(message) ?? []).map(id => people.name(id)).join(', ') : '',
      answered: message.replyTo && this.#answered(message.replyTo.messageId, message.replyTo.quote), jump: answered => this.jump(answered),
      edits: edited => void showEdits(this.#parts.api, edited),
      nameOf: id => people.nameOrYou(id), react: (...wanted) => this.#react(...wanted),
    });
    return { key: isOwn && message.clientMessageId || message._id, at: message.createdAt, senderId: message.senderId, draw };
  }

  /**
   * @param {OutboxEntry} entry
   * @returns {Row}
   */
  #waitingRow(entry) {
    const { me, outbox } = this.#parts;
    const acts = { again: () => outbox.again(entry.key), drop: () => outbox.settle(entry.key), jump: (/** @type {Answered} */ to) => this.jump(to) };
    return { key: entry.key, at: entry.at, senderId: me.id, draw: item => drawWaiting(item, entry, acts) };
  }
}
