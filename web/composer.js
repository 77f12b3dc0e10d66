// The text field. It keeps a draft for each conversation over a reload, sends on Enter (under fingers Enter
// begins a new line, and a button sends), answers a message, and edits one's own. A text that is too long
// stays as it is, and the field says by how much.

import { $ } from '/elements.js';
import { keep, recall } from '/storage.js';
import { several } from '/times.js';
import { typed } from '/typed.js';

/** Characters of a message, as the server counts them. */
const LENGTH_MAX = 10_000;
/** From here on one is told how many are left. */
const LENGTH_TOLD = 9_000;
const fingers = matchMedia('(hover: none) and (pointer: coarse)');

export class Composer {
  #acts;
  /** @type {string | undefined} */
  #threadId;
  /** @type {Message | undefined} */
  #edited;
  /** What each conversation's next message answers. @type {Map<string, Answered>} */
  #answered = new Map();
  /** @type {Record<string, string>} */
  #drafts = recall('drafts', {});

  /**
   * `acts`: `send(threadId, content, answered)`, `edit(message, content)`, `editNewest()`,
   * `pressed(threadId)`, `stopped()`, `pickEmoji(choose, closed)`.
   * @param {{ pickEmoji: (choose: (emoji: string) => void, closed: () => void) => void,
   *   send: (threadId: string, content: string, answered?: Answered) => void,
   *   edit: (message: Message, content: string) => void, editNewest: () => void,
   *   pressed: (threadId: string) => void, stopped: () => void }} acts
   */
  constructor(acts) {
    this.#acts = acts;
    const text = $('text');
    $('composer').addEventListener('submit', (/** @type {SubmitEvent} */ event) => { event.preventDefault(); this.#done(); });
    text.addEventListener('input', () => this.#typed());
    text.addEventListener('blur', () => this.#acts.stopped());
    text.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.#pressed(event));
    // The keyboard of a phone stays while one goes on writing.
    $('send').addEventListener('mousedown', (/** @type {MouseEvent} */ event) => event.preventDefault());
    $('pick-emoji').addEventListener('click', () => this.#acts.pickEmoji(emoji => this.#insert(emoji), () => text.focus()));
    text.enterKeyHint = fingers.matches ? 'enter' : 'send';
    $('stop-editing').addEventListener('click', () => this.#stopEditing());
    $('stop-answering').addEventListener('click', () => this.#stopAnswering());
  }

  /**
   * The draft of a conversation.
   * @param {string} threadId
   */
  draft(threadId) {
    return this.#drafts[threadId] ?? '';
  }

  /**
   * Writes in this conversation from now on; in none if there is no id.
   * @param {string | undefined} threadId
   */
  show(threadId) {
    this.#acts.stopped();
    this.#threadId = threadId;
    $('composer').hidden = !threadId;
    this.#stopEditing();
  }

  /**
   * Says a message differently, beginning with `content`.
   * @param {Message} message
   * @param {string} [content]
   */
  edit(message, content = typed(message.content)) {
    this.#edited = message;
    $('editing').hidden = false;
    $('answering').hidden = true;
    this.#write(content);
  }

  /**
   * The next message of the conversation that is shown answers this one.
   * @param {Answered} answered
   */
  answer(answered) {
    if (!this.#threadId) return;
    this.#answered.set(this.#threadId, answered);
    this.#stopEditing();
    $('text').focus();
  }

  /** @param {string} emoji */
  #insert(emoji) {
    const text = $('text');
    text.setRangeText(emoji, text.selectionStart, text.selectionEnd, 'end');
    this.#typed();
  }

  #typed() {
    this.#tellLength();
    if (!this.#threadId) return;
    if (!this.#edited) this.#keepDraft($('text').value);
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
    const message = this.#edited;
    if (!content || !this.#threadId || this.#tellLength() < 0) return;
    this.#acts.stopped();
    if (message) {
      if (content !== typed(message.content)) this.#acts.edit(message, content);
      this.#stopEditing();
    } else {
      const answered = this.#answered.get(this.#threadId);
      this.#keepDraft('');
      this.#write('');
      this.#stopAnswering();
      this.#acts.send(this.#threadId, content, answered);
    }
  }

  /** Says how many characters are left, or too many; gives the number. */
  #tellLength() {
    const left = LENGTH_MAX - [...$('text').value.trim()].length;
    $('length').hidden = left > LENGTH_MAX - LENGTH_TOLD;
    $('length').className = left < 0 ? 'over' : '';
    $('length').textContent = left < 0
      ? `${several(-left, 'character')} too many. A message has at most ${LENGTH_MAX.toLocaleString('en')}.` : `${several(left, 'character')} left`;
    $('send').disabled = left < 0;
    return left;
  }

  #stopEditing() {
    this.#edited = undefined;
    $('editing').hidden = true;
    this.#showAnswered();
    this.#write(this.#threadId ? this.draft(this.#threadId) : '');
  }

  #stopAnswering() {
    if (this.#threadId) this.#answered.delete(this.#threadId);
    this.#showAnswered();
  }

  #showAnswered() {
    const answered = this.#threadId ? this.#answered.get(this.#threadId) : undefined;
    $('answering').hidden = !answered;
    $('answered-name').textContent = answered ? `Replying to ${answered.name}` : '';
    $('answered-text').textContent = answered?.text ?? '';
  }

  /** @param {string} content */
  #write(content) {
    $('text').value = content;
    this.#tellLength();
    if (this.#threadId && !matchMedia('(pointer: coarse)').matches) $('text').focus();
  }

  /** @param {string} content */
  #keepDraft(content) {
    if (!this.#threadId) return;
    if (content.trim()) this.#drafts[this.#threadId] = content;
    else delete this.#drafts[this.#threadId];
    keep('drafts', this.#drafts);
  }
}
