// What a message said before it was edited: a dialog with the earlier wordings, the oldest first.

import { $, element } from '/elements.js';
import { drawText } from '/markup.js';
import { attempt } from '/notice.js';
import { clock, dayName } from '/times.js';
import { typed } from '/typed.js';

/**
 * @param {import('/api.js').Api} api
 * @param {Message} message
 */
export async function showEdits(api, message) {
  /** @type {{ edits: { content: string, writtenAt: string }[], isComplete: boolean } | undefined} */
  const answer = await attempt(() => api.read(`/messages/${message._id}/edits`));
  if (!answer) return;
  $('no-first-wording').hidden = answer.isComplete;
  $('wordings').replaceChildren(...answer.edits.map(({ content, writtenAt }) => element('li', {},
    element('time', { datetime: writtenAt }, `${dayName(writtenAt)}, ${clock(writtenAt)}`), element('p', { class: 'content', dir: 'auto' }, ...drawText(typed(content))))));
  $('close-edits').onclick = () => $('edits').close();
  $('edits').showModal();
}
