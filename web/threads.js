// The user's conversations as this page knows them: those of the pages read so far, and those heard of since.
//
// The counters of a conversation include its messages up to `lastSeq`; a live message counts only if it is
// the next one. If one in between was missed, the conversation is read again. Every event may be heard twice.
// Dispatches `change`, and `gone` when a conversation is not there for its reader any more: `{thread,
// removedBy?, isLeft}`.

import { Refusal } from '/refusal.js';

const PAGE = 30;
/** The most people that a conversation comes with. */
export const CARRIED_MAX = 50;
/** A fleet counts a message within moments; what is read sooner is read again, each time later. */
const SETTLE_MS = 500;
const SETTLE_MAX_MS = 10_000;

export class Threads extends EventTarget {
  /** Which list is shown. @type {Thread['status']} */
  shown = 'active';
  #api;
  #me;
  #people;
  #names;
  #blocks;
  /** @type {Map<string, Thread>} */
  #known = new Map();
  /** Questions for one conversation that have no answer yet. @type {Map<string, Promise<Thread>>} */
  #reading = new Map();
  /** When conversations went away. What was asked before says nothing of them. @type {Map<string, number>} */
  #gone = new Map();
  #loading = new AbortController();
  /** Whether anything was asked for: there is a connection, or was one. */
  isAsked = false;
  /** Lists that were read to their end or a page's. @type {Set<Thread['status']>} */
  #loaded = new Set();
  /** How far each list is read. @type {Record<Thread['status'], { read: number, cursor: string | null }>} */
  #lists = { active: { read: 0, cursor: null }, archived: { read: 0, cursor: null } };

