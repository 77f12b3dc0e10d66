// The list of conversations: with whom each is, whether they are online, the last message and its time, and
// how much is unread.

import { ticks } from '/bubble.js';
import { $, arrange, drawingOnce, element } from '/elements.js';
import { offer } from '/focus.js';
import { plain } from '/markup.js';
import { attempt } from '/notice.js';
import { fileNames } from '/sizes.js';
import { shortTime } from '/times.js';
import { typed } from '/typed.js';

export class ThreadList {
  #parts;
  /** @type {Map<string, Element>} */
  #items = new Map();
  #drawSoon = drawingOnce(() => this.#draw());

  /**
   * `parts`: `api`, `threads`, `people`, `presence`, `typing`, `drafts`, `composer`, `conversation`, `me`,
   * and `open(id)`.
   * @param {{ api: import('/api.js').Api, threads: import('/threads.js').Threads,
   *   people: import('/people.js').People, me: Me, drafts: import('/drafts.js').Drafts,
   *   presence: import('/presence.js').Presence, typing: import('/typing.js').Typing,
   *   composer: import('/composer.js').Composer, conversation: import('/conversation.js').Conversation,
   *   open: (threadId: string) => void }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    for (const each of [parts.api, parts.threads, parts.presence, parts.typing, parts.conversation, parts.drafts]) each.addEventListener('change', () => this.#drawSoon());
    $('more-threads').addEventListener('click', () => attempt(() => parts.threads.more()));
    $('show-active').addEventListener('click', () => this.#show('active'));
    $('show-archived').addEventListener('click', () => this.#show('archived'));
    this.#draw();
  }

  /**
   * Puts the focus on a conversation, or above the list if it is not listed.
   * @param {string | undefined} threadId
   */
  focus(threadId) {
    this.#draw();
    ($('threads').querySelector(`[data-id="${CSS.escape(threadId ?? '')}"]`) ?? $('new-chat')).focus();
  }

  /** @param {Thread['status']} status */
  #show(status) {
    return attempt(() => this.#parts.threads.show(status));
  }

  #draw() {
    const { threads, presence, people } = this.#parts;
    const { listed, shown } = threads;
    const focused = document.activeElement?.closest('#threads li');
    const items = new Map(listed.map(thread => [thread._id, this.#items.get(thread._id) ?? this.#item(thread._id)]));
    for (const thread of listed) {
      const open = items.get(thread._id)?.firstElementChild;
      if (open) this.#drawItem(open, thread);
    }
    this.#items = items;
    arrange($('threads'), [...items.values()]);
    // An item that was moved has lost the focus.
    if (focused?.isConnected && !focused.contains(document.activeElement)) focused.querySelector('button')?.focus();
    offer($('more-threads'), threads.hasMore, $('threads'));
    $('no-threads').hidden = listed.length > 0 || !threads.isLoaded;
    $('no-threads').textContent = shown === 'active' ? 'No conversations yet. Start one above.' : 'Nothing is archived.';
    $('threads-state').textContent = threads.isLoaded ? '' : this.#notYet();
    $('show-active').setAttribute('aria-pressed', String(shown === 'active'));
    $('show-archived').setAttribute('aria-pressed', String(shown === 'archived'));
    presence.watch(listed.flatMap(thread => people.partner(thread) ?? []));
  }

  /** Why the list is not there. */
  #notYet() {
    const { api: { trouble }, threads } = this.#parts;
    if (trouble) return `Your conversations could not be loaded yet. ${trouble}`;
    return threads.isAsked ? 'Loading your conversations …' : 'Your conversations appear here once there is a connection.';
  }

  /** @param {string} id */
  #item(id) {
    const open = element('button', { type: 'button', 'data-id': id });
    open.addEventListener('click', () => this.#parts.open(id));
    return element('li', {}, open);
  }

  /**
   * @param {Element} open
   * @param {Thread} thread
   */
  #drawItem(open, thread) {
    const { people, presence, conversation } = this.#parts;
    const partner = people.partner(thread);
    const isShown = conversation.showsNew(thread._id);
    const unread = isShown ? 0 : thread.unreadCount;
    const mentions = unread > 0 ? thread.unreadMentions ?? 0 : 0;
    open.setAttribute('aria-current', String(thread._id === conversation.threadId));
    open.classList.toggle('has-unread', unread > 0);
    open.replaceChildren(
      people.pictureOf(thread),
      element('span', { class: `dot ${partner && presence.status(partner) || ''}` }, ...dotWords(partner, presence)),
      element('span', { class: 'name', dir: 'auto' }, people.title(thread)),
      element('time', { datetime: thread.lastMessageAt ?? thread.createdAt }, shortTime(thread.lastMessageAt ?? thread.createdAt)),
      ...this.#preview(thread),
      ...unread > 0 ? [element('span', { class: 'counts' }, ...mentionSign(mentions),
        element('span', { class: 'unread', 'aria-label': `${unread} unread` }, String(unread)))] : [],
    );
  }

  /**
   * What was said last, unless somebody says something right now or something was begun here.
   * @param {Thread} thread
   */
  #preview(thread) {
    const { people, typing, composer, conversation, me } = this.#parts;
    const typists = typing.in(thread._id);
    if (typists.length > 0) return [element('span', { class: 'preview live' }, 'typing …')];
    const draft = thread._id === conversation.threadId ? '' : composer.draft(thread._id);
    if (draft) return [element('span', { class: 'preview' }, element('em', {}, 'Draft: '), element('bdi', {}, draft))];
    const { lastMessage: last } = thread;
    if (!last) return [element('span', { class: 'preview', dir: 'auto' }, people.subtitle(thread) || 'No messages yet')];
    const isOwn = last.senderId === me.id;
    const by = people.isGroup(thread) && !isOwn ? `${people.name(last.senderId)}: ` : '';
    return [
      ...isOwn && !last.deletedAt ? [ticks(last.status)] : [],
      element('span', { class: 'preview', dir: 'auto' }, ...last.deletedAt ? ['Message taken back'] : [by && element('bdi', {}, by), plain(typed(last.content)) || fileNames(last.attachments)]),
    ];
  }
}

/**
 * Somebody is meant by what they have not read yet.
 * @param {number} count
 */
function mentionSign(count) {
  if (count === 0) return [];
  const words = `${count === 1 ? 'a message mentions' : `${count} messages mention`} you, `;
  return [element('span', { class: 'mentions-me', title: 'You are mentioned' },
    element('span', { 'aria-hidden': 'true' }, '@'), element('span', { class: 'unseen' }, words))];
}

/**
 * @param {string | undefined} partner
 * @param {import('/presence.js').Presence} presence
 */
function dotWords(partner, presence) {
  const words = partner && presence.status(partner);
  return words === 'online' || words === 'away' ? [element('span', { class: 'unseen' }, words)] : [];
}
