// Texts as people typed them.

/**
 * What was typed. The server puts a word joiner behind each `<` that a browser could take for a tag; whoever
 * shows texts as text takes it out again. Edit and compare what was typed, too.
 * @param {string} text
 * @returns {string}
 */
export const typed = text => text.replaceAll('<\u2060', '<');
