// The client package as an application gets it: packed, and installed into a folder without any network.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

export const run = promisify(execFile);
export const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Where tests/services puts packages of npm and PyPI. */
const cache = process.env.EVENTFLOW_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(process.env.HOME, '.cache'), 'eventflow');
/** Packages of npm that examples need. */
export const EXAMPLE_MODULES = join(cache, 'examples/node_modules');
/** Packages of PyPI that examples need. */
export const EXAMPLE_PYTHON = join(cache, 'examples-python');
/** TypeScript, which `.ci/checks` installs. */
export const TSC = join(cache, 'web-checks/node_modules/.bin/tsc');
/** Options of tests that need what may not be installed. */
export const withTypeScript = { skip: !existsSync(TSC) && 'TypeScript is not installed' };
export const withEsbuild = { skip: !existsSync(EXAMPLE_MODULES) && 'esbuild is not installed' };
const officialClient = join(process.env.NODE_PATH.split(delimiter)[0], 'socket.io-client');

/**
 * Packs the package and installs the archive into a new folder, where socket.io-client and `more` packages of
 * the examples are, too: `{folder, archive, files, remove}`.
 */
export async function installPackage(more = []) {
  const folder = await mkdtemp(join(tmpdir(), 'eventflow-client-'));
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: join(repository, 'clients/js') });
  const [{ filename, files }] = [JSON.parse(packed.stdout)].flat().flatMap(each => each.filename ? [each] : Object.values(each));
  const archive = join(folder, filename);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'application', private: true, type: 'module' }));
  // Offline, npm could not fetch the peer, which stands beside it below.
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--legacy-peer-deps', archive], { cwd: folder });
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await symlink(officialClient, join(folder, 'node_modules/socket.io-client'));
  for (const name of more) await symlink(join(EXAMPLE_MODULES, name), join(folder, 'node_modules', name));
  return {
    folder, archive, files: files.map(file => file.path),
    /** Imports what the package exports under a name. */
    load: entry => import(pathToFileURL(join(folder, 'node_modules/@eventflow/client/src', entry)).href),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
