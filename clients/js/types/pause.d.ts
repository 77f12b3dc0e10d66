/**
 * The pause after so many failures: doubled each time, spread so that clients do not come at the same moment,
 * and no shorter than what the server asks for.
 * @param {number} failures 1 and more
 * @param {number} [asked] milliseconds
 * @returns {number}
 */
export function pauseAfter(failures: number, asked?: number): number;
/**
 * Resolves after a time; rejects with the signal's reason once nobody waits any more.
 * @param {number} time milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(time: number, signal?: AbortSignal): Promise<void>;
