// The client package as a thing: what is in it, that it installs, that its types are those of its code and
// compile under `strict`, that it knows every route, how large it is, and that its storages keep.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launchChromium } from '../browser/chromium.mjs';
import { EXAMPLE_MODULES, TSC, installPackage, repository, run, withEsbuild, withTypeScript } from './install.mjs';

/** What a page that uses the package gets, compressed, without socket.io-client. Raise it for a reason. */
const BUNDLE_MAX_BYTES = 13_000;
/** Routes that have no function: others with the same effect have one, or no person asks them. */
const WITHOUT_FUNCTION = [
  'PUT /v2/messages/{id}', // PATCH does the same
  'POST /v2/notifications/preferences', // PUT does the same
  'POST /v2/attachments', // an upload by tus does the same, and goes on after a cut
  'DELETE /v2/attachments/tus/{id}', // DELETE /v2/attachments/{id} does the same
];

describe('the client package', () => {
  let installed;
  let library;
  before(async () => {
    installed = await installPackage();
    library = { ...await installed.load('index.js'), ...await installed.load('node.js') };
  });
  after(() => installed?.remove());

  test('the archive has sources and types and nothing else', () => {
    const others = installed.files.filter(path => !/^(src\/.*\.js|types\/.*\.d\.ts|package\.json|README\.md|LICENSE)$/.test(path));
    assert.deepEqual(others, []);
    assert.ok(['README.md', 'src/index.js', 'types/index.d.ts', 'types/node.d.ts'].every(path => installed.files.includes(path)));
  });

  test('an application imports it by its name', async () => {
    const script = "import * as client from '@eventflow/client'; import '@eventflow/client/node'; console.log(Object.keys(client).join())";
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: installed.folder });
    assert.equal(stdout.trim(), 'Conversation,EventFlow,Refusal,connect,defaultStorage,indexedDbStorage,memoryStorage,typed,webStorage');
  });

  test('every route has a function', async () => {
    const asked = new Set();
    const client = new library.EventFlow({
      url: 'http://server', token: `.${btoa('{"id":"ann"}')}.`, storage: library.memoryStorage(),
      fetch: async (url, { method }) => {
        asked.add(`${method} ${new URL(url).pathname.replace('/api', '').replaceAll('%7Bid%7D', '{id}')}`);
        return Response.json({ success: true, threads: [], thread: {}, messages: [] });
      },
    });
    const groups = [client.threads, client.messages, client.drafts, client.scheduled, client.attachments, client.presence, client.people, client.notifications, client.preferences,
      client.devices, client.admin, ...Object.values(client.admin)];
    for (const group of groups) {
      const names = Object.getOwnPropertyNames(Object.getPrototypeOf(group)).filter(name => name !== 'constructor');
      for (const name of names) {
        const answer = group[name]('{id}', '{id}');
        if (answer?.next) await answer.next().catch(() => {});
        else await answer.catch(() => {});
      }
    }
    const table = await readFile(join(repository, 'libs/ingress/src/http/routes.rs'), 'utf8');
    const routes = [...table.matchAll(/route\(Method::([A-Z]+),\s*"([^"]+)"/g)].map(([, method, path]) => `${method} ${path.replace('{member}', '{id}')}`);
    assert.ok(routes.length > 50, 'the routes were not found');
    assert.deepEqual(routes.filter(route => !asked.has(route)).sort(), [...WITHOUT_FUNCTION, 'GET /v2/csrf-token'].sort());
    assert.deepEqual([...asked].filter(route => !routes.includes(route)), []);
  });

  test('the types are those of the sources', withTypeScript, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eventflow-types-'));
    await run(TSC, ['--project', join(repository, 'clients/js/tsconfig.json'), '--outDir', folder]);
    const own = join(repository, 'clients/js/types');
    // Those of the contract are made of its documents; `.ci/checks` compares them.
    const isOfSources = name => name.endsWith('.ts') && name !== 'contract.d.ts';
    const names = async where => (await readdir(where, { recursive: true })).filter(isOfSources).sort();
    assert.deepEqual(await names(folder), await names(own), 'npm run types, in clients/js');
    for (const name of await names(own)) {
      assert.equal(await readFile(join(own, name), 'utf8'), await readFile(join(folder, name), 'utf8'), `npm run types, in clients/js: ${name}`);
    }
    await rm(folder, { recursive: true });
  });

  test('an application in TypeScript compiles under `strict`, and mistakes do not', withTypeScript, async () => {
    const compiles = async text => {
      await writeFile(join(installed.folder, 'application.ts'), text);
      for (const resolution of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
        await run(TSC, ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--lib', 'es2022,dom', '--module', resolution[0],
          '--moduleResolution', resolution[1], 'application.ts'], { cwd: installed.folder });
      }
    };
    await compiles(APPLICATION);
    for (const mistake of ["client.on('message:recieved', () => {});", "client.on('message', ({ text }) => text);", "client.send(1, 'a');",
      "client.ask('thread:join', {});", "client.threads.start({ people: ['ben'] });"]) {
      await assert.rejects(compiles(`${APPLICATION}\n${mistake}`), /TS\d+|application\.ts/, mistake);
    }
  });

  test('a bundle is small', withEsbuild, async context => {
    const entry = join(installed.folder, 'entry.js');
    await writeFile(entry, "export * from '@eventflow/client';");
    const build = async (...more) => {
      const { stdout } = await run(join(EXAMPLE_MODULES, '.bin/esbuild'), [entry, '--bundle', '--minify', '--format=esm', '--target=es2022', ...more],
        { cwd: installed.folder, encoding: 'buffer', maxBuffer: 2 ** 24 });
      const zipped = new Response(new Blob([stdout]).stream().pipeThrough(new CompressionStream('gzip')));
      return { bytes: stdout.length, zipped: (await zipped.arrayBuffer()).byteLength };
    };
    const [alone, whole] = [await build('--external:socket.io-client'), await build()];
    context.diagnostic(`the package: ${alone.bytes} bytes, ${alone.zipped} gzipped; with socket.io-client: ${whole.bytes} bytes, ${whole.zipped} gzipped`);
    assert.ok(alone.zipped <= BUNDLE_MAX_BYTES, `${alone.zipped} bytes`);
  });

  test('a token is to be replaced when a fifth of its life is left, and not all the time', async () => {
    const { Credentials } = await installed.load('credentials.js');
    const nowS = Date.now() / 1_000;
    const renewal = async claims => {
      let asked = 0;
      const token = `.${Buffer.from(JSON.stringify({ id: 'änn', ...claims })).toString('base64url')}.`;
      const credentials = new Credentials(async () => { asked += 1; return token; }, 'änn');
      // Who asks at the same time shares one answer.
      await Promise.all([credentials.get(), credentials.get()]);
      assert.equal(asked, 1);
      return credentials.renewalMs;
    };
    assert.ok(Math.abs(await renewal({ exp: nowS + 1_000 }) - 800_000) < 5_000);
    assert.deepEqual([await renewal({ exp: nowS - 1_000 }), await renewal({ exp: 1e12 }), await renewal({})], [30_000, 2 ** 31 - 1, undefined]);
  });

  test('every storage keeps what it is given under any key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eventflow-storage-'));
    const web = new Map();
    const storages = [library.memoryStorage(), library.fileStorage(folder), library.webStorage({
      get length() { return web.size; },
      key: n => [...web.keys()][n] ?? null, getItem: key => web.get(key) ?? null,
      setItem: (key, value) => void web.set(key, value), removeItem: key => void web.delete(key),
    })];
    for (const storage of storages) {
      assert.deepEqual(await storage.list(''), []);
      const keys = ['a:1', 'a:../x/*?"%', `a:${'ünï'.repeat(100)}`, 'b:1'];
      for (const key of keys) await storage.set(key, `old ${key}`);
      for (const key of keys) await storage.set(key, `value of ${key}`);
      assert.deepEqual((await storage.list('a:')).sort(), keys.slice(0, 3).map(key => [key, `value of ${key}`]).sort());
      for (const key of ['a:1', 'a:1', 'never']) await storage.delete(key);
      assert.deepEqual((await storage.list('')).map(([key]) => key).sort(), keys.slice(1).sort());
    }
    await rm(folder, { recursive: true });
  });

  test('the storages of a browser keep over a reload', withEsbuild, async () => {
    const entry = join(installed.folder, 'storages.js');
    await writeFile(entry, "import * as client from '@eventflow/client'; window.client = client;");
    const { stdout } = await run(join(EXAMPLE_MODULES, '.bin/esbuild'), [entry, '--bundle', '--format=esm'], { cwd: installed.folder, maxBuffer: 2 ** 24 });
    const browser = await launchChromium();
    const page = await browser.newPage();
    await page.route('http://page.test/', route => route.fulfill({ contentType: 'text/html', body: `<!doctype html><script type="module">${stdout.replaceAll('</script', '<\\/script')}</script>` }));
    const open = async () => {
      await page.goto('http://page.test/');
      await page.waitForFunction(() => 'client' in window);
    };
    await open();
    await page.evaluate(async () => {
      for (const storage of [window.client.webStorage(localStorage), window.client.indexedDbStorage()]) {
        for (const key of ['a:1', 'a:2', 'b:1']) await storage.set(key, `old ${key}`);
        for (const key of ['a:1', 'a:2', 'b:1']) await storage.set(key, `value of ${key}`);
        await storage.delete('a:2');
        await storage.delete('never');
      }
    });
    await open();
    const kept = await page.evaluate(() => Promise.all([window.client.webStorage(localStorage), window.client.indexedDbStorage(), window.client.defaultStorage()]
      .map(storage => storage.list('a:'))));
    assert.deepEqual(kept, Array(3).fill([['a:1', 'value of a:1']]));
    // In two transactions, keys and values could be of two moments: another tab may write in between.
    const transactions = await page.evaluate(async () => {
      const { transaction } = IDBDatabase.prototype;
      let count = 0;
      IDBDatabase.prototype.transaction = function counted(...given) {
        count += 1;
        return transaction.apply(this, given);
      };
      await window.client.indexedDbStorage().list('');
      return count;
    });
    assert.equal(transactions, 1);
    await browser.close();
  });
});

