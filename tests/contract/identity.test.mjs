// Identity as hosts have it: tokens that an identity provider signs, and the ids that it gives people. A
// provider of the test's own serves its keys; everything else is real, on both shapes.

import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { Person, eventually, mint } from './person.mjs';
import { startSystem } from './system.mjs';

/** A gateway looks for new keys at most so often. */
const PAUSE_MS = 10_000;
const PATIENCE_MS = 40_000;
const [ISSUER, AUDIENCE] = ['https://acme.eu.auth0.example/', 'chat'];
/** With which algorithm what kind of key signs. */
const KINDS = {
  RS256: { make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha256' },
  ES256: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha256', more: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { make: () => generateKeyPairSync('ed25519'), hash: null },
};
/** Ids with all that a path, a database, a page or a log could take for something else. */
const HOSTILE = ['auth0|$set.ann', "ben.o'hara+x@example.com/%2E?#&\"<b>{{x}} é李"];

const part = value => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsOf = more => ({ sub: 'auth0|ann', iss: ISSUER, aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + 3_600, ...more });

function newKey(alg, kid = randomUUID()) {
  const { make, hash, more } = KINDS[alg];
  const { publicKey: made, privateKey } = make();
  // Node 20 can wait for itself for ever where it exports the very key that it has made as a JWK: the garbage
  // collector may end the job that made it meanwhile, and both lock the key.
  const publicKey = createPublicKey(made.export({ type: 'spki', format: 'pem' }));
  const token = (claims = {}, header = {}) => {
    const body = `${part({ alg, kid, ...header })}.${part(claimsOf(claims))}`;
    return `${body}.${sign(hash, Buffer.from(body), { key: privateKey, ...more }).toString('base64url')}`;
  };
  return { kid, publicKey, token, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } };
}

/** An identity provider: publishes what is in `keys`, and counts who asks. */
async function openProvider(keys) {
  const provider = { keys, asked: 0, port: 0 };
  const serve = () => new Promise((resolve, reject) => {
    provider.server = createServer((_, answer) => {
      provider.asked += 1;
      answer.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify({ keys: provider.keys.map(key => key.jwk) }));
    }).once('error', reject).listen(provider.port, '127.0.0.1', () => resolve(provider.server.address().port));
  });
  provider.port = await serve();
  provider.url = `http://127.0.0.1:${provider.port}/.well-known/jwks.json`;
  provider.goes = () => new Promise(resolve => { provider.server.close(resolve); provider.server.closeAllConnections(); });
  provider.returns = serve;
  return provider;
}

const threads = (system, token) => fetch(`${system.http}/api/v2/messages/threads`, { headers: { authorization: `Bearer ${token}` } })
  .then(async answer => ({ ...await answer.json(), status: answer.status }));

/** What a handshake with this token comes to: `connected`, or the code of its refusal. */
async function handshake(system, token) {
  const somebody = new Person(system, 'somebody');
  const socket = somebody.open({ auth: { token }, reconnection: false });
  try {
    return await new Promise(resolve => {
      socket.once('connect', () => resolve('connected'));
      socket.once('connect_error', error => resolve(error.data?.code ?? error.message));
      socket.once('disconnect', () => resolve('closed'));
    });
  } finally {
    somebody.leave();
  }
}

/** A person of the provider, with this id. */
function personOf(system, key, id, claims = {}) {
  const person = new Person(system, 'person');
  return Object.assign(person, { id, token: key.token({ sub: id, jti: randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims }) });
}

