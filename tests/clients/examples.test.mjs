// Every example runs, against both shapes: the backends sign tokens that the server takes, the shell and
// Python talk, and the React page does in a browser what it promises.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../browser/chromium.mjs';
import { SECRET } from '../contract/system.mjs';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { freePort } from '../contract/ports.mjs';
import { EXAMPLE_MODULES, EXAMPLE_PYTHON, repository, run } from './install.mjs';
import { onBothShapes, texts } from './stage.mjs';

const examples = join(repository, 'examples');
const PYTHON_PATH = [EXAMPLE_PYTHON, process.env.PYTHONPATH].filter(Boolean).join(delimiter);

onBothShapes('the examples', stage => {
  const started = [];
  let browser;
  before(async () => { browser = await launchChromium(); });
  after(async () => {
    await browser?.close();
    await Promise.all(started.map(each => each.stop()));
  });

  /** Starts a program of the examples. `lines` are what it has printed. */
  function start(command, args, env) {
    const child = spawn(command, args, { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = [];
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { said += data; });
    child.stdout.on('data', data => lines.push(...String(data).split('\n').filter(Boolean)));
    const ended = new Promise(resolve => child.once('exit', resolve));
    const program = { lines, said: () => said, stop: () => child.kill() && ended };
    started.push(program);
    return program;
  }

  /** A backend that is up: its address. */
  async function backend(command, file, env = {}) {
    const program = start(command, [join(examples, 'backend', file)], { JWT_SECRET: SECRET, PORT: '0', PYTHONPATH: PYTHON_PATH, ...env });
    return eventually(`${file} is up: ${program.said()}`, () => program.lines[0]?.startsWith('http') && program.lines[0]);
  }

  for (const [command, file] of [['node', 'server.mjs'], ['python3', 'server.py']]) {
    test(`the backend ${file} signs tokens that the server takes, for whoever is signed in`, async () => {
      const url = await backend(command, file, { CHAT_URL: 'https://chat.example.com' });
      const { id } = stage.person('ann');
      assert.equal((await fetch(`${url}/chat-token`)).status, 401);
      const login = await fetch(`${url}/login`, { method: 'POST', body: JSON.stringify({ user: id }) });
      const cookie = login.headers.get('set-cookie').split(';')[0];
      const ask = async () => (await fetch(`${url}/chat-token`, { headers: { cookie } })).json();
      const { token, userId, url: chat } = await ask();
      assert.deepEqual([userId, chat], [id, 'https://chat.example.com']);
      const here = await stage.open({ id, token }, { token: async () => (await ask()).token, userId: id });
      const thread = await here.client.threads.start({ participants: [stage.person('ben').id] });
      assert.equal((await here.client.send(thread._id, 'signed')).senderId, id);
    });
  }

  test('the shell script starts a thread and sends once', async () => {
    const [ann, ben] = [stage.person('ann'), stage.person('ben')];
    const chat = text => run(join(examples, 'curl/chat.sh'), [ben.id, text], { env: { PATH: process.env.PATH, TOKEN: ann.token, CHAT_URL: stage.system.http } });
    await chat('it\'s "quoted" & <b>');
    const { stdout } = await chat('second');
    const lines = stdout.trim().split('\n');
    assert.deepEqual([lines.length, lines[1]], [2, `2 ${ann.id}: second`]);
    assert.equal(stage.library.typed(lines[0]), `1 ${ann.id}: it's "quoted" & <b>`);
    await assert.rejects(run(join(examples, 'curl/chat.sh'), [ben.id, 'x'], { env: { PATH: process.env.PATH, TOKEN: 'none', CHAT_URL: stage.system.http } }));
  });

  test('the program in Python sends once, hears, and catches up after an absence', async () => {
    const [ann, ben] = [stage.person('ann'), stage.person('ben')];
    const thread = await ann.startThread(ben);
    const link = await stage.front.link();
    const program = start('python3', [join(examples, 'python-socketio/chat.py'), ann.id, 'from Python'], { TOKEN: ben.token, CHAT_URL: link.origin, PYTHONPATH: PYTHON_PATH });
    const prints = count => eventually(`${count} lines, of ${program.said()}`, () => program.lines.length >= count);
    await prints(1);
    await ann.rest('POST', `/${thread}`, { content: 'live' });
    await prints(2);
    link.cut();
    for (const text of texts('missed', 3)) await ann.rest('POST', `/${thread}`, { content: text });
    link.mend();
    await prints(5);
    assert.deepEqual(program.lines, [`1 ${ben.id}: from Python`, `2 ${ann.id}: live`, ...texts('missed', 3).map((text, n) => `${n + 3} ${ann.id}: ${text}`)]);
  });

  test('the React page sends what was written offline, also after a reload, once and in order', async () => {
    const folder = join(stage.installed.folder, `react-${stage.shape}`);
    await cp(join(examples, 'react'), folder, { recursive: true });
    await run(join(EXAMPLE_MODULES, '.bin/esbuild'), ['main.jsx', '--bundle', '--minify', '--jsx=automatic', '--format=esm', '--outfile=main.js'], { cwd: folder });
    const link = await stage.front.link();
    const url = await backend('node', 'server.mjs', { CHAT_URL: link.origin, PAGES: folder, PORT: String(stage.port) });
    const [ann, ben] = [stage.person('ann'), stage.person('ben')];
    const thread = await ben.startThread(ann);
    await ben.connect();
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const faults = [];
    page.on('pageerror', error => faults.push(String(error)));
    const is = state => page.locator('#state', { hasText: state }).waitFor();
    const shown = async () => (await page.locator('#messages li').allTextContents()).map(text => text.replace(/^[^:]*: /, '').replace(/ \w*$/, ''));
    const write = async text => {
      await page.getByLabel('Message').fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
    };
    await page.goto(`${url}/?user=${ann.id}&with=${ben.id}`);
    await is('online');
    await write('a < b <i>');
    await ben.hears('message:received');
    link.cut();
    await is('offline');
    for (const text of texts('offline', 20)) await write(text);
    assert.equal(await page.locator('#messages li.pending').count(), 20);
    await page.reload();
    await ben.send(thread, 'meanwhile');
    link.mend();
    await is('online');
    const said = ['a < b <i>', 'meanwhile', ...texts('offline', 20)];
    await eventually('the page shows everything', async () => await page.locator('#messages li.pending').count() === 0 && (await shown()).length === 22);
    assert.deepEqual(await shown(), said);
    assert.deepEqual((await ann.wholeHistory(thread)).map(stage.library.typed), said);
    // The page has read it.
    await eventually('Ben hears that it is read', () => ben.all('message:read:update').some(update => update.userId === ann.id));
    await write('after');
    await ben.hears('message:received', 23);
    assert.deepEqual(ben.received().map(stage.library.typed), [...said, 'after']);
    // Whom the host has signed out is told so, and does not come back for ever.
    await page.context().clearCookies();
    await new Person(stage.system, 'root', { role: 'admin' }).revoke(ann.id);
    await is('ended');
    assert.deepEqual(faults, []);
    await page.context().close();
  });
}, {
  modules: ['react', 'react-dom', 'scheduler'],
  settings: async stage => {
    // For the backend, whose pages the server has to allow before it starts.
    stage.port = await freePort();
    return { ALLOWED_ORIGINS: `http://127.0.0.1:${stage.port}` };
  },
});
