// A page that puts names, pictures and previews of its thread list into the document as they come. Whatever
// people call themselves, show as their picture or write, no script of theirs runs, and plain text is shown
// as it was written.

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
const folder = join(import.meta.dirname, 'client');
const library = join(dirname(require.resolve('socket.io-client/package.json')), 'dist/socket.io.min.js');

/** Each would run `alert` in some place of a page: between tags, in an attribute, in a reference. */
const CORPUS = [
  '<script>alert(1)</script>', '<SCRIPT SRC=data:,alert(1)></SCRIPT>', '<scr<script>ipt>alert(1)</scr</script>ipt>',
  '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)//', '<img/src=x/onerror=alert(1)>', '<svg onload=alert(1)>', '<svg/onload=alert(1)',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>', '<svg><script>alert&lpar;1&rpar;</script>', '<body onload=alert(1)>',
  '<iframe src=javascript:alert(1)>', '<iframe srcdoc="<script>parent.alert(1)</script>">', '<object data=javascript:alert(1)>',
  '<embed src=javascript:alert(1)>', '<details open ontoggle=alert(1)>', '<input autofocus onfocus=alert(1)>', '<video><source onerror=alert(1)>',
  '<audio src=x onerror=alert(1)>', '<marquee onstart=alert(1)>', '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
  '<a href=javascript:alert(1) autofocus onfocus=alert(1) tabindex=1>x</a>', '<style onload=alert(1)></style>', '<link rel=stylesheet href=x onerror=alert(1)>',
  '<meta http-equiv=refresh content="0;url=javascript:alert(1)">', '<base href=javascript:alert(1)//>', '<template><script>alert(1)</script></template>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">', '<!--<img src="--><img src=x onerror=alert(1)>">', '<![CDATA[<img src=x onerror=alert(1)>]]>',
  '<?xml version="1.0"?><img src=x onerror=alert(1)>', '</b><img src=x onerror=alert(1)>', '</i></div><svg onload=alert(1)>', '<\u0000img src=x onerror=alert(1)>',
  '<im\u0000g src=x onerror=alert(1)>', '<img src=x onerror\u0000=alert(1)>', '<img src=x onerror=\u0061lert(1)>', '<x onclick=alert(1) style=animation-name:x onanimationstart=alert(1)>',
  '" onerror="alert(1)', '" onload="alert(1)" x="', 'x" onerror=alert(1) y="', '\' onerror=\'alert(1)', '"><img src=x onerror=alert(1)>', '"><script>alert(1)</script>',
  'javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java\tscript:alert(1)', ' javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', 'data:image/svg+xml,<svg onload=alert(1)>',
  'https://example.com/x.png" onerror="alert(1)', 'https://example.com/x.png\'onerror=alert(1)', '/x.png" onerror="alert(1)', '//example.com/"onerror=alert(1)',
  '&lt;img src=x onerror=alert(1)&gt;', '&#60;img src=x onerror=alert(1)&#62;', '\\u003cimg src=x onerror=alert(1)\\u003e', '%3Cimg src=x onerror=alert(1)%3E',
  '＜img src=x onerror=alert(1)＞', '{{constructor.constructor("alert(1)")()}}', '${alert(1)}', '<a <img src=x onerror=alert(1)>', '<<img src=x onerror=alert(1)>',
];
const VERBATIM = 'a < b && c > d <3';

function hosted({ pathname, searchParams }) {
  switch (pathname) {
    case '/chat.html': return ['text/html', readFileSync(join(folder, 'page.html'), 'utf8').replace('<body>', `<body data-user-id="${searchParams.get('user')}">`)];
    case '/client.js': return ['text/javascript', readFileSync(join(folder, 'client.js'))];
    case '/socket.io.min.js': return ['text/javascript', readFileSync(library)];
    default: return undefined;
  }
}

