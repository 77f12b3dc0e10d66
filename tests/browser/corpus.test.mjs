// Script injection: every text of a corpus goes through every field that takes one, into pages that put it
// into the document carelessly, and into our own page. No script runs, nothing is in the document but what
// the page drew, and plain text is shown as it was written.
//
// Names, pictures and previews of the thread list are in previews.test.mjs; what else our own page shows is
// in corpus-page.test.mjs.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { CORPUS, PLAIN } from './corpus.mjs';
import { launchChromium } from './chromium.mjs';
import { openFront } from './front.mjs';

const require = createRequire(import.meta.url);
const folder = join(import.meta.dirname, 'client');
const library = join(dirname(require.resolve('socket.io-client/package.json')), 'dist/socket.io.min.js');
const EMOJI_MAX_BYTES = 64;
/** What is left of a text that was typed: all but control characters and overrides. */
const kept = text => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202d\u202e]/g, '');
/** Time for images to fail, frames to load, animations to begin. */
const SETTLE_MS = 500;

/**
 * Draws what it is given by innerHTML, also inside of attributes that the server promises to be addresses,
 * names and types.
 */
const CARELESS = `
  window.careless = (kind, html) => document.getElementById('careless').insertAdjacentHTML('beforeend', '<div class="' + kind + '">' + html + '</div>');
  window.drawMessage = ({ content, attachments, reactions }) => careless('message', '<p>' + content + '</p>'
    + attachments.map(each => '<a href="' + each.url + '" title="' + each.filename + '" type="' + each.mimeType + '">' + each.filename + '</a>').join('')
    + reactions.map(each => '<i>' + each.emoji + '</i>').join(''));
  window.drawNotification = ({ title, message, type }) => careless('notification', '<b class="' + type + '">' + title + '</b><p>' + message + '</p>');
  messagingClient.socket.on('message:received', ({ message }) => drawMessage(message));
  messagingClient.socket.on('message:updated', ({ message }) => drawMessage(message));
  messagingClient.socket.on('reaction:received', ({ reactions }) => drawMessage({ content: '', attachments: [], reactions }));
  messagingClient.socket.on('notification:received', ({ notification }) => drawNotification(notification));
  messagingClient.socket.on('error', ({ error }) => careless('error', error));
`;

function hosted({ pathname, searchParams }) {
  switch (pathname) {
    case '/chat.html': return ['text/html', readFileSync(join(folder, 'page.html'), 'utf8')
      .replace('<body>', `<body data-user-id="${searchParams.get('user')}"><div id="careless"></div>`).replace('</body>', '<script src="/careless.js"></script></body>')];
    case '/client.js': return ['text/javascript', readFileSync(join(folder, 'client.js'))];
    case '/careless.js': return ['text/javascript', CARELESS];
    case '/socket.io.min.js': return ['text/javascript', readFileSync(library)];
    default: return undefined;
  }
}

