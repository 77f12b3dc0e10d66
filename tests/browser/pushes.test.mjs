// Pushes in a real browser: the page subscribes by a click, the service worker shows what is pushed, opens
// the conversation, and takes away what was read elsewhere.
//
// No push service can be reached from here. So the subscription is a stand-in that the page gets from its
// browser, and pushes are delivered to the real service worker by Chromium's DevTools protocol
// (`ServiceWorker.deliverPushMessage`), with the payload that `docs/PROTOCOL.md` describes.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront, signIn } from './front.mjs';

const KEYS = { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' };

/** Runs in the page: its browser has a push service, of which the page learns only what a real one tells. */
function subscribeHere({ keys, permission }) {
  Notification.requestPermission = async () => permission;
  const kept = () => JSON.parse(localStorage.getItem('subscription') ?? 'null');
  const subscription = () => kept() && {
    toJSON: () => ({ endpoint: kept().endpoint, expirationTime: null, keys }),
    async unsubscribe() { localStorage.removeItem('subscription'); return true; },
  };
  PushManager.prototype.getSubscription = async () => subscription();
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    const endpoint = `https://push.example/${Math.random()}`;
    localStorage.setItem('subscription', JSON.stringify({ endpoint, applicationServerKey, userVisibleOnly }));
    return subscription();
  };
}

