// What a view is to those who do not see it: the tree that browsers give to screen readers, as text that is
// kept in trees/, and what holds for every view.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'trees');

/** What is another thing in each run, and a word in its place: ids, times, and days that are near. */
const NORMAL = [
  [/\b[0-9a-f]{24}\b/g, 'ID'],
  [/\b(ann|ben|mei|eve|root)-[0-9a-f]{8}\b/g, '$1-ID'],
  [/\b\d{1,2} [A-Z]\w{2,3}, \d\d:\d\d:\d\d\b/g, 'DATE'],
  [/\b\d{1,2}:\d{2}\b/g, 'TIME'],
  [/\b(?:today|tomorrow|yesterday)(?: at)?\b/gi, 'DAY'],
  [/\b\d+ s ago\b|\bjust now\b/g, 'AGO'],
];

const normal = (tree, more) => [...more, ...NORMAL].reduce((text, [what, word]) => text.replaceAll(what, word), tree);

/**
 * Compares what a view is with the file of its name; with PAGE_TREES=write the file is written instead.
 * `more` are pairs of what is another thing in each run and a word for it.
 */
export async function compare(page, name, { within = 'body', more = [] } = {}) {
  const tree = `${normal(await page.locator(within).ariaSnapshot(), more)}\n`;
  const file = join(folder, `${name}.yaml`);
  if (process.env.PAGE_TREES === 'write') return writeFile(file, tree);
  const kept = await readFile(file, 'utf8').catch(() => assert.fail(`${file} is missing: write it with PAGE_TREES=write`));
  const words = differences(kept.split('\n'), tree.split('\n'));
  return assert.equal(words, '', `${name} is another tree (PAGE_TREES=write keeps it):\n${words}`);
}

/** The lines that only one of two texts has, with the number of the line; nothing if they are the same. */
function differences(kept, now) {
  // The longest common lines, by the table of their lengths.
  const rows = Array.from({ length: kept.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let n = kept.length - 1; n >= 0; n -= 1) {
    for (let m = now.length - 1; m >= 0; m -= 1) rows[n][m] = kept[n] === now[m] ? rows[n + 1][m + 1] + 1 : Math.max(rows[n + 1][m], rows[n][m + 1]);
  }
  const found = [];
  for (let n = 0, m = 0; n < kept.length || m < now.length;) {
    if (n < kept.length && m < now.length && kept[n] === now[m]) { n += 1; m += 1; }
    else if (m >= now.length || n < kept.length && rows[n + 1][m] >= rows[n][m + 1]) { found.push(`-${n + 1}: ${kept[n]}`); n += 1; }
    else { found.push(`+${m + 1}: ${now[m]}`); m += 1; }
  }
  return found.join('\n');
}

/** What the browser tells screen readers of all that can be used: its role and its name. */
async function usable(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  return nodes.filter(({ ignored, role }) => !ignored && INTERACTIVE.has(role?.value)).map(({ role, name }) => ({ role: role.value, name: name?.value ?? '' }));
}

const INTERACTIVE = new Set(['button', 'link', 'textbox', 'searchbox', 'checkbox', 'radio', 'combobox', 'menuitem', 'option', 'listbox', 'switch', 'slider', 'Date', 'DateTime', 'InputTime']);

/** For `page.evaluate`: what of a view is there several times, of which one is enough. */
function several() {
  const isThere = each => each.checkVisibility({ visibilityProperty: true });
  const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)].filter(isThere);
  const nameOf = each => (each.getAttribute('aria-label') || each.labels?.[0]?.textContent || each.textContent).trim().replace(/\s+/g, ' ');
  const twice = names => names.filter((each, n) => names.indexOf(each) !== n);
  // Beside each other is what the nearest line, group or dialog has.
  const groups = Map.groupBy(all('button, a[href], input, select, textarea', dialog), each => each.closest('li, tr, fieldset, [role], dialog, section, form'));
  const titled = each => each.getAttribute('aria-label') ?? document.getElementById(each.getAttribute('aria-labelledby'))?.textContent;
  return {
    headings: all('h1').length, mains: all('main').length,
    beside: [...groups.values()].flatMap(group => twice(group.map(nameOf).filter(Boolean))),
    regions: twice(all('section:is([aria-labelledby], [aria-label]), aside, nav, [role="region"], [role="search"]').map(each => `${each.localName} ${titled(each)}`)),
  };
}

/**
 * What holds in every view: what can be used has a name, one heading is the first, there is one main part,
 * and what cannot be told apart does not stand side by side. Before an open dialog the rest is not looked at.
 */
export async function holds(page, what) {
  assert.deepEqual((await usable(page)).filter(({ name }) => !name.trim()), [], `${what}: without a name`);
  assert.deepEqual(await page.evaluate(several), { headings: 1, mains: 1, beside: [], regions: [] }, what);
}
