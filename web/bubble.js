// Draws one message: its text, files, time, delivery status and reactions. It draws a message again only when
// something of it has changed.

import { button, element } from '/elements.js';
import { drawFiles } from '/file-items.js';
import { drawText } from '/markup.js';
import { mentionedIn } from '/mentions.js';
import { clock, fullTime } from '/times.js';
import { typed } from '/typed.js';

/** @type {Record<MessageStatus, [string, string]>} */
const TICKS = { sent: ['✓', 'Sent'], delivered: ['✓✓', 'Delivered'], read: ['✓✓', 'Read'] };
const WAITING = { sending: 'sending …', waiting: 'waiting for the connection …', queued: 'accepted, will be delivered', failed: 'not sent' };
/** What an item shows, as text that is compared. */
const drawn = new WeakMap();
/**
 * The files of an item, which stay when something else of it changes.
 * @type {WeakMap<HTMLElement, { words: string, files: HTMLElement }>}
 */
const drawnFiles = new WeakMap();

/**
 * Draws a stored message. `view` says the rest: `isOwn`, `isGroup`, `follows` (the one before is of the same
 * person), `name`, `nameOf(id)`, `readers`, `me`, `mentioned`, and what to do: `react(message, emoji)`,
 * `files`.
 * @param {HTMLElement} item
 * @param {Message} message
 * @param {MessageView} view
 */
export function drawMessage(item, message, view) {
  const { content, attachments, reactions, status, editedAt, deletedAt, updatedAt, pinned } = message;
  const { follows, name, readers, answered, mentioned } = view;
  const state = [content, attachments, reactions, status, editedAt, deletedAt, updatedAt, pinned, follows, name, readers, answered, mentioned];
  if (isAsDrawn(item, state)) return;
  const mentionsMe = mentioned.some(({ isMe }) => isMe) && !deletedAt;
  item.className = kinds({ own: view.isOwn, follows, 'taken-back': deletedAt, reacted: reactions.length > 0, 'mentions-me': mentionsMe });
  item.dataset.messageId = message._id;
  replaceParts(item, [
    view.isGroup && !view.isOwn && !view.follows && element('strong', { class: 'sender', dir: 'auto' }, view.name),
    answered && !deletedAt && quote(answered, () => view.jump(answered)),
    said(
      (content || deletedAt) && words(deletedAt ? ['Message taken back'] : drawText(typed(content), mentioned)),
      !deletedAt && unnamed(typed(content), mentioned),
      attachments.length > 0 && filesOf(item, attachments, view.files),
      note(message, view),
    ),
    reactions.length > 0 && drawReactions(message, view),
  ]);
}

/**
 * Draws a message that is not known to be stored; `again` and `drop` say what somebody decided about one that
 * failed. Without `again` it is tried again together with others.
 * @param {HTMLElement} item
 * @param {OutboxEntry} entry
 * @param {{ again?: () => void, drop: () => void, jump: (answered: Answered) => void, files: FileActs }} acts
 */
export function drawWaiting(item, { content, state, reason, answered, mentioned, files: attached = [] }, { again, drop, jump, files }) {
  if (isAsDrawn(item, [content, state, reason, !again])) return;
  item.className = kinds({ own: true, waiting: true, failed: state === 'failed' });
  const failed = state === 'failed' && element('div', { class: 'choices' }, again && button('Try again', again), button('Discard', drop));
  replaceParts(item, [
    answered && quote(answered, () => jump(answered)),
    said(content && words(drawText(content, mentioned)), attached.length > 0 && filesOf(item, attached, files), element('small', { class: 'note', dir: 'ltr' }, state === 'failed' ? `${WAITING.failed}: ${reason}` : WAITING[state])),
    failed,
  ]);
}

/**
 * Draws what became of a group, between messages.
 * @param {HTMLElement} item
 * @param {string} said
 */
export function drawLine(item, said) {
  if (isAsDrawn(item, [said])) return;
  item.className = 'line';
  replaceParts(item, [element('p', { dir: 'auto' }, said)]);
}

/**
 * What was said, with the note in its last line. It reads from the side from which the text does.
 * @param {...any} parts
 */
const said = (...parts) => element('div', { class: 'said', dir: 'auto' }, ...parts.filter(Boolean));

/** @param {(string | Node)[]} nodes */
const words = nodes => element('p', { class: 'content' }, ...nodes);

/**
 * Whom a message mentions without their names in its text: another client may have written it, or a name is
 * another one now.
 * @param {string} text
 * @param {Mentioned[]} mentioned
 */
