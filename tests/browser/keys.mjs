// Hands on a keyboard and none on a mouse: goes from stop to stop of a page, and looks after every step where
// the focus is, and that it can be seen.

import assert from 'node:assert/strict';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';

/** More stops than any view of these tests has. */
const STOPS_MAX = 80;

/** For `page.evaluate`: what has the focus, and whether somebody who sees the page can see that. */
function focus() {
  const { activeElement: at } = document;
  if (!at || at === document.body) return { isNowhere: true, what: 'the page itself' };
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
  const { left, top, right, bottom } = at.getBoundingClientRect();
  const isMarked = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 || boxShadow !== 'none' && at.matches(':focus-visible');
  const isHere = right > 0 && bottom > 0 && left < innerWidth && top < innerHeight && at.checkVisibility({ visibilityProperty: true });
  const words = at.getAttribute('aria-label') ?? at.textContent.trim().slice(0, 40);
  return { isNowhere: false, isMarked, isHere, what: `${at.localName}${at.id && `#${at.id}`} “${words}”` };
}

/** `press`, `type`, `tabTo` and `at` on a page. */
export function keysOf(page) {
  const has = locator => locator.evaluateAll(all => all.includes(document.activeElement));

  /** The focus is somewhere, and is seen. What is drawn anew may need a moment. */
  async function seen(after) {
    let last;
    await eventually(`the focus is seen after ${after}`, async () => {
      last = await page.evaluate(focus);
      return !last.isNowhere && last.isMarked && last.isHere;
    }, 5_000).catch(() => assert.fail(`after ${after} the focus is at ${JSON.stringify(last)}`));
  }

  async function press(...keys) {
    for (const key of keys) {
      await page.keyboard.press(key);
      await seen(key);
    }
  }

  return {
    press,
    /** What is pressed leads to another page, or away from this one. */
    leave: key => page.keyboard.press(key),
    type: words => page.keyboard.type(words),
    has,
    /** Waits until the focus is on this. */
    async at(locator) {
      await eventually(`the focus is on ${locator}`, () => has(locator), PATIENCE_MS / 4).catch(async () => {
        assert.fail(`the focus is not on ${locator}, but at ${JSON.stringify(await page.evaluate(focus))}`);
      });
      await seen(`coming to ${locator}`);
    },
    /** Goes there by Tab, or another key; gives how many stops that took. */
    async tabTo(locator, key = 'Tab') {
      await locator.first().waitFor({ state: 'attached' });
      const stops = [];
      while (!await has(locator)) {
        await page.keyboard.press(key);
        const { isNowhere, isMarked, isHere, what } = await page.evaluate(focus);
        stops.push(what);
        assert.ok(stops.length < STOPS_MAX, `${locator} is not reached by ${key}: ${stops.join(', ')}`);
        // Behind the last stop a browser comes to itself.
        assert.ok(isNowhere || isMarked && isHere, `the focus is not seen on ${what}`);
      }
      return stops;
    },
  };
}

/** Ways in the conversation that is open. */
export function messageKeys(page, keys) {
  const items = page.locator('#messages li');
  const item = content => items.filter({ has: page.locator('.content').getByText(content, { exact: true }) });
  return {
    item,
    /** From the text field to a message. */
    async toMessage(content) {
      await item(content).waitFor();
      if (!await keys.has(items)) await keys.tabTo(items, 'Shift+Tab');
      await keys.press('End');
      for (let steps = 0; !await keys.has(item(content)); steps += 1) {
        assert.ok(steps < STOPS_MAX, `${content} is not reached`);
        await keys.press('ArrowUp');
      }
    },
    /** From a message to one of its tools, which is pressed. */
    async tool(name, key = 'Enter') {
      await keys.tabTo(page.getByRole('toolbar').getByRole('button', { name, exact: true }));
      await keys.press(key);
    },
  };
}
