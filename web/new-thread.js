// The two buttons that start a conversation: with one person, or as a group that may have a name, and whose
// people can change.

import { $ } from '/elements.js';

/** @type {Record<string, string>} */
const NO_CHAT = {
  forbidden: 'You may not write to them. If you block them, end that in the settings first.',
};
/** @type {Record<string, string>} */
const NO_GROUP = {
  forbidden: 'You may not start this group. One of these people may not be open to you, or you are not in it any more: then give the new one another name.',
};

/**
 * `show(threadId)` opens what was started.
 * @param {{ picker: import('/picker.js').Picker, threads: import('/threads.js').Threads }} parts
 * @param {(threadId: string) => void} show
 */
export function startThread({ picker, threads }, show) {
  const purpose = { start: threads.start.bind(threads), begun: show };
  $('new-chat').addEventListener('click', () => picker.open({ title: 'Start a chat', ...purpose, words: NO_CHAT }));
  $('new-group').addEventListener('click', () => picker.open({ title: 'New group', isNewGroup: true, deed: 'Create the group', ...purpose, words: NO_GROUP }));
}
