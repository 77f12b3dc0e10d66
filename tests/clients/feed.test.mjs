// The feed of the client package with a server that answers as the test wants: gaps, answers in parts, lost
// threads, and a server whose data was restored from a copy.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../contract/person.mjs';
import { installPackage } from './install.mjs';

const message = (seq, threadId = 'thread') => ({ _id: `${threadId} ${seq}`, threadId, seq, createdAt: new Date(1_700_000_000_000 + seq).toISOString() });
const messages = (from, to, threadId) => Array.from({ length: to - from + 1 }, (_, n) => message(from + n, threadId));

describe('the feed', () => {
  let installed;
  let library;
  before(async () => {
    installed = await installPackage();
    library = Object.assign({}, ...await Promise.all(['feed.js', 'places.js', 'storage.js', 'emitter.js', 'refusal.js'].map(part => installed.load(part))));
  });
  after(() => installed?.remove());

  /** A feed whose `sync` is answered by `answer(body)`: the threads, or a code of a refusal. */
  function openFeed(answer, places) {
    const asked = [];
    const connection = {
      isUp: true,
      async ask(name, body) {
        assert.equal(name, 'sync');
        asked.push(body);
        const given = await answer(body, asked.length);
        if (typeof given === 'string') throw new library.Refusal({ code: given, retryAfterMs: 1 });
        return { success: true, ...given };
      },
    };
    const told = [];
    const emitter = new library.Emitter();
    for (const name of ['message', 'changed', 'cursors', 'thread:found', 'thread:lost', 'thread:reset', 'resumed']) emitter.on(name, body => told.push([name, body]));
    const api = {
      messages: { history: async () => ({ messages: [message(8, 'new')] }) },
      threads: { get: async threadId => ({ _id: threadId, lastSeq: 3, createdAt: message(1).createdAt }) },
    };
    const feed = new library.Feed(connection, api, emitter, places);
    api.threads.get = (get => async id => { const thread = await get(id); feed.knowThread(thread); return thread; })(api.threads.get);
    const seqs = (threadId = 'thread') => told.filter(([name, body]) => name === 'message' && body.threadId === threadId).map(([, body]) => body.message.seq);
    const names = () => told.map(([name]) => name).filter(name => name !== 'message');
    return { feed, asked, told, connection, seqs, names };
  }

  const synced = (given, threadId = 'thread') => ({ threadId, messages: [], lastChange: 0, complete: true, gap: false, ...given });

  test('live messages in any order and twice are told once and in order', async () => {
    const { feed, seqs, asked } = openFeed(() => 'unavailable');
    feed.know('thread', { seq: 2 });
    for (const seq of [1, 3, 3, 5, 2, 4, 5, 6]) feed.heard(message(seq));
    assert.deepEqual([seqs(), asked], [[3, 4, 5, 6], []]);
  });

  test('a gap is asked for after a while, in parts and again after refusals, and then told before what waits', async () => {
    const { feed, seqs, asked } = openFeed(({ threads: [{ after: place }] }, count) => {
      if (count < 3) return ['rate_limited', 'unavailable'][count - 1];
      return { threads: [synced({ messages: messages(place + 1, place + 2), complete: place >= 4, lastChange: count })] };
    });
    feed.know('thread', { seq: 2 });
    feed.heard(message(9));
    await eventually('everything is told', () => seqs().length === 7);
    assert.deepEqual(seqs(), [3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(asked.at(-1).threads, [{ threadId: 'thread', after: 6, changesAfter: asked.length - 1 }]);
  });

  test('a resume asks for every thread, a hundred at a time, and tells the new, the changed and the lost ones', async () => {
    const { feed, asked, seqs, names, told } = openFeed(({ threads, threadsAfter }) => ({
      threads: threads.map(({ threadId }) => threadId === 'thread 7' ? { threadId, success: false, code: 'not_found', error: '' }
        : synced({ messages: threadId === 'new' ? messages(8, 9, 'new') : [], changed: [message(1, threadId)], cursors: [] }, threadId)),
      ...threadsAfter && { newThreads: ['thread 1', 'new'] },
    }));
    for (let n = 0; n < 150; n += 1) feed.knowThread({ _id: `thread ${n}`, lastSeq: 1, lastMessageAt: message(1).createdAt, createdAt: message(1).createdAt });
    feed.resume();
    await eventually('it has resumed', () => names().includes('resumed'));
    assert.deepEqual(asked.map(({ threads }) => threads.length), [100, 51]);
    assert.equal(asked[0].threadsAfter, new Date(Date.parse(message(1).createdAt) - 60_000).toISOString());
    assert.deepEqual([seqs('new'), told.find(([name]) => name === 'thread:lost')[1].threadId], [[8, 9], 'thread 7']);
    assert.deepEqual(['thread:found', 'changed', 'cursors', 'resumed'].map(name => names().filter(each => each === name).length), [1, 150, 150, 1]);
  });

  test('a gap that stays means that the server has less: the thread is followed anew', async () => {
    const { feed, asked, names, seqs } = openFeed(() => ({ threads: [synced({ gap: true })] }));
    feed.know('thread', { seq: 50, lastChange: 9 });
    feed.resume();
    await eventually('it is reset', () => names().includes('thread:reset'));
    assert.equal(asked.length, 3);
    feed.heard(message(4));
    assert.deepEqual(seqs(), [4]);
  });

  test('a store that is a moment behind is asked again', async () => {
    const { feed, seqs } = openFeed((_, count) => ({ threads: [synced({ messages: count < 3 ? [] : messages(1, 2), gap: count === 1 })] }));
    feed.know('thread', { seq: 0 });
    feed.heard(message(3));
    await eventually('everything is told', () => seqs().length === 3);
    assert.deepEqual(seqs(), [1, 2, 3]);
  });

  test('a connection that goes away ends the questions until the next resume', async () => {
    const opened = openFeed(() => { opened.connection.isUp = false; return 'offline'; });
    const { feed, connection, asked } = opened;
    feed.know('thread', { seq: 0 });
    feed.resume();
    await eventually('it was asked', () => asked.length === 1);
    connection.isUp = true;
    feed.resume();
    await eventually('it was asked again', () => asked.length === 2);
  });

  test('a recovered session asks for nothing, or for what an earlier one has not been told', async () => {
    const opened = openFeed(({ threads }, count) => {
      if (count === 2) {
        opened.connection.isUp = false;
        return 'offline';
      }
      return { threads: threads.map(({ threadId }) => synced({}, threadId)) };
    });
    const { feed, connection, asked, names } = opened;
    for (let n = 0; n < 150; n += 1) feed.know(`thread ${n}`, { seq: 1 });
    feed.resume(true);
    assert.deepEqual([asked.length, names()], [0, []]);
    feed.resume(false);
    await eventually('the second part was asked', () => asked.length === 2);
    assert.deepEqual(names(), []);
    connection.isUp = true;
    feed.resume(true);
    await eventually('it has resumed', () => names().includes('resumed'));
    assert.deepEqual(asked.map(({ threads }) => threads.length), [100, 50, 50]);
    feed.resume(true);
    assert.deepEqual([asked.length, names()], [3, ['resumed']]);
  });

  test('what is heard of new threads while they are asked for neither hides them nor comes before what was missed', async () => {
    const { feed, asked, seqs, names } = openFeed(({ threads, threadsAfter }, count) => count === 1 ? 'unavailable' : {
      threads: threads.map(({ threadId, after: place }) => synced({ messages: threadId === 'new' ? messages(place + 1, 12, 'new') : [] }, threadId)),
      ...threadsAfter && { newThreads: ['new'] },
    });
    feed.knowThread({ _id: 'thread', lastSeq: 1, lastMessageAt: message(1).createdAt, createdAt: message(1).createdAt });
    feed.resume();
    // An hour later somebody writes.
    const createdAt = new Date(Date.parse(message(1).createdAt) + 3_600_000).toISOString();
    feed.heard({ ...message(2), createdAt });
    feed.heard({ ...message(12, 'new'), createdAt });
    await eventually('it has resumed', () => names().includes('resumed'));
    assert.deepEqual(asked.slice(0, 2).map(({ threadsAfter }) => threadsAfter), Array(2).fill(new Date(Date.parse(message(1).createdAt) - 60_000).toISOString()));
    assert.deepEqual([seqs(), seqs('new')], [[2], [8, 9, 10, 11, 12]]);
  });

  test('what is forgotten while it is being written is not kept', async () => {
    const kept = library.memoryStorage();
    const writes = [];
    const slow = { ...kept, set: (key, value) => new Promise(resolve => writes.push(() => resolve(kept.set(key, value)))) };
    const open = () => new library.Places(slow, 'ann', error => { throw error; });
    const places = open();
    places.keep('thread', { seq: 1 }, 1);
    places.forget('thread');
    writes.shift()();
    await eventually('it was deleted', async () => (await kept.list('')).length === 0);
    places.keep('thread', { seq: 2 }, 1);
    places.keep('other', { seq: 2 }, 1);
    const cleared = places.clear();
    writes.shift()();
    await cleared;
    places.keep('thread', { seq: 3 }, 1);
    assert.deepEqual([writes, await kept.list('')], [[], []]);
  });

  test('places are kept over a restart, and forgotten with their thread', async () => {
    const storage = library.memoryStorage();
    const places = () => new library.Places(storage, 'ann', error => { throw error; });
    const first = openFeed(() => ({ threads: [synced({ lastChange: 7 })] }), places());
    first.feed.know('thread', { seq: 2 });
    first.feed.know('gone', { seq: 1 });
    first.feed.heard(message(3));
    first.feed.resume();
    await eventually('the place is kept', async () => (await storage.list('')).some(([, text]) => text.includes('"lastChange":7')));
    first.feed.forget('gone');
    await eventually('one place is left', async () => (await storage.list('')).length === 1);
    const second = openFeed(() => ({ threads: [synced({ messages: messages(4, 5), lastChange: 8 })], newThreads: [] }), places());
    await second.feed.open();
    second.feed.resume();
    await eventually('it has resumed', () => second.names().includes('resumed'));
    assert.deepEqual(second.asked[0].threads, [{ threadId: 'thread', after: 3, changesAfter: 7 }]);
    assert.deepEqual(second.seqs(), [4, 5]);
  });
});
