// What the log says on both shapes: who connects and leaves, which messages go where, by ids and never by
// contents. An orderly end is no error, and neither is a gateway that was killed.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Person, eventually } from './person.mjs';
import { startSystem } from './system.mjs';

const SETTINGS = { LOG_FORMAT: 'json', LOG_LEVEL: 'info,eventflow_ingress=debug,eventflow_workers=debug', GATEWAYS: '2' };
const SAID = 'nothing of this is for the log';

for (const shape of ['single', 'fleet']) describe(`the log of the shape "${shape}"`, { concurrency: 1 }, () => {
  let system;
  const people = [];
  const person = (name, elsewhere = {}) => people[people.push(new Person({ ...system, ...elsewhere }, name)) - 1];
  before(async () => { system = await startSystem(shape, SETTINGS); });
  after(async () => {
    people.forEach(each => each.leave());
    await system?.stop();
  });

  /** The lines of every process, one after the other. */
  async function lines() {
    const logs = await Promise.all(system.roles.map(role => system.logs(role)));
    const texts = logs.join('').split('\n').filter(text => text !== '');
    return texts.map(text => ({ text, ...JSON.parse(text) }));
  }

  const isLogged = (words, wanted) => eventually(`"${words}" ${JSON.stringify(wanted)}`, async () => (await lines()).find(line =>
    line.message === words && Object.entries(wanted).every(([name, value]) => line[name] === value)));

  test('has connections at info and messages at debug, by ids alone', async () => {
    const [ann, ben] = [person('ann'), person('ben')];
    const thread = await ann.startThread(ben);
    await Promise.all([ann.connect(), ben.connect()]);
    const socket = ben.socket.id;
    await isLogged('a client connected', { level: 'INFO', socket, user: ben.id, recovered: false });
    const { message } = await ann.send(thread, SAID);
    await ben.hears('message:received');
    await isLogged('a message was sent', { level: 'DEBUG', message_id: message._id, thread, seq: 1, user: ann.id });
    await isLogged('an event was delivered', { level: 'DEBUG', name: 'message:received', thread, seq: 1 });
    const byRest = await ann.rest('POST', `/${thread}`, { content: `${SAID} either` });
    await isLogged('a message was sent', { message_id: byRest.message._id, seq: 2 });
    await isLogged("a person's presence changed", { level: 'DEBUG', user: ben.id, status: 'online' });
    ben.socket.disconnect();
    const left = await isLogged('a client disconnected', { level: 'INFO', socket, user: ben.id, reason: 'client_left' });
    assert.ok(left.duration_ms > 0 && left.duration_ms < 600_000, left.text);
    await isLogged("a person's presence changed", { user: ben.id, status: 'offline' });
    for (const { text } of await lines()) {
      assert.ok(![SAID, ann.token, ben.token].some(secret => text.includes(secret)), text);
    }
  });

  test('has no errors when processes end in order, or when a gateway is killed', async () => {
    const [ann, ben] = [person('ann'), person('ben', shape === 'fleet' ? { ws: system.ws2 } : {})];
    const thread = await ann.startThread(ben);
    await Promise.all([ann.connect({ reconnection: false }), ben.connect({ reconnection: false })]);
    await ann.send(thread, 'before');
    await ben.hears('message:received');
    if (shape === 'fleet') {
      await system.kill('ws-gateway');
      for (let n = 0; n < 5; n += 1) assert.equal((await ben.send(thread, `meanwhile ${n}`)).success, true);
      await system.start('ws-gateway');
    }
    for (const role of system.roles) await system.terminate(role);
    const errors = (await lines()).filter(({ level }) => level === 'ERROR').map(({ text }) => text);
    assert.deepEqual(errors, []);
  });
});
