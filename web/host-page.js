// The page of the host application around this one, where this one is in its frame: messages to embed.js
// there, and from it. docs/PROTOCOL.md has all of them.
//
// The browser lets only pages of EMBED_ORIGINS have this page in a frame. So whoever is the parent may talk
// to it; its origin is that of its first message, and nothing is said to another one. What is not from the
// parent, or is not one of the messages below, is ignored.

/** Of the messages; embed.js ignores those of another version. */
const VERSION = 1;
/** Longest token that the server takes. */
const TOKEN_MAX = 8 * 1024;
/** Longer is no id of a conversation. */
const ID_MAX = 128;

/** Why the host has no token now. @type {Record<string, string>} */
export const NO_TOKEN = {
  refused: 'You are not signed in at the site around this chat.',
  unreachable: 'The site around this chat cannot say who you are at the moment.',
  wrong: 'The site around this chat gives a sign-in that is none.',
};

/**
 * What each message has to be.
 * @type {Record<string, (message: any) => boolean>}
 */
const MESSAGES = {
  hello: ({ hasTokens, isPanel, isShown }) => [hasTokens, isPanel, isShown].every(each => typeof each === 'boolean'),
  token: ({ token }) => typeof token === 'string' && token.length <= TOKEN_MAX,
  'token-failed': ({ reason }) => Object.hasOwn(NO_TOKEN, reason),
  open: ({ threadId }) => threadId === null || typeof threadId === 'string' && threadId.length <= ID_MAX,
  shown: ({ isShown }) => typeof isShown === 'boolean',
  'sign-out': () => true,
};

/** Dispatches each message under its name, with the message as `detail`. */
class HostPage extends EventTarget {
  /** @type {string | undefined} */
  #origin;
  /**
   * How the host has this page: whether it gives tokens, and whether in a panel that opens and closes.
   * @type {Promise<{ hasTokens: boolean, isPanel: boolean, isShown: boolean }>}
   */
  greeted;

  constructor() {
    super();
    this.greeted = new Promise(resolve => {
      this.addEventListener('hello', event => event instanceof CustomEvent && resolve(event.detail), { once: true });
    });
    addEventListener('message', event => this.#received(event));
  }

  /**
   * @param {string} type
   * @param {object} [more]
   */
  say(type, more) {
    if (this.#origin !== undefined) window.parent.postMessage({ eventflow: VERSION, type, ...more }, this.#origin);
  }

  /**
   * Calls `act` with every such message, until `signal` says that it is enough.
   * @param {string} type
   * @param {(message: any) => void} act
   * @param {AbortSignal} [signal]
   */
  on(type, act, signal) {
    this.addEventListener(type, event => event instanceof CustomEvent && act(event.detail), { signal });
  }

  /** @param {MessageEvent} event */
  #received({ origin, source, data }) {
    if (source !== window.parent || source === window || !isMessage(data)) return;
    if (this.#origin === undefined && data.type === 'hello' && /^https?:/.test(origin)) this.#origin = origin;
    if (origin !== this.#origin) return;
    if (data.type === 'hello') this.say('here');
    this.dispatchEvent(new CustomEvent(data.type, { detail: data }));
  }
}

/** @param {any} data */
function isMessage(data) {
  return data !== null && typeof data === 'object' && data.eventflow === VERSION
    && Object.hasOwn(MESSAGES, data.type) && MESSAGES[data.type](data);
}

/** Nothing where this page is not the one for frames. */
export const host = location.pathname === '/embed' ? new HostPage() : undefined;
