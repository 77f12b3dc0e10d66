// The client package while the connection is away: what is written is stored once and in order, what others
// write is told once and in order, whatever happens to the page meanwhile.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../contract/person.mjs';
import { onBothShapes, texts } from './stage.mjs';

/** How long the absence lasts, at least. Neither side does anything else after a longer one. */
const AWAY_MS = Number(process.env.EVENTFLOW_CLIENT_AWAY_S ?? 0) * 1_000;

/**
 * A server that keeps no session for a client that is away: everything that was missed has to be asked for,
 * as after a long absence. The other files have the default, with which short absences end by themselves.
 */
const WITHOUT_SESSIONS = { EVENTFLOW_GATEWAY__RECOVERY_WINDOW_MS: '0' };

onBothShapes('the client package and absences', stage => {
  const { open, pair } = stage;
  /** Contents of those of a person, in the order of the thread. */
  const of = async (reader, thread, sender) => {
    const { messages } = await reader.rest('GET', `/${thread}?limit=100`);
    return messages.filter(message => message.senderId === sender.id).map(message => message.content);
  };

  test('twenty messages that are written offline, with a reload in between, are stored once and in order', async () => {
    const { ann, ben, thread } = await pair();
    const storage = stage.library.memoryStorage();
    const here = await open(ann, { storage });
    const there = await open(ben);
    await there.client.threads.get(thread);
    await here.client.send(thread, 'before');
    const began = Date.now();
    here.link.cut();
    await here.isState('offline');
    const [first, second] = [texts('first', 10), texts('second', 10)];
    for (const text of first) here.client.send(thread, text);
    // What a reload leaves: the storage, and nothing else.
    assert.equal(here.client.outbox.entries(thread).length, 10);
    here.client.close();
    const again = await open(ann, { storage, link: here.link, isAway: true });
    await again.client.opened;
    assert.deepEqual(again.client.outbox.entries(thread).map(entry => entry.content), first);
    for (const text of second) again.client.send(thread, text);
    const meanwhile = texts('meanwhile', 20);
    for (const text of meanwhile) await there.client.send(thread, text);
    // sleep: the absence lasts as long as asked for; 0 by default
    await new Promise(resolve => setTimeout(resolve, Math.max(0, AWAY_MS - (Date.now() - began))));
    again.link.mend();
    await again.hears('stored', 20);
    assert.deepEqual(again.told.stored.map(({ message }) => message.content), [...first, ...second]);
    assert.deepEqual(again.client.outbox.entries(), []);
    assert.deepEqual(await of(ann, thread, ann), ['before', ...first, ...second]);
    // The other one hears everything once, in the order of the thread.
    await there.hears('message', 41);
    assert.deepEqual(there.messages(thread), await ben.history(thread, '?limit=100'));
  });

  test('two tabs that keep in one place store each message once and in order', async () => {
    const { ann, thread } = await pair();
    const storage = stage.library.memoryStorage();
    const link = await stage.front.link();
    link.cut();
    const said = texts('said', 10);
    const one = await open(ann, { storage, link, isAway: true });
    for (const text of said) one.client.send(thread, text);
    await eventually('all are kept', async () => (await storage.list('')).length === 10);
    const two = await open(ann, { storage, link, isAway: true });
    await two.client.opened;
    assert.equal(two.client.outbox.entries(thread).length, 10);
    link.mend();
    await Promise.all([one, two].map(each => each.hears('stored', 10)));
    assert.deepEqual(await ann.history(thread), said);
    await eventually('nothing is kept', async () => (await storage.list('')).length === 0);
  });

  test('a thread that is followed tells once and in order what was written during an absence', async () => {
    const { ann, ben, thread } = await pair();
    const here = await open(ann);
    await here.client.threads.get(thread);
    for (const text of texts('live', 5)) await ben.rest('POST', `/${thread}`, { content: text });
    await here.hears('message', 5);
    for (const round of ['one', 'two']) {
      here.link.cut();
      await here.isState('offline');
      for (const text of texts(round, 20)) await ben.rest('POST', `/${thread}`, { content: text });
      here.link.mend();
      await here.isState('online');
      assert.equal(here.told.state.at(-1).recovered, false);
    }
    await here.hears('message', 45);
    assert.deepEqual(here.messages(thread), [...texts('live', 5), ...texts('one', 20), ...texts('two', 20)]);
  });

  test('a message whose answer is lost is sent again and stored once', async () => {
    const { ann, ben, thread } = await pair();
    const here = await open(ann);
    await ben.connect();
    here.link.deafen();
    const stored = here.client.send(thread, 'once');
    await ben.hears('message:received');
    here.link.mend();
    assert.equal((await stored).seq, 1);
    await here.client.send(thread, 'next');
    assert.deepEqual(await ann.history(thread), ['once', 'next']);
  });

  test('what is written while the server is restarted is stored once and in order', async () => {
    const { ann, thread } = await pair();
    const here = await open(ann);
    const said = texts('said', 40);
    const restarted = stage.system.restart();
    const stored = [];
    for (const text of said) {
      stored.push(here.client.send(thread, text));
      // sleep: the messages are spread over the restart
      await new Promise(resolve => setTimeout(resolve, 25));
    }
    await restarted;
    await Promise.all(stored);
    assert.deepEqual(await ann.history(thread, '?limit=100'), said);
  });

  test('what is written and heard while processes are killed is stored and told once and in order', async () => {
    const { ann, ben, thread } = await pair();
    const [here, there] = [await open(ann), await open(ben)];
    await Promise.all([here, there].map(each => each.client.threads.get(thread)));
    const said = [here, there].map((each, n) => texts(`from ${n}`, 60));
    const writing = [here, there].map(async (each, n) => {
      const stored = [];
      for (const text of said[n]) {
        stored.push(each.client.send(thread, text));
        // sleep: the messages are spread over the kills
        await new Promise(resolve => setTimeout(resolve, 50));
      }
      await Promise.all(stored);
    });
    for (const role of stage.shape === 'single' ? ['eventflow', 'eventflow'] : ['ws-gateway', 'persistence-worker', 'ws-gateway', 'fanout-worker']) {
      await stage.system.kill(role);
      await stage.system.start(role);
    }
    await Promise.all(writing);
    const history = await ann.wholeHistory(thread);
    assert.deepEqual(said.map((_, n) => history.filter(text => text.startsWith(`from ${n}`))), said);
    await Promise.all([here, there].map(each => each.hears('message', 120)));
    for (const each of [here, there]) assert.deepEqual(each.messages(thread), history);
  });

  test('what the server refuses stays in the outbox, and those behind it are stored', async () => {
    const { ann, thread } = await pair();
    const here = await open(ann);
    const sent = ['one', ' ', 'three'].map(content => here.client.send(thread, content));
    assert.equal((await sent[0]).seq, 1);
    await assert.rejects(sent[1], { name: 'Refusal', code: 'invalid' });
    assert.equal((await sent[2]).seq, 2);
    const [failed] = here.client.outbox.entries(thread);
    assert.deepEqual([failed.state, failed.refusal.code, here.told.refused.length], ['failed', 'invalid', 1]);
    here.client.outbox.again(failed.key);
    await here.hears('refused', 2);
    here.client.outbox.forget(failed.key);
    assert.deepEqual(here.client.outbox.entries(), []);
  });

  test('a process that is killed sends what it had kept when it starts again', async () => {
    const { ann, thread } = await pair();
    const link = await stage.front.link();
    const folder = await mkdtemp(join(tmpdir(), 'eventflow-outbox-'));
    const script = join(stage.installed.folder, `killed-${stage.shape}.mjs`);
    await writeFile(script, `
      import { connect } from '@eventflow/client';
      import { fileStorage } from '@eventflow/client/node';
      const [url, token, folder, thread, ...texts] = process.argv.slice(2);
      const client = connect({ url, token, storage: fileStorage(folder), socket: { transports: ['websocket'], reconnectionDelay: 50 } });
      for (const text of texts) client.send(thread, text);
      client.on('stored', ({ message }) => console.log(message.content));
      await client.opened;
      console.log('opened', client.outbox.entries().length);
    `);
    const start = (...said) => {
      const process_ = spawn(process.execPath, [script, link.origin, ann.token, folder, thread, ...said], { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = [];
      process_.stdout.on('data', data => lines.push(...String(data).trim().split('\n')));
      return { lines, kill: () => process_.kill('SIGKILL'), ended: new Promise(resolve => process_.once('exit', resolve)) };
    };
    link.cut();
    const first = start('one', 'two', 'three');
    const kept = stage.library.fileStorage(folder);
    await eventually('three messages are kept', async () => (await kept.list('')).length === 3);
    first.kill();
    await first.ended;
    link.mend();
    const second = start('four');
    await eventually('four messages are stored', () => second.lines.filter(line => !line.startsWith('opened')).length === 4);
    second.kill();
    await second.ended;
    assert.deepEqual(await ann.history(thread), ['one', 'two', 'three', 'four']);
    await rm(folder, { recursive: true });
  });
}, { settings: WITHOUT_SESSIONS });
