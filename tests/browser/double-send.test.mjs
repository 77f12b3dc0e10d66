// One click is one message and two clicks are two. A published page sends each click by socket and by REST
// without a key, and the tests disturb both ways: one is blocked, both come at once, the socket's part
// comes seconds late out of the official client's buffer, two tabs send, or a part of the system dies in
// between.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../contract/person.mjs';
import { onPages } from './host.mjs';

/** It only says when to give up: a machine may be several times slower than most. */
const LONG_MS = 300_000;
/** What people click: doubles, and what is no double. */
const CLICKS = ['ok', 'ok', 'one more', 'ok', 'ok', 'the last'];
/** How long requests wait in line: a browser sends six at once, and a page that has come back has many. */
const IN_LINE_MS = 12_000;
/** Where a page sends messages to. */
const SEND = /\/api\/v2\/messages\/[0-9a-f]{24}$/;

// Both shapes at once: most of it is waiting.
describe('every click', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  onPages('every click is one message', shape, stage => {
    const { openPage, twoPages, history, agree } = stage;
    /** Where messages are stored. */
    const part = shape === 'single' ? 'eventflow' : 'persistence-worker';
    const isLost = who => eventually(`${who.id} has lost its connection`, async () => !await who.isConnected());
    const isBack = who => eventually(`${who.id} is back`, who.isConnected, LONG_MS);
    /**
     * Every part that went by socket has been answered: nothing of a click is on its way any more. A machine
     * that stands still for a moment answers that the message will be stored.
     */
    const answered = (who, count) => eventually(`${count} answers`, async () =>
      (await who.heard('message:sent')).length + (await who.heard('message:queued')).length >= count, LONG_MS);
    const clicks = async (who, contents = CLICKS) => {
      for (const content of contents) await who.say(content);
    };

    test('a hundred clicks, with twenty double ones among them, are a hundred messages', async () => {
      const { ann, ben, thread } = await twoPages();
      const said = [];
      const say = async (content, count) => {
        await ann.say(content, count);
        said.push(...Array(count).fill(content));
      };
      for (let n = 0; n < 20; n += 1) {
        await say('ok', 2);
        for (const word of ['number', 'value', 'item']) await say(`${word} ${n}`, 1);
      }
      assert.equal(said.length, 100);
      await answered(ann, 100);
      await agree([ann, ben], thread, said);
    });

    test('while requests are blocked every click is stored once by the socket', async () => {
      const { ann, ben, thread } = await twoPages();
      let blocked = 0;
      await ann.tab.route(SEND, route => {
        blocked += 1;
        return route.abort();
      });
      await clicks(ann);
      await ann.say('twice', 2);
      await answered(ann, CLICKS.length + 2);
      await agree([ann, ben], thread, [...CLICKS, 'twice', 'twice']);
      assert.equal(blocked, CLICKS.length + 2);
    });

    test('requests that wait in the browser, longer than a socket may be late, belong to their clicks', async () => {
      const { ann, ben, thread } = await twoPages();
      await ann.tab.route(SEND, async route => {
        await new Promise(resolve => setTimeout(resolve, IN_LINE_MS));
        await route.continue();
      });
      await Promise.all(CLICKS.map(content => ann.say(content)));
      await answered(ann, CLICKS.length);
      await agree([ann, ben], thread, CLICKS);
    });

    test('while no socket comes through every click is stored once by requests, and once it does nothing is stored again', async () => {
      const ben = await openPage('ben');
      const ann = await openPage('ann', { refusesSockets: true });
      const thread = await ann.person.startThread(ben.person);
      await Promise.all([ann.open(thread), ben.open(thread)]);
      await clicks(ann);
      await agree([ben], thread, CLICKS);
      assert.equal(await ann.isConnected(), false);
      ann.link.mend(); // before the client has given up; what it has kept goes out now
      await isBack(ann);
      await answered(ann, CLICKS.length);
      await ann.open(thread); // it was not there when they were told
      await agree([ann, ben], thread, CLICKS);
    });

    test('what was clicked while the link was cut goes out once when it is back', async () => {
      const { ann, ben, thread } = await twoPages();
      await clicks(ann, ['before']);
      await answered(ann, 1);
      ann.link.cut();
      await isLost(ann);
      await clicks(ann);
      assert.deepEqual((await history(ben, thread)).map(([, content]) => content), ['before'], 'neither way was open');
      ann.link.mend();
      await isBack(ann);
      await answered(ann, CLICKS.length + 1);
      await clicks(ann, ['ok']);
      await answered(ann, CLICKS.length + 2);
      await agree([ann, ben], thread, ['before', ...CLICKS, 'ok']);
    });

    for (const [title, keepsSession] of [['a resumed', true], ['a new', false]]) {
      test(`what comes by socket seconds after its request, out of ${title} session, is not stored again`, async () => {
        const { ann, ben, thread } = await twoPages();
        ann.link.refuseSockets();
        await isLost(ann);
        if (!keepsSession) await ann.forgetsSession();
        const hasFailed = ann.tab.evaluate(() => new Promise(resolve => { messagingClient.socket.io.once('reconnect_error', resolve); }));
        await clicks(ann, ['ok', 'ok', 'late']);
        await agree([ben], thread, ['ok', 'ok', 'late']);
        await hasFailed; // the next try is seconds later
        ann.link.mend();
        await isBack(ann);
        assert.equal(await ann.tab.evaluate(() => messagingClient.socket.recovered), keepsSession);
        await answered(ann, 3);
        if (!keepsSession) await ann.open(thread); // a session that is kept no longer misses what was said meanwhile
        await clicks(ann, ['ok']);
        await answered(ann, 4);
        await agree([ann, ben], thread, ['ok', 'ok', 'late', 'ok']);
      });
    }

    test('two tabs of one login that send the same at the same time are two messages each time', async () => {
      const { ann, ben, thread } = await twoPages();
      const other = await openPage(ann.person);
      await other.open(thread);
      const said = [];
      for (let n = 0; n < 5; n += 1) {
        const content = n % 2 ? 'ok' : `both ${n}`;
        await Promise.all([ann.say(content), other.say(content)]);
        said.push(content, content);
      }
      await Promise.all([answered(ann, 5), answered(other, 5)]);
      await agree([ann, other, ben], thread, said);
    });

    for (const [title, first] of [['its socket part is stored', 'socket'], ['its request is stored', 'request'], ['none of it is stored', undefined]]) {
      test(`a click in the middle of which what stores it is killed, when ${title}, is stored once`, { timeout: LONG_MS }, async () => {
        const { ann, ben, thread } = await twoPages();
        const dies = async () => {
          await stage.system.kill(part);
          await stage.system.start(part);
        };
        if (first === 'request') {
          ann.link.refuseSockets();
          await isLost(ann);
          await clicks(ann, ['ok', 'ok']);
          await agree([ben], thread, ['ok', 'ok']);
          await dies();
          ann.link.mend();
        } else {
          // Requests wait until what stores them is back.
          let pass;
          const passes = new Promise(resolve => { pass = resolve; });
          await ann.tab.route(SEND, async route => {
            await passes;
            await route.continue();
          });
          if (first === undefined) await stage.system.kill(part);
          if (first === undefined && shape === 'single') await isLost(ann); // what is sent before a page knows is sent to nobody
          const clicked = ann.say('ok', 2);
          if (first === undefined) {
            await stage.system.start(part);
          } else {
            await eventually('the socket parts are stored', async () => (await ben.shown()).length === 2);
            await dies();
          }
          pass();
          await clicked;
        }
        await Promise.all([ann, ben].map(isBack));
        await answered(ann, 2);
        await clicks(ann, ['ok']);
        await answered(ann, 3);
        await agree([ann, ben], thread, ['ok', 'ok', 'ok']);
      });
    }
  });
}
});
