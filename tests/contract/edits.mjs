// Earlier wordings: what a message said before its sender edited it. By REST, on either shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';

/** How many earlier wordings are kept of a message. */
const WORDINGS_MAX = 20;

export function edits(stage) {
  const { person, pair } = stage;
  const said = ({ edits: wordings }) => wordings.map(each => each.content);

  test('what a message said before its edits is shown to everybody in the thread, oldest first', async () => {
    const { ann, ben, thread } = await pair();
    const { message } = await ann.send(thread, 'helo');
    const read = who => who.rest('GET', `/${message._id}/edits`);
    const none = await read(ben);
    assert.deepEqual([none.status, none.edits, none.isComplete, none.messageId], [200, [], true, message._id]);
    const { message: second } = await ann.rest('PATCH', `/${message._id}`, { content: 'hello' });
    assert.equal((await ann.ask('message:edit', { messageId: message._id, content: 'hello!' })).success, true);
    for (const who of [ann, ben]) {
      const { edits: wordings, isComplete } = await read(who);
      assert.deepEqual(wordings, [
        { content: 'helo', writtenAt: message.createdAt }, { content: 'hello', writtenAt: second.editedAt },
      ]);
      assert.equal(isComplete, true);
    }
    // What changes no text keeps nothing: the same edit again, a reaction, a foreign hand.
    await ann.rest('PATCH', `/${message._id}`, { content: 'hello!' });
    await ben.rest('POST', `/${message._id}/reactions`, { emoji: '👍', action: 'add' });
    assert.equal((await ben.rest('PATCH', `/${message._id}`, { content: 'mine' })).status, 403);
    assert.deepEqual(said(await read(ben)), ['helo', 'hello']);
    // The history itself says what the message says now.
    assert.deepEqual(await ben.history(thread), ['hello!']);
  });

  test('the last wordings are kept, and an answer that lacks the first ones says so', async () => {
    const { ann, thread } = await pair();
    const { message } = await ann.send(thread, '0');
    for (let n = 1; n <= WORDINGS_MAX + 1; n += 1) {
      assert.equal((await ann.rest('PATCH', `/${message._id}`, { content: `${n}` })).status, 200);
      if (n === WORDINGS_MAX) assert.equal((await ann.rest('GET', `/${message._id}/edits`)).isComplete, true);
    }
    const kept = await ann.rest('GET', `/${message._id}/edits`);
    assert.deepEqual(said(kept), Array.from({ length: WORDINGS_MAX }, (_, n) => `${n + 1}`));
    assert.equal(kept.isComplete, false);
  });

  test('strangers and former members read no earlier wording, and nobody one of what was taken back', async () => {
    const [ann, ben, cem, eve] = ['ann', 'ben', 'cem', 'eve'].map(name => person(name));
    const thread = await ann.startThread(ben, cem);
    const { message } = await ann.rest('POST', `/${thread}`, { content: 'I love you' });
    await ann.rest('PATCH', `/${message._id}`, { content: 'I like you' });
    const read = async who => {
      const { status, code, edits: wordings } = await who.rest('GET', `/${message._id}/edits`);
      return [status, code, wordings?.length];
    };
    assert.deepEqual(await read(cem), [200, undefined, 1]);
    assert.equal((await cem.rest('POST', `/threads/${thread}/leave`)).status, 200);
    const hidden = [404, 'not_found', undefined];
    assert.deepEqual([await read(cem), await read(eve), await read(ben)], [hidden, hidden, [200, undefined, 1]]);
    assert.equal((await ann.rest('DELETE', `/${message._id}`)).status, 200);
    assert.deepEqual([await read(ann), await read(ben)], [hidden, hidden]);
    assert.equal((await ann.rest('GET', `/${'0'.repeat(24)}/edits`)).status, 404);
  });
}
