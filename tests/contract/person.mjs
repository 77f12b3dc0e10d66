// A person in a test: a token, sockets of the official client, REST calls, and every event that was heard,
// in order.
//
// A server that gets no answer from its store within 3 s says that it has the write ("queued", 202), which
// any client has to expect. On a slow machine that happens to every kind of write, so a person here does what
// the protocol asks of a client: asks again where that does no harm, or reads until the message is there.
// What a test sees is the answer of the write that was carried out. `apiOnce` and `restOnce` show the first
// answer.

import { createHmac, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { checkAnswer, checkEvent, checkReply } from './schemas.mjs';
import { SECRET } from './system.mjs';

// `require`, because an import does not look at NODE_PATH, where tests/services puts the client.
const { io } = createRequire(import.meta.url)('socket.io-client');
/**
 * Longest that anything expected may take. Nothing that works takes as long, even on a machine that is busy
 * with other tests and several times slower than most; it only says when to give up.
 */
export const PATIENCE_MS = 60_000;
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

/** Whether the server has a write, or a part of it, and has not carried it out yet. */
const isQueued = answer => answer?.status === 202 || answer?.status === 'queued' || answer?.queued?.length > 0;

/** The answer of a write that may be made again, once it is carried out. */
export const carriedOut = ask => eventually('it is carried out', async () => {
  const answer = await ask();
  return !isQueued(answer) && answer;
});

/** Events whose writes may be asked for again: what is done already is done once. */
const REPEATABLE_EVENTS = new Set(['message:edit', 'message:delete', 'message:read', 'thread:read', 'thread:unread', 'message:pin', 'message:unpin', 'draft:save']);
/** Paths whose `POST` may be made again; every other write but those by `POST` may, too. */
const REPEATABLE_POSTS = /\/(read|unread|unarchive|threads|members|preferences|devices|send)$/;

/** The id of the message or notification that a command makes (docs/adr/0004-derived-ids.md). */
function idMadeBy(commandId) {
  const digits = commandId.replaceAll('-', '');
  const seconds = Math.floor(parseInt(digits.slice(0, 12), 16) / 1_000);
  return seconds.toString(16).padStart(8, '0') + digits.slice(16);
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

  /** Loses the connection, as a phone in a tunnel does; connects again when `meanwhile` has happened. */
  async reconnects(meanwhile) {
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
    const ask = async () => {
      const reply = await this.socket.timeout(PATIENCE_MS).emitWithAck(event, body);
      checkReply(event, reply);
      return reply;
    };
    const answer = await ask();
    return isQueued(answer) && REPEATABLE_EVENTS.has(event) ? carriedOut(ask) : answer;
  }

  async send(thread, content, more = {}) {
    const ask = () => this.ask('message:send', { threadId: thread, content, ...more });
    const answer = await ask();
    if (!isQueued(answer)) return answer;
    return more.clientMessageId === undefined ? { success: true, message: await this.#stored(thread, answer) } : carriedOut(ask);
  }

  /** The message that a queued write without a key stores, once it is there. */
  #stored(thread, { commandId }) {
    const id = idMadeBy(commandId);
    return eventually(`the message of ${commandId} is stored`, async () => {
      const { messages } = await this.rest('GET', `/${thread}?limit=${PAGE_MAX}`);
      return messages?.find(message => message._id === id);
    });
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

  /** As `rest`, with the first answer. */
  restOnce(method, path, body, headers = {}) {
    return this.apiOnce(method, `/messages${path}`, body, headers);
  }

  /**
   * A REST call under /api/v2: `{status, headers, ...body}`. The HTTP status wins over a field of that name.
   */
  async api(method, path, body, headers = {}) {
    // A notification has a key of its own, so that the request may be made again.
    const needsKey = method === 'POST' && path === '/notifications' && body?.clientNotificationId === undefined;
    const given = { ...needsKey && { 'idempotency-key': randomUUID() }, ...headers };
    const ask = () => this.apiOnce(method, path, body, given);
    const first = await ask();
    if (method === 'GET' || !isQueued(first)) return first;
    const isKeyed = given['idempotency-key'] !== undefined || body?.clientMessageId !== undefined || body?.clientNotificationId !== undefined;
    // A reaction without an action is a toggle.
    const isRepeatable = isKeyed || method !== 'POST' || REPEATABLE_POSTS.test(path) || ['add', 'remove'].includes(body?.action);
    if (isRepeatable) {
      const answer = await carriedOut(ask);
      // It was this request that stored it, and nobody else has its key.
      const isMade = needsKey ? answer.deduplicated : answer.message && answer.message._id === idMadeBy(first.commandId);
      return isMade ? { ...answer, status: 201 } : answer;
    }
    const [, thread] = /^\/messages\/([0-9a-f]{24})$/.exec(path) ?? [];
    return thread ? { success: true, message: await this.#stored(thread, first), status: 201, headers: first.headers } : first;
  }

  /** As `api`, with the first answer. */
  async apiOnce(method, path, body, headers = {}) {
    const init = { method, headers: { authorization: `Bearer ${this.token}`, ...headers } };
    if (body !== undefined) Object.assign(init, { body: JSON.stringify(body) });
    if (body !== undefined) init.headers['content-type'] = 'application/json';
    const answer = await fetch(`${this.system.http}/api/v2${path}`, init);
    const said = await answer.json();
    checkAnswer(method, path, answer.status, said);
    return { ...said, status: answer.status, headers: answer.headers };
  }

  /**
   * As an administrator, ends a login, or all of somebody. A revocation that is queued is not asked for
   * again: its sockets would be told twice. What comes of it is for the test to see. Gives whether it is
   * stored.
   */
  async revoke(userId, body = {}) {
    const { status } = await this.apiOnce('POST', `/users/${userId}/revoke`, body);
    if (![200, 202].includes(status)) throw new Error(`the revocation is answered with ${status}`);
    return status === 200;
  }

  /** A thread with others; gives its id. */
  async startThread(...others) {
    const { thread } = await this.rest('POST', '/threads', { participants: others.map(other => other.id) });
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
