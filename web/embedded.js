// The page in a frame of a host application, once somebody is signed in: it tells the host's page how many
// messages are unread, which conversation is open, and that Escape was pressed for nothing else; and it does
// what the host's page asks for.
//
// Signing out is the host's: it has signed in.

import { $ } from '/elements.js';
import { forgetAll } from '/storage.js';
import { setShown } from '/unseen.js';

/** What Escape is for while it is there. */
const ESCAPABLE = 'dialog[open], [aria-expanded="true"], :is(#answering, #editing, #offers):not([hidden])';

/**
 * `show(threadId)` opens a conversation, `list()` leads back to the list, `leave()` ends what goes on for
 * this person.
 * @param {NonNullable<typeof import('/host-page.js').host>} host
 * @param {{ threads: import('/threads.js').Threads, conversation: import('/conversation.js').Conversation,
 *   show: (threadId: string) => void, list: () => void, leave: () => Promise<void> }} parts
 */
export function talkToHost(host, { threads, conversation, show, list, leave }) {
  $('sign-out').hidden = true;
  const unread = whenOther((/** @type {number} */ count) => host.say('unread', { count }));
  const opened = whenOther((/** @type {string | null} */ threadId) => host.say('open', { threadId }), null);
  threads.addEventListener('change', () => threads.isLoaded && unread(threads.unread));
  conversation.addEventListener('change', () => opened(conversation.threadId ?? null));
  host.on('open', ({ threadId }) => (threadId === null ? list() : show(threadId)));
  host.on('shown', ({ isShown }) => setShown(isShown));
  host.on('sign-out', async () => {
    $('chat').hidden = true;
    try {
      await leave();
    } finally {
      forgetAll();
      host.say('signed-out');
    }
  });
  host.greeted.then(({ isPanel, isShown }) => {
    setShown(isShown);
    if (isPanel) onIdleEscape(() => host.say('close'));
  });
  host.say('ready');
}

/**
 * A function that says a value if it is not the one before.
 * @template Value
 * @param {(value: Value) => void} say
 * @param {Value} [last]
 */
function whenOther(say, last) {
  return (/** @type {Value} */ value) => {
    if (value === last) return;
    last = value;
    say(value);
  };
}

/**
 * Calls `act` when Escape is pressed and nothing here has a use for it. What has one is looked for before it
 * is told of the key, since it may be gone after that.
 * @param {() => void} act
 */
function onIdleEscape(act) {
  let isIdle = false;
  const hasText = (/** @type {EventTarget | null} */ field) => field instanceof HTMLInputElement && field.type === 'search' && field.value !== '';
  addEventListener('keydown', ({ target }) => { isIdle = !document.querySelector(ESCAPABLE) && !hasText(target); }, { capture: true });
  addEventListener('keydown', event => {
    if (event.key === 'Escape' && isIdle && !event.isComposing && !event.defaultPrevented) act();
  });
}
