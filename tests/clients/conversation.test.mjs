// A conversation of the client package with a client that answers as the test wants: gaps and pages of any
// length, a server whose data was restored, being closed and opened again, typing, and receipts.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../contract/person.mjs';
import { installPackage, repository } from './install.mjs';

const message = (seq, more = {}) => ({
  _id: `id ${seq}`, threadId: 'thread', seq, senderId: 'ben', content: `text ${seq}`, status: 'sent', readBy: [], deliveredTo: [], ...more,
});
const messages = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => message(from + n));
const seqs = conversation => conversation.snapshot.messages.map(({ seq }) => seq);
const upTo = newest => Array.from({ length: newest }, (_, n) => n + 1);

describe('a conversation', () => {
  let installed;
  let library;
  before(async () => {
    installed = await installPackage();
    library = Object.assign({}, ...await Promise.all(['conversation.js', 'emitter.js', 'refusal.js'].map(part => installed.load(part))));
  });
  after(() => installed?.remove());

  /**
   * A conversation and its client. `history(query, count)` answers the `count`th page: messages, with a
   * `nextCursor` if there are more, or a code of a refusal.
   */
  function start(history) {
    const asked = [];
    const said = [];
    const reads = [];
    const client = Object.assign(new library.Emitter(), {
      userId: 'ann', state: 'online',
      threads: {
        get: async _id => ({ _id, participants: ['ann', 'ben'], participantCount: 2 }),
        read: async (_thread, seq) => { reads.push(seq); },
      },
      messages: {
        history: async (_thread, { signal, ...query }) => {
          asked.push(query);
          const given = await history(query, asked.length);
          signal.throwIfAborted();
          if (typeof given === 'string') throw new library.Refusal({ code: given, retryAfterMs: 1 });
          return { messages: given, nextCursor: given.nextCursor ?? null, lastChange: 0 };
        },
      },
      feed: { know: () => {} },
      outbox: { entries: () => [] },
      ask: async name => void said.push(name),
    });
    const hear = (...seq) => seq.forEach(each => client.emit('message', { threadId: 'thread', message: message(each) }));
    const becomes = state => {
      client.state = state;
      client.emit('state', { state });
    };
    return { client, conversation: new library.Conversation(client, 'thread'), asked, said, reads, hear, becomes };
  }

  test('a gap is filled page by page, whatever a page holds and whatever happens to a message meanwhile', async () => {
    let newest = 2;
    /** At most two messages on a page; the store is behind at first, and fails once. */
    const page = ({ after: from, cursor }, count) => {
      if (count === 1) return messages(1, newest);
      if (count === 2) return Object.assign([], { nextCursor: null });
      if (count === 4) return 'unavailable';
      const place = from ?? Number(cursor);
      if (place === 4) client.emit('message:updated', { message: message(5, { content: 'edited' }) });
      return Object.assign(messages(place + 1, Math.min(place + 2, newest)), { nextCursor: place + 2 < newest ? String(place + 2) : null });
    };
    const { client, conversation, hear, asked } = start(page);
    await conversation.open();
    newest = 120;
    hear(9);
    hear(120);
    await eventually('everything is here', () => seqs(conversation).length === 120);
    assert.deepEqual(seqs(conversation), upTo(120));
    assert.equal(conversation.snapshot.messages[4].content, 'edited');
    const { length } = asked;
    hear(120, 121);
    assert.deepEqual([seqs(conversation).length, asked.length], [121, length]);
  });

  test('a gap in a thread that is not the person\'s any more is not asked for again', async () => {
    const { conversation, hear, asked } = start((_query, count) => count === 1 ? messages(1, 2) : 'not_found');
    await conversation.open();
    hear(9);
    await eventually('it was asked', () => asked.length === 2);
    // sleep: the shortest pause before a second question is half a second
    await new Promise(resolve => setTimeout(resolve, 1_100));
    assert.deepEqual([asked.length, seqs(conversation)], [2, [1, 2]]);
  });

  test('after a restored copy everything is read again, until that succeeds, and nothing of before stays', async () => {
    const { client, conversation, becomes, asked } = start((_query, count) => count === 1 ? messages(1, 40) : count < 4 ? 'unavailable' : messages(1, 3));
    await conversation.open();
    client.emit('thread:reset', { threadId: 'thread' });
    await eventually('it was asked', () => asked.length === 2);
    // Without a connection it waits for the next one.
    becomes('offline');
    // sleep: longer than the longest first pause
    await new Promise(resolve => setTimeout(resolve, 1_100));
    assert.equal(asked.length, 2);
    becomes('online');
    await eventually('it is read again', () => conversation.snapshot.isOpen);
    assert.deepEqual(seqs(conversation), [1, 2, 3]);
  });

  test('whoever has closed a conversation can open it again, and a page of before is not taken', async () => {
    const answers = [];
    const { client, conversation, said, hear } = start(() => new Promise(resolve => answers.push(resolve)));
    const first = conversation.open();
    await eventually('a page is asked for', () => answers.length === 1);
    conversation.close();
    const second = conversation.open();
    answers[0](messages(1, 9));
    await assert.rejects(first, { name: 'AbortError' });
    await eventually('another page is asked for', () => answers.length === 2);
    answers[1](messages(1, 2));
    await second;
    hear(3);
    assert.deepEqual([seqs(conversation), said], [[1, 2, 3], ['thread:leave', 'thread:join']]);
    conversation.close();
    hear(4);
    client.emit('typing:update', { threadId: 'thread', userId: 'ben', isTyping: true });
    assert.deepEqual([seqs(conversation), conversation.snapshot.isOpen, conversation.snapshot.typing], [[1, 2, 3], false, []]);
  });

  test('a message that is stored is shown as such at once, if nothing is missing before it', async () => {
    const { client, conversation, hear } = start(() => messages(1, 2));
    await conversation.open();
    client.emit('stored', { message: message(3), key: 'key' });
    client.emit('stored', { message: message(5), key: 'next' });
    assert.deepEqual(seqs(conversation), [1, 2, 3]);
    hear(3, 4, 5);
    assert.deepEqual(seqs(conversation), upTo(5));
  });

  test('nobody types any more once the connection is lost', async () => {
    const { client, conversation, becomes } = start(() => messages(1, 1));
    await conversation.open();
    client.emit('typing:update', { threadId: 'thread', userId: 'ben', isTyping: true });
    assert.deepEqual(conversation.snapshot.typing, ['ben']);
    becomes('offline');
    assert.deepEqual(conversation.snapshot.typing, []);
  });

  test('what is read is told once, further only, and again if it could not be told', async () => {
    const { client, conversation, reads, hear } = start(() => messages(1, 5));
    await conversation.open();
    await Promise.all([conversation.markRead(), conversation.markRead()]);
    assert.deepEqual(reads, [5]);
    const { read } = client.threads;
    client.threads.read = async () => { throw new library.Refusal({ code: 'offline' }); };
    hear(6);
    await assert.rejects(conversation.markRead(), { code: 'offline' });
    client.threads.read = read;
    await conversation.markRead();
    await conversation.markRead();
    assert.deepEqual(reads, [5, 6]);
  });

  test('of two things heard of a message the further one counts, in the package and in the page', async () => {
    const ofPage = await readFile(join(repository, 'web/receipts.js'), 'utf8');
    for (const { Receipts } of [await installed.load('receipts.js'), await import(`data:text/javascript,${encodeURIComponent(ofPage)}`)]) {
      // Of a large thread only what the server says of each message is known.
      const receipts = new Receipts(['ann', 'ben'], 500);
      const heard = (kind, status) => receipts.heard(kind, { userId: 'ben', seq: 1, messages: [{ _id: 'id 1', status }] });
      heard('read', 'read');
      heard('delivered', 'delivered');
      const late = message(1, { senderId: 'ann' });
      assert.equal((receipts.applied?.(late) ?? (receipts.apply(late), late)).status, 'read');
    }
  });
});
