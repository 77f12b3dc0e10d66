// Drives the compose fleet through its proxy, as browsers do.
//
//   node drive.mjs message URL              two people talk, one by WebSocket, one by polling
//   node drive.mjs sockets URL COUNT        opens sockets, says "open", and watches the port until its input
// ends

import assert from 'node:assert/strict';
import { connect as tcp } from 'node:net';
import { Person, eventually, mint } from '../contract/person.mjs';

const [command, url, count] = process.argv.slice(2);
const system = { ws: url.replace(/^http/, 'ws'), http: url };
/** Between two knocks at the port, and how long one may take until it counts as refused. */
const KNOCK_EVERY_MS = 10;
const KNOCK_MS = 100;
const CONNECT_AT_ONCE = 50;

async function message() {
  const people = [new Person(system, 'ann'), new Person(system, 'ben')];
  const [ann, ben] = people;
  await ann.connect({ transports: ['websocket'] });
  await ben.connect({ transports: ['polling'], upgrade: false });
  const body = { participants: [ben.id], subject: 'through the proxy', initialMessage: 'hello' };
  const made = await ann.rest('POST', '/threads', body);
  assert.equal(made.status, 201, JSON.stringify(made));
  const thread = made.thread.id;
  await ann.send(thread, 'by WebSocket');
  await ben.send(thread, 'by polling');
  for (const person of people) {
    await eventually(`${person.id} hears both`, () =>
      ['by WebSocket', 'by polling'].every(content => person.received().includes(content)));
    person.socket.close();
  }
  console.log('two people heard each other, one by WebSocket and one by polling');
}

/** One attempt to connect: true if the port takes it. */
function knock({ hostname, port }) {
  return new Promise(resolve => {
    const socket = tcp(Number(port), hostname, () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
    // A container that is away answers nothing at all.
    setTimeout(() => { socket.destroy(); resolve(false); }, KNOCK_MS).unref();
  });
}

async function sockets() {
  const ids = Array.from({ length: Number(count) }, (_, index) => `idle-${index}`);
  const opened = [];
  while (ids.length > 0) {
    opened.push(...await Promise.all(ids.splice(0, CONNECT_AT_ONCE).map(async id => {
      const person = new Person(system, id);
      await person.connect({ reconnectionDelay: 500, reconnectionDelayMax: 2_000 });
      return person;
    })));
  }
  const connected = () => opened.filter(person => person.socket.connected).length;
  console.log(`open ${connected()}`);
  let isOver = false;
  process.stdin.resume().once('end', () => { isOver = true; });
  const at = new URL(url);
  let [taken, longest] = [performance.now(), 0];
  while (!isOver) {
    const since = performance.now();
    if (await knock(at)) {
      // From the last one that was taken; while all goes well that is the pause between two.
      if (since - taken > KNOCK_MS) longest = Math.max(longest, since - taken);
      taken = since;
    }
    await new Promise(resolve => setTimeout(resolve, KNOCK_EVERY_MS));
  }
  await eventually('all sockets are back', () => connected() === opened.length, 60_000);
  console.log(JSON.stringify({ longestRefusalMs: Math.round(longest), back: connected() }));
  for (const person of opened) person.socket.close();
}

await { message, sockets, token: async () => console.log(mint({ id: 'operator', role: 'user' })) }[command]();
process.exit(0);
