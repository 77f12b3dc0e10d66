// Figures as operators read them. What nobody knows is a question mark, never 0.

import { element } from '/elements.js';

const numberForm = new Intl.NumberFormat('en');
const STEPS = /** @type {const} */ ([[1_000, 'ms', 1], [120_000, 's', 1_000], [7_200_000, 'min', 60_000], [Infinity, 'h', 3_600_000]]);

/** Stands for what nobody knows. */
export const UNKNOWN = '?';

/**
 * @param {number | null | undefined} value
 * @returns {string}
 */
export const count = value => value === null || value === undefined ? UNKNOWN : numberForm.format(value);

/**
 * So many things.
 * @param {number | null | undefined} value
 * @param {string} thing
 * @returns {string}
 */
export const some = (value, thing) => `${count(value)} ${thing}${value === 1 ? '' : 's'}`;

/**
 * A time in the largest unit that leaves two digits to read.
 * @param {number | null | undefined} ms
 * @returns {string}
 */
export function span(ms) {
  if (ms === null || ms === undefined) return UNKNOWN;
  const [, unit, of] = STEPS.find(([below]) => ms < below) ?? STEPS[3];
  return `${numberForm.format(Math.floor(ms / of))} ${unit}`;
}

/**
 * A moment, as a clock and for programs.
 * @param {string} at
 * @returns {HTMLElement}
 */
export const moment = at => element('time', { datetime: at, title: at }, new Date(at).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' }));
