// Attacks from outside: pages of foreign origins, other people's threads, query operators in place of
// texts, sockets that say nothing. libs/ingress tries forged tokens, and every route with every role.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually, mint } from './person.mjs';
import { ask, handshake, untilClosed } from './raw.mjs';

const NOBODYS_ID = '0123456789abcdef01234567';
/**
 * How long a revocation may take to close sockets, from the moment in which it is known to hold: its request
 * waits for the store, and a machine with much to do for other tests is late with everything. Without the
 * event that ends them, sockets would stay until their token ends, an hour later.
 */
const REVOKED_WITHIN_MS = 2_000;
/**
 * So much longer may an event take than a message does that is sent at the same moment: both go through the
 * same queues to the same sockets.
 */
const BUSY_FACTOR = 3;
/** A deadline of 10 s on a busy machine. */
const DEADLINE_S = [9, 20];
const LEEWAY_S = 60;
/** How long a token of a test holds that is to end while its socket is open. */
const HOLDS_S = 10;
/** Requests of each kind whose times are compared: so many that a busy machine slows both kinds alike. */
const ROUNDS = 60;
const isWithin = (seconds, [least, most]) => seconds >= least && seconds <= most;
const now = () => Math.floor(Date.now() / 1_000);

export function security(stage) {
  const { person, pair } = stage;
  const admin = () => person('root', { role: 'admin' });
  const closed = socket => new Promise(resolve => socket.once('disconnect', () => resolve(Date.now())));
  /** The name of a login in a revocation: a hash of the user and the `jti`. */
  const login = (user, jti) => createHash('sha256').update(user).update(Buffer.from([0, 1])).update(jti).digest('hex');

  test('S3: a login that is revoked loses all its sockets within two seconds, and other logins of the user none', async () => {
    const [root, ann, ben] = [admin(), person('ann', { jti: 'this one' }), person('ben')];
    const thread = await ben.startThread(ann);
    const other = mint({ id: ann.id, jti: 'another one' });
    const sockets = [];
    for (const transports of [['websocket'], ['polling'], ['websocket']]) sockets.push(await ann.connect({ transports, reconnection: false }));
    const stays = ann.open({ auth: { token: other }, reconnection: false });
    await new Promise(resolve => stays.once('connect', resolve));
    const ends = Promise.all(sockets.map(closed));
    const isRefused = async () => (await ann.rest('GET', '/threads')).status === 401;
    const isStored = await root.revoke(ann.id, { session: login(ann.id, 'this one') });
    if (!isStored) await eventually('the revocation is stored', isRefused);
    const revoked = Date.now();
    // A socket that stays hears a message: what takes long now takes long for everybody.
    const heard = new Promise(resolve => stays.once('message:received', () => resolve(Date.now())));
    assert.equal((await ben.rest('POST', `/${thread}`, { content: 'meanwhile' })).success, true);
    const limit = Math.max(REVOKED_WITHIN_MS, BUSY_FACTOR * (await heard - revoked));
    for (const at of await ends) assert.ok(at - revoked <= limit, `${at - revoked} ms of ${limit}`);
    assert.equal(ann.all('auth:error').length, 3);
    assert.equal(stays.connected, true);
    await eventually('the token is refused', isRefused);
    ann.token = other;
    assert.equal((await ann.rest('GET', '/threads')).status, 200);
  });

  test('S3: every socket of a revoked login hears why it ends, over polling too', async () => {
    const root = admin();
    for (let round = 0; round < 40; round += 1) {
      const ann = person('ann', { iat: now() - 5 });
      const end = closed(await ann.connect({ transports: ['polling'], reconnection: false }));
      await root.revoke(ann.id);
      await end;
      assert.deepEqual(ann.all('auth:error').map(({ code }) => code), ['unauthenticated'], `round ${round}`);
    }
  });

  test('S3: a socket ends with its token, and one whose token is renewed goes on', async () => {
    // So that both are connected, and one has another token, before it ends.
    const claims = { iat: now() - 3_600, exp: now() - LEEWAY_S + HOLDS_S };
    const [ann, ben] = [person('ann', claims), person('ben', claims)];
    const ends = closed(await ann.connect({ reconnection: false }));
    await ben.connect({ reconnection: false });
    assert.equal((await ben.ask('auth', { token: mint({ id: ben.id }) })).success, true);
    const started = Date.now();
    await ends;
    assert.ok(Date.now() - started < (HOLDS_S + 30) * 1_000, 'the sweep comes every 10 s');
    assert.equal(ann.all('auth:error')[0].code, 'token_expired');
    assert.equal(ben.socket.connected, true);
  });

  test('S4: a page of a foreign origin opens no socket by any transport and reads nothing, whatever cookie comes along', async () => {
    const ann = person('ann');
    const { ws, http } = stage.system;
    const cookie = `token=${ann.token}`;
    for (const host of new Set([ws, http])) {
      const { port } = new URL(host);
      for (const origin of [
        'https://evil.example', 'null', `http://127.0.0.1.evil.example:${port}`, `http://127.0.0.1:${port}.evil.example`,
        `http://127.0.0.1@evil.example:${port}`, `http://evil.example/127.0.0.1:${port}`, `http://127.0.0.1:1${port}`, 'file://', '',
      ]) {
        const headers = { origin, cookie };
        if (host === ws) {
          assert.equal((await handshake(ws, headers)).status, 403, `upgrade from ${origin}`);
          assert.equal((await ask(`${ws}/socket.io/?EIO=4&transport=polling`, { headers })).status, 403, `polling from ${origin}`);
        }
        if (host === http) {
          const answer = await ask(`${http}/api/v2/messages/threads`, { headers });
          assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [403, undefined], `REST from ${origin}`);
        }
      }
    }
    // Our own page is let in; without any origin a cookie signs nobody in, a token does.
    const own = await handshake(ws, { origin: ws, cookie });
    assert.equal(own.status, 101);
    own.socket.destroy();
    const bare = ann.open({ extraHeaders: { cookie }, reconnection: false });
    await new Promise(resolve => bare.once('connect', resolve));
    const asked = await bare.timeout(10_000).emitWithAck('auth', { userId: ann.id });
    assert.equal(asked.code, 'unauthenticated');
    await ann.connect();
  });

  test('S6: every event about a thread or message answers participants, and everybody else as if it did not exist', async () => {
    const { ann, ben, thread } = await pair();
    const [eve, root, nobody] = [person('eve'), admin(), person('nobody')];
    await Promise.all([eve.connect(), root.connect()]);
    nobody.socket = nobody.open({ reconnection: false });
    await new Promise(resolve => nobody.socket.once('connect', resolve));
    const { message } = await ann.send(thread, 'for two');
    const events = of => [
      ['message:send', { threadId: of.thread, content: 'hello' }], ['thread:join', { threadId: of.thread }],
      ['typing:start', { threadId: of.thread }], ['typing:stop', { threadId: of.thread }], ['thread:read', { threadId: of.thread }],
      ['message:read', { messageId: of.message }], ['reaction:send', { messageId: of.message, emoji: '👍', action: 'add' }],
      ['message:edit', { messageId: of.message, content: 'changed' }], ['thread:leave', { threadId: of.thread }],
      ['message:delete', { messageId: of.message }],
    ];
    const [real, made] = [events({ thread, message: message._id }), events({ thread: NOBODYS_ID, message: NOBODYS_ID })];
    for (const [n, [event, body]] of real.entries()) {
      for (const outsider of [eve, root]) {
        const [refused, nothing] = [await outsider.ask(event, body), await outsider.ask(...made[n])];
        assert.equal(refused.code, 'not_found', `${event}: ${JSON.stringify(refused)}`);
        const { threadId: _one, ...said } = refused;
        const { threadId: _other, ...saidOfNothing } = nothing;
        assert.deepEqual(said, saidOfNothing, `${event} tells nobody that it exists`);
      }
      assert.equal((await nobody.ask(event, body)).code, 'unauthenticated', event);
    }
    const [entry] = (await eve.ask('sync', { threads: [{ threadId: thread, after: 0 }] })).threads;
    assert.equal(entry.code, 'not_found');
    assert.equal((await nobody.ask('sync', { threads: [] })).code, 'unauthenticated');
    for (const [event, body] of real.filter(([name]) => !['message:edit', 'message:delete'].includes(name))) {
      assert.equal((await ben.ask(event, body)).success, true, event);
    }
    for (const event of ['message:edit', 'message:delete']) {
      const [, body] = real.find(([name]) => name === event);
      assert.equal((await ben.ask(event, body)).code, 'forbidden', event);
      assert.equal((await ann.ask(event, body)).success, true, event);
    }
    assert.deepEqual([eve.received(), root.received(), nobody.received()], [[], [], []]);
    assert.deepEqual((await ann.history(thread)), ['', 'hello'], 'what the outsiders sent is nowhere');
  });

  test('S8: operators, paths and wrong types where texts and numbers belong are refused, by socket and by REST', async () => {
    const { ann, thread } = await pair();
    const operators = [{ $ne: '' }, { $gt: '' }, { $where: 'sleep(1000)' }, ['x'], [{ $ne: '' }], 7, true, { toString: 'x' }];
    for (const operator of operators) {
      for (const [event, body] of [
        ['message:send', { threadId: operator, content: 'x' }], ['message:send', { threadId: thread, content: operator }],
        ['message:send', { threadId: thread, content: 'x', clientMessageId: operator }],
        ['message:send', { threadId: thread, content: 'x', attachments: [{ type: 'image', url: operator }] }],
        ['thread:join', { threadId: operator }], ['message:read', { messageId: operator }], ['message:edit', { messageId: operator, content: 'x' }],
        ['reaction:send', { messageId: NOBODYS_ID, emoji: operator }], ['presence:sync', { userIds: [operator] }],
        ['presence:update', { status: operator }], ['sync', { threads: [{ threadId: operator, after: 0 }] }], ['auth', { userId: operator }],
      ]) {
        const answer = await ann.ask(event, body);
        assert.equal(answer.code ?? answer.threads?.[0].code, 'invalid', `${event} ${JSON.stringify(body)}: ${JSON.stringify(answer)}`);
      }
    }
    for (const key of ['$where', 'a.b', '', '$', 'a\u0000b', '$ne']) {
      const answer = await ann.rest('POST', '/threads', { participants: ['ben'], metadata: { deep: { [key]: 1 } } });
      assert.deepEqual([answer.status, answer.code], [400, 'invalid'], JSON.stringify(key));
    }
    for (const id of ['a\u0000', 'a\nb', ' a', 'a,b', '..', '']) {
      const answer = await ann.rest('POST', '/threads', { participants: [id] });
      assert.deepEqual([answer.status, answer.code], [400, 'invalid'], JSON.stringify(id));
    }
    // Identity providers give such ids, and each names just one person.
    for (const id of ['a.b', '$where', 'a b', '__proto__.x', '{"$ne":null}']) {
      const answer = await ann.rest('POST', '/threads', { participants: [id] });
      assert.deepEqual(answer.thread?.participants.map(each => each.id ?? each).toSorted(), [ann.id, id].toSorted(), JSON.stringify(answer));
    }
    for (const query of ['limit[$gt]=1', 'limit=1;drop', 'limit={"$gt":0}', 'before[$ne]=1', 'after=%7B%7D', 'limit=-1', 'limit=1e3']) {
      const answer = await ann.rest('GET', `/${thread}?${query}`);
      // An unknown parameter is passed over, a known one must be a number.
      assert.ok(query.includes('[') ? answer.status === 200 : answer.status === 400, `${query}: ${answer.status}`);
    }
    // These are words like any other, also as keys of maps.
    const odd = person('__proto__');
    assert.equal((await ann.send(await ann.startThread(odd), '{"$ne": null} constructor __proto__')).message.content,
      '{"$ne": null} constructor __proto__');
    assert.deepEqual(await ann.history(thread), []);
  });

  test('S9, S12: names, titles, addresses and file names are one line without control characters, or are refused', async () => {
    const [root, { ann, ben, thread }] = [admin(), await pair()];
    const breaks = ['\r\n', '\n', '\r', '\u0000', '\u0085', '\u2028', '\u2029', '\u000b', '\u000c'];
    for (const line of breaks) {
      const named = await root.api('PUT', `/users/${ben.id}`, { name: `Ben${line}Bcc: eve@example.com` });
      assert.equal(named.status, 200);
      const shown = await eventually('the name is shown', async () => {
        const [{ participant }] = (await person('x', { id: ann.id }).rest('GET', '/threads')).threads;
        return participant.name !== ben.id && participant.name;
      });
      assert.match(shown, /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u);
      for (const email of [`ben@example.com${line}Bcc: eve@example.com`, `ben${line}@example.com`]) {
        assert.equal((await root.api('PUT', `/users/${ben.id}`, { name: 'Ben', email })).status, 400, JSON.stringify(email));
      }
      const told = await root.api('POST', '/notifications', { userId: ben.id, type: 'x', title: `Hello${line}Bcc: eve@example.com` });
      assert.equal(told.status, 201, JSON.stringify(told));
      const file = { type: 'document', url: 'https://files.example.com/a', filename: `a${line}.pdf` };
      assert.equal((await ann.send(thread, 'x', { attachments: [file] })).code, 'invalid', JSON.stringify(line));
      const typed = { ...file, filename: 'a.pdf', mimeType: `text/plain${line}x: y` };
      assert.equal((await ann.send(thread, 'x', { attachments: [typed] })).code, 'invalid', JSON.stringify(line));
    }
    for (const email of ['ben@example.com, eve@example.com', 'Ben <ben@example.com>', '<ben@example.com>', 'ben@example.com;eve@example.com',
      '=?utf-8?q?ben=0D=0ABcc:_eve?=@example.com x', 'ben@b_c.example', 'ben@xn--a.example', 'ben@example.com.', `${'b'.repeat(300)}@example.com`, '"b b"@example.com']) {
      assert.equal((await root.api('PUT', `/users/${ben.id}`, { name: 'Ben', email })).status, 400, email);
    }
    for (const email of ['ben@münchen.example', 'jürgen@example.com']) {
      assert.equal((await root.api('PUT', `/users/${ben.id}`, { name: 'Ben', email })).status, 200, email);
    }
    for (const { title } of (await ben.api('GET', '/notifications')).notifications) assert.match(title, /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u);
    for (const filename of ['../../etc/passwd', '..\\x', 'a/b.pdf', 'invoice\u202Efdp.exe', 'a\u2028.pdf', '\u200b', '..', '"a".pdf']) {
      const file = { type: 'document', url: 'https://files.example.com/a', filename };
      assert.equal((await ann.send(thread, 'x', { attachments: [file] })).code, 'invalid', filename);
    }
    for (const url of ['javascript:alert(1)', 'JAVASCRIPT:alert(1)', 'data:text/html,x', 'data:image/svg+xml,<svg/>', 'http://files.example.com/a',
      '//evil.example/a', 'https://user@evil.example/', 'https:\\\\evil.example', 'blob:https://x/1', 'file:///etc/passwd', '\\\\evil\\a', 'vbscript:x',
      ' https://files.example.com/a', 'https://files.example.com/"onerror=', 'relative']) {
      assert.equal((await ann.send(thread, 'x', { attachments: [{ type: 'image', url }] })).code, 'invalid', url);
    }
  });

  test('S13: the clients\' address shows nothing of the inside, and the operators\' address nothing of people', async () => {
    const { ann, thread } = await pair();
    await ann.send(thread, 'hello');
    for (const host of new Set([stage.system.ws, stage.system.http])) {
      for (const path of ['/metrics', '/livez', '/readyz', '/healthz', '/health', '/debug', '/admin', '/.env', '/config', '/api/metrics']) {
        assert.equal((await fetch(host + path)).status, 404, host + path);
      }
    }
    for (const role of stage.system.roles) {
      for (const path of ['/livez', '/readyz', '/metrics']) {
        const shown = await stage.system.admin(role, path);
        assert.ok(![ann.id, thread, 'amqp://', 'mongodb://'].some(secret => shown.includes(secret)), `${role} ${path}`);
      }
    }
  });

  test('S15: what is somebody else\'s and what does not exist look the same and take the same time', async () => {
    const { ann, ben, thread } = await pair();
    const { message } = await ann.send(thread, 'hello');
    const eve = person('eve');
    const paths = id => [['GET', `/messages/threads/${id}`], ['GET', `/messages/${id}`], ['POST', `/messages/threads/${id}/read`, {}]];
    const times = { theirs: [], nobodys: [] };
    const told = async (kind, [method, path, body]) => {
      const started = performance.now();
      const { headers: _headers, ...answer } = await eve.api(method, path, body);
      times[kind].push(performance.now() - started);
      return answer;
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [n, theirs] of paths(thread).entries()) {
        const answers = [await told('theirs', theirs), await told('nobodys', paths(NOBODYS_ID.slice(2) + round.toString(16).padStart(2, '0'))[n])];
        assert.equal(answers[0].status, 404);
        assert.deepEqual(answers[0], answers[1]);
      }
    }
    const median = all => all.toSorted((one, other) => one - other)[all.length >> 1];
    const apart = Math.abs(median(times.theirs) - median(times.nobodys));
    // On a machine where the request itself takes long, its medians differ by a part of that.
    const limit = Math.max(5, median(times.nobodys) / 4);
    assert.ok(apart < limit, `${apart} ms apart: ${median(times.theirs)} and ${median(times.nobodys)}`);
    const seen = async id => {
      const { presence: { userId: _id, ...shown } } = await eve.api('GET', `/presence/${id}`);
      return shown;
    };
    assert.deepEqual(await seen(ben.id), await seen(`never-${randomUUID()}`));
    const read = id => eve.rest('POST', `/${id}/read`, {});
    assert.deepEqual([(await read(message._id)).error, 404], [(await read(NOBODYS_ID)).error, (await read(NOBODYS_ID)).status]);
  });

  test('S16: who connects and sends nothing, a trickle, or no CONNECT is cut within seconds', async () => {
    const { ws, http } = stage.system;
    const trickle = () => {
      const bytes = ['G', 'E', 'T', ' ', '/', ' ', 'HTTP/1.1\r\n'];
      return () => bytes.shift() ?? 'x: y\r\n';
    };
    const withoutConnect = (async () => {
      const { socket } = await handshake(ws);
      const started = Date.now();
      socket.resume();
      await new Promise(resolve => socket.once('close', resolve));
      return (Date.now() - started) / 1_000;
    })();
    const silent = [...new Set([ws, http])].flatMap(host => [untilClosed(host), untilClosed(host, trickle())]);
    const ann = person('ann');
    await ann.connect();
    for (const seconds of await Promise.all([withoutConnect, ...silent])) assert.ok(isWithin(seconds, DEADLINE_S), `${seconds} s`);
    assert.equal(ann.socket.connected, true);
  });

  test('S18: compression is never agreed on, neither of sockets nor of answers that carry secrets', async () => {
    const ann = person('ann');
    const { ws, http } = stage.system;
    for (const offer of ['permessage-deflate', 'permessage-deflate; client_max_window_bits', 'x-webkit-deflate-frame, permessage-deflate']) {
      const { status, headers, socket } = await handshake(ws, { 'sec-websocket-extensions': offer });
      assert.deepEqual([status, headers['sec-websocket-extensions']], [101, undefined], offer);
      socket.destroy();
    }
    const headers = { 'accept-encoding': 'gzip, deflate, br, zstd', authorization: `Bearer ${ann.token}` };
    for (const url of [`${http}/api/v2/csrf-token`, `${http}/api/v2/messages/threads`, `${ws}/socket.io/?EIO=4&transport=polling`]) {
      const answer = await ask(url, { headers });
      assert.deepEqual([answer.status, answer.headers['content-encoding'], answer.headers['transfer-encoding']], [200, undefined, undefined], url);
    }
  });
}
