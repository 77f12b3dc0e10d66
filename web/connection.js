// The socket as the rest of the page sees it: events in, questions out, and the line that says how the
// connection is.
//
// When the browser goes offline or online, the page tries at once what it has: the line would else say
// "connected" until a ping is missed. A server that lets no page of this address in looks like one that is
// away, so after two failures the page asks it. What the server refuses becomes a `Refusal`. If the
// credential is the reason, another one is waited for where the host application gives it, and else the
// sign-in ends. Otherwise a refused handshake makes the page open a new socket after a pause, because the
// refused one does not reconnect by itself. If an administrator ends the connection, the page says why and
// stays away: coming back at once would undo what they did, so it is left to the person.

import { $ } from '/elements.js';
import { Refusal } from '/refusal.js';
import { Socket } from '/socket.js';

const REFUSED_PAUSE_MS = 5_000;
/** Failures in a row after which the page asks why: one may be a reload of the server. */
const FAILURES_ASKED = 2;
/** A write that asks for nothing: whoever may not write from this address learns so before all else. */
const ASKS_NOTHING = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
/** Too many windows are open: somebody has to close one first. */
const CROWDED_PAUSE_MS = 30_000;

export class Connection {
  #credential;
  #me;
  #ended;
  /** @type {Socket | undefined} */
  #socket;
  /** Whether the socket is that of this person; with a cookie, once the server has said so. */
  #isOurs = false;
  /** Whether another credential is waited for. */
  #isRenewing = false;
  /** Whether an administrator has ended the connection. */
  #isOver = false;
  /** Connections in a row that did not come about. */
  #failures = 0;
  /** @type {[string, (body: any) => void][]} */
  #listeners = [];

