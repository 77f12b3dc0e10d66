// Finding people by name, on a system in which everybody may be found and on one in which acquaintances are.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Person, eventually, mint } from './person.mjs';

/** A word that only people of one test have. */
const freshWord = () => `w${randomUUID().slice(0, 8)}`;
const search = (who, words, query = '') => who.api('GET', `/users/search?q=${encodeURIComponent(words)}${query}`);
const ids = answer => answer.users.map(user => user.id);
/** A name counts from the answer of its write on; one that was queued, soon. */
const finds = (who, words, people) => eventually(`${words} finds ${people.map(each => each.id)}`, async () => {
  const found = ids(await search(who, words));
  return JSON.stringify(found.toSorted()) === JSON.stringify(people.map(each => each.id).toSorted());
});

/** For a system with PEOPLE_SEARCH=everybody. */
export function peopleSearches(stage) {
  const { person } = stage;
  const named = async (root, who, name, more = {}) => {
    assert.equal((await root.api('PUT', `/users/${encodeURIComponent(who.id)}`, { name, ...more })).status, 200);
    return who;
  };

  test('people are found by the beginnings of their names and ids, in any script and without a thread', async () => {
    const [ann, ben, root] = [person('ann'), person('ben'), person('root', { role: 'admin' })];
    const word = freshWord();
    await named(root, ben, `Bénedikt O'${word} 王小明`, { avatar: '/b.png', email: 'ben@example.com' });
    for (const words of [word, `BENE ${word}`, `o'${word.slice(0, 6)}`, `小明 ${word}`, ben.id]) await finds(ann, words, [ben]);
    assert.deepEqual(ids(await search(ann, `nedikt ${word}`)), []);
    assert.deepEqual((await search(ann, word)).users, [{ id: ben.id, name: `Bénedikt O'${word} 王小明`, avatar: '/b.png' }]);
    assert.deepEqual(ids(await search(ben, word)), [], 'oneself is not found');
    await named(root, ben, 'Somebody else');
    await finds(ann, word, []);
  });

  test('whoever signed in is found by the name of their token', async () => {
    const ann = person('ann');
    const word = freshWord();
    const ben = person('ben', { name: `Ben ${word}` });
    await ben.rest('GET', '/threads');
    await finds(ann, word, [ben]);
  });

  test('pages show everybody once, in order, and a cursor belongs to its query', async () => {
    const [ann, root] = [person('ann'), person('root', { role: 'admin' })];
    const word = freshWord();
    const people = ['ben', 'cem', 'dan', 'eve', 'fay'].map(name => person(name));
    for (const [n, each] of people.entries()) await named(root, each, `${word}${n} ${word}`);
    await finds(ann, word, people);
    let shown = [], cursor = '';
    do {
      const page = await search(ann, word, `&limit=2${cursor}`);
      assert.ok(page.users.length <= 2);
      shown = [...shown, ...ids(page)];
      cursor = page.nextCursor && `&cursor=${page.nextCursor}`;
    } while (cursor);
    assert.equal(new Set(shown).size, shown.length);
    assert.deepEqual(shown.toSorted(), people.map(each => each.id).toSorted());
    const { nextCursor } = await search(ann, word, '&limit=1');
    const other = await search(ann, `${word} x`, `&cursor=${nextCursor}`);
    assert.deepEqual([other.status, other.code, /another query/.test(other.error)], [400, 'invalid', true]);
  });

  test('a cursor says nothing of the names behind it, and nobody can make one', async () => {
    const [ann, root] = [person('ann'), person('root', { role: 'admin' })];
    const word = freshWord();
    for (const name of ['ben', 'cem']) await named(root, person(name), `${word}${name} ${word}`);
    await eventually('both are found', async () => (await search(ann, word)).users.length === 2);
    const { nextCursor } = await search(ann, word, '&limit=1');
    const bytes = Buffer.from(nextCursor, 'base64url');
    assert.ok(!bytes.toString('latin1').includes(word), 'the cursor shows a name');
    for (let at = 0; at < bytes.length; at += 3) {
      const forged = Buffer.from(bytes);
      forged[at] ^= 1;
      const answer = await search(ann, word, `&cursor=${forged.toString('base64url')}`);
      assert.deepEqual([answer.status, answer.code], [400, 'invalid'], `byte ${at}`);
    }
  });

  test('whoever lost every login is not found until they sign in again, whatever an administrator writes', async () => {
    const [ann, root] = [person('ann'), person('root', { role: 'admin' })];
    const word = freshWord();
    const ben = await named(root, person('ben', { name: `Ben ${word}` }), `Ben ${word}`);
    await ben.rest('GET', '/threads');
    await finds(ann, word, [ben]);
    await root.revoke(ben.id);
    await finds(ann, word, []);
    await named(root, ben, `Ben ${word}`);
    assert.deepEqual(ids(await search(ann, word)), []);
    assert.deepEqual(ids(await search(ann, ben.id)), []);
    const later = Math.floor(Date.now() / 1000) + 2;
    const claims = { id: ben.id, name: `Ben ${word}`, role: 'user', jti: randomUUID(), iat: later };
    await eventually('a later login holds', async () => {
      const again = Object.assign(new Person(stage.system, 'ben'), { id: ben.id, token: mint(claims) });
      return (await again.rest('GET', '/threads')).status === 200;
    });
    await finds(ann, word, [ben]);
  });

  test('a query that is none is refused with its reason', async () => {
    const ann = person('ann');
    for (const [words, sentence] of [['', 'q is missing'], ['\u200b', 'q must have a letter, a digit or another sign that shows'],
      ['x'.repeat(201), 'q must be at most 200 characters'], ['a b c d e f g h i j k', 'q must have at most 10 words']]) {
      const { status, code, error } = await search(ann, words);
      assert.deepEqual([status, code, error], [400, 'invalid', sentence]);
    }
    for (const query of ['&limit=0', '&limit=101', '&cursor=made-up']) assert.equal((await search(ann, 'ann', query)).code, 'invalid', query);
  });
}

/** For a system with the default. */
export function acquaintances(stage) {
  const { person, pair } = stage;

  test('acquaintances are found, strangers only by administrators', async () => {
    const { ann, ben } = await pair(null);
    const [eve, root] = [person('eve'), person('root', { role: 'admin' })];
    const word = freshWord();
    assert.equal((await root.api('PUT', `/users/${ben.id}`, { name: `Ben ${word}` })).status, 200);
    await finds(ann, word, [ben]);
    await finds(ann, ben.id, [ben]);
    await finds(root, word, [ben]);
    for (const words of [word, ben.id]) assert.deepEqual(ids(await search(eve, words)), [], words);
    const thread = await eve.startThread(ben);
    await finds(eve, word, [ben]);
    assert.ok(thread);
  });
}