function unnamed(text, mentioned) {
  const named = mentionedIn(text, mentioned);
  const others = mentioned.filter(({ id }) => !named.includes(id));
  return others.length > 0 && element('p', { class: 'mentions' }, ...others.flatMap(({ name, isMe }) =>
    [element('span', { class: isMe ? 'mention me' : 'mention', dir: 'auto' }, `@${name}`), ' ']));
}

/**
 * @param {Message} message
 * @param {MessageView} view
 */
function note(message, { isOwn, name, readers, edits }) {
  const { createdAt, editedAt, deletedAt, status, pinned } = message;
  /** @type {any[]} */
  const parts = [isOwn ? undefined : element('span', { class: 'unseen' }, `${name}, `), element('time', { datetime: createdAt, title: fullTime(createdAt) }, clock(createdAt))];
  if (editedAt && !deletedAt) {
    parts.push(' · ', button('edited', () => edits(message), { class: 'edited', title: 'Show what it said before' }));
  }
  if (pinned) parts.push(' · pinned');
  if (isOwn && !deletedAt) parts.push(' ', ticks(status, readers));
  return element('small', { class: 'note', dir: 'ltr' }, ...parts);
}

/**
 * The beginning of what a message answers; pressing it shows that.
 * @param {Answered} answered
 * @param {() => void} jump
 */
function quote({ name, text }, jump) {
  const quoted = element('span', { class: 'quoted', dir: 'auto' }, element('strong', {}, name), ' ', element('bdi', {}, text));
  return button(quoted, jump, { class: 'quote', 'aria-label': `In reply to ${name}: ${text}` });
}

/**
 * How far one's own message has come.
 * @param {MessageStatus} status
 * @param {string} [readers]
 */
export function ticks(status, readers = '') {
  const [shown, words] = TICKS[status] ?? TICKS.sent;
  return element('span', { class: `ticks ${status}`, role: 'img', 'aria-label': words, title: readers ? `Read by ${readers}` : words }, shown);
}

/**
 * @param {Message} message
 * @param {MessageView} view
 */
function drawReactions(message, { me, nameOf, react }) {
  /** @type {Map<string, string[]>} */
  const byEmoji = new Map();
  for (const { emoji, userId } of message.reactions) byEmoji.set(emoji, [...byEmoji.get(emoji) ?? [], userId]);
  return element('div', { class: 'reactions' }, ...[...byEmoji].map(([emoji, people]) => {
    const isOwn = people.includes(me.id);
    const names = people.map(nameOf).join(', ');
    const chip = button(element('span', { class: 'emoji' }, emoji), () => react(message, emoji), {
      'aria-pressed': String(isOwn), 'aria-label': `${emoji}, ${people.length === 1 ? '1 person' : `${people.length} people`}: ${names}`,
      title: names, 'data-emoji': emoji,
    });
    chip.append(` ${people.length}`);
    return chip;
  }));
}

/**
 * @param {HTMLElement} item
 * @param {Attachment[]} attachments
 * @param {FileActs} acts
 */
function filesOf(item, attachments, acts) {
  const words = JSON.stringify(attachments);
  const shown = drawnFiles.get(item);
  const files = shown?.words === words ? shown.files : drawFiles(attachments, acts);
  drawnFiles.set(item, { words, files });
  return files;
}

/**
 * Puts new parts into an item. The actions that may hang on it are not touched, and what had the focus keeps
 * it: a reaction, a file or a button, or the item if there is no such part any more.
 * @param {HTMLElement} item
 * @param {any[]} parts
 */
function replaceParts(item, parts) {
  const { activeElement } = document;
  const hadFocus = activeElement instanceof HTMLElement && item.contains(activeElement) ? activeElement : undefined;
  for (const part of [...item.children]) {
    if (part.id !== 'message-actions') part.remove();
  }
  item.prepend(...parts.filter(Boolean));
  if (!hadFocus || item.contains(document.activeElement)) return;
  const heir = item.contains(hadFocus) ? hadFocus : [.../** @type {NodeListOf<HTMLElement>} */ (item.querySelectorAll('button, a'))].find(each => isSame(each, hadFocus));
  (heir ?? item).focus({ preventScroll: true });
}

/**
 * Whether a part does what another one did before the item was drawn anew.
 * @param {HTMLElement} part
 * @param {HTMLElement} before
 */
const isSame = (part, before) => part.className === before.className && part.dataset.emoji === before.dataset.emoji
  && part.getAttribute('href') === before.getAttribute('href');

/**
 * @param {HTMLElement} item
 * @param {unknown} state
 * @returns {boolean}
 */
function isAsDrawn(item, state) {
  const words = JSON.stringify(state);
  if (drawn.get(item) === words) return true;
  drawn.set(item, words);
  return false;
}

/** @param {Record<string, unknown>} flags */
const kinds = flags => Object.keys(flags).filter(kind => flags[kind]).join(' ');
