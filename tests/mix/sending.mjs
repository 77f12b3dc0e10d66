// A message by one of the two doors, by chance at each attempt, under one key.

import { emit, untilFinal } from './asking.mjs';

/** Share of attempts that are made by socket, if it is connected. */
const BY_SOCKET = 0.5;

/** Sends until the final answer, as `untilFinal` gives it, with the `door` of the last attempt. */
export async function send(person, thread, body, random) {
  let door;
  const result = await untilFinal(() => {
    door = random.chance(BY_SOCKET) && person.socket.connected ? 'socket' : 'rest';
    return door === 'socket' ? emit(person.socket, 'message:send', { threadId: thread, ...body }) : person.ask('POST', `/messages/${thread}`, { body });
  });
  return { ...result, door };
}
