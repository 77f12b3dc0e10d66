// What only Node has: a storage of files.

import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What a file that is not whole yet is called. */
const PART = '.part';

/**
 * Keeps each value in a file of its own below `folder`, which one process has for itself. A value is on disk
 * once `set` has resolved.
 * @param {string} folder
 * @returns {import('./storage.js').Keeper}
 */
export function fileStorage(folder) {
  // A key may be longer than a name of a file: the file begins with it.
  const path = (/** @type {string} */ key) => join(folder, createHash('sha256').update(key).digest('hex'));
  const ready = mkdir(folder, { recursive: true });
  ready.catch(() => {}); // told by whatever comes first
  let parts = 0;
  return {
    async list(prefix) {
      await ready;
      const names = (await readdir(folder)).filter(name => !name.endsWith(PART));
      const texts = await Promise.all(names.map(name => readFile(join(folder, name), 'utf8').catch(() => '')));
      return texts.flatMap(parsed).filter(([key]) => key.startsWith(prefix));
    },
    async set(key, value) {
      await ready;
      const part = `${path(key)}.${parts += 1}${PART}`;
      const file = await open(part, 'w', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(key)}\n${value}`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, path(key));
    },
    async delete(key) {
      await ready;
      await rm(path(key), { force: true });
    },
  };
}

/**
 * The key and the value of a file; nothing if it is none of ours.
 * @param {string} text
 * @returns {[string, string][]}
 */
function parsed(text) {
  const end = text.indexOf('\n');
  try {
    return [[String(JSON.parse(text.slice(0, end))), text.slice(end + 1)]];
  } catch {
    return [];
  }
}
