// The scroll position of a conversation. What the reader sees stays where it is, whatever is added above or
// below. Only a reader at the end follows the end, and not past what they have not seen: of more than fits,
// they see the beginning first. Who went past it to the end wanted that, and stays there. Dispatches `moved`
// when the reader goes somewhere, and `top` when older messages are wanted.

/** Being this near to the end is being there. */
const END_PX = 48;
/** Older messages are asked for before the reader has to wait for them. */
const TOP_PX = 300;
/** What is unseen begins so far below the top of the box: the name of a day stands there. */
const HEADROOM_PX = 40;
/** Places are fractions of pixels. */
const ROUNDING_PX = 1;

export class Scroller extends EventTarget {
  #box;
  #firstUnseen;
  #height = 0;
  #isAtEnd = true;
  /** Where the box was placed last; elsewhere is where its reader has scrolled. */
  #placed = 0;
  /**
   * The first item that its reader had not seen when they went past it to the end.
   * @type {HTMLElement | undefined}
   */
  #passed;

  /**
   * `firstUnseen` gives the first item that its reader has not seen, if there is one.
   * @param {HTMLElement} box
   * @param {() => HTMLElement | undefined} firstUnseen
   */
  constructor(box, firstUnseen) {
    super();
    this.#box = box;
    this.#firstUnseen = firstUnseen;
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
      this.#followEnd();
    } else {
      const seen = this.#firstSeen();
      const before = seen?.getBoundingClientRect().top ?? 0;
      change();
      if (seen?.isConnected) this.#place(this.#box.scrollTop + seen.getBoundingClientRect().top - before);
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

  /** The reader wants to go to the end. */
  toEnd() {
    this.#passed = this.#firstUnseen();
    this.#placeAtEnd();
  }

  /**
   * Whether the last of an item is before the reader's eyes, or above them.
   * @param {HTMLElement} item
   */
  hasCome(item) {
    return item.getBoundingClientRect().bottom <= this.#box.getBoundingClientRect().bottom + ROUNDING_PX;
  }

  #placeAtEnd() {
    this.#isAtEnd = true;
    this.#place(this.#box.scrollHeight);
  }

  /** @param {number} top */
  #place(top) {
    this.#box.scrollTop = top;
    this.#placed = this.#box.scrollTop;
  }

  #followEnd() {
    this.#placeAtEnd();
    const unseen = this.#firstUnseen();
    if (!unseen || unseen === this.#passed) return;
    const over = this.#box.getBoundingClientRect().top + HEADROOM_PX - unseen.getBoundingClientRect().top;
    if (over <= 0) return;
    this.#place(this.#box.scrollTop - over);
    this.#measure();
  }

  #look() {
    this.#measure();
    this.dispatchEvent(new Event('moved'));
    this.#wantOlder();
  }

  #measure() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    if (clientHeight === this.#height) this.#isAtEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    // Only the reader brings the box to the end from where it was placed.
    if (this.#isAtEnd && Math.abs(scrollTop - this.#placed) > ROUNDING_PX) this.#passed = this.#firstUnseen();
  }

  #resized() {
    this.#height = this.#box.clientHeight;
    if (this.#isAtEnd) this.#followEnd();
  }

  #wantOlder() {
    if (this.#box.scrollTop < TOP_PX) this.dispatchEvent(new Event('top'));
  }

  #firstSeen() {
    const { top } = this.#box.getBoundingClientRect();
    return [...this.#box.querySelectorAll('li')].find(item => item.getBoundingClientRect().bottom > top);
  }
}
