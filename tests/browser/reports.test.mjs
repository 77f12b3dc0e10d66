// Reports of messages on the page of operators, in a real browser and on both shapes: what was said is
// masked until somebody wants to see it, a report is marked as handled once, and nothing that people wrote
// runs. With OPS_PICTURES=FOLDER pictures are kept there.
//
// Needs `tests/services browser` (Chromium, playwright-core and axe-core).

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { CORPUS, PLAIN } from './corpus.mjs';
import { SIZES, looker } from './looks.mjs';
import { enterOps, live } from './ops.mjs';
import { OWN_OF_OPS, strange } from './strange.mjs';
import { tell } from './windows.mjs';

/** What the page lists at once. */
const PAGE = 25;
/** Time for images to fail, frames to load, animations to begin. */
const SETTLE_MS = 500;
const typed = text => text.replaceAll('<\u2060', '<');

describe('reports on the page of operators', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`on the shape "${shape}"`, { concurrency: 1 }, () => {
    let system, browser;
    before(async () => {
      system = await startSystem(shape, { EVENTS_PER_MINUTE: '0', REST_PER_MINUTE_USER: '0' });
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      await system?.stop();
    });

    const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
    const admin = name => new Person(system, name, { role: 'admin' });
    const people = (...names) => names.map(name => new Person(system, name));
    const items = page => page.locator('#report-list > li');
    const item = (page, person) => items(page).filter({ hasText: person.id });
    const button = (within, name) => within.getByRole('button', { name });
    /** Reports a message of somebody. */
    const report = async (reporter, sender, content, body) => {
      const thread = await reporter.startThread(sender);
      const message = await tell(sender, thread, content);
      const answer = await reporter.rest('POST', `/${message._id}/report`, body);
      assert.ok([200, 201].includes(answer.status), JSON.stringify(answer));
      return { message, report: answer.report };
    };

    /** A window of an administrator in which the reports are there. */
    async function enter(person, options) {
      const window = await enterOps(browser, system, person, options);
      await live(window.page);
      await window.page.locator('#reports-count', { hasText: /open/ }).waitFor();
      return window;
    }

    test('a report says who, when and why; its message is masked until it is wanted', async () => {
      const [ann, ben] = people('ann', 'ben');
      const root = admin('root');
      await root.api('PUT', `/users/${ben.id}`, { name: 'Ben Okafor' });
      const { message } = await report(ann, ben, 'meet me at the bridge', { reason: 'harassment', text: 'he follows me' });
      await ben.rest('PATCH', `/${message._id}`, { content: 'never mind' });
      const { page, close } = await enter(root);
      const mine = item(page, ann);
      await mine.getByText('It insults or pursues somebody').waitFor();
      await mine.getByText('he follows me').waitFor();
      const words = await mine.textContent();
      assert.match(words, new RegExp(`reported by ${ann.id}, .*Message of Ben Okafor ${ben.id}, sent`));
      assert.equal(await mine.locator('time').count(), 2);
      assert.ok(!words.includes('bridge'), 'masked until somebody wants to see it');
      const show = button(mine, `Show the message: It insults or pursues somebody, reported by ${ann.id}`);
      await show.focus();
      await page.keyboard.press('Enter');
      await mine.getByText('meet me at the bridge').waitFor();
      await becomes('the focus stays', () => page.evaluate(() => document.activeElement.dataset.act === 'show'));
      // What was reported later comes by itself, and what is looked at stays as it is.
      const [cem] = people('cem');
      await report(cem, ben, 'another one', { reason: 'spam' });
      await item(page, cem).waitFor();
      assert.equal(await mine.getByText('meet me at the bridge').isVisible(), true);
      assert.equal(await page.evaluate(() => document.activeElement.dataset.act), 'show');
      await button(mine, /^Hide/).click();
      await mine.getByText('meet me at the bridge').waitFor({ state: 'detached' });
      assert.ok(await items(page).first().textContent().then(text => text.includes(cem.id)), 'the newest comes first');
      await close();
    });

    test('a report is marked as handled with a note, once, and is among those that are', async () => {
      const [ann, ben] = people('ann', 'ben');
      const [root, other] = [admin('root'), admin('other')];
      const { report: { id } } = await report(ann, ben, 'hello', { reason: 'other' });
      const { report: second } = await report(ben, ann, 'you too', { reason: 'hate' });
      const { page, close } = await enter(root);
      const about = person => `, reported by ${person.id}`;
      await button(item(page, ann), `Mark as handled: Something else${about(ann)}`).click();
      await page.getByLabel('A note, if you like. It stays with the report.').fill('warned <b>him</b>');
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      assert.equal((await root.api('GET', '/reports?status=handled&limit=100')).reports.some(each => each.id === id), false, 'nothing was done');
      // What does not arrive is said, and what was typed stays.
      await button(item(page, ann), `Mark as handled: Something else${about(ann)}`).click();
      await page.getByLabel('A note, if you like.').fill('warned <b>him</b>');
      await page.route('**/handled', route => route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ success: false, code: 'unavailable', error: '' }) }));
      await page.getByRole('button', { name: 'Mark as handled', exact: true }).click();
      await page.locator('#ask-error').getByText('The service is not available at the moment.').waitFor();
      assert.equal(await page.getByLabel('A note, if you like.').inputValue(), 'warned <b>him</b>');
      await page.unroute('**/handled');
      await page.getByRole('button', { name: 'Mark as handled', exact: true }).click();
      await page.locator('#reports-words').getByText('It is marked as handled.').waitFor();
      await button(item(page, ann), `Mark as handled: Something else${about(ann)}`).waitFor({ state: 'detached' });

      // Somebody else was faster.
      const theirs = button(items(page), `Mark as handled: It incites hatred against people${about(ben)}`);
      await theirs.click();
      await other.api('PUT', `/reports/${second.id}/handled`, { note: 'first' });
      await page.getByRole('button', { name: 'Mark as handled', exact: true }).click();
      await page.locator('#reports-words').getByText(/had marked it as handled before you\.$/).waitFor();
      await page.locator('#reports-state').selectOption('handled');
      await page.locator('#reports-count', { hasText: 'handled' }).waitFor();
      const done = items(page).filter({ hasText: 'warned' });
      await done.getByText('warned <b>him</b>').waitFor();
      assert.match(await done.textContent(), new RegExp(`Handled by ${root.id}`));
      await items(page).filter({ hasText: 'first' }).getByText(other.id).waitFor();
      assert.equal(await button(page.locator('#report-list'), /^Mark as handled/).count(), 0);
      const { handled } = (await root.api('GET', '/reports?status=handled&limit=100')).reports.find(each => each.id === second.id);
      assert.deepEqual([handled.by, handled.note], [other.id, 'first']);
      await close();
    });

    test('many reports come page by page, and texts that made pages run scripts are texts in all of it', { timeout: 360_000 }, async () => {
      const [ann, ben] = people('ann', 'ben');
      const root = admin('root');
      const thread = await ann.startThread(ben);
      const said = new Map();
      for (const [n, entry] of [...CORPUS, ...PLAIN].entries()) {
        const sent = await ben.rest('POST', `/${thread}`, { content: entry });
        const { status, message } = sent.status === 201 ? sent : { message: await tell(ben, thread, `message ${n}`) };
        const answer = await ann.rest('POST', `/${message._id}/report`, { reason: 'other', text: entry });
        const { report: own } = answer.status === 201 ? answer : await ann.rest('POST', `/${message._id}/report`, { reason: 'other' });
        said.set(own.id, { text: typed(own.text), content: typed(message.content), isTaken: status === 201 && answer.status === 201 });
        await root.api('PUT', `/users/${ben.id}`, { name: `Ben ${entry}` });
      }
      assert.ok([...said.values()].filter(each => each.isTaken).length > CORPUS.length / 2);
      const { page, faults } = await enter(root);
      await page.locator('#reports-count', { hasText: `more than ${PAGE} open` }).waitFor();
      assert.equal(await items(page).count(), PAGE);
      const mine = items(page).filter({ hasText: ann.id });
      await becomes('all are listed', async () => {
        // It moves with each page that comes.
        await page.locator('#more-reports').evaluate(each => { if (!each.hidden) each.click(); });
        return await mine.count() === said.size;
      });
      const isClean = async what => {
        await page.waitForTimeout(SETTLE_MS); // sleep: what would run or load has begun by then
        assert.deepEqual(await page.evaluate(strange, OWN_OF_OPS), [], what);
      };
      await isClean('words of reports');
      // By keys, without a pointer: what is pressed is drawn anew each time.
      await page.evaluate(() => {
        for (const each of [...document.querySelectorAll('#report-list [data-act="show"]')]) each.click();
      });
      const shown = await mine.evaluateAll(all => all.map(each => [each.querySelector('[data-act="show"]').dataset.id,
        each.querySelector('.words')?.textContent ?? '', each.querySelector('.said')?.textContent ?? '']));
      for (const [id, text, content] of shown) assert.deepEqual({ text, content }, { text: said.get(id).text, content: said.get(id).content });
      await isClean('messages that were reported');
      const [[last]] = [...said].filter(([, { isTaken }]) => isTaken);
      await root.api('PUT', `/reports/${last}/handled`, { note: CORPUS[8] });
      await page.locator('#reports-state').selectOption('handled');
      await items(page).filter({ hasText: ann.id }).first().waitFor();
      await isClean('notes');
      assert.deepEqual(faults, []);
      // Whatever is looked for would be found, and its style is refused.
      await page.evaluate(() => { document.getElementById('report-list').innerHTML = '<li><b style="x">x</b></li>'; });
      assert.equal((await page.evaluate(strange, OWN_OF_OPS)).length, 1);
      await page.context().close();
    });

    test('reports have contrast, names and targets, by axe-core too, on a phone and a desktop, light and dark', async () => {
      const [ann, ben] = people('ann', 'ben');
      const root = admin('root');
      await report(ann, ben, `long ${'and long '.repeat(30)}`, { reason: 'violence', text: 'x'.repeat(300) });
      const { report: { id } } = await report(ben, ann, 'a <b>word</b>', { reason: 'sexual' });
      await root.api('PUT', `/reports/${id}/handled`, { note: 'talked to both' });
      const folder = process.env.OPS_PICTURES ? join(process.env.OPS_PICTURES, shape) : '';
      for (const colorScheme of ['light', 'dark']) for (const size of ['phone', 'desktop']) {
        const { page, close } = await enter(root, { ...SIZES[size], colorScheme });
        const look = await looker(page, size, colorScheme, { folder, within: '#reports' });
        await page.locator('#reports').scrollIntoViewIfNeeded();
        await page.evaluate(() => document.getElementById('reports').scrollIntoView());
        await look('open reports');
        await button(item(page, ann).filter({ hasText: 'violence' }), /^Show/).click();
        await page.evaluate(() => document.getElementById('reports').scrollIntoView());
        await look('a report whose message is shown');
        await button(item(page, ann).filter({ hasText: 'violence' }), /^Mark as handled/).click();
        await look('before a report is marked');
        await page.keyboard.press('Escape');
        await page.locator('#reports-state').selectOption('handled');
        await items(page).filter({ hasText: 'talked to both' }).first().waitFor();
        await page.evaluate(() => document.getElementById('reports').scrollIntoView());
        await look('handled reports');
        await close();
      }
    });
  });
}
});
