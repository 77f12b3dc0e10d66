// How words are compared where somebody looks for a name.

/**
 * Without case and accents.
 * @param {string} text
 */
export const folded = text => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
