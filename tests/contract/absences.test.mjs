// How long a session waits for its client, on a real clock and with the official client: within the window it
// goes on, after it a new one begins, and nothing is missed either way. The window is short here; that the
// default is two minutes is tested on paused time (libs/socketio/tests/recovery.rs).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

const WINDOW_MS = 30_000;
/** Times of absence: so far from the window that a machine which is busy with other tests does not matter. */
const WITHIN_MS = 5_000;
const BEYOND_MS = 45_000;
const PAUSE_MS = 500;

// Both at once: most of it is waiting.
describe('who was away', { concurrency: 2 }, () => {
  for (const shape of ['single', 'fleet']) {
    describe(`the shape "${shape}"`, { concurrency: 2 }, () => {
      let system;
      const people = [];
      before(async () => {
        system = await startSystem(shape, { EVENTFLOW_GATEWAY__RECOVERY_WINDOW_MS: String(WINDOW_MS), EVENTS_PER_MINUTE: '0' });
      });
      after(async () => {
        people.forEach(person => person.leave());
        await system?.stop();
      });

      for (const [title, away, isRecovered] of [['within the window', WITHIN_MS, true], ['for longer', BEYOND_MS, false]]) {
        test(`${title} misses nothing and hears nothing twice`, async () => {
          const [ann, ben] = [new Person(system, 'ann'), new Person(system, 'ben')];
          people.push(ann, ben);
          const thread = await ann.startThread(ben);
          await Promise.all([ann.connect(), ben.connect()]);
          const said = ['before'];
          await ann.send(thread, said[0]);
          await ben.hears('message:received');
          const session = ben.socket.id;
          await ben.reconnects(async () => {
            for (const until = Date.now() + away; Date.now() < until;) {
              said.push(`meanwhile ${said.length}`);
              await ann.send(thread, said.at(-1));
              await new Promise(resolve => setTimeout(resolve, PAUSE_MS)); // the absence is full of messages
            }
          });
          assert.deepEqual([ben.socket.recovered, ben.socket.id === session], [isRecovered, isRecovered]);
          said.push('the end');
          await ann.send(thread, 'the end');
          await eventually('all is heard', () => ben.received().length >= said.length);
          assert.deepEqual(ben.received(), said);
          const { threads: [missed] } = await ben.ask('sync', { threads: [{ threadId: thread, after: 1 }] });
          assert.deepEqual([missed.messages.map(each => each.content), missed.gap], [said.slice(1), false]);
        });
      }
    });
  }
});