describe('identity', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`identity on the shape "${shape}"`, { concurrency: 1 }, () => {
    const gateways = shape === 'single' ? 1 : 2;
    let system, provider, keys;
    const both = async token => [(await threads(system, token)).status, await handshake(system, token)];
    // The people of the running test. They leave however it ends: a socket keeps the file going.
    let people = [];
    const person = (...of) => {
      people.push(personOf(system, ...of));
      return people.at(-1);
    };
    afterEach(() => {
      people.forEach(one => one.leave());
      people = [];
    });

    before(async () => {
      keys = Object.keys(KINDS).map(alg => newKey(alg));
      provider = await openProvider([...keys]);
      system = await startSystem(shape, { JWKS_URL: provider.url, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, REST_PER_MINUTE_USER: '0' });
    });
    after(async () => {
      await system?.stop();
      await provider?.goes().catch(() => {});
    });

    test('a token of each algorithm signs in, beside those of the secret', async () => {
      for (const key of keys) {
        assert.deepEqual(await both(key.token()), [200, 'connected']);
        assert.deepEqual(await both(key.token({}, { kid: undefined })), [200, 'connected'], 'without a name of the key');
        assert.deepEqual(await both(key.token({ aud: ['other', AUDIENCE] })), [200, 'connected']);
      }
      assert.deepEqual(await both(mint(claimsOf())), [200, 'connected']);
      assert.equal(provider.asked, gateways, 'each gateway has asked once');
    });

    test('a token that the provider has not signed, or for something else, signs nobody in', async () => {
      const [rsa, ec] = keys;
      let wasAsked = false;
      const evil = createServer((_, answer) => { wasAsked = true; answer.end(JSON.stringify({ keys: [stranger.jwk] })); });
      await new Promise(resolve => evil.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${evil.address().port}/`;
      const stranger = newKey('ES256', ec.kid);
      const withHmac = (secret, header) => {
        const body = `${part({ alg: 'HS256', ...header })}.${part(claimsOf())}`;
        return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
      };
      const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' });
      const bad = {
        'a stranger with the same kid': stranger.token(),
        'a key in the header': stranger.token({}, { jwk: stranger.jwk }),
        'an address of keys in the header': stranger.token({}, { jku: url, x5u: url }),
        'HS256 with the public key as PEM': withHmac(pem, { kid: rsa.kid }),
        'HS256 with the public key as DER': withHmac(rsa.publicKey.export({ format: 'der', type: 'spki' }), {}),
        'HS256 with the public key as JWK': withHmac(JSON.stringify(rsa.jwk), { kid: rsa.kid }),
        'none': `${part({ alg: 'none', kid: rsa.kid })}.${part(claimsOf())}.`,
        'the algorithm of another key': ec.token({}, { alg: 'RS256', kid: rsa.kid }),
        'another audience': rsa.token({ aud: 'shop' }),
        'no audience': rsa.token({ aud: undefined }),
        'another issuer': rsa.token({ iss: 'https://evil.example/' }),
        'an id that nobody can have': rsa.token({ sub: 'a\u202eb' }),
        'a signature that is cut': rsa.token().slice(0, -4),
      };
      for (const [what, token] of Object.entries(bad)) assert.deepEqual(await both(token), [401, 'unauthenticated'], what);
      assert.deepEqual(await both(rsa.token({ exp: Math.floor(Date.now() / 1000) - 120 })), [401, 'token_expired']);
      assert.equal(wasAsked, false, 'nobody follows a header');
      await new Promise(resolve => evil.close(resolve));
    });

    test('a socket ends when its token does', async () => {
      const exp = Math.floor(Date.now() / 1000) - 60 + 4; // the leeway is a minute
      const ann = person(keys[1], 'auth0|short', { exp });
      await ann.connect();
      const why = await new Promise(resolve => ann.socket.once('disconnect', resolve));
      assert.ok(why, 'it was closed');
    });

    test('a new key holds as soon as a token names it, and invented ones do not reach the provider', { timeout: 120_000 }, async () => {
      const next = newKey('ES256');
      provider.keys = [next, ...keys];
      // A look may have been just now.
      await eventually('the new key holds', async () => (await both(next.token())).join() === '200,connected', PATIENCE_MS);
      provider.keys = [...keys, next];
      const before = provider.asked;
      const began = Date.now();
      const flood = Array.from({ length: 300 }, () => threads(system, newKeyless(next)));
      const statuses = new Set((await Promise.all(flood)).map(answer => answer.status));
      assert.deepEqual([...statuses], [401]);
      const looks = Math.ceil((Date.now() - began) / PAUSE_MS) * gateways;
      assert.ok(provider.asked - before <= looks, `${provider.asked - before} looks for 300 tokens, at most ${looks}`);
      assert.deepEqual(await both(keys[0].token()), [200, 'connected'], 'known keys hold meanwhile');
    });

    /** A token of a key with an invented name. */
    const newKeyless = key => key.token({}, { kid: randomUUID() });

    test('known keys hold while the provider is away; a gateway that starts then says that it cannot know', { timeout: 180_000 }, async () => {
      const ann = person(keys[0], 'auth0|stays');
      await ann.connect();
      await provider.goes();
      assert.deepEqual(await both(keys[0].token()), [200, 'connected']);
      assert.deepEqual(await both(newKeyless(keys[1])), [401, 'unauthenticated']);
      await system.restart();
      const refused = await threads(system, keys[0].token());
      assert.deepEqual([refused.status, refused.code], [503, 'unavailable'], JSON.stringify(refused));
      assert.equal(await handshake(system, keys[0].token()), 'closed', 'the official client comes back by itself');
      assert.deepEqual(await both(mint(claimsOf())), [200, 'connected'], 'the secret needs nobody');
      await provider.returns();
      await eventually('keys are there', async () => (await both(keys[0].token())).join() === '200,connected', PATIENCE_MS);
      await eventually('the socket is back', () => ann.socket.connected, PATIENCE_MS);
    });

    test('two people with ids that look like paths, operators and markup do everything', { timeout: 180_000 }, async () => {
      const run = randomUUID().slice(0, 8);
      const [ann, ben] = HOSTILE.map((id, n) => person(keys[n], `${id} ${run}`));
      const root = person(keys[2], `google-oauth2|${run}`, { role: 'admin' });
      const thread = await eventually('a thread', async () => {
        const answer = await ann.rest('POST', '/threads', { participants: [ben.id] });
        assert.ok([200, 201, 202].includes(answer.status), JSON.stringify(answer));
        return answer.thread?._id;
      });
      await Promise.all([ann.connect(), ben.connect()]);
      // Chat, by socket and by REST.
      const { message } = await ann.send(thread, 'by socket');
      assert.equal(message.senderId, ann.id);
      assert.equal((await ben.rest('POST', `/${thread}`, { content: 'by REST' })).message.senderId, ben.id);
      await ann.hears('message:received', 1);
      const seen = async who => (await who.rest('GET', `/threads/${thread}`)).thread;
      await eventually('one unread each', async () => (await seen(ann)).unreadCount === 1 && (await seen(ben)).unreadCount === 1);
      for (const who of [ann, ben]) {
        const { threads: listed } = await who.rest('GET', '/threads');
        assert.deepEqual(listed.map(each => [each._id, each.unreadCount]), [[thread, 1]]);
        assert.deepEqual((await seen(who)).participants.map(each => each.id ?? each).toSorted(), [ann.id, ben.id].toSorted());
      }
      // Receipts.
      assert.equal((await ben.ask('thread:read', { threadId: thread })).success, true);
      const read = (await ann.hears('message:read:update')).at(-1);
      assert.deepEqual([read.userId, read.messages.at(-1).status], [ben.id, 'read']);
      await eventually('a receipt', async () => {
        const { messages } = await ann.rest('GET', `/${thread}`);
        const mine = messages.find(each => each._id === message._id);
        return mine.status === 'read' && mine.readBy.some(each => each.userId === ben.id);
      });
      assert.equal((await ann.rest('POST', `/threads/${thread}/read`, {})).status, 200);
      assert.deepEqual([(await seen(ann)).unreadCount, (await seen(ben)).unreadCount], [0, 0]);
      // Reactions, edits, typing, archiving.
      assert.equal((await ben.ask('reaction:send', { messageId: message._id, emoji: '👍' })).success, true);
      await eventually('a reaction', async () => JSON.stringify((await ann.rest('GET', `/${thread}`)).messages).includes('👍'));
      assert.equal((await ann.rest('PATCH', `/${message._id}`, { content: 'edited' })).status, 200);
      await ben.ask('thread:join', { threadId: thread });
      ann.socket.emit('typing:start', { threadId: thread });
      assert.equal((await ben.hears('typing:update')).at(-1).userId, ann.id);
      assert.equal((await ann.rest('DELETE', `/threads/${thread}`)).status, 200);
      assert.equal((await seen(ann)).status, 'archived');
      assert.equal((await seen(ben)).status, 'active');
      // Presence, by path, query and socket.
      const path = encodeURIComponent(ben.id);
      await eventually('online', async () => (await ann.api('GET', `/presence/${path}`)).presence?.status === 'online');
      const bulk = await ann.api('GET', `/presence?userIds=${[ben.id, ann.id].map(encodeURIComponent).join(',')}`);
      assert.deepEqual(bulk.presence.map(each => each.userId), [ben.id, ann.id]);
      assert.equal((await ann.ask('presence:sync', { userIds: [ben.id] })).presence[0].userId, ben.id);
      // Preferences, names, notifications.
      assert.equal((await ben.api('PUT', '/notifications/preferences', { channels: { push: false } })).status, 200);
      assert.equal((await ben.api('GET', '/notifications/preferences')).preferences.channels.push, false);
      assert.equal((await root.api('PUT', `/users/${path}`, { name: 'Ben', email: 'ben@example.com' })).status, 200);
      const { users } = await ann.api('GET', `/users?userIds=${path}`);
      assert.deepEqual(users.map(each => [each.id, each.name]), [[ben.id, 'Ben']]);
      await eventually('told', async () => [200, 201].includes((await root.api('POST', '/notifications', { userId: ben.id, type: 'order', title: 'Yours', clientNotificationId: run })).status));
      await ben.hears('notification:received');
      const send = await root.api('POST', '/notifications', { to: [ben.id, ann.id], type: 'order', title: 'Both' });
      assert.ok([200, 201, 202].includes(send.status), JSON.stringify(send));
      await eventually('both are told', async () => (await ben.api('GET', '/notifications')).notifications.length === 2
        && (await ann.api('GET', '/notifications')).notifications.length === 1);
      assert.equal((await root.api('GET', `/users/${path}/deliveries`)).status, 200);
      // Operators.
      const { users: connected } = await root.api('GET', `/ops/users?search=${encodeURIComponent(run)}`);
      assert.ok([ann.id, ben.id].every(id => connected.some(each => each.id === id)), JSON.stringify(connected));
      assert.equal((await root.api('POST', `/users/${path}/revoke`, {})).status, 200);
      await eventually('the login is over', async () => (await ben.rest('GET', '/threads')).status === 401);
      assert.equal((await ann.rest('GET', '/threads?status=archived')).status, 200);
      // Leaving and coming back.
      assert.equal((await ann.rest('POST', `/threads/${thread}/leave`, {})).status, 200);
      assert.equal((await ann.rest('GET', `/${thread}`)).status, 404);
    });

    test('an id that nobody can have is malformed at every door', async () => {
      const ann = person(keys[0], 'auth0|doors');
      await ann.connect();
      for (const id of ['', ' ', 'a,b', ' a', 'a ', '..', 'a\u0000', 'a\nb', 'a\u200b', 'x'.repeat(129), '李'.repeat(43)]) {
        assert.equal((await ann.rest('POST', '/threads', { participants: [id] })).status, 400, JSON.stringify(id));
        const { code } = await ann.ask('presence:sync', { userIds: [id] });
        assert.equal(code, 'invalid', JSON.stringify(id));
      }
      for (const json of ['"\\ud800"', '"a\\udc00"']) {
        const answer = await fetch(`${system.http}/api/v2/messages/threads`, { method: 'POST', body: `{"participants":[${json}]}`,
          headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' } });
        assert.equal(answer.status, 400, json);
        assert.equal((await answer.json()).code, 'invalid');
      }
    });
  });
}
});

test('a fleet without a secret of tokens takes those of the provider alone', { timeout: 120_000 }, async () => {
  const key = newKey('EdDSA');
  const provider = await openProvider([key]);
  const settings = { JWKS_URL: provider.url, JWT_SECRET: '', UNSUBSCRIBE_SECRET: 'links in mails are made with this secret' };
  const system = await startSystem('fleet', settings);
  try {
    assert.equal((await threads(system, key.token())).status, 200);
    assert.equal(await handshake(system, key.token()), 'connected');
    for (const secret of ['', settings.UNSUBSCRIBE_SECRET, '0123456789abcdef0123456789abcdef']) {
      const token = mint({ id: 'ann' }, secret);
      assert.deepEqual([(await threads(system, token)).status, await handshake(system, token)], [401, 'unauthenticated'], secret);
    }
    // A page of a cookie has its CSRF token.
    const cookie = { cookie: `token=${key.token()}` };
    const { csrfToken } = await (await fetch(`${system.http}/api/v2/csrf-token`, { headers: cookie })).json();
    const write = headers => fetch(`${system.http}/api/v2/notifications/preferences`, { method: 'PUT', body: '{"channels":{"push":false}}',
      headers: { ...cookie, 'content-type': 'application/json', origin: system.http, ...headers } });
    assert.equal((await write({})).status, 403);
    // The first write of a fleet that has just started may be queued.
    assert.ok([200, 202].includes((await write({ 'x-csrf-token': csrfToken })).status));
  } finally {
    await system.stop();
    await provider.goes();
  }
});
