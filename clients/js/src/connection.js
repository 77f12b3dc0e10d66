// The socket: signs in with the credential, comes back after whatever ended it, asks and hears.
//
// The official client reconnects by itself after a lost connection, and not after a refused handshake or a
// socket that the server closes: then this file gets a new token, or waits, and connects again. Two refused
// credentials in a row end it, until `useToken`.

import { io } from 'socket.io-client';
import { SOONEST_RENEWAL_MS } from './credentials.js';
import { pauseAfter } from './pause.js';
import { Refusal } from './refusal.js';

/** @typedef {import('./events.js').Requests} Requests */
/** @typedef {import('./events.js').ConnectionState} ConnectionState */

/**
 * Who is told.
 * @typedef {object} ConnectionHooks
 * @property {(name: string, body: any) => void} heard an event of the server
 * @property {(recovered: boolean) => void} connected `recovered`: the session goes on and nothing is missing
 * @property {(state: ConnectionState, refusal?: Refusal, recovered?: boolean) => void} state
 */

/** An answer that does not come within this is none. Longer than the server takes to say "queued". */
const ANSWER_PATIENCE_MS = 10_000;
const RECONNECT_MS = { first: 500, longest: 5_000 };
/** Too many windows are open: somebody has to close one first. */
const CROWDED_PAUSE_MS = 30_000;
/** After this many refused credentials in a row no further one is tried. */
const REFUSALS_MAX = 2;

export class Connection {
  #url;
  #options;
  #credentials;
  #hooks;
  /** @type {any} */
  #socket;
  /** @type {ConnectionState} */
  #state = 'closed';
  /** Whether there is to be a connection: from `open` until `close`, or until no credential helps. */
  #isWanted = false;
  /** What the server was shown last. @type {string | undefined} */
  #shown;
  /** Whether the session is the person's. */
  #isReady = false;
  /** Why the server took the last credential no more. @type {Refusal | undefined} */
  #refusal;
  #refusals = 0;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal;
  /**
   * The page goes away. A browser that ends a page may break the line without a word, and then others would
   * see this person online for as long as the server keeps the session. A page that is shown again, from the
   * browser's cache, connects by itself.
   */
  #leave = () => { this.#socket?.io.engine?.close(); };

  /**
   * @param {string} url
   * @param {object} options of `io`
   * @param {import('./credentials.js').Credentials} credentials
   * @param {ConnectionHooks} hooks
   */
  constructor(url, options, credentials, hooks) {
    this.#url = url;
    this.#options = options;
    this.#credentials = credentials;
    this.#hooks = hooks;
  }

  /** How the connection is. */
  get state() {
    return this.#state;
  }

  /** Whether events go out and come in. */
  get isUp() {
    return this.#isReady && Boolean(this.#socket?.connected);
  }

