// A system with strict settings: tokens of one issuer for one audience, few sockets, and verbose logs. The
// tests show what it refuses, and what its logs and metrics do not reveal.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Person, eventually, mint } from './person.mjs';
import { ask, handshake } from './raw.mjs';
import { SECRET, startSystem } from './system.mjs';

const [ISSUER, AUDIENCE] = ['https://host.example', 'chat'];
const [PER_USER, PER_ADDRESS] = [3, 5];
const SETTINGS = {
  JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, SOCKETS_PER_USER: String(PER_USER), SOCKETS_PER_IP: String(PER_ADDRESS),
  ALLOWED_ORIGINS: 'capacitor://localhost,https://*.apps.example',
  REST_PER_MINUTE_USER: '0', EVENTS_PER_MINUTE: '0',
  LOG_LEVEL: 'info,' + ['ingress', 'bus', 'workers', 'socketio', 'boot', 'amqp', 'mongo', 'redis', 'embedded'].map(name => `eventflow_${name}=debug`).join(','),
};
/** The proxy that the tests play: by the number of proxies, or by its network. */
const PROXIES = { single: '127.0.0.0/8', fleet: '1' };
/** Random requests of each kind; one in four is a socket event. */
const RANDOM_REQUESTS = 10_000;
const AT_ONCE = 20;

