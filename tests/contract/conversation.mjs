// What two people and a stranger may expect of the system, whatever its shape, seen through the official
// Socket.IO client and REST. Each test makes its own people, so none depends on another.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually, mint } from './person.mjs';

/** Events a socket may send in a minute, as configured by default. */
const EVENTS_PER_MINUTE = 100;
/** Seconds in which a socket has to say who it is, and what may be added on a busy machine. */
const AUTHENTICATION_S = [9, 20];
const FRAME_MAX_BYTES = 256 * 1024;

export function conversations(stage) {
  const { person, pair } = stage;

  for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
    test(`two people exchange messages over ${transports.join(' upgraded to ')}`, async () => {
      const { ann, ben, thread } = await pair({ transports });
      const answer = await ann.send(thread, 'a < b && c > d <3', { clientMessageId: 'first' });
      assert.equal(answer.success, true);
      assert.equal(answer.message.content, 'a < b && c > d <3');
      assert.equal(answer.message.seq, 1);
      assert.equal((await ben.send(thread, 'and back')).message.seq, 2);
      for (const each of [ann, ben]) {
        await each.hears('message:received', 2);
        assert.deepEqual(each.received(), ['a < b && c > d <3', 'and back']);
      }
      const [sent] = await ann.hears('message:sent');
      assert.equal(sent.clientMessageId, 'first');
      assert.deepEqual(sent.message, answer.message);
      if (transports.length === 2) await eventually('the upgrade', () => ann.socket.io.engine.transport.name === 'websocket');
    });
  }

  test('what was typed can be read back exactly, by socket and by REST, and a retry finds it', async () => {
    const { ann, ben, thread } = await pair();
    const typed = text => text.replaceAll('<\u2060', '<');
    const texts = ['Vec<String>', 'Someone <someone@example.com>', 'if (a<b) return; List<int> x;', 'odd <\u2060b <', 'half \ud83d', '\u2067rtl\u2069 نامه\u200cها'];
    const whole = texts.map(text => text.toWellFormed());
    for (const [n, text] of texts.entries()) {
      const key = { clientMessageId: `<key ${n}@mail.example>` };
      const { success, message, code } = n % 2 ? await ann.send(thread, text, key) : await ann.rest('POST', `/${thread}`, { content: text, ...key });
      assert.deepEqual([success, code, typed(message.content)], [true, undefined, whole[n]]);
      assert.doesNotMatch(message.content, /<[a-z/!?]|<$/i);
      const again = n % 2 ? await ann.rest('POST', `/${thread}`, { content: text, ...key }) : await ann.send(thread, text, key);
      assert.deepEqual([again.deduplicated, again.message._id], [true, message._id]);
    }
    await ben.hears('message:received', texts.length);
    assert.deepEqual(ben.received().map(typed), whole);
    assert.deepEqual((await ben.history(thread)).map(typed), whole);
    for (const blank of ['\u200b\u2060', '\u2800\u3164']) assert.equal((await ann.send(thread, blank)).code, 'invalid');
    const deep = `{"threadId":"${thread}","clientMessageId":"deep","content":"x","more":${'['.repeat(200)}${']'.repeat(200)}}`;
    const refused = await ann.send(thread, 'x', { clientMessageId: 'deep', more: JSON.parse(deep).more });
    assert.deepEqual([refused.code, refused.clientMessageId, refused.threadId], ['invalid', 'deep', thread]);
  });

  test('files are taken as browsers and people name them, also without a text, and metadata comes back digit by digit', async () => {
    const { ann, ben, thread } = await pair();
    const files = [
      { type: 'video', url: 'https://f.example.com/v.webm', mimeType: 'video/webm;codecs=vp8,opus' },
      { type: 'document', url: "https://f.example.com/d/it's.pdf", filename: 'نامه\u200cها.pdf' },
      { type: 'image', url: '/f/1', filename: '👨\u200d👩\u200d👧.png', mimeType: 'image/png' },
    ];
    const metadata = '{"a":117.63331139400017,"b":18446744073709551616,"c":[1e+400,-0,1.50]}';
    const body = `{"attachments":${JSON.stringify(files).replaceAll('"type"', `"metadata":${metadata},"type"`)}}`;
    const headers = { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' };
    const sent = await fetch(`${stage.system.http}/api/v2/messages/${thread}`, { method: 'POST', headers, body });
    const shown = async answer => [answer.status, (await answer.text()).split(`"metadata":${metadata}`).length - 1];
    assert.deepEqual(await shown(sent), [201, files.length]);
    const read = await fetch(`${stage.system.http}/api/v2/messages/${thread}`, { headers });
    assert.deepEqual(await shown(read), [200, files.length]);
    const [{ message }] = await ben.hears('message:received');
    assert.deepEqual(message.attachments.map(({ url, filename, mimeType }) => [url, filename, mimeType]), [
      ['https://f.example.com/v.webm', '', 'video/webm'], ['https://f.example.com/d/it%27s.pdf', files[1].filename, ''], ['/f/1', files[2].filename, 'image/png'],
    ]);
    assert.equal((await ann.ask('message:edit', { messageId: message._id, content: ' ' })).success, true);
    const { message: text } = await ann.send(thread, 'text');
    assert.equal((await ann.rest('PATCH', `/${text._id}`, { content: '' })).status, 400);
  });

  test('all sockets of a person hear a message, and nobody outside the thread does', async () => {
    const { ann, ben, thread } = await pair();
    const stranger = person('eve');
    await stranger.connect();
    await ben.connect(); // a second device; what either hears is kept together
    await ann.send(thread, 'for both devices');
    await ben.hears('message:received', 2);
    const other = await stranger.startThread(ann);
    await stranger.send(other, 'something else');
    await stranger.hears('message:received');
    assert.deepEqual(stranger.received(), ['something else']);
    assert.equal(ben.received().length, 2);
  });

  test('the auth event with the own user id is answered with auth:success', async () => {
    const ann = person('ann');
    // As the published page does it: the cookie says who, the event only claims it.
    const extraHeaders = { cookie: `token=${ann.token}`, origin: stage.system.ws };
    await ann.connect({ auth: {}, extraHeaders, transports: ['polling', 'websocket'] });
    assert.deepEqual(await ann.ask('auth', { userId: ann.id }), { success: true, userId: ann.id });
    assert.deepEqual(await ann.hears('auth:success'), [{ userId: ann.id }]);
  });

  test('the auth event with a token lets in a socket that had none', async () => {
    const { ann, ben, thread } = await pair(null);
    await ann.connect({ auth: {} });
    await ben.connect();
    assert.equal((await ann.send(thread, 'too early')).code, 'unauthenticated');
    assert.equal((await ann.ask('auth', { userId: ann.id, token: ann.token })).success, true);
    assert.equal((await ann.send(thread, 'in time')).success, true);
    await ben.hears('message:received');
    assert.deepEqual(ben.received(), ['in time']);
  });

  test('the auth event with somebody else\'s user id is answered with auth:error', async () => {
    const { ann, ben } = await pair();
    const answer = await ann.ask('auth', { userId: ben.id });
    assert.equal(answer.success, false);
    assert.equal(answer.code, 'forbidden');
    const [error] = await ann.hears('auth:error');
    assert.equal(error.code, 'forbidden');
  });

  for (const [title, token, code] of [
    ['garbage', () => 'garbage', 'unauthenticated'],
    ['a foreign signature', () => mint({ id: 'ann' }, 'another secret of at least thirty-two bytes'), 'unauthenticated'],
    ['an expired one', () => mint({ id: 'ann', exp: 1_700_000_000 }), 'token_expired'],
  ]) {
    test(`a connection with an invalid token, ${title}, is refused with connect_error and its code`, async () => {
      const ann = person('ann');
      const error = await ann.connect({ auth: { token: token() } }).then(() => null, refused => refused);
      assert.equal(error?.data?.code, code);
    });
  }

  test('a socket that does not say who it is is closed after ten seconds', async () => {
    const nobody = person('nobody');
    const socket = await nobody.connect({ auth: {}, reconnection: false });
    const started = Date.now();
    const reason = await new Promise(resolve => socket.once('disconnect', resolve));
    const seconds = (Date.now() - started) / 1000;
    assert.equal(reason, 'transport close');
    assert.ok(seconds > AUTHENTICATION_S[0] && seconds < AUTHENTICATION_S[1], `closed after ${seconds} s`);
    assert.equal(nobody.all('auth:error')[0].code, 'unauthenticated');
  });

  test('a stranger is told that a thread does not exist', async () => {
    const { ann, ben, thread } = await pair();
    const eve = person('eve');
    await eve.connect();
    assert.deepEqual(await ben.ask('thread:join', { threadId: thread }), { success: true, threadId: thread });
    const nowhere = await eve.ask('thread:join', { threadId: 'f'.repeat(24) });
    for (const answer of [await eve.ask('thread:join', { threadId: thread }), await eve.send(thread, 'let me in')]) {
      assert.equal(answer.success, false);
      assert.equal(answer.code, 'not_found');
      assert.equal(answer.error, nowhere.error, 'the words are those for a thread that does not exist');
    }
    assert.equal((await eve.rest('GET', `/${thread}`)).status, 404);
    assert.equal((await eve.rest('POST', `/${thread}`, { content: 'let me in' })).status, 404);
    assert.equal((await eve.rest('GET', `/threads/${thread}`)).status, 404);
    assert.deepEqual(await ann.history(thread), []);
  });

  test('what cannot be sent is answered with message:error, its code and the client\'s own key', async () => {
    const { ann, thread } = await pair();
    const refused = [
      [{ threadId: thread, content: '' }, 'invalid'],
      [{ threadId: thread }, 'invalid'],
      [{ threadId: thread, content: { $gt: '' } }, 'invalid'],
      [{ threadId: thread, content: 'x'.repeat(10_001) }, 'invalid'],
      [{ threadId: 'no-id', content: 'a' }, 'not_found'],
      [{ content: 'a' }, 'invalid'],
      ['a text', 'invalid'],
      [{ threadId: thread, content: 'a', attachments: [{ type: 'image', url: 'javascript:alert(1)' }] }, 'invalid'],
    ];
    for (const [index, [body, code]] of refused.entries()) {
      const key = randomUUID();
      const asked = typeof body === 'string' ? body : { ...body, clientMessageId: key };
      const answer = await ann.ask('message:send', asked);
      assert.equal(answer.success, false);
      assert.equal(answer.code, code, JSON.stringify(body).slice(0, 100));
      const errors = await ann.hears('message:error', index + 1);
      assert.deepEqual(errors[index], answer);
      if (asked !== body) assert.equal(answer.clientMessageId, key);
    }
    assert.deepEqual(await ann.history(thread), []);
  });

  test('an event that does not exist is answered with an error', async () => {
    const { ann } = await pair();
    const answer = await ann.ask('message:explode', {});
    assert.equal(answer.code, 'unknown');
    ann.socket.emit('message:explode', {});
    const [error] = await ann.hears('error');
    assert.deepEqual([error.code, error.event], ['unknown', 'message:explode']);
  });

  test('a binary event is answered with a clear error, and the connection goes on', async () => {
    const { ann, thread } = await pair();
    const answer = await ann.send(thread, 'a', { file: Buffer.from([1, 2, 3]) });
    assert.equal(answer.success, false);
    assert.equal(answer.code, 'invalid');
    assert.match(answer.error, /binary/);
    assert.equal((await ann.send(thread, 'b')).success, true);
  });

  for (const transport of ['websocket', 'polling']) {
    test(`over ${transport} a frame of more than 256 KiB ends the connection, and the client comes back`, async () => {
      const { ann, thread } = await pair({ transports: [transport] });
      assert.equal((await ann.send(thread, 'x'.repeat(FRAME_MAX_BYTES - 1_024))).code, 'invalid', 'a smaller one is read');
      const lost = new Promise(resolve => ann.socket.once('disconnect', resolve));
      const back = new Promise(resolve => ann.socket.io.once('reconnect', resolve));
      ann.socket.emit('message:send', { threadId: thread, content: 'x'.repeat(FRAME_MAX_BYTES) });
      assert.match(await lost, /transport (close|error)/);
      await back;
      assert.equal((await ann.send(thread, 'smaller')).success, true);
      assert.deepEqual(await ann.history(thread), ['smaller']);
    });
  }

  test('old fault 12: the event after the hundredth in a minute is refused, and typing costs nothing', async () => {
    const { ann, thread } = await pair();
    for (let n = 0; n < 2 * EVENTS_PER_MINUTE; n += 1) ann.socket.emit('typing:start', { threadId: thread });
    const joins = Array.from({ length: EVENTS_PER_MINUTE - 1 }, () => ann.ask('thread:join', { threadId: thread }));
    assert.ok((await Promise.all(joins)).every(answer => answer.success));
    assert.equal((await ann.send(thread, 'the hundredth')).success, true);
    const answer = await ann.send(thread, 'one more');
    assert.equal(answer.success, false);
    assert.equal(answer.code, 'rate_limited');
    assert.ok(answer.retryAfterMs > 0 && answer.retryAfterMs <= 60_000, `it says when to come back: ${answer.retryAfterMs}`);
    assert.deepEqual(await ann.history(thread), ['the hundredth']);
  });

  test('the same clientMessageId twice is one message, by socket and by REST', async () => {
    const { ann, ben, thread } = await pair();
    const key = randomUUID();
    const first = await ann.send(thread, 'once', { clientMessageId: key });
    const second = await ann.send(thread, 'once', { clientMessageId: key });
    const third = await ann.rest('POST', `/${thread}`, { content: 'once' }, { 'idempotency-key': key });
    assert.equal(second.deduplicated, true);
    assert.equal(third.status, 200);
    for (const again of [second, third]) assert.equal(again.message._id, first.message._id);
    await ann.send(thread, 'the end');
    await ben.hears('message:received', 2);
    assert.deepEqual(ben.received(), ['once', 'the end']);
    assert.deepEqual(await ann.history(thread), ['once', 'the end']);
  });

  test('the same clientMessageId with another content is refused', async () => {
    const { ann, thread } = await pair();
    await ann.send(thread, 'this', { clientMessageId: 'key' });
    assert.equal((await ann.send(thread, 'that', { clientMessageId: 'key' })).code, 'key_reused');
    assert.equal((await ann.rest('POST', `/${thread}`, { content: 'that', clientMessageId: 'key' })).status, 422);
    assert.deepEqual(await ann.history(thread), ['this']);
  });

  test('two equal messages with different keys are two messages', async () => {
    const { ann, thread } = await pair();
    await ann.send(thread, 'ok', { clientMessageId: '1' });
    await ann.send(thread, 'ok', { clientMessageId: '2' });
    assert.deepEqual(await ann.history(thread), ['ok', 'ok']);
  });

  for (const heardBefore of [0, 1]) {
    test(`a lost connection is recovered without loss or double, ${heardBefore} messages after its start`, async () => {
      const { ann, ben, thread } = await pair();
      const contents = Array.from({ length: heardBefore + 10 }, (_, n) => `number ${n}`);
      for (const content of contents.slice(0, heardBefore)) await ann.send(thread, content);
      await ben.hears('message:received', heardBefore);
      const session = ben.socket.id;
      await ben.reconnects(() => Promise.all(contents.slice(heardBefore).map(content => ann.send(thread, content))));
      assert.equal(ben.socket.recovered, true);
      assert.equal(ben.socket.id, session);
      await ann.send(thread, 'the end');
      await eventually('the end', () => ben.received().at(-1) === 'the end');
      assert.deepEqual(ben.received(), [...contents, 'the end']);
    });
  }

  test('somebody else cannot recover a session', async () => {
    const { ben } = await pair();
    const eve = person('eve');
    await eve.connect();
    await eve.reconnects(() => { eve.socket._pid = ben.socket._pid; });
    assert.equal(eve.socket.recovered, false);
    assert.notEqual(eve.socket.id, ben.socket.id);
  });

  test('by REST a thread is created once, listed, read in pages and written to', async () => {
    const { ann, ben, thread } = await pair();
    const again = await ben.rest('POST', '/threads', { participants: [ann.id] });
    assert.equal(again.status, 200);
    assert.equal(again.thread._id, thread);
    for (let n = 1; n <= 5; n += 1) {
      const stored = await ann.rest('POST', `/${thread}`, { content: `number ${n}` });
      assert.equal(stored.status, 201);
      assert.equal(stored.message.seq, n);
    }
    await ben.hears('message:received', 5);
    assert.deepEqual(await ben.history(thread, '?limit=2'), ['number 4', 'number 5']);
    assert.deepEqual(await ben.history(thread, '?limit=2&before=4'), ['number 2', 'number 3']);
    assert.deepEqual(await ben.history(thread, '?limit=2&after=2'), ['number 3', 'number 4']);
    // Counters and preview follow their messages; nobody waits for them.
    const counted = await eventually('the thread counts its messages', async () => {
      const { threads } = await ben.rest('GET', '/threads');
      assert.deepEqual(threads.map(each => each._id), [thread]);
      return threads[0].unreadCount === 5 && threads[0];
    });
    assert.equal(counted.lastMessage.content, 'number 5');
    assert.equal((await ben.rest('GET', `/threads/${thread}`)).thread.participant.id, ann.id);
  });

  test('REST answers every error in the same form', async () => {
    const { ann, thread } = await pair();
    const json = { 'content-type': 'application/json', authorization: `Bearer ${ann.token}` };
    const large = JSON.stringify({ content: 'x'.repeat(FRAME_MAX_BYTES) });
    for (const [method, path, init, status, code] of [
      ['GET', '/api/v2/nothing', { headers: json }, 404, 'unknown'],
      ['DELETE', '/api/v2/messages/threads', { headers: json }, 405, 'unknown'],
      ['GET', '/api/v2/messages/threads', {}, 401, 'unauthenticated'],
      ['GET', '/api/v2/messages/threads?limit=0', { headers: json }, 400, 'invalid'],
      ['GET', `/api/v2/messages/${thread}?before=1&after=1`, { headers: json }, 400, 'invalid'],
      ['POST', `/api/v2/messages/${thread}`, { headers: json, body: '{"content":' }, 400, 'invalid'],
      ['POST', `/api/v2/messages/${thread}`, { headers: json, body: '["a"]' }, 400, 'invalid'],
      ['POST', `/api/v2/messages/${thread}`, { headers: json, body: large }, 413, 'too_large'],
      ['POST', `/api/v2/messages/${thread}`, { headers: { ...json, 'content-type': 'text/plain' }, body: '{}' }, 415, 'invalid'],
      ['GET', '/api/v2/messages/threads', { headers: { ...json, origin: 'https://evil.example' } }, 403, 'forbidden'],
    ]) {
      const answer = await fetch(stage.system.http + path, { method, ...init });
      const body = await answer.json();
      assert.deepEqual([answer.status, body.success, body.code], [status, false, code], `${method} ${path}`);
      assert.equal(typeof body.error, 'string');
    }
  });

  test('a write on the strength of a cookie needs the session\'s CSRF token', async () => {
    const { ann, ben, thread } = await pair();
    const token = async who => {
      const answer = await fetch(`${stage.system.http}/api/v2/csrf-token`, { headers: { cookie: `token=${who.token}` } });
      return (await answer.json()).csrfToken;
    };
    const write = csrf => fetch(`${stage.system.http}/api/v2/messages/${thread}`, {
      method: 'POST', body: '{"content":"a"}',
      headers: { cookie: `token=${ann.token}`, 'content-type': 'application/json', origin: stage.system.http, ...csrf },
    });
    for (const csrf of [{}, { 'x-csrf-token': 'AAAA' }, { 'x-csrf-token': await token(ben) }]) {
      const answer = await write(csrf);
      assert.deepEqual([answer.status, (await answer.json()).code], [403, 'csrf_failed']);
    }
    assert.equal((await write({ 'x-csrf-token': await token(ann) })).status, 201);
    assert.deepEqual(await ann.history(thread), ['a']);
  });
}

/** The system is restarted: nothing else may run on it meanwhile. */
export function restarts(stage) {
  const { pair } = stage;

  test('after a restart the history is there, and clients come back by themselves and go on', async () => {
    const { ann, ben, thread } = await pair();
    await ann.send(thread, 'before');
    await ben.hears('message:received');
    const back = Promise.all([ann, ben].map(each => new Promise(resolve => each.socket.io.once('reconnect', resolve))));
    const reasons = [ann, ben].map(each => new Promise(resolve => each.socket.once('disconnect', resolve)));
    await stage.system.restart();
    await back;
    // Never "io server disconnect": after that the client would not come back.
    for (const reason of await Promise.all(reasons)) assert.equal(reason, 'transport close');
    assert.deepEqual(await ben.history(thread), ['before']);
    assert.equal((await ben.send(thread, 'after')).message.seq, 2);
    await ann.hears('message:received', 2);
    assert.deepEqual(ann.received(), ['before', 'after']);
    assert.deepEqual(await ann.history(thread), ['before', 'after']);
  });
}
