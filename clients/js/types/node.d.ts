/**
 * Keeps each value in a file of its own below `folder`, which one process has for itself. A value is on disk
 * once `set` has resolved.
 * @param {string} folder
 * @returns {import('./storage.js').Keeper}
 */
export function fileStorage(folder: string): import("./storage.js").Keeper;
