// What is said above the first message of a conversation.

/**
 * @param {Thread | undefined} thread
 * @param {import('/history.js').History | undefined} history
 * @param {boolean} isRead whether its first page is here
 * @returns {string}
 */
export function beginningWords(thread, history, isRead) {
  if (!thread || !history) return '';
  if (!isRead || history.hasOlder) return 'Reading …';
  const isEmpty = history.messages.length === 0;
  // Whoever was added later does not see what was said before.
  if (isEmpty && thread.lastSeq > 0) return 'You see what is sent from now on.';
  if (isEmpty) return 'Nothing was said here yet.';
  return history.beginsLater ? 'You see what was sent since you came.' : 'This is where it began.';
}
