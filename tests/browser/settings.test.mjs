// The notification settings of the page, in a real browser and on both shapes: what is set in one window is
// kept and shown in another one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront, signIn } from './front.mjs';


for (const shape of ['single', 'fleet']) {
  describe(`notification settings on the shape "${shape}"`, { concurrency: 1 }, () => {
    let system, browser, front;
    before(async () => {
      system = await startSystem(shape);
      front = await openFront(system);
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      front?.close();
      await system?.stop();
    });

    /** A window of somebody with the settings open; what goes wrong in it is in `faults`. */
    async function openSettings(person) {
      const link = await front.link();
      const context = await browser.newContext({ timezoneId: 'Europe/Berlin' });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const faults = [];
      page.on('pageerror', error => faults.push(String(error)));
      page.on('console', said => /Content Security Policy/.test(said.text()) && faults.push(said.text()));
      await page.goto(link.origin);
      await signIn(page, person);
      await page.getByRole('button', { name: /^Notifications/ }).click();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('dialog', { name: 'Notification settings' }).waitFor();
      return { page, context, faults };
    }

    const kept = async person => (await person.api('GET', '/notifications/preferences')).preferences;

    test('what is set in one window is kept, and shown in another one', async () => {
      const ann = new Person(system, 'ann');
      const [one, other] = [await openSettings(ann), await openSettings(ann)];
      await one.page.getByLabel('Messages by e-mail').uncheck();
      await eventually('it is kept', async () => (await kept(ann)).types.message?.email === false);
      await eventually('it is shown', () => other.page.getByLabel('Messages by e-mail').isChecked().then(is => !is));
      await one.page.getByLabel('Another kind of notification').fill('order_update');
      await one.page.getByRole('button', { name: 'Add' }).click();
      await one.page.getByLabel('order_update in the app').uncheck();
      await one.page.getByLabel('Also while a page is open').check();
      await one.page.getByLabel('Quiet hours').check();
      await one.page.getByLabel('E-mails come').selectOption('1d');
      await one.page.getByLabel('Hour of the day').selectOption('7');
      await eventually('all of it is kept', async () => (await kept(ann)).digest.hour === 7);
      const { types, whenAway, quietHours, digest, timeZone } = await kept(ann);
      assert.deepEqual(types.order_update, { inApp: false }, 'what nobody named is as for all kinds');
      for (const channel of ['by e-mail', 'by push']) {
        assert.equal(await one.page.getByLabel(`order_update ${channel}`).isChecked(), true, channel);
      }
      assert.deepEqual([whenAway, quietHours.enabled, digest.every, timeZone], [true, true, '1d', 'Europe/Berlin']);
      await eventually('all of it is shown', () => other.page.getByLabel('E-mails come').inputValue().then(every => every === '1d'));
      await one.page.getByLabel('until', { exact: true }).fill('22:00');
      await one.page.getByRole('alert').getByText(/quietHours/i).waitFor();
      assert.equal(await one.page.getByLabel('until', { exact: true }).inputValue(), '07:00', 'what was refused is as it was');
      assert.deepEqual([one.faults, other.faults], [[], []]);
      await Promise.all([one, other].map(({ context }) => context.close()));
    });

    test('two clicks in a row both count, and a chosen UTC stays', async () => {
      const cara = new Person(system, 'cara');
      const { page, context, faults } = await openSettings(cara);
      // The first answer is late, so the second click comes before it.
      let first = true;
      await page.route('**/notifications/preferences', async route => {
        const isFirst = first && route.request().method() === 'PATCH';
        if (isFirst) first = false;
        const answer = await route.fetch();
        if (isFirst) await new Promise(resolve => page.once('request', () => resolve()));
        await route.fulfill({ response: answer });
      });
      await page.getByLabel('Everything else by e-mail').uncheck();
      await page.getByLabel('Everything else by push').uncheck();
      await eventually('both are kept', async () => {
        const { channels } = await kept(cara);
        return !channels.email && !channels.push;
      });
      await page.unrouteAll({ behavior: 'wait' });
      await page.getByLabel('Quiet hours').check();
      await eventually('the zone is the browser\'s', async () => (await kept(cara)).timeZone === 'Europe/Berlin');
      await page.getByLabel('Time zone').selectOption('UTC');
      await eventually('it is UTC', async () => (await kept(cara)).timeZone === 'Etc/UTC');
      await page.getByLabel('from', { exact: true }).fill('20:30');
      await eventually('the time is kept', async () => (await kept(cara)).quietHours.from === '20:30');
      assert.equal((await kept(cara)).timeZone, 'Etc/UTC');
      assert.equal(await page.getByLabel('Time zone').inputValue(), 'UTC');
      for (const kind of ['constructor', '__proto__']) {
        await page.getByLabel('Another kind of notification').fill(kind);
        await page.getByRole('button', { name: 'Add' }).click();
        assert.equal(await page.getByLabel(`${kind} in the app`).isChecked(), true, kind);
      }
      assert.deepEqual(faults, []);
      await context.close();
    });

    test('a conversation is muted by its header for a while, and unmuted in the settings, by keyboard', async () => {
      const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
      const thread = await ann.startThread(ben);
      const { page, context, faults } = await openSettings(ann);
      await page.getByText('None. A conversation').waitFor();
      await page.keyboard.press('Escape');
      await page.evaluate(id => { location.hash = id; }, thread);
      await page.getByRole('button', { name: 'Mute', exact: true }).click();
      await page.getByRole('button', { name: 'For one hour' }).click();
      await page.getByRole('button', { name: 'Muted', exact: true }).waitFor();
      const [mute] = (await kept(ann)).mutes;
      assert.equal(mute.threadId, thread);
      assert.ok(Math.abs(new Date(mute.until) - Date.now() - 3_600_000) < 120_000, mute.until);
      await page.getByRole('button', { name: /^Notifications/ }).click();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('button', { name: /^Unmute/ }).focus();
      await page.keyboard.press('Enter');
      await eventually('it is not muted', async () => (await kept(ann)).mutes.length === 0);
      assert.deepEqual(faults, []);
      await context.close();
    });

    test('devices are listed and taken off', async () => {
      const ann = new Person(system, 'ann');
      await ann.api('POST', '/devices', { fcmToken: `token-of-${ann.id}`, name: 'Phone <b>' });
      const { page, context, faults } = await openSettings(ann);
      await page.getByText('Phone <b>').waitFor();
      await page.getByRole('button', { name: 'Remove Phone <b>' }).click();
      await eventually('it is gone', async () => (await ann.api('GET', '/devices')).devices.length === 0);
      await page.locator('#no-devices').waitFor();
      assert.deepEqual(faults, []);
      await context.close();
    });
  });
}
