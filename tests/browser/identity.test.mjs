// The page with people whose ids look like markup, paths and operators: it opens, shows their names, and they
// talk, on both shapes.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Person, mint } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront, signIn } from './front.mjs';

const PATIENCE_MS = 30_000;

/** Somebody with this id, called by nothing else. */
function personOf(system, id) {
  return Object.assign(new Person(system, 'person'), { id, token: mint({ sub: id, jti: randomUUID() }) });
}

for (const shape of ['single', 'fleet']) {
  describe(`the page of hostile ids on the shape "${shape}"`, { concurrency: 1 }, () => {
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

    async function openPage(person) {
      const link = await front.link();
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const faults = [];
      page.on('pageerror', error => faults.push(String(error)));
      page.on('console', said => /Content Security Policy|Failed to load/.test(said.text()) && faults.push(said.text()));
      await page.goto(link.origin);
      await signIn(page, person);
      return { page, faults };
    }

    test('the page opens, and two such people talk', async () => {
      const run = randomUUID().slice(0, 8);
      const ann = personOf(system, `auth0|<img src=x onerror=alert(1)>.${run}`);
      const ben = personOf(system, `$ben.o'hara+x@example.com/../%2E?#&"{{x}} é ${run}`);
      const thread = await ann.startThread(ben);
      const [one, other] = [await openPage(ann), await openPage(ben)];
      const say = async (page, content) => {
        await page.getByLabel('Message', { exact: true }).fill(content);
        await page.getByRole('button', { name: 'Send', exact: true }).click();
      };
      await one.page.locator('#threads').getByText(ben.id).first().click();
      await other.page.locator('#threads').getByText(ann.id).first().click();
      await say(one.page, 'from the one');
      await other.page.locator('#messages').getByText('from the one').first().waitFor();
      await say(other.page, 'from the other');
      await one.page.locator('#messages').getByText('from the other').first().waitFor();
      assert.equal(await other.page.locator('img[src="x"]').count(), 0);
      assert.deepEqual([one.faults, other.faults], [[], []]);
      assert.deepEqual(await ann.history(thread), ['from the one', 'from the other']);
    });
  });
}
