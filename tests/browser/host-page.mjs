// A host application on an origin of its own, with one page that has nothing but the line of embed.js, under
// a policy that allows the chat and nothing else; and the address at which it gives tokens.

import { createServer } from 'node:http';

/**
 * Starts a host. `chat()` gives the origin of the chat. The page takes `data-` attributes of the script from
 * its query: `/?token-url=/chat-token`, `/?target=%23here`. `token` is called for each token that the page
 * asks for, and gives `{status?, type?, body}`; `asked` counts them.
 */
export async function openHost(chat) {
  const host = { asked: 0, token: () => ({ status: 401, body: '' }) };
  const server = createServer((request, answer) => {
    const { pathname, searchParams } = new URL(request.url, 'http://host');
    if (pathname === '/chat-token') {
      host.asked += 1;
      const { status = 200, type = 'application/json', body } = host.token(request);
      return answer.writeHead(status, { 'content-type': type }).end(body);
    }
    if (pathname !== '/') return answer.writeHead(404).end();
    const data = [...searchParams].map(([name, value]) => ` data-${name}="${value}"`).join('');
    const policy = `default-src 'none'; script-src ${chat()}; frame-src ${chat()}; connect-src 'self'; base-uri 'none'; form-action 'none'`;
    answer.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy, 'referrer-policy': 'no-referrer' });
    return answer.end(`<!doctype html><html lang="en"><head><title>A shop</title><meta name="viewport" content="width=device-width, initial-scale=1">
      <script src="${chat()}/embed.js"${data}></script></head>
      <body><main><h1>A shop</h1><button id="own" type="button">Ask us</button><div id="here"></div></main></body></html>`);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return Object.assign(host, {
    /** Another site than that of the chat, which is at 127.0.0.1. */
    foreign: `http://localhost:${port}`,
    /** Another origin of the same site: it shares its cookies. */
    near: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
}

/** Gives these, one after the other, and the last one from then on. */
export function inTurn(...answers) {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)];
}

/** How a host answers with a token. */
export const json = token => ({ body: JSON.stringify({ token }) });
export const text = token => ({ type: 'text/plain', body: `${token}\n` });
