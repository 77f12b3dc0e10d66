// A mail as a mail client shows it: narrow and wide, light and dark. Nothing that people wrote is markup, and
// nothing is wider than the screen. With MAIL_PICTURES=FOLDER the pictures are kept there.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';

/** What people write that a mail must show as it is. */
const HOSTILE = '<img src=x onerror=alert(1)> </style><script>alert(1)</script> {{ 7*7 }} " \' &amp;';
/** One word that is wider than any phone. */
const LONG = 'Donaudampfschifffahrtsgesellschaft'.repeat(12);
const SETTINGS = { DEMO: 'on', EMAIL_GRACE_S: '2', BASE_URL: 'https://chat.example.com' };

describe('a mail in a browser', { concurrency: 1 }, () => {
  let system, browser, mail, ben;
  before(async () => {
    system = await startSystem('single', SETTINGS);
    browser = await launchChromium();
    mail = await written();
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  /** The HTML of a mail about a conversation and a notification. */
  async function written() {
    const [root, ann] = [new Person(system, 'root', { role: 'admin' }), new Person(system, 'ann')];
    ben = new Person(system, 'ben');
    await root.api('PUT', `/users/${ann.id}`, { name: 'Ann <b>Größer</b>' });
    await root.api('PUT', `/users/${ben.id}`, { name: 'Ben', email: 'ben@example.com' });
    await ben.api('PATCH', '/notifications/preferences', { timeZone: 'Europe/Berlin' });
    const thread = await ann.startThread(ben);
    for (const content of ['Good morning!', HOSTILE, LONG, 'Two\nlines 🙂']) {
      const sent = await ann.rest('POST', `/${thread}`, { content });
      assert.equal(sent.success, true, JSON.stringify(sent));
    }
    const page = async () => (await fetch(`${system.http}/outbox`)).text();
    const [, path] = await eventually('a mail in the outbox', async () => /src="(\/outbox\/mail\/[^"]+)"/.exec(await page()), 60_000);
    const answer = await fetch(system.http + path);
    assert.match(answer.headers.get('content-security-policy'), /default-src 'none'.*sandbox/);
    return answer.text();
  }

  for (const colorScheme of ['light', 'dark']) for (const width of [375, 600]) {
    test(`${colorScheme}, ${width} px: shows what was written, and nothing of it runs`, async () => {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      try {
        let ran = false;
        page.on('dialog', dialog => { ran = true; dialog.dismiss(); });
        // Without the policy of the outbox: what a mail client with no policy at all would show.
        await page.setContent(mail, { waitUntil: 'load' });
        const seen = await page.evaluate(() => ({
          text: document.body.innerText,
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          active: document.querySelectorAll('script, img, iframe, object, form').length,
          page: getComputedStyle(document.body).backgroundColor,
          card: getComputedStyle(document.querySelector('.card')).backgroundColor,
          ink: getComputedStyle(document.querySelector('.card .ink')).color,
          button: document.querySelector('.button a').getBoundingClientRect().height,
        }));
        if (process.env.MAIL_PICTURES) {
          await page.screenshot({ path: join(process.env.MAIL_PICTURES, `mail-${colorScheme}-${width}.png`), fullPage: true });
        }
        assert.ok(seen.text.includes(HOSTILE) && seen.text.includes('Two\nlines 🙂'), seen.text);
        assert.ok(seen.text.includes('Ann <b>Größer</b>'), seen.text);
        assert.deepEqual([ran, seen.active], [false, 0]);
        assert.ok(seen.wide <= 0, `wider than the screen by ${seen.wide} px`);
        const light = color => color.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) > 382;
        const isLight = colorScheme === 'light';
        assert.deepEqual([light(seen.page), light(seen.card), light(seen.ink)], [isLight, isLight, !isLight], JSON.stringify(seen));
        assert.ok(seen.button >= 36, `the button is ${seen.button} px high: too low for a finger`);
      } finally {
        await page.close();
      }
    });
  }

  test('the unsubscribe link of the mail shows a page, and its button unsubscribes', async () => {
    const channels = async () => (await ben.api('GET', '/notifications/preferences')).preferences.channels;
    const [link] = /https?:[^"]*\/api\/v2\/unsubscribe\/[^"]+/.exec(mail);
    const page = await browser.newPage();
    try {
      // The link has the address that people reach the system by; this one is on another port.
      await page.goto(system.http + new URL(link).pathname);
      assert.equal((await channels()).email, true, 'opening the link changes nothing');
      await page.getByRole('button', { name: 'Unsubscribe' }).click();
      await page.getByText('You are unsubscribed').waitFor();
      assert.equal((await channels()).email, false);
    } finally {
      await page.close();
    }
  });
});
