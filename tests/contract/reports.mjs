// Reports: whoever sees a message says to the administrators what is wrong with it, once, and they mark it as
// handled. By REST, on either shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';

export function reports(stage) {
  const { person, pair } = stage;
  const admin = () => person('root', { role: 'admin' });
  /** Reports of this list about messages of a thread, from all pages. */
  const about = async (root, thread, status = 'open') => {
    const found = [];
    for (let cursor = ''; cursor !== null;) {
      const page = await root.api('GET', `/reports?status=${status}&limit=3${cursor && `&cursor=${cursor}`}`);
      assert.equal(page.status, 200, JSON.stringify(page));
      found.push(...page.reports.filter(report => report.message.threadId === thread));
      cursor = page.nextCursor;
    }
    return found;
  };

  test('a message is reported once by each who sees it, with what it said then', async () => {
    const root = admin();
    const [ann, ben, cem] = [person('ann'), person('ben'), person('cem')];
    const thread = await ann.startThread(ben, cem);
    const { message } = await ann.rest('POST', `/${thread}`, { content: 'buy <b>this</b>' });
    const first = await ben.rest('POST', `/${message._id}/report`, { reason: 'spam', text: 'every day' });
    assert.deepEqual([first.status, first.deduplicated, first.report.reason, first.report.text], [201, false, 'spam', 'every day']);
    await ann.rest('PATCH', `/${message._id}`, { content: 'something else' });
    const again = await ben.rest('POST', `/${message._id}/report`, { reason: 'hate' });
    assert.deepEqual([again.status, again.deduplicated, again.report], [200, true, first.report]);
    const other = await cem.rest('POST', `/${message._id}/report`, { reason: 'other' });
    assert.equal(other.status, 201);
    await ann.rest('DELETE', `/${message._id}`);
    const found = await about(root, thread);
    const said = Object.fromEntries(found.map(report => [report.reporterId, report]));
    assert.equal(found.length, 2);
    assert.deepEqual([said[ben.id].message.content, said[cem.id].message.content], [message.content, 'something else']);
    assert.deepEqual([said[ben.id].message.senderId, said[ben.id].message.messageId, said[ben.id].handled], [ann.id, message._id, null]);
    assert.equal(said[ben.id].id, first.report.id);
  });

  test('an administrator marks a report as handled, once, and finds it among the others', async () => {
    const root = admin();
    const { ann, ben, thread } = await pair();
    const { message } = await ann.rest('POST', `/${thread}`, { content: 'hello' });
    const { report } = await ben.rest('POST', `/${message._id}/report`, { reason: 'harassment' });
    const handled = await root.api('PUT', `/reports/${report.id}/handled`, { note: 'warned' });
    assert.deepEqual([handled.status, handled.report.handled.by, handled.report.handled.note], [200, root.id, 'warned']);
    const again = await admin().api('PUT', `/reports/${report.id}/handled`, { note: 'once more' });
    assert.deepEqual([again.status, again.report.handled], [200, handled.report.handled], 'the first word stays');
    assert.deepEqual([await about(root, thread), (await about(root, thread, 'handled')).map(each => each.id)], [[], [report.id]]);
    const missing = await root.api('PUT', `/reports/${'0'.repeat(24)}/handled`, {});
    assert.deepEqual([missing.status, missing.code], [404, 'not_found']);
  });

  test('strangers report nothing, and nobody but administrators sees reports', async () => {
    const { ann, ben, thread } = await pair();
    const eve = person('eve');
    const { message } = await ann.rest('POST', `/${thread}`, { content: 'hello' });
    const path = `/${message._id}/report`;
    const stranger = await eve.rest('POST', path, { reason: 'spam' });
    assert.deepEqual([stranger.status, stranger.code], [404, 'not_found']);
    for (const [body, named] of [
      [{}, /reason/], [{ reason: 'boring' }, /reason/], [{ reason: 'spam', text: 'x'.repeat(501) }, /^text/], [{ reason: 'spam', text: 5 }, /^text/],
    ]) {
      const refused = await ben.rest('POST', path, body);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], JSON.stringify(body));
      assert.match(refused.error, named);
    }
    const { report } = await ben.rest('POST', path, { reason: 'spam' });
    for (const [method, route, body] of [['GET', '/reports'], ['PUT', `/reports/${report.id}/handled`, {}]]) {
      const refused = await ben.api(method, route, body);
      assert.deepEqual([refused.status, refused.code], [403, 'forbidden'], route);
    }
    await ben.rest('POST', `/threads/${thread}/leave`);
    assert.equal((await ben.rest('POST', path, { reason: 'hate' })).status, 404, 'who has left sees it no more');
    const root = admin();
    for (const query of ['status=new', 'limit=0', 'cursor=x']) {
      const refused = await root.api('GET', `/reports?${query}`);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], query);
    }
  });
}
