// The connection of the client package with a socket that does what the test wants: the order of what is
// told, tokens that are renewed while the session goes on, and a client that stays closed.

import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, mock, test } from 'node:test';
import { installPackage } from './install.mjs';

const TOKEN_LIFE_S = 1_000;
/** A fifth of its life before its end a token is replaced. */
const RENEWAL_MS = 800_000;
/** A renewal that failed is tried again after this. */
const AGAIN_MS = 30_000;
/** The longest pause before the first try to connect again. */
const RECONNECT_MS = 1_000;

describe('the connection', () => {
  let installed;
  let library;
  before(async () => {
    installed = await installPackage();
    const folder = join(installed.folder, 'node_modules/socket.io-client');
    await rm(folder);
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), '{ "name": "socket.io-client", "type": "module", "exports": "./index.js" }');
    await writeFile(join(folder, 'index.js'), 'export const io = (...given) => globalThis.openSocket(...given);');
    library = await installed.load('index.js');
  });
  after(() => installed?.remove());

  /** Lets everything happen that waits for no time. */
  const settle = () => new Promise(resolve => setImmediate(resolve));

  /** A socket as the official client's. `asked` is what it was asked, `tries` how often it connected. */
  function standIn() {
    const listeners = {};
    const tell = (name, ...given) => (listeners[name] ?? []).forEach(act => act(...given));
    const socket = {
      connected: false, recovered: false, tries: 0, asked: [], io: { engine: { close: () => {} } }, tell,
      on: (name, act) => (listeners[name] ??= []).push(act),
      onAny: () => {},
      connect: () => { socket.tries += 1; },
      disconnect: () => socket.connected && socket.loses('io client disconnect'),
      timeout: () => ({ emitWithAck: async (name, body) => socket.asked.push([name, body]) && { success: true, threads: [] } }),
      comesUp() {
        socket.connected = true;
        tell('connect');
      },
      loses(reason) {
        socket.connected = false;
        tell('disconnect', reason);
      },
    };
    return socket;
  }

  /**
   * A client and its socket, which is online; the states it has told, each with whether its socket was open.
   */
  async function online(options) {
    const socket = standIn();
    globalThis.openSocket = (_url, { auth }) => Object.assign(socket, { signIn: () => new Promise(auth) });
    const client = new library.EventFlow({ url: 'http://server', userId: 'ann', storage: library.memoryStorage(), ...options });
    const states = [];
    client.on('state', ({ state }) => states.push([state, socket.connected]));
    client.connect();
    await client.opened;
    await settle();
    await socket.signIn();
    socket.comesUp();
    assert.equal(client.state, 'online');
    return { client, socket, states };
  }

  const token = (life = TOKEN_LIFE_S) => `.${Buffer.from(JSON.stringify({ id: 'ann', exp: Math.floor(Date.now() / 1_000) + life })).toString('base64url')}.`;

  test('`closed` is told once the socket is closed, and nothing else before it', async () => {
    const { client, states } = await online({ token: token() });
    client.close();
    assert.deepEqual(states, [['connecting', false], ['online', true], ['closed', false]]);
  });

  test('a page that goes away closes its line, as long as the client is open', async context => {
    const page = new EventTarget();
    for (const name of ['addEventListener', 'removeEventListener']) {
      globalThis[name] = page[name].bind(page);
      context.after(() => delete globalThis[name]);
    }
    const { client, socket } = await online({ token: token() });
    let closed = 0;
    socket.io.engine.close = () => { closed += 1; };
    page.dispatchEvent(new Event('pagehide'));
    assert.deepEqual([closed, client.state], [1, 'online'], 'the line is closed, and the client still wants one');
    client.close();
    page.dispatchEvent(new Event('pagehide'));
    assert.equal(closed, 1);
  });

  test('whoever is told that the sign-in has ended can give another token at once', async () => {
    const { client, socket, states } = await online({ token: token() });
    client.on('state', ({ state }) => state === 'ended' && client.useToken(token()));
    socket.tell('connect_error', { message: 'no', data: { code: 'unauthenticated' } });
    await settle();
    assert.deepEqual(states.slice(2), [['ended', false], ['connecting', false]]);
    assert.equal(socket.tries, 2);
    client.close();
  });

  test('a client that is closed stays closed: with another token, and whatever was about to happen', async context => {
    context.after(() => mock.timers.reset());
    const { client, socket } = await online({ token: token() });
    client.close();
    await client.useToken(token());
    assert.deepEqual([client.state, socket.tries], ['closed', 1]);
    client.connect();
    await settle();
    assert.equal(socket.tries, 2, 'it was closed, not broken');
    client.close();
    // Whoever hears that the server has closed the socket, and closes, is not connected again.
    const other = await online({ token: token() });
    mock.timers.enable({ apis: ['setTimeout'] });
    other.client.on('state', ({ state }) => state === 'offline' && other.client.close());
    other.socket.loses('io server disconnect');
    mock.timers.tick(RECONNECT_MS);
    assert.deepEqual([other.client.state, other.socket.tries], ['closed', 1]);
  });

  test('a renewal that fails leaves the token that there is, and is tried again while the client is connected', async context => {
    context.after(() => mock.timers.reset());
    mock.timers.enable({ apis: ['setTimeout'] });
    const answers = [token(), new TypeError('fetch failed'), new TypeError('fetch failed'), token(TOKEN_LIFE_S + 1), new TypeError('fetch failed')];
    let asked = 0;
    const shown = [];
    const { client, socket } = await online({
      token: async () => {
        const answer = answers[asked];
        asked += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      fetch: async (_url, { headers }) => {
        shown.push(headers.authorization);
        return Response.json({ success: true, presence: {} });
      },
    });
    const tick = async time => {
      mock.timers.tick(time);
      await settle();
    };
    await tick(RENEWAL_MS);
    assert.equal(asked, 2);
    await client.presence.get('ben');
    assert.deepEqual([asked, shown], [2, [`Bearer ${answers[0]}`]]);
    await tick(AGAIN_MS);
    assert.deepEqual([asked, socket.asked], [3, []]);
    await tick(AGAIN_MS);
    assert.deepEqual([asked, socket.asked], [4, [['auth', { token: answers[3] }]]]);
    await tick(RENEWAL_MS + AGAIN_MS);
    assert.equal(asked, 5);
    client.close();
    await tick(RENEWAL_MS);
    assert.equal(asked, 5);
  });

  test('a renewal whose client is closed meanwhile comes to nothing', async context => {
    context.after(() => mock.timers.reset());
    mock.timers.enable({ apis: ['setTimeout'] });
    let fail;
    let asked = 0;
    const { client, socket } = await online({
      token: () => {
        asked += 1;
        return asked === 1 ? token() : new Promise((_, reject) => { fail = reject; });
      },
    });
    mock.timers.tick(RENEWAL_MS);
    await settle();
    client.close();
    fail(new TypeError('fetch failed'));
    await settle();
    mock.timers.tick(RENEWAL_MS);
    await settle();
    assert.deepEqual([asked, socket.tries, client.state], [2, 1, 'closed']);
  });
});
