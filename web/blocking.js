// Where somebody is blocked and unblocked: the header of a conversation of two, the list of members, and the
// list of all of them in the settings.

import { $, arrange, button, element } from '/elements.js';
import { attempt, tell } from '/notice.js';
import { Refusal } from '/refusal.js';
import { sure } from '/sure.js';
import { focusTool } from '/thread-menu.js';
import { shortTime } from '/times.js';

export class Blocking {
  #parts;

  /**
   * `parts`: `blocks`, `people`, `names`, `threads`, `conversation`.
   * @param {{ blocks: import('/blocks.js').Blocks, people: import('/people.js').People,
   *   names: import('/names.js').Names, threads: import('/threads.js').Threads,
   *   conversation: import('/conversation.js').Conversation }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    for (const each of [parts.threads, parts.conversation]) each.addEventListener('change', () => this.#drawTool());
    for (const each of [parts.blocks, parts.names]) each.addEventListener('change', () => this.#drawList());
    $('block').addEventListener('click', () => attempt(() => this.#pressed()));
    this.#drawTool();
    this.#drawList();
  }

  /** Reads the list again, for the settings. */
  load() {
    $('blocks-words').textContent = '';
    return this.#parts.blocks.load();
  }

  /**
   * Blocks somebody, if that is meant; whether it was done. Rejects with a refusal.
   * @param {string} id
   * @returns {Promise<boolean>}
   */
  async block(id) {
    const { blocks, people } = this.#parts;
    if (!await sure(question(people.name(id)), 'Block')) return false;
    await blocks.block(id);
    tell(blockedWords(people.name(id)));
    return true;
  }

  /**
   * Rejects with a refusal.
   * @param {string} id
   */
  async unblock(id) {
    const { blocks, people } = this.#parts;
    await blocks.unblock(id);
    tell(`You have unblocked ${people.name(id)}.`);
  }

  /** With whom the open conversation is, if it is one of two. */
  get #partner() {
    const { threads, people, conversation } = this.#parts;
    const thread = threads.get(conversation.threadId);
    return thread && people.partner(thread);
  }

  async #pressed() {
    const partner = this.#partner;
    if (partner && !await this.block(partner)) focusTool($('block'));
  }

  #drawTool() {
    const partner = this.#partner;
    $('block').hidden = !partner;
    $('block').textContent = partner ? `Block ${this.#parts.people.name(partner)}` : '';
  }

  /** @param {{ id: string, name: string }} person */
  async #unblockListed({ id, name }) {
    $('settings-error').textContent = $('blocks-words').textContent = '';
    try {
      await this.#parts.blocks.unblock(id);
      $('blocks-words').textContent = `You have unblocked ${name}. Conversations that were away are back.`;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      $('settings-error').textContent = error.message;
      $('settings-error').scrollIntoView({ block: 'nearest' });
    }
  }

  #drawList() {
    const { all } = this.#parts.blocks;
    const hadFocus = $('blocks').contains(document.activeElement);
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.id : undefined;
    $('no-blocks').hidden = all.length > 0;
    arrange($('blocks'), all.map(person => {
      const since = element('time', { datetime: person.since }, `since ${shortTime(person.since)}`);
      const unblock = button('Unblock', () => this.#unblockListed(person), { class: 'quiet', 'aria-label': `Unblock ${person.name}`, 'data-id': person.id });
      return element('li', {}, element('span', {}, element('bdi', {}, person.name), ', ', since), unblock);
    }));
    if (!hadFocus) return;
    ([...$('blocks').querySelectorAll('button')].find(each => each.dataset.id === focused) ?? $('settings')).focus();
  }
}

/** @param {string} name */
export const blockedWords = name => `You have blocked ${name}. The settings list whom you block.`;

/**
 * What a block does, before it is made.
 * @param {string} name
 */
const question = name => `Block ${name}? You hear nothing more of each other but what is said in groups: your chat is away until you unblock them `
  + 'in the settings, and they are not told. If you want to report a message of theirs, do that first.';
