// The line above the open conversation says with whom it is and whether they are online, and archives it. The
// line below says who is typing. On narrow screens what can be done is in a menu (thread-menu.js).

import { $ } from '/elements.js';
import { attempt } from '/notice.js';
import { several } from '/times.js';

/** More than this type: "several people". */
const NAMED_MAX = 2;

export class ThreadHeader {
  #parts;

  /**
   * `parts`: `threads`, `people`, `presence`, `typing`, `conversation`.
   * @param {{ threads: import('/threads.js').Threads, people: import('/people.js').People,
   *   presence: import('/presence.js').Presence, typing: import('/typing.js').Typing,
   *   conversation: import('/conversation.js').Conversation }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    for (const each of [parts.threads, parts.presence, parts.conversation]) each.addEventListener('change', () => this.#draw());
    for (const each of [parts.typing, parts.conversation]) each.addEventListener('change', () => this.#drawTyping());
    $('archive').addEventListener('click', () => this.#archive());
    this.#draw();
  }

  get #thread() {
    return this.#parts.threads.get(this.#parts.conversation.threadId);
  }

  #archive() {
    const thread = this.#thread;
    if (!thread) return undefined;
    return attempt(() => this.#parts.threads.archive(thread._id, thread.status !== 'archived'));
  }

  #draw() {
    const thread = this.#thread;
    document.body.dataset.view = thread ? 'conversation' : 'list';
    $('archive').hidden = $('open-tools').hidden = !thread;
    $('title').textContent = thread ? this.#parts.people.title(thread) : 'Choose a conversation';
    $('subtitle').textContent = thread ? this.#subtitle(thread) : '';
    $('picture').replaceChildren(...thread ? [this.#parts.people.pictureOf(thread)] : []);
    $('archive').textContent = thread?.status === 'archived' ? 'Unarchive' : 'Archive';
  }

  /** @param {Thread} thread */
  #subtitle(thread) {
    const { people, presence } = this.#parts;
    const partner = people.partner(thread);
    const there = people.others(thread).filter(id => presence.status(id) === 'online').length;
    const words = partner ? presence.words(partner) : `${several(thread.participantCount, 'member')}${there ? `, ${there + 1} online` : ''}`;
    const parts = [people.subtitle(thread), words];
    // Of many people the number is the shorter one, and is not cut off.
    return (partner ? parts : parts.reverse()).filter(Boolean).join(' · ');
  }

  #drawTyping() {
    const { typing, people, conversation } = this.#parts;
    const names = typing.in(conversation.threadId).map(id => people.name(id));
    const who = names.length > NAMED_MAX ? 'Several people' : names.join(' and ');
    $('typing').textContent = names.length === 0 ? '' : `${who} ${names.length === 1 ? 'is' : 'are'} typing …`;
  }
}
