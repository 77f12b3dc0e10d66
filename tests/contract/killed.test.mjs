// A gateway is killed while people write by REST. Nobody can know what became of the requests that it had:
// they are made again with the same key, and each is done once.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

const PAIRS = 20;
const KILLS = 3;
/** Messages that each writer has stored between two kills at least: a kill strikes a system at work. */
const BETWEEN = 3;
/** Pause of a writer that got no answer, or was told to come again. */
const AGAIN_MS = 50;

// Both at once: most of it is waiting.
describe('what serves REST is killed', { concurrency: 2 }, () => {
  for (const [shape, role] of [['single', 'eventflow'], ['fleet', 'http-gateway']]) {
    describe(`the shape "${shape}"`, { concurrency: 1 }, () => {
      let system;
      const people = [];
      before(async () => { system = await startSystem(shape, { REST_PER_MINUTE_USER: '0' }); });
      after(async () => {
        people.forEach(person => person.leave());
        await system?.stop();
      });

      test('requests without an answer that are made again with their key are done once and in order', async t => {
        const pairs = await Promise.all(Array.from({ length: PAIRS }, async () => {
          const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
          people.push(ann, ben);
          return { ann, thread: await ann.startThread(ben), said: [], stored: 0 };
        }));
        const answers = new Map();
        const count = what => answers.set(what, (answers.get(what) ?? 0) + 1);
        let goesOn = true;
        const writing = pairs.map(async pair => {
          while (goesOn) {
            const content = `number ${pair.said.length}`;
            pair.said.push(content);
            await insists(pair.ann, pair.thread, content, count);
            pair.stored += 1;
          }
        });
        for (let kill = 0; kill < KILLS; kill += 1) {
          const so = pairs.map(pair => pair.stored);
          await eventually('everybody writes', () => pairs.every((pair, n) => pair.stored >= so[n] + BETWEEN));
          await system.kill(role);
          await system.start(role);
        }
        goesOn = false;
        await Promise.all(writing);
        t.diagnostic(`answers: ${JSON.stringify([...answers])}`);
        assert.ok(answers.get('broken off') >= KILLS, 'requests were under way when it was killed');
        for (const { ann, thread, said } of pairs) assert.deepEqual(await ann.wholeHistory(thread), said);
      });
    });
  }
});

/** Sends until it is stored, always with the same key, as the protocol page advises. */
async function insists(person, thread, content, count) {
  for (;;) {
    const answer = await person.restOnce('POST', `/${thread}`, { content }, { 'idempotency-key': content }).catch(failed => failed);
    const isRefused = answer.cause?.code === 'ECONNREFUSED';
    count(answer instanceof Error ? isRefused ? 'not there' : 'broken off' : answer.status);
    if ([200, 201].includes(answer.status)) return;
    assert.ok(answer instanceof TypeError || [202, 503].includes(answer.status), String(answer.stack ?? JSON.stringify(answer)));
    await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
  }
}
