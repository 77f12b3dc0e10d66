// The line of pinned messages above the open conversation: it shows one and goes to it; the next press goes
// to the one that was pinned before.

import { $ } from '/elements.js';
import { onTheSide } from '/notice.js';
import { plain } from '/markup.js';
import { typed } from '/typed.js';

export class Pins {
  #api;
  #people;
  #conversation;
  /** The pinned messages of the open conversation, the last pinned first. @type {Message[]} */
  #messages = [];
  /** Which of them the line shows. */
  #place = 0;

  /**
   * @param {{ api: import('/api.js').Api, people: import('/people.js').People,
   *   conversation: import('/conversation.js').Conversation }} parts
   */
  constructor({ api, people, conversation }) {
    this.#api = api;
    this.#people = people;
    this.#conversation = conversation;
    conversation.addEventListener('change', () => this.load());
    $('pins').addEventListener('click', () => this.#go());
  }

  /** Reads the pinned messages anew: another conversation is open, or something may have been missed. */
  load() {
    this.#take([]);
    const { threadId } = this.#conversation;
    if (!threadId) return;
    onTheSide(async () => {
      const { messages } = await this.#api.read(`/messages/threads/${encodeURIComponent(threadId)}/pins`).catch(refusal => {
        // Its reader was removed from it: others say so.
        if (refusal.code === 'not_found') return { messages: [] };
        throw refusal;
      });
      if (threadId === this.#conversation.threadId) this.#take(messages);
    });
  }

  /**
   * A message was pinned or unpinned, or one that may be pinned is another now.
   * @param {string} threadId
   * @param {string} id
   * @param {Partial<Message>} change
   */
  changed(threadId, id, change) {
    if (threadId !== this.#conversation.threadId) return;
    const known = this.#messages.find(message => message._id === id);
    if (!known && !change.pinned) return;
    const message = /** @type {Message} */ ({ ...known, ...change });
    const others = this.#messages.filter(each => each._id !== id);
    const isPinned = message.pinned && !message.deletedAt;
    /** @param {Message} each */
    const pinnedAt = each => Date.parse(each.pinned?.pinnedAt ?? '');
    this.#take([...others, ...isPinned ? [message] : []].toSorted((one, other) => pinnedAt(other) - pinnedAt(one) || other.seq - one.seq));
  }

  /** @param {Message[]} messages */
  #take(messages) {
    this.#messages = messages;
    this.#place = 0;
    this.#draw();
  }

  #go() {
    const message = this.#messages[this.#place];
    if (!message) return;
    this.#place = (this.#place + 1) % this.#messages.length;
    this.#draw();
    this.#conversation.jump({ messageId: message._id, seq: message.seq });
  }

  #draw() {
    const message = this.#messages[this.#place];
    $('pins').hidden = !message;
    if (!message) return;
    const words = plain(typed(message.content)) || typed(message.attachments[0]?.filename ?? '');
    $('pins-count').textContent = this.#messages.length > 1 ? `Pinned ${this.#place + 1} of ${this.#messages.length}` : 'Pinned';
    $('pinned-text').textContent = `${this.#people.nameOrYou(message.senderId)}: ${words}`;
  }
}
