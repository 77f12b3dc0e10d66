// Pushes to this browser: a switch that asks for the permission, subscribes, and tells the server; and
// what was read here is taken away from the notifications that the system shows.
//
// The subscription is the browser's, so it outlives the page and whoever is signed in. Signing out ends it.

import { $ } from '/elements.js';
import { host } from '/host-page.js';
import { attempt, onTheSide } from '/notice.js';
import { keptForGood } from '/storage.js';

/** Who this browser was last registered for: a sign-in that ended by itself leaves what the system shows. */
const TOLD = 'notified person';
/** Signing out does not wait longer for a server that is away. */
const GOOD_BYE_MS = 2_000;

/** Dispatches `change` when this browser is registered or no longer. */
export class Pushes extends EventTarget {
  #api;
  #me;
  /** @type {string | null} */
  #key = null;
  /** The id of this browser at the server, while pushes are on. @type {string | undefined} */
  #device;

  /**
   * `open(threadId)` shows the conversation of a notification that somebody pressed.
   * @param {import('/api.js').Api} api
   * @param {(threadId: string) => void} open
   * @param {string} me
   */
  constructor(api, open, me) {
    super();
    this.#api = api;
    this.#me = me;
    $('notify-here').addEventListener('click', () => attempt(() => (this.#device ? this.stop() : this.#start())));
    navigator.serviceWorker?.addEventListener('message', ({ data }) => data?.open && open(data.open));
  }

  /** The id of this browser at the server, while pushes are on. */
  get device() {
    return this.#device;
  }

  /**
   * Shows the switch if browser and server can do it; renews the registration of a browser that is on. In a
   * frame browsers give no permission.
   */
  async load() {
    if (host || !('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window)) return;
    const told = localStorage.getItem(TOLD);
    if (told !== null && told !== this.#me) {
      await this.#close(() => true);
      localStorage.removeItem(TOLD);
    }
    this.#key = (await this.#api.read('/push/key')).publicKey;
    if (!this.#key) return;
    $('pushes').hidden = false;
    const subscription = Notification.permission === 'granted' && await this.#subscription();
    if (subscription) await this.#register(subscription);
    this.#draw();
  }

  /**
   * A conversation was read: what the system shows of it goes away.
   * @param {string} threadId
   */
  read(threadId) {
    return this.#close(tag => tag === threadId);
  }

  /**
   * Notifications were read or deleted; without an id, all.
   * @param {string | null} notificationId
   */
  notified(notificationId) {
    return this.#close(tag => (notificationId ? tag === `n:${notificationId}` : tag.startsWith('n:')));
  }

  /** @param {(tag: string) => boolean} isMeant */
  async #close(isMeant) {
    if (host) return;
    const registration = await navigator.serviceWorker?.getRegistration();
    for (const shown of await registration?.getNotifications() ?? []) if (isMeant(shown.tag)) shown.close();
  }

  /** Whoever signs in next must not see the pushes of this person, nor what the system shows of them. */
  async forget() {
    const stopped = onTheSide(async () => {
      await this.#close(() => true);
      keptForGood()?.removeItem(TOLD);
      if (this.#device) await this.stop();
      // What came meanwhile.
      await this.#close(() => true);
    });
    await Promise.race([stopped, new Promise(resolve => setTimeout(resolve, GOOD_BYE_MS))]);
  }

  async #start() {
    if (await Notification.requestPermission() !== 'granted') {
      return this.#draw('This browser does not allow notifications of this site. Its settings can change that.');
    }
    try {
      await navigator.serviceWorker.register('/service-worker.js');
      const { pushManager } = await navigator.serviceWorker.ready;
      const wanted = { userVisibleOnly: true, applicationServerKey: this.#key };
      const subscription = await pushManager.subscribe(wanted).catch(async error => {
        // It is subscribed with an earlier key of the server.
        const old = error.name === 'InvalidStateError' && await pushManager.getSubscription();
        if (!old) throw error;
        await old.unsubscribe();
        return pushManager.subscribe(wanted);
      });
      await this.#register(subscription);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return this.#draw('The push service of this browser cannot be reached.');
    }
    return this.#draw();
  }

  /** Ends pushes to this browser. */
  async stop() {
    const device = this.#device;
    this.#device = undefined;
    const subscription = await this.#subscription();
    await subscription?.unsubscribe();
    this.#draw();
    if (device) await this.#api.ask('DELETE', `/devices/${device}`);
  }

  /** @param {PushSubscription} subscription */
  async #register(subscription) {
    const { device } = await this.#api.ask('POST', '/devices', { subscription: subscription.toJSON(), name: browserName() });
    // Without a device the server has the command and has not done it yet: the next visit learns the id.
    this.#device = device?._id;
    localStorage.setItem(TOLD, this.#me);
  }

  async #subscription() {
    const registration = await navigator.serviceWorker.getRegistration();
    return registration?.pushManager.getSubscription();
  }

  /** @param {string} words */
  #draw(words = '') {
    $('notify-here').textContent = this.#device ? 'Do not notify me in this browser' : 'Notify me in this browser';
    $('notify-here').setAttribute('aria-pressed', String(Boolean(this.#device)));
    $('notify-words').textContent = words;
    this.dispatchEvent(new Event('change'));
  }
}

/** What the owner sees in a list of devices. */
function browserName() {
  const { userAgent } = navigator;
  const names = [['Edg/', 'Edge'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']];
  const systems = [['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Windows', 'Windows'], ['Mac OS', 'macOS'], ['Linux', 'Linux']];
  const name = names.find(([mark]) => userAgent.includes(mark))?.[1] ?? 'Browser';
  const system = systems.find(([mark]) => userAgent.includes(mark))?.[1];
  return system ? `${name} on ${system}` : name;
}
