// What somebody does to a message: the server is told, and what it answers is shown at once.

import { attempt } from '/notice.js';

export class Changes {
  #api;
  #me;
  #changed;

  /**
   * `changed(message, change)` shows what is different of a message.
   * @param {{ api: import('/api.js').Api, me: Me,
   *   changed: (message: Message, change: Partial<Message>) => void }} parts
   */
  constructor({ api, me, changed }) {
    this.#api = api;
    this.#me = me;
    this.#changed = changed;
  }

  /**
   * Whether it was done or will be.
   * @param {Message} message
   * @param {string} content
   * @param {string[]} mentions the ids of those whom it mentions from now on
   * @returns {Promise<boolean>}
   */
  async edit(message, content, mentions) {
    const answer = await attempt(() => this.#api.ask('PATCH', `/messages/${message._id}`, { content, mentions }));
    if (answer?.message) this.#changed(message, { mentions: undefined, ...answer.message });
    return Boolean(answer);
  }

  /** @param {Message} message */
  async takeBack(message) {
    const answer = await attempt(() => this.#api.ask('DELETE', `/messages/${message._id}`));
    if (answer?.message) this.#changed(message, { mentions: undefined, ...answer.message });
  }

  /** @param {Message} message */
  async pin(message) {
    const answer = await attempt(() => this.#api.ask(message.pinned ? 'DELETE' : 'PUT', `/messages/${message._id}/pin`));
    if (answer?.message) this.#changed(message, { pinned: undefined, ...answer.message });
  }

  /**
   * Puts an emoji on a message, or takes it off if it is there.
   * @param {Message} message
   * @param {string} emoji
   */
  async react(message, emoji) {
    const isThere = message.reactions.some(each => each.emoji === emoji && each.userId === this.#me.id);
    const answer = await attempt(() => this.#api.ask('POST', `/messages/${message._id}/reactions`, { emoji, action: isThere ? 'remove' : 'add' }));
    if (answer?.message) this.#changed(message, { reactions: answer.message.reactions });
  }
}
