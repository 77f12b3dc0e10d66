// The outbox of the client package with a server that answers as the test wants: what real servers do too
// rarely to wait for it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../contract/person.mjs';
import { installPackage, run } from './install.mjs';

describe('the outbox', () => {
  let installed;
  let library;
  before(async () => {
    installed = await installPackage();
    const parts = ['outbox.js', 'storage.js', 'emitter.js', 'refusal.js'];
    library = Object.assign({}, ...await Promise.all(parts.map(part => installed.load(part))));
  });
  after(() => installed?.remove());

  /**
   * An outbox whose messages are answered by `answer(content, tries)`: a message, nothing for "queued", or a
   * code of a refusal.
   */
  function openOutbox(answer, storage = library.memoryStorage()) {
    const asked = [];
    const connection = {
      isUp: true,
      async ask(name, { threadId, content, clientMessageId }) {
        assert.equal(name, 'message:send');
        asked.push(content);
        const given = await answer(content, asked.filter(each => each === content).length);
        if (typeof given === 'string') throw new library.Refusal({ code: given, retryAfterMs: 1 });
        return given ? { success: true, message: { threadId, content, clientMessageId } } : { success: true, status: 'queued' };
      },
    };
    const told = new library.Emitter();
    const stored = [];
    told.on('stored', ({ message }) => stored.push(message.content));
    return { asked, stored, told, connection, outbox: new library.Outbox(connection, storage, 'ann', told) };
  }

  test('a message that has to be sent again holds up those behind it, and no other thread', async () => {
    const { asked, stored, outbox } = openOutbox((content, tries) => content === 'first' && tries < 3 ? 'unavailable' : true);
    const sent = ['first', 'second', 'third'].map(content => outbox.send('thread', { content }));
    await outbox.send('other', { content: 'elsewhere' });
    assert.deepEqual([stored, asked.includes('second')], [['elsewhere'], false]);
    await Promise.all(sent);
    assert.deepEqual(asked.filter(content => content !== 'elsewhere'), ['first', 'first', 'first', 'second', 'third']);
  });

  test('a refusal that may pass is none for the writer, and one that may not is', async () => {
    for (const code of ['unavailable', 'rate_limited', 'offline', 'token_expired', 'unauthenticated']) {
      const { asked, outbox } = openOutbox((_, tries) => tries === 1 ? code : true);
      await outbox.send('thread', { content: code });
      assert.equal(asked.length, 2, code);
    }
    for (const code of ['invalid', 'not_found', 'forbidden', 'too_large', 'key_reused', 'failed', 'unknown']) {
      const { asked, outbox } = openOutbox(() => code);
      await assert.rejects(outbox.send('thread', { content: code }), { name: 'Refusal', code });
      assert.deepEqual([asked.length, outbox.entries().map(entry => entry.state)], [1, ['failed']], code);
    }
  });

  test('what is queued lets those behind it go, is asked about after a connect, and ends when it is heard', async () => {
    const { asked, outbox, stored } = openOutbox((content, tries) => content === 'first' && tries === 1 ? undefined : content !== 'second' && true);
    const [first, second] = ['first', 'second'].map(content => outbox.send('thread', { content }));
    await eventually('both are queued', () => outbox.entries().every(entry => entry.state === 'queued'));
    outbox.resume();
    assert.equal((await first).content, 'first');
    await eventually('the second is queued again', () => outbox.entries().every(entry => entry.state === 'queued'));
    const [{ key }] = outbox.entries();
    outbox.heard({ threadId: 'thread', content: 'second', clientMessageId: 'of somebody else' });
    outbox.heard({ threadId: 'thread', content: 'second', clientMessageId: key });
    assert.equal((await second).content, 'second');
    assert.deepEqual([asked, stored, outbox.entries()], [['first', 'second', 'first', 'second'], ['first', 'second'], []]);
    outbox.close();
  });

  test('without a place to keep them, or with rubbish in it, messages are sent all the same', async () => {
    const full = { list: async () => { throw new Error('broken'); }, set: async () => { throw new Error('full'); }, delete: async () => { throw new Error('broken'); } };
    const without = openOutbox(() => true, full);
    const troubles = [];
    without.told.on('storage:error', ({ error }) => troubles.push(error.message));
    assert.equal((await without.outbox.send('thread', { content: 'kept nowhere' })).content, 'kept nowhere');
    assert.ok(troubles.includes('full'));
    const storage = library.memoryStorage();
    for (const [n, text] of ['', 'no JSON', '{}', 'null', '[1]'].entries()) await storage.set(`eventflow:ann:outbox:${n}`, text);
    await storage.set('eventflow:ben:outbox:1', '{"key":"1","threadId":"thread","content":"of Ben"}');
    const { asked, outbox } = openOutbox(() => true, storage);
    await outbox.send('thread', { content: 'new' });
    assert.deepEqual(asked, ['new']);
    await eventually('only what is of others is left', async () => (await storage.list('')).length === 1);
  });

  test('a listener that throws stops nothing, and is not silent', async () => {
    // In a process of its own: the test runner takes what nobody catches for a fault of the test.
    const script = `
      import { EventFlow } from '@eventflow/client';
      process.on('uncaughtException', error => console.log('uncaught:', error.message));
      const client = new EventFlow({ url: 'http://127.0.0.1:9', userId: 'ann', token: () => '' });
      client.once('outbox', () => { throw new Error('a fault of the application'); });
      client.on('outbox', () => console.log('the next listener'));
      client.send('thread', 'kept');
      console.log(client.outbox.entries().length);
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: installed.folder });
    assert.deepEqual(stdout.split('\n').slice(0, 3), ['the next listener', '1', 'uncaught: a fault of the application']);
  });
});
