// The first minutes at the page in a real browser: the demo people and what they have said, choosing people
// by name, and what the page says while something is not there.
//
// Needs `tests/services browser` (Chromium and playwright-core). Pictures of what was seen go to a temporary
// folder, or to EVENTFLOW_SCREENSHOTS.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { choose, openFront, signIn, startChat } from './front.mjs';

const pictures = process.env.EVENTFLOW_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), 'eventflow-screenshots-'));
const LOOKS = {
  'desktop-light': { viewport: { width: 1200, height: 800 }, colorScheme: 'light' },
  'desktop-dark': { viewport: { width: 1200, height: 800 }, colorScheme: 'dark' },
  'phone-light': { viewport: { width: 375, height: 667 }, colorScheme: 'light' },
  'phone-dark': { viewport: { width: 375, height: 667 }, colorScheme: 'dark' },
};

let browser;
let windows = [];
before(async () => { browser = await launchChromium(); });
after(() => browser?.close());
afterEach(async () => {
  const faults = windows.flatMap(each => each.faults);
  await Promise.all(windows.map(each => each.context.close()));
  windows = [];
  assert.deepEqual(faults, []);
});

/** A window on this address; what goes wrong in it, or is refused by its policy, fails the test. */
async function openWindow(address, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  page.on('pageerror', error => faults.push(String(error)));
  page.on('console', said => /Content Security Policy/.test(said.text()) && faults.push(said.text()));
  windows.push({ context, faults });
  await page.goto(address);
  return page;
}

/** Pictures of a page in both colours, wide and narrow. */
async function take(page, name) {
  for (const [look, { viewport, colorScheme }] of Object.entries(LOOKS)) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `${name}-${look}.png`) });
  }
  await page.setViewportSize(LOOKS['desktop-light'].viewport);
  await page.emulateMedia({ colorScheme: 'light' });
}

const names = page => page.locator('#threads .name').allTextContents();
const contents = page => page.locator('#messages li[data-message-id] .content').allTextContents();

describe('the demo', { concurrency: 1 }, () => {
  let system;
  // A generated secret, as whoever tries the server has one.
  before(async () => { system = await startSystem('single', { JWT_SECRET: '', DEMO: 'auto' }); });
  after(() => system?.stop());

  const enter = async name => {
    const page = await openWindow(system.http);
    await page.getByRole('button', { name: `I am ${name}` }).click();
    await page.locator('#connection.up').waitFor();
    return page;
  };
  const story = ['Hi Ben! Did the new keyboards arrive?', 'This morning. Yours is on your desk.', 'Perfect, thank you!'];
  const showsStory = page => eventually('the story is there', async () => (await contents(page)).length === 4);

  test('people with names and pictures have a conversation open at once, and see each other write', async () => {
    const door = await openWindow(system.http);
    assert.deepEqual(await door.locator('#people button').allTextContents(), ['I am Ann Berger', 'I am Ben Okafor', 'I am Mei Lin']);
    assert.equal(await door.locator('#people img').count(), 3);
    await take(door, 'sign-in');
    const [ann, ben] = [await enter('Ann Berger'), await enter('Ben Okafor')];
    for (const [page, title] of [[ann, 'Ben Okafor'], [ben, 'Ann Berger']]) {
      await page.locator('#title').getByText(title).waitFor();
      await showsStory(page);
      assert.deepEqual((await contents(page)).slice(0, 3), story);
      assert.deepEqual(await names(page), [title, 'Summer party']);
    }
    await eventually('pictures are there', () => ann.locator('#threads img').first().evaluate(image => image.complete && image.naturalWidth > 0));
    await take(ann, 'demo');
    await ben.getByLabel('Message', { exact: true }).fill('Hello from the second tab');
    await ben.getByRole('button', { name: 'Send', exact: true }).click();
    await ann.locator('#messages').getByText('Hello from the second tab').waitFor();
    const mei = await enter('Mei Lin');
    await mei.locator('#title').getByText('Summer party').waitFor();
  });

  test('the story is told once, also after a restart, and not again to whoever left', async () => {
    const before = await contents(await enter('Ann Berger').then(async page => {
      await page.locator('#messages').getByText('Perfect, thank you!').waitFor();
      return page;
    }));
    await system.restart();
    const ann = await enter('Ann Berger');
    await ann.locator('#messages').getByText('Perfect, thank you!').waitFor();
    await eventually('all of it is there', async () => (await contents(ann)).length === before.length);
    assert.deepEqual(await contents(ann), before);
    assert.deepEqual(await names(ann), ['Ben Okafor', 'Summer party']);
  });

  test('a person is found by a part of their name, and an unknown one is said to be unknown', async () => {
    const ann = await enter('Ann Berger');
    await ann.getByRole('button', { name: 'Start a chat' }).click();
    await ann.getByText('People you talk with').waitFor();
    await ann.getByLabel('Name or user id').fill('mei');
    await ann.locator('#candidates').getByText('Mei Lin').waitFor();
    await eventually('only she is there', async () => (await ann.locator('#candidates li').count()) === 1);
    await take(ann, 'picker');
    await ann.getByLabel('Name or user id').fill('Zelda');
    await ann.getByText('Nobody whom you can find is called “Zelda”.').waitFor();
    await take(ann, 'picker-unknown');
    const before = await names(ann);
    await ann.getByLabel('Name or user id').press('Enter');
    assert.deepEqual(await names(ann), before, 'nothing was started');
    await ann.getByLabel('Name or user id').fill('lin');
    await ann.getByLabel('Name or user id').press('Enter');
    await ann.locator('#title').getByText('Mei Lin').waitFor();
    assert.ok((await names(ann)).includes('Mei Lin'));
  });

  test('a group is made of people who are chosen by name', async () => {
    const ann = await enter('Ann Berger');
    await ann.getByRole('button', { name: 'New group' }).click();
    await ann.getByLabel('Name of the group').fill('Lunch');
    assert.equal(await ann.getByRole('button', { name: 'Create the group' }).isDisabled(), true);
    await choose(ann, 'okaf', 'ben');
    await choose(ann, 'Mei', 'mei');
    await ann.getByRole('button', { name: 'Take Mei Lin out' }).click();
    await choose(ann, 'mei');
    assert.deepEqual((await ann.locator('#picked li').allTextContents()).map(text => text.replace('×', '')), ['Ben Okafor', 'Mei Lin']);
    await take(ann, 'group');
    await ann.getByRole('button', { name: 'Create the group' }).click();
    await ann.locator('#title').getByText('Lunch').waitFor();
    await ann.locator('#subtitle').getByText('Ben Okafor, Mei Lin').waitFor();
  });
});

