// Files that come from an origin of their own: the page shows and saves them all the same, by addresses
// that need no login, and its policy allows that origin and no other.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { png, sendFiles } from './files.mjs';
import { openFront, signIn } from './front.mjs';
import { openAt, tell } from './windows.mjs';

test('pictures are shown and files are saved from the origin of files, and nothing is asked elsewhere', { timeout: 240_000 }, async t => {
  // The addresses are known before the system is.
  const system = {};
  const front = await openFront(system);
  const [link, files] = [await front.link(), await front.link()];
  t.after(() => front.close());
  const origin = files.origin.replace('127.0.0.1', 'localhost');
  const started = await startSystem('single', { ATTACHMENTS_ORIGIN: origin, ALLOWED_ORIGINS: link.origin });
  t.after(() => started.stop());
  Object.assign(system, started);
  const browser = await launchChromium();
  t.after(() => browser.close());

  const [ann, ben] = ['ann', 'ben'].map(name => new Person(system, name));
  const thread = await ann.startThread(ben);
  await tell(ann, thread, 'hello');
  await sendFiles({ system }, ann, thread, 'files', [['a.png', png(400, 300)], ['a.txt', 'a text']]);
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  page.on('console', said => /Content Security Policy|CORS/.test(said.text()) && faults.push(said.text()));
  await page.goto(link.origin);
  await signIn(page, ben);
  await openAt(page, ann, 'hello');
  const small = page.locator('#messages .small-picture img');
  await eventually('the small picture is here', () => small.evaluate(each => each.src.startsWith('blob:') && each.naturalWidth > 0), PATIENCE_MS);
  const asked = page.waitForResponse(answer => answer.url().startsWith(origin));
  await small.click();
  await eventually('the whole one is here', () => page.locator('#viewer-picture').evaluate(each => each.naturalWidth === 400), PATIENCE_MS);
  const answer = await asked;
  assert.equal(new URL(answer.url()).pathname.startsWith('/api/v2/files/'), true, answer.url());
  assert.equal(await answer.request().headerValue('authorization'), null, 'the token stays here');
  await page.keyboard.press('Escape');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Download a.txt/ }).click()]);
  assert.equal(await readFile(await download.path(), 'utf8'), 'a text');
  assert.deepEqual(faults, []);
  const policy = (await fetch(link.origin)).headers.get('content-security-policy');
  assert.match(policy, new RegExp(`connect-src 'self' ws: wss: ${origin};`));
  const refused = await page.evaluate(() => fetch('http://localhost:1/').then(() => 'asked', error => error.message));
  assert.match(refused, /fetch/i);
  await eventually('the policy has refused it', () => faults.length > 0, PATIENCE_MS);
});
