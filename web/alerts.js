// What tells somebody of a new message while they do not look: a sound, and a notification of the system they
// sit at. Both are off until they switch them on, for this browser.
//
// Muted conversations and quiet hours are silent, but for a message that mentions its reader in a muted one,
// as with pushes. Whoever is blocked tells nobody anything. The notification has the tag of its
// conversation, so that one that was read on another device goes away (pushes.js).

import { $ } from '/elements.js';
import { host } from '/host-page.js';
import { plain } from '/markup.js';
import { isQuiet } from '/quiet-hours.js';
import { chime } from '/sound.js';
import { keptForGood } from '/storage.js';
import { typed } from '/typed.js';
import { isUnseen } from '/unseen.js';

/** Of many messages in one moment one is heard. */
const SOUND_PAUSE_MS = 2_000;

export class Alerts {
  #parts;
  #soundedAt = 0;

  /**
   * `parts`: `me`, `people`, `blocks`, `threads`, `preferences`, `pushes`, and `sees(threadId)`, whether its
   * reader has the new messages of a conversation before their eyes.
   * @param {{ me: Me, people: import('/people.js').People, blocks: import('/blocks.js').Blocks,
   *   threads: import('/threads.js').Threads,
   *   preferences: import('/preferences.js').PreferencesForm, pushes: import('/pushes.js').Pushes,
   *   sees: (threadId: string) => boolean }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    $('sound').checked = this.#is('sound');
    $('desktop').checked = this.#is('desktop') && permission() === 'granted';
    $('desktop').disabled = permission() === undefined;
    $('sound').addEventListener('change', () => {
      this.#set('sound', $('sound').checked);
      if ($('sound').checked) chime();
    });
    $('desktop').addEventListener('change', () => this.#switchDesktop($('desktop').checked));
  }

  /** Whoever signs in next chooses anew. */
  forget() {
    for (const way of ['sound', 'desktop']) keptForGood()?.removeItem(this.#name(way));
  }

  /** @param {Message} message */
  heard(message) {
    const { me, people, blocks, threads, sees } = this.#parts;
    const { threadId, senderId, mentions, attachments } = message;
    const mentionsMe = mentions?.includes(me.id) ?? false;
    if (senderId === me.id || blocks.has(senderId) || sees(threadId) || this.#isSilent(threadId, mentionsMe)) return;
    this.#sound();
    const thread = threads.get(threadId);
    const group = thread && people.isGroup(thread) ? ` · ${people.title(thread)}` : '';
    const words = plain(typed(message.content)) || typed(attachments[0]?.filename ?? '');
    this.#show({ title: `${mentionsMe ? '@ ' : ''}${people.name(senderId)}${group}`, body: words, tag: threadId, threadId });
  }

  /** @param {UserNotification} notification */
  notified({ _id, title, message, threadId }) {
    if (this.#isSilent(undefined, false)) return;
    this.#sound();
    this.#show({ title: typed(title), body: typed(message), tag: `n:${_id}`, threadId });
  }

  /**
   * @param {string | undefined} threadId
   * @param {boolean} mentionsMe
   */
  #isSilent(threadId, mentionsMe) {
    const { preferences } = this.#parts;
    const isMuted = !mentionsMe && preferences.mutes.some(mute => mute.threadId === threadId);
    return isMuted || isQuiet(preferences.quietHours, preferences.timeZone);
  }

  #sound() {
    if (!this.#is('sound') || Date.now() - this.#soundedAt < SOUND_PAUSE_MS) return;
    this.#soundedAt = Date.now();
    chime();
  }

  /**
   * Only for who does not look at this page at all: the page itself tells the others.
   * @param {{ title: string, body: string, tag: string, threadId?: string | null }} what
   */
  async #show({ title, body, tag, threadId }) {
    const { pushes, preferences } = this.#parts;
    const isPushed = pushes.device !== undefined && preferences.whenAway;
    if (document.hasFocus() && !isUnseen() || isPushed || !this.#is('desktop') || permission() !== 'granted') return;
    const worker = await navigator.serviceWorker?.getRegistration();
    await worker?.showNotification(title, { body, tag, icon: '/assets/avatar.svg', data: { threadId } });
  }

  /** @param {boolean} isWanted */
  async #switchDesktop(isWanted) {
    $('alerts-words').textContent = '';
    const isAllowed = !isWanted || await Notification.requestPermission() === 'granted';
    if (isWanted && isAllowed) await navigator.serviceWorker.register('/service-worker.js');
    this.#set('desktop', isWanted && isAllowed);
    $('desktop').checked = isWanted && isAllowed;
    if (!isAllowed) $('alerts-words').textContent = 'This browser does not allow notifications of this site. Its settings can change that.';
  }

  /** @param {string} way */
  #name(way) {
    return `${way} for ${this.#parts.me.id}`;
  }

  /** @param {string} way */
  #is(way) {
    return keptForGood()?.getItem(this.#name(way)) === 'on';
  }

  /**
   * @param {string} way
   * @param {boolean} isOn
   */
  #set(way, isOn) {
    if (isOn) keptForGood()?.setItem(this.#name(way), 'on');
    else keptForGood()?.removeItem(this.#name(way));
  }
}

/**
 * What the browser has been allowed; nothing where it cannot do it, as on an address that is not safe, and in
 * a frame, in which browsers ask nobody.
 */
const permission = () => (!host && 'Notification' in window && 'serviceWorker' in navigator ? Notification.permission : undefined);
