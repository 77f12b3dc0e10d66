// Where the outbox is kept over a reload: texts under keys.
//
// Whoever brings a storage of their own implements `Keeper`. `set` resolves once the value would
// survive the end of the process, as far as the place can promise that.

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
export function memoryStorage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    list: async prefix => [...kept].filter(([key]) => key.startsWith(prefix)),
    set: async (key, value) => void kept.set(key, value),
    delete: async key => void kept.delete(key),
  };
}

/**
 * Keeps in `localStorage`, which all tabs share, or in `sessionStorage`, which one tab has for itself. Both
 * keep at once, so nothing is lost if the page goes away in the same moment.
 * @param {Storage} storage
 * @returns {Keeper}
 */
export function webStorage(storage) {
  return {
    async list(prefix) {
      const keys = Array.from({ length: storage.length }, (_, n) => storage.key(n) ?? '');
      return keys.filter(key => key.startsWith(prefix)).map(key => [key, storage.getItem(key) ?? '']);
    },
    set: async (key, value) => storage.setItem(key, value),
    delete: async key => storage.removeItem(key),
  };
}

const STORE = 'kept';

/**
 * Keeps in IndexedDB: for workers, which have no `localStorage`, and for more than its few megabytes.
 * @param {string} [name] of the database
 * @returns {Keeper}
 */
export function indexedDbStorage(name = 'eventflow') {
  /** @type {Promise<IDBDatabase> | undefined} */
  let opening;
  const open = () => opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  /**
   * Does something in one transaction; `act` gives what reads the result once it has ended.
   * @template Result
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => () => Result} act
   * @returns {Promise<Result>}
   */
  const run = async (mode, act) => {
    const transaction = (await open()).transaction(STORE, mode);
    const result = act(transaction.objectStore(STORE));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(result());
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  };
  return {
    list: prefix => run('readonly', store => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      const [keys, values] = [store.getAllKeys(range), store.getAll(range)];
      return () => keys.result.map((key, n) => [String(key), values.result[n]]);
    }),
    set: (key, value) => run('readwrite', store => {
      store.put(value, key);
      return () => {};
    }),
    delete: key => run('readwrite', store => {
      store.delete(key);
      return () => {};
    }),
  };
}

/**
 * What this place offers by itself: `localStorage` in a page, IndexedDB in a worker, else memory.
 * @returns {Keeper}
 */
export function defaultStorage() {
  try {
    if (typeof window !== 'undefined' && window.localStorage) return webStorage(window.localStorage);
    if (typeof indexedDB !== 'undefined') return indexedDbStorage();
  } catch {
    // A page whose storage is switched off goes on without it.
  }
  return memoryStorage();
}
