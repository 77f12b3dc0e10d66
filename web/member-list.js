// Who is in the open conversation: a dialog behind its title, with names, pictures, and who is there.

import { $, arrange, button, element } from '/elements.js';
import { attempt } from '/notice.js';
import { several } from '/times.js';

/** A conversation of two says by its title who the other one is. */
const GROUP_MIN = 3;

export class MemberList {
  #parts;
  /** The conversation that the list was opened for. @type {string | undefined} */
  #threadId;

  /**
   * `parts`: `members`, `people`, `presence`, `threads`, `conversation`, `me`, and `chat(id)`, which opens
   * the conversation with one person.
   * @param {{ members: import('/members.js').Members, people: import('/people.js').People, me: Me,
   *   presence: import('/presence.js').Presence, threads: import('/threads.js').Threads,
   *   conversation: import('/conversation.js').Conversation, chat: (id: string) => Promise<void> }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    for (const each of [parts.threads, parts.presence, parts.conversation]) each.addEventListener('change', () => this.#draw());
    $('show-members').addEventListener('click', () => this.#open());
    $('close-members').addEventListener('click', () => $('members').close());
    $('more-members').addEventListener('click', () => this.#more());
    $('members').addEventListener('close', () => { this.#threadId = undefined; });
    this.#draw();
  }

  get #thread() {
    const { threads, conversation } = this.#parts;
    return threads.get(conversation.threadId);
  }

  #open() {
    this.#threadId = this.#thread?._id;
    this.#draw();
    $('members').showModal();
  }

  async #more() {
    const thread = this.#thread;
    if (!thread) return;
    await attempt(() => this.#parts.members.more(thread));
    this.#draw();
  }

  #draw() {
    const thread = this.#thread;
    $('show-members').hidden = !thread || thread.participantCount < GROUP_MIN;
    if (!thread || thread._id !== this.#threadId) return $('members').close();
    const { members, presence } = this.#parts;
    const known = members.of(thread).sort((one, other) => one.name.localeCompare(other.name));
    presence.watch(known.map(({ id }) => id));
    $('members-title').textContent = several(thread.participantCount, 'member');
    const hadFocus = $('member-names').contains(document.activeElement);
    const focused = document.activeElement?.getAttribute('data-id');
    arrange($('member-names'), known.map(person => this.#item(person)));
    if (hadFocus) [...$('member-names').querySelectorAll('button')].find(each => each.dataset.id === focused)?.focus();
    $('more-members').hidden = !members.hasMore(thread);
    return undefined;
  }

  /** @param {Person} person */
  #item({ id, name }) {
    const { people, presence, me, chat } = this.#parts;
    const words = id === me.id ? 'you' : presence.words(id);
    const parts = [people.picture(id), element('span', { class: 'name', dir: 'auto' }, name), element('span', { class: 'there' }, words)];
    if (id === me.id) return element('li', {}, element('span', { class: 'member' }, ...parts));
    const open = button('', () => {
      $('members').close();
      return attempt(() => chat(id));
    }, { class: 'member', title: `Write to ${name}`, 'data-id': id });
    open.append(...parts);
    return element('li', {}, open);
  }
}
