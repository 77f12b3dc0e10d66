// How a view of the page is looked at: the contrast of every text, the rules of axe-core, that nothing
// sticks out, and under fingers the sizes of what is pressed. With PAGE_PICTURES=FOLDER pictures are kept
// there.

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
function tooSmall(least) {
  const all = (document.querySelector('dialog[open]') ?? document).querySelectorAll('button, input, select, textarea, [role="option"]');
  return [...all].filter(each => each.checkVisibility() && !each.closest('#messages li') && !each.matches('.unseen')).map(each => {
    const { width, height } = (['checkbox', 'radio'].includes(each.type) ? each.closest('label') : each).getBoundingClientRect();
    return { what: each.id || each.textContent || each.className, width: Math.round(width), height: Math.round(height) };
  }).filter(({ width, height }) => width < least || height < least);
}

/** Gives `look(what)`, which looks at what a window shows now. */
export async function looker(page, size, colorScheme) {
  await page.evaluate(axe);
  return async what => {
    if (process.env.PAGE_PICTURES) await page.screenshot({ path: join(process.env.PAGE_PICTURES, `${size}-${colorScheme}-${what.replaceAll(' ', '-')}.png`) });
    const weak = (await page.evaluate(contrasts)).filter(({ ratio }) => ratio < CONTRAST_MIN);
    assert.deepEqual(weak, [], what);
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(each => each.html)]), [], what);
    if (SIZES[size].hasTouch) assert.deepEqual(await page.evaluate(tooSmall, TARGET_MIN_PX), [], what);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what}: nothing sticks out`);
  };
}
