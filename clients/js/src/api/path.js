// Paths of routes.

/**
 * A path with its values escaped: path`/messages/threads/${id}`.
 * @param {TemplateStringsArray} texts
 * @param {...string} values
 * @returns {string}
 */
export const path = (texts, ...values) => String.raw({ raw: texts }, ...values.map(encodeURIComponent));

/**
 * A page of a list: how long it may be, where it begins.
 * @typedef {object} PageQuery
 * @property {number} [limit] 1 to 100, 50 if it is not given
 * @property {string} [cursor] the `nextCursor` of the page before
 * @property {AbortSignal} [signal] nobody waits any more
 */

/**
 * The query of a page, and its signal.
 * @param {PageQuery & Record<string, any>} [page]
 * @returns {import('../rest.js').RequestOptions}
 */
export const paged = ({ signal, ...query } = {}) => ({ query, signal });

/** A route whose request may be made again: what is done already is done once. */
export const REPEATABLE = Object.freeze({ isRepeatable: true });
