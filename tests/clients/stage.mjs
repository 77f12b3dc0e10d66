// Where the tests of the client package happen: a system of each shape, a link to it that can be cut for each
// client, and the package as it is installed.

import { after, afterEach, before, describe } from 'node:test';
import { openFront } from '../browser/front.mjs';
import { peopleOf } from '../contract/people.mjs';
import { eventually } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { installPackage } from './install.mjs';

/**
 * On both shapes at once: most of it is waiting. `define` gets the stage; `modules` are packages of npm
 * beside the client's; `settings` are the system's, or a function that finds them.
 */
export function onBothShapes(title, define, { modules = [], settings = {} } = {}) {
  describe(title, { concurrency: 2 }, () => {
    for (const shape of ['single', 'fleet']) {
      describe(`on the shape "${shape}"`, { concurrency: 1 }, () => {
        const stage = { shape, clients: [] };
        const people = peopleOf(() => stage.system);
        before(async () => {
          const given = typeof settings === 'function' ? await settings(stage) : settings;
          [stage.system, stage.installed] = await Promise.all([startSystem(shape, given), installPackage(modules)]);
          stage.front = await openFront(stage.system);
          stage.library = { ...await stage.installed.load('index.js'), ...await stage.installed.load('node.js') };
        });
        after(async () => {
          stage.front?.close();
          await Promise.all([stage.system?.stop(), stage.installed?.remove()]);
        });
        afterEach(() => {
          stage.clients.splice(0).forEach(client => client.close());
          people.leave();
        });
        define(Object.assign(stage, { person: people.person, pair: people.pair, open: (...given) => open(stage, ...given) }));
      });
    }
  });
}

/**
 * A client of the package for somebody, behind a link of its own. What it tells is kept in `told`, by name of
 * the event.
 */
async function open(stage, person, options = {}) {
  const link = options.link ?? await stage.front.link();
  const client = new stage.library.EventFlow({
    url: link.origin, token: person.token, storage: stage.library.memoryStorage(), socket: { transports: ['websocket'], reconnectionDelay: 50 }, ...options,
  });
  stage.clients.push(client);
  const told = {};
  for (const name of TOLD) client.on(name, body => (told[name] ??= []).push(body));
  client.connect();
  /** Waits until the connection is as it should be. */
  const isState = state => eventually(`${person.id} is ${state}, it is ${client.state}`, () => client.state === state);
  if (!options.isAway) await isState('online');
  return {
    client, link, told, isState,
    /** Contents of the messages of a thread that were told, in the order told. */
    messages: thread => (told.message ?? []).filter(each => each.threadId === thread).map(each => each.message.content),
    /** Waits until an event was told so often. */
    hears: (name, count = 1) => eventually(`${person.id} hears ${count} ${name}`, () => (told[name] ?? []).length >= count && told[name]),
  };
}

const TOLD = ['message', 'changed', 'cursors', 'thread:found', 'thread:lost', 'thread:reset', 'state', 'resumed', 'stored', 'refused', 'storage:error',
  'auth:error', 'thread:created', 'message:updated', 'reaction:received', 'presence:sync', 'notification:received', 'session:ended'];

/** So many texts that begin so. */
export const texts = (word, count) => Array.from({ length: count }, (_, n) => `${word} ${n + 1}`);
