// The form that starts a conversation: with one person, or with several as a group that may have a subject.

import { $ } from '/elements.js';
import { attempt } from '/notice.js';

/**
 * `show(threadId)` opens what was started.
 * @param {import('/threads.js').Threads} threads
 * @param {(threadId: string) => void} show
 */
export function startThread(threads, show) {
  // An id may have spaces and any sign but a comma.
  const named = () => $('with').value.split(',').map((/** @type {string} */ id) => id.trim()).filter(Boolean);
  const offerSubject = () => { $('subject').hidden = named().length < 2; };
  $('with').addEventListener('input', offerSubject);
  $('new-thread').addEventListener('submit', async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const subject = $('subject').hidden ? '' : $('subject').value.trim();
    const id = await attempt(() => threads.start(named(), subject));
    if (!id) return;
    $('with').value = '';
    $('subject').value = '';
    offerSubject();
    show(id);
  });
}