/** What an application does with the package. */
const APPLICATION = `
import { EventFlow, Refusal, connect, memoryStorage, typed, type Message, type Options, type Snapshot } from '@eventflow/client';
import { fileStorage } from '@eventflow/client/node';

const options: Options = { url: 'https://chat.example.com', userId: 'ann', token: async () => 'token', storage: memoryStorage() };
const client: EventFlow = connect({ ...options, storage: fileStorage('outbox') });
client.on('message', ({ message, threadId }) => console.log(threadId, message.seq, typed(message.content)));
client.on('message:read:update', ({ userId, seq }) => console.log(userId, seq.toFixed()));
client.on('state', ({ state, refusal }) => { if (state === 'ended') console.log(refusal?.code); });
const conversation = client.conversation('thread');
const snapshot: Snapshot = conversation.snapshot;
export const contents: string[] = snapshot.messages.map(message => message.content);
export async function say(threadId: string): Promise<Message | undefined> {
  try {
    for await (const thread of client.threads.all()) console.log(thread.participant.name, thread.unreadCount);
    const edited = await client.messages.edit('message', 'text');
    if ('message' in edited) console.log(edited.message.editedAt);
    const joined = await client.ask('thread:join', { threadId });
    console.log(joined.threadId);
    return await client.send(threadId, { content: 'hello', attachments: [{ type: 'image', url: '/a.png' }] });
  } catch (error) {
    if (error instanceof Refusal && error.code === 'not_found') return undefined;
    throw error;
  }
}
`;
