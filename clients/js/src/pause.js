// Pauses between tries.

const FIRST_MS = 1_000;
const LONGEST_MS = 15_000;

/**
 * The pause after so many failures: doubled each time, spread so that clients do not come at the same moment,
 * and no shorter than what the server asks for.
 * @param {number} failures 1 and more
 * @param {number} [asked] milliseconds
 * @returns {number}
 */
export function pauseAfter(failures, asked = 0) {
  const longest = Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
  return Math.max(asked, longest * (0.5 + Math.random() / 2));
}

/**
 * Resolves after a time; rejects with the signal's reason once nobody waits any more.
 * @param {number} time milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(time, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const give = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', give);
      resolve();
    }, time);
    return signal?.addEventListener('abort', give, { once: true });
  });
}
