// Requests that no client library makes: forged headers, half a request, a handshake by hand.

import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';

/**
 * A WebSocket handshake with these headers: `{status, headers, socket}`; the socket of a successful one is
 * open.
 */
export function handshake(origin, headers = {}, query = '') {
  return new Promise((resolve, reject) => {
    const asked = request(`${origin}/socket.io/?EIO=4&transport=websocket${query}`, {
      headers: {
        connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers,
      },
    });
    asked.on('upgrade', (answer, socket) => {
      socket.on('error', () => {});
      resolve({ status: answer.statusCode, headers: answer.headers, socket });
    });
    asked.on('response', answer => {
      answer.resume();
      resolve({ status: answer.statusCode, headers: answer.headers });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** A request, its headers as given: `{status, headers, body, reused}`; `reused`: on a kept connection. */
export function ask(url, options = {}, body = undefined) {
  return new Promise((resolve, reject) => {
    const asked = request(url, options);
    asked.on('response', answer => {
      const chunks = [];
      answer.on('data', chunk => chunks.push(chunk));
      const { reusedSocket: reused } = asked;
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString(), reused }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/**
 * Opens a connection, sends what `send` gives every `every` ms, and resolves with the seconds until the
 * server closes it.
 */
export async function untilClosed(origin, send = () => undefined, every = 200) {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  const started = Date.now();
  const ticks = setInterval(() => {
    const bytes = send();
    if (bytes !== undefined && !socket.destroyed) socket.write(bytes);
  }, every);
  await once(socket, 'close');
  clearInterval(ticks);
  return (Date.now() - started) / 1_000;
}
