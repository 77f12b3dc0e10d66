// Starts a system of its own for a test file: tests/system runs it on free ports, with a folder of its own,
// and the file stops it.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { close, isFree, listen } from './ports.mjs';

const run = promisify(execFile);
const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Every system of the suite signs with the same secret: tests make their own tokens. */
export const SECRET = '0123456789abcdef0123456789abcdef';
/** The lowest ports that tests/system uses; a system takes the same ones, shifted by a multiple of ten. */
const PORTS = [18080, 18083, 18084, 18085, 18086, 19460, 19461, 19462, 19463, 19464, 19465, 19466, 19467, 19468];
/**
 * The last port of each of the two tens. No role listens there: whoever starts a system holds both of them,
 * and so the tens.
 */
const CLAIMS = [18089, 19469];
/**
 * Shifted ports stay below those of tests/services, of the kill tests (tests/process/kills.rs), and of the
 * kernel for clients.
 */
const HIGHEST_SHIFT = 4_000;

/**
 * Starts a system of `shape`, `fleet` or `single`; give it back with `stop()`. `settings` are environment
 * variables; with `GATEWAYS: '2'` a fleet has a second socket gateway.
 */
export async function startSystem(shape, settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), `eventflow-${shape}-`));
  const name = folder.split('/').at(-1);
  const { shift, release } = await claimPorts();
  const env = {
    ...process.env, JWT_SECRET: SECRET, EVENTFLOW_SYSTEM_DIR: folder, EVENTFLOW_SYSTEM_NAME: name,
    EVENTFLOW_SYSTEM_PORT_SHIFT: String(shift), ...settings,
  };
  const system = async (...args) => (await run(join(repository, 'tests/system'), args, { env })).stdout;
  await system('start', shape).catch(async failed => {
    await release();
    throw failed;
  });
  const port = role => shift + { single: 18080, ws: 18083, http: 18084, ws2: 18085 }[shape === 'single' ? 'single' : role];
  const roles = shape === 'single' ? ['eventflow'] : [...FLEET, ...settings.GATEWAYS === '2' ? ['ws-gateway-2'] : []];
  return {
    shape,
    /** The vhost of a fleet. */
    vhost: name,
    ws: `http://127.0.0.1:${port('ws')}`,
    /** The second socket gateway, if there is one. */
    ws2: roles.includes('ws-gateway-2') ? `http://127.0.0.1:${port('ws2')}` : undefined,
    http: `http://127.0.0.1:${port('http')}`,
    /** Where a second REST gateway of a fleet is, once `start('http-gateway-2')` has started it. */
    http2: `http://127.0.0.1:${shift + 18086}`,
    /** Where a single process has its data. */
    data: join(folder, 'data'),
    pid: async role => Number(await readFile(join(folder, `${role}.pid`), 'utf8')),
    /** SIGTERM, and waits for the end. */
    async terminate(role) {
      const pid = Number(await readFile(join(folder, `${role}.pid`), 'utf8'));
      process.kill(pid, 'SIGTERM');
      await ended(pid);
    },
    /** SIGKILL. */
    kill: role => system('kill', role),
    /** Starts a role that was killed; resolves once it is ready. */
    async start(role) {
      await system('start', role);
      await ready(`http://127.0.0.1:${shift + ADMIN[role]}/readyz`);
    },
    /** The answer of a role's admin endpoint, as text. */
    admin: async (role, path) => (await fetch(`http://127.0.0.1:${shift + ADMIN[role]}${path}`)).text(),
    logs: role => readFile(join(folder, `${role}.log`), 'utf8'),
    roles,
    /**
     * SIGTERM to every process, and the same system again on the same data; `changed` are settings that are
     * others from now on.
     */
    async restart(changed = {}) {
      await system('stop');
      Object.assign(env, changed);
      for (const role of roles) await system('start', role);
      await Promise.all(roles.map(role => ready(`http://127.0.0.1:${shift + ADMIN[role]}/readyz`)));
    },
    async stop() {
      await system('stop');
      await release();
      if (shape === 'fleet') await dropVhost(name);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const FLEET = ['persistence-worker', 'fanout-worker', 'presence-sweeper', 'email-worker', 'push-worker', 'ws-gateway', 'http-gateway'];
const ADMIN = { eventflow: 19460, 'persistence-worker': 19461, 'fanout-worker': 19462, 'ws-gateway': 19463, 'http-gateway': 19464,
  'presence-sweeper': 19465, 'ws-gateway-2': 19466, 'email-worker': 19467, 'push-worker': 19468,
  // The port of the one process, which a fleet does not have.
  'http-gateway-2': 19460 };
const READY_DEADLINE_MS = 30_000;
/** Longer than the orderly end of a process may take. */
const END_DEADLINE_MS = 40_000;

async function ready(url) {
  const deadline = Date.now() + READY_DEADLINE_MS;
  for (;;) {
    const answer = await fetch(url).catch(error => error);
    if (answer.ok) return;
    if (Date.now() > deadline) throw new Error(`${url} is not ready: ${answer.message ?? await answer.text()}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function ended(pid) {
  const deadline = Date.now() + END_DEADLINE_MS;
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    if (Date.now() > deadline) throw new Error(`process ${pid} does not end`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/**
 * Finds ports for one system: `{shift, release}`. Test files start systems at the same moment, so a look at
 * what is free is not enough: this process listens on a port of both tens before it looks, and goes on
 * listening until `release`.
 */
async function claimPorts() {
  for (;;) {
    const shift = 10 * (1 + Math.floor(Math.random() * (HIGHEST_SHIFT / 10)));
    const claims = await Promise.all(CLAIMS.map(port => listen(port + shift)));
    const release = () => Promise.all(claims.map(close));
    if (claims.every(Boolean) && (await Promise.all(PORTS.map(port => isFree(port + shift)))).every(Boolean)) return { shift, release };
    await release();
  }
}

async function dropVhost(name) {
  const { username, password, origin } = new URL(process.env.RABBITMQ_MANAGEMENT_URL);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  await fetch(`${origin}/api/vhosts/${name}`, { method: 'DELETE', headers: { authorization } });
}
