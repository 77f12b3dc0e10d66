// The text field. It shows the draft of each conversation, sends on Enter (under fingers Enter begins a new
// line, and a button sends), answers a message, mentions people, and edits one's own. A text that is too long
// stays as it is, and the field says by how much. What is sent, and when, is sending.js's.

import { Attached } from '/attached.js';
import { $ } from '/elements.js';
import { writeOn } from '/focus.js';
import { LaterMenu } from '/later-menu.js';
import { MentionPicker } from '/mention-picker.js';
import { keptMentions } from '/mentions.js';
import { LENGTH_MAX, tooLong } from '/sending.js';
import { several } from '/times.js';
import { typed } from '/typed.js';

/** From here on one is told how many are left. */
const LENGTH_TOLD = 9_000;
const fingers = matchMedia('(hover: none) and (pointer: coarse)');

export class Composer {
  #parts;
  #acts;
  #attached;
  #laterMenu;
  /** @type {string | undefined} */
  #threadId;
  /** @type {Message | undefined} */
  #edited;
  #offers;
  /**
   * Whom the message that is edited may mention: whom it mentioned, and who was chosen since.
   * @type {Person[]}
   */
  #mentioned = [];
  /** @type {(messageId: string) => Answered | undefined} */
  #saidNow = () => undefined;

