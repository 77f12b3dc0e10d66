// Habits of published clients that trip servers up, beside those that tests/browser shows with a page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

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
        ann.socket.io.engine.write(`2["message:send",{"threadId":"${thread}","clientMessageId":"${way.key}","content":${jsonOf(way)}}]`);
        const answer = await eventually(`an answer to ${way.key}`, () => [...ann.all('message:sent'), ...ann.all('message:error')]
          .find(each => each.clientMessageId === way.key));
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
      const answer = await fetch(`${stage.system.http}/api/v2/messages/${thread}`, {
        method: 'POST', body: `{"clientMessageId":"${way.key}","content":${jsonOf(way)}}`,
        headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      });
      assert.equal(answer.status, way.length <= CONTENT_MAX ? 201 : 400, way.key);
      isTold(way, await answer.json());
    }
    await isShownWhole(ben, thread);
  });
}
