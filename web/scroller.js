// The scroll position of a conversation. What the reader sees stays where it is, whatever is added above or
// below; only a reader at the end follows the end. Dispatches `end` when the reader comes there, and `top`
// when older messages are wanted.

/** Being this near to the end is being there. */
const END_PX = 48;
/** Older messages are asked for before the reader has to wait for them. */
const TOP_PX = 300;

export class Scroller extends EventTarget {
  #box;
  #height = 0;
  #isAtEnd = true;

  /** @param {HTMLElement} box */
  constructor(box) {
    super();
    this.#box = box;
    box.addEventListener('scroll', () => this.#look());
    // The box becomes smaller when a keyboard opens or the text below grows: who was at the end still is.
    new ResizeObserver(() => this.#resized()).observe(box);
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  /**
   * Runs a change of what is in the box.
   * @param {() => void} change
   */
  keeping(change) {
    // Something may come before the browser has told that the reader has scrolled.
    this.#measure();
    if (this.#isAtEnd) {
      change();
      this.toEnd();
    } else {
      const seen = this.#firstSeen();
      const before = seen?.getBoundingClientRect().top ?? 0;
      change();
      if (seen?.isConnected) this.#box.scrollTop += seen.getBoundingClientRect().top - before;
    }
    this.#wantOlder();
  }

  /**
   * Brings an item into the middle and puts the focus on it.
   * @param {HTMLElement} item
   */
  show(item) {
    this.#isAtEnd = false;
    item.scrollIntoView({ block: 'center' });
    item.focus({ preventScroll: true });
    this.#measure();
  }

  toEnd() {
    this.#isAtEnd = true;
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #look() {
    const wasAtEnd = this.#isAtEnd;
    this.#measure();
    if (this.#isAtEnd && !wasAtEnd) this.dispatchEvent(new Event('end'));
    this.#wantOlder();
  }

  #measure() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    if (clientHeight === this.#height) this.#isAtEnd = scrollHeight - scrollTop - clientHeight < END_PX;
  }

  #resized() {
    this.#height = this.#box.clientHeight;
    if (this.#isAtEnd) this.toEnd();
  }

  #wantOlder() {
    if (this.#box.scrollTop < TOP_PX) this.dispatchEvent(new Event('top'));
  }

  #firstSeen() {
    const { top } = this.#box.getBoundingClientRect();
    return [...this.#box.querySelectorAll('li')].find(item => item.getBoundingClientRect().bottom > top);
  }
}
