// Pages of a host application in a real browser, before one system: tabs of people behind links of their own,
// and what they have to agree on.
//
// The page is tests/browser/client; EVENTFLOW_CLIENT_PAGE names another one (an HTML file with a
// `window.messagingClient` of the same habits) to be run in its place.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe } from 'node:test';
import { peopleOf } from '../contract/people.mjs';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront } from './front.mjs';

const require = createRequire(import.meta.url);
const folder = join(import.meta.dirname, 'client');
const library = join(dirname(require.resolve('socket.io-client/package.json')), 'dist/socket.io.min.js');
const page = process.env.EVENTFLOW_CLIENT_PAGE ?? join(folder, 'page.html');

/** What the host application serves beside the system. */
function hosted({ pathname, searchParams }) {
  switch (pathname) {
    case '/chat.html': return ['text/html', readFileSync(page, 'utf8').replace('<body>', `<body data-user-id="${searchParams.get('user')}">`)];
    case '/client.js': return ['text/javascript', readFileSync(join(folder, 'client.js'))];
    case '/socket.io.min.js': return ['text/javascript', readFileSync(library)];
    default: return undefined;
  }
}

/**
 * Runs `tests`, a function that defines tests on the stage it is given, with pages before one system of
 * `shape`.
 */
export function onPages(title, shape, tests) {
  describe(`${title} on the shape "${shape}"`, { concurrency: 1 }, () => {
    let browser, front, contexts = [];
    const people = peopleOf(() => stage.system);
    const stage = {
      shape, system: undefined, openPage, twoPages, history, agree, besideEachOther, person: people.person,
    };
    /**
     * Nested suites whose tests run at the same time: the pages and people of all of them stay until the last
     * one has ended.
     */
    let keepers = 0;
    before(async () => {
      // A page that tests click faster than people do.
      stage.system = await startSystem(shape, { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
      front = await openFront(stage.system, hosted);
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      front?.close();
      await stage.system?.stop();
    });
    const leave = async () => {
      await Promise.all(contexts.map(context => context.close()));
      people.leave();
      contexts = [];
    };
    afterEach(() => (keepers > 0 ? undefined : leave()));

    /** Runs the tests that `define` defines at the same time: most of each is waiting. */
    function besideEachOther(what, define) {
      describe(what, { concurrency: 8 }, () => {
        before(() => { keepers += 1; });
        after(async () => {
          keepers -= 1;
          await leave();
        });
        define();
      });
    }

    /**
     * A tab of somebody behind a link of their own, which lets no socket through if asked. What goes wrong in
     * the page is kept.
     */
    async function openPage(who, { refusesSockets = false } = {}) {
      const person = typeof who === 'string' ? stage.person(who) : who;
      const link = await front.link();
      const context = await browser.newContext();
      context.setDefaultTimeout(PATIENCE_MS);
      contexts.push(context);
      await context.addCookies([{ name: 'token', value: person.token, url: link.origin, httpOnly: true, sameSite: 'Lax' }]);
      const tab = await context.newPage();
      const faults = [];
      // A page whose line is cut cannot tell that it has read; everything else that goes wrong in it counts.
      tab.on('pageerror', error => /Failed to fetch/.test(error) || faults.push(String(error)));
      tab.on('dialog', dialog => faults.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
      if (refusesSockets) link.refuseSockets();
      await tab.goto(`${link.origin}/chat.html?user=${person.id}`);
      await tab.evaluate(async () => {
        window.__CSRF_TOKEN__ = (await (await fetch('/api/v2/csrf-token')).json()).csrfToken;
        // What the page itself does not listen to.
        window.heard = [];
        messagingClient.socket.onAny((event, body) => window.heard.push([event, body]));
      });
      const isConnected = () => tab.evaluate(() => messagingClient.socket.connected);
      if (!refusesSockets) await eventually(`${person.id} is connected`, isConnected);
      return {
        id: person.id, person, link, tab, context, faults, isConnected,
        /** Bodies of what its socket has heard since the page was there. */
        heard: event => tab.evaluate(name => window.heard.filter(([other]) => other === name).map(([, body]) => body), event),
        /**
         * With its next connection it names a session that no server knows, as after one that was kept no
         * longer.
         */
        forgetsSession: () => tab.evaluate(() => { messagingClient.socket.auth = { pid: 'forgotten' }; }),
        open: thread => tab.evaluate(id => messagingClient.openThread(id), thread),
        /** Clicks, `clicks` times before anything can come of it. */
        say: (content, clicks = 1) => tab.evaluate(([text, count]) => {
          document.getElementById('message-input').value = text;
          return Promise.all(Array.from({ length: count }, () => messagingClient.sendMessage()));
        }, [content, clicks]),
        shown: () => tab.evaluate(() => [...document.querySelectorAll('#messages-container .message')].map(each =>
          [each.dataset.messageId, each.querySelector('.message-content').textContent.trim()])),
      };
    }

    async function twoPages() {
      const [ann, ben] = [await openPage('ann'), await openPage('ben')];
      const thread = await ann.person.startThread(ben.person);
      await Promise.all([ann.open(thread), ben.open(thread)]);
      return { ann, ben, thread };
    }

    /** The whole history of a thread: ids and contents. */
    async function history(who, thread) {
      const all = [];
      for (;;) {
        const { messages } = await who.person.rest('GET', `/${thread}?limit=100&after=${all.length}`);
        all.push(...messages);
        if (messages.length < 100) return all.map(message => [message._id, message.content]);
      }
    }

    /** These pages show exactly the history, which is exactly what was said. */
    async function agree(pages, thread, said, patience) {
      const same = async who => JSON.stringify(await who.shown()) === JSON.stringify(await history(pages[0], thread));
      const all = async () => (await history(pages[0], thread)).length >= said.length && (await Promise.all(pages.map(same))).every(Boolean);
      await eventually(`${said.length} messages on all pages`, all, patience).catch(async () => {
        for (const who of pages) assert.deepEqual(await who.shown(), await history(pages[0], thread), who.id);
      });
      const contents = (await history(pages[0], thread)).map(([, content]) => content);
      assert.deepEqual(contents.toSorted(), said.toSorted());
      assert.deepEqual(pages.map(({ faults }) => faults), pages.map(() => []));
    }

    tests(stage);
  });
}
