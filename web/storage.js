// What this tab keeps over a reload. It is in sessionStorage: another tab can be another person, and closing
// the tab forgets it.

/**
 * What is kept under a name, else `otherwise`.
 * @param {string} name
 * @param {any} [otherwise]
 * @returns {any}
 */
export function recall(name, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? 'null') ?? otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * Keeps a value; without room for it the page goes on and forgets it at the next reload.
 * @param {string} name
 * @param {unknown} value
 */
export function keep(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    console.warn(`there is no room to keep ${name}`);
  }
}

/**
 * A key under which something is asked for. A UUID; browsers give one only on safe origins, and 128 random
 * bits are as good.
 */
export function newKey() {
  return crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} name */
export const forget = name => whereKept()?.removeItem(name);
export const forgetAll = () => whereKept()?.clear();

/** Nothing where the browser lets the page keep nothing, as some do in a frame of another site. */
function whereKept() {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/** What this browser keeps beyond the end of a tab; nothing where it keeps nothing. */
export function keptForGood() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