describe('an installation of an application', { concurrency: 1 }, () => {
  let system, front;
  before(async () => {
    system = await startSystem('single');
    front = await openFront(system);
  });
  after(async () => {
    front?.close();
    await system?.stop();
  });
  const person = name => new Person(system, name);
  const enter = async who => {
    const link = await front.link();
    const page = await openWindow(link.origin);
    await signIn(page, who);
    return { page, link };
  };

  test('the page says how people come in, and there are no made-up people and conversations', async () => {
    const page = await openWindow(system.http);
    await page.getByText('There are no demo people here').waitFor();
    assert.equal(await page.locator('#people button').count(), 0);
    await take(page, 'no-demo');
    const ann = person('ann');
    await signIn(page, ann);
    await page.getByText('No conversations yet. Start one above.').waitFor();
    assert.deepEqual((await ann.rest('GET', '/threads')).threads, []);
  });

  test('somebody whom only the application knows gets a chat in a second step', async () => {
    const [ann, ben] = [person('ann'), person('ben')];
    const { page } = await enter(ann);
    await startChat(page, ben.id);
    await page.locator('#title').getByText(ben.id).waitFor();
    assert.deepEqual((await ben.rest('GET', '/threads')).threads[0].participants.toSorted(), [ann.id, ben.id].toSorted());
  });

  test('a list that cannot be read says so and is not called empty, and it comes by itself', async () => {
    const [ann, ben] = [person('ann'), person('ben')];
    await ann.startThread(ben);
    const link = await front.link();
    const page = await openWindow(link.origin);
    await page.route('**/api/v2/messages/threads?*', route => route.fulfill({
      status: 503, headers: { 'Retry-After': '1' }, json: { success: false, code: 'unavailable', error: 'the store is away' },
    }));
    await signIn(page, ann);
    const said = page.locator('#threads-state').getByText('Your conversations could not be loaded yet. The service is not available at the moment. Trying again …');
    await said.waitFor();
    assert.equal(await page.locator('#no-threads').isVisible(), false);
    await take(page, 'list-away');
    await page.unroute('**/api/v2/messages/threads?*');
    await page.locator('#threads').getByText(ben.id).waitFor();
    await page.locator('#threads-state').getByText(/^$/).waitFor({ state: 'attached' });
    await page.locator('#trouble').getByText(/^$/).waitFor({ state: 'attached' });
  });

  test('a browser that goes offline says so within seconds, and is back at once', async () => {
    const { page, link } = await enter(person('ann'));
    link.cut();
    await page.context().setOffline(true);
    await page.locator('#connection.down').getByText('you are offline, trying again …').waitFor({ timeout: 5_000 });
    await take(page, 'offline');
    link.mend();
    await page.context().setOffline(false);
    await page.locator('#connection.up').waitFor({ timeout: 5_000 });
  });

  test('a link that is silent is noticed when the browser says that it is offline, not at the next ping', async () => {
    const { page, link } = await enter(person('ann'));
    link.silence();
    await page.evaluate(() => dispatchEvent(new Event('offline')));
    await page.locator('#connection.down').waitFor({ timeout: 5_000 });
    link.mend();
    await page.locator('#connection.up').waitFor();
  });

  test('a server that lets no page of this address in says so, and what to do', async () => {
    const elsewhere = await openFront(system, undefined, 'internal.example:80');
    try {
      const page = await openWindow((await elsewhere.link()).origin);
      await page.getByLabel(/paste a token/i).fill(person('ann').token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.locator('#connection.down').getByText(/lets no page of http:\/\/127\.0\.0\.1:\d+ in: its operator has to add the address to ALLOWED_ORIGINS/).waitFor();
      await take(page, 'origin');
    } finally {
      elsewhere.close();
    }
  });
});
