// The open conversation is the one that the address names. The browser's way back, which phones have as a key
// or a gesture, leads from a conversation to the list, and from the list out of the page. In a frame of a
// host application it is the host's alone: there no step is made, since a step back could be one of the
// host's.

import { host } from '/host-page.js';

/** As wide, the list and the conversation are beside each other (style.css). */
const wide = matchMedia('(min-width: 768px)');

export class Navigation {
  #moved;
  #isLeaving = false;

  /**
   * `moved` is called when the address names another conversation, or none.
   * @param {() => void} moved
   */
  constructor(moved) {
    this.#moved = moved;
    addEventListener('hashchange', () => {
      this.#isLeaving = false;
      moved();
    });
    // Whoever comes by a link to a conversation finds the list behind it.
    const { hash } = location;
    if (!hash || host || history.state?.isAboveList) return;
    history.replaceState(null, '', location.pathname);
    history.pushState({ isAboveList: true }, '', hash);
  }

  /** The conversation's id; empty if there is none. */
  get threadId() {
    return location.hash.slice(1);
  }

  /** @param {string} threadId */
  open(threadId) {
    if (threadId === this.threadId) return;
    if (host || this.threadId && !wide.matches) history.replaceState(history.state, '', `#${threadId}`);
    else history.pushState({ isAboveList: !this.threadId }, '', `#${threadId}`);
    this.#moved();
  }

  /** Back to the list. Where it is the step before, that step is taken back: nothing leads into it again. */
  leave() {
    if (!this.threadId || this.#isLeaving) return;
    if (history.state?.isAboveList) {
      this.#isLeaving = true;
      history.back();
    } else {
      history.replaceState(null, '', location.pathname);
      this.#moved();
    }
  }
}
