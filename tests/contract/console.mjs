// What operators see of the running system and do to connections: through REST, heard by the official client.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

export function consoles(stage) {
  const { person } = stage;
  const admin = () => person('root', { role: 'admin' });

  test('the pipeline, gateways, servers and outcomes are for administrators, and say what nobody can know', async () => {
    const [root, ann] = [admin(), person('ann')];
    for (const path of ['pipeline', 'gateways', 'servers', 'outcomes', 'users']) {
      assert.equal((await ann.api('GET', `/ops/${path}`)).status, 403, path);
    }
    const pipeline = await eventually('every shard is owned and consumed, and its rate known', async () => {
      const seen = await root.api('GET', '/ops/pipeline');
      const shards = seen.hops.filter(hop => hop.shard !== null);
      return shards.every(hop => hop.owner && hop.isConsumed && hop.outPerSecond !== null) && seen;
    });
    assert.ok(pipeline.hops.every(hop => hop.messages >= 0 && hop.problem === null), JSON.stringify(pipeline.hops));
    assert.deepEqual(pipeline.retry.map(rung => rung.delayMs), [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000]);
    const inRates = pipeline.hops.filter(hop => hop.stage === 'fanout').map(hop => hop.inPerSecond);
    // One process counts everything itself; in a fleet nobody does.
    if (stage.shape === 'single') assert.ok(inRates.some(rate => rate !== null) || pipeline.unknown.inPerSecond);
    else assert.ok(inRates.every(rate => rate === null) && pipeline.unknown.inPerSecond.length > 0);
    assert.ok(pipeline.workers.some(worker => worker.stage === 'persist' && /-\d+$/.test(worker.place)));
    const { servers, process } = await root.api('GET', '/ops/servers');
    assert.deepEqual(servers.map(({ name, state }) => `${name} ${state}`), ['broker up', 'store up', 'presence up']);
    assert.equal(process.status, 'ready');
    const { outcomes } = await root.api('GET', '/ops/outcomes');
    assert.ok(Array.isArray(outcomes));
  });

  test('who is connected is listed with their gateway, and found by a part of their id', async () => {
    const [root, ann] = [admin(), person('ann')];
    await ann.connect();
    const found = await eventually('the person is listed', async () => {
      const { users } = await root.api('GET', `/ops/users?search=${ann.id.slice(1).toUpperCase()}`);
      return users.length === 1 && (users[0].gateways?.length === 1 || stage.shape === 'fleet') && users[0];
    });
    assert.deepEqual([found.id, found.status], [ann.id, 'online']);
    const { gateways } = await eventually('the gateway reports its sockets', async () => {
      const seen = await root.api('GET', '/ops/gateways');
      // The registry of a fleet says nothing before every gateway has had time to enter its people.
      return seen.gateways.some(gateway => gateway.id === (found.gateways?.[0] ?? gateway.id) && gateway.sockets > 0) && seen;
    });
    assert.ok(gateways.every(gateway => gateway.problem === null), JSON.stringify(gateways));
  });

  test('whom an operator disconnects is told why on every socket, may come back, and the audit log has it', async () => {
    const [root, ann] = [admin(), person('ann')];
    const socket = await ann.connect();
    const closed = new Promise(resolve => socket.once('disconnect', resolve));
    const back = new Promise(resolve => socket.io.once('reconnect', resolve));
    assert.equal((await ann.api('POST', `/ops/users/${ann.id}/disconnect`, { why: 'none' })).status, 403);
    assert.equal((await root.api('POST', `/ops/users/${ann.id}/disconnect`, { why: 'floods the lobby' })).status, 200);
    await closed;
    assert.deepEqual(ann.all('session:ended'), [{ reason: 'floods the lobby' }]);
    await back;
    assert.notEqual((await ann.rest('GET', '/threads')).status, 401, 'the token holds');
    const { entries } = await root.api('GET', '/ops/audit');
    const entry = entries.find(each => each.detail === ann.id);
    assert.deepEqual([entry.action, entry.by, entry.why], ['disconnect', root.id, 'floods the lobby']);
  });
}
