// Notifications: a bell with the number of unread ones, and the list behind it.

import { $, button, element } from '/elements.js';
import { offer, redraw } from '/focus.js';
import { attempt } from '/notice.js';
import { shortTime } from '/times.js';
import { typed } from '/typed.js';

const PAGE = 20;

export class Inbox {
  #api;
  #open;
  /** @type {Map<string, UserNotification>} */
  #known = new Map();
  #unread = 0;
  #heard = 0;
  #isLoaded = false;
  /** @type {string | null} */
  #cursor = null;

  /**
   * `open(threadId)` shows the conversation that a notification is about.
   * @param {import('/api.js').Api} api
   * @param {(threadId: string) => void} open
   */
  constructor(api, open) {
    this.#api = api;
    this.#open = open;
    $('bell').addEventListener('click', () => this.#show($('inbox').hidden));
    $('read-all').addEventListener('click', () => attempt(() => this.#readAll()));
    $('more-notifications').addEventListener('click', () => attempt(() => this.#read(this.#cursor)));
    $('inbox').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && this.#show(false));
    // Who leaves it by keys does not find it before what they go to.
    $('inbox').addEventListener('focusout', (/** @type {FocusEvent} */ { relatedTarget }) => {
      if (relatedTarget instanceof Element && !relatedTarget.closest('#inbox, #bell')) this.#hide();
    });
    document.addEventListener('pointerdown', ({ target }) => (target instanceof Element && target.closest('#inbox, #bell')) || this.#hide());
    this.#draw();
  }

  /** Reads the newest again. */
  async load() {
    this.#known.clear();
    await this.#read(null);
  }

  /**
   * One has come.
   * @param {{ notification: UserNotification, unreadCount?: number }} event
   */
  received({ notification, unreadCount }) {
    this.#heard += 1;
    if (!this.#known.has(notification._id) && !notification.isRead) this.#unread += 1;
    this.#unread = unreadCount ?? this.#unread;
    this.#known.set(notification._id, notification);
    this.#draw();
    $('news').textContent = `Notification: ${typed(notification.title)}`;
  }

  /**
   * Some were read or deleted, here or on another device. Without an id: all that are older than the event.
   * @param {NotificationUpdate} event
   */
  updated({ action, notificationId, unreadCount, updatedAt }) {
    this.#heard += 1;
    const isMeant = (/** @type {UserNotification} */ each) => (notificationId ? each._id === notificationId : each.createdAt < updatedAt);
    const meant = [...this.#known.values()].filter(isMeant);
    if (action === 'deleted') meant.forEach(each => this.#known.delete(each._id));
    else meant.forEach(each => { each.isRead = true; });
    this.#unread = unreadCount ?? this.#unread;
    this.#draw();
  }

  /** @param {string | null} cursor */
  async #read(cursor) {
    const heard = this.#heard;
    const page = await this.#api.read(`/notifications?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    for (const each of page.notifications) this.#known.set(each._id, each);
    this.#unread = page.unreadCount;
    this.#cursor = page.nextCursor;
    this.#isLoaded = true;
    this.#draw();
    // One that came meanwhile may be in the number or not.
    if (heard !== this.#heard) await this.#count();
  }

  /** @param {UserNotification} notification */
  async #markRead(notification) {
    if (notification.isRead) return;
    await this.#api.ask('POST', `/notifications/${notification._id}/read`);
    this.#markAsRead([notification]);
  }

  async #readAll() {
    await this.#api.ask('POST', '/notifications/read-all');
    this.#markAsRead([...this.#known.values()]);
    await this.#count();
  }

  /** @param {UserNotification} notification */
  async #remove(notification) {
    await this.#api.ask('DELETE', `/notifications/${notification._id}`);
    // The event may have come before the answer, and brought the number.
    const isNews = this.#known.delete(notification._id);
    if (isNews && !notification.isRead) this.#unread -= 1;
    this.#draw();
  }

  /** @param {UserNotification[]} notifications */
  #markAsRead(notifications) {
    const unread = notifications.filter(each => !each.isRead);
    unread.forEach(each => { each.isRead = true; });
    this.#unread = Math.max(0, this.#unread - unread.length);
    this.#draw();
  }

  async #count() {
    this.#unread = (await this.#api.read('/notifications/unread-count')).unreadCount;
    this.#draw();
  }

  /** @param {UserNotification} notification */
  async #follow(notification) {
    await attempt(() => this.#markRead(notification));
    if (!notification.threadId) return;
    this.#show(false);
    this.#open(notification.threadId);
  }

  /** @param {boolean} isShown */
  #show(isShown) {
    $('inbox').hidden = !isShown;
    $('bell').setAttribute('aria-expanded', String(isShown));
    if (isShown) $('inbox').focus();
    else $('bell').focus();
  }

  /** Something else was pressed: the focus goes there. */
  #hide() {
    $('inbox').hidden = true;
    $('bell').setAttribute('aria-expanded', 'false');
  }

  #draw() {
    const hadFocus = $('inbox').contains(document.activeElement);
    const newestFirst = [...this.#known.values()].sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
    $('bell-count').textContent = this.#unread > 0 ? String(this.#unread) : '';
    $('bell').setAttribute('aria-label', this.#unread > 0 ? `Notifications, ${this.#unread} unread` : 'Notifications');
    $('read-all').hidden = this.#unread === 0;
    if ($('read-all').hidden && document.activeElement === $('read-all')) $('inbox').focus();
    $('no-notifications').hidden = newestFirst.length > 0;
    $('no-notifications').textContent = this.#isLoaded ? 'There are no notifications.' : 'Loading …';
    redraw($('notifications'), newestFirst.map(each => this.#item(each)), $('inbox'));
    offer($('more-notifications'), this.#cursor !== null, $('notifications'));
    if (hadFocus && !$('inbox').contains(document.activeElement)) $('inbox').focus();
  }

  /** @param {UserNotification} notification */
  #item(notification) {
    const { title, message, createdAt, isRead, threadId } = notification;
    const is = (/** @type {string} */ act) => ({ 'data-id': notification._id, 'data-act': act });
    const markRead = button('Mark as read', () => attempt(() => this.#markRead(notification)), is('read'));
    const follow = button('Open conversation', () => this.#follow(notification), is('follow'));
    const remove = button('Delete', () => attempt(() => this.#remove(notification)), is('remove'));
    return element('li', { class: isRead ? '' : 'is-new' },
      element('strong', { dir: 'auto' }, typed(title)), element('time', { datetime: createdAt }, shortTime(createdAt)),
      message && element('p', { dir: 'auto' }, typed(message)),
      element('div', { class: 'choices' }, threadId && follow, !isRead && markRead, remove));
  }
}
