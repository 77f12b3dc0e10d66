// Habits of published clients that trip servers up, beside those that tests/browser shows with a page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriedOut, eventually } from './person.mjs';

/** Contents may be so many Unicode scalar values long. */
const CONTENT_MAX = 10_000;
/** One, two and four bytes in UTF-8; one, one and two units in a client's own count. */
const LETTERS = ['a', 'é', '👍'];
/** Every unit as `\uXXXX`: the same JSON text to any reader, and up to three times as long. */
const escaped = json => json.replace(/[^\x00-\x7f]|[aé]/g, unit => [...Array(unit.length).keys()]
  .map(n => `\\u${unit.charCodeAt(n).toString(16).padStart(4, '0')}`).join(''));
const ways = LETTERS.flatMap(letter => [CONTENT_MAX - 1, CONTENT_MAX, CONTENT_MAX + 1].flatMap(length => [false, true].map(isEscaped =>
  ({ letter, length, isEscaped, key: `${letter.codePointAt(0)}-${length}-${isEscaped}` }))));
const jsonOf = ({ letter, length, isEscaped }) => {
  const content = JSON.stringify(letter.repeat(length));
  return isEscaped ? escaped(content) : content;
};

export function traps(stage) {
  const { pair } = stage;
  const isTold = (way, { success, message, code }) => {
    const fits = way.length <= CONTENT_MAX;
    assert.deepEqual([success, code], fits ? [true, undefined] : [false, 'invalid'], way.key);
    if (fits) assert.equal(message.content, way.letter.repeat(way.length), way.key);
  };
  const isShownWhole = async (who, thread) => {
    const { messages } = await who.rest('GET', `/${thread}?limit=100`);
    const expected = ways.filter(way => way.length <= CONTENT_MAX).map(way => way.letter.repeat(way.length));
    assert.ok(messages.length === expected.length && messages.every((message, n) => message.content === expected[n]), 'contents are whole');
  };

  for (const transport of ['websocket', 'polling']) {
    test(`client trap C16: over ${transport} contents of 10,000 characters are taken whole and longer ones refused, however they are written`, async () => {
      const { ann, ben, thread } = await pair({ transports: [transport] });
      const lost = [];
      for (const each of [ann, ben]) each.socket.on('disconnect', reason => lost.push(reason));
      for (const way of ways) {
        // As other clients write it: the official one never escapes.
        const send = () => ann.socket.io.engine.write(`2["message:send",{"threadId":"${thread}","clientMessageId":"${way.key}","content":${jsonOf(way)}}]`);
        send();
        const told = event => ann.all(event).filter(each => each.clientMessageId === way.key);
        let queued = 0;
        const answer = await eventually(`an answer to ${way.key}`, () => {
          // The store was late: the same key finds what became of it.
          if (told('message:queued').length > queued) {
            queued += 1;
            send();
          }
          return [...told('message:sent'), ...told('message:error')][0];
        });
        isTold(way, answer);
      }
      await isShownWhole(ben, thread);
      await ben.hears('message:received', ways.length * 2 / 3);
      assert.deepEqual(lost, [], 'nobody lost the connection');
    });
  }

  test('client trap C16: by REST contents of 10,000 characters are taken whole and longer ones refused, however they are written', async () => {
    const { ann, ben, thread } = await pair(null);
    for (const way of ways) {
      const post = () => fetch(`${stage.system.http}/api/v2/messages/${thread}`, {
        method: 'POST', body: `{"clientMessageId":"${way.key}","content":${jsonOf(way)}}`,
        headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      });
      const first = await post();
      // The store was late: the same key finds what became of it, and says that it was stored before.
      const [answer, stored] = first.status === 202 ? [await carriedOut(post), 200] : [first, 201];
      assert.equal(answer.status, way.length <= CONTENT_MAX ? stored : 400, way.key);
      isTold(way, await answer.json());
    }
    await isShownWhole(ben, thread);
  });
}