// Both shapes at once: most of it is waiting.
describe('thread lists', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`the thread list of a host application's page on the shape "${shape}"`, { concurrency: 1 }, () => {
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

    /** A thread with somebody of this name and picture, who writes this. */
    async function thread(ann, root, profile, content) {
      const other = new Person(system, 'other');
      // What is refused is not shown: nothing else can come of it.
      const given = await root.api('PUT', `/users/${other.id}`, profile);
      assert.ok([200, 400].includes(given.status), JSON.stringify(given));
      const id = await ann.startThread(other);
      const sent = await other.rest('POST', `/${id}`, { content });
      assert.ok([201, 400].includes(sent.status), JSON.stringify(sent));
      return { id, isNamed: given.status === 200, isSaid: sent.status === 201 };
    }

    async function open(ann) {
      const { origin } = await front.link();
      const context = await browser.newContext();
      context.setDefaultTimeout(PATIENCE_MS);
      await context.addCookies([{ name: 'token', value: ann.token, url: origin, httpOnly: true, sameSite: 'Lax' }]);
      const tab = await context.newPage();
      await tab.addInitScript(() => {
        window.ran = [];
        window.alert = what => window.ran.push(what);
      });
      const faults = [];
      tab.on('dialog', dialog => faults.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
      tab.on('framenavigated', frame => frame.url().startsWith(origin) || faults.push(`went to ${frame.url()}`));
      await tab.goto(`${origin}/chat.html?user=${ann.id}`);
      // The page reads its list by itself once it is signed in. That list is drawn, and none is asked for
      // again, before a test asks for its own.
      await tab.locator('.thread-item').first().waitFor({ state: 'attached' });
      await tab.evaluate(() => { messagingClient.socket.off('auth:success'); });
      return { tab, faults };
    }

    test('client trap C8: no name, picture or preview out of a corpus of scripts runs in the thread list, and plain text is shown as written', async () => {
      const [ann, root] = [new Person(system, 'ann'), new Person(system, 'root', { role: 'admin' })];
      const made = [];
      for (const entry of CORPUS) {
        made.push(await thread(ann, root, { name: `Zoe ${entry}`, avatar: '/assets/a.png' }, `before ${entry} after`));
        made.push(await thread(ann, root, { name: 'Zoe', avatar: entry }, entry));
      }
      // All of it beside a plain word is taken, cleaned; alone it may be nothing, and nearly no picture is an
      // address.
      assert.ok(made.filter((_, n) => n % 2 === 0).every(each => each.isNamed && each.isSaid));
      const plain = await thread(ann, root, { name: 'Zoe & Söhne', avatar: '/assets/a.png' }, VERBATIM);
      const said = [plain, ...made.filter(each => each.isSaid)].map(each => each.id);
      await eventually('the list stands still: every thread shows what was said in it', async () => {
        const shows = new Set();
        for (let skip = 0; skip <= made.length; skip += 100) {
          const { threads } = await ann.rest('GET', `/threads?limit=100&skip=${skip}`);
          threads.filter(each => each.lastMessage).forEach(each => shows.add(each._id));
        }
        return said.every(id => shows.has(id));
      });
      const { tab, faults } = await open(ann);
      let shown = 0;
      for (let skip = 0; skip < made.length; skip += 100) {
        shown += await tab.evaluate(async page => {
          const { call } = messagingClient;
          messagingClient.call = (method, path) => call(method, `${path}?limit=100&skip=${page}`);
          await messagingClient.loadThreads();
          messagingClient.call = call;
          // Everything that could load has loaded or failed, and its handlers have run.
          await Promise.all([...document.images].map(image => image.complete || new Promise(done => {
            image.addEventListener('load', done);
            image.addEventListener('error', done);
          })));
          await new Promise(done => setTimeout(done, 300));
          return document.querySelectorAll('.thread-item').length;
        }, skip);
        const odd = await tab.evaluate(() => [...document.querySelectorAll('#threads-list *')].filter(each => {
          const isKnown = ['DIV', 'IMG', 'B', 'I'].includes(each.tagName) && [...each.attributes].every(({ name }) => ['class', 'src', 'alt'].includes(name));
          return !isKnown || each.tagName === 'IMG' && !/^https?:$/.test(new URL(each.src).protocol);
        }).map(each => each.outerHTML));
        assert.deepEqual(odd, [], 'nothing but what the page itself drew');
        assert.deepEqual(await tab.evaluate(() => window.ran), []);
      }
      assert.equal(shown, made.length + 1, 'every thread was in the list');
      assert.deepEqual(faults, []);

      await tab.evaluate(() => messagingClient.loadThreads());
      const texts = await tab.evaluate(() => [...document.querySelectorAll('.thread-item')].map(item =>
        ['.thread-name', '.thread-preview'].map(part => item.querySelector(part).textContent)));
      assert.deepEqual(texts[0], ['Zoe & Söhne', VERBATIM], 'in the list');
      await tab.evaluate(id => messagingClient.openThread(id), plain.id);
      assert.equal(await tab.locator('.message-content').textContent(), VERBATIM, 'in the bubble');

      // The page does nothing of its own against it.
      await tab.evaluate(() => { document.getElementById('threads-list').innerHTML = '<img src=x onerror=alert(1)>'; });
      await eventually('the page runs what it is given', () => tab.evaluate(() => window.ran.length === 1));
    });
  });
}
});
