// A dead letter: of a fleet in the broker's queue, of a single process by a store that refuses a message.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeDeadLetter } from '../../browser/dead-letter.mjs';
import { eventually } from '../person.mjs';

const run = promisify(execFile);
/** What the store of a single process refuses. */
const HELD = 'unstorable';
const REFUSE = `CREATE TRIGGER held_message BEFORE INSERT ON message WHEN NEW.content LIKE '${HELD}%' BEGIN SELECT raise(ABORT, 'held'); END;`;

/** Makes a dead letter; gives its id. */
export async function letterIn(system, { root, sender, thread }) {
  if (system.shape === 'fleet') {
    await makeDeadLetter(system, { thread, sender: sender.id, content: 'left behind' });
  } else {
    // Nobody else may have the data file open.
    await system.terminate('eventflow');
    await run('python3', ['-c', 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])', join(system.data, 'eventflow.db'), REFUSE]);
    await system.start('eventflow');
    await sender.restOnce('POST', `/${thread}`, { content: HELD });
  }
  const letter = await eventually('the letter is collected', async () => (await root.api('GET', '/ops/dead-letters')).letters?.[0]);
  return letter._id;
}
