// Presence of browser tabs: a person whose last tab is closed goes offline at once, and a tab that is
// reloaded never does.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront } from './front.mjs';

const require = createRequire(import.meta.url);
const library = join(dirname(require.resolve('socket.io-client/package.json')), 'dist/socket.io.min.js');
/**
 * The grace for reloads, a tick of the sweeper, and the rest for a busy machine. Without being told, nobody
 * would know before the lease ends, after 75 s; a session waits for two minutes.
 */
const GONE_MS = 40_000;
/** The grace for reloads: a page that is away for longer, on a machine that is slow, has left. */
const GRACE_MS = 3_000;
/** As long again as the grace: what has not happened by then does not happen because of a reload. */
const STAYS_MS = 6_000;

const page = transports => `<!doctype html><title>tab</title><script src="/socket.io.min.js"></script>
<script>window.socket = io({ transports: ${JSON.stringify(transports)} });</script>`;

function hosted({ pathname, searchParams }) {
  switch (pathname) {
    case '/tab.html': return ['text/html', page(searchParams.get('transports').split(' '))];
    case '/socket.io.min.js': return ['text/javascript', readFileSync(library)];
    default: return undefined;
  }
}

describe('tabs of a browser', () => {
  let system, browser, front;
  before(async () => {
    system = await startSystem('single');
    front = await openFront(system, hosted);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    front?.close();
    await system?.stop();
  });

  /** Somebody who watches, and somebody with `count` tabs. */
  async function watched(count, transports = ['websocket']) {
    const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
    await ann.startThread(ben);
    await ann.connect();
    const link = await front.link();
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE_MS);
    await context.addCookies([{ name: 'token', value: ben.token, url: link.origin, httpOnly: true, sameSite: 'Lax' }]);
    const tabs = [];
    for (let n = 0; n < count; n += 1) {
      const tab = await context.newPage();
      await tab.goto(`${link.origin}/tab.html?transports=${transports.join('+')}`);
      await eventually('the tab is connected', () => tab.evaluate(last => socket.connected && socket.io.engine.transport.name === last,
        transports.at(-1)));
      tabs.push(tab);
    }
    await eventually('online', async () => (await ann.ask('presence:sync', { userIds: [ben.id] })).presence?.[0]?.status === 'online');
    ann.heard = [];
    const isGone = () => ann.all('presence:sync').some(each => each.userId === ben.id && each.status === 'offline');
    return { ann, ben, tabs, context, isGone, done: async () => { ann.leave(); await context.close(); } };
  }

  for (const transports of [['websocket'], ['polling', 'websocket']]) {
    test(`a closed tab is gone at once (${transports.join(' upgraded to ')})`, async () => {
      const { tabs: [tab], isGone, done } = await watched(1, transports);
      await tab.close();
      await eventually('gone', isGone, GONE_MS);
      await done();
    });
  }

  test('a person who leaves for another page is gone at once', async () => {
    const { tabs: [tab], isGone, done } = await watched(1);
    await tab.goto('about:blank');
    await eventually('gone', isGone, GONE_MS);
    await done();
  });

  test('of two tabs one may be closed, and a tab that is loaded again was never gone', async () => {
    const { ann, ben, tabs, isGone, done } = await watched(2);
    await tabs[0].close();
    await eventually('the tab is loaded again within the grace', async () => {
      await eventually('online', async () => (await ann.ask('presence:sync', { userIds: [ben.id] })).presence?.[0]?.status === 'online');
      ann.heard = [];
      const began = Date.now();
      await tabs[1].reload();
      await eventually('the tab is back', () => tabs[1].evaluate(() => socket.connected));
      return Date.now() - began < GRACE_MS;
    });
    await new Promise(resolve => setTimeout(resolve, STAYS_MS)); // nothing is to happen for longer than leaving takes
    assert.equal(isGone(), false);
    assert.equal((await ann.api('GET', `/presence/${ben.id}`)).presence.status, 'online');
    await tabs[1].close();
    await eventually('gone', isGone, GONE_MS);
    await done();
  });
});
