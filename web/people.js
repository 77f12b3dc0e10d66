// Names and pictures of people. They come with conversations of two, and serve everything else that names
// somebody.

import { element } from '/elements.js';
import { typed } from '/typed.js';

/** The picture of those who have none: initials tell people apart better. */
const NO_PICTURE = '/assets/avatar.svg';
const HUES = 8;
const NAMES_IN_TITLE = 4;

export class People {
  /** @type {Map<string, { name: string, avatar?: string }>} */
  #known = new Map();
  #me;

  /** @param {Me} me */
  constructor(me) {
    this.#me = me;
    this.#known.set(me.id, { name: me.name });
  }

  /**
   * While its directory is away the server shows people by their ids: a name that was known is kept.
   * @param {{ id: string, name: string, avatar?: string }} person
   */
  learn({ id, name, avatar }) {
    if (name !== id || !this.#known.has(id)) this.#known.set(id, { name: typed(name), avatar });
  }

  /** @param {string} id */
  isKnown(id) {
    return this.#known.has(id);
  }

  /** @param {string} id */
  name(id) {
    return this.#known.get(id)?.name ?? id;
  }

  /**
   * As a sentence names them: oneself is "You".
   * @param {string} id
   */
  nameOrYou(id) {
    return id === this.#me.id ? 'You' : this.name(id);
  }

  /**
   * The people of a conversation but oneself; the first of them in a large one.
   * @param {Thread} thread
   * @returns {string[]}
   */
  others(thread) {
    return thread.participants.filter(id => id !== this.#me.id);
  }

  /**
   * The other one of a conversation of two, which stays one of two; nobody of another conversation.
   * @param {Thread} thread
   * @returns {string | undefined}
   */
  partner(thread) {
    const [other, ...more] = this.others(thread);
    return thread.group || more.length > 0 ? undefined : other;
  }

  /**
   * Whether more than two are in a conversation, or may be.
   * @param {Thread} thread
   */
  isGroup(thread) {
    return thread.group !== undefined || thread.participantCount > 2;
  }

  /**
   * What a conversation is called: its name or subject if it has one, else the names of the others.
   * @param {Thread} thread
   * @returns {string}
   */
  title(thread) {
    const others = this.others(thread);
    const partner = this.partner(thread);
    if (partner) return this.name(partner);
    const called = groupName(thread) || subjectOf(thread);
    if (called) return called;
    if (others.length === 0) return 'Only you';
    const names = others.slice(0, NAMES_IN_TITLE).map(id => this.name(id)).join(', ');
    const count = thread.participantCount - 1;
    if (count === 1) return `Group with ${names}`;
    return count > NAMES_IN_TITLE ? `${names} and ${count - NAMES_IN_TITLE} more` : names;
  }

  /**
   * What else there is to say of a conversation in one line: the subject of two, the people of a group that
   * has a name or a subject.
   * @param {Thread} thread
   * @returns {string}
   */
  subtitle(thread) {
    const others = this.others(thread);
    if (this.partner(thread)) return subjectOf(thread);
    if (!groupName(thread) && !subjectOf(thread)) return '';
    return others.slice(0, NAMES_IN_TITLE).map(id => this.name(id)).join(', ');
  }

  /**
   * What their picture is drawn from, beside their name.
   * @param {string} id
   */
  avatar(id) {
    return this.#known.get(id)?.avatar;
  }

  /**
   * A picture of somebody: their own if this site has it, else their initials.
   * @param {string} id
   */
  picture(id) {
    const { avatar } = this.#known.get(id) ?? {};
    return isOfThisSite(avatar) && avatar !== NO_PICTURE
      ? drawPicture(avatar)
      : this.#initials(id, this.name(id));
  }

  /**
   * A picture of a conversation.
   * @param {Thread} thread
   */
  pictureOf(thread) {
    const partner = this.partner(thread);
    const picture = thread.group?.picture;
    if (partner) return this.picture(partner);
    return isOfThisSite(picture) ? drawPicture(picture) : this.#initials(thread._id, this.title(thread));
  }

  /**
   * @param {string} id
   * @param {string} name
   */
  #initials(id, name) {
    const letters = name.split(/[\s,]+/).filter(Boolean).slice(0, 2).map(word => [...word][0]).join('');
    return element('span', { class: `picture hue-${hue(id)}`, 'aria-hidden': 'true' }, letters.toUpperCase());
  }
}

/** @param {string} address */
const drawPicture = address => element('span', { class: 'picture', 'aria-hidden': 'true' }, element('img', { src: address, alt: '' }));

/**
 * The name that its owners gave a group, as they typed it; empty if it has none.
 * @param {Thread} thread
 * @returns {string}
 */
const groupName = ({ group }) => typed(group?.name ?? '');

/**
 * @param {Thread} thread
 * @returns {string}
 */
function subjectOf({ metadata }) {
  return typeof metadata?.subject === 'string' ? metadata.subject.trim() : '';
}

/**
 * The page shows pictures of its own site only: its policy allows no others.
 * @param {unknown} address
 * @returns {address is string}
 */
function isOfThisSite(address) {
  return typeof address === 'string' && /^\/[^/\\]/.test(address);
}

/** @param {string} id */
function hue(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return sum % HUES;
}
