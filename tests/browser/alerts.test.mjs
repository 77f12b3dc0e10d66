// How the page tells somebody who does not look: a sound and a notification of the system, both as they
// choose, and what was read on another device is gone at once.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { signIn } from './front.mjs';
import { entry, onWindows, openAt, setHidden, tell } from './windows.mjs';

/** So long one notification may take before it is told again. */
const ONCE_MS = 5_000;

/**
 * Runs in the page: counts the tones that it plays, and allows notifications, which Chromium without a window
 * asks nobody for.
 */
function listen(permission) {
  window.tones = 0;
  window.AudioContext = class {
    currentTime = 0;
    destination = {};
    async resume() {}
    createGain() { return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect: next => next }; }
    createOscillator() { return { frequency: {}, connect: next => next, start() { window.tones += 1; }, stop() {} }; }
  };
  Notification.requestPermission = async () => permission;
}

onWindows('alerts', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const tones = page => page.evaluate(() => window.tones);
  /** What the system shows of this site. */
  const shown = page => page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return (await registration?.getNotifications() ?? []).map(({ title, body, tag }) => ({ title, body, tag }));
  });
  /**
   * Tells something until the system shows what `isMeant`. In the first moments of a profile Chromium now and
   * then forgets a notification, although `showNotification` has resolved.
   */
  const tellUntilShown = (page, act, isMeant) => becomes('it is shown', async () => {
    await act();
    return eventually('this time', async () => (await shown(page)).find(isMeant), ONCE_MS).catch(() => false);
  });
  const sound = page => page.getByLabel('A sound for new messages');
  const desktop = page => page.getByLabel('Notifications of this device');

  async function openSettings(page) {
    await page.getByRole('button', { name: /^Notifications/ }).click();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('dialog', { name: 'Notification settings' }).waitFor();
  }

  /** A window of somebody whose browser answers so when it is asked for the permission. */
  async function enter(person, permission = 'granted') {
    const { page, link, context } = await stage.openWindow();
    if (permission === 'granted') await context.grantPermissions(['notifications'], { origin: link.origin });
    await context.addInitScript(listen, permission);
    await page.reload();
    await signIn(page, person);
    return { page, context };
  }

  test('nothing is heard or shown until somebody switches it on, and then only of what they do not see', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const [thread, other] = [await ann.startThread(ben), await cem.startThread(ben)];
    await tell(ann, thread, 'before');
    const { page } = await enter(ben);
    await entry(page, ann).locator('.unread').waitFor();
    await tell(cem, other, 'psst');
    await entry(page, cem).locator('.unread').getByText('1').waitFor();
    assert.equal(await tones(page), 0);
    await openSettings(page);
    await sound(page).focus();
    await page.keyboard.press('Space');
    await becomes('one hears what it is like', async () => await tones(page) === 2);
    await desktop(page).focus();
    await page.keyboard.press('Space');
    await becomes('it is on', () => page.evaluate(async () => Boolean((await navigator.serviceWorker.getRegistration())?.active)));
    await page.keyboard.press('Escape');
    // What is read as it comes makes no sound; what comes elsewhere does, and shows nothing, since the page
    // does.
    await openAt(page, ann, 'before');
    await page.waitForTimeout(2_100); // sleep: two sounds are that far apart
    await tell(ann, thread, 'seen');
    await page.locator('#messages').getByText('seen').waitFor();
    assert.equal(await tones(page), 2);
    await tell(cem, other, 'not seen');
    await becomes('it is heard', async () => await tones(page) === 4);
    assert.deepEqual(await shown(page), []);
    // Nobody looks at the page: the system shows it, with its text as text.
    await setHidden(page, true);
    await tellUntilShown(page, () => tell(cem, other, 'look *here* <b>now</b>'), ({ tag }) => tag === other);
    assert.deepEqual(await shown(page), [{ title: cem.id, body: 'look here <b>now</b>', tag: other }]);
    // Another device reads it: it is gone at once.
    await cem.rest('POST', `/threads/${other}/read`, {});
    await ben.rest('POST', `/threads/${other}/read`, {});
    await becomes('it is gone', async () => (await shown(page)).length === 0);
    await entry(page, cem).locator('.unread').waitFor({ state: 'detached' });
  });

  test('muted conversations are silent unless they mention somebody, and quiet hours are silent', async () => {
    const [ann, ben, cem] = stage.people('ann', 'ben', 'cem');
    const [thread, other] = [await ann.startThread(ben), await cem.startThread(ben)];
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const { page } = await enter(ben);
    await openSettings(page);
    await desktop(page).check();
    await becomes('it is on', () => page.evaluate(async () => Boolean((await navigator.serviceWorker.getRegistration())?.active)));
    await page.keyboard.press('Escape');
    await ben.api('PUT', `/notifications/preferences/mutes/${thread}`, {});
    await openSettings(page);
    await page.locator('#mutes li').waitFor();
    await page.keyboard.press('Escape');
    await setHidden(page, true);
    await tell(ann, thread, 'muted');
    await tellUntilShown(page, () => tell(cem, other, 'loud'), ({ body }) => body === 'loud');
    assert.equal((await shown(page)).length, 1);
    const mention = () => tell(ann, thread, `@${ben.id} please`, { mentions: [ben.id] });
    await tellUntilShown(page, mention, ({ title }) => title === `@ ${ann.id}`);
    const notify = () => root.api('POST', '/notifications', { userId: ben.id, type: 'order_update', title: 'Your order' });
    await tellUntilShown(page, notify, ({ title }) => title === 'Your order');
    await ben.api('POST', '/notifications/read-all');
    await becomes('it is read elsewhere and gone', async () => !(await shown(page)).some(({ title }) => title === 'Your order'));
    // Quiet hours of all day but the minute that is the farthest away.
    const away = new Date(Date.now() + 12 * 3_600_000).toISOString().slice(11, 16);
    const next = new Date(Date.now() + 12 * 3_600_000 + 60_000).toISOString().slice(11, 16);
    await ben.api('PATCH', '/notifications/preferences', { quietHours: { enabled: true, from: next, until: away }, timeZone: 'Etc/UTC' });
    await becomes('it is known', () => page.evaluate(() => document.getElementById('quiet').checked));
    await ben.rest('POST', `/threads/${other}/read`, {});
    await becomes('it is gone', async () => !(await shown(page)).some(({ body }) => body === 'loud'));
    await tell(cem, other, 'at night');
    await entry(page, cem).locator('.unread').waitFor();
    assert.ok(!(await shown(page)).some(({ body }) => body === 'at night'));
  });

  test('a browser that does not allow it says so, and nobody inherits what somebody has chosen', async () => {
    const [ann, ben] = stage.people('ann', 'ben');
    const { page } = await enter(ann, 'denied');
    await openSettings(page);
    await desktop(page).click();
    await page.getByText('This browser does not allow notifications').waitFor();
    assert.equal(await desktop(page).isChecked(), false);
    await sound(page).check();
    await page.keyboard.press('Escape');
    await page.reload();
    await page.locator('#connection.up').waitFor();
    assert.equal(await sound(page).isChecked(), true, 'it is kept');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, ben);
    assert.equal(await sound(page).isChecked(), false);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, ann);
    assert.equal(await sound(page).isChecked(), false);
  });
});
