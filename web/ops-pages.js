// Listings that operators read page by page: each look reads again all pages that are shown.

/**
 * The first `pages` pages of what is listed under `key`, and the cursor of the next one; none if that is all.
 * @param {import('/api.js').Api} api
 * @param {string} path
 * @param {{ query: Record<string, string | number>, key: string, pages: number }} listing
 * @returns {Promise<[any[], string | null]>}
 */
export async function pagesOf(api, path, { query, key, pages }) {
  const found = [];
  let cursor = '';
  for (let page = 0; page < pages; page += 1) {
    const asked = Object.entries({ ...query, cursor }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
    const answer = await api.ask('GET', `${path}?${asked}`);
    found.push(...answer[key]);
    if (!answer.nextCursor) return [found, null];
    cursor = answer.nextCursor;
  }
  return [found, cursor];
}
