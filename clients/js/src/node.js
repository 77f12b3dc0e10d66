// What only Node has: a storage of files.

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
  const path = (/** @type {string} */ key) => join(folder, encodeURIComponent(key).replaceAll('*', '%2A'));
  const ready = mkdir(folder, { recursive: true });
  ready.catch(() => {}); // told by whatever comes first
  let parts = 0;
  return {
    async list(prefix) {
      await ready;
      const names = (await readdir(folder)).filter(name => !name.endsWith(PART));
      const keys = names.map(name => decodeURIComponent(name)).filter(key => key.startsWith(prefix));
      return Promise.all(keys.map(async key => /** @type {[string, string]} */ ([key, await readFile(path(key), 'utf8')])));
    },
    async set(key, value) {
      await ready;
      const part = `${path(key)}.${parts += 1}${PART}`;
      const file = await open(part, 'w', 0o600);
      try {
        await file.writeFile(value);
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