  /**
   * `ended` is called with the refusal when the credential does not hold any more.
   * @param {{ credential: import('/credential.js').Credential, me: Me }} who
   * @param {(refusal: Refusal) => void} ended
   */
  constructor({ credential, me }, ended) {
    this.#credential = credential;
    this.#me = me;
    this.#ended = ended;
    credential.addEventListener('change', () => this.isUp && !credential.isCookie && this.mention('auth', credential.handshake));
    credential.addEventListener('trouble', event => event instanceof CustomEvent && this.#isRenewing && this.#show('down', event.detail));
    this.on('connect', ({ recovered }) => {
      this.#failures = 0;
      this.#show('up', recovered ? 'connected, nothing missed' : 'connected');
    });
    this.on('disconnect', () => this.#isOver || this.#isRenewing || this.#lost());
    addEventListener('offline', () => this.#socket?.renew());
    addEventListener('online', () => this.isUp || this.#socket?.renew());
    this.on('session:ended', ({ reason }) => this.#endedFor(reason));
    this.on('refused', refused => this.#refused(new Refusal({ code: refused?.data?.code, error: refused?.message })));
    this.on('auth:error', refused => this.#endIfOver(new Refusal(refused)));
    addEventListener('pagehide', () => this.#socket?.pause());
    addEventListener('pageshow', event => { if (event.persisted) this.#socket?.resume(); });
  }

  /**
   * Calls `act` with the body of every such event, also after the socket was replaced.
   * @param {string} name
   * @param {(body: any) => void} act
   */
  on(name, act) {
    this.#listeners.push([name, act]);
  }

  open() {
    const socket = this.#socket = new Socket(() => this.#credential.handshake);
    this.#isOurs = false;
    socket.addEventListener('disconnect', () => { if (socket === this.#socket) this.#isOurs = false; });
    socket.addEventListener('connect', event => event instanceof CustomEvent && this.#connected(socket, event.detail));
    for (const [name, act] of this.#listeners) {
      if (name === 'connect') continue;
      socket.addEventListener(name, event => {
        if (socket === this.#socket && event instanceof CustomEvent) act(event.detail);
      });
    }
  }

  /**
   * A cookie may be another person's by now: nothing is sent before the server has said whose the socket is.
   * @param {Socket} socket
   * @param {{ recovered: boolean }} how
   */
  async #connected(socket, how) {
    if (this.#credential.isCookie) {
      const answer = await socket.request('auth', { userId: this.#me.id }).catch(() => undefined);
      if (socket !== this.#socket || !answer) return;
      if (!answer.success) return this.#renew();
    }
    if (socket !== this.#socket) return;
    this.#isOurs = true;
    for (const [name, act] of this.#listeners) if (name === 'connect') act(how);
  }

  close() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  get isUp() {
    return Boolean(this.#socket?.connected) && this.#isOurs;
  }

  /**
   * Asks; gives the answer, or throws a `Refusal`. Without an answer its code is `offline`, and it is not
   * known whether it was done.
   * @param {string} name
   * @param {object} body
   * @returns {Promise<any>}
   */
  async ask(name, body) {
    if (!this.#socket || !this.#isOurs) throw new Refusal({ code: 'offline' });
    const answer = await this.#socket.request(name, body).catch(() => ({ success: false, code: 'offline' }));
    if (!answer.success) throw new Refusal(answer);
    return answer;
  }

  /**
   * Says something that is worth nothing later: whether it arrives does not matter.
   * @param {string} name
   * @param {object} body
   */
  mention(name, body) {
    this.ask(name, body).catch(refusal => this.#endIfOver(refusal));
  }

  #lost() {
    this.#failures += 1;
    if (!navigator.onLine) return this.#show('down', 'you are offline, trying again …');
    if (this.#failures <= FAILURES_ASKED) return this.#show('down', 'connection lost, trying again …');
    return this.#failures % FAILURES_ASKED === 0 ? undefined : this.#askWhy();
  }

  /** Why there is no connection, as far as the service says so. */
  async #askWhy() {
    const failures = this.#failures;
    const words = await fetch('/api/v2/messages/threads', ASKS_NOTHING).then(async answer => {
      const { code, error } = await answer.json();
      const isRefused = code === 'forbidden' && /origin/.test(error);
      return isRefused ? `this server lets no page of ${location.origin} in: its operator has to add the address to ALLOWED_ORIGINS` : '';
    }).catch(() => 'the service is not available, trying again …');
    if (failures === this.#failures && !this.#isOver) this.#show('down', words || 'connection lost, trying again …');
  }

  /** @param {Refusal} refusal */
  #refused(refusal) {
    if (this.#endIfOver(refusal)) return;
    const isCrowded = refusal.code === 'rate_limited';
    this.#show('down', isCrowded ? 'too many windows are open, please close one' : 'the service is not available, trying again …');
    const socket = this.#socket;
    setTimeout(() => socket === this.#socket && this.open(), isCrowded ? CROWDED_PAUSE_MS : REFUSED_PAUSE_MS);
  }

  /** @param {string} reason */
  #endedFor(reason) {
    this.#isOver = true;
    this.#socket?.close();
    this.#show('down', `an administrator has ended your connection: ${reason}. Reload the page to connect again`);
  }

  /** @param {Refusal} refusal */
  #endIfOver(refusal) {
    if (!refusal.endsSignIn) return false;
    if (this.#credential.isRenewable) this.#renew();
    else this.#ended(refusal);
    return true;
  }

  /** Connects anew once there is another credential. */
  async #renew() {
    const socket = this.#socket;
    if (!socket || this.#isRenewing) return;
    this.#isRenewing = true;
    this.#show('down', 'signing in again …');
    socket.close();
    await this.#credential.replace(this.#credential.version);
    this.#isRenewing = false;
    if (socket === this.#socket) this.open();
  }

  /**
   * @param {'up' | 'down'} kind
   * @param {string} words
   */
  #show(kind, words) {
    $('connection').className = kind;
    $('connection').textContent = words;
  }
}
