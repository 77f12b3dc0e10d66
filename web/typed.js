// Texts as people typed them. The server puts a word joiner behind each `<` that a browser could take for a
// tag; a page that shows texts as text takes it out again.

/**
 * What was typed.
 * @param {string} text
 * @returns {string}
 */
export const typed = text => text.replaceAll('<\u2060', '<');
