// Several messages of the open conversation that were not sent are tried again with one press, in the order
// in which they were written. A single one has its own buttons.

import { $ } from '/elements.js';
import { writeOn } from '/focus.js';
import { several } from '/times.js';

/**
 * @param {import('/outbox.js').Outbox} outbox
 * @param {import('/conversation.js').Conversation} conversation
 */
export function offerUnsent(outbox, conversation) {
  const draw = () => {
    const count = outbox.failed(conversation.threadId).length;
    $('unsent').hidden = count < 2;
    $('unsent-count').textContent = count < 2 ? '' : `${several(count, 'message')} were not sent`;
  };
  for (const each of [outbox, conversation]) each.addEventListener('change', draw);
  $('send-again').addEventListener('click', () => { outbox.allAgain(conversation.threadId); writeOn(); });
}
