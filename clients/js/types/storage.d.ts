/**
 * @typedef {object} Keeper
 * @property {(prefix: string) => Promise<[key: string, value: string][]>} list everything whose key begins so
 * @property {(key: string, value: string) => Promise<void>} set
 * @property {(key: string) => Promise<void>} delete also of what is not there
 */
/**
 * Keeps nothing over the end of the process.
 * @returns {Keeper}
 */
export function memoryStorage(): Keeper;
/**
 * Keeps in `localStorage`, which all tabs share, or in `sessionStorage`, which one tab has for itself. Both
 * keep at once, so nothing is lost if the page goes away in the same moment.
 * @param {Storage} storage
 * @returns {Keeper}
 */
export function webStorage(storage: Storage): Keeper;
/**
 * Keeps in IndexedDB: for workers, which have no `localStorage`, and for more than its few megabytes.
 * @param {string} [name] of the database
 * @returns {Keeper}
 */
export function indexedDbStorage(name?: string): Keeper;
/**
 * What this place offers by itself: `localStorage` in a page, IndexedDB in a worker, else memory.
 * @returns {Keeper}
 */
export function defaultStorage(): Keeper;
export type Keeper = {
    /**
     * everything whose key begins so
     */
    list: (prefix: string) => Promise<[key: string, value: string][]>;
    set: (key: string, value: string) => Promise<void>;
    /**
     * also of what is not there
     */
    delete: (key: string) => Promise<void>;
};
