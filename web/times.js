// Times as people say them, in the time zone of the browser.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_DAYS = 7;

const clockForm = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' });
const weekdayForm = new Intl.DateTimeFormat('en', { weekday: 'long' });
const dateForm = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
const fullForm = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' });
const shortDateForm = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/**
 * The time of day.
 * @param {string} at
 * @returns {string}
 */
export const clock = at => clockForm.format(new Date(at));

/**
 * The whole of a time: day, date and time of day.
 * @param {string} at
 * @returns {string}
 */
export const fullTime = at => fullForm.format(new Date(at));

/**
 * The calendar day, for comparing days.
 * @param {string} at
 * @returns {string}
 */
export const dayOf = at => new Date(at).toDateString();

/**
 * The calendar day as a heading.
 * @param {string} at
 * @returns {string}
 */
export function dayName(at) {
  const days = daysAgo(at);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return days > 1 && days < WEEK_DAYS ? weekdayForm.format(new Date(at)) : dateForm.format(new Date(at));
}

/**
 * As short as a list needs it: the time today, then the day, then the date.
 * @param {string} at
 * @returns {string}
 */
export function shortTime(at) {
  const days = daysAgo(at);
  if (days === 0) return clock(at);
  if (days === 1) return 'Yesterday';
  return days > 1 && days < WEEK_DAYS ? weekdayForm.format(new Date(at)) : shortDateForm.format(new Date(at));
}

/**
 * How long ago somebody was there.
 * @param {string} at
 * @returns {string}
 */
export function lastSeen(at) {
  const passed = Date.now() - new Date(at).getTime();
  if (passed < MINUTE_MS) return 'last seen just now';
  if (passed < HOUR_MS) return `last seen ${several(Math.floor(passed / MINUTE_MS), 'minute')} ago`;
  if (passed < DAY_MS) return `last seen ${several(Math.floor(passed / HOUR_MS), 'hour')} ago`;
  return `last seen ${shortTime(at)}`;
}

/**
 * A number of things.
 * @param {number} count
 * @param {string} thing
 * @returns {string}
 */
export const several = (count, thing) => `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;

/**
 * @param {string} at
 * @returns {number}
 */
function daysAgo(at) {
  /** @param {Date} date */
  const midnight = date => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(new Date(at))) / DAY_MS);
}
