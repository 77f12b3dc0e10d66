// Search: by REST, while the official client writes, edits and takes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

export function searches(stage) {
  const { person, pair } = stage;
  const search = (who, words, filters = {}) => {
    const given = Object.entries({ q: words, ...filters }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return who.rest('GET', `/search?${given.join('&')}`);
  };
  const contents = answer => answer.hits.map(hit => hit.message.content);
  /** What was just sent is found as soon as lists know it. */
  const finds = (who, words, expected, filters) => eventually(`${words} finds ${expected}`, async () => {
    const answer = await search(who, words, filters);
    return JSON.stringify(contents(answer)) === JSON.stringify(expected) && answer;
  });

  test('a message is found by the people of its thread only, with the places to highlight', async () => {
    const { ann, ben, thread } = await pair();
    const eve = person('eve');
    await ann.send(thread, '😀 Grüße aus der Hauptstraße');
    const found = await finds(ben, 'STRASSE grüsse', ['😀 Grüße aus der Hauptstraße']);
    assert.deepEqual([found.complete, found.nextCursor], [true, null]);
    const [{ message, highlights }] = found.hits;
    assert.deepEqual(highlights.map(({ start, end }) => message.content.slice(start, end)), ['Grüße', 'straße']);
    assert.deepEqual(contents(await search(eve, 'strasse')), []);
    assert.equal((await search(eve, 'strasse', { threadId: thread })).status, 404);
    assert.deepEqual(contents(await search(person('root', { role: 'admin' }), 'strasse')), []);
    assert.equal((await ben.rest('POST', `/threads/${thread}/leave`)).status, 200);
    assert.deepEqual(contents(await search(ben, 'strasse')), [], 'who has left');
    assert.equal((await search(ben, 'strasse', { threadId: thread })).status, 404);
    await finds(ann, 'strasse', ['😀 Grüße aus der Hauptstraße']);
  });

  test('a search follows edits and deletions from their answer on', async () => {
    const { ann, ben, thread } = await pair();
    const { message: first } = await ann.send(thread, 'the weather of today');
    const { message: second } = await ann.send(thread, 'the weather of tomorrow');
    await finds(ben, 'weather', ['the weather of tomorrow', 'the weather of today']);
    assert.equal((await ann.ask('message:edit', { messageId: first._id, content: 'the climate of today' })).success, true);
    assert.deepEqual(contents(await search(ben, 'climate')), ['the climate of today']);
    assert.deepEqual(contents(await search(ben, 'weather')), ['the weather of tomorrow']);
    assert.equal((await ann.rest('DELETE', `/${second._id}`)).status, 200);
    assert.deepEqual(contents(await search(ben, 'weather')), []);
  });

  test('a reply is found with its quote, and not by what it quotes', async () => {
    const { ann, ben, thread } = await pair();
    const { message: asked } = await ann.send(thread, 'shall we meet at the harbour?');
    await ben.send(thread, 'gladly', { replyTo: asked._id });
    const { hits: [{ message }] } = await finds(ann, 'gladly', ['gladly']);
    assert.deepEqual([message.replyTo.messageId, message.replyTo.quote.content], [asked._id, asked.content]);
    assert.deepEqual(contents(await search(ann, 'harbour')), [asked.content]);
    assert.equal((await ann.ask('message:edit', { messageId: asked._id, content: 'shall we meet at the station?' })).success, true);
    assert.equal((await search(ann, 'gladly')).hits[0].message.replyTo.quote.content, 'shall we meet at the station?');
    assert.deepEqual(contents(await search(ann, 'harbour')), []);
  });

  test('who has left a thread finds nothing of it, and all of it once they are back', async () => {
    const { ann, ben, thread } = await pair();
    await ann.send(thread, 'the lighthouse is open');
    await finds(ben, 'lighthouse', ['the lighthouse is open']);
    assert.equal((await ben.rest('DELETE', `/threads/${thread}`)).status, 200);
    assert.deepEqual(contents(await search(ben, 'lighthouse')), ['the lighthouse is open'], 'an archived thread is searched too');
    assert.equal((await ben.rest('POST', `/threads/${thread}/leave`)).status, 200);
    await ann.send(thread, 'the lighthouse is closed');
    await finds(ann, 'lighthouse', ['the lighthouse is closed', 'the lighthouse is open']);
    assert.deepEqual(contents(await search(ben, 'lighthouse')), []);
    assert.equal(await ben.startThread(ann), thread, 'the same thread again');
    await finds(ben, 'lighthouse', ['the lighthouse is closed', 'the lighthouse is open']);
  });

  test('words and parts of words are found in every script, and hostile text is only text', async () => {
    const { ann, ben, thread } = await pair();
    const texts = ['今天天气很好', 'ประเทศไทยสวยมาก', '저는 한국 사람입니다', 'مَرْحَبًا بالعالم', 'say "hello" OR NEAR(x) AND {$ne: 1} .* <b>', 'שלום עולם', '🎉🎉'];
    for (const text of texts) await ann.send(thread, text);
    for (const [words, n] of [['天气', 0], ['天', 0], ['ประเทศ', 1], ['한국', 2], ['مرحبا', 3], ['"hello" or', 4], ['near(', 4], ['{$ne', 4], ['<b>', 4], ['עולם', 5], ['🎉', 6]]) {
      const found = await finds(ben, words, [(await ben.history(thread))[n]]);
      assert.ok(found.hits[0].highlights.length > 0, words);
    }
    for (const words of ['', 'a', '\0', '"', 'x'.repeat(201), 'x'.repeat(5_000), 'a b c', Array.from({ length: 11 }, (_, n) => `word${n}`).join(' ')]) {
      const refused = await search(ben, words);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], words.slice(0, 20));
    }
    for (const half of ['q=%ED%A0%BD%ED%B8%80', 'q=he%ED%A0%BDllo', 'q=%FF%FE']) {
      assert.ok([200, 400].includes((await ben.rest('GET', `/search?${half}`)).status), half);
    }
  });

  test('filters narrow a search, and its pages are each hit once whatever happens meanwhile', async () => {
    const { ann, ben, thread } = await pair();
    const other = await ben.startThread(person('cem'));
    for (let n = 0; n < 7; n += 1) await ann.send(thread, `needle ${n}`);
    await ben.send(other, 'needle elsewhere');
    const file = { type: 'document', url: 'https://files.example/a.pdf', filename: 'a.pdf', size: 1, mimeType: 'application/pdf' };
    const { message: last } = await ben.send(thread, 'needle with a file', { attachments: [file] });
    await finds(ben, 'needle file', ['needle with a file']);
    assert.deepEqual(contents(await search(ben, 'needle', { sender: ann.id })).length, 7);
    assert.deepEqual(contents(await search(ben, 'needle', { hasAttachment: true })), ['needle with a file']);
    assert.deepEqual(contents(await search(ben, 'needle', { threadId: other })), ['needle elsewhere']);
    assert.deepEqual(contents(await search(ben, 'needle', { from: last.createdAt, threadId: thread })), ['needle with a file']);
    assert.deepEqual(contents(await search(ben, 'needle', { to: '2020-01-01T00:00:00Z' })), []);

    const seen = [];
    let cursor;
    do {
      const page = await search(ben, 'needle', { threadId: thread, limit: 3, ...cursor && { cursor } });
      seen.push(...contents(page));
      cursor = page.nextCursor;
      await ann.send(thread, 'needle later');
      if (cursor) assert.deepEqual([(await search(ben, 'needles', { cursor })).code, (await search(ann, 'needle', { threadId: thread, cursor })).code], ['invalid', 'invalid']);
    } while (cursor);
    assert.deepEqual(seen, ['needle with a file', 6, 5, 4, 3, 2, 1, 0].map(n => typeof n === 'number' ? `needle ${n}` : n));
    assert.equal((await search(ben, 'needle', { cursor: 'made up' })).code, 'invalid');
  });
}
