// What the doors say: limits across sockets, refusals that leave a connection usable, and requests that are
// formed unlike most.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { ask, handshake } from './raw.mjs';

/** Events a user may send in a minute over all sockets, as configured by default. */
const EVENTS_PER_MINUTE_USER = 300;

export function doors(stage) {
  const { pair, person } = stage;
  const threads = () => `${stage.system.http}/api/v2/messages/threads`;

  test('a new connection does not begin with a new budget', async () => {
    const { ann, thread } = await pair();
    const began = Date.now();
    let done = 0;
    let refused;
    for (let n = 0; n < 10; n += 1) {
      await ann.connect();
      const answers = await Promise.all(Array.from({ length: 100 }, () => ann.ask('thread:join', { threadId: thread })));
      done += answers.filter(answer => answer.success).length;
      refused ??= answers.find(answer => !answer.success);
      ann.socket.disconnect();
    }
    // The budget refills evenly, five events in a second; twice that, since the clocks are two.
    const refilled = 2 * EVENTS_PER_MINUTE_USER * (Date.now() - began) / 60_000;
    assert.ok(done >= EVENTS_PER_MINUTE_USER && done <= EVENTS_PER_MINUTE_USER + refilled + 1, `${done} events were taken`);
    assert.equal(refused.code, 'rate_limited');
    assert.ok(refused.retryAfterMs > 0, JSON.stringify(refused));
  });

  test('after an early refusal the next request on the connection is answered', async () => {
    const ann = person('ann');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const authorization = `Bearer ${ann.token}`;
    let reused = 0;
    for (let n = 0; n < 20; n += 1) {
      const body = 'x'.repeat(60_000);
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      const refused = await ask(threads(), { agent, method: 'POST', headers }, body);
      assert.deepEqual([refused.status, JSON.parse(refused.body).code], [401, 'unauthenticated']);
      const next = await ask(threads(), { agent, headers: { authorization } });
      assert.equal(next.status, 200, next.body);
      reused += next.reused ? 1 : 0;
    }
    assert.equal(reused, 20);
    agent.destroy();
  });

  test('a compressed body, a request without a host and an unknown page are refused in JSON', async () => {
    const ann = person('ann');
    const headers = { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' };
    const compressed = await ask(threads(), { method: 'POST', headers: { ...headers, 'content-encoding': 'gzip' } }, '{}');
    assert.deepEqual([compressed.status, JSON.parse(compressed.body).code], [415, 'invalid']);
    const homeless = await ask(threads(), { headers, setHost: false });
    assert.deepEqual([homeless.status, JSON.parse(homeless.body).code], [400, 'invalid']);
    for (const origin of [stage.system.http, stage.system.ws]) {
      const unknown = await ask(`${origin}/nothing`);
      assert.deepEqual([unknown.status, JSON.parse(unknown.body).code], [404, 'unknown']);
    }
    const slash = await ask(`${threads()}/`, { headers });
    assert.equal(slash.status, 200, slash.body);
  });

  test('a browser that offers a subprotocol gets it', async () => {
    const { status, headers, socket } = await handshake(stage.system.ws, { 'sec-websocket-protocol': 'chat, v2' });
    socket?.destroy();
    assert.deepEqual([status, headers['sec-websocket-protocol']], [101, 'chat']);
  });
}