  /**
   * @param {{ api: import('/api.js').Api, me: Me, people: import('/people.js').People,
   *   names: import('/names.js').Names, blocks: import('/blocks.js').Blocks }} parts
   */
  constructor({ api, me, people, names, blocks }) {
    super();
    this.#api = api;
    this.#me = me;
    this.#people = people;
    this.#names = names;
    this.#blocks = blocks;
    names.addEventListener('change', () => this.#changed());
  }

  /** @param {string | undefined} id */
  get(id) {
    return id === undefined ? undefined : this.#known.get(id);
  }

  /** Those of the list that is shown, most recently active first. */
  get listed() {
    const shown = [...this.#known.values()].filter(thread => thread.status === this.shown);
    return shown.sort((one, other) => activity(other) - activity(one) || (one._id < other._id ? 1 : -1));
  }

  get hasMore() {
    return this.#lists[this.shown].cursor !== null;
  }

  /** Whether the list that is shown was read; until then nobody knows what it has. */
  get isLoaded() {
    return this.#loaded.has(this.shown);
  }

  /** Unread messages in everything that is not put away. */
  get unread() {
    return [...this.#known.values()].reduce((sum, { status, unreadCount }) => sum + (status === 'active' ? unreadCount : 0), 0);
  }

  /**
   * Shows the list `active` or `archived`.
   * @param {Thread['status']} status
   */
  async show(status) {
    this.shown = status;
    this.#changed();
    await this.load();
  }

  /**
   * Reads what is listed again, as far as it was read before. A later call takes the place of one that still
   * reads.
   */
  async load() {
    this.isAsked = true;
    this.#changed();
    this.#loading.abort();
    const { signal } = this.#loading = new AbortController();
    try {
      for (const status of new Set([this.shown, /** @type {const} */ ('active')])) await this.#readAgain(status, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Reads the next page of the list that is shown. */
  async more() {
    const list = this.#lists[this.shown];
    const page = await this.#page(this.shown, list.cursor);
    list.read += page.threads.length;
    list.cursor = page.nextCursor;
    this.#changed();
  }

  /**
   * Reads one conversation; gives it. One question at a time.
   * @param {string} id
   * @param {number} [pause]
   * @returns {Promise<Thread>}
   */
  learn(id, pause = SETTLE_MS) {
    const asked = this.#reading.get(id);
    if (asked) return asked;
    const askedAt = performance.now();
    const asking = this.#api.read(`/messages/threads/${encodeURIComponent(id)}`).then(({ thread }) => {
      this.#reading.delete(id);
      if (!this.#take(thread, askedAt)) return this.learn(id);
      this.#changed();
      const known = this.#known.get(id) ?? thread;
      if ((known.heard ?? 0) > known.lastSeq && pause < SETTLE_MAX_MS) setTimeout(() => this.learn(id, pause * 2).catch(() => {}), pause);
      return known;
    }, refusal => {
      this.#reading.delete(id);
      if (refusal.code === 'not_found') this.#lose(id, {});
      throw refusal;
    });
    this.#reading.set(id, asking);
    return asking;
  }

  /**
   * As `learn`, of one that has changed just now: an answer that is on its way already may not know of it.
   * @param {string} id
   * @returns {Promise<Thread>}
   */
  learnAgain(id) {
    const asked = this.#reading.get(id);
    return asked ? asked.catch(() => {}).then(() => this.learn(id)) : this.learn(id);
  }

  /**
   * What was asked of a conversation was refused, maybe because it is gone. Then it goes; all else is thrown.
   * @param {string} id
   * @param {unknown} refusal
   */
  async unlessGone(id, refusal) {
    if (!(refusal instanceof Refusal && refusal.code === 'not_found')) throw refusal;
    await this.learnAgain(id).catch(() => {});
  }

  /**
   * Starts a conversation, or finds the one there is; gives its id.
   * @param {string[]} participants
   * @param {NewGroup} [group] how a group is to be whose people can change
   * @returns {Promise<string>}
   */
  async start(participants, group) {
    const { thread } = await this.#api.ask('POST', '/messages/threads', { participants, ...group && { group } });
    if (!thread) throw new Refusal({ code: 'queued' });
    this.changedTo(thread, performance.now());
    return thread._id;
  }

  /**
   * The server has answered with a conversation as it is now.
   * @param {Thread} thread
   * @param {number} askedAt
   */
  changedTo(thread, askedAt) {
    this.#take(thread, askedAt);
    this.#changed();
  }

  /**
   * Puts a conversation away, or gets it back.
   * @param {string} id
   * @param {boolean} isArchived
   */
  async archive(id, isArchived) {
    if (isArchived) await this.#api.ask('DELETE', `/messages/threads/${id}`);
    else await this.#api.ask('POST', `/messages/threads/${id}/unarchive`);
    this.#patch(id, { status: isArchived ? 'archived' : 'active' });
  }

  /**
   * A message was heard. `isSeen` says that its reader looks at it right now.
   * @param {Message} message
   * @param {boolean} isSeen
   * @returns {Promise<unknown> | void}
   */
  received(message, isSeen) {
    const thread = this.#known.get(message.threadId);
    if (!thread) return this.learn(message.threadId).then(() => this.received(message, isSeen)).catch(() => {});
    if (message.seq <= thread.lastSeq) return undefined;
    thread.heard = message.seq;
    if (message.seq > (thread.lastMessage?.seq ?? 0)) Object.assign(thread, { lastMessage: message, lastMessageAt: message.createdAt });
    if (message.senderId !== this.#me.id) thread.status = 'active';
    if (message.seq > thread.lastSeq + 1) this.learn(thread._id).catch(() => {});
    else this.#count(thread, message, isSeen);
    return this.#changed();
  }

  /**
   * Something happened to a message.
   * @param {string} threadId
   * @param {string} id
   * @param {Partial<Message>} change
   */
  messageChanged(threadId, id, change) {
    const { lastMessage, unreadCount, unreadMentions } = this.#known.get(threadId) ?? {};
    const isLast = lastMessage?._id === id;
    // The count may fall then, and the message before it is shown, which the list may not have.
    if (change.deletedAt && (isLast || unreadCount)) this.learn(threadId).catch(() => {});
    else if (unreadCount && 'mentions' in change && (unreadMentions || change.mentions?.includes(this.#me.id))) this.learn(threadId).catch(() => {});
    if (!isLast) return;
    Object.assign(lastMessage, change);
    this.#changed();
  }

  /**
   * Somebody has left a conversation, or was removed from it: it is gone for oneself, and smaller for the
   * others.
   * @param {{ threadId: string, userId: string, participantCount?: number, removedBy?: string }} left
   * @returns {Promise<unknown> | void}
   */
  left({ threadId, userId, participantCount, removedBy }) {
    const known = this.#known.get(threadId);
    if (userId === this.#me.id) return this.#lose(threadId, { removedBy, isLeft: !removedBy });
    if (!known) return undefined;
    known.participants = known.participants.filter(id => id !== userId);
    known.participantCount = participantCount ?? known.participantCount;
    this.#changed();
    return this.learnAgain(threadId);
  }

  /**
   * People were added to a group.
   * @param {{ threadId: string, members: { id: string }[], participantCount: number }} added
   * @returns {Promise<unknown>}
   */
  joined({ threadId, members, participantCount }) {
    const known = this.#known.get(threadId);
    if (known && known.participants.length === known.participantCount) {
      const ids = new Set([...known.participants, ...members.map(({ id }) => id)]);
      Object.assign(known, { participants: [...ids].sort().slice(0, CARRIED_MAX), participantCount });
      this.#changed();
    }
    return this.learnAgain(threadId);
  }

  /**
   * Somebody is blocked now, or is not any more: conversations with them go away, or are back.
   * @param {string} userId
   */
  async blockChanged(userId) {
    await this.load();
    // What was on its way before says nothing, and neither do lists that are not shown.
    const isWith = (/** @type {Thread} */ { participants, participantCount }) => participants.includes(userId) || participantCount > CARRIED_MAX;
    const isAsked = (/** @type {Thread} */ { group, status }) => !group || status !== 'active' && status !== this.shown;
    await Promise.allSettled([...this.#known.values()].filter(each => isWith(each) && isAsked(each)).map(({ _id }) => this.learnAgain(_id)));
  }

  /**
   * @param {string} id
   * @param {{ removedBy?: string, isLeft?: boolean }} why
   */
  #lose(id, why) {
    const thread = this.#known.get(id);
    this.#gone.set(id, performance.now());
    if (!this.#known.delete(id)) return;
    this.dispatchEvent(new CustomEvent('gone', { detail: { thread, ...why } }));
    this.#changed();
  }

  /**
   * Read or put away, here or on another device, or something unread was taken back; or a group is another.
   * @param {{ _id: string, unreadCount?: number, status?: Thread['status'], group?: Group }} thread
   */
  updated({ _id, unreadCount, status, group }) {
    const known = this.#known.get(_id);
    if (!known) return;
    const isMore = (unreadCount ?? 0) > known.unreadCount;
    this.#patch(_id, { ...unreadCount !== undefined && { unreadCount }, ...unreadCount === 0 && { unreadMentions: 0 }, ...status && { status }, ...group && { group } });
    // How many of them mention this person is not told with the number.
    if (unreadCount && (isMore || known.unreadMentions)) this.learn(_id).catch(() => {});
  }

  /**
   * @param {Thread['status']} status
   * @param {AbortSignal} signal
   */
  async #readAgain(status, signal) {
    const list = this.#lists[status];
    const before = new Set([...this.#known.values()].filter(thread => thread.status === status).map(thread => thread._id));
    const wanted = Math.max(list.read, PAGE);
    let cursor = null, read = 0;
    do {
      const page = await this.#page(status, cursor, signal);
      page.threads.forEach(thread => before.delete(thread._id));
      read += page.threads.length;
      cursor = page.nextCursor;
    } while (cursor && read < wanted);
    Object.assign(list, { cursor, read });
    this.#loaded.add(status);
    this.#changed();
    // What the list does not have any more has gone to the other one, or lies behind the cursor.
    await Promise.allSettled([...before].map(id => this.learn(id)));
  }

  /**
   * @param {Thread['status']} status
   * @param {string | null} cursor
   * @param {AbortSignal} [signal]
   * @returns {Promise<{ threads: Thread[], nextCursor: string | null }>}
   */
  async #page(status, cursor, signal) {
    const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const askedAt = performance.now();
    const page = await this.#api.read(`/messages/threads?status=${status}&limit=${PAGE}${after}`, signal);
    for (const thread of page.threads) this.#take(thread, askedAt);
    return page;
  }

  /**
   * Takes what was read, but for what was heard since. Whether it was taken: of a conversation that went away
   * meanwhile it was not.
   * @param {Thread} thread
   * @param {number} askedAt
   * @returns {boolean}
   */
  #take(thread, askedAt) {
    if ((this.#gone.get(thread._id) ?? -1) > askedAt) return false;
    for (const person of thread.members ?? [thread.participant]) if (person) this.#people.learn(person);
    this.#names.want([...thread.participants, ...thread.group?.owners ?? []]);
    const known = this.#known.get(thread._id);
    const { lastSeq, unreadCount, unreadMentions, lastMessage, lastMessageAt } = known ?? {};
    const merged = Object.assign(known ?? {}, thread);
    if (lastSeq !== undefined && lastSeq > thread.lastSeq) Object.assign(merged, { lastSeq, unreadCount, unreadMentions });
    else if (thread.unreadCount === 0) merged.readTo = thread.lastSeq;
    const isLeft = lastMessage && !lastMessage.deletedAt;
    if (isLeft && lastMessage.seq > (thread.lastMessage?.seq ?? 0)) Object.assign(merged, { lastMessage, lastMessageAt });
    this.#known.set(thread._id, merged);
    return true;
  }

  /**
   * @param {Thread} thread
   * @param {Message} message
   * @param {boolean} isSeen
   */
  #count(thread, message, isSeen) {
    thread.lastSeq = message.seq;
    if (message.senderId === this.#me.id || isSeen) return;
    thread.unreadCount += 1;
    const isTold = message.mentions?.includes(this.#me.id) && !this.#blocks.has(message.senderId);
    if (isTold) thread.unreadMentions = (thread.unreadMentions ?? 0) + 1;
  }

  /**
   * @param {string} id
   * @param {Partial<Thread>} change
   */
  #patch(id, change) {
    Object.assign(this.#known.get(id) ?? {}, change);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * @param {Thread} thread
 * @returns {number}
 */
const activity = thread => new Date(thread.lastMessageAt ?? thread.createdAt).getTime();
