// The page of operators at /ops, in a real browser and on both shapes: what runs is drawn, somebody is
// disconnected, dead letters are looked at, edited and replayed; nothing that people wrote runs. With
// OPS_PICTURES=FOLDER pictures are kept there.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { makeDeadLetter } from './dead-letter.mjs';
import { openFront, signIn } from './front.mjs';
import { enterOps, live } from './ops.mjs';

const HOSTILE = '<img src=x onerror=alert(1)> <b>bold</b>';

describe('the page of operators', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`on the shape "${shape}"`, { concurrency: 1 }, () => {
    let system, browser, root;
    before(async () => {
      system = await startSystem(shape, { DEMO: 'on' });
      browser = await launchChromium();
      root = new Person(system, 'root', { role: 'admin' });
    });
    after(async () => {
      await browser?.close();
      await system?.stop();
    });

    const enter = (person, options) => enterOps(browser, system, person, options);

    test('who is no administrator sees nothing but why', async () => {
      const { page, close } = await enter(new Person(system, 'ann'));
      await page.getByText('This page is for administrators.').waitFor();
      assert.equal(await page.locator('#ops').isVisible(), false);
      await close();
    });

    test('until the first answers are here each part says that it loads', async () => {
      const context = await browser.newContext({ viewport: { width: 375, height: 800 } });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      let answer;
      const answered = new Promise(resolve => { answer = resolve; });
      await page.route('**/api/v2/**', async route => { await answered; await route.continue(); });
      await page.goto(`${system.http}/ops`);
      await page.getByLabel('An administrator\'s token').fill(root.token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('#ops.loading').waitFor();
      const behind = await page.evaluate(() => getComputedStyle(document.querySelector('#gateways h2'), '::after').content);
      assert.match(behind, /loading/);
      assert.equal(await page.locator('#loading').isVisible(), false, 'it is for the time before the page knows who looks');
      const { height } = await page.locator('.bar nav').boundingBox();
      assert.ok(height < 60, `the links are one line on a phone: ${height}`);
      answer();
      await page.locator('#ops:not(.loading)').waitFor();
      await context.close();
    });

    test('the pipeline, the gateways, the servers and the workers are drawn', async () => {
      const ann = new Person(system, 'ann');
      await ann.connect();
      const { page, close } = await enter(root);
      await live(page);
      const persist = page.locator('.queue', { hasText: 'persist.0' });
      await persist.getByText(/owner [0-9a-f]{8}/).waitFor();
      await persist.getByText(/out [0-9.,]+\/s/).waitFor();
      if (shape === 'fleet') await page.locator('#unknown dt', { hasText: 'in' }).first().waitFor();
      await page.locator('#gateway-list').getByText(/[1-9]\d* sockets?/).waitFor();
      for (const name of ['Broker', 'Store', 'Presence store']) await page.locator('#server-list li').filter({ has: page.getByText(name, { exact: true }) }).locator('.good').waitFor();
      await page.locator('#worker-list').getByText('persist').first().waitFor();
      ann.leave();
      await close();
    });

    test('somebody is found by their name and disconnected with a reason that they are told', async () => {
      const eve = new Person(system, 'eve');
      await root.api('PUT', `/users/${eve.id}`, { name: `Eve ${HOSTILE}` });
      const socket = await eve.connect();
      const closed = new Promise(resolve => socket.once('disconnect', resolve));
      const { page, close } = await enter(root);
      await live(page);
      await page.getByLabel('Search people').fill(eve.id);
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByText(`Eve ${HOSTILE.replace('<', '<\u2060')}`.slice(0, 6)).first().waitFor();
      await page.locator('#people-list').getByRole('button', { name: /Disconnect Eve/ }).click();
      await page.getByLabel('Why?').fill('floods the lobby');
      await page.getByRole('button', { name: 'Disconnect', exact: true }).click();
      await closed;
      assert.deepEqual(eve.all('session:ended'), [{ reason: 'floods the lobby' }]);
      await page.locator('#audit').getByText('floods the lobby').waitFor();
      assert.equal(await page.locator('#people-list img').count(), 0);
      eve.leave();
      await close();
    });

    test('every round of discarding means what was there when somebody looked', async () => {
      const newestAt = '2026-01-13T22:40:00.000Z';
      const group = { queue: 'email', cause: 'refused', kind: 'email', count: 1_005, oldestAt: newestAt, newestAt, reason: 'no such person' };
      const asked = [];
      const { page, close } = await enter(root);
      await page.route('**/api/v2/ops/dead-letters/groups', route => route.fulfill({ json: { success: true, groups: [group] } }));
      await page.route('**/api/v2/ops/discards', route => {
        asked.push(route.request().postDataJSON());
        return route.fulfill({ json: { success: true, discarded: asked.length === 1 ? 1_000 : 5, left: asked.length === 1 ? 5 : 0 } });
      });
      await page.getByRole('button', { name: 'Discard email from email' }).click();
      await page.getByLabel('Why?').fill('nobody waits for them');
      await page.getByRole('button', { name: 'Discard', exact: true }).click();
      await page.locator('#ask').waitFor({ state: 'hidden' });
      assert.deepEqual(asked.map(({ filter }) => filter.to), Array(2).fill('2026-01-13T22:40:00.001Z'));
      await close();
    });

    test('the page goes on after a round that has failed', async () => {
      const { page } = await enter(root);
      await live(page);
      await page.route('**/api/v2/ops/gateways', route => route.fulfill({ json: { success: true } }));
      await page.waitForEvent('pageerror');
      await page.unroute('**/api/v2/ops/gateways');
      await page.waitForResponse('**/api/v2/ops/gateways');
      await live(page);
      await page.context().close();
    });

    test('a page that somebody is disconnected from says why and does not come back by itself', async () => {
      const ivy = new Person(system, 'ivy');
      const context = await browser.newContext();
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const sockets = [];
      page.on('websocket', socket => sockets.push(socket));
      await page.clock.install();
      const front = await openFront(system);
      await page.goto((await front.link()).origin);
      await signIn(page, ivy);
      await page.locator('#connection.up').waitFor();
      const lost = sockets[0].waitForEvent('close');
      await root.api('POST', `/ops/users/${ivy.id}/disconnect`, { why: 'floods the lobby' });
      await page.locator('#connection.down').getByText('floods the lobby').waitFor();
      await lost;
      await page.clock.runFor(60_000);
      await page.locator('#connection.down').getByText('floods the lobby').waitFor();
      assert.equal(sockets.length, 1);
      await page.reload();
      await page.locator('#connection.up').waitFor();
      await context.close();
      front.close();
    });

    // The queues of one process are in its data file, where nothing can be put from outside.
    if (shape === 'fleet') test('a dead letter is shown masked, revealed with a reason, edited, tried and replayed', async () => {
      const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
      const thread = await ann.startThread(ben);
      const letter = await parked(thread, ann);
      const { page, close } = await enter(root);
      await live(page);
      await page.locator('#groups li', { hasText: 'send_message' }).getByRole('button', { name: /^List/ }).click();
      await page.locator('#letter-list').getByRole('button', { name: `Show ${letter}` }).click();
      const body = page.locator('#letter-body');
      await body.getByText('•••').waitFor();
      assert.ok(!(await body.textContent()).includes('bridge'), 'masked until revealed');
      await page.getByRole('button', { name: 'Reveal …' }).click();
      await page.getByLabel('Why?').fill('somebody asked where their message is');
      await page.getByRole('button', { name: 'Reveal', exact: true }).click();
      await body.getByText('meet me at the bridge').waitFor();
      assert.equal(await page.locator('#letter img').count(), 0, 'a text stays a text');
      if (process.env.OPS_PICTURES) await page.screenshot({ path: join(process.env.OPS_PICTURES, `${shape}-letter.png`) });
      await page.getByRole('button', { name: 'Edit' }).click();
      const editor = page.getByLabel('The whole body, as JSON');
      await editor.fill('{');
      await page.getByRole('button', { name: 'Save …' }).click();
      await page.getByText('That is no JSON').waitFor();
      const edited = { ...JSON.parse(await body.textContent()), content: 'meet me at the station' };
      await editor.fill(JSON.stringify(edited));
      await page.getByRole('button', { name: 'Save …' }).click();
      await page.getByLabel('Why?').fill('the bridge is closed');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.locator('#letter').waitFor({ state: 'hidden' });
      await page.getByLabel(`Choose ${letter}`).check();
      await page.getByRole('button', { name: 'Replay …', exact: true }).click();
      await page.getByLabel('Why?').fill('mended');
      await page.getByRole('button', { name: 'Dry run' }).click();
      await page.locator('#ask-result').getByText('1 can be replayed').waitFor();
      await page.getByRole('button', { name: 'Replay', exact: true }).click();
      await page.locator('#replays').getByText(/done, 1 of 1 letters sent/).waitFor();
      await eventually('the message is stored', async () => (await ben.rest('GET', `/${thread}`)).messages?.some(({ content }) => content === 'meet me at the station'));
      await page.locator('#letters-count', { hasText: 'none waiting' }).waitFor();
      await page.locator('#audit').getByText('mended').first().waitFor();
      await close();
    });

    test('everything is reached by keyboard, and nothing is wider than the screen, light and dark', async () => {
      for (const colorScheme of ['light', 'dark']) for (const width of [375, 768, 1280, 1600]) {
        const { page, close } = await enter(root, { viewport: { width, height: 900 }, colorScheme });
        await live(page);
        await page.locator('.queue').first().waitFor();
        await page.locator('#letters-count', { hasText: 'waiting' }).waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${width} px, ${colorScheme}: wider than the screen by ${wide} px`);
        if (process.env.OPS_PICTURES) await page.screenshot({ path: join(process.env.OPS_PICTURES, `${shape}-${width}-${colorScheme}.png`), fullPage: true });
        if (width === 1280) {
          await page.getByRole('button', { name: 'Pause' }).focus();
          await page.keyboard.press('Enter');
          await page.locator('#fresh', { hasText: 'paused' }).waitFor();
          const names = await page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea, a')]
            .filter(each => each.checkVisibility() && !each.textContent.trim() && !each.getAttribute('aria-label') && !each.labels?.length).map(each => each.outerHTML));
          assert.deepEqual(names, [], 'everything has a name');
        }
        await close();
      }
    });

    /** A message that no worker can store: the id of its dead letter. */
    async function parked(thread, sender) {
      const before = new Set((await root.api('GET', '/ops/dead-letters')).letters.map(({ _id }) => _id));
      await makeDeadLetter(system, { thread, sender: sender.id, content: `meet me at the bridge ${HOSTILE}` });
      const letter = await eventually('the letter is collected', async () =>
        (await root.api('GET', '/ops/dead-letters')).letters.find(({ _id }) => !before.has(_id)), PATIENCE_MS);
      return letter._id;
    }
  });
}
});
