// A small Socket.IO v5 client over WebSocket: connects, acknowledges, recovers its session, comes back after
// a loss. The official socket.io-client works just as well; this page only wants no build step and no other
// origin.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const ACK_PATIENCE_MS = 10000;

export class Socket extends EventTarget {
  /** Whether the session is open: events go out and come in. */
  connected = false;
  #auth;
  /** @type {WebSocket | undefined} */
  #ws;
  /** @type {string | undefined} */
  #session;
  /** @type {string | undefined} */
  #offset;
  /**
   * @type {Map<number, { resolve: (answer: any) => void, reject: (error: Error) => void,
   *   timer: ReturnType<typeof setTimeout> }>}
   */
  #acks = new Map();
  #nextAck = 0;
  #pause = FIRST_PAUSE_MS;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchdog;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reopening;
  #patience = 45000;

  /**
   * `auth` gives what is presented each time that the socket connects.
   * @param {() => { token?: string }} auth
   */
  constructor(auth) {
    super();
    this.#auth = auth;
    this.#open();
  }

  /**
   * Closes the connection because the page goes away. A browser that ends a page may break the line instead,
   * and then others would see this person online for as long as the session waits for it.
   */
  pause() {
    clearTimeout(this.#reopening);
    const ws = this.#ws;
    if (!ws) return;
    // What still comes is not taken note of, so the session gives it again.
    ws.onmessage = null;
    this.#ws = undefined;
    this.#lost();
    ws.close();
  }

  /** Connects anew at once, whatever the connection looks like. */
  renew() {
    if (this.#closed) return;
    this.pause();
    this.#pause = FIRST_PAUSE_MS;
    this.#open();
  }

  /** Connects again: the page is shown once more, from the browser's cache. */
  resume() {
    if (!this.#closed && !this.#ws) this.#open();
  }

  /**
   * Sends an event; resolves with the server's acknowledgement, rejects if none comes or the connection is
   * lost.
   * @param {string} name
   * @param {unknown} body
   * @returns {Promise<any>}
   */
  request(name, body) {
    return new Promise((resolve, reject) => {
      if (this.#ws?.readyState !== WebSocket.OPEN || !this.connected) return reject(new Error('not connected'));
      const id = this.#nextAck++;
      const timer = setTimeout(() => { this.#acks.delete(id); reject(new Error('no answer')); }, ACK_PATIENCE_MS);
      this.#acks.set(id, { resolve, reject, timer });
      this.#ws.send(`42${id}${JSON.stringify([name, body])}`);
    });
  }

  close() {
    this.#closed = true;
    this.#ws?.close();
  }

  #open() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const ws = this.#ws = new WebSocket(`${scheme}://${location.host}/socket.io/?EIO=4&transport=websocket`);
    ws.onmessage = event => this.#receive(event.data);
    ws.onclose = () => this.#disconnected(ws);
  }

  /** @param {WebSocket} ws */
  #disconnected(ws) {
    if (ws !== this.#ws) return;
    this.#lost();
    if (this.#closed) return;
    this.#reopening = setTimeout(() => this.#open(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  /** What waits for an answer gets none. */
  #lost() {
    clearTimeout(this.#watchdog);
    this.connected = false;
    for (const ack of this.#acks.values()) { clearTimeout(ack.timer); ack.reject(new Error('connection lost')); }
    this.#acks.clear();
    this.#tell('disconnect');
  }

  /** @param {string} text */
  #receive(text) {
    this.#expectPing();
    switch (text[0]) {
      case '0': return this.#handshake(JSON.parse(text.slice(1)));
      case '2': return this.#ws?.send('3');
      case '4': return this.#packet(text.slice(1));
    }
  }

  /** @param {{ pingInterval: number, pingTimeout: number }} open */
  #handshake({ pingInterval, pingTimeout }) {
    this.#patience = pingInterval + pingTimeout;
    const session = this.#session ? { pid: this.#session, offset: this.#offset } : {};
    this.#ws?.send(`40${JSON.stringify({ ...this.#auth(), ...session })}`);
  }

  /** @param {string} text */
  #packet(text) {
    const [, kind, id, body] = /^(\d)(\d*)(.*)$/s.exec(text) ?? [];
    const data = body ? JSON.parse(body) : undefined;
    if (kind === '0') return this.#connected(data);
    if (kind === '4') { this.#closed = true; this.#tell('refused', data); return this.#ws?.close(); }
    if (kind === '3') return this.#answered(Number(id), data[0]);
    if (kind === '2') {
      if (data.length > 2 || typeof data.at(-1) === 'string') this.#offset = data.at(-1);
      this.#tell(data[0], data[1]);
    }
  }

  /** @param {{ pid?: string }} session */
  #connected({ pid }) {
    const recovered = pid !== undefined && pid === this.#session;
    this.#session = pid;
    this.#pause = FIRST_PAUSE_MS;
    this.connected = true;
    this.#tell('connect', { recovered });
  }

  /**
   * @param {number} id
   * @param {any} data
   */
  #answered(id, data) {
    const ack = this.#acks.get(id);
    if (!ack) return;
    clearTimeout(ack.timer);
    this.#acks.delete(id);
    ack.resolve(data);
  }

  #expectPing() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#ws?.close(), this.#patience);
  }

  /**
   * @param {string} name
   * @param {any} [detail]
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
