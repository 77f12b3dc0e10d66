// The signing secret is replaced twice while people work. A request with a valid token never hears 401, and
// every request with a retired one does.
//
// Each step is the one of the manual: the gateways learn the next secret and keep the one before, then the
// host application signs with the next one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually, mint } from './person.mjs';
import { SECRET, startSystem } from './system.mjs';

const SECRETS = [SECRET, 'the second secret has 32 bytes, too', 'and a third one of thirty-two bytes'];
/** Requests under way at any time, and those that each phase has to show. */
const WORKERS = 4;
const PER_PHASE = 200;

// Both shapes at once: most of it is waiting.
describe('secrets that are replaced', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`secrets on the shape "${shape}"`, { concurrency: 1 }, () => {
    let system;
    before(async () => { system = await startSystem(shape, { REST_PER_MINUTE_USER: '0' }); });
    after(() => system?.stop());

    test('S2: two rotations under load refuse no token that holds and every one that is retired', { timeout: 360_000 }, async () => {
      const ann = new Person(system, 'ann');
      const tokens = SECRETS.map(secret => mint({ id: ann.id, jti: 'one login' }, secret));
      // What is answered with which token in this phase; while a process is away there is no answer.
      let phase = 0;
      let [isOver, isBetween] = [false, false];
      const seen = {};
      const load = async () => {
        for (let n = 0; !isOver; n += 1) {
          const [signed, at] = [n % SECRETS.length, phase];
          const answer = await fetch(`${system.http}/api/v2/messages/threads`, { headers: { authorization: `Bearer ${tokens[signed]}` } })
            .catch(() => undefined);
          await answer?.text().catch(() => undefined);
          // A request that saw the end of a phase belongs to none.
          if (answer && at === phase && !isBetween) (seen[`${at}:${signed}`] ??= []).push(answer.status);
        }
      };
      const running = Array.from({ length: WORKERS }, load);
      const enough = () => eventually(`${PER_PHASE} answers in phase ${phase}`, () =>
        SECRETS.every((_, signed) => seen[`${phase}:${signed}`]?.length >= PER_PHASE));
      const socket = await ann.connect();
      await enough();
      for (const step of [1, 2]) {
        // Tokens of the secret that stays hold on both sides of the restart and all through it.
        const [between, stays] = [[], tokens[step - 1]];
        isBetween = true;
        let isChanging = true;
        const meanwhile = (async () => {
          while (isChanging) {
            const answer = await fetch(`${system.http}/api/v2/messages/threads`, { headers: { authorization: `Bearer ${stays}` } }).catch(() => undefined);
            if (answer) between.push(answer.status);
            await answer?.text().catch(() => undefined);
          }
        })();
        await system.restart({ JWT_SECRET: SECRETS[step], JWT_SECRET_PREVIOUS: SECRETS[step - 1] });
        isChanging = false;
        await meanwhile;
        assert.ok(between.length > 0 && !between.includes(401), `while changing: ${[...new Set(between)]}`);
        phase = step;
        isBetween = false;
        await enough();
        // The socket of the login comes back with the token that the host application gives it now.
        socket.auth = { token: tokens[step] };
        if (!socket.connected) socket.disconnect().connect();
        await eventually('the socket is back', () => socket.connected);
      }
      isOver = true;
      await Promise.all(running);
      for (const [at, signed, expected] of [[0, 0, 200], [1, 0, 200], [1, 1, 200], [2, 1, 200], [2, 2, 200], [0, 1, 401], [0, 2, 401], [1, 2, 401], [2, 0, 401]]) {
        const statuses = seen[`${at}:${signed}`];
        assert.deepEqual([...new Set(statuses)], [expected], `phase ${at}, secret ${signed}: ${statuses.length} answers`);
      }
      ann.leave();
    });
  });
}
});
