// A host application's own page in a real browser, on both shapes, through everything that happens to pages: doubles, quick
// typing, a pulled cable, a line that goes silent, a restarted server. Every message is on both pages exactly once, in order.
//
// The page is tests/browser/client; EVENTFLOW_CLIENT_PAGE names another one (an HTML file with a `window.messagingClient` of the
// same habits) to be run in its place.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { openFront } from './front.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const folder = join(import.meta.dirname, 'client');
const library = join(dirname(require.resolve('socket.io-client/package.json')), 'dist/socket.io.min.js');
const page = process.env.EVENTFLOW_CLIENT_PAGE ?? join(folder, 'page.html');
const LONG_MS = 150_000;

/** What the host application serves beside the system. */
function hosted({ pathname, searchParams }) {
  switch (pathname) {
    case '/chat.html': return ['text/html', readFileSync(page, 'utf8').replace('<body>', `<body data-user-id="${searchParams.get('user')}">`)];
    case '/client.js': return ['text/javascript', readFileSync(join(folder, 'client.js'))];
    case '/socket.io.min.js': return ['text/javascript', readFileSync(library)];
    default: return undefined;
  }
}

for (const shape of ['single', 'fleet']) {
  describe(`a host application's page on the shape "${shape}"`, () => {
    let system, browser, front;
    before(async () => {
      // A page that tests click faster than people do.
      system = await startSystem(shape, { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
      front = await openFront(system, hosted);
      const executablePath = execFileSync('sh', ['-c', 'command -v chromium || command -v chromium-browser'], { encoding: 'utf8' }).trim();
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    });
    after(async () => {
      await browser?.close();
      front?.close();
      await system?.stop();
    });

    /** A tab of one person behind a link of their own. What goes wrong in the page is kept. */
    async function open(name) {
      const person = new Person(system, name);
      const link = await front.link();
      const context = await browser.newContext();
      await context.addCookies([{ name: 'token', value: person.token, url: link.origin, httpOnly: true, sameSite: 'Lax' }]);
      const tab = await context.newPage();
      const faults = [];
      // A page whose line is cut cannot tell that it has read; everything else that goes wrong in it counts.
      tab.on('pageerror', error => /Failed to fetch/.test(error) || faults.push(String(error)));
      tab.on('dialog', dialog => faults.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
      await tab.goto(`${link.origin}/chat.html?user=${person.id}`);
      await tab.evaluate(async () => {
        window.__CSRF_TOKEN__ = (await (await fetch('/api/v2/csrf-token')).json()).csrfToken;
      });
      await eventually(`${name} is connected`, () => tab.evaluate(() => messagingClient.socket.connected));
      return {
        ...person, person, link, tab, faults,
        open: thread => tab.evaluate(id => messagingClient.openThread(id), thread),
        say: content => tab.evaluate(text => {
          document.getElementById('message-input').value = text;
          return messagingClient.sendMessage();
        }, content),
        shown: () => tab.evaluate(() => [...document.querySelectorAll('#messages-container .message')].map(each =>
          [each.dataset.messageId, each.querySelector('.message-content').textContent.trim()])),
      };
    }

    async function twoPages() {
      const [ann, ben] = [await open('ann'), await open('ben')];
      const thread = await ann.person.startThread(ben.person);
      await Promise.all([ann.open(thread), ben.open(thread)]);
      return { ann, ben, thread };
    }

    async function wholeHistory(who, thread) {
      const all = [];
      for (;;) {
        const { messages } = await who.person.rest('GET', `/${thread}?limit=100&after=${all.length}`);
        all.push(...messages);
        if (messages.length < 100) return all.map(message => [message._id, message.content]);
      }
    }

    /** Both pages show exactly the history, which is exactly what was said. */
    async function agree({ ann, ben, thread }, said, patience) {
      const same = async who => JSON.stringify(await who.shown()) === JSON.stringify(await wholeHistory(ann, thread));
      await eventually(`${said.length} messages on both pages`, async () => await same(ann) && await same(ben), patience)
        .catch(async () => {
          for (const who of [ann, ben]) assert.deepEqual(await who.shown(), await wholeHistory(ann, thread), who.id);
        });
      const contents = (await wholeHistory(ann, thread)).map(([, content]) => content);
      assert.deepEqual(contents.toSorted(), said.toSorted());
      assert.deepEqual([ann.faults, ben.faults], [[], []]);
    }

    test('lists, opens, sends a hundred messages with doubles, types, reacts and reads', async () => {
      const pages = await twoPages();
      const { ann, ben, thread } = pages;
      const said = [];
      for (let n = 0; n < 100; n += 1) {
        said.push(n % 5 === 0 ? 'ok' : `a < b && c > d <3 ${n}`);
        await [ann, ben][n % 2].say(said.at(-1));
      }
      await agree(pages, said);
      await ann.tab.locator('#message-input').pressSequentially('hello', { delay: 50 });
      await ben.tab.locator('#typing-indicator').waitFor({ state: 'visible' });
      await ben.tab.locator('#typing-indicator').waitFor({ state: 'hidden' });
      const [[first]] = await ben.shown();
      await ben.tab.evaluate(id => messagingClient.addReaction(id, '👍'), first);
      await eventually('the reaction is stored', async () =>
        (await ann.person.rest('GET', `/${thread}?limit=1&after=0`)).messages[0].reactions[0]?.userId === ben.id);
      await eventually('everything is read', async () =>
        (await ann.person.rest('GET', `/${thread}?limit=100`)).messages.every(message => message.status === 'read'));
      await ann.tab.evaluate(() => messagingClient.loadThreads());
      await ann.tab.locator('.thread-item:not(.unread)').waitFor();
    });

    for (const [title, pull, seconds] of [
      ['is cut for 1 s', 'cut', 1], ['is cut for 10 s', 'cut', 10], ['is silent for 10 s', 'silence', 10],
      ['is silent for 60 s', 'silence', 60],
    ]) {
      test(`a page whose link ${title} misses nothing and shows nothing twice`, { timeout: LONG_MS * 2 }, async () => {
        const pages = await twoPages();
        const { ann, ben } = pages;
        const said = [];
        const say = async (who, content) => {
          said.push(content);
          await who.say(content);
        };
        for (let n = 0; n < 5; n += 1) await say([ann, ben][n % 2], `before ${n}`);
        await eventually('ben has them', async () => (await ben.shown()).length === 5);
        ben.link[pull]();
        const until = Date.now() + seconds * 1_000;
        for (let n = 0; Date.now() < until; n += 1) {
          await say(ann, `meanwhile ${n}`);
          await new Promise(resolve => setTimeout(resolve, 200));
        }
        ben.link.mend();
        await eventually('ben has caught up', async () => (await ben.shown()).length === said.length, LONG_MS);
        for (let n = 0; n < 4; n += 1) await say([ann, ben][n % 2], `after ${n}`);
        await agree(pages, said, LONG_MS);
      });
    }

    for (const [title, end] of [['is restarted', 'terminate'], ['is killed', 'kill']]) {
      test(`pages whose server ${title} while others write miss nothing and show nothing twice`, { timeout: LONG_MS }, async () => {
        const pages = await twoPages();
        const { ann, ben, thread } = pages;
        const said = ['before one', 'before two'];
        await ann.say(said[0]);
        await ben.say(said[1]);
        await agree(pages, said);
        const role = shape === 'single' ? 'eventflow' : 'ws-gateway';
        let goesOn = true;
        const writing = (async () => {
          // Somebody else's application: by REST, a few times a second, again with the same key until it is accepted.
          for (let n = 0; goesOn; n += 1) {
            said.push(`meanwhile ${n}`);
            await eventually('it is accepted', () =>
              ann.person.rest('POST', `/${thread}`, { content: `meanwhile ${n}` }, { 'idempotency-key': `meanwhile-${thread}-${n}` })
                .then(answer => answer.status < 300, () => false));
            await new Promise(resolve => setTimeout(resolve, 100));
          }
        })();
        await eventually('some are there', async () => (await ben.shown()).length >= 5);
        await system[end](role);
        await system.start(role);
        for (const who of [ann, ben]) await eventually('it is back', () => who.tab.evaluate(() => messagingClient.socket.connected), LONG_MS);
        await eventually('more are there', async () => (await ben.shown()).length >= said.length - 2);
        goesOn = false;
        await writing;
        for (let n = 0; n < 4; n += 1) {
          said.push(`after ${n}`);
          await [ann, ben][n % 2].say(said.at(-1));
        }
        await agree(pages, said);
      });
    }
  });
}
