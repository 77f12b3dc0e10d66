// A person in a test: a token, sockets of the official client, REST calls, and every event that was heard,
// in order.

import { createHmac, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { checkAnswer, checkEvent, checkReply } from './schemas.mjs';
import { SECRET } from './system.mjs';

// `require`, because an import does not look at NODE_PATH, where tests/services puts the client.
const { io } = createRequire(import.meta.url)('socket.io-client');
/** Longest that anything expected may take: generous, since a machine that builds is slow. */
const PATIENCE_MS = 20_000;
const TOKEN_LIFE_S = 3_600;
/** The most messages that a page of a history has. */
const PAGE_MAX = 100;

/** A signed token with these claims. */
export function mint(claims, secret = SECRET) {
  const part = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1000) + TOKEN_LIFE_S, ...claims })}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** The pause between two looks: short at first, then longer, since many tests look at the same time. */
const LOOK_EVERY_MS = { first: 20, longest: 100, growth: 1.2 };

/** Resolves with what `look` gives once it is truthy, asking again until the deadline. */
export async function eventually(what, look, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  for (let pause = LOOK_EVERY_MS.first; ; pause = Math.min(pause * LOOK_EVERY_MS.growth, LOOK_EVERY_MS.longest)) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, pause));
  }
}

/** Somebody nobody else in the run is. */
export class Person {
  constructor(system, name, claims = {}) {
    this.system = system;
    this.id = `${name}-${randomUUID().slice(0, 8)}`;
    // Called by their id, so that pages show who is who.
    this.token = mint({ id: this.id, name: this.id, role: 'user', jti: randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims });
    this.heard = [];
  }

  /** A socket of the official client; resolves once it is connected. */
  async connect(options = {}) {
    const socket = this.socket = this.open({ auth: { token: this.token }, ...options });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    return socket;
  }

  /** A socket that is opened as it is, whatever comes of it. Everything it hears is kept in `heard`. */
  open(options) {
    const socket = io(this.system.ws, { transports: ['websocket'], forceNew: true, reconnectionDelay: 50, ...options });
    socket.onAny((event, body) => {
      checkEvent(event, body);
      this.heard.push({ event, body });
    });
    this.sockets = [...(this.sockets ?? []), socket];
    return socket;
  }

  /** Loses the connection, as a phone in a tunnel does; comes back when `meanwhile` has happened. */
  async loses(meanwhile) {
    const { socket } = this;
    const event = name => new Promise(resolve => socket.once(name, resolve));
    const lost = event('disconnect');
    socket.io.reconnection(false);
    socket.io.engine.close();
    await lost;
    await meanwhile();
    socket.io.reconnection(true);
    const back = event('connect');
    socket.connect();
    await back;
  }

  /** Emits and waits for the callback. */
  async ask(event, body) {
    const reply = await this.socket.timeout(PATIENCE_MS).emitWithAck(event, body);
    checkReply(event, reply);
    return reply;
  }

  send(thread, content, more = {}) {
    return this.ask('message:send', { threadId: thread, content, ...more });
  }

  /** Waits until `count` of an event were heard; gives their bodies. */
  hears(event, count = 1) {
    return eventually(`${this.id} hears ${count} ${event}, heard ${JSON.stringify(this.heard).slice(0, 500)}`, () => {
      const bodies = this.all(event);
      return bodies.length >= count && bodies;
    });
  }

  all(event) {
    return this.heard.filter(heard => heard.event === event).map(heard => heard.body);
  }

  /** Contents of the messages heard, in order. */
  received() {
    return this.all('message:received').map(({ message }) => message.content);
  }

  /** A REST call under /api/v2/messages: `{status, headers, ...body}`. */
  rest(method, path, body, headers = {}) {
    return this.api(method, `/messages${path}`, body, headers);
  }

  /**
   * A REST call under /api/v2: `{status, headers, ...body}`. The HTTP status wins over a field of that name.
   */
  async api(method, path, body, headers = {}) {
    const init = { method, headers: { authorization: `Bearer ${this.token}`, ...headers } };
    if (body !== undefined) Object.assign(init, { body: JSON.stringify(body) });
    if (body !== undefined) init.headers['content-type'] = 'application/json';
    const answer = await fetch(`${this.system.http}/api/v2${path}`, init);
    const said = await answer.json();
    checkAnswer(method, path, answer.status, said);
    return { ...said, status: answer.status, headers: answer.headers };
  }

  /**
   * A thread with others; gives its id. A machine that stands still for a moment answers that the thread will
   * be created (202); asking again finds it.
   */
  async startThread(...others) {
    const participants = others.map(other => other.id);
    const { thread } = await eventually('the thread is there', async () => {
      const answer = await this.rest('POST', '/threads', { participants });
      return answer.status !== 202 && answer;
    });
    return thread._id;
  }

  /** Contents of a thread's history, in order. */
  async history(thread, query = '') {
    const { messages } = await this.rest('GET', `/${thread}${query}`);
    return messages.map(message => message.content);
  }

  /** Contents of a thread's whole history, in order, however long it is. */
  async wholeHistory(thread) {
    const contents = [];
    for (;;) {
      const page = await this.history(thread, `?limit=${PAGE_MAX}&after=${contents.length}`);
      contents.push(...page);
      if (page.length < PAGE_MAX) return contents;
    }
  }

  leave() {
    this.sockets?.forEach(socket => socket.disconnect());
  }
}
