// The proxy of the compose file in front of a system: nginx with proxy/nginx.conf, where only addresses,
// folders and the names of containers are others.

import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from './person.mjs';
import { freePort } from './ports.mjs';

const run = promisify(execFile);
const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Starts the proxy in front of `system`: `{url, stop}`. */
export async function startProxy(system) {
  const folder = await mkdtemp(join(tmpdir(), 'eventflow-proxy-'));
  await chmod(folder, 0o755); // its workers run as nobody
  await mkdir(join(folder, 'temp'));
  await chmod(join(folder, 'temp'), 0o777);
  const [port, ownPort] = [await freePort(), await freePort()];
  const shipped = await readFile(join(repository, 'proxy/nginx.conf'), 'utf8');
  const file = join(folder, 'nginx.conf');
  await writeFile(file, adapted(shipped, { port, ownPort, system }));
  await run('nginx', ['-c', file, '-p', folder]);
  const url = `http://127.0.0.1:${port}`;
  await eventually('the proxy answers', async () => (await fetch(`http://127.0.0.1:${ownPort}/`).catch(error => error)).ok);
  return {
    url,
    async stop() {
      await run('nginx', ['-c', file, '-p', folder, '-s', 'stop']);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The shipped file for this machine: the gateways of a name are those of the system, without a DNS. */
function adapted(shipped, { port, ownPort, system }) {
  const servers = { 'ws-gateway': [system.ws, system.ws2], 'http-gateway': [system.http] };
  return shipped
    .replace(/^\s*resolver .*;$/m, '')
    // Relative to the folder that nginx is started with.
    .replaceAll('/dev/stderr', 'temp/error.log')
    .replaceAll('/tmp/', 'temp/')
    .replace('include /etc/nginx/listen.conf;', `listen 127.0.0.1:${port};`)
    .replace('listen 127.0.0.1:8081;', `listen 127.0.0.1:${ownPort};`)
    .replaceAll('/etc/nginx/', `${join(repository, 'proxy')}/`)
    .replaceAll(/server ([a-z-]+):8080 resolve(.*);/g, (_, name, parameters) =>
      servers[name].filter(Boolean).map(url => `server ${new URL(url).host}${parameters};`).join(' '));
}
