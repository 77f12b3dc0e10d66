// The client package as one person: signing in and renewing, gaps, changes during an absence, conversations,
// and REST, on both shapes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriedOut, eventually, mint } from '../contract/person.mjs';
import { onBothShapes, texts } from './stage.mjs';

/** Clocks may differ by this: for so long a token holds after its end. */
const LEEWAY_S = 60;
/** Longer than a busy machine takes to sign in, since the token has to end while the client is connected. */
const HOLDS_S = 15;
const nowS = () => Math.floor(Date.now() / 1_000);

onBothShapes('the client package', stage => {
  const { open, pair, person } = stage;
  /** A new session: the old one is gone, as after a long absence. */
  const reconnectsAnew = async (who, meanwhile) => {
    who.link.cut();
    await who.isState('offline');
    await meanwhile();
    const again = await open(who.person, { storage: who.storage, link: who.link, isAway: true, ...who.options });
    who.link.mend();
    await again.isState('online');
    return again;
  };

  test('a token is renewed when REST and when the socket do not take it, and nothing is missed', async () => {
    const { ann, ben, thread } = await pair();
    const token = exp => mint({ id: ann.id, role: 'user', jti: 'one', iat: nowS() - 3_600, exp });
    // The first has ended; the second ends while the client is connected.
    const tokens = [token(nowS() - LEEWAY_S - 10), token(nowS() - LEEWAY_S + HOLDS_S)];
    let asked = 0;
    const here = await open(ann, { userId: ann.id, token: async () => tokens[asked++] ?? token(nowS() + 3_600), isAway: true });
    assert.equal((await here.client.threads.get(thread))._id, thread);
    await here.isState('online');
    assert.equal(asked, 2);
    await here.hears('auth:error');
    const refused = here.told.state.filter(each => each.refusal).length;
    await ben.rest('POST', `/${thread}`, { content: 'meanwhile' });
    await eventually('a third token was asked for', () => asked === 3 && here.client.state === 'online', 60_000);
    await here.hears('message');
    assert.deepEqual(here.messages(thread), ['meanwhile']);
    // It was known that the old one had ended: it was not shown again.
    assert.equal(here.told.state.filter(each => each.refusal).length, refused);
  });

  test('a revoked login ends the sign-in of a fixed token, until there is another', async () => {
    const { ann, thread } = await pair();
    const root = await open(person('root', { role: 'admin' }));
    const here = await open(ann);
    await root.client.admin.revoke(ann.id);
    await here.isState('ended');
    assert.equal(here.told.state.at(-1).refusal.code, 'unauthenticated');
    const waiting = here.client.send(thread, 'written while signed out');
    await here.client.useToken(mint({ id: ann.id, role: 'user', iat: nowS() + 1 }));
    assert.equal((await waiting).content, 'written while signed out');
    // In an open session the new token renews it, and the session goes on.
    const states = here.told.state.length;
    assert.match(here.told.state.find(each => each.state === 'ended').refusal.message, /revoked|ended|hold/);
    await here.client.useToken(mint({ id: ann.id, role: 'user', iat: nowS() + 2 }));
    assert.equal(here.told.state.length, states);
  });

  test('a token source that fails is asked again, and one that refuses ends it', async () => {
    const { ann } = await pair();
    let asked = 0;
    const here = await open(ann, {
      userId: ann.id, isAway: true,
      token: () => { asked += 1; return asked < 3 ? Promise.reject(new TypeError('fetch failed')) : ann.token; },
    });
    await here.isState('online');
    assert.equal(asked, 3);
    const refusing = await open(ann, {
      userId: ann.id, isAway: true, token: () => Promise.reject(new stage.library.Refusal({ code: 'unauthenticated' })),
    });
    await refusing.isState('ended');
    assert.throws(() => new stage.library.EventFlow({ url: here.link.origin, token: () => ann.token }), /userId/);
  });

  test('the cookie of a host application signs in, and writes carry the CSRF token', async () => {
    const { ann, thread } = await pair();
    const link = await stage.front.link();
    const headers = { cookie: `token=${ann.token}`, origin: link.origin };
    const withCookie = (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } });
    const here = await open(ann, { link, token: undefined, userId: ann.id, fetch: withCookie, socket: { transports: ['websocket'], extraHeaders: headers } });
    await here.client.messages.send(thread, { content: 'by REST' });
    await here.client.send(thread, 'by socket');
    assert.deepEqual(await ann.history(thread), ['by REST', 'by socket']);
  });

  test('nobody sends as somebody else who has signed in at the host meanwhile', async () => {
    const { ann, ben, thread } = await pair();
    const link = await stage.front.link();
    const headers = { cookie: `token=${ben.token}`, origin: link.origin };
    const storage = stage.library.memoryStorage();
    const cookie = await open(ann, { link, storage, token: undefined, userId: ann.id, isAway: true, socket: { transports: ['websocket'], extraHeaders: headers } });
    cookie.client.send(thread, 'of Ann');
    await cookie.isState('ended');
    assert.equal(cookie.told.state.at(-1).refusal.code, 'forbidden');
    const source = await open(ann, { link, userId: ann.id, token: () => ben.token, isAway: true });
    await source.isState('ended');
    assert.throws(() => new stage.library.EventFlow({ url: link.origin, userId: ann.id, token: ben.token }), TypeError);
    await assert.rejects(source.client.useToken(ben.token), TypeError);
    assert.deepEqual(await ann.history(thread), []);
    // Whoever signs out leaves nothing here.
    assert.equal((await storage.list('')).length, 1);
    await cookie.client.signOut();
    assert.deepEqual([await storage.list(''), cookie.client.state], [[], 'closed']);
  });

  test('a client that is closed before it was opened does not connect', async () => {
    const { ann } = await pair();
    const link = await stage.front.link();
    const client = new stage.library.EventFlow({ url: link.origin, token: ann.token, storage: stage.library.memoryStorage() });
    client.connect().close();
    await client.opened;
    assert.equal(client.state, 'closed');
    client.connect();
    await eventually('it is online', () => client.state === 'online');
    client.close();
  });

  test('a gap in live messages is filled before those behind it are told', async () => {
    const { ann, ben, thread } = await pair();
    for (const text of texts('old', 5)) await ben.rest('POST', `/${thread}`, { content: text });
    const here = await open(ann);
    await here.hears('resumed');
    here.client.feed.know(thread, { seq: 2 });
    await ben.rest('POST', `/${thread}`, { content: 'live' });
    await here.hears('message', 4);
    assert.deepEqual(here.messages(thread), ['old 3', 'old 4', 'old 5', 'live']);
  });

  test('after an absence changes, cursors and threads that began meanwhile are told', async () => {
    const { ann, ben, thread } = await pair();
    const storage = stage.library.memoryStorage();
    const options = { remembersPlaces: true };
    const first = await open(ann, { storage, ...options });
    await first.client.threads.get(thread);
    const sent = [];
    for (const text of texts('mine', 3)) sent.push(await first.client.send(thread, text));
    await first.hears('message', 3);
    await first.hears('resumed');
    // The first answer to `sync` tells the change number from which on changes are asked for.
    await first.client.messages.edit(sent[2]._id, 'edited before');
    first.client.feed.resume();
    await first.hears('resumed', 2);
    const cleo = person('cleo');
    let second;
    const here = await reconnectsAnew({ ...first, person: ann, storage, options }, async () => {
      first.client.close();
      await ben.rest('POST', `/${sent[0]._id}/reactions`, { emoji: '👍' });
      await ann.rest('DELETE', `/${sent[1]._id}`);
      await ben.rest('POST', `/${thread}`, { content: 'while away' });
      await ben.rest('POST', `/threads/${thread}/read`);
      second = await cleo.startThread(ann);
      await cleo.rest('POST', `/${second}`, { content: 'hello' });
    });
    await here.hears('resumed');
    await here.hears('message', 2);
    assert.deepEqual([here.messages(thread), here.messages(second)], [['while away'], ['hello']]);
    assert.deepEqual(here.told['thread:found'].map(each => each.thread._id), [second]);
    const changed = new Map(here.told.changed.map(({ message }) => [message._id, message]));
    assert.equal(changed.get(sent[0]._id).reactions[0].userId, ben.id);
    assert.ok(changed.get(sent[1]._id).deletedAt);
    const { cursors } = here.told.cursors.find(each => each.threadId === thread);
    assert.ok(cursors.find(each => each.userId === ben.id).readSeq >= 3);
  });

  test('whoever has left a thread is told nothing more of it', async () => {
    const { ann, ben, thread } = await pair();
    const [here, there] = [await open(ann), await open(ben)];
    await here.client.threads.get(thread);
    await here.client.threads.leave(thread);
    await here.hears('thread:lost');
    await there.client.send(thread, 'alone');
    await there.hears('message');
    await assert.rejects(here.client.threads.get(thread), { code: 'not_found', status: 404 });
    await assert.rejects(here.client.send(thread, 'out'), { code: 'not_found' });
    assert.equal(here.told.message, undefined);
  });

  test('a conversation shows a thread without gaps, with changes and receipts, and pages back', async () => {
    const { ann, ben, thread } = await pair();
    for (const text of texts('old', 60)) await ben.rest('POST', `/${thread}`, { content: text });
    const [here, there] = [await open(ann), await open(ben)];
    const [mine, theirs] = [here.client.conversation(thread), there.client.conversation(thread)];
    let changes = 0;
    mine.subscribe(() => { changes += 1; });
    await Promise.all([mine.open(), theirs.open()]);
    const shown = () => mine.snapshot.messages.map(message => message.content);
    assert.deepEqual([shown(), mine.snapshot.hasOlder], [texts('old', 60).slice(10), true]);
    await mine.older();
    assert.deepEqual([shown(), mine.snapshot.hasOlder], [texts('old', 60), false]);
    theirs.startTyping();
    await eventually('Ben types', () => mine.snapshot.typing.includes(ben.id));
    here.link.cut();
    await here.isState('offline');
    const sent = mine.send('1 < 2 <b>');
    assert.deepEqual(mine.snapshot.pending.map(entry => entry.content), ['1 < 2 <b>']);
    const edited = there.client.messages.edit(mine.snapshot.messages[0]._id, 'edited');
    await theirs.send('theirs');
    await edited;
    here.link.mend();
    assert.equal(stage.library.typed((await sent).content), '1 < 2 <b>');
    assert.equal(here.told.state.at(-1).recovered, true);
    await eventually('both show everything', () => mine.snapshot.messages.length === 62 && theirs.snapshot.messages.length === 52);
    assert.deepEqual(shown().slice(10), theirs.snapshot.messages.map(message => message.content));
    assert.deepEqual(mine.snapshot.pending, []);
    await theirs.markRead();
    await eventually('Ben has read it', () => mine.snapshot.messages.find(message => message.senderId === ann.id).status === 'read');
    assert.deepEqual(mine.readers(mine.snapshot.messages.find(message => message.senderId === ann.id)), [ben.id]);
    assert.deepEqual(mine.snapshot.messages.map(message => message.seq), Array.from({ length: 62 }, (_, n) => n + 1));
    assert.ok(changes > 0 && Object.isFrozen(mine.snapshot) && mine.snapshot === mine.snapshot);
    mine.close();
  });

  test('threads are listed to the end, presence and the inbox come by event and by REST', async () => {
    const { ann, ben, thread } = await pair();
    const [here, root] = [await open(ann), await open(person('root', { role: 'admin' }))];
    for (const name of ['cleo', 'dan']) await ann.startThread(person(name));
    const listed = [];
    for await (const each of here.client.threads.all({ limit: 1 })) listed.push(each._id);
    assert.deepEqual([listed.length, listed.includes(thread)], [3, true]);
    // A fleet that is busy may be out of touch with Redis for a moment: then it says so, and is asked again.
    const [before] = await eventually('presence is answered', () => here.client.presence.follow([ben.id]).catch(refusal => {
      if (refusal.code !== 'unavailable') throw refusal;
    }));
    assert.equal(before.status, 'offline');
    await open(ben);
    await eventually('Ben is seen', () => here.told['presence:sync']?.some(each => each.userId === ben.id && each.status === 'online'));
    await eventually('Ben is online by REST', async () => (await here.client.presence.get(ben.id)).status === 'online');
    await carriedOut(() => root.client.admin.notify({ userId: ann.id, title: 'Ready', clientNotificationId: `once ${ann.id}` }));
    const [{ notification }] = await here.hears('notification:received');
    assert.equal(notification.title, 'Ready');
    await carriedOut(() => here.client.notifications.read(notification._id));
    assert.equal(await here.client.notifications.unreadCount(), 0);
    const { preferences } = await carriedOut(() => here.client.preferences.mute(thread));
    assert.equal(preferences.mutes[0].threadId, thread);
    const { device } = await carriedOut(() => here.client.devices.register({ fcmToken: `token-of-${ann.id}` }));
    assert.deepEqual((await here.client.devices.list()).map(each => each._id), [device._id]);
    await root.client.admin.ops.disconnect(ann.id, 'a test');
    await here.hears('session:ended');
    await eventually('the client comes back', () => here.client.state === 'online' && here.told.state.length > 1);
  });

  if (stage.shape === 'fleet') {
    test('a message that is queued while nobody stores is stored once somebody does', async () => {
      const { ann, thread } = await pair();
      const here = await open(ann);
      await stage.system.kill('persistence-worker');
      const stored = texts('queued', 2).map(text => here.client.send(thread, text));
      await eventually('the first is queued', () => here.client.outbox.entries(thread)[0]?.state === 'queued');
      await stage.system.start('persistence-worker');
      assert.deepEqual((await Promise.all(stored)).map(message => message.seq), [1, 2]);
      assert.deepEqual(await ann.history(thread), texts('queued', 2));
    });
  }
});
