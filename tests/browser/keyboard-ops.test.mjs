// The page of operators without a mouse: only keys are pressed. After every step the focus is somewhere and
// can be seen, also on lists that are drawn anew every few seconds. On a fleet: only there a dead letter can
// be put from outside.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { makeDeadLetter } from './dead-letter.mjs';
import { keysOf } from './keys.mjs';
import { live } from './ops.mjs';
import { fromFolder } from './page-folder.mjs';
import { tell } from './windows.mjs';

describe('the page of operators by keys', { concurrency: 1 }, () => {
  let system, browser, root;
  before(async () => {
    system = await startSystem('fleet', { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
    browser = await launchChromium();
    root = new Person(system, 'root', { role: 'admin' });
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  /** A window in which an administrator has signed in by keys. */
  async function enter() {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    await fromFolder(context);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`${system.http}/ops`);
    const keys = keysOf(page);
    await page.locator('#token').waitFor();
    await keys.tabTo(page.locator('#token'));
    await page.keyboard.insertText(root.token);
    await keys.press('Enter');
    await keys.at(page.locator('#pause'));
    await live(page);
    const button = (name, within = page) => within.getByRole('button', { name, exact: true });
    return { page, keys, button, at: selector => keys.at(page.locator(selector)), to: (selector, key) => keys.tabTo(page.locator(selector), key) };
  }
  /** Waits until the list of people is drawn once more. */
  async function drawnAgain(page) {
    await page.locator('#people-list > li').first().evaluate(each => { each.dataset.before = ''; });
    await page.locator('#people-list > li[data-before]').waitFor({ state: 'detached' });
  }

  test('somebody is disconnected', async () => {
    const eve = new Person(system, 'eve');
    const socket = await eve.connect();
    const closed = new Promise(resolve => socket.once('disconnect', resolve));
    const { page, keys, button, at, to } = await enter();
    await to('#people-text');
    await keys.type(eve.id);
    await keys.press('Enter');
    await button(`Disconnect ${eve.id}`).waitFor();
    await at('#people-text');
    await keys.tabTo(button(`Disconnect ${eve.id}`));
    await drawnAgain(page);
    await keys.at(button(`Disconnect ${eve.id}`));
    await keys.press('Enter');
    await at('#ask-why');
    await drawnAgain(page);
    await keys.press('Escape');
    await keys.at(button(`Disconnect ${eve.id}`));
    await keys.press('Enter');
    await at('#ask-why');
    await keys.type('floods the lobby');
    await keys.press('Enter');
    await closed;
    await page.locator('#ask').waitFor({ state: 'hidden' });
    await at('#people-list, #people-list *');
    eve.leave();
    await page.context().close();
  });

  test('a report is looked at and marked as handled', async () => {
    const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
    const message = await tell(ben, await ann.startThread(ben), 'buy this');
    await ann.rest('POST', `/${message._id}/report`, { reason: 'spam' });
    const { page, keys, at } = await enter();
    const item = page.locator('#report-list > li').filter({ hasText: ann.id });
    await item.waitFor();
    await keys.tabTo(item.locator('[data-act="show"]'));
    await keys.press('Enter');
    await item.getByText('buy this').waitFor();
    await keys.at(item.locator('[data-act="show"]'));
    await keys.tabTo(item.locator('[data-act="handle"]'));
    await keys.press('Enter');
    await at('#ask-why');
    await keys.press('Escape');
    await keys.at(item.locator('[data-act="handle"]'));
    await keys.press('Enter');
    await at('#ask-why');
    await keys.press('Enter');
    await item.waitFor({ state: 'detached' });
    await at('#reports, #reports *');
    await page.context().close();
  });

  test('a dead letter is revealed, edited and replayed', async () => {
    const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
    const thread = await ann.startThread(ben);
    await makeDeadLetter(system, { thread, sender: ann.id, content: 'meet me at the bridge' });
    const letter = await eventually('the letter is collected', async () => (await root.api('GET', '/ops/dead-letters')).letters[0]?._id, PATIENCE_MS);
    const { page, keys, button, at, to } = await enter();
    const group = page.locator('#groups li', { hasText: 'send_message' });
    await group.waitFor();
    await keys.tabTo(group.getByRole('button', { name: /^List/ }));
    await keys.press('Enter');
    await page.locator('#letters-all').waitFor();
    await keys.at(group.getByRole('button', { name: /^List/ }));
    await keys.tabTo(button(`Show ${letter}`));
    await keys.press('Enter');
    await page.locator('#letter').waitFor();
    await keys.press('Escape');
    await keys.at(button(`Show ${letter}`));
    await keys.press('Enter');
    await page.locator('#letter').waitFor();
    await keys.tabTo(button('Reveal …'));
    await keys.press('Enter');
    await at('#ask-why');
    await keys.press('Escape');
    await keys.at(button('Reveal …'));
    await keys.press('Enter');
    await at('#ask-why');
    await keys.type('somebody asked');
    await keys.press('Enter');
    await page.locator('#letter-body').getByText('meet me at the bridge').waitFor();
    await keys.at(button('Edit'));
    await keys.press('Enter');
    await at('#letter-text');
    await keys.press('Escape');
    await keys.at(button('Edit'));
    await keys.press('Escape');
    await keys.at(button(`Show ${letter}`));

    await keys.tabTo(page.getByLabel(`Choose ${letter}`), 'Shift+Tab');
    await keys.press('Space');
    await keys.at(page.getByLabel(`Choose ${letter}`));
    await to('#replay-chosen', 'Shift+Tab');
    await keys.press('Enter');
    await at('#ask-why');
    await keys.type('mended');
    await to('#ask-dry');
    await keys.press('Enter');
    await page.locator('#ask-result').getByText('1 can be replayed').waitFor();
    await at('#ask-dry');
    await to('#ask-do');
    await keys.press('Enter');
    await page.locator('#ask').waitFor({ state: 'hidden' });
    await at('#letters, #letters *');
    await eventually('the message is stored', async () => (await ben.rest('GET', `/${thread}`)).messages?.some(({ content }) => content === 'meet me at the bridge'));
    assert.equal(await page.locator('dialog[open]').count(), 0);
    await page.context().close();
  });
});
