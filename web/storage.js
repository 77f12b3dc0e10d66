// What this tab remembers over a reload. It is kept in sessionStorage: another tab can be another person, and closing the tab forgets it.

/** What is kept under a name, else `otherwise`. */
export function recall(name, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keeps a value; without room for it the page goes on and forgets it at the next reload. */
export function keep(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    console.warn(`there is no room to keep ${name}`);
  }
}

export const forget = name => sessionStorage.removeItem(name);
export const forgetAll = () => sessionStorage.clear();
