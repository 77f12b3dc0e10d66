// A device of a person: a socket of the official client that does what docs/PROTOCOL.md tells a client to do
// to miss nothing. After a `connect` that recovered no session, and when a place is missing, it asks by
// `sync`, or reads the history after the last place it has. A quiet device asks for nothing, as published
// pages do, and is sent what it missed. All that a device is told gets into the journal.

import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { emit, untilFinal } from './asking.mjs';
import { TOKEN, now } from './journal.mjs';

// `require`, because an import does not look at NODE_PATH, where tests/services puts the client.
const { io } = createRequire(import.meta.url)('socket.io-client');
/** Pause before a catch-up is made again that failed, or that left a place out. */
const AGAIN_MS = 200;
/** Every so many devices catches up by REST. */
const BY_REST_EVERY = 4;
let made = 0;

export class Device {
  /** Of threads: the last place up to which all is known, and the known places behind it. */
  #places = new Map();
  #behind = new Set();
  #isCatchingUp = false;
  #hasEnded = false;

  constructor(person, transports, isQuiet) {
    Object.assign(this, { person, isQuiet });
    this.stage = person.stage;
    this.name = `${person.id}/${made}`;
    this.catchesUpByRest = made % BY_REST_EVERY === BY_REST_EVERY - 1;
    made += 1;
    const [first] = this.stage.sockets;
    this.socket = io(first, { auth: { token: person.token }, transports, forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 1_000 });
    this.socket.on('connect', () => this.#connected());
    // As a load balancer does, another gateway for whoever comes back.
    this.socket.io.on('reconnect_attempt', attempt => {
      this.socket.io.uri = this.stage.sockets[attempt % this.stage.sockets.length];
    });
    // Refused at the door: the official client does not come back by itself then.
    this.socket.on('connect_error', () => { if (!this.socket.active) setTimeout(() => this.#hasEnded || this.socket.connect(), AGAIN_MS); });
    this.socket.onAny((event, body) => this.#told(event, body));
  }

  /** Loses its connection without a word, as a phone in a tunnel does. */
  drop() {
    this.socket.io.engine?.close();
  }

  /** Asks for everything that is missing in the person's threads, and waits until it has it. */
  async settle() {
    if (this.isQuiet) return;
    for (const thread of this.stage.journal.threads) this.#behind.add(thread.id);
    await this.#catchUp();
  }

  get isSettled() {
    return this.socket.connected && !this.#isCatchingUp && this.#behind.size === 0;
  }

  end() {
    this.#hasEnded = true;
    this.socket.disconnect();
  }

  #connected() {
    this.session = this.socket.id;
    if (this.socket.recovered) return;
    this.stage.journal.sessions.push({ device: this.name, session: this.session, at: now() });
    this.began = now();
    if (this.isQuiet) return;
    for (const thread of this.stage.journal.threads) this.#behind.add(thread.id);
    this.#startCatchUp();
  }

  #told(event, body) {
    this.person.sees(body, event);
    if (event === 'message:received') this.#hears(body.message, 'live');
    const thread = body?.threadId ?? body?.thread?._id;
    if (event === 'thread:created' && thread) this.#isBehind(thread);
    const mark = MARKS[event]?.(body);
    if (mark) this.stage.journal.told.push({ device: this.name, session: this.session, at: now(), event, mark: JSON.stringify(mark) });
  }

  #hears(message, via) {
    const { threadId: thread, _id: id, clientMessageId: token, seq, content, senderId: sender } = message;
    this.stage.journal.heard.push({ device: this.name, person: this.person.id, session: this.session, via, at: now(), thread, id, token, seq, content, sender });
    const place = this.#placeOf(thread);
    if (seq > place.level) place.beyond.add(seq);
    rise(place);
    if (place.beyond.size > 0) this.#isBehind(thread);
  }

  #placeOf(thread) {
    if (!this.#places.has(thread)) this.#places.set(thread, { level: 0, beyond: new Set() });
    return this.#places.get(thread);
  }

  #isBehind(thread) {
    if (this.isQuiet) return;
    this.#behind.add(thread);
    this.#startCatchUp();
  }

  #startCatchUp() {
    if (!this.isQuiet && !this.#isCatchingUp) this.#catchUp().catch(error => this.stage.fails(error));
  }

  /** One at a time; ends when nothing is missing, or the device has ended. */
  async #catchUp() {
    while (this.#isCatchingUp) await sleep(AGAIN_MS);
    this.#isCatchingUp = true;
    try {
      while (this.#behind.size > 0 && !this.#hasEnded) {
        const threads = [...this.#behind];
        this.#behind.clear();
        const isDone = await (this.catchesUpByRest ? this.#read(threads) : this.#sync(threads));
        if (isDone) continue;
        threads.forEach(thread => this.#behind.add(thread));
        await sleep(AGAIN_MS);
      }
    } finally {
      this.#isCatchingUp = false;
    }
  }

  async #sync(threads) {
    const wanted = threads.map(threadId => ({ threadId, after: this.#placeOf(threadId).level }));
    const highest = wanted.map(({ threadId }) => this.#highest(threadId));
    const asked = now();
    const answer = await emit(this.socket, 'sync', { threads: wanted }).catch(() => ({ status: 0 }));
    if (answer.status !== 200) return false;
    this.person.sees(answer, 'sync');
    answer.threads.forEach((entry, n) => {
      const { threadId: thread, after } = wanted[n];
      const isOk = entry.success !== false;
      this.#answered({ thread, after, asked, isOk, messages: entry.messages ?? [], isComplete: entry.complete, highest: highest[n] });
    });
    return true;
  }

  async #read(threads) {
    let isDone = true;
    for (const thread of threads) {
      const { level: after } = this.#placeOf(thread);
      const highest = this.#highest(thread);
      const asked = now();
      const answer = await this.person.ask('GET', `/messages/${thread}?after=${after}&limit=100`).catch(() => ({ status: 0 }));
      const isOk = answer.status === 200;
      if (!isOk && answer.status !== 404) isDone = false;
      else this.#answered({ thread, after, asked, isOk, messages: answer.messages ?? [], isComplete: answer.nextCursor === null, highest });
    }
    return isDone;
  }

  /**
   * What is missing below the highest place that was known is not for this person, if the answer is
   * complete.
   */
  #answered({ thread, after, asked, isOk, messages, isComplete, highest }) {
    const last = messages.at(-1)?.seq ?? after;
    this.stage.journal.syncs.push({
      device: this.name, person: this.person.id, thread, after, asked, answered: now(), isOk, upTo: isComplete ? Infinity : last,
    });
    if (!isOk) return;
    messages.forEach(message => this.#hears(message, 'sync'));
    const place = this.#placeOf(thread);
    place.level = Math.max(place.level, last, isComplete ? highest : 0);
    rise(place);
    // What came while it was asked for, or is further than this page, is asked for again.
    if (place.beyond.size > 0 || !isComplete) this.#behind.add(thread);
    else this.#behind.delete(thread);
  }

  #highest(thread) {
    const { level, beyond } = this.#placeOf(thread);
    return Math.max(level, ...beyond);
  }
}

function rise(place) {
  for (const seq of place.beyond) if (seq <= place.level) place.beyond.delete(seq);
  while (place.beyond.delete(place.level + 1)) place.level += 1;
}

/** By what one change of a group is told apart from another one. */
const MARKS = {
  'thread:members:added': ({ threadId, addedAt, members }) => [threadId, addedAt, members.map(({ id }) => id)],
  'thread:left': ({ threadId, leftAt, userId }) => [threadId, leftAt, userId],
};

/** A person: a token, devices, and REST. Everything that is sent to them is searched for tokens. */
export class Person {
  constructor(stage, id, token) {
    Object.assign(this, { stage, id, token, devices: [] });
  }

  connect(transports, isQuiet = false) {
    this.devices.push(new Device(this, transports, isQuiet));
  }

  get socket() {
    return this.devices[0].socket;
  }

  /** One REST request. */
  async ask(method, path, options) {
    const answer = await this.stage.request(this.token, method, path, options);
    if (!options?.asBytes) this.sees(answer, `${method} ${path}`);
    return answer;
  }

  /** A REST request that is made again until its final answer. */
  asks(method, path, options) {
    return untilFinal(() => this.ask(method, path, options));
  }

  sees(body, where) {
    const at = now();
    for (const token of new Set(JSON.stringify(body)?.match(TOKEN))) this.stage.journal.seen.push({ person: this.id, token, at, where });
  }
}
