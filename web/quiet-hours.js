// Whether somebody's quiet hours are now, on the clock of their time zone.

/**
 * @param {Preferences['quietHours']} hours
 * @param {string} timeZone
 * @param {Date} [now]
 * @returns {boolean}
 */
export function isQuiet({ enabled, from, until }, timeZone, now = new Date()) {
  if (!enabled) return false;
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(now);
  return from <= until ? from <= time && time < until : from <= time || time < until;
}
