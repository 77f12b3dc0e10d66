// Replies: a message answers another one of its thread, and quotes it as it is now. By socket and by REST, on
// either shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';

/** The most characters of a quote. */
const QUOTE_MAX = 200;
const UNKNOWN = 'replyTo names no message of this thread';

export function replies(stage) {
  const { person, pair } = stage;
  const quoteOf = ({ seq, senderId, content }) => ({ seq, senderId, content });

  test('a reply quotes what it answers: in its answers, in events, in the history and in `sync`', async () => {
    const { ann, ben, thread } = await pair();
    const { message: asked } = await ann.send(thread, 'shall we?');
    const quoted = { messageId: asked._id, quote: quoteOf(asked) };
    const { message: bySocket } = await ben.send(thread, 'yes', { replyTo: asked._id });
    const { message: byRest } = await ben.rest('POST', `/${thread}`, { content: 'gladly', replyTo: asked._id });
    assert.deepEqual([bySocket.replyTo, byRest.replyTo], [quoted, quoted]);
    const received = await ann.hears('message:received', 3);
    assert.deepEqual(received.map(({ message }) => message.replyTo), [undefined, quoted, quoted]);
    for (const query of ['', '?limit=2', '?after=1&limit=1']) {
      const { messages } = await ann.rest('GET', `/${thread}${query}`);
      for (const { seq, replyTo } of messages) assert.deepEqual(replyTo, seq === 1 ? undefined : quoted, query);
    }
    const synced = await ann.ask('sync', { threads: [{ threadId: thread, after: 1 }] });
    assert.deepEqual(synced.threads[0].messages.map(each => each.replyTo), [quoted, quoted]);
    const edited = await ben.rest('PATCH', `/${byRest._id}`, { content: 'with pleasure' });
    assert.deepEqual(edited.message.replyTo, quoted);
    const [{ message: told }] = await ann.hears('message:updated');
    assert.deepEqual(told.replyTo, quoted);
    const answer = await ann.ask('reaction:send', { messageId: bySocket._id, emoji: '👍' });
    assert.equal(answer.success, true);
  });

  test('a quote says what its message says now, and nothing of what was taken back', async () => {
    const { ann, ben, thread } = await pair();
    const quote = async () => (await ben.rest('GET', `/${thread}?limit=1`)).messages[0].replyTo.quote;
    const { message: asked } = await ann.send(thread, 'x'.repeat(QUOTE_MAX + 50));
    const { message: reply } = await ben.send(thread, 'long', { replyTo: asked._id });
    assert.equal(reply.replyTo.quote.content, 'x'.repeat(QUOTE_MAX));
    await ann.rest('PATCH', `/${asked._id}`, { content: 'short' });
    assert.deepEqual(await quote(), { seq: 1, senderId: ann.id, content: 'short' });
    const { lastChange } = await ben.rest('GET', `/${thread}`);
    await ann.rest('DELETE', `/${asked._id}`);
    const { deletedAt, ...rest } = await quote();
    assert.deepEqual([rest, typeof deletedAt], [{ seq: 1, senderId: ann.id, content: '' }, 'string']);
    // A reply that changes later is told with the quote of that time.
    await ben.rest('PATCH', `/${reply._id}`, { content: 'so long' });
    const { messages } = await ben.rest('GET', `/${thread}?changesAfter=${lastChange}`);
    assert.deepEqual(messages.map(each => [each.seq, each.replyTo?.quote.content]), [[1, undefined], [2, '']]);
    // What was taken back can still be answered, as by somebody who has not heard of it.
    const { message: late } = await ben.send(thread, 'pardon?', { replyTo: asked._id });
    assert.equal(late.replyTo.quote.deletedAt, deletedAt);
    const file = { type: 'document', url: 'https://files.example/plan.pdf', filename: 'plan.pdf' };
    const { message: sent } = await ann.rest('POST', `/${thread}`, { attachments: [file] });
    const { message: thanks } = await ben.send(thread, 'thanks', { replyTo: sent._id });
    assert.deepEqual(thanks.replyTo.quote, { seq: sent.seq, senderId: ann.id, content: '', filename: 'plan.pdf' });
  });

  test('only a message of the same thread can be answered, whoever asks', async () => {
    const { ann, ben, thread } = await pair();
    const eve = person('eve');
    await eve.connect();
    const elsewhere = await ann.startThread(eve);
    const { message: secret } = await ann.send(elsewhere, 'between us');
    for (const replyTo of [secret._id, '0123456789abcdef01234567', 'none', '', '../1']) {
      const refused = await ben.rest('POST', `/${thread}`, { content: 'what?', replyTo });
      assert.deepEqual([refused.status, refused.code, refused.error], [400, 'invalid', UNKNOWN], replyTo);
      const { success, code, error } = await ben.ask('message:send', { threadId: thread, content: 'what?', replyTo });
      assert.deepEqual([success, code, error], [false, 'invalid', UNKNOWN], replyTo);
    }
    for (const replyTo of [1, {}, [], true]) {
      const refused = await ben.rest('POST', `/${thread}`, { content: 'what?', replyTo });
      assert.deepEqual([refused.status, refused.error], [400, 'replyTo must be a text'], JSON.stringify(replyTo));
    }
    assert.equal((await ben.rest('POST', `/${thread}`, { content: 'no reply', replyTo: null })).status, 201);
    assert.deepEqual(await ann.history(thread), ['no reply']);
  });

  test('one key is one reply, and a click that goes both ways is one reply too', async () => {
    const { ann, ben, thread } = await pair();
    const { message: tea } = await ann.send(thread, 'tea?');
    const { message: milk } = await ann.send(thread, 'milk?');
    const say = (replyTo, more) => ben.rest('POST', `/${thread}`, { content: 'yes', replyTo, ...more });
    const first = await say(tea._id, { clientMessageId: 'k' });
    const again = await say(tea._id, { clientMessageId: 'k' });
    assert.deepEqual([first.message._id, again.message.replyTo], [again.message._id, first.message.replyTo]);
    assert.equal((await say(milk._id, { clientMessageId: 'k' })).code, 'key_reused');
    assert.equal((await say(undefined, { clientMessageId: 'k' })).code, 'key_reused');
    // Without a key: the halves of one click are one message, and the same word to something else is another.
    for (const { _id: replyTo } of [tea, milk]) {
      ben.socket.emit('message:send', { threadId: thread, content: 'both ways', replyTo });
      await say(replyTo, { content: 'both ways' });
    }
    await ben.send(thread, 'the end');
    await ann.hears('message:received', 6);
    const { messages } = await ann.rest('GET', `/${thread}?limit=100`);
    assert.deepEqual(messages.map(each => [each.content, each.replyTo?.quote.content]), [
      ['tea?', undefined], ['milk?', undefined], ['yes', 'tea?'], ['both ways', 'tea?'], ['both ways', 'milk?'], ['the end', undefined],
    ]);
  });
}
