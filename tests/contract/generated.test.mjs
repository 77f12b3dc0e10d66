// Requests that Schemathesis makes of the contract's document, against a server of each shape: valid ones at
// the bounds of every schema, and ones that are wrong in one place. No answer may be one that the document
// does not name, none may be a 5xx, and every operation must have succeeded. The seed is fixed, so that a
// failure comes again.
//
//   EVENTFLOW_GENERATED_SEED=N       another seed, or `random` (default 1)
//   EVENTFLOW_GENERATED_EXAMPLES=N   random requests of an operation beside those at the bounds (default 6)

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { letterIn } from './generated/letters.mjs';
import { unsubscribeToken } from './inbox.mjs';
import { Person } from './person.mjs';
import { startSystem } from './system.mjs';

const here = join(import.meta.dirname, 'generated');
const cache = process.env.EVENTFLOW_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(process.env.HOME, '.cache'), 'eventflow');
/** Where `tests/services schemathesis` puts it. */
const PYTHON_PATH = [here, join(cache, 'schemathesis'), process.env.PYTHONPATH].filter(Boolean).join(delimiter);
/** As `tests/system` sets it. */
const WEBHOOK_SECRET = 'webhook-secret-of-tests';
/** When a send begins that is to be stopped, and a message is sent that is to be changed. */
const SOON_MS = 3_600_000;
/** Far more requests than people make. */
const SETTINGS = { REST_PER_MINUTE_USER: '0', REST_PER_MINUTE_IP: '0', THREADS_NEW_PER_HOUR: '0', EVENTS_PER_MINUTE: '0' };
const CHECKS = [
  'not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance', 'response_schema_conformance',
  'negative_data_rejection', 'positive_data_acceptance', 'unsupported_method', 'allow_header_conformance', 'ignored_auth', 'retry_is_told',
];
/** Operations that need not succeed, with the reason. */
const NEVER_SUCCEED = new Map();

const ofSeed = process.env.EVENTFLOW_GENERATED_SEED ?? '1';
const seed = ofSeed === 'random' ? String(Math.floor(Math.random() * 2 ** 31)) : ofSeed;
const examples = process.env.EVENTFLOW_GENERATED_EXAMPLES ?? '6';

for (const shape of ['single', 'fleet']) {
  describe(`the shape "${shape}"`, { concurrency: 1 }, () => {
    let system, folder;
    before(async () => {
      system = await startSystem(shape, SETTINGS);
      folder = await mkdtemp(join(tmpdir(), 'eventflow-generated-'));
    });
    after(async () => {
      await system?.stop();
      if (folder) await rm(folder, { recursive: true, force: true });
    });

    test('generated requests get only answers that the document describes, and every operation succeeds', async t => {
      const files = { world: join(folder, 'world.json'), statistics: join(folder, 'statistics.json') };
      await writeFile(files.world, JSON.stringify(await worldIn(system)));
      const { status, said } = await schemathesis(system, files, folder);
      const answered = JSON.parse(await readFile(files.statistics, 'utf8').catch(() => '{}'));
      const operations = await operationsOf(system);
      for (const operation of operations) t.diagnostic(`${operation}: ${told(answered[operation])}`);
      const failed = operations.filter(operation => !NEVER_SUCCEED.has(operation) && !succeeded(answered[operation]));
      assert.equal(status, 0, `seed ${seed}\n${said}`);
      assert.deepEqual(failed, [], 'operations that never answered 2xx');
      const needless = [...NEVER_SUCCEED.keys()].filter(operation => succeeded(answered[operation]) || !operations.includes(operation));
      assert.deepEqual(needless, [], 'operations that succeed, though they are listed as ones that need not');
    });
  });
}

const succeeded = (counts = {}) => Object.entries(counts).some(([status, count]) => status < 300 && count > 0);
const told = (counts = {}) => Object.entries(counts).map(([status, count]) => `${count} × ${status}`).join(', ') || 'nothing';

async function operationsOf(system) {
  const { paths } = await (await fetch(`${system.http}/api/v2/openapi.json`)).json();
  return Object.values(paths).flatMap(item => Object.values(item)).map(({ operationId }) => operationId).filter(Boolean);
}

/** What generated requests find: people with tokens, and one thing of each kind. */
async function worldIn(system) {
  const [root, ann, ben, cleo] = [new Person(system, 'root', { role: 'admin' }), ...['ann', 'ben', 'cleo'].map(name => new Person(system, name))];
  const thread = await ann.startThread(ben);
  const { message } = await ann.rest('POST', `/${thread}`, { content: 'hello' });
  const { notification } = await root.api('POST', '/notifications', { userId: ann.id, title: 'hello' });
  const { send } = await root.api('POST', '/notifications', { to: [ann.id], title: 'hello', sendAt: new Date(Date.now() + SOON_MS).toISOString() });
  const { replay } = await root.api('POST', '/ops/replays', { filter: { queue: 'nowhere' }, why: 'there is nothing' });
  const { scheduled } = await ann.rest('POST', `/${thread}`, { content: 'later', sendAt: new Date(Date.now() + SOON_MS).toISOString() });
  const letter = await letterIn(system, { root, sender: ann, thread });
  return {
    url: system.http, tokens: { root: root.token, ann: ann.token, cleo: cleo.token }, webhookSecret: WEBHOOK_SECRET,
    ann: ann.id, ben: ben.id, thread, message: message._id, scheduled: scheduled._id, notification: notification._id, send: send._id, replay: replay._id, letter,
    unsubscribe: unsubscribeToken(ben.id),
  };
}

/** Runs Schemathesis; what it said, and its exit status. */
async function schemathesis(system, files, folder) {
  const args = [
    '-m', 'schemathesis.cli', '--config-file', join(here, 'schemathesis.toml'), 'run', `${system.http}/api/v2/openapi.json`, '--checks', CHECKS.join(','),
    '--phases', 'examples,coverage,fuzzing', '--max-examples', examples, '--seed', seed, '--workers', '1', '--continue-on-failure', '--no-shrink',
    '--suppress-health-check', 'all', '--report-dir', join(folder, 'reports'),
  ];
  const env = {
    ...process.env, PYTHONPATH: PYTHON_PATH, PYTHONDONTWRITEBYTECODE: '1', SCHEMATHESIS_HOOKS: 'hooks',
    EVENTFLOW_GENERATED_WORLD: files.world, EVENTFLOW_GENERATED_STATISTICS: files.statistics,
  };
  const child = spawn('python3', args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { said += data; });
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  return { status, said };
}
