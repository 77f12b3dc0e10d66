// Mentions as a text has them: `@` and the whole name of somebody. Whom a message mentions is a list of ids
// that is sent with it; the text only says where their names stand.

/** Letters and digits: behind a name they make it another name. */
const WORD = '\\p{L}\\p{N}';

/**
 * The source of a regular expression that finds these names in a text, the longest that fits; needs the flag
 * `u`.
 * @param {string[]} names
 * @returns {string}
 */
export function mentionSource(names) {
  const longestFirst = [...new Set(names)].sort((one, other) => other.length - one.length);
  return `(?<![${WORD}])@(?:${longestFirst.map(escaped).join('|')})(?![${WORD}])`;
}

/**
 * Those of `people` whose names stand in the text. Of several with the same name each place names one.
 * @param {string} text
 * @param {Person[]} people
 * @returns {string[]} their ids
 */
export function mentionedIn(text, people) {
  const named = people.filter(({ name }) => name !== '');
  if (named.length === 0) return [];
  const left = [...new Map(named.map(person => [person.id, person])).values()];
  const ids = [];
  for (const [found] of text.matchAll(new RegExp(mentionSource(named.map(({ name }) => name)), 'gu'))) {
    const place = left.findIndex(({ name }) => found === `@${name}`);
    if (place >= 0) ids.push(...left.splice(place, 1).map(({ id }) => id));
  }
  return ids;
}

/**
 * Whom a text mentions once it says something else: whoever was mentioned without being named stays so.
 * @param {string} text
 * @param {Person[]} before those whom it mentioned
 * @param {string} content what it says now
 * @param {Person[]} people those whom it may name
 * @returns {string[]} their ids
 */
export function keptMentions(text, before, content, people) {
  const named = mentionedIn(text, before);
  return [...new Set([...before.map(({ id }) => id).filter(id => !named.includes(id)), ...mentionedIn(content, people)])];
}

/** @param {string} text */
const escaped = text => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
