// Muted conversations: nobody is told of them by e-mail and push, for ever or until then. The open
// conversation is muted by a button in its header; the settings list all that are.

import { $, arrange, button, element } from '/elements.js';
import { focusTool } from '/thread-menu.js';

const HOUR_MS = 3_600_000;
/** @type {[string, number | undefined][]} */
const ENDS = [['For one hour', HOUR_MS], ['For eight hours', 8 * HOUR_MS], ['For one day', 24 * HOUR_MS], ['For one week', 7 * 24 * HOUR_MS],
  ['Until I turn it off', undefined]];

export class Mutes {
  #parts;

  /**
   * `parts`: `preferences`, `threads`, `people`, `conversation`.
   * @param {{ preferences: import('/preferences.js').PreferencesForm, threads: import('/threads.js').Threads,
   * people: import('/people.js').People, conversation: import('/conversation.js').Conversation }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    for (const each of [parts.preferences, parts.threads, parts.conversation]) each.addEventListener('change', () => this.#draw());
    $('mute').addEventListener('click', () => this.#choose());
    $('mute-choices').replaceChildren(...ENDS.map(([words, time]) => button(words, () => this.#mute(time))));
    $('keep-mute').addEventListener('click', () => $('mute-dialog').close());
    $('unmute').addEventListener('click', () => this.#unmute(parts.conversation.threadId));
    $('mute-dialog').addEventListener('close', () => focusTool($('mute')));
    this.#draw();
  }

  /** @param {string | undefined} id */
  #isMuted(id) {
    return this.#parts.preferences.mutes.some(mute => mute.threadId === id);
  }

  #choose() {
    $('unmute').hidden = !this.#isMuted(this.#parts.conversation.threadId);
    $('mute-error').textContent = '';
    $('mute-dialog').showModal();
  }

  /** @param {number | undefined} time */
  #mute(time) {
    const { threadId } = this.#parts.conversation;
    const until = time && new Date(Date.now() + time).toISOString();
    return this.#write('PUT', threadId, { ...until && { until } });
  }

  /** @param {string | undefined} threadId */
  #unmute(threadId) {
    return this.#write('DELETE', threadId);
  }

  /**
   * @param {'PUT' | 'DELETE'} method
   * @param {string | undefined} threadId
   * @param {{ until?: string }} [body]
   */
  async #write(method, threadId, body) {
    const refused = await this.#parts.preferences.ask(method, `/notifications/preferences/mutes/${threadId}`, body);
    $('mute-error').textContent = refused;
    if (!refused) $('mute-dialog').close();
  }

  #draw() {
    const { preferences, threads, people, conversation } = this.#parts;
    $('mute').hidden = !conversation.threadId || !threads.get(conversation.threadId);
    $('mute').textContent = this.#isMuted(conversation.threadId) ? 'Muted' : 'Mute';
    $('no-mutes').hidden = preferences.mutes.length > 0;
    const hadFocus = $('mutes').contains(document.activeElement);
    arrange($('mutes'), preferences.mutes.map(({ threadId, until }) => {
      const thread = threads.get(threadId);
      const title = thread ? people.title(thread) : 'A conversation';
      const end = until ? `until ${new Date(until).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}` : 'until you turn it off';
      const unmute = button('Unmute', () => this.#unmute(threadId), { class: 'quiet', 'aria-label': `Unmute ${title}` });
      return element('li', {}, element('span', {}, `${title}, ${end}`), unmute);
    }));
    if (hadFocus && !$('mutes').contains(document.activeElement)) $('settings').focus();
  }
}
