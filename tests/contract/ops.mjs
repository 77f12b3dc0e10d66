// What administrators decide about dead letters, by REST. Nothing is dead here; tests/process/letters.rs
// makes a thousand of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

/** A letter that nobody has. */
const UNKNOWN = 'command-00000000-0000-7000-8000-000000000000';

export function ops(stage) {
  const { person } = stage;

  test('dead letters are listed, decided about and recorded, for administrators only', async () => {
    const [root, ann] = [person('root', { role: 'admin' }), person('ann')];
    const why = `why-${root.id}`;
    const filter = { queue: 'nowhere' };
    for (const [method, path, body] of [
      ['GET', '/ops/dead-letters'], ['GET', '/ops/dead-letters/groups'], ['GET', `/ops/dead-letters/${UNKNOWN}`],
      ['POST', `/ops/dead-letters/${UNKNOWN}/reveal`, { why }], ['PUT', `/ops/dead-letters/${UNKNOWN}/body`, { body: {}, version: 1, why }],
      ['POST', '/ops/replays', { filter, why }], ['GET', '/ops/replays/00000000-0000-7000-8000-000000000000'],
      ['POST', '/ops/discards', { filter, why }], ['GET', '/ops/audit'],
    ]) {
      const refused = await ann.api(method, path, body);
      assert.deepEqual([refused.status, refused.code], [403, 'forbidden'], path);
    }
    assert.deepEqual((await root.api('GET', '/ops/dead-letters?queue=nowhere&state=any')).letters, []);
    assert.deepEqual((await root.api('GET', '/ops/dead-letters/groups?queue=nowhere')).groups, []);
    for (const [method, path, body] of [
      ['GET', `/ops/dead-letters/${UNKNOWN}`], ['POST', `/ops/dead-letters/${UNKNOWN}/reveal`, { why }],
      ['PUT', `/ops/dead-letters/${UNKNOWN}/body`, { body: {}, version: 1, why }], ['GET', '/ops/dead-letters/x'],
    ]) {
      const refused = await root.api(method, path, body);
      assert.deepEqual([refused.status, refused.code], [404, 'not_found'], path);
    }
    const dry = await root.api('POST', '/ops/replays', { filter, dryRun: true, why });
    assert.deepEqual([dry.status, dry.dryRun], [200, { looked: 0, queues: [], refused: [], replayable: 0, total: 0 }]);
    assert.equal((await root.api('POST', '/ops/replays', { filter, why: ' ' })).status, 400);
    const { status, replay } = await root.api('POST', '/ops/replays', { filter, why });
    assert.deepEqual([status, replay.total, replay.by, replay.why], [201, 0, root.id, why]);
    const done = await eventually('the replay is done', async () => {
      const { replay: now } = await root.api('GET', `/ops/replays/${replay._id}`);
      return now.state === 'done' && now;
    });
    assert.deepEqual([done.replayed, done.refused, done.failedAgain], [0, 0, 0]);
    const discarded = await root.api('POST', '/ops/discards', { ids: [UNKNOWN], why });
    assert.deepEqual([discarded.status, discarded.discarded, discarded.left], [200, 0, 0]);
    const { entries } = await root.api('GET', '/ops/audit?limit=100');
    const own = entries.filter(entry => entry.why === why).map(entry => [entry.action, entry.by, entry.replay]);
    assert.deepEqual(own, [['replay', root.id, replay._id]]);
  });
}
