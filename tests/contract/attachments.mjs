// Files: uploads by a form and by tus, messages with them, who gets them, and what becomes of them. On either
// shape.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from './person.mjs';

/** A picture of 8 by 8 pixels. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAL0lEQVR42mM4wRCFFTGc0IjCihhOBERhRQwnKqKwIoYTC6KwIoYTJ6KwIgaSXQUAhNVcgSXlh0IAAAAASUVORK5CYII=', 'base64');
const TUS = { 'tus-resumable': '1.0.0' };
const BYTES = 'application/offset+octet-stream';

export function attachments(stage) {
  const { pair, person } = stage;
  const at = path => `${stage.system.http}/api/v2/attachments${path}`;
  const ask = (who, method, path, { headers, body } = {}) =>
    fetch(at(path), { method, body, headers: { authorization: `Bearer ${who.token}`, ...headers }, redirect: 'manual' });

  /** Uploads by a form; gives the answer. */
  const form = async (who, bytes, name = 'a.png', type = 'image/png') => {
    const body = new FormData();
    body.append('file', new Blob([bytes], { type }), name);
    const answer = await ask(who, 'POST', '', { body });
    return { status: answer.status, ...await answer.json() };
  };
  const begin = async (who, length, name = 'a.bin') => {
    const headers = { ...TUS, 'upload-length': String(length), 'upload-metadata': `filename ${Buffer.from(name).toString('base64')}` };
    const answer = await ask(who, 'POST', '/tus', { headers });
    return { status: answer.status, location: answer.headers.get('location'), ...await answer.json() };
  };
  const patch = (who, id, offset, bytes) =>
    ask(who, 'PATCH', `/tus/${id}`, { headers: { ...TUS, 'upload-offset': String(offset), 'content-type': BYTES }, body: bytes });
  const offset = async (who, id) => {
    const answer = await ask(who, 'HEAD', `/tus/${id}`, { headers: TUS });
    return answer.status === 200 ? Number(answer.headers.get('upload-offset')) : answer.status;
  };
  const status = async (who, id, path = '') => {
    const answer = await ask(who, 'GET', `/${id}${path}`);
    await answer.arrayBuffer();
    return answer.status;
  };

  test('a file that is uploaded and sent is seen by those who see the message, and by nobody else', async () => {
    const { ann, ben, thread } = await pair();
    const eve = person('eve');
    const { status: made, attachment } = await form(ann, PNG, '../../holiday.png');
    assert.equal(made, 201);
    assert.deepEqual([attachment.type, attachment.mimeType, attachment.size, attachment.width, attachment.height, attachment.filename],
      ['image', 'image/png', PNG.length, 8, 8, 'holiday.png']);
    assert.deepEqual([await status(ann, attachment.id), await status(ben, attachment.id)], [200, 404]);
    const sent = await ann.ask('message:send', { threadId: thread, content: '', attachments: [{ id: attachment.id }] });
    assert.deepEqual(sent.message.attachments, [attachment]);
    const [heard] = await ben.hears('message:received');
    assert.deepEqual(heard.message.attachments, [attachment]);
    for (const [who, expected] of [[ann, 200], [ben, 200], [eve, 404]]) {
      assert.equal(await status(who, attachment.id), expected, who.id);
      assert.equal(await status(who, attachment.id, '/thumbnail'), expected, who.id);
    }
    const got = await ask(ben, 'GET', `/${attachment.id}`);
    assert.ok(Buffer.from(await got.arrayBuffer()).equals(PNG));
    assert.deepEqual(['x-content-type-options', 'content-security-policy', 'cache-control', 'content-type'].map(name => got.headers.get(name)),
      ['nosniff', "default-src 'none'; sandbox", 'private, no-cache', 'image/png']);
    const [shown] = (await ben.rest('GET', `/${thread}`)).messages;
    assert.deepEqual(shown.attachments, [attachment]);
    // By the other door, and once under a key.
    const key = `k-${attachment.id}`;
    const byRest = () => ann.rest('POST', `/${thread}`, { attachments: [{ id: attachment.id }], clientMessageId: key });
    const [first, again] = [await byRest(), await byRest()];
    assert.deepEqual([first.status, again.status, again.message._id], [201, 200, first.message._id]);
  });

  test('who leaves sees a file no more, and a message that is taken back takes its file along', async () => {
    const { ann, ben, thread } = await pair();
    const { attachment } = await form(ann, 'words', 'a.txt', 'text/plain');
    const sent = await ann.rest('POST', `/${thread}`, { attachments: [{ id: attachment.id }] });
    assert.equal(await status(ben, attachment.id), 200);
    const other = (await form(ben, 'more words', 'b.txt')).attachment;
    const kept = await ben.rest('POST', `/${thread}`, { attachments: [{ id: other.id }] });
    assert.equal(kept.status, 201);
    assert.equal((await ann.rest('DELETE', `/${sent.message._id}`)).status, 200);
    assert.deepEqual([await status(ann, attachment.id), await status(ben, attachment.id)], [404, 404], 'at once');
    assert.equal((await ben.rest('POST', `/threads/${thread}/leave`)).success, true);
    await eventually('the leaver is a stranger', async () => await status(ben, other.id) === 404);
    assert.equal(await status(ann, other.id), 200, 'what was said stays');
  });

  test('only finished files of one\'s own are sent', async () => {
    const { ann, ben, thread } = await pair();
    const foreign = (await form(ben, 'x')).attachment.id;
    const unfinished = (await begin(ann, 10)).id;
    for (const id of [foreign, unfinished, '0123456789abcdef01234567', 'x', { $ne: 1 }]) {
      const byRest = await ann.rest('POST', `/${thread}`, { content: 'c', attachments: [{ id }] });
      const bySocket = await ann.ask('message:send', { threadId: thread, content: 'c', attachments: [{ id }] });
      assert.deepEqual([byRest.status, byRest.code, bySocket.code], [400, 'invalid', 'invalid'], JSON.stringify(id));
      assert.match(byRest.error, /^attachments\[0\]\.id /);
    }
    const reference = { type: 'image', url: 'https://files.host.test/a.png', filename: 'a.png', size: 5, mimeType: 'image/png', metadata: { a: 1 } };
    const as = await ann.rest('POST', `/${thread}`, { content: 'c', attachments: [{ ...reference, id: 'theirs' }] });
    assert.deepEqual(as.message.attachments, [reference], 'references are what they were');
  });

  test('an upload goes on where it was cut, with the bytes that it had', async () => {
    const { ann, thread } = await pair();
    const bytes = randomBytes(1_000_000);
    const begun = await begin(ann, bytes.length, 'ä.bin');
    assert.deepEqual([begun.status, begun.location], [201, `/api/v2/attachments/tus/${begun.id}`]);
    assert.equal((await patch(ann, begun.id, 0, bytes.subarray(0, 300_000))).status, 204);
    const wrong = await patch(ann, begun.id, 7, bytes.subarray(7, 10));
    assert.deepEqual([wrong.status, (await wrong.json()).code], [409, 'conflict']);
    // A request that is cut in the middle.
    const cut = new AbortController();
    let is_first = true;
    const body = new ReadableStream({
      pull(controller) {
        if (is_first) controller.enqueue(bytes.subarray(300_000, 400_000));
        else return new Promise(() => {});
        is_first = false;
      },
    });
    const headers = { authorization: `Bearer ${ann.token}`, ...TUS, 'upload-offset': '300000', 'content-type': BYTES };
    const going = fetch(at(`/tus/${begun.id}`), { method: 'PATCH', headers, body, duplex: 'half', signal: cut.signal }).catch(() => {});
    await new Promise(resolve => setTimeout(resolve, 300));
    cut.abort();
    await going;
    await eventually('what came is kept', async () => await offset(ann, begun.id) === 400_000);
    const last = await eventually('nobody else writes', async () => {
      const answer = await patch(ann, begun.id, 400_000, bytes.subarray(400_000));
      return answer.status === 204 ? answer : undefined;
    });
    assert.equal(last.headers.get('upload-offset'), String(bytes.length));
    const info = await (await ask(ann, 'GET', `/${begun.id}/info`)).json();
    assert.equal(info.attachment.filename, 'ä.bin');
    await ann.rest('POST', `/${thread}`, { attachments: [{ id: begun.id }] });
    const got = Buffer.from(await (await ask(ann, 'GET', `/${begun.id}`)).arrayBuffer());
    assert.equal(createHash('sha256').update(got).digest('hex'), createHash('sha256').update(bytes).digest('hex'));
    const part = await ask(ann, 'GET', `/${begun.id}`, { headers: { range: 'bytes=999990-' } });
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 999990-999999/1000000']);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(999_990)));
  });

  test('what a file is called and what it says it is mean nothing', async () => {
    const { ann } = await pair(null);
    const page = await form(ann, '<script>alert(1)</script>', 'a.png', 'image/png');
    assert.deepEqual([page.attachment.type, page.attachment.mimeType], ['document', 'text/plain']);
    const got = await ask(ann, 'GET', `/${page.attachment.id}`);
    assert.match(got.headers.get('content-disposition'), /^attachment; /);
    const svg = await form(ann, '<svg xmlns="http://www.w3.org/2000/svg"/>', 'a.svg', 'image/svg+xml');
    assert.equal(svg.attachment.type, 'document');
  });

  test('an upload ends by its owner, and nobody else sees it', async () => {
    const { ann, ben } = await pair(null);
    const { id } = await begin(ann, 10);
    assert.equal(await offset(ben, id), 404);
    assert.equal((await patch(ben, id, 0, Buffer.from('x'))).status, 404);
    assert.equal((await ask(ben, 'DELETE', `/tus/${id}`, { headers: TUS })).status, 404);
    assert.equal((await ask(ann, 'DELETE', `/tus/${id}`, { headers: TUS })).status, 204);
    assert.equal(await offset(ann, id), 404);
  });

  test('an upload goes on at another gateway, which has the file too', async context => {
    if (stage.shape !== 'fleet') return context.skip('one process is alone');
    const { ann, ben, thread } = await pair();
    await stage.system.start('http-gateway-2');
    const bytes = randomBytes(6_000_000);
    const { id } = await begin(ann, bytes.length);
    assert.equal((await patch(ann, id, 0, bytes.subarray(0, 2_500_000))).status, 204);
    const other = (who, method, path, headers, body) => fetch(`${stage.system.http2}/api/v2/attachments${path}`, {
      method, body, headers: { authorization: `Bearer ${who.token}`, ...headers },
    });
    const known = await other(ann, 'HEAD', `/tus/${id}`, TUS);
    assert.equal(known.headers.get('upload-offset'), '2500000');
    const headers = { ...TUS, 'upload-offset': '2500000', 'content-type': BYTES };
    assert.equal((await other(ann, 'PATCH', `/tus/${id}`, headers, bytes.subarray(2_500_000))).status, 204);
    await ann.rest('POST', `/${thread}`, { attachments: [{ id }] });
    for (const got of [await ask(ben, 'GET', `/${id}`), await other(ben, 'GET', `/${id}`, {})]) {
      assert.ok(Buffer.from(await got.arrayBuffer()).equals(bytes));
    }
  });

  test('an unsent file is deleted by its owner, and a sent one is not', async () => {
    const { ann, ben, thread } = await pair(null);
    const [unsent, sent] = [(await form(ann, 'a')).attachment.id, (await form(ann, 'b')).attachment.id];
    assert.equal((await ann.rest('POST', `/${thread}`, { attachments: [{ id: sent }] })).status, 201);
    const remove = async (who, id) => {
      const answer = await ask(who, 'DELETE', `/${id}`);
      return [answer.status, (await answer.json()).code];
    };
    assert.deepEqual(await remove(ben, unsent), [404, 'not_found']);
    assert.deepEqual(await remove(ann, unsent), [200, undefined]);
    assert.equal(await status(ann, unsent), 404);
    assert.deepEqual(await remove(ann, sent), [409, 'too_late']);
  });

  test('limits are told with their code', async () => {
    const { ann } = await pair(null);
    const large = await ask(ann, 'POST', '/tus', { headers: { ...TUS, 'upload-length': '999999999999' } });
    assert.deepEqual([large.status, (await large.json()).code], [413, 'too_large']);
    const none = await ask(ann, 'POST', '', { body: '{}', headers: { 'content-type': 'application/json' } });
    assert.deepEqual([none.status, (await none.json()).code], [415, 'invalid']);
    const spoken = await fetch(at('/tus'), { method: 'OPTIONS' });
    assert.deepEqual([spoken.status, spoken.headers.get('tus-version')], [204, '1.0.0']);
  });
}
