// Counts the commands that go to MongoDB: a proxy passes everything on and reads the names of commands
// (MongoDB Wire Protocol, OP_MSG; a body's first field is the command and its collection).

import { connect, createServer } from 'node:net';

const OP_MSG = 2013;
const HEADER_BYTES = 16;
const FLAG_BYTES = 4;
/** What a driver asks for its own sake. */
const OF_THE_DRIVER = ['hello', 'isMaster', 'ismaster', 'ping', 'endSessions', 'saslStart', 'saslContinue', 'buildInfo'];

/** A proxy before `host:port`. `take()` gives the commands since the last time, each as `name collection`. */
export async function countCommands(target) {
  const [host, port] = target.split(':');
  let commands = [];
  const server = createServer(near => {
    const far = connect(Number(port), host);
    let unread = Buffer.alloc(0);
    near.on('data', data => {
      unread = Buffer.concat([unread, data]);
      while (unread.length >= HEADER_BYTES && unread.length >= unread.readInt32LE(0)) {
        const command = commandOf(unread.subarray(0, unread.readInt32LE(0)));
        if (command && !OF_THE_DRIVER.includes(command.split(' ')[0])) commands.push(command);
        unread = unread.subarray(unread.readInt32LE(0));
      }
    });
    near.pipe(far).pipe(near);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    take() {
      const taken = commands;
      commands = [];
      return taken;
    },
    close: () => server.close(),
  };
}

function commandOf(message) {
  if (message.readInt32LE(12) !== OP_MSG) return undefined;
  let at = HEADER_BYTES + FLAG_BYTES;
  // Lists of documents may stand before the body.
  while (message[at] === 1) at += 1 + message.readInt32LE(at + 1);
  const [type, name] = [message[at + 5], at + 6];
  const value = message.indexOf(0, name) + 1;
  const collection = type === 2 ? message.toString('utf8', value + 4, value + 3 + message.readInt32LE(value)) : '';
  return `${message.toString('utf8', name, value - 1)} ${collection}`;
}