describe('pushes in a browser', () => {
  let system, browser, front;
  before(async () => {
    system = await startSystem('single');
    front = await openFront(system);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    front?.close();
    await system?.stop();
  });

  /** A window of somebody, in a browser whose owner answers so when they are asked for the permission. */
  async function enter(person, permission = 'granted') {
    const link = await front.link();
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE_MS);
    if (permission === 'granted') await context.grantPermissions(['notifications'], { origin: link.origin });
    await context.addInitScript(subscribeHere, { keys: KEYS, permission });
    const page = await context.newPage();
    await page.goto(link.origin);
    await signIn(page, person);
    return { page, context, link };
  }

  const bell = page => page.getByRole('button', { name: /^Notifications/ });
  const turnOn = page => page.getByRole('button', { name: 'Notify me in this browser', exact: true });
  const turnOff = page => page.getByRole('button', { name: 'Do not notify me in this browser' });
  const devices = async person => (await person.api('GET', '/devices')).devices;

  /** Gives `push(payload)`, which delivers a push to the service worker of the page. */
  async function pushing(context, page, link) {
    const devtools = await context.newCDPSession(page);
    const [registrations, active] = [[], new Set()];
    devtools.on('ServiceWorker.workerRegistrationUpdated', event => registrations.push(...event.registrations));
    devtools.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      versions.filter(each => each.status === 'activated').forEach(each => active.add(each.registrationId));
    });
    await devtools.send('ServiceWorker.enable');
    // Those of other windows of this browser may come too, and a push to a worker that is not active is lost.
    const own = () => registrations.find(each => each.scopeURL.startsWith(`${link.origin}/`) && active.has(each.registrationId));
    const { registrationId } = await eventually('the service worker is active', own);
    return payload => devtools.send('ServiceWorker.deliverPushMessage', { origin: link.origin, registrationId, data: JSON.stringify(payload) });
  }

  /** What the system shows. */
  const shown = page => page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return (await registration.getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, threadId: data?.threadId }));
  });

  /**
   * Delivers a push until the system shows one of its tag. In the first moments of a profile Chromium now and
   * then forgets a notification, although `showNotification` has resolved.
   */
  const pushUntilShown = (page, push, payload) => eventually(`${payload.tag} is shown`, async () => {
    await push(payload);
    return (await shown(page)).some(({ tag }) => tag === payload.tag);
  });

  test('signing out takes away what the system shows, and so does somebody else who signs in', async () => {
    const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
    const { page, context, link } = await enter(ann);
    await bell(page).click();
    await turnOn(page).click();
    await turnOff(page).waitFor();
    const push = await pushing(context, page, link);
    const payload = { act: 'show', tag: 'n:1', badge: 1, title: 'For ann', text: 'only' };
    await pushUntilShown(page, push, payload);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel(/paste a token/i).waitFor();
    assert.deepEqual(await shown(page), []);
    await signIn(page, ann);
    await bell(page).click();
    await turnOn(page).click();
    await turnOff(page).waitFor();
    await pushUntilShown(page, push, payload);
    // The sign-in ends by itself, and somebody else comes.
    await page.evaluate(() => { sessionStorage.removeItem('token'); location.reload(); });
    await page.getByLabel(/paste a token/i).waitFor();
    await signIn(page, ben);
    await page.locator('#connection.up').waitFor();
    await eventually('nothing of ann is shown', async () => (await shown(page)).length === 0);
    await context.close();
  });

  test('a click asks and subscribes, another one ends it, and signing out does too', async () => {
    const ann = new Person(system, 'ann');
    const { page, context } = await enter(ann);
    await bell(page).click();
    assert.deepEqual(await devices(ann), []);
    await turnOn(page).click();
    await turnOff(page).waitFor();
    const [device, ...others] = await devices(ann);
    assert.deepEqual([device.kind, others], ['webpush', []]);
    assert.match(device.name, /Chrome|Browser/);
    const asked = await page.evaluate(() => JSON.parse(localStorage.getItem('subscription')));
    assert.deepEqual([asked.userVisibleOnly, asked.applicationServerKey], [true, (await ann.api('GET', '/push/key')).publicKey]);
    await page.reload();
    await page.locator('#connection.up').waitFor();
    await bell(page).click();
    await turnOff(page).waitFor();
    assert.equal((await devices(ann))[0]._id, device._id, 'a visit renews it');
    await turnOff(page).click();
    await turnOn(page).waitFor();
    await eventually('it is removed', async () => (await devices(ann)).length === 0);
    await turnOn(page).click();
    await turnOff(page).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel(/paste a token/i).waitFor();
    await eventually('it is removed', async () => (await devices(ann)).length === 0);
    await context.close();
  });

  test('a browser that does not allow it says so, and nothing is registered', async () => {
    const ann = new Person(system, 'ann');
    const { page, context } = await enter(ann, 'denied');
    await bell(page).click();
    await turnOn(page).click();
    await page.getByText('This browser does not allow notifications of this site.').waitFor();
    assert.deepEqual(await devices(ann), []);
    await context.close();
  });

  test('the service worker shows a push, opens its conversation, and takes away what was read', async () => {
    const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
    const thread = await ann.startThread(ben);
    const { page, context, link } = await enter(ann);
    await bell(page).click();
    await turnOn(page).click();
    await turnOff(page).waitFor();
    const push = await pushing(context, page, link);
    const message = { act: 'show', tag: thread, badge: 1, title: 'Ben <b>', text: 'hello', threadId: thread };
    await pushUntilShown(page, push, message);
    await push({ ...message, badge: 2, text: 'hello again' });
    await eventually('it is replaced', async () => (await shown(page))[0]?.body === 'hello again');
    assert.deepEqual(await shown(page), [{ title: 'Ben <b>', body: 'hello again', tag: thread, threadId: thread }]);
    await pushUntilShown(page, push, { act: 'show', tag: 'n:1', badge: 2, title: 'Your order', text: '' });
    await eventually('both are shown', async () => (await shown(page)).length === 2);
    const [worker] = context.serviceWorkers();
    await worker.evaluate(async tag => {
      const [notification] = await self.registration.getNotifications({ tag });
      self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
    }, thread);
    await eventually('the conversation is open', async () => new URL(page.url()).hash === `#${thread}`);
    await eventually('what was pressed is gone', async () => (await shown(page)).length === 1);
    await push({ act: 'clear', tag: 'n:1', badge: 0 });
    await eventually('what was read elsewhere is gone', async () => (await shown(page)).length === 0);
    await context.close();
  });

  test('what is read on another device is taken away here while the page is open', async () => {
    const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
    const thread = await ann.startThread(ben);
    const { page, context, link } = await enter(ann);
    await bell(page).click();
    await turnOn(page).click();
    await turnOff(page).waitFor();
    await ben.api('POST', `/messages/${thread}`, { content: 'hello' });
    const push = await pushing(context, page, link);
    await pushUntilShown(page, push, { act: 'show', tag: thread, badge: 1, title: 'Ben', text: 'hello', threadId: thread });
    await ann.api('POST', `/messages/threads/${thread}/read`);
    await eventually('it is taken away', async () => (await shown(page)).length === 0);
    await context.close();
  });
});
