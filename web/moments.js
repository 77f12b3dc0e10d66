// Times that are to come, as people say and type them, in the time zone of the browser.

import { clock } from '/times.js';

/** As the server takes them: 10 s to 366 days ahead. */
const SOONEST_MS = 10_000;
const LATEST_MS = 366 * 24 * 3_600_000;

const dayForm = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const yearForm = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** The name of the time zone of this browser, such as Europe/Berlin. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * A time that is to come: the day if it is not today, and the time of day.
 * @param {Date} at
 * @returns {string}
 */
export function whenWords(at) {
  const now = new Date();
  const day = (/** @type {Date} */ date, days = 0) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
  const time = clock(at.toISOString());
  if (day(at) === day(now)) return `today at ${time}`;
  if (day(at) === day(now, 1)) return `tomorrow at ${time}`;
  return `${(at.getFullYear() === now.getFullYear() ? dayForm : yearForm).format(at)}, ${time}`;
}

/**
 * A time as a field of date and time has it.
 * @param {Date} at
 * @returns {string}
 */
export function fieldOf(at) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/**
 * The time in such a field; nothing if it is not whole.
 * @param {string} field
 * @returns {Date | undefined}
 */
export function timeOf(field) {
  const at = new Date(field);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/**
 * Why a message cannot be planned for this time; empty if it can.
 * @param {Date | undefined} at
 * @returns {string}
 */
export function tooSoonOrLate(at) {
  if (!at) return 'Choose a day and a time.';
  const ahead = at.getTime() - Date.now();
  if (ahead < SOONEST_MS) return 'That time has passed, or is just now.';
  return ahead > LATEST_MS ? 'That is more than a year ahead.' : '';
}