// Both shapes at once: most of it is waiting.
describe('a corpus of scripts', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`a corpus of scripts on the shape "${shape}"`, { concurrency: 1 }, () => {
    let system, front, browser;
    before(async () => {
      system = await startSystem(shape, { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
      front = await openFront(system, hosted);
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      front?.close();
      await system?.stop();
    });

    /**
     * A tab in which nothing unexpected goes unnoticed: scripts that run, dialogs, other places, errors,
     * refusals of the policy.
     */
    async function open(person, toFront = front) {
      const { origin } = await toFront.link();
      const context = await browser.newContext();
      context.setDefaultTimeout(PATIENCE_MS);
      await context.addCookies([{ name: 'token', value: person.token, url: origin, httpOnly: true, sameSite: 'Lax' }]);
      const tab = await context.newPage();
      const [ran, faults] = [[], []];
      await tab.exposeFunction('pwn', what => { ran.push(what); });
      await tab.exposeFunction('violated', what => { faults.push(`policy: ${what}`); });
      await tab.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', event => violated(`${event.violatedDirective} ${event.blockedURI}`));
      });
      tab.on('dialog', dialog => faults.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
      tab.on('pageerror', error => faults.push(String(error)));
      tab.on('framenavigated', frame => frame.url().startsWith(origin) || faults.push(`went to ${frame.url()}`));
      return { tab, ran, faults, origin };
    }

    async function openHost(person) {
      const page = await open(person);
      await page.tab.goto(`${page.origin}/chat.html?user=${person.id}`);
      await eventually('connected', () => page.tab.evaluate(() => messagingClient.socket.connected));
      return page;
    }

    const write = (by, thread, body) => {
      const keyed = { ...body, clientMessageId: randomUUID() };
      return by.rest('POST', `/${thread}`, keyed);
    };

    const isTaken = answer => {
      assert.ok([200, 201, 400].includes(answer.status), JSON.stringify(answer));
      return answer.status < 300;
    };

    /**
     * Everything of the page that the page did not draw, and every link that leads to something else than a
     * site.
     */
    const odd = tab => tab.evaluate(() => [...document.querySelectorAll('#careless *, #messages-container *')].filter(each => {
      const isKnown = ['DIV', 'P', 'A', 'I', 'B'].includes(each.tagName)
        && [...each.attributes].every(({ name }) => ['class', 'href', 'title', 'type', 'data-message-id'].includes(name));
      return !isKnown || each.tagName === 'A' && !['http:', 'https:'].includes(each.protocol);
    }).map(each => each.outerHTML));

    /** Sends an entry in every field of a message; gives the contents that were taken. */
    async function say(ann, ben, thread, entry) {
      const taken = [];
      const send = async (body, by = ann) => {
        const answer = await write(by, thread, body);
        if (isTaken(answer)) taken.push(answer.message);
        return answer.message;
      };
      await send({ content: entry });
      const { _id: id } = await send({ content: `before ${entry} after` });
      for (const file of [
        { filename: entry }, { url: entry }, { url: `https://files.example.com/${entry}` }, { url: `/files/${entry}` }, { mimeType: entry }, { mimeType: `text/${entry}` },
      ]) {
        await send({ content: 'a file', attachments: [{ type: 'document', url: 'https://files.example.com/a', ...file }] }, ben);
      }
      for (const emoji of [entry, Buffer.from(entry).subarray(0, EMOJI_MAX_BYTES).toString()]) isTaken(await ben.rest('POST', `/${id}/reactions`, { emoji, action: 'add' }));
      const edited = await ann.rest('PATCH', `/${id}`, { content: `edited ${entry}` });
      assert.equal(isTaken(edited), true);
      taken.push(edited.message);
      return taken.map(message => message.content);
    }

    test('S7: nothing that is written into any field runs in a page that shows it carelessly', { timeout: 600_000 }, async () => {
      const [ann, ben, root] = [new Person(system, 'ann'), new Person(system, 'ben'), new Person(system, 'root', { role: 'admin' })];
      const thread = await ann.startThread(ben);
      const page = await openHost(ben);
      await page.tab.evaluate(id => messagingClient.openThread(id), thread);
      let told = 0;
      for (const entry of CORPUS) {
        for (const content of await say(ann, ben, thread, entry)) {
          assert.doesNotMatch(content, /<[a-z/!?]|<$|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202d\u202e]/i, entry);
        }
        const subject = await ann.rest('POST', '/threads', { participants: [ben.id], metadata: { subject: entry } });
        assert.equal(subject.thread.metadata.subject, entry, 'metadata is the host application\'s own');
        for (const words of [{ title: entry, message: entry }, { title: `T ${entry}`, message: `M ${entry}`, data: { x: entry } }, { title: 'T', type: entry }]) {
          told += isTaken(await root.api('POST', '/notifications', { userId: ben.id, type: 'x', ...words }));
        }
        await ann.api('POST', `/messages/threads/${encodeURIComponent(entry)}/read`, {});
      }
      await eventually('everything was heard', () => page.tab.evaluate(count => document.querySelectorAll('#careless .notification').length >= count, told), 60_000);
      await page.tab.waitForTimeout(SETTLE_MS);
      const drawn = await page.tab.evaluate(() => document.querySelectorAll('#careless .message').length);
      assert.ok(drawn > 2 * CORPUS.length, `${drawn} messages, edits and reactions were drawn as they came`);
      assert.deepEqual(await odd(page.tab), []);
      assert.deepEqual([page.ran, page.faults], [[], []]);

      // As history, again and a second time out of what the browser made of it.
      const stored = [];
      for (let all = false; !all;) {
        const { messages } = await ann.rest('GET', `/${thread}?limit=100&after=${stored.length}`);
        stored.push(...messages);
        all = messages.length < 100;
      }
      const { notifications } = await ben.api('GET', '/notifications?limit=100');
      await page.tab.evaluate(({ stored, notifications }) => {
        const box = document.getElementById('careless');
        box.replaceChildren();
        stored.forEach(drawMessage);
        notifications.forEach(drawNotification);
        box.innerHTML = String(box.innerHTML);
      }, { stored, notifications });
      await page.tab.evaluate(() => document.querySelectorAll('#careless a').forEach(link => {
        link.addEventListener('click', event => event.preventDefault());
        link.focus();
        link.click();
      }));
      await page.tab.waitForTimeout(SETTLE_MS);
      assert.deepEqual(await odd(page.tab), []);
      assert.deepEqual([page.ran, page.faults], [[], []]);

      // The page does nothing of its own against it.
      await page.tab.evaluate(() => careless('message', '<img src=x onerror=pwn(1)>'));
      await eventually('the page runs what it is given', () => page.ran.length === 1);
      assert.equal((await odd(page.tab)).length, 1);
      await page.tab.context().close();
    });

    test('S7: plain text is stored, heard and shown as it was written', async () => {
      const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
      const thread = await ann.startThread(ben);
      const page = await openHost(ben);
      await page.tab.evaluate(id => messagingClient.openThread(id), thread);
      for (const text of PLAIN) assert.equal((await ann.rest('POST', `/${thread}`, { content: text })).message.content, text);
      assert.deepEqual(await ben.history(thread, '?limit=100'), PLAIN);
      const shown = () => page.tab.evaluate(() => [...document.querySelectorAll('.message-content')].map(each => each.textContent));
      await eventually('all is heard', async () => (await shown()).length === PLAIN.length);
      assert.deepEqual(await shown(), PLAIN);
      assert.deepEqual([page.ran, page.faults, await page.tab.evaluate(() => document.querySelectorAll('#careless p *').length)], [[], [], 0]);
      await page.tab.context().close();
    });

    // One shape is enough: the form of texts is made by the gateways.
    for (const [form, typedAs] of shape === 'single' ? [['keep', kept], ['strip', (_, stored) => stored]] : []) {
      test(`S7: our own page shows it all as text where the setting is "${form}"`, { timeout: 360_000 }, async () => {
        const other = await startSystem(shape, { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0', CONTENT_MARKUP: form });
        const toOther = await openFront(other, hosted);
        try {
          await showAll(other, toOther, typedAs);
        } finally {
          toOther.close();
          await other.stop();
        }
      });
    }

    /** Our own page, which shows texts as text: whatever the form in which they are kept. */
    async function showAll(system, front, typedAs) {
      const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
      const thread = await ann.startThread(ben);
      const page = await open(ben, front);
      await page.tab.goto(`${page.origin}/`);
      await page.tab.getByLabel(/paste a token/i).fill(ben.token);
      await page.tab.locator('#token-form button').click();
      await page.tab.locator('#connection.up').waitFor();
      await page.tab.getByRole('button', { name: new RegExp(ann.id) }).click();
      const contents = [];
      for (const entry of [...CORPUS, ...PLAIN]) {
        const answer = await write(ann, thread, { content: entry });
        if (isTaken(answer)) contents.push(typedAs(entry, answer.message.content));
      }
      const shown = () => page.tab.locator('#messages li').evaluateAll(items => items.map(item => item.querySelector('.content').textContent));
      await eventually('all of it is on the page', async () => (await shown()).length === contents.length, 60_000);
      assert.deepEqual(await shown(), contents);
      assert.equal(await page.tab.locator('.preview').first().textContent(), contents.at(-1));
      // Every message is made of the same elements, with those of the signs that people write
      // (web/markup.js), and there are no others. What became a link leads to a site or to somebody's mail.
      const tags = selector => page.tab.evaluate(those => [...new Set([...document.querySelectorAll(those)].map(each => each.tagName))], selector);
      const known = { DIV: 'class dir', P: 'class', SMALL: 'class dir', TIME: 'datetime title', SPAN: 'class hidden', A: 'href target rel', CODE: 'class dir', STRONG: '', EM: '' };
      const others = await page.tab.evaluate(allowed => [...document.querySelectorAll('#messages li *')].filter(each => {
        const isKnown = each.tagName in allowed && each.getAttributeNames().every(name => allowed[each.tagName].split(' ').includes(name));
        return !isKnown || each.tagName === 'A' && !['http:', 'https:', 'mailto:'].includes(each.protocol);
      }).map(each => each.outerHTML), known);
      assert.deepEqual(others, []);
      const frame = () => page.tab.evaluate(() => [...new Set([...document.querySelectorAll('#messages li')].map(item => (
        [...item.querySelectorAll('*')].filter(each => !each.closest('.content *')).map(({ tagName }) => tagName).join(' '))))]);
      assert.deepEqual(await frame(), ['DIV P SMALL SPAN TIME']);
      assert.deepEqual(await tags('#messages *:not(li, li *)'), ['SECTION', 'H3', 'OL']);
      await page.tab.waitForTimeout(SETTLE_MS);
      assert.deepEqual([page.ran, page.faults], [[], []]);

      // The policy is there: what would run without it is refused.
      await page.tab.evaluate(() => { document.getElementById('messages').innerHTML = '<img src=x onerror=pwn(1)>'; });
      await eventually('the policy refuses', () => page.faults.some(fault => fault.startsWith('policy: script-src')));
      assert.deepEqual(page.ran, []);
      await page.tab.context().close();
    }

    test('S7: our own page shows it all as text, as it was typed, and its policy has nothing to refuse', { timeout: 360_000 }, async () => {
      await showAll(system, front, kept);
    });
  });
}
});