  /**
   * `parts`: `drafts`, `uploads`, `sending`, and to mention people `members`, `people`, `threads` and `me`.
   * `acts`: `edit(message, content, mentions)`, `editNewest()`, `pressed(threadId)`, `stopped()`, and
   * `pickEmoji(choose, closed)`.
   * @param {{ drafts: import('/drafts.js').Drafts, members: import('/members.js').Members,
   *   uploads: import('/uploads.js').Uploads, sending: import('/sending.js').Sending,
   *   people: import('/people.js').People, threads: import('/threads.js').Threads, me: Me }} parts
   * @param {{ pickEmoji: (choose: (emoji: string) => void, closed: () => void) => void,
   *   edit: (message: Message, content: string, mentions: string[]) => void, editNewest: () => void,
   *   pressed: (threadId: string) => void, stopped: () => void }} acts
   */
  constructor(parts, acts) {
    this.#parts = parts;
    this.#acts = acts;
    const { drafts, threads, uploads, sending } = parts;
    this.#offers = new MentionPicker({ ...parts, thread: () => threads.get(this.#threadId), take: (...taken) => this.#mention(...taken) });
    this.#attached = new Attached(uploads, () => (this.#edited ? undefined : this.#threadId));
    this.#laterMenu = new LaterMenu(sendAt => this.#want(sendAt));
    const text = $('text');
    $('composer').addEventListener('submit', (/** @type {SubmitEvent} */ event) => { event.preventDefault(); this.#done(); });
    text.addEventListener('input', () => this.#typed());
    text.addEventListener('blur', () => { this.#acts.stopped(); drafts.flush(); });
    text.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#offers.pressed(event) || this.#pressed(event));
    // The keyboard of a phone stays while one goes on writing.
    $('send').addEventListener('mousedown', (/** @type {MouseEvent} */ event) => event.preventDefault());
    $('pick-emoji').addEventListener('click', () => this.#acts.pickEmoji(emoji => this.#insert(emoji), () => text.focus()));
    text.enterKeyHint = fingers.matches ? 'enter' : 'send';
    $('stop-editing').addEventListener('click', () => this.#stopEditing());
    $('stop-answering').addEventListener('click', () => { this.#stopAnswering(); writeOn(); });
    $('stop-holding').addEventListener('click', () => { sending.give(this.#threadId); writeOn(); });
    sending.addEventListener('change', () => this.#sendingChanged());
    uploads.addEventListener('change', () => this.#drawSending());
    drafts.addEventListener('taken', event => event instanceof CustomEvent && this.#taken(event.detail));
    drafts.addEventListener('change', () => this.#drawOther());
    for (const choice of /** @type {const} */ (['mine', 'theirs'])) {
      $(`keep-${choice}`).addEventListener('click', () => {
        if (this.#threadId) drafts.choose(this.#threadId, choice);
        writeOn();
      });
    }
  }

  /**
   * The draft of a conversation.
   * @param {string} threadId
   */
  draft(threadId) {
    return this.#parts.drafts.of(threadId).content.trim();
  }

  /**
   * Writes in this conversation from now on; in none if there is no id.
   * @param {string | undefined} threadId
   */
  show(threadId) {
    this.#acts.stopped();
    this.#parts.drafts.flush();
    this.#threadId = threadId;
    this.#saidNow = () => undefined;
    $('composer').hidden = !threadId;
    this.#stopEditing();
  }

  /**
   * Says a message differently, beginning with `content` and with these people mentioned.
   * @param {Message} message
   * @param {string} [content]
   * @param {string[]} [mentions]
   */
  edit(message, content = typed(message.content), mentions = message.mentions ?? []) {
    this.#edited = message;
    this.#mentioned = mentions.map(id => ({ id, name: this.#parts.people.name(id) }));
    $('editing').hidden = false;
    $('answering').hidden = $('other-draft').hidden = true;
    this.#write(content);
    this.#attached.draw();
  }

  /**
   * The next message of the conversation that is shown answers this one.
   * @param {Answered} answered
   */
  answer(answered) {
    if (!this.#threadId) return;
    this.#parts.drafts.write(this.#threadId, { answered });
    this.#stopEditing();
    $('text').focus();
  }

  /**
   * The conversation is here: `answered(messageId)` says what a message of it says now, if that is here.
   * @param {(messageId: string) => Answered | undefined} answered
   */
  conversationRead(answered) {
    this.#saidNow = answered;
    if (!this.#edited) this.#showAnswered();
  }

  /** @param {string} emoji */
  #insert(emoji) {
    const text = $('text');
    text.setRangeText(emoji, text.selectionStart, text.selectionEnd, 'end');
    this.#typed();
  }

  /**
   * Somebody was chosen to be mentioned: their name takes the place of what was typed.
   * @param {Person} person
   * @param {number} start
   * @param {number} end
   */
  #mention(person, start, end) {
    const text = $('text');
    const space = text.value[end] === ' ' ? '' : ' ';
    text.setRangeText(`@${person.name}${space}`, start, end, 'end');
    if (!space) text.setSelectionRange(text.selectionEnd + 1, text.selectionEnd + 1);
    if (this.#edited) this.#mentioned.push(person);
    else if (this.#threadId) this.#parts.drafts.write(this.#threadId, { mentioned: [...this.#parts.drafts.of(this.#threadId).mentioned, person] });
    text.focus();
    this.#typed();
  }

  #typed() {
    if (this.#threadId && !this.#edited) this.#parts.drafts.write(this.#threadId, { content: $('text').value });
    this.#tellLength();
    this.#offers.look();
    if (!this.#threadId) return;
    if ($('text').value.trim()) this.#acts.pressed(this.#threadId);
    else this.#acts.stopped();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey && !fingers.matches) {
      event.preventDefault();
      this.#done();
    } else if (event.key === 'Escape') {
      if (this.#edited) this.#stopEditing();
      else this.#stopAnswering();
    } else if (event.key === 'ArrowUp' && !$('text').value) {
      event.preventDefault();
      this.#acts.editNewest();
    }
  }

  #done() {
    const content = $('text').value.trim();
    if (!this.#edited) return this.#want();
    if (!content || this.#tellLength() < 0) return undefined;
    this.#acts.stopped();
    this.#offers.close();
    return this.#doneEditing(this.#edited, content);
  }

  /**
   * Sends what is written, now or at this time.
   * @param {Date} [sendAt]
   */
  #want(sendAt) {
    const { sending } = this.#parts;
    if (!this.#threadId || !sending.hasAnything(this.#threadId) || this.#tellLength() < 0) return;
    this.#acts.stopped();
    this.#offers.close();
    if (sendAt) sending.plan(this.#threadId, sendAt);
    else sending.want(this.#threadId);
  }

  /** What was written was sent, or waits for its files. */
  #sendingChanged() {
    const { drafts } = this.#parts;
    if (this.#threadId && !this.#edited && $('text').value !== drafts.of(this.#threadId).content) this.#showDraft();
    else if (!this.#edited) this.#showAnswered();
    this.#drawSending();
  }

  /** What the message waits for, and whether it can be sent later. */
  #drawSending() {
    const { sending } = this.#parts;
    const words = this.#edited ? '' : sending.waitsFor(this.#threadId);
    $('held').hidden = words === '';
    $('held-words').textContent = words;
    $('stop-holding').hidden = !sending.isHeld(this.#threadId);
    const canWait = this.#threadId !== undefined && !this.#edited && sending.hasAnything(this.#threadId);
    $('send-later').disabled = !canWait || this.#isTooLong;
    $('composer').classList.toggle('is-empty', !canWait);
    if (!canWait) this.#laterMenu.hide();
  }

  /**
   * Whom the message mentioned without naming them in its text stays mentioned.
   * @param {Message} message
   * @param {string} content
   */
  #doneEditing(message, content) {
    const before = message.mentions ?? [];
    const mentions = keptMentions(typed(message.content), before.map(id => ({ id, name: this.#parts.people.name(id) })), content, this.#mentioned);
    const isSame = content === typed(message.content) && mentions.toSorted().join() === before.toSorted().join();
    if (!isSame) this.#acts.edit(message, content, mentions);
    this.#stopEditing();
  }

  /** Says how many characters are left, or too many; gives the number. */
  #tellLength() {
    const left = LENGTH_MAX - [...$('text').value.trim()].length;
    $('length').hidden = left > LENGTH_MAX - LENGTH_TOLD;
    $('length').className = left < 0 ? 'over' : '';
    $('length').textContent = left < 0 ? tooLong(-left) : `${several(left, 'character')} left`;
    $('send').disabled = left < 0;
    this.#drawSending();
    return left;
  }

  get #isTooLong() {
    return $('send').disabled;
  }

  #stopEditing() {
    this.#edited = undefined;
    $('editing').hidden = true;
    this.#showDraft();
    this.#attached.draw();
  }

  #stopAnswering() {
    if (this.#threadId) this.#parts.drafts.write(this.#threadId, { answered: undefined });
    this.#showAnswered();
  }

  /**
   * A message says something else, or nothing any more: what is shown of it above the field follows.
   * @param {string} messageId
   */
  messageChanged(messageId) {
    const answered = this.#threadId ? this.#parts.drafts.of(this.#threadId).answered : undefined;
    if (answered?.messageId === messageId && !this.#edited) this.#showAnswered();
  }

  #showDraft() {
    this.#showAnswered();
    this.#drawOther();
    this.#write(this.#threadId ? this.#parts.drafts.of(this.#threadId).content : '');
  }

  #showAnswered() {
    const kept = this.#threadId ? this.#parts.drafts.of(this.#threadId).answered : undefined;
    const answered = kept && (this.#saidNow(kept.messageId) ?? kept);
    $('answering').hidden = !answered;
    $('answered-name').textContent = answered ? `Replying${answered.name ? ` to ${answered.name}` : ''}` : '';
    $('answered-text').textContent = answered?.text ?? '';
  }

  /** Two devices have different drafts: somebody has to choose. */
  #drawOther() {
    const theirs = this.#threadId && !this.#edited ? this.#parts.drafts.of(this.#threadId).theirs : undefined;
    $('other-draft').hidden = !theirs;
    $('other-text').textContent = typed(theirs?.content ?? '');
  }

  /**
   * Another device has a newer draft. A caret in the field stays where it is, if that is still in the text.
   * @param {string} threadId
   */
  #taken(threadId) {
    if (threadId !== this.#threadId || this.#edited) return;
    const text = $('text');
    const { selectionStart, selectionEnd } = text;
    const isAtEnd = selectionStart === text.value.length;
    text.value = this.#parts.drafts.of(threadId).content;
    if (!isAtEnd) text.setSelectionRange(selectionStart, selectionEnd);
    this.#offers.close();
    this.#tellLength();
    this.#showAnswered();
    this.#drawOther();
  }

  /** @param {string} content */
  #write(content) {
    $('text').value = content;
    this.#offers.close();
    this.#tellLength();
    if (this.#threadId) writeOn();
  }
}
