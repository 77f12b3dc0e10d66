// The page out of a folder instead of the binary: with PAGE_FOLDER=web a change of the page is tried without
// a build. What the server says beside a file, as its policy, stays.

import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const TYPES = { js: 'text/javascript', css: 'text/css', html: 'text/html', svg: 'image/svg+xml' };
const PAGES = { '/': 'index.html', '/ops': 'ops.html' };

/** Serves a browser context from PAGE_FOLDER, if that is set. */
export async function fromFolder(context, folder = process.env.PAGE_FOLDER) {
  if (!folder) return;
  await context.route(({ pathname }) => pathname in PAGES || /^\/[\w-]+\.(js|css)$/.test(pathname), async route => {
    const name = PAGES[new URL(route.request().url()).pathname] ?? basename(new URL(route.request().url()).pathname);
    const body = await readFile(join(folder, name)).catch(() => undefined);
    if (!body) return route.continue();
    const response = await route.fetch();
    const headers = { ...response.headers(), 'content-type': `${TYPES[name.split('.').at(-1)]}; charset=utf-8` };
    for (const each of ['content-length', 'content-encoding', 'etag']) delete headers[each];
    return route.fulfill({ status: 200, headers, body });
  });
}
