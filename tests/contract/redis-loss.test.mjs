// A Redis that is stopped and comes back empty, and one that falls silent, for a few seconds each, under a
// fleet with two socket gateways. `tests/measure/redis.mjs` is the same for longer, with figures.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redisLoss } from '../measure/redis.mjs';

/**
 * Three of four answers, and more than a machine that builds something adds: a request that waited for Redis
 * would be longer.
 */
const TOLERANCE = { share: 0.75, added: 200 };

test('without Redis no message is lost, doubled, out of order or held up, and presence is right again when it is back', async () => {
  const { problems } = await redisLoss({ rate: 100, calm: 4, stopped: 5, hole: 5, ...TOLERANCE });
  assert.deepEqual(problems, []);
});