// Both shapes at once: most of it is waiting.
describe('strict systems', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`a strict system of the shape "${shape}"`, { concurrency: 1 }, () => {
    let system;
    let addresses = 0;
    const people = [];
    const meant = { iss: ISSUER, aud: [AUDIENCE] };
    before(async () => { system = await startSystem(shape, { ...SETTINGS, TRUSTED_PROXIES: PROXIES[shape] }); });
    after(async () => {
      people.forEach(person => person.leave());
      await system?.stop();
    });

    function person(name, claims = {}) {
      const made = new Person(system, name, { ...meant, ...claims });
      people.push(made);
      return made;
    }

    /** Somebody at an address of their own, as a proxy says. */
    const from = address => ({ extraHeaders: { 'x-forwarded-for': address }, reconnection: false });
    const elsewhere = () => from(`198.51.100.${addresses += 1}`);
    const outcome = socket => new Promise(resolve => {
      socket.once('connect', () => resolve('connect'));
      socket.once('connect_error', error => resolve(error.data?.code ?? error.message));
    });

    async function metrics() {
      const all = await Promise.all(system.roles.map(async role => (await system.admin(role, '/metrics')).split('\n').map(line => `${role} ${line}`)));
      return all.flat().filter(line => !line.split(' ')[1].startsWith('#') && line.split(' ').length > 2);
    }

    test('S1: only tokens of the expected issuer and audience are accepted, by REST and by socket', async () => {
      const id = `ann-${randomUUID().slice(0, 8)}`;
      for (const [claims, status] of [
        [{ iss: ISSUER, aud: AUDIENCE }, 200], [{ iss: ISSUER, aud: ['mail', AUDIENCE] }, 200], [{}, 401], [{ iss: ISSUER }, 401], [{ aud: AUDIENCE }, 401],
        [{ iss: 'https://evil.example', aud: AUDIENCE }, 401], [{ iss: ISSUER, aud: 'mail' }, 401], [{ iss: ISSUER, aud: [] }, 401],
        [{ iss: [ISSUER], aud: AUDIENCE }, 401], [{ iss: ISSUER, aud: { $in: [AUDIENCE] } }, 401],
      ]) {
        const ann = new Person(system, 'ann');
        people.push(ann);
        ann.token = mint({ id, ...claims });
        assert.equal((await ann.rest('GET', '/threads')).status, status, JSON.stringify(claims));
        const said = await outcome(ann.open({ auth: { token: ann.token }, ...elsewhere() }));
        assert.equal(said, status === 200 ? 'connect' : 'unauthenticated', JSON.stringify(claims));
        ann.leave();
      }
      // The variables of the test tools are no settings.
      const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('EVENTFLOW_')));
      const operator = { ...own, ...SETTINGS, JWT_SECRET: SECRET };
      const printed = execFileSync(join(process.env.EVENTFLOW_BIN_DIR ?? 'target/release', 'eventflow'), ['token', '--user', id], { env: operator, encoding: 'utf8' });
      const answer = await ask(`${system.http}/api/v2/messages/threads`, { headers: { authorization: `Bearer ${printed.trim()}` } });
      assert.equal(answer.status, 200, 'the token of the operator\'s command is such a one');
    });

    test('S4: the origins of apps can be listed, a wildcard is one level, and the own page is never shut out; a refused origin is logged once', async () => {
      const ann = person('ann');
      const { ws, http } = system;
      const refused = 'https://a.b.apps.example';
      for (const [origin, admitted] of [
        ['capacitor://localhost', true], ['https://a.apps.example', true], [ws, true], [refused, false], [refused, false],
        ['https://apps.example', false], ['https://*.apps.example', false], ['capacitor://localhost.evil', false], ['ionic://localhost', false],
      ]) {
        const { status, socket } = await handshake(ws, { origin, 'x-forwarded-for': '198.51.100.250' });
        socket?.destroy();
        assert.equal(status, admitted ? 101 : 403, origin);
        const headers = { origin: origin === ws ? http : origin, authorization: `Bearer ${ann.token}` };
        assert.equal((await ask(`${http}/api/v2/messages/threads`, { headers })).status, admitted ? 200 : 403, origin);
      }
      for (const role of system.roles.filter(name => name === 'eventflow' || name.endsWith('-gateway'))) {
        const lines = (await system.logs(role)).split('\n').filter(line => line.includes(refused));
        assert.equal(lines.length, 1, lines.join('\n'));
        assert.match(lines[0], /WARN.*ALLOWED_ORIGINS/);
      }
    });

    test('S16: sockets above the number of a user or of an address are refused with a code, until others are gone', async () => {
      const ann = person('ann');
      const opened = () => outcome(ann.open({ auth: { token: ann.token }, ...elsewhere() }));
      for (let n = 0; n < PER_USER; n += 1) assert.equal(await opened(), 'connect');
      assert.equal(await opened(), 'rate_limited');
      ann.sockets[0].disconnect();
      await eventually('there is room again', async () => await opened() === 'connect');
      ann.leave();

      const crowd = Array.from({ length: PER_ADDRESS }, (_, n) => person(`p${n}`));
      for (const each of crowd) assert.equal(await outcome(each.open({ auth: { token: each.token }, ...from('192.0.2.1') })), 'connect');
      const refused = await handshake(system.ws, { 'x-forwarded-for': '192.0.2.1' });
      assert.equal(refused.status, 429);
      const poll = await ask(`${system.ws}/socket.io/?EIO=4&transport=polling`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
      assert.deepEqual([poll.status, JSON.parse(poll.body).code], [429, 'rate_limited']);
      const claimed = await handshake(system.ws, { 'x-forwarded-for': '203.0.113.7, 192.0.2.1' });
      assert.equal(claimed.status, 429, 'what a client claims does not count');
      assert.equal(await outcome(person('other').open({ auth: { token: person('other').token }, ...from('192.0.2.2') })), 'connect');
      crowd[0].leave();
      await eventually('there is room again', async () => {
        const { status, socket } = await handshake(system.ws, { 'x-forwarded-for': '192.0.2.1' });
        socket?.destroy();
        return status === 101;
      });
      const counted = (await metrics()).filter(line => line.includes('eventflow_gateway_refused_total'));
      for (const reason of ['sockets_per_user', 'sockets_per_ip']) {
        assert.ok(counted.some(line => line.includes(`reason="${reason}"`) && !line.endsWith(' 0')), counted.join('\n'));
      }
      people.forEach(each => each.leave());
    });

    test('S16: losing the connection and coming back a hundred times counts as one socket', async () => {
      const ann = person('ann');
      await ann.connect(elsewhere());
      for (let n = 0; n < 100; n += 1) await ann.reconnects(async () => {});
      const others = Array.from({ length: PER_USER - 1 }, () => ann.open({ auth: { token: ann.token }, ...elsewhere() }));
      assert.deepEqual(await Promise.all(others.map(outcome)), others.map(() => 'connect'));
      ann.leave();
    });

    test('S14: what people write, are called and sign in with is in no log and no metric, also when it goes wrong', async () => {
      const canary = what => `canary${what}${randomBytes(6).toString('hex')}`;
      const words = Object.fromEntries(['jti', 'text', 'edited', 'name', 'claim', 'file', 'host', 'title', 'body', 'data', 'subject', 'bad', 'event', 'query', 'cookie', 'agent', 'refused']
        .map(what => [what, canary(what)]));
      const email = `${canary('mail')}@example.com`;
      const [ann, ben, root] = [person('ann', { jti: words.jti, name: words.claim }), person('ben'), person('root', { role: 'admin' })];
      assert.equal((await root.api('PUT', `/users/${ann.id}`, { name: words.name, email, avatar: `https://${words.host}.example/a.png` })).status, 200);
      const created = await ann.rest('POST', '/threads', { participants: [ben.id], metadata: { subject: words.subject } });
      const thread = created.thread._id;
      await ann.connect(elsewhere());
      await ben.connect(elsewhere());
      const file = { type: 'document', url: `https://${words.host}.example/${words.file}.pdf`, filename: `${words.file}.pdf`, metadata: { x: words.data } };
      const { message } = await ann.send(thread, words.text, { attachments: [file], clientMessageId: words.data });
      assert.equal(message.content, words.text);
      await ben.hears('message:received');
      await ann.ask('message:edit', { messageId: message._id, content: words.edited });
      await ben.hears('message:updated');
      const told = await root.api('POST', '/notifications', { userId: ben.id, type: 'x', title: words.title, message: words.body, data: { x: words.data } });
      assert.equal(told.status, 201);
      await ben.hears('notification:received');
      await ann.ask('message:delete', { messageId: message._id });
      // Everything that goes wrong.
      const bad = mint({ ...meant, id: words.bad, jti: words.bad }, 'x'.repeat(32));
      const expired = mint({ ...meant, id: ann.id, jti: words.bad, exp: 1 });
      const { http, ws } = system;
      for (const token of [bad, expired, words.bad, 'x'.repeat(9_000) + words.bad]) {
        assert.equal((await ask(`${http}/api/v2/messages/threads`, { headers: { authorization: `Bearer ${token}`, 'user-agent': words.agent } })).status, 401);
        assert.notEqual(await outcome(ann.open({ auth: { token }, ...elsewhere() })), 'connect');
      }
      const authorization = `Bearer ${ann.token}`;
      for (const [method, path, body, headers] of [
        ['POST', `/messages/${thread}`, '{"content": "' + words.refused], ['POST', `/messages/${thread}`, JSON.stringify({ content: words.refused.repeat(1_000) })],
        ['POST', `/messages/${thread}`, JSON.stringify({ content: words.refused, attachments: [{ type: 'image', url: `javascript:${words.refused}` }] })],
        ['POST', `/messages/${thread}`, words.refused.repeat(20_000)], ['POST', `/messages/${words.refused}`, JSON.stringify({ content: words.refused })],
        ['GET', `/${words.query}?${words.query}=${words.query}`], ['GET', `/messages/threads?cursor=${words.query}&token=${words.query}`],
        ['POST', '/users/x/revoke', JSON.stringify({ session: words.refused })], [words.refused.toUpperCase().replace(/\d/g, 'X'), '/messages/threads'],
        ['POST', `/messages/${thread}`, JSON.stringify({ content: 'x' }), { cookie: `token=${words.cookie}`, authorization: '', origin: 'https://elsewhere.example' }],
        ['PUT', `/users/${ann.id}`, JSON.stringify({ name: words.refused, email: words.refused }), { authorization: `Bearer ${root.token}` }],
      ]) {
        const answer = await ask(`${http}/api/v2${path}`, { method, headers: { authorization, 'content-type': 'application/json', ...headers } }, body)
          // Too much is refused before it is read.
          .catch(() => ({ status: 413 }));
        assert.ok(answer.status >= 400 || path.includes('cursor'), `${method} ${path.slice(0, 40)}: ${answer.status}`);
      }
      await ann.ask('message:send', { threadId: thread, content: { deep: words.refused } });
      await ann.ask('message:send', { threadId: words.refused, content: words.refused });
      await ann.ask(words.event, { x: words.event });
      await handshake(ws, { origin: 'https://elsewhere.example', cookie: `token=${words.cookie}` });
      await ask(`${ws}/socket.io/?EIO=4&transport=${words.query}&sid=${words.query}&token=${words.query}`);
      await ask(`${ws}/socket.io/?EIO=4&transport=polling`, { method: 'POST', headers: { 'content-type': 'text/plain' } }, words.refused);
      const noisy = ann.open({ auth: { token: ann.token }, ...elsewhere() });
      assert.equal(await outcome(noisy), 'connect');
      noisy.io.engine.write(`42["${words.event}`);
      await new Promise(resolve => noisy.once('disconnect', resolve));
      await root.revoke(ann.id);

      const signature = token => token.split('.')[2];
      const secrets = [...Object.values(words), email, ann.token, signature(ann.token), signature(bad), signature(expired), signature(root.token)];
      const shown = (await Promise.all(system.roles.flatMap(role => [
        system.logs(role), ...['/metrics', '/readyz', '/livez'].map(path => system.admin(role, path)),
      ]))).join('\n');
      assert.ok(shown.includes('DEBUG'), 'the logs say much');
      for (const secret of secrets) {
        const at = shown.toLowerCase().indexOf(secret.toLowerCase());
        assert.equal(at, -1, `${secret}: …${shown.slice(Math.max(0, at - 300), at + 100)}…`);
      }
    });

    test('S17: ten thousand random paths, ids, methods and event names make no new series', { timeout: 600_000 }, async () => {
      const ann = person('ann', { role: 'admin' });
      await ann.connect(elsewhere());
      const word = () => randomBytes(12).toString('hex');
      const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PURGE', 'MKCOL', 'SEARCH'];
      const paths = [
        () => `/${word()}`, () => `/api/${word()}`, () => `/api/v2/${word()}/${word()}`, () => `/api/v2/messages/${word()}`, () => `/api/v2/messages/threads/${word()}`,
        () => `/api/v2/messages/${word()}/reactions`, () => `/api/v2/presence/${word()}`, () => `/api/v2/users/${word()}/revoke`, () => `/api/v2/notifications/${word()}/read`,
        () => `/api/v2/messages/threads?status=${word()}`, () => `/api/messages/${word()}`, () => `/socket.io/?EIO=${word()}&transport=${word()}`,
        () => `/socket.io/?EIO=4&transport=polling&sid=${word()}`,
      ];
      const step = async n => {
        if (n % 4 === 0) {
          const event = [word(), `message:${word()}`, 'thread:join', 'presence:sync'][n / 4 % 4];
          await ann.ask(event, { threadId: word(), userIds: [word()] });
          return;
        }
        const host = n % 3 ? system.http : system.ws;
        const token = n % 7 ? ann.token : mint({ ...meant, id: word(), role: word() });
        const body = JSON.stringify({ [word()]: word(), emoji: word(), content: word(), userId: word() });
        const method = methods[n % methods.length];
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
        const answer = await ask(host + paths[n % paths.length](), { method, headers }, body).catch(error => ({ status: error.code }));
        assert.notEqual(answer.status, 500);
      };
      const series = async () => new Set((await metrics()).map(line => line.replace(/ [^ ]+$/, '')));
      const run = async count => {
        let next = 0;
        await Promise.all(Array.from({ length: AT_ONCE }, async () => {
          while (next < count) await step(next++);
        }));
      };
      // Every kind of request has been there once: as many as there are combinations of host, path, method,
      // person and event.
      await run(2 * 3 * 7 * 10 * 13);
      const before = await series();
      const values = line => [...line.matchAll(/="([^"]*)"/g)].map(match => match[1]);
      const known = new Set([...before].flatMap(values));
      await run(RANDOM_REQUESTS);
      // A worker's own round, such as the e-mail worker's look at waiting mails, may end for the first time
      // just now: its series are made of values that were there. Where requests arrive, nothing at all is
      // new.
      const ofWorker = line => /^[a-z]+-(worker|sweeper) /.test(line);
      const grown = [...await series()].filter(each => !before.has(each) && !(ofWorker(each) && values(each).every(value => known.has(value))));
      assert.deepEqual(grown, []);
      assert.ok(before.size > 50);
      ann.leave();
    });
  });
}
});
