// The picture of the README: the demo, as a newcomer sees it after a few words, in light and dark colours and
// on a phone. With PAGE_PICTURES=FOLDER the pictures are kept there; `page.png` of them is docs/page.png:
//
//   PAGE_PICTURES=docs node --test --test-name-pattern 'page.png' tests/browser/picture.test.mjs
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { story } from './picture.mjs';

const DESKTOP = { viewport: { width: 1080, height: 640 }, deviceScaleFactor: 1.5 };
const PHONE = { viewport: { width: 375, height: 700 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const PICTURES = {
  'page.png': { ...DESKTOP, colorScheme: 'light' },
  'page-dark.png': { ...DESKTOP, colorScheme: 'dark' },
  'page-phone.png': { ...PHONE, colorScheme: 'light' },
  'page-phone-dark.png': { ...PHONE, colorScheme: 'dark' },
};
/** A picture of nothing is smaller. */
const PICTURE_MIN_BYTES = 20_000;

describe('the picture of the README', () => {
  let browser;
  before(async () => { browser = await launchChromium(); });
  after(() => browser?.close());

  for (const [name, view] of Object.entries(PICTURES)) {
    test(`the demo tells its story for ${name}`, async () => {
      // Each on a system of its own: what was said for one picture is not in the next one.
      const system = await startSystem('single', { JWT_SECRET: '', DEMO: 'auto' });
      try {
        const page = await story(system, browser, view);
        const path = process.env.PAGE_PICTURES && join(process.env.PAGE_PICTURES, name);
        const picture = await page.screenshot({ path });
        assert.ok(picture.length > PICTURE_MIN_BYTES, `${picture.length} bytes`);
        await Promise.all(browser.contexts().map(each => each.close()));
      } finally {
        await system.stop();
      }
    });
  }
});
