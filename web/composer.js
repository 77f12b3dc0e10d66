// Writing: a draft for each conversation that survives a reload, Enter sends, and the same field says one's own message differently.

import { $ } from '/elements.js';
import { keep, recall } from '/storage.js';

export class Composer {
  #acts; #threadId; #edited; #drafts = recall('drafts', {});

  /** `acts`: `send(threadId, content)`, `edit(message, content)`, `editNewest()`, `pressed(threadId)`, `stopped()`. */
  constructor(acts) {
    this.#acts = acts;
    const text = $('text');
    $('composer').addEventListener('submit', event => { event.preventDefault(); this.#done(); });
    text.addEventListener('input', () => this.#typed());
    text.addEventListener('blur', () => this.#acts.stopped());
    text.addEventListener('keydown', event => this.#pressed(event));
    $('stop-editing').addEventListener('click', () => this.#stopEditing());
  }

  /** The draft of a conversation. */
  draft(threadId) {
    return this.#drafts[threadId] ?? '';
  }

  /** Writes in this conversation from now on; in none if there is no id. */
  show(threadId) {
    this.#acts.stopped();
    this.#threadId = threadId;
    $('composer').hidden = !threadId;
    this.#stopEditing();
  }

  /** Says a message differently, beginning with `content`. */
  edit(message, content = message.content) {
    this.#edited = message;
    $('editing').hidden = false;
    this.#write(content);
  }

  #typed() {
    if (!this.#edited) this.#keepDraft($('text').value);
    if ($('text').value.trim()) this.#acts.pressed(this.#threadId);
    else this.#acts.stopped();
  }

  #pressed(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.#done();
    } else if (event.key === 'Escape' && this.#edited) {
      this.#stopEditing();
    } else if (event.key === 'ArrowUp' && !$('text').value) {
      event.preventDefault();
      this.#acts.editNewest();
    }
  }

  #done() {
    const content = $('text').value.trim();
    const message = this.#edited;
    if (!content || !this.#threadId) return;
    this.#acts.stopped();
    if (message) {
      if (content !== message.content) this.#acts.edit(message, content);
      this.#stopEditing();
    } else {
      this.#keepDraft('');
      this.#write('');
      this.#acts.send(this.#threadId, content);
    }
  }

  #stopEditing() {
    this.#edited = undefined;
    $('editing').hidden = true;
    this.#write(this.#threadId ? this.draft(this.#threadId) : '');
  }

  #write(content) {
    $('text').value = content;
    if (this.#threadId && !matchMedia('(pointer: coarse)').matches) $('text').focus();
  }

  #keepDraft(content) {
    if (content.trim()) this.#drafts[this.#threadId] = content;
    else delete this.#drafts[this.#threadId];
    keep('drafts', this.#drafts);
  }
}
