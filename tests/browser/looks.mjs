// How a view of a page is looked at: the contrast of every text, the rules of axe-core, that nothing sticks
// out, and under fingers the sizes of what is pressed. With PAGE_PICTURES=FOLDER pictures are kept there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { contrasts } from './contrast.mjs';

export const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const SIZES = {
  desktop: { viewport: { width: 1100, height: 800 } },
  phone: { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true },
  // As a page of 1280 × 1024 is at 400 %.
  tiny: { viewport: { width: 320, height: 256 } },
};
/** Text on its ground (WCAG 1.4.3). */
export const CONTRAST_MIN = 4.5;
/** What a finger hits (WCAG 2.5.5). */
const TARGET_MIN_PX = 44;

/**
 * For `page.evaluate`: what can be pressed and is smaller than that, but for what stands in a text, and in
 * messages, whose tools phone.test.mjs measures. An open dialog is before all else.
 */
function tooSmall({ least, within }) {
  const all = (document.querySelector('dialog[open]') ?? document.querySelector(within)).querySelectorAll('button, input, select, textarea, [role="option"]');
  return [...all].filter(each => each.checkVisibility() && !each.closest('#messages li') && !each.matches('.unseen')).map(each => {
    const { width, height } = (['checkbox', 'radio'].includes(each.type) ? each.closest('label') : each).getBoundingClientRect();
    return { what: each.id || each.textContent || each.className, width, height };
  }).filter(({ width, height }) => width < least || height < least);
}

/** For `page.evaluate`: runs axe-core on an open dialog, or else on what is `within`. */
const judged = within => window.axe.run(within ? document.querySelector('dialog[open]') ?? document.querySelector(within) : document);

/**
 * Gives `look(what)`, which looks at what a window shows now; by axe-core and under fingers only at what is
 * `within`, or at the dialog before it. Pictures are kept in `folder`.
 */
export async function looker(page, size, colorScheme, { folder = process.env.PAGE_PICTURES, within } = {}) {
  await page.evaluate(axe);
  return async what => {
    if (folder) await page.screenshot({ path: join(folder, `${size}-${colorScheme}-${what.replaceAll(' ', '-')}.png`) });
    const weak = (await page.evaluate(contrasts)).filter(({ ratio }) => ratio < CONTRAST_MIN);
    assert.deepEqual(weak, [], what);
    const { violations } = await page.evaluate(judged, within);
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(each => each.html)]), [], what);
    if (SIZES[size].hasTouch) assert.deepEqual(await page.evaluate(tooSmall, { least: TARGET_MIN_PX, within: within ?? 'body' }), [], what);
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(beyond <= 0, `${what}: something sticks out by ${beyond} px`);
  };
}
