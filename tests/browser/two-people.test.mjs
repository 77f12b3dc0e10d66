// The page at `/` in a real browser: two people in two tabs chat, reload, and see each message once.
//
// Needs `tests/services browser` (Chromium and playwright-core). Pictures of what was seen go to a temporary
// folder, or to EVENTFLOW_SCREENSHOTS.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PATIENCE_MS } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { startChat } from './front.mjs';

const pictures = process.env.EVENTFLOW_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), 'eventflow-screenshots-'));

let system;
let browser;

before(async () => {
  // The demo people sign in without a host application.
  system = await startSystem('single', { DEMO: 'on', PEOPLE_SEARCH: 'everybody' });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await system?.stop();
});

/**
 * A tab with a session of its own, signed in as one of the demo people. What goes wrong in the page is kept.
 */
async function signIn(name, faults) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('pageerror', error => faults.push(`${name}: ${error}`));
  page.on('console', message => message.type() === 'error' && faults.push(`${name}: ${message.text()}`));
  await page.goto(system.http);
  await page.getByRole('button', { name: `I am ${name}` }).click();
  await page.locator('#connection.up').waitFor();
  return page;
}

async function say(page, content) {
  await page.getByLabel('Message', { exact: true }).fill(content);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

/** Waits until exactly these messages are on the page, in this order. */
async function shows(page, contents) {
  const shown = () => page.locator('#messages li').evaluateAll(items => items.map(item => item.querySelector('.content').textContent));
  const deadline = Date.now() + PATIENCE_MS;
  while (JSON.stringify(await shown()) !== JSON.stringify(contents) && Date.now() < deadline) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.deepEqual(await shown(), contents);
}

test('two people chat in two tabs, reload, and see each message once', async () => {
  const faults = [];
  const ann = await signIn('Ann', faults);
  const ben = await signIn('Ben', faults);
  // The secret is somebody's own: nothing was said before.
  for (const page of [ann, ben]) await page.getByText('No conversations yet. Start one above.').waitFor();

  await startChat(ann, 'Ben', 'ben');
  await say(ann, 'a < b && c > d <3');
  await ben.locator('#threads').getByRole('button', { name: /Ann/ }).click();
  await shows(ben, ['a < b && c > d <3']);

  const all = ['a < b && c > d <3'];
  for (const [page, content] of [[ben, 'hello'], [ann, '<img src=x onerror=alert(1)>plain'], [ben, 'third'], [ann, 'fourth']]) {
    await say(page, content);
    all.push(content);
    await shows(ann, all);
    await shows(ben, all);
  }
  await ann.screenshot({ path: join(pictures, 'ann.png') });
  await ben.screenshot({ path: join(pictures, 'ben.png') });

  for (const page of [ann, ben]) {
    await page.reload();
    await page.locator('#connection.up').waitFor();
  }
  await ann.locator('#threads').getByRole('button', { name: /Ben/ }).click();
  await ben.locator('#threads').getByRole('button', { name: /Ann/ }).click();
  await shows(ann, all);
  await shows(ben, all);

  await say(ben, 'after reloading');
  await shows(ann, [...all, 'after reloading']);
  await shows(ben, [...all, 'after reloading']);
  assert.deepEqual(faults, []);
});

test('a page whose server restarts goes on by itself and misses nothing', async () => {
  const faults = [];
  const ann = await signIn('Ann', faults);
  const ben = await signIn('Ben', faults);
  await startChat(ann, 'Ben', 'ben');
  await ben.locator('#threads').getByRole('button', { name: /Ann/ }).click();
  await say(ann, 'before the restart');
  for (const page of [ann, ben]) await page.locator('#messages li[data-message-id]', { hasText: 'before the restart' }).waitFor();
  const before = await ann.locator('#messages li').count();
  await system.restart();
  await ann.locator('#connection.up').waitFor();
  await say(ann, 'after the restart');
  for (const page of [ann, ben]) {
    // Only a stored message has an id; one on its way is drawn without.
    await page.locator('#messages li[data-message-id]', { hasText: 'after the restart' }).waitFor();
    assert.equal(await page.locator('#messages li').count(), before + 1);
  }
});