  /** Connects, or connects again after an end. */
  open() {
    if (this.#state !== 'closed' && this.#state !== 'ended') return;
    this.#isWanted = true;
    this.#refusals = 0;
    this.#show('connecting');
    this.#socket ??= this.#build();
    globalThis.addEventListener?.('pagehide', this.#leave);
    this.#socket.connect();
  }

  close() {
    this.#stop('closed');
  }

  /**
   * Asks; gives the answer, or throws a `Refusal`. With the code `offline` it is not known whether it was
   * done.
   * @template {keyof Requests} Name
   * @param {Name} name
   * @param {Requests[Name]['body']} body
   * @returns {Promise<Requests[Name]['answer']>}
   */
  async ask(name, body) {
    if (!this.isUp && !(name === 'auth' && this.#socket?.connected)) throw new Refusal({ code: 'offline' });
    const answer = await this.#socket.timeout(ANSWER_PATIENCE_MS).emitWithAck(name, body).catch((/** @type {unknown} */ cause) => {
      throw new Refusal({ code: 'offline', error: 'no answer came', cause });
    });
    if (answer?.success !== true) throw new Refusal(answer ?? {});
    return answer;
  }

  /**
   * Shows the server the credential that there is now: in the open session, or by connecting again.
   */
  async present() {
    if (!this.isUp) return this.open();
    return this.#authenticate(await this.#credentials.get());
  }

  #build() {
    const socket = io(this.#url, {
      reconnectionDelay: RECONNECT_MS.first, reconnectionDelayMax: RECONNECT_MS.longest, withCredentials: this.#credentials.isCookie,
      ...this.#options, forceNew: true, autoConnect: false, auth: (/** @type {(auth: object) => void} */ done) => this.#signIn(done),
    });
    socket.onAny((/** @type {string} */ name, /** @type {any} */ body) => this.#heard(name, body));
    socket.on('connect', () => void this.#connected(Boolean(socket.recovered)));
    socket.on('disconnect', (/** @type {string} */ reason) => this.#disconnected(reason));
    socket.on('connect_error', (/** @type {any} */ error) => this.#refused(error));
    return socket;
  }

  /**
   * The transport is open and the session wants the credential. Without one that can be had now, the
   * transport is given up, and the client comes back to it after a pause.
   * @param {(auth: object) => void} done
   */
  async #signIn(done) {
    const { engine } = this.#socket.io;
    try {
      const token = await this.#credentials.get();
      if (!this.#isWanted || engine !== this.#socket.io.engine) return;
      this.#shown = token;
      this.#failures = 0;
      done(token === undefined ? {} : { token });
    } catch (error) {
      if (!this.#isWanted) return;
      const refusal = Refusal.of(error);
      if (refusal.endsSignIn) return this.#end(this.#refusal ?? refusal);
      this.#show('offline', refusal);
      this.#failures += 1;
      this.#timer = setTimeout(() => engine === this.#socket.io.engine && engine.close(), pauseAfter(this.#failures));
    }
  }

  /** @param {boolean} recovered */
  async #connected(recovered) {
    if (this.#credentials.isCookie && !await this.#isOwn() || !this.#isWanted) return;
    this.#isReady = true;
    this.#refusal = undefined;
    this.#refusals = 0;
    this.#planRenewal();
    this.#hooks.connected(recovered);
    if (this.isUp) this.#show('online', undefined, recovered);
  }

  /**
   * Whether the cookie is the person's: somebody else may have signed in at the host meanwhile, as whom
   * nothing of this person must be sent.
   */
  async #isOwn() {
    try {
      await this.ask('auth', { userId: this.#credentials.userId });
      return true;
    } catch (error) {
      const refusal = Refusal.of(error);
      if (!refusal.isPassing) this.#end(refusal);
      // What has no answer is asked again by the next session.
      else if (this.#socket.connected) this.#socket.io.engine.close();
      return false;
    }
  }

  /** @param {string} reason */
  #disconnected(reason) {
    clearTimeout(this.#renewal);
    this.#isReady = false;
    if (!this.#isWanted) return;
    this.#show('offline');
    // Only then the official client does not come back by itself.
    if (reason === 'io server disconnect') this.#connectIn(pauseAfter(1));
  }

  /** @param {any} error */
  #refused(error) {
    const code = error?.data?.code;
    if (!code) return this.#show('offline');
    const refusal = new Refusal({ code, error: error.message, retryAfterMs: error.data.retryAfterMs });
    if (refusal.endsSignIn) return this.#replace(refusal);
    if (!refusal.isPassing) return this.#end(refusal);
    this.#show('offline', refusal);
    return this.#connectIn(refusal.retryAfterMs || (code === 'rate_limited' ? CROWDED_PAUSE_MS : pauseAfter(1)));
  }

  /**
   * @param {string} name
   * @param {any} body
   */
  #heard(name, body) {
    // The server closes the socket after this; the next session needs a new token.
    if (name === 'auth:error') {
      const refusal = new Refusal(body ?? {});
      if (this.#credentials.isCookie) this.#end(refusal);
      else if (refusal.endsSignIn) {
        this.#refusal = refusal;
        this.#credentials.drop(this.#shown);
      }
    }
    this.#hooks.heard(name, body);
  }

  /**
   * The handshake was refused for its credential: another one is tried.
   * @param {Refusal} refusal
   */
  #replace(refusal) {
    this.#refusals += 1;
    this.#credentials.drop(this.#shown);
    if (!this.#credentials.isRenewable || this.#refusals >= REFUSALS_MAX) return this.#end(refusal);
    this.#show('offline', refusal);
    return this.#connectIn(0);
  }

  /**
   * Shows the server a token in the open session.
   * @param {string | undefined} token
   */
  async #authenticate(token) {
    await this.ask('auth', { token });
    this.#shown = token;
    this.#planRenewal();
  }

  /**
   * A token that is about to end is replaced while the session goes on.
   * @param {number | undefined} [time] milliseconds until then
   */
  #planRenewal(time = this.#credentials.renewalMs) {
    clearTimeout(this.#renewal);
    if (time !== undefined && this.#credentials.isRenewable) this.#renewal = setTimeout(() => this.#renew(), time);
  }

  /**
   * Until another token is there, the one that is about to end holds; so a renewal that fails is tried again
   * as long as the session is open. The next session plans its own.
   */
  async #renew() {
    try {
      const token = await this.#credentials.renew();
      if (this.isUp) await this.#authenticate(token);
    } catch {
      if (this.isUp) this.#planRenewal(SOONEST_RENEWAL_MS);
    }
  }

  /** @param {number} time */
  #connectIn(time) {
    clearTimeout(this.#timer);
    // Whoever was told of the loss may have closed it.
    if (this.#isWanted) this.#timer = setTimeout(() => this.#socket.connect(), time);
  }

  /** @param {Refusal} refusal */
  #end(refusal) {
    this.#stop('ended', refusal);
  }

  /**
   * Ends the connection for good. Whoever is told finds it ended, and may open it again at once.
   * @param {'closed' | 'ended'} state
   * @param {Refusal} [refusal]
   */
  #stop(state, refusal) {
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    this.#isWanted = false;
    this.#isReady = false;
    globalThis.removeEventListener?.('pagehide', this.#leave);
    this.#socket?.disconnect();
    this.#show(state, refusal);
  }

  /**
   * @param {ConnectionState} state
   * @param {Refusal} [refusal]
   * @param {boolean} [recovered]
   */
  #show(state, refusal, recovered) {
    if (state === this.#state && !refusal) return;
    this.#state = state;
    this.#hooks.state(state, refusal, recovered);
  }
}
