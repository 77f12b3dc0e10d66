// Uploads of the client package against a stand-in that does what servers do too rarely to wait for it: cut a
// request in the middle, hold an upload for another, lose an answer.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { installPackage } from './install.mjs';

const ID = '0123456789abcdef01234567';
/** More than two pieces of 4 MiB. */
const FILE = new Uint8Array(10 * 1024 * 1024).map((_, at) => at % 251);

let installed;
let library;
let server;
let url;
/** What the stand-in has, was asked, and does to the next requests that bring bytes. */
let kept;
let asked;
let faults;
before(async () => {
  installed = await installPackage();
  library = await installed.load('index.js');
  server = createServer((request, response) => answer(request, response).catch(() => response.destroy()));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await installed?.remove();
});
beforeEach(() => {
  kept = Buffer.alloc(0);
  asked = [];
  faults = [];
});

async function answer(request, response) {
  const { method } = request;
  const path = request.url.replace('/api/v2/attachments', '');
  asked.push(`${method} ${path}`);
  const json = (status, body, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  if (request.headers['tus-resumable'] === '1.0.0' && method === 'POST') return json(201, { success: true, id: ID });
  if (method === 'HEAD') return response.writeHead(200, { 'upload-offset': kept.length }).end();
  if (method === 'GET') return json(200, { success: true, attachment: { id: ID, size: kept.length } });
  const fault = faults.shift();
  if (fault === 'locked') return json(423, { success: false, code: 'locked', error: 'held', retryAfterMs: 1 });
  if (fault === 'refused') return json(413, { success: false, code: 'too_large', error: 'large' });
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
    if (fault === 'cut' && Buffer.concat(chunks).length > 1_000_000) {
      kept = Buffer.concat([kept, ...chunks]);
      return response.destroy();
    }
  }
  assert.equal(Number(request.headers['upload-offset']), kept.length);
  kept = Buffer.concat([kept, ...chunks]);
  if (fault === 'lost') return response.destroy();
  return response.writeHead(204, { 'upload-offset': kept.length }).end();
}

const open = () => new library.EventFlow({ url, token: `.${btoa('{"id":"ann"}')}.`, storage: library.memoryStorage() });

test('a file goes up in pieces, and progress is told', async () => {
  const progress = [];
  const file = await open().attachments.upload(new Blob([FILE]), { name: 'ä.bin', onProgress: each => progress.push(each.sent) });
  assert.equal(file.id, ID);
  assert.ok(kept.equals(FILE));
  assert.deepEqual(progress, [4 * 1024 * 1024, 8 * 1024 * 1024, FILE.length]);
  assert.deepEqual(asked, ['POST /tus', ...Array(3).fill(`PATCH /tus/${ID}`), `GET /${ID}/info`]);
});

test('what is cut, held or answered to nobody goes on where the server is', async () => {
  faults = ['cut', 'locked', 'lost', undefined];
  await open().attachments.upload(FILE);
  assert.ok(kept.equals(FILE), 'every byte once');
});

test('an upload of before a reload goes on', async () => {
  kept = Buffer.from(FILE.subarray(0, 5_000_000));
  let begun = false;
  await open().attachments.upload(new Blob([FILE]), { resume: ID, onBegun: () => { begun = true; } });
  assert.ok(kept.equals(FILE));
  assert.deepEqual([begun, asked[0], asked.includes('POST /tus')], [false, `HEAD /tus/${ID}`, false]);
});

test('what is refused for good, or given up, ends', async () => {
  faults = ['refused'];
  await assert.rejects(open().attachments.upload(FILE), { name: 'Refusal', code: 'too_large', status: 413 });
  const giving = new AbortController();
  const going = open().attachments.upload(FILE, { signal: giving.signal, onProgress: () => giving.abort(new Error('given up')) });
  await assert.rejects(going, /given up/);
});
