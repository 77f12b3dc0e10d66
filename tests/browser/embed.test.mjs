// The chat in a page of a host application, on both shapes: embed.js under a strict policy, with the host's
// tokens and with its cookie, the panel by keys and on phones, what the host hears, and what a page that is
// not allowed, or a hostile window, can do.
//
// Needs `tests/services browser` (Chromium, playwright-core and axe-core).

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually, mint } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront, startChat } from './front.mjs';
import { inTurn, json, openHost, text } from './host-page.mjs';
import { axe } from './looks.mjs';
import { entry, field, message, tell, unreadOf } from './windows.mjs';

/** The server takes a token until so long after its end. */
const LEEWAY_S = 60;
const PHONE = { viewport: { width: 375, height: 700 }, hasTouch: true, isMobile: true };
/** What a finger hits (WCAG 2.5.5). */
const TARGET_MIN_PX = 44;
/** The host's page with the chat in an element of its own. */
const IN_ELEMENT = '/?token-url=/chat-token&target=%23here';
const seconds = () => Math.floor(Date.now() / 1000);

describe('the chat in a page of a host application', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`on the shape "${shape}"`, { concurrency: 1 }, () => {
    let system, front, chat, host, stranger, browser, windows = [];
    before(async () => {
      // The hosts are known before the system is, and it before they are asked for anything.
      const behind = {};
      front = await openFront(behind);
      chat = (await front.link()).origin;
      [host, stranger] = [await openHost(() => chat), await openHost(() => chat)];
      system = await startSystem(shape, {
        EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', EMBED_ORIGINS: `${host.foreign}, ${host.near}`,
      });
      Object.assign(behind, system);
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      [front, host, stranger].forEach(each => each?.close());
      await system?.stop();
    });
    afterEach(async () => {
      const faults = windows.flatMap(each => each.faults);
      await Promise.all(windows.map(each => each.context.close()));
      windows = [];
      host.asked = 0;
      assert.deepEqual(faults, []);
    });

    const people = (...names) => names.map(name => new Person(system, name));
    const tokenOf = (person, more) => mint({ id: person.id, name: person.id, jti: `login of ${person.id}`, ...more });

    /** A window on a page of a host. What its policy, or that of the chat, has refused fails the test. */
    async function visit(address, { cookie, ...options } = {}) {
      const context = await browser.newContext(options);
      if (cookie) await context.addCookies([{ name: 'token', value: cookie, url: chat, httpOnly: true, sameSite: 'Lax' }]);
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const faults = [];
      page.on('pageerror', error => faults.push(String(error)));
      page.on('console', said => /Content Security Policy/.test(said.text()) && faults.push(said.text()));
      windows.push({ context, faults });
      await page.addInitScript(() => {
        window.heard = [];
        for (const name of ['ready', 'unread', 'open']) document.addEventListener(`eventflow:${name}`, event => window.heard.push([name, event.detail, event.target.tagName]));
      });
      await page.goto(address);
      await page.evaluate(() => { document.getElementById('here').style.height = '500px'; });
      return { page, context, faults, heard: name => page.evaluate(wanted => window.heard.filter(([each]) => each === wanted).map(([, detail]) => detail), name) };
    }

    /** The frame of a page, once it is there. */
    const frameOf = page => eventually('the frame is there', () => page.frames().find(each => each.url() === `${chat}/embed`), PATIENCE_MS);
    const isUp = frame => frame.locator('#connection.up').waitFor({ state: 'attached' });
    const launcher = page => page.locator('.launcher');
    const isOpen = async page => await launcher(page).getAttribute('aria-expanded') === 'true';

    /** A window in which somebody has the chat open. */
    async function enter(person, { path = '/?token-url=/chat-token', ...options } = {}) {
      host.token = () => json(tokenOf(person));
      const visited = await visit(`${host.foreign}${path}`, options);
      const frame = await frameOf(visited.page);
      await isUp(frame);
      if (!path.includes('target')) await launcher(visited.page).click();
      return { ...visited, frame };
    }

    const say = async (frame, content) => {
      await field(frame).fill(content);
      await frame.getByRole('button', { name: 'Send', exact: true }).click();
      await message(frame, content).waitFor();
    };

    test('whoever is signed in at the host chats there, and the host hears of it', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, 'hello from ben');
      const { page, frame, heard } = await enter(ann);
      assert.equal(await frame.locator('#token-form').isVisible(), false);
      assert.equal(await frame.locator('#sign-out').isVisible(), false);
      await eventually('one is unread', async () => (await heard('unread')).at(-1)?.count === 1, PATIENCE_MS);
      assert.match(await launcher(page).getAttribute('aria-label'), /, 1 unread$/);
      await entry(frame, ben).click();
      await message(frame, 'hello from ben').waitFor();
      await say(frame, 'hello from the shop');
      await eventually('it is stored', async () => (await ben.history(thread)).includes('hello from the shop'), PATIENCE_MS);
      await eventually('it is read', async () => (await heard('unread')).at(-1)?.count === 0, PATIENCE_MS);
      assert.deepEqual((await heard('open')).at(-1), { threadId: thread });
      assert.equal((await heard('ready')).length, 1);
      assert.deepEqual([...new Set(await page.evaluate(() => window.heard.map(([, , tag]) => tag)))], ['SCRIPT']);
      assert.equal(page.frames().some(each => each.url().includes('eyJ')), false, 'no token is in an address');
      assert.equal(await frame.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }).includes('eyJ')), false, 'no token is kept');
    });

    test('a closed chat reads nothing, and tells of what comes', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, 'first');
      const { page, frame, heard } = await enter(ann);
      await entry(frame, ben).click();
      await message(frame, 'first').waitFor();
      await eventually('it is read', async () => await unreadOf(ann, thread) === 0, PATIENCE_MS);
      await page.getByRole('button', { name: 'Close Chat' }).click();
      await tell(ben, thread, 'second');
      await eventually('one is unread', async () => (await heard('unread')).at(-1)?.count === 1, PATIENCE_MS);
      assert.equal(await unreadOf(ann, thread), 1);
      await launcher(page).click();
      await eventually('it is read', async () => await unreadOf(ann, thread) === 0, PATIENCE_MS);
    });

    test('a token that the server refuses is replaced, and nothing is seen of it', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, 'hello');
      const expired = tokenOf(ann, { exp: seconds() - 2 * LEEWAY_S });
      host.token = inTurn(json(expired), json(tokenOf(ann)));
      const { page } = await visit(`${host.foreign}/?token-url=/chat-token`);
      const frame = await frameOf(page);
      await isUp(frame);
      await launcher(page).click();
      await entry(frame, ben).click();
      await say(frame, 'still here');
      assert.equal(host.asked, 2);
    });

    test('a token that ends while it is used is replaced, without a new sign-in', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, 'hello');
      // By its own words it has ended; the server takes it for some seconds more, less than the page waits.
      host.token = inTurn(json(tokenOf(ann, { exp: seconds() - LEEWAY_S + 8 })), text(tokenOf(ann)));
      const { page, heard } = await visit(`${host.foreign}/?token-url=/chat-token`);
      const frame = await frameOf(page);
      await isUp(frame);
      await frame.evaluate(() => { window.isTheSame = true; });
      await launcher(page).click();
      await entry(frame, ben).click();
      await field(frame).fill('begun before');
      await eventually('the host was asked again', () => host.asked === 2, PATIENCE_MS);
      await isUp(frame);
      await frame.getByRole('button', { name: 'Send', exact: true }).click();
      await message(frame, 'begun before').waitFor();
      assert.equal(await frame.evaluate(() => window.isTheSame), true);
      assert.equal((await heard('ready')).length, 1);
      assert.equal(await frame.locator('#sign-in').isVisible(), false);
    });

    test('while the host gives no token the frame says why, and goes on once it does', async () => {
      const [ann] = people('ann');
      const states = [
        [{ status: 500, body: '' }, /cannot say who you are at the moment/],
        [{ status: 401, body: '' }, /You are not signed in at the site around this chat/],
        [{ body: '{"token": 7}' }, /gives a sign-in that is none/],
        [{ type: 'text/html', body: '<p>Sign in</p>' }, /gives a sign-in that is none/],
      ];
      let state = states[0];
      host.token = () => state[0];
      const { page } = await visit(`${host.foreign}/?token-url=/chat-token`);
      const frame = await frameOf(page);
      await launcher(page).click();
      for (state of states) await frame.locator('#sign-in-state').getByText(state[1]).waitFor();
      assert.equal(await frame.locator('#token-form').isVisible(), false);
      assert.equal(await frame.locator('#people button').count(), 0);
      state = [json(tokenOf(ann))];
      await isUp(frame);
    });

    test("the host's cookie signs in within the same site, reads and writes", async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, 'hello');
      const { page } = await visit(`${host.near}/`, { cookie: ann.token });
      const frame = await frameOf(page);
      await isUp(frame);
      await launcher(page).click();
      await entry(frame, ben).click();
      await say(frame, 'by cookie');
      // By REST, which needs the CSRF token.
      const [cleo] = people('cleo');
      await frame.getByRole('button', { name: 'Back to the conversations' }).click();
      await startChat(frame, cleo.id);
      await say(frame, 'hello cleo');
      assert.equal(host.asked, 0);
    });

    test("without the host's cookie the frame says so, and goes on once there is one", async () => {
      const [ann, ben] = people('ann', 'ben');
      const { page, context } = await visit(`${host.near}/`);
      const frame = await frameOf(page);
      await launcher(page).click();
      await frame.locator('#sign-in-state').getByText('You are not signed in at the site around this chat').waitFor();
      const signsIn = person => context.addCookies([{ name: 'token', value: person.token, url: chat, httpOnly: true, sameSite: 'Lax' }]);
      await signsIn(ann);
      await isUp(frame);
      // Somebody else signs in at the host: what Ann has begun stays hers.
      await frame.evaluate(() => sessionStorage.setItem('drafts', '{"x":{"content":"secret of ann"}}'));
      await signsIn(ben);
      await page.reload();
      const again = await frameOf(page);
      await isUp(again);
      assert.equal(await again.locator('#me').textContent(), ben.id);
      assert.equal(await again.evaluate(() => JSON.stringify({ ...sessionStorage }).includes('secret of ann')), false);
    });

    test('a page of another origin gets nothing: the browser refuses the frame', async () => {
      stranger.asked = 0;
      const { page, heard, faults } = await visit(`${stranger.foreign}/?token-url=/chat-token`);
      await eventually('the frame is refused', () => faults.some(fault => /frame-ancestors/.test(fault)), PATIENCE_MS);
      const inner = page.frames().filter(each => each !== page.mainFrame());
      assert.equal(inner.length, 1);
      assert.equal(await inner[0].locator('#chat, #sign-in').count(), 0);
      assert.deepEqual([await heard('ready'), stranger.asked], [[], 0]);
      assert.ok(faults.every(fault => /frame-ancestors/.test(fault)), faults.join('\n'));
      faults.splice(0);
      const policyOf = async path => (await fetch(`${chat}${path}`)).headers.get('content-security-policy');
      assert.match(await policyOf('/embed'), new RegExp(`frame-ancestors ${host.foreign} ${host.near}$`));
      for (const path of ['/', '/ops']) assert.match(await policyOf(path), /frame-ancestors 'none'$/);
    });

    test('messages of other windows, and such as are none, do nothing', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, 'hello');
      // A frame in a panel is not even among `window.frames`.
      const { page, frame, context, heard } = await enter(ann, { path: IN_ELEMENT });
      await eventually('one is unread', async () => (await heard('unread')).at(-1)?.count === 1, PATIENCE_MS);
      const before = await page.evaluate(() => window.heard.length);
      // The host's own page, with what is no message; then as if it were the frame.
      await page.evaluate(chatOrigin => {
        const inner = window.frames[0];
        for (const data of [null, 7, 'sign-out', {}, { type: 'sign-out' }, { eventflow: 2, type: 'sign-out' }, { eventflow: 1, type: '__proto__' },
          { eventflow: 1, type: 'toString' }, { eventflow: 1, type: 'open', threadId: 7 }, { eventflow: 1, type: 'open', threadId: 'x'.repeat(1_000) },
          { eventflow: 1, type: 'token', token: { length: 1 } }, { eventflow: 1, type: 'token-failed', reason: 'constructor' }, { eventflow: 1, type: 'shown', isShown: 'no' },
        ]) inner.postMessage(data, chatOrigin);
        for (const type of ['unread', 'open', 'close', 'ready', 'signed-out']) window.postMessage({ eventflow: 1, type, count: 999, threadId: 'x' }, '*');
      }, chat);
      // Windows that the host's page has opened: one of a stranger, and one of the chat's own origin.
      for (const address of [`${stranger.near}/`, `${chat}/`]) {
        const opened = context.waitForEvent('page');
        await page.evaluate(url => { window.open(url); }, address);
        const other = await opened;
        await other.waitForLoadState();
        await other.evaluate(() => {
          for (const [type, more] of [['hello', { hasTokens: false, isPanel: false, isShown: false }], ['sign-out'], ['open', { threadId: 'x' }], ['token', { token: 'a.b.c' }]]) {
            window.opener.frames[0].postMessage({ eventflow: 1, type, ...more }, '*');
          }
          for (const type of ['unread', 'open', 'close', 'ready']) window.opener.postMessage({ eventflow: 1, type, count: 999, threadId: 'x' }, '*');
        });
        await other.close();
      }
      // What is asked for after all of that is answered after it.
      await entry(frame, ben).click();
      await eventually('the open one is told', async () => (await heard('open')).length > 0, PATIENCE_MS);
      const news = await page.evaluate(from => window.heard.slice(from).map(([name, detail]) => [name, detail?.count ?? detail?.threadId]), before);
      assert.deepEqual(news.filter(([name, value]) => name === 'ready' || value === 999 || value === 'x'), []);
      await isUp(frame);
      windows.forEach(({ faults }) => faults.splice(0, faults.length, ...faults.filter(fault => !/frame-ancestors/.test(fault))));
    });

    test('the chat opens and closes by keys, and the focus goes in and comes back', async () => {
      const [ann, ben] = people('ann', 'ben');
      await ann.startThread(ben);
      host.token = () => json(tokenOf(ann));
      const { page } = await visit(`${host.foreign}/?token-url=/chat-token&title=Messages`);
      const frame = await frameOf(page);
      await isUp(frame);
      const focused = () => page.evaluate(() => {
        const holder = document.activeElement;
        return holder.shadowRoot ? holder.shadowRoot.activeElement.className || holder.shadowRoot.activeElement.tagName : holder.id;
      });
      assert.equal(await page.locator('iframe').getAttribute('title'), 'Messages');
      await page.locator('#own').focus();
      await page.keyboard.press('Tab');
      assert.equal(await focused(), 'launcher', 'a closed chat is no step of the keyboard');
      await page.keyboard.press('Enter');
      await eventually('it is open', () => isOpen(page), PATIENCE_MS);
      assert.equal(await focused(), 'IFRAME');
      await page.keyboard.press('Tab');
      assert.notEqual(await frame.evaluate(() => document.activeElement.id), '');
      // A dialog has the first Escape.
      await frame.getByRole('button', { name: 'Start a chat' }).click();
      await page.keyboard.press('Escape');
      await frame.locator('#picker').waitFor({ state: 'hidden' });
      assert.equal(await isOpen(page), true);
      await page.keyboard.press('Escape');
      await eventually('it is closed', async () => !await isOpen(page), PATIENCE_MS);
      assert.equal(await focused(), 'launcher');
      assert.equal(await page.locator('.panel').isVisible(), false);
      // By the host's own button, which gets the focus back.
      await page.locator('#own').focus();
      await page.evaluate(() => window.EventFlow.open());
      await eventually('it is open', () => isOpen(page), PATIENCE_MS);
      await page.locator('.close').focus();
      await page.keyboard.press('Escape');
      await eventually('it is closed', async () => !await isOpen(page), PATIENCE_MS);
      assert.equal(await focused(), 'own');
    });

    test('axe-core finds nothing in the page and the frame, and on phones the chat is the whole page', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, 'hello');
      for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, PHONE]) {
        const { page, frame } = await enter(ann, options);
        const judge = async what => {
          for (const each of [page, frame]) {
            await each.evaluate(axe);
            const { violations } = await each.evaluate(() => window.axe.run(document, { iframes: false }));
            assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(node => node.html)]), [], what);
          }
        };
        await judge('open');
        const { width, height } = await page.locator('.panel').boundingBox();
        if (options === PHONE) {
          assert.deepEqual([width, height], [PHONE.viewport.width, PHONE.viewport.height]);
          assert.equal(await launcher(page).isVisible(), false);
        } else assert.ok(width <= 400 && height <= 640, `${width} × ${height}`);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(beyond <= 0, 'nothing sticks out');
        await page.getByRole('button', { name: 'Close Chat' }).click();
        await launcher(page).waitFor();
        await judge('closed');
        const button = await launcher(page).boundingBox();
        assert.ok(button.width >= TARGET_MIN_PX && button.height >= TARGET_MIN_PX);
      }
    });

    test("the host's own buttons open a conversation, close it and sign out, and nothing is left for the next person", async () => {
      const [ann, ben, cleo] = people('ann', 'ben', 'cleo');
      const thread = await ann.startThread(ben);
      await cleo.startThread(ben);
      await tell(ben, thread, 'hello');
      host.token = () => json(tokenOf(ann));
      const { page, heard } = await visit(`${host.foreign}${IN_ELEMENT}`);
      await page.evaluate(id => window.EventFlow.open(id), thread);
      const frame = await frameOf(page);
      await message(frame, 'hello').waitFor();
      assert.deepEqual((await heard('open')).at(-1), { threadId: thread });
      assert.equal(await page.locator('#here iframe').count(), 1);
      await field(frame).fill('a secret that Ann has begun');
      await page.evaluate(() => window.EventFlow.close());
      await eventually('the list is shown', async () => (await heard('open')).at(-1)?.threadId === null, PATIENCE_MS);
      host.token = () => json(tokenOf(cleo));
      await page.evaluate(() => window.EventFlow.signOut());
      assert.equal(await page.locator('iframe').count(), 0);
      assert.equal((await heard('unread')).at(-1).count, 0);
      await page.evaluate(() => window.EventFlow.open());
      const next = await frameOf(page);
      await isUp(next);
      assert.equal(await next.locator('#me').textContent(), cleo.id);
      assert.equal(await next.evaluate(() => JSON.stringify({ ...sessionStorage }).includes('secret')), false);
      assert.equal(await entry(next, ann).count(), 0);
    });

    test('if the host gives a token of somebody else, the frame begins anew as theirs', async () => {
      const [ann, cleo] = people('ann', 'cleo');
      host.token = inTurn(json(tokenOf(ann, { exp: seconds() - LEEWAY_S + 8 })), json(tokenOf(cleo)));
      const { page } = await visit(`${host.foreign}/?token-url=/chat-token`);
      const frame = await frameOf(page);
      await isUp(frame);
      await frame.evaluate(() => sessionStorage.setItem('outbox', '[{"key":"k","threadId":"t","content":"of ann","state":"failed"}]'));
      await frame.locator('#me').getByText(cleo.id).waitFor({ state: 'attached' });
      assert.equal(await frame.evaluate(() => JSON.stringify({ ...sessionStorage }).includes('of ann')), false);
    });
  });
}
});
