// Windows on our own page for tests: a system of each shape, a browser, and people who are signed in.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe } from 'node:test';
import { PATIENCE_MS, Person } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront, signIn } from './front.mjs';
import { fromFolder } from './page-folder.mjs';

/**
 * Runs `tests`, a function that defines tests on the stage it is given, on each of `shapes`. Both shapes at
 * once: most of it is waiting. `settings` are those of the systems beside what every test needs.
 */
export function onWindows(title, tests, shapes = ['single', 'fleet'], settings = {}) {
  describe(title, { concurrency: 2 }, () => {
    for (const shape of shapes) describe(`${title} on the shape "${shape}"`, { concurrency: 1 }, () => tests(stageOf(shape, settings)));
  });
}

/** What goes wrong in a window, or is refused by its policy, fails the test. */
function stageOf(shape, settings) {
  let front, browser, windows = [];
  const stage = { shape, system: undefined, browser: undefined, people, openWindow, enter, forgive };
  before(async () => {
    stage.system = await startSystem(shape, { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', ...settings });
    front = await openFront(stage.system);
    browser = stage.browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    front?.close();
    await stage.system?.stop();
  });
  afterEach(async () => {
    const faults = windows.flatMap(each => each.faults);
    await Promise.all(windows.map(each => each.context.close()));
    windows = [];
    assert.deepEqual(faults, []);
  });

  /** People nobody else in the run is. */
  function people(...names) {
    return names.map(name => new Person(stage.system, name));
  }

  /** A window on the page behind a link of its own. */
  async function openWindow(options = {}) {
    const link = await front.link();
    const context = await browser.newContext(options);
    await fromFolder(context);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const faults = [];
    page.on('pageerror', error => faults.push(String(error)));
    page.on('console', said => /Content Security Policy/.test(said.text()) && faults.push(said.text()));
    windows.push({ context, faults });
    await page.goto(link.origin);
    return { page, link, context };
  }

  /** What the policy has refused so far was asked for by the test. */
  function forgive() {
    windows.forEach(({ faults }) => faults.splice(0));
  }

  /** A window in which somebody is signed in. */
  async function enter(person, options) {
    const opened = await openWindow(options);
    await signIn(opened.page, person);
    return opened;
  }

  return stage;
}

export const field = page => page.getByLabel('Message', { exact: true });
export const entry = (page, person) => page.locator('#threads').getByRole('button', { name: person.id });
/** Only a stored message has an id; one on its way is drawn without. */
export const message = (page, content) => page.locator('#messages li[data-message-id]')
  .filter({ has: page.locator('.content').getByText(content, { exact: true }) });
export const contents = page => page.locator('#messages .content').allTextContents();
/** One message of somebody, as the server stores it. */
export const tell = async (person, thread, content, more = {}) => (await person.rest('POST', `/${thread}`, { content, ...more })).message;
/** How many messages of a conversation somebody has not read, as the server counts. */
export const unreadOf = async (person, thread) => (await person.rest('GET', `/threads/${thread}`)).thread.unreadCount;

/** Opens a conversation from the list, and waits until a message of it is shown. */
export async function openAt(page, person, content) {
  await entry(page, person).click();
  await message(page, content).waitFor();
}

/** Sets whether a window is seen. */
export const setHidden = (page, isHidden) => page.evaluate(state => {
  Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
  Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}, isHidden ? 'hidden' : 'visible');
