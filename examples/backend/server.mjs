// A backend in Node, without any package: it signs people in, gives their pages tokens for the chat, and
// serves the pages.
//
//   JWT_SECRET   the secret of the EventFlow server, at least 32 bytes; it never leaves this process
//   CHAT_URL     address of the EventFlow server, for the pages
//   PAGES        folder of the pages
//   PORT         3000 if it is not given

import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const { JWT_SECRET, CHAT_URL = 'http://127.0.0.1:8080', PAGES = '.', PORT = '3000' } = process.env;
if (!JWT_SECRET) throw new Error('JWT_SECRET is missing');

/** The client renews a token before it ends, so that it can be short. */
const TOKEN_LIFE_S = 15 * 60;
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };
/** Who is signed in, by session: a real application has a store for that. */
const sessions = new Map();

/** A JWT for the chat (HS256). `jti` names the login and stays the same when a login gets a new token. */
function sign({ user, login }) {
  const part = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(Date.now() / 1_000);
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ id: user, name: user, jti: login, iat, exp: iat + TOKEN_LIFE_S })}`;
  return `${body}.${createHmac('sha256', JWT_SECRET).update(body).digest('base64url')}`;
}

const ROUTES = {
  /** Signs somebody in. A real application asks for a password here. */
  'POST /login': async (request, answer) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { user } = JSON.parse(body);
    const session = randomUUID();
    sessions.set(session, { user, login: randomUUID() });
    answer.setHeader('set-cookie', `session=${session}; HttpOnly; SameSite=Lax; Path=/`);
    answer.writeHead(204).end();
  },
  /** A token for whoever is signed in, and where the chat is. */
  'GET /chat-token': (request, answer) => {
    const session = sessions.get(/session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]);
    if (!session) return answer.writeHead(401).end();
    return answer.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify({ token: sign(session), userId: session.user, url: CHAT_URL }));
  },
};

const server = createServer(async (request, answer) => {
  const { pathname } = new URL(request.url, 'http://backend');
  try {
    const route = ROUTES[`${request.method} ${pathname}`];
    if (route) return await route(request, answer);
    const file = normalize(join('/', pathname === '/' ? 'index.html' : pathname));
    const page = await readFile(join(PAGES, file));
    return answer.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(page);
  } catch {
    return answer.writeHead(404).end();
  }
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
