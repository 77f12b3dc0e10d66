// Puts the messaging page into a page of the host application, in a frame. The host's page has one line:
//
//   <script src="https://chat.example.com/embed.js" data-token-url="/chat-token"></script>
//
//   data-token-url   where the host gives the user's token: JSON {token}, or the token as text. Without it
//                    the host's cookie signs in.
//   data-target      a selector of the element that the chat is put into. Without it there is a button at the
//                    bottom right that opens the chat.
//   data-title       what the chat is called for those who hear the page; "Chat" otherwise.
//
// It runs under a strict policy of the host's: script-src and frame-src with the chat's origin, connect-src
// 'self'. It is no module, so that it knows its own element. docs/PROTOCOL.md has the events, `EventFlow` and
// the messages that go between this script and the frame (web/host-page.js is the other end).

(() => {
  /** Of the messages; the frame ignores those of another version. */
  const VERSION = 1;
  /** Longest token that the server takes. */
  const TOKEN_MAX = 8 * 1024;
  const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
  /** The host's own server has no answer after this. */
  const PATIENCE_MS = 10_000;
  const FIRST_PAUSE_MS = 1_000;
  const LONGEST_PAUSE_MS = 30_000;
  /** A token that is wanted anew so soon was refused: it counts as a failure, and the next one waits. */
  const SOON_MS = 5_000;
  /** Signing out does not wait longer for a frame that does not answer. */
  const GOOD_BYE_MS = 5_000;
  /** A frame that has said nothing by then was refused by the browser, or its server is away. */
  const SILENT_MS = 15_000;
  /** More unread messages than this are not counted on the button. */
  const SHOWN_MAX = 99;
  /** As narrow or as low, the open chat covers all of the page. */
  const STYLE = `
    :host { all: initial; color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }
    button { font: inherit; cursor: pointer; border: 0; }
    :focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #1b2232; }
    .launcher { position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; width: 56px; height: 56px; padding: 0; border-radius: 50%;
      background: #3450c4; color: #fff; display: grid; place-items: center; }
    .count { position: absolute; top: -4px; right: -4px; min-width: 20px; padding: 0 6px; border-radius: 999px; background: #c41f30; color: #fff;
      font-size: 13px; font-weight: 600; line-height: 20px; box-sizing: border-box; text-align: center; }
    .count:empty { display: none; }
    .panel { position: fixed; right: 20px; bottom: 88px; z-index: 2147483001; width: min(400px, calc(100vw - 40px)); height: min(640px, calc(100vh - 108px));
      display: grid; grid-template-rows: auto 1fr; overflow: hidden; border-radius: 16px; background: Canvas; color: CanvasText;
      border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas); box-shadow: 0 6px 24px rgb(20 30 60 / 25%); box-sizing: border-box; visibility: hidden; }
    .is-open .panel { visibility: visible; }
    .bar { display: flex; align-items: center; justify-content: space-between; padding-left: 16px; font-weight: 600; }
    .close { width: 44px; height: 44px; background: transparent; color: inherit; font-size: 22px; line-height: 1; }
    .close:focus-visible { outline: 3px solid currentColor; outline-offset: -3px; box-shadow: none; }
    iframe { width: 100%; height: 100%; border: 0; display: block; }
    @media (max-width: 480px), (max-height: 420px) {
      .panel { inset: 0; width: 100%; height: 100%; border: 0; border-radius: 0; }
      .is-open .launcher { visibility: hidden; }
    }`;

  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement)) return console.error('EventFlow: embed.js is put into a page by an element <script>, and is no module');
  if (window.EventFlow) return console.warn('EventFlow: the chat is in this page already');
  const { origin } = new URL(script.src);
  const { tokenUrl, target, title = 'Chat' } = script.dataset;

  /**
   * Tells the host's page what has happened.
   * @param {string} name
   * @param {object} [detail]
   */
  const tell = (name, detail) => script.dispatchEvent(new CustomEvent(`eventflow:${name}`, { bubbles: true, detail }));

  /**
   * @param {string} tag
   * @param {Record<string, string>} attributes
   * @param {...(Node | string)} children
   */
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  /** Why the host gave no token. */
  class NoToken extends Error {
    /** @param {'refused' | 'unreachable' | 'wrong'} reason */
    constructor(reason) {
      super(`the host gave no token: ${reason}`);
      this.reason = reason;
    }
  }

  /** Asks the host's server for a token until there is one, with pauses. */
  class Tokens {
    #url;
    #got;
    #failed;
    #isWanted = false;
    #isOver = false;
    #failures = 0;
    #gotAt = -Infinity;

    /**
     * `got` is called with each token, `failed` with the reason of each failure.
     * @param {string} url
     * @param {(token: string) => void} got
     * @param {(reason: string) => void} failed
     */
    constructor(url, got, failed) {
      this.#url = new URL(url, document.baseURI);
      this.#got = got;
      this.#failed = failed;
    }

    want() {
      if (this.#isWanted) return;
      this.#isWanted = true;
      this.#failures = performance.now() - this.#gotAt < SOON_MS ? this.#failures + 1 : 0;
      setTimeout(() => this.#ask(), this.#pause);
    }

    /** The user signs out: what is still under way is for nobody. */
    end() {
      this.#isOver = true;
    }

    get #pause() {
      return this.#failures === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    }

    async #ask() {
      if (this.#isOver) return;
      try {
        const token = await this.#fetch();
        if (this.#isOver) return;
        this.#isWanted = false;
        this.#gotAt = performance.now();
        this.#got(token);
      } catch (error) {
        if (this.#isOver) return;
        this.#failures += 1;
        this.#failed(error instanceof NoToken ? error.reason : 'unreachable');
        setTimeout(() => this.#ask(), this.#pause);
      }
    }

    async #fetch() {
      const answer = await fetch(this.#url, {
        credentials: 'same-origin', cache: 'no-store', headers: { Accept: 'application/json, text/plain' }, signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (answer.status === 401 || answer.status === 403) throw new NoToken('refused');
      if (!answer.ok) throw new NoToken('unreachable');
      const token = tokenOf((await answer.text()).trim());
      if (typeof token !== 'string' || token.length > TOKEN_MAX || !TOKEN.test(token)) throw new NoToken('wrong');
      return token;
    }
  }

  /** @param {string} text */
  function tokenOf(text) {
    try {
      return text.startsWith('{') ? JSON.parse(text).token : text;
    } catch {
      return undefined;
    }
  }

  /** The frame with the messaging page, from its making to signing out. */
  class Chat {
    #frame = /** @type {HTMLIFrameElement} */ (element('iframe', { title, allow: 'autoplay', referrerpolicy: 'no-referrer' }));
    #isPanel;
    #tokens;
    #isShown;
    #isReady = false;
    /** What to open once somebody is signed in. @type {string | undefined} */
    #wanted;
    /** @type {(() => void) | undefined} */
    #signedOut;
    #silence = setTimeout(() => console.warn(`EventFlow: ${origin} does not answer. Its setting EMBED_ORIGINS has to list ${location.origin}`), SILENT_MS);
    #hear = (/** @type {MessageEvent} */ event) => this.#received(event);
    #heard;

    /**
     * @param {Element} place
     * @param {{ isPanel: boolean, isShown: boolean, unread: (count: number) => void, close: () => void }} how
     */
    constructor(place, { isPanel, isShown, unread, close }) {
      this.#isPanel = isPanel;
      this.#isShown = isShown;
      this.#heard = { unread, close };
      this.#tokens = tokenUrl === undefined ? undefined
        : new Tokens(tokenUrl, token => this.#say('token', { token }), reason => this.#say('token-failed', { reason }));
      window.addEventListener('message', this.#hear);
      // The frame listens by then, and it does so anew after it has loaded itself again.
      this.#frame.addEventListener('load', () => this.#greet());
      this.#frame.src = `${origin}/embed`;
      if (!isPanel) Object.assign(this.#frame.style, { width: '100%', height: '100%', border: '0', display: 'block' });
      place.append(this.#frame);
    }

    /** @param {boolean} isShown */
    show(isShown) {
      this.#isShown = isShown;
      this.#say('shown', { isShown });
    }

    focus() {
      this.#frame.focus();
    }

    /**
     * Opens a conversation, or the list; as soon as somebody is signed in.
     * @param {string} [threadId]
     */
    open(threadId) {
      if (this.#isReady) this.#say('open', { threadId: threadId ?? null });
      else this.#wanted = threadId;
    }

    /** Nothing of the user stays in the frame's storage. */
    async signOut() {
      this.#tokens?.end();
      /** @type {Promise<void>} */
      const signedOut = new Promise(resolve => { this.#signedOut = resolve; });
      this.#say('sign-out');
      await Promise.race([signedOut, new Promise(resolve => setTimeout(resolve, GOOD_BYE_MS))]);
      clearTimeout(this.#silence);
      window.removeEventListener('message', this.#hear);
      this.#frame.remove();
    }

    #greet() {
      this.#isReady = false;
      this.#say('hello', { hasTokens: this.#tokens !== undefined, isPanel: this.#isPanel, isShown: this.#isShown });
    }

    /**
     * @param {string} type
     * @param {object} [more]
     */
    #say(type, more) {
      this.#frame.contentWindow?.postMessage({ eventflow: VERSION, type, ...more }, origin);
    }

    /** @param {MessageEvent} event */
    #received({ origin: from, source, data }) {
      if (from !== origin || source !== this.#frame.contentWindow || data?.eventflow !== VERSION) return;
      clearTimeout(this.#silence);
      switch (data.type) {
        case 'token-wanted': return this.#tokens?.want();
        case 'ready': return this.#ready();
        case 'unread': return Number.isSafeInteger(data.count) && data.count >= 0 && this.#heard.unread(data.count);
        case 'open': return (data.threadId === null || typeof data.threadId === 'string') && tell('open', { threadId: data.threadId });
        case 'close': return this.#heard.close();
        case 'signed-out': return this.#signedOut?.();
      }
    }

    #ready() {
      this.#isReady = true;
      if (this.#wanted !== undefined) this.open(this.#wanted);
      this.#wanted = undefined;
      tell('ready');
    }
  }

  /** The button at the bottom right, and the panel that it opens. */
  class Panel {
    #count = element('span', { class: 'count', 'aria-hidden': 'true' });
    #launcher = element('button', { type: 'button', class: 'launcher', title, 'aria-label': title, 'aria-expanded': 'false', 'aria-controls': 'panel' }, bubble(), this.#count);
    #close = element('button', { type: 'button', class: 'close', 'aria-label': `Close ${title}` }, '×');
    #panel = element('div', { id: 'panel', class: 'panel', role: 'dialog', 'aria-label': title }, element('div', { class: 'bar' }, element('span', {}, title), this.#close));
    #all = element('aside', { 'aria-label': title }, this.#launcher, this.#panel);
    /** What had the focus before the chat. @type {Element | null} */
    #before = null;
    place = this.#panel;
    isOpen = false;

    /** @param {() => void} toggle */
    constructor(toggle) {
      const holder = document.createElement('div');
      const root = holder.attachShadow({ mode: 'open' });
      const style = new CSSStyleSheet();
      style.replaceSync(STYLE);
      root.adoptedStyleSheets = [style];
      root.append(this.#all);
      document.body.append(holder);
      for (const each of [this.#launcher, this.#close]) each.addEventListener('click', toggle);
      this.#panel.addEventListener('keydown', event => event instanceof KeyboardEvent && event.key === 'Escape' && toggle());
    }

    /** @param {boolean} isOpen */
    show(isOpen) {
      if (isOpen && !this.isOpen) this.#before = document.activeElement;
      const hadFocus = this.#panel.matches(':focus-within');
      this.isOpen = isOpen;
      this.#all.classList.toggle('is-open', isOpen);
      this.#launcher.setAttribute('aria-expanded', String(isOpen));
      if (!isOpen && hadFocus) this.#giveBack();
    }

    /** @param {number} count */
    unread(count) {
      this.#count.textContent = count === 0 ? '' : count > SHOWN_MAX ? `${SHOWN_MAX}+` : String(count);
      this.#launcher.setAttribute('aria-label', count === 0 ? title : `${title}, ${count} unread`);
    }

    /** The focus goes to the host's button that has opened the chat, or else to ours. */
    #giveBack() {
      const before = this.#before;
      const isOfHost = before instanceof HTMLElement && before.isConnected && before !== document.body && !before.shadowRoot;
      (isOfHost ? before : this.#launcher).focus();
    }
  }

  /** A speech bubble. */
  function bubble() {
    const made = (/** @type {string} */ tag, /** @type {Record<string, string>} */ attributes) => {
      const shape = document.createElementNS('http://www.w3.org/2000/svg', tag);
      for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
      return shape;
    };
    const drawing = made('svg', { viewBox: '0 0 24 24', width: '28', height: '28', 'aria-hidden': 'true' });
    drawing.append(made('path', { d: 'M4 4h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z', fill: 'currentColor' }));
    return drawing;
  }

  /** @type {Panel | undefined} */
  let panel;
  /** @type {Chat | undefined} */
  let chat;

  /** Makes the frame, if there is none. */
  function begin() {
    if (chat) return chat;
    const place = panel?.place ?? document.querySelector(target ?? '');
    if (!place) throw new Error(`EventFlow: there is no element ${target}`);
    chat = new Chat(place, { isPanel: panel !== undefined, isShown: panel?.isOpen ?? true, unread, close });
    return chat;
  }

  /** @param {number} count */
  function unread(count) {
    panel?.unread(count);
    tell('unread', { count });
  }

  /** @param {boolean} isOpen */
  function show(isOpen) {
    const shown = isOpen ? begin() : chat;
    panel?.show(isOpen);
    if (panel) shown?.show(isOpen);
    if (isOpen) shown?.focus();
  }

  function close() {
    if (panel) show(false);
    else chat?.open();
  }

  async function signOut() {
    const gone = chat;
    chat = undefined;
    panel?.show(false);
    await gone?.signOut();
    unread(0);
  }

  window.EventFlow = Object.freeze({
    /** @param {string} [threadId] */
    open(threadId) {
      turn.then(() => {
        show(true);
        if (typeof threadId === 'string') chat?.open(threadId);
      });
    },
    close() {
      turn.then(close);
    },
    signOut() {
      turn = turn.then(signOut);
      return turn;
    },
  });

  /** Resolves once the page has a body. @type {Promise<unknown>} */
  const parsed = document.readyState !== 'loading' ? Promise.resolve()
    : new Promise(resolve => { document.addEventListener('DOMContentLoaded', resolve, { once: true }); });
  /**
   * What is asked for waits for the page's body, and for a signing out that is under way: the storage of both
   * frames is the same.
   * @type {Promise<void>}
   */
  let turn = parsed.then(() => {
    if (target === undefined) panel = new Panel(() => turn.then(() => show(!panel?.isOpen)));
    begin();
  });
})();
