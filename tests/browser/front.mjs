// A reverse proxy before a system: one address for all of it, with links that tests can cut. Sockets go to
// the socket gateway, everything else to the HTTP gateway.

import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';

const listen = server => new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
/**
 * Ends what goes to the other side of a connection that is closed. Destroying it could take back the last
 * bytes: a connection with unread input is reset, and the close frame that was under way is never read.
 */
const finish = socket => socket.resume().end();
const port = url => Number(new URL(url).port);

/**
 * A proxy before `system`; `link()` gives an address of its own to one client. `pages(url)` gives `[type,
 * text]` for what the host application serves itself, else nothing. `host` is the name by which it asks for
 * the system, if it is not the one by which it was asked for itself.
 */
export async function openFront(system, pages = () => undefined, host = undefined) {
  const target = path => port(path.startsWith('/socket.io/') ? system.ws : system.http);
  const proxy = createHttpServer((asked, answer) => {
    const own = pages(new URL(asked.url, 'http://front'));
    if (own) return answer.writeHead(200, { 'content-type': own[0] }).end(own[1]);
    const onward = request({ port: target(asked.url), path: asked.url, method: asked.method, headers: { ...asked.headers, ...host && { host } } });
    onward.on('response', given => {
      answer.writeHead(given.statusCode, given.headers);
      given.on('error', () => answer.destroy());
      given.pipe(answer);
    });
    // A server that has gone is a broken connection to the page too, as without a proxy; not an answer nobody
    // wrote.
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    return asked.pipe(onward);
  });
  proxy.on('upgrade', (asked, socket, head) => {
    const headers = [];
    for (let n = 0; n < asked.rawHeaders.length; n += 2) {
      const isHost = host && asked.rawHeaders[n].toLowerCase() === 'host';
      headers.push(`${asked.rawHeaders[n]}: ${isHost ? host : asked.rawHeaders[n + 1]}`);
    }
    const onward = connect(target(asked.url), '127.0.0.1', () => {
      onward.write(`GET ${asked.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    for (const [one, other] of [[socket, onward], [onward, socket]]) {
      one.on('error', () => other.destroy());
      one.on('close', () => finish(other));
    }
  });
  const inner = await listen(proxy);
  const links = [];
  return {
    async link() {
      const link = await openLink(inner);
      links.push(link);
      return link;
    },
    close() {
      links.forEach(link => link.close());
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

/**
 * An address whose connections can be broken (`cut`), or left open with nothing coming through (`silence`),
 * or whose sockets can be broken while requests come through (`refuseSockets`), or through which nothing
 * comes back (`deafen`), until `mend`.
 */
async function openLink(inner) {
  let state = 'up';
  let refusesSockets = false;
  let deaf = false;
  const pairs = new Set();
  const join = (near, far) => near.pipe(far).pipe(near);
  const part = ({ near, far }) => [near, far].forEach(socket => {
    socket.unpipe();
    socket.pause();
  });
  const server = createTcpServer(near => {
    near.on('error', () => {});
    if (state === 'cut') return near.destroy();
    const far = connect(inner, '127.0.0.1');
    const pair = { near, far };
    pairs.add(pair);
    // A WebSocket begins on a connection of its own, with its request.
    near.once('data', first => {
      pair.isSocket = String(first).startsWith('GET /socket.io/');
      if (pair.isSocket && refusesSockets) near.destroy();
    });
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('error', () => {});
      one.on('close', () => {
        pairs.delete(pair);
        if (state !== 'silent') finish(other);
      });
    }
    return state === 'silent' ? part(pair) : join(near, far);
  });
  return {
    origin: `http://127.0.0.1:${await listen(server)}`,
    cut() {
      state = 'cut';
      pairs.forEach(({ near, far }) => [near, far].forEach(socket => socket.destroy()));
    },
    silence() {
      state = 'silent';
      pairs.forEach(part);
    },
    /** What is asked arrives, and the answers do not; `mend` breaks what was open. */
    deafen() {
      deaf = true;
      pairs.forEach(({ near, far }) => far.unpipe(near).resume());
    },
    refuseSockets() {
      refusesSockets = true;
      pairs.forEach(({ near, far, isSocket }) => isSocket && [near, far].forEach(socket => socket.destroy()));
    },
    mend() {
      if (state === 'silent') pairs.forEach(({ near, far }) => near.destroyed ? far.destroy() : join(near, far));
      if (deaf) pairs.forEach(({ near, far }) => [near, far].forEach(socket => socket.destroy()));
      state = 'up';
      refusesSockets = deaf = false;
    },
    close() {
      this.cut();
      server.close();
    },
  };
}

/**
 * Chooses somebody in the dialog that is open, by what is typed: whoever is found, or else the id as it is.
 */
export async function choose(page, words, id = words) {
  await page.getByLabel('Name or user id').fill(words);
  const found = page.locator('#candidates button').filter({ hasText: id });
  await found.or(page.locator('#use-as-is').filter({ hasText: `“${id}”` })).first().click();
}

/** Starts a chat with somebody. */
export async function startChat(page, words, id = words) {
  await page.getByRole('button', { name: 'Start a chat' }).click();
  await choose(page, words, id);
}

/** Signs somebody in at our own page, which is open. */
export async function signIn(page, person) {
  await page.getByLabel(/paste a token/i).fill(person.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#connection.up').waitFor();
}
