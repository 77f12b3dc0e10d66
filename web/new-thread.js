// The two buttons that start a conversation: with one person, or with several as a group that may have a
// subject.

import { $ } from '/elements.js';
import { Picker } from '/picker.js';

/**
 * `show(threadId)` opens what was started.
 * @param {{ api: import('/api.js').Api, people: import('/people.js').People,
 *   threads: import('/threads.js').Threads }} parts
 * @param {(threadId: string) => void} show
 */
export function startThread({ api, people, threads }, show) {
  /** Whom one talks with, the most recent first. */
  const known = () => [...new Set(threads.listed.flatMap(thread => people.others(thread)))];
  const picker = new Picker({ api, people, known, start: async (participants, subject) => show(await threads.start(participants, subject)) });
  $('new-chat').addEventListener('click', () => picker.open(false));
  $('new-group').addEventListener('click', () => picker.open(true));
}
