// Faults that the old server is known for, each reproduced as it happened there: none of them happens here.
// `faults` run with the limits as configured by default, `floods` need a system without them. The rest of the
// 21 are named by tests of what they are about; tests/tidy lists all of them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from './person.mjs';

const protocol = readFileSync(join(import.meta.dirname, '../../docs/PROTOCOL.md'), 'utf8');
/** A section of the protocol page, up to the next heading of any level. */
const section = title => protocol.split(`\n${title}\n`)[1].split(/\n#+ /)[0];
/** What stands in backticks in the first column of a table. */
const firstColumn = text => text.split('\n').filter(line => line.startsWith('| `'))
  .flatMap(line => [...line.split('|')[1].matchAll(/`([^`]+)`/g)].map(([, name]) => name));
const SERVER_EVENTS = firstColumn(section('### From the server'));
const CLIENT_EVENTS = firstColumn(section('### From the client'));
const CODES = firstColumn(section('## Errors'));
/**
 * People in a thread whose names would be noticed in a frame: over the hundred up to which receipts are
 * listed.
 */
const CROWD = 400;
/** What a frame adds to the content of a message: ids, times, empty lists. */
const FRAME_OVERHEAD_BYTES = 700;
/** Words of drivers, parsers and run-time systems, and names of types: nothing of it is for clients. */
const INTERNALS = new RegExp([
  'cannot', 'undefined', '\\w+Error\\b', '\\bat /', '\\.(rs|js|mjs)\\b', '::', 'serde', 'invalid type', 'expected', 'line \\d', 'column \\d',
  'mongo', 'bson', 'E11000', 'redis', 'amqp', 'rabbit', 'lapin', 'sqlite', 'unwrap', 'panick', '127\\.0', '\\b[ui](8|16|32|64|size)\\b',
  '\\bSome\\(', '\\bOption\\b', '\\bResult\\b', '\\bString\\b', '\\bstruct\\b', '\\bobject Object', '/home|/root|/usr|/tmp',
].join('|'), 'i');

export function faults(stage) {
  const { person, pair } = stage;
  /**
   * Anything this socket was to be told before has been told: its own question comes back, and then a message
   * meant for it.
   */
  const nothingBut = async (eve, ann, content) => {
    const thread = await eve.startThread(ann);
    await ann.send(thread, content);
    await eventually(`${eve.id} hears what is for them`, () => eve.received().includes(content));
    assert.deepEqual(eve.received(), [content]);
  };

  test('old fault 1: an auth event with any user id and no token lets nobody in, to read or to send', async () => {
    const { ann, ben, thread } = await pair();
    const eve = person('eve');
    await eve.connect({ auth: {} });
    // All at once: whoever comes without a token has a few seconds to sign in, whatever else happens here.
    await Promise.all([
      { userId: ben.id }, { userId: ann.id }, { userId: ben.id, role: 'admin' }, { userId: ben.id, token: null }, { userId: ben.id, token: '' },
    ].map(async claim => {
      const answer = await eve.ask('auth', claim);
      assert.deepEqual([answer.success, answer.code], [false, 'unauthenticated'], JSON.stringify(claim));
    }));
    assert.deepEqual(eve.all('auth:success'), []);
    assert.equal((await eve.send(thread, 'in the name of ben')).code, 'unauthenticated');
    assert.equal((await eve.ask('thread:join', { threadId: thread })).code, 'unauthenticated');
    assert.equal((await eve.ask('sync', { threads: [{ threadId: thread, after: 0 }] })).code, 'unauthenticated');
    await ann.send(thread, 'for ben only');
    await ben.hears('message:received');
    assert.equal((await eve.ask('auth', { token: eve.token })).userId, eve.id, 'a socket becomes who its token names');
    await nothingBut(eve, ann, 'for eve');
    assert.deepEqual(await ann.history(thread), ['for ben only']);
  });

  test('old fault 2: rooms cannot be joined by name, neither before nor after signing in', async () => {
    const { ann, ben, thread } = await pair();
    const rooms = [`user:${ben.id}`, ben.id, thread, `thread:${thread}`, ben.socket.id, { threadId: thread }, { room: `user:${ben.id}` }];
    const tryAll = async eve => {
      // All at once: whoever comes without a token has a few seconds to sign in, whatever else happens here.
      await Promise.all(rooms.map(async room => {
        assert.equal((await eve.ask('join', room)).code, 'unknown', JSON.stringify(room));
        const threadId = room.threadId ?? room.room ?? room;
        for (const body of [{ threadId }, threadId]) {
          const answer = await eve.ask('thread:join', body);
          assert.deepEqual([answer.success, CODES.includes(answer.code)], [false, true], JSON.stringify([body, answer]));
        }
      }));
    };
    const [early, late] = [person('early'), person('late')];
    await early.connect({ auth: {} });
    await late.connect();
    await Promise.all([early, late].map(tryAll));
    ann.socket.emit('typing:start', { threadId: thread });
    await ann.send(thread, 'for ben only');
    await ben.hears('message:received');
    await early.ask('auth', { token: early.token });
    await Promise.all([early, late].map(eve => nothingBut(eve, ann, `for ${eve.id}`)));
    assert.deepEqual([...early.all('typing:update'), ...late.all('typing:update')], []);
  });

  test('old fault 6: a message by REST reaches every connected socket of sender and recipient at once', async () => {
    const { ann, ben, thread } = await pair();
    await ben.connect();
    const { status, message } = await ann.rest('POST', `/${thread}`, { content: 'by REST' });
    assert.equal(status, 201);
    await ben.hears('message:received', 2);
    await ann.hears('message:received');
    for (const heard of [...ben.all('message:received'), ...ann.all('message:received')]) assert.deepEqual(heard.message, message);
  });

  test('old fault 9: whoever is connected gets messages live and no notification, also while they are away', async () => {
    const { ann, ben, thread } = await pair();
    const root = person('root', { role: 'admin' });
    const status = async who => [
      (await ann.api('GET', `/presence/${who.id}`)).presence.status, (await ann.api('GET', `/presence?userIds=${who.id}`)).presence[0].status,
    ];
    await eventually('ben is there', async () => (await status(ben))[0] === 'online');
    await ann.ask('thread:join', { threadId: thread });
    for (const seen of ['online', 'away']) {
      // The old server took whoever was away for somebody who had left.
      if (seen === 'away') assert.equal((await ben.ask('presence:update', { status: 'away' })).success, true);
      await eventually(`ben is ${seen}`, async () => (await status(ben)).every(each => each === seen));
      await eventually('ann hears it', () => ann.all('presence:update').at(-1)?.status === seen);
      const before = ben.received().length;
      const sent = await Promise.all(Array.from({ length: 5 }, (_, n) => ann.send(thread, `${seen} ${n}`)));
      await ben.hears('message:received', before + 5);
      assert.deepEqual(ben.received().slice(before), Array.from({ length: 5 }, (_, n) => `${seen} ${n}`));
      const newest = sent.at(-1).message.seq;
      await eventually('they count as delivered', () => ann.all('message:status').some(each => each.userId === ben.id && each.seq === newest));
      assert.deepEqual(await status(ben), [seen, seen]);
    }
    assert.ok(ann.all('presence:update').length >= 2);
    for (const event of ['presence:sync', 'presence:update']) assert.deepEqual(ann.all(event).filter(each => each.status === 'offline'), []);
    // Of all that is to be told to ben, only this was not told by a message.
    const told = await root.api('POST', '/notifications', { userId: ben.id, type: 'order_update', title: 'Your order' });
    assert.equal(told.success, true);
    await ben.hears('notification:received');
    const { notifications, unreadCount } = await ben.api('GET', '/notifications');
    assert.deepEqual([notifications.map(each => each.title), unreadCount], [['Your order'], 1]);
    assert.equal(ben.all('notification:received').length, 1);
  });

  test('old fault 11: a frame of a large thread is as small as its message and names none of its people', async () => {
    const [ann, ben] = [person('ann', { role: 'admin' }), person('ben')]; // who may start such a thread
    const crowd = Array.from({ length: CROWD }, (_, n) => ({ id: `${ann.id}-crowd-${n}` }));
    await Promise.all([ann.connect(), ben.connect()]);
    const thread = await ann.startThread(ben, ...crowd);
    for (const each of [ann, ben]) await each.hears('thread:created'); // the one event that says who is in a thread
    const frames = [];
    for (const each of [ann, ben]) each.socket.io.engine.on('packet', ({ data }) => frames.push(String(data ?? '')));
    const content = 'x'.repeat(100);
    const { message } = await ann.send(thread, content);
    await ben.hears('message:received');
    await ben.ask('message:read', { messageId: message._id });
    await ben.ask('reaction:send', { messageId: message._id, emoji: '👍' });
    await ben.ask('thread:join', { threadId: thread });
    ben.socket.emit('typing:start', { threadId: thread });
    await ann.ask('message:edit', { messageId: message._id, content: `${content}!` });
    await ben.hears('message:updated');
    for (const event of ['reaction:received', 'message:read:update', 'typing:update']) await ann.hears(event);
    assert.ok(frames.some(frame => frame.includes('message:received') && frame.includes(content)));
    for (const frame of frames) {
      assert.ok(!frame.includes('-crowd-') && !frame.includes('recipientIds') && !frame.includes('participants'), frame.slice(0, 2_000));
      assert.ok(Buffer.byteLength(frame) <= content.length + FRAME_OVERHEAD_BYTES, `${Buffer.byteLength(frame)} bytes: ${frame.slice(0, 1_000)}`);
    }
    const [stored] = (await ben.rest('GET', `/${thread}`)).messages;
    assert.ok(!JSON.stringify(stored).includes('-crowd-'), 'nor does the history');
  });

  test('old fault 13: markup in a message is made harmless as documented, and an object is no content', async () => {
    const { ann, ben, thread } = await pair();
    const said = [
      ['<script>alert(1)</script>one', '<\u2060script>alert(1)<\u2060/script>one'],
      ['<img src=x onerror=alert(1)>5 < 6 & "so" on', '<\u2060img src=x onerror=alert(1)>5 < 6 & "so" on'],
      ['a < b && c > d <3', 'a < b && c > d <3'],
    ];
    for (const [sent] of said) {
      assert.equal((await ann.send(thread, sent)).success, true);
      assert.equal((await ann.rest('POST', `/${thread}`, { content: sent, clientMessageId: `rest ${sent.length}` })).status, 201);
    }
    const long = 'x'.repeat(20_000); // an object evaded the length check
    for (const content of [{ text: 'a' }, { $gt: '' }, [{ text: long }], { length: 1, text: long }, ['a'], 5, true]) {
      assert.equal((await ann.send(thread, content)).code, 'invalid', JSON.stringify(content).slice(0, 100));
      const answer = await ann.rest('POST', `/${thread}`, { content });
      assert.deepEqual([answer.status, answer.code], [400, 'invalid'], JSON.stringify(content).slice(0, 100));
    }
    await ben.hears('message:received', 2 * said.length);
    const clean = said.flatMap(([, shown]) => [shown, shown]);
    assert.deepEqual(await ben.history(thread), clean);
    assert.deepEqual(ben.received(), clean);
  });

  test('old fault 14: every route of the published page is there: it does what it says for who may, and asks nobody else in', async () => {
    const { ann, ben, thread } = await pair();
    const root = person('root', { role: 'admin' });
    const { message } = await ben.send(thread, 'hello');
    await root.api('POST', '/notifications', { userId: ann.id, type: 'news', title: 'one' });
    const [{ _id: notification }] = (await ann.api('GET', '/notifications')).notifications;
    const others = { participants: [ben.id], metadata: { subject: 'another' } };
    const wanted = { channels: { inApp: true, email: true, push: true } };
    for (const [who, method, path, answers, body] of [
      [ann, 'GET', '/csrf-token', 'csrfToken'],
      [ann, 'POST', '/messages/threads', 'thread', others],
      [ann, 'GET', '/messages/threads', 'threads'],
      [ann, 'GET', `/messages/threads/${thread}`, 'thread'],
      [ann, 'GET', `/messages/${thread}`, 'messages'],
      [ann, 'POST', `/messages/${thread}`, 'message', { content: 'hello', attachments: [] }],
      [ann, 'POST', `/messages/${message._id}/reactions`, 'message', { emoji: '👍' }],
      [ann, 'POST', `/messages/${message._id}/read`, 'success', {}],
      [ann, 'POST', `/messages/threads/${thread}/read`, 'success', {}],
      [ann, 'DELETE', `/messages/threads/${thread}`, 'success'],
      [ann, 'GET', `/presence/${ben.id}`, 'presence'],
      [ann, 'GET', `/presence?userIds=${ben.id},${ann.id}`, 'presence'],
      [ann, 'GET', '/notifications', 'notifications'],
      [root, 'POST', '/notifications', 'success', { userId: ann.id, type: 'news', title: 'two', message: 'x' }],
      [ann, 'GET', '/notifications/preferences', 'preferences'],
      [ann, 'POST', '/notifications/preferences', 'preferences', wanted],
      [ann, 'POST', `/notifications/${notification}/read`, 'success', {}],
      [ann, 'DELETE', `/notifications/${notification}`, 'success'],
      [root, 'GET', '/messaging/status', 'stats'],
    ]) {
      const nobody = await fetch(`${stage.system.http}/api/v2${path}`, { method });
      assert.equal(nobody.status, 401, `${method} ${path} without a login`);
      const answer = await who.api(method, path, body);
      assert.ok([200, 201].includes(answer.status), `${method} ${path}: ${answer.status} ${JSON.stringify(answer)}`);
      assert.ok(answer.success === true && answers in answer, `${method} ${path}: ${JSON.stringify(answer)}`);
    }
    assert.equal((await ann.api('GET', '/messaging/status')).status, 403);
    assert.equal((await ann.api('GET', '/no/such/route')).status, 404);
  });

  test('old fault 16: the events sent are those documented, and typing and reactions reach the others', async () => {
    const { ann, ben, thread } = await pair();
    for (const each of [ann, ben]) await each.ask('auth', { userId: each.id });
    await ben.ask('presence:sync', { userIds: [ann.id] });
    assert.equal((await ben.ask('thread:join', { threadId: thread })).success, true, 'thread:join is answered');
    ann.socket.emit('typing:start', { threadId: thread });
    await ben.hears('typing:update');
    ann.socket.emit('typing:stop', { threadId: thread });
    await eventually('typing has ended', () => ben.all('typing:update').at(-1).isTyping === false);
    const { message } = await ann.send(thread, 'hello');
    await ben.hears('message:received');
    await ben.ask('message:read', { messageId: message._id });
    await ben.ask('reaction:send', { messageId: message._id, emoji: '👍' });
    await ann.hears('message:read:update');
    await ann.hears('reaction:received');
    await eventually('who is there', () => ben.all('presence:sync').some(each => each.userId === ann.id || each.presence));
    await ann.ask('message:edit', { messageId: message._id, content: 'hello!' });
    await ann.ask('message:delete', { messageId: message._id });
    await ben.hears('message:deleted');
    await ben.rest('DELETE', `/threads/${thread}`);
    await ben.hears('thread:updated');
    ben.socket.emit('no:event');
    await ben.hears('error');
    const heard = new Set([...ann.heard, ...ben.heard].map(({ event }) => event));
    assert.deepEqual([...heard].filter(event => !SERVER_EVENTS.includes(event)), [], 'nothing undocumented');
    assert.ok(heard.size >= 11, [...heard].join());
    for (const old of ['typing:started', 'typing:stopped', 'message:read', 'presence:changed', 'presence:synced']) assert.ok(!heard.has(old), old);
  });

  test('old fault 17: fifty people who create the same thread at the same moment get one thread', async () => {
    const [ann, ben, zoe] = [person('ann'), person('ben'), person('zoe')];
    const ids = [ann, ben, zoe].map(each => each.id);
    const metadata = { subject: 'Order 4711', order: { id: 4711 } };
    let queued = 0;
    /** On a busy machine the answer may be that the thread will be created; then one asks again. */
    const create = async (who, participants) => {
      for (;;) {
        const answer = await who.restOnce('POST', '/threads', { participants, metadata });
        if (answer.status !== 202) return answer;
        queued += 1;
      }
    };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) =>
      create([ann, ben, zoe][n % 3], n % 2 ? ids : ids.toReversed())));
    assert.deepEqual(new Set(answers.map(answer => answer.thread?._id)).size, 1, JSON.stringify(answers.map(({ status, thread }) => [status, thread?._id])));
    const created = answers.filter(answer => answer.status === 201).length;
    assert.ok(created === 1 || (created === 0 && queued > 0), `one of them created it, not ${created}; ${queued} were queued`);
    for (const each of [ann, ben, zoe]) assert.equal((await each.rest('GET', '/threads')).threads.length, 1);
  });
}

/** The stage has no limits of events and requests. */
export function floods(stage) {
  const { person, pair } = stage;

  test('old fault 4: two hundred messages that one socket sends without waiting are heard and stored in the order they were sent', async () => {
    const { ann, ben, thread } = await pair();
    const contents = Array.from({ length: 200 }, (_, n) => `number ${n}`);
    const answers = await Promise.all(contents.map(content => ann.send(thread, content)));
    assert.deepEqual(answers.map(answer => answer.message.seq), contents.map((_, n) => n + 1));
    await ann.hears('message:received', contents.length);
    await ben.hears('message:received', contents.length);
    assert.deepEqual(ann.received(), contents);
    assert.deepEqual(ben.received(), contents);
    const pages = [await ann.rest('GET', `/${thread}?limit=100&after=0`), await ann.rest('GET', `/${thread}?limit=100&after=100`)];
    const stored = pages.flatMap(page => page.messages);
    assert.deepEqual(stored.map(message => [message.seq, message.content]), contents.map((content, n) => [n + 1, content]));
    const times = stored.map(message => message.createdAt);
    assert.deepEqual(times, times.toSorted(), 'times do not contradict the order');
    const newest = stored.at(-1)._id;
    await eventually('the newest is the last message', async () => {
      const { thread: shown } = await ben.rest('GET', `/threads/${thread}`);
      return shown.lastMessageId === newest && shown.lastMessage._id === newest && shown.unreadCount === contents.length;
    });
  });

  test('old fault 18: malformed input of every event is answered with a code and without internals', async () => {
    const { ann, ben, thread } = await pair();
    const { message } = await ann.send(thread, 'hello');
    const deep = JSON.parse('{"a":'.repeat(60) + '1' + '}'.repeat(60));
    const odd = [null, 7, -1, 1e300, true, 'a text', '', [], [[]], {}, { $ne: '' }, deep, 'é\u0000\ud800', 'x'.repeat(3_000)];
    const fields = ['threadId', 'messageId', 'content', 'userId', 'token', 'userIds', 'threads', 'status', 'emoji', 'attachments', 'clientMessageId'];
    const good = { threadId: thread, messageId: message._id, content: 'a', emoji: '👍', status: 'online', userIds: [ann.id], threads: [{ threadId: thread, after: 0 }] };
    const bodies = [
      ...odd, ...odd.map(value => Object.fromEntries(fields.map(field => [field, value]))),
      ...fields.flatMap(field => [null, 7, {}, ['x']].map(value => ({ ...good, [field]: value }))),
      { ...good, threads: [null, 7, {}, { threadId: 7 }, { threadId: thread, after: 'x' }, { threadId: thread, after: -1 }] },
      { ...good, attachments: [null, 7, { type: 7 }, { type: 'image', url: {} }] },
    ];
    const session = ben.socket.id;
    let refused = 0;
    const harmless = (event, body, answer) => {
      if (answer?.success === true) return;
      refused += 1;
      const what = `${event} ${JSON.stringify(body)?.slice(0, 100)}: ${JSON.stringify(answer)?.slice(0, 500)}`;
      assert.equal(answer?.success, false, what);
      assert.ok(CODES.includes(answer.code), what);
      assert.ok(typeof answer.error === 'string' && answer.error.length > 5 && answer.error.length < 200 && !INTERNALS.test(answer.error), what);
      assert.ok(!('stack' in answer || 'name' in answer || 'cause' in answer), what);
    };
    const asked = CLIENT_EVENTS.filter(event => event.includes(':') || ['auth', 'sync'].includes(event));
    assert.ok(asked.length >= 14, asked.join());
    for (const event of [...asked, 'no:event', 'constructor', '__proto__']) {
      await Promise.all(bodies.map(async body => harmless(event, body, await ben.ask(event, body))));
      harmless(event, undefined, await ben.socket.timeout(20_000).emitWithAck(event));
    }
    assert.ok(refused > 14 * 20, `${refused} were refused`);
    for (const event of asked) ben.socket.emit(event, 'a text'); // and without a callback
    await ben.hears('error');
    for (const { event, body } of ben.heard.filter(each => each.event === 'error' || each.event.endsWith(':error'))) {
      harmless(event, '', { success: false, ...body });
    }
    assert.equal(ben.socket.id, session, 'and the connection went on all the time');
    for (const [method, path] of [
      ['POST', '/messages/threads'], ['POST', `/messages/${thread}`], ['PATCH', `/messages/${message._id}`],
      ['POST', `/messages/${message._id}/reactions`], ['PUT', '/notifications/preferences'], ['POST', '/notifications'], ['PUT', `/users/${ann.id}`],
    ]) {
      const root = person('root', { role: 'admin' });
      const who = path.startsWith('/notifications') || path.startsWith('/users') ? root : ann;
      await Promise.all(bodies.map(async body => {
        const answer = await who.api(method, path, body);
        assert.ok(answer.status < 500, `${method} ${path} ${JSON.stringify(body)?.slice(0, 100)}: ${answer.status}`);
        harmless(`${method} ${path}`, body, answer);
      }));
    }
    for (const path of ['/messages/%00', '/messages/threads/..%2f', `/messages/${thread}?limit=x`, `/messages/${thread}?before={}`, '/presence?userIds=%ff', '/presence/%ff', '/messages/threads?cursor=x']) {
      const answer = await ann.api('GET', path);
      assert.ok(answer.status < 500, `${path}: ${answer.status}`);
      harmless(path, '', answer);
    }
  });
}
