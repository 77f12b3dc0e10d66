// Ports of this machine that nobody listens on.

import { createServer } from 'node:net';

/** A port that is free now. Whoever starts something on it does so at once. */
export async function freePort() {
  const server = await listen(0);
  const { port } = server.address();
  await close(server);
  return port;
}

/**
 * A listener on a port, or nothing if the port is taken; 0 is any port. It does not keep this process alive.
 */
export function listen(port) {
  return new Promise(resolve => {
    const server = createServer().unref();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** Ends a listener, if there is one. */
export const close = server => new Promise(resolve => {
  if (server) server.close(resolve);
  else resolve();
});

export async function isFree(port) {
  const server = await listen(port);
  await close(server);
  return server !== undefined;
}
