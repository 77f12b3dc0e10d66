// What the system holds of one person: administrators take it out, and erase it. By REST, with others who
// hear of it by socket, on either shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, mint } from './person.mjs';

export function erasures(stage) {
  const { person, pair } = stage;
  const admin = () => person('root', { role: 'admin' });
  const why = 'they asked for it';

  /** The records of an export. */
  const exported = async (root, userId, query = '') => {
    const answer = await fetch(`${stage.system.http}/api/v2/users/${encodeURIComponent(userId)}/export${query}`, { headers: { authorization: `Bearer ${root.token}` } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
    const text = await answer.text();
    assert.ok(text.endsWith('\n'));
    return text.trimEnd().split('\n').map(line => JSON.parse(line));
  };
  const of = (records, kind) => records.filter(record => record.kind === kind);
  /** Marks a person, also if the store is slow to say so. */
  const erase = async (root, userId) => {
    const answer = await root.apiOnce('POST', `/users/${userId}/erase`, { userId, why });
    assert.ok([201, 202].includes(answer.status), JSON.stringify(answer));
    return eventually('it is begun', async () => {
      const shown = await root.apiOnce('GET', `/users/${userId}/erase`);
      return shown.status === 200 && shown.erasure;
    });
  };
  const done = (root, userId) => eventually('it is done', async () => {
    const { erasure } = await root.api('GET', `/users/${userId}/erase`);
    return erasure?.state === 'done' && erasure;
  });

  test('an administrator takes out all that is kept of a person, and nothing of others', async () => {
    const root = admin();
    const { ann, ben, thread } = await pair();
    const { message } = await ann.rest('POST', `/${thread}`, { content: 'first', clientMessageId: 'mine' });
    await ann.rest('PATCH', `/${message._id}`, { content: 'second' });
    const other = (await ben.rest('POST', `/${thread}`, { content: 'a secret of ben', mentions: [ann.id] })).message;
    await ann.rest('POST', `/${other._id}/reactions`, { emoji: '👍', action: 'add' });
    await ben.rest('POST', `/${message._id}/reactions`, { emoji: '👎', action: 'add' });
    await ann.rest('PUT', `/threads/${thread}/draft`, { content: 'begun' });
    await ann.rest('POST', `/${other._id}/report`, { reason: 'spam', text: 'every day' });
    await ben.rest('POST', `/${message._id}/report`, { reason: 'hate' });
    await ann.api('PUT', `/users/${person('gus').id}/block`);
    const records = await exported(root, ann.id, '?why=asked');
    assert.deepEqual([records[0].kind, records[0].version, records[0].userId], ['export', 1, ann.id]);
    const end = records.at(-1);
    assert.equal(end.kind, 'end');
    assert.equal(Object.values(end.counts).reduce((sum, count) => sum + count), records.length - 2, 'all of it is there');
    assert.deepEqual(of(records, 'message').map(each => [each.id, each.content, each.clientMessageId]), [[message._id, 'second', 'mine']]);
    assert.deepEqual(of(records, 'wording').map(each => each.content), ['first']);
    assert.deepEqual(of(records, 'reaction').map(each => [each.messageId, each.emoji]), [[other._id, '👍']]);
    assert.deepEqual(of(records, 'mention').map(each => each.messageId), [other._id]);
    assert.deepEqual(of(records, 'draft').map(each => each.draft.content), ['begun']);
    assert.deepEqual(of(records, 'report').map(each => [each.messageId, each.text]), [[other._id, 'every day']]);
    assert.deepEqual(of(records, 'thread').map(each => [each.id, each.isMember]), [[thread, true]]);
    assert.equal(of(records, 'block').length, 1);
    const text = JSON.stringify(records);
    for (const foreign of ['a secret of ben', '👎', 'hate']) assert.ok(!text.includes(foreign), foreign);
    const { entries } = await root.api('GET', '/ops/audit?limit=100');
    assert.ok(entries.some(entry => entry.action === 'export' && entry.by === root.id && entry.detail === ann.id), 'it is recorded');
  });

  test('everything of a person goes, for ever, and others see it at once', async () => {
    const root = admin();
    const { ann, ben, thread } = await pair();
    const said = [];
    assert.notEqual((await ben.api('GET', `/users?userIds=${ann.id}`)).users[0].name, 'Deleted user');
    for (const content of ['one', 'two', 'three']) said.push((await ann.send(thread, content)).message._id);
    const answer = (await ben.send(thread, 'an answer', { replyTo: said[1] })).message;
    await ann.rest('POST', `/${answer._id}/reactions`, { emoji: '👍', action: 'add' });
    await ann.rest('PUT', `/threads/${thread}/draft`, { content: 'begun' });
    await ben.hears('message:received', 4);
    const begun = await erase(root, ann.id);
    assert.deepEqual([begun.userId, begun.by, begun.why], [ann.id, root.id, why]);
    await ann.hears('auth:error');
    const deleted = await ben.hears('message:deleted', 3);
    assert.deepEqual(deleted.map(each => each.messageId).sort(), said.toSorted());
    const erasure = await done(root, ann.id);
    assert.ok(erasure.endedAt && erasure.erased.messages >= 3 && erasure.erased.drafts === 1, JSON.stringify(erasure));
    const { messages } = await ben.rest('GET', `/${thread}`);
    assert.deepEqual(messages.map(message => [message.seq, message.content, message.deletedAt !== undefined]),
      [[1, '', true], [2, '', true], [3, '', true], [4, 'an answer', false]], 'places stay');
    assert.equal(messages[3].replyTo.quote.content, '');
    assert.deepEqual(messages[3].reactions, []);
    const list = (await ben.rest('GET', '/threads')).threads.find(each => each._id === thread);
    assert.deepEqual([list.unreadCount, list.lastMessage.content], [0, 'an answer']);
    // Every process that has shown the name has heard of it by now.
    const { users } = await ben.api('GET', `/users?userIds=${ann.id}`);
    assert.deepEqual([users[0].id, users[0].name], [ann.id, 'Deleted user']);
    const { members } = await ben.rest('GET', `/threads/${thread}/members`);
    assert.equal(members.find(member => member.id === ann.id).name, 'Deleted user');
    // No token of theirs holds, whenever it is made.
    for (const token of [ann.token, mint({ id: ann.id, iat: Math.floor(Date.now() / 1000) + 30, exp: Math.floor(Date.now() / 1000) + 3_600 })]) {
      const refused = await Object.assign(person('ann'), { id: ann.id, token }).apiOnce('GET', '/messages/threads');
      assert.deepEqual([refused.status, refused.code], [401, 'unauthenticated']);
    }
    const records = await exported(root, ann.id);
    assert.deepEqual([...new Set(records.map(record => record.kind))].sort(), ['end', 'export', 'message', 'person', 'preferences', 'revocation', 'thread']);
    assert.ok(of(records, 'message').every(message => message.content === '' && message.clientMessageId === undefined));
    assert.deepEqual(of(records, 'person')[0].profile, { id: ann.id, name: 'Deleted user', avatar: null, email: null });
  });

  test('what others keep of the person loses their words, and what others wrote stays', async () => {
    const root = admin();
    const [ann, ben, cem] = [person('ann'), person('ben'), person('cem')];
    const { thread } = await ann.rest('POST', '/threads', { participants: [ben.id, cem.id], group: { name: 'Choir' } });
    await ben.connect();
    const { message } = await ann.rest('POST', `/${thread._id}`, { content: 'about a zwiebelfisch' });
    await ben.rest('POST', `/${message._id}/report`, { reason: 'spam', text: 'too loud' });
    const kept = (await cem.rest('POST', `/${thread._id}`, { content: 'cem stays' })).message;
    await erase(root, ann.id);
    await done(root, ann.id);
    const [left] = await ben.hears('thread:left');
    assert.equal(left.userId, ann.id);
    const { members } = await cem.rest('GET', `/threads/${thread._id}/members`);
    assert.deepEqual(members.map(member => member.id).sort(), [ben.id, cem.id].sort());
    assert.equal(members.filter(member => member.role === 'owner').length, 1, 'somebody owns the group');
    assert.deepEqual(await cem.history(thread._id), ['', 'cem stays']);
    const reports = [];
    for (let cursor = ''; cursor !== null;) {
      const page = await root.api('GET', `/reports?limit=100${cursor && `&cursor=${cursor}`}`);
      reports.push(...page.reports);
      cursor = page.nextCursor;
    }
    const report = reports.find(each => each.message.messageId === message._id);
    assert.deepEqual([report.message.content, report.text, report.reporterId], ['', 'too loud', ben.id]);
    const found = await ben.rest('GET', '/search?q=zwiebelfisch');
    assert.deepEqual(found.hits ?? found.messages, []);
    assert.equal(kept.content, 'cem stays');
  });

  test('a slip erases nobody, and only administrators export and erase', async () => {
    const root = admin();
    const { ann, ben, thread } = await pair(null);
    await ann.rest('POST', `/${thread}`, { content: 'still here' });
    for (const body of [{}, { why }, { userId: ann.id }, { userId: ben.id, why }, { userId: ann.id, why: '' }]) {
      const refused = await root.api('POST', `/users/${ann.id}/erase`, body);
      assert.deepEqual([refused.status, refused.code], [400, 'invalid'], JSON.stringify(body));
    }
    assert.equal((await root.api('GET', `/users/${ann.id}/erase`)).status, 404);
    for (const somebody of [ann, ben, person('eve')]) {
      for (const [method, path, body] of [['GET', 'export'], ['GET', 'erase'], ['POST', 'erase', { userId: ann.id, why }]]) {
        const refused = await somebody.api(method, `/users/${ann.id}/${path}`, body);
        assert.deepEqual([refused.status, refused.code], [403, 'forbidden'], `${method} ${path}`);
      }
    }
    assert.deepEqual(await ben.history(thread), ['still here']);
  });

  test('whoever is erased is told nothing any more, and asking again finds the erasure', async () => {
    const root = admin();
    const { ann } = await pair(null);
    const first = await erase(root, ann.id);
    const refused = await root.api('POST', '/notifications', { userId: ann.id, type: 'x', title: 'x', message: '' });
    assert.deepEqual([refused.status, refused.code], [410, 'erased']);
    const named = await root.api('PUT', `/users/${ann.id}`, { name: 'Ann again' });
    assert.deepEqual([named.status, named.code], [410, 'erased']);
    const again = await root.api('POST', `/users/${ann.id}/erase`, { userId: ann.id, why: 'once more' });
    assert.deepEqual([again.status, again.deduplicated, again.erasure.createdAt, again.erasure.why], [200, true, first.createdAt, why]);
  });

  test('nobody brings back who is erased: no send, no group and no new thread', async () => {
    const root = admin();
    const [ann, ben, cem] = [person('ann'), person('ben'), person('cem')];
    const { thread: group } = await ben.rest('POST', '/threads', { participants: [ann.id, cem.id], group: { name: 'Choir' } });
    const known = await ben.startThread(ann);
    const sent = async send => {
      const done = await eventually('the send is done', async () => {
        const shown = await root.api('GET', `/notifications/sends/${send._id}`);
        return shown.send.state === 'done' && shown.send;
      });
      return [done.sent, done.suppressed, done.failed, done.total];
    };
    const news = to => root.api('POST', '/notifications', { to, type: 'news', title: 'News' });
    const sendAt = new Date(Date.now() + 12_000).toISOString();
    const planned = await root.api('POST', '/notifications', { to: [ann.id, ben.id], type: 'news', title: 'Planned before', sendAt });
    assert.equal(planned.send.total, 2);
    await erase(root, ann.id);
    await done(root, ann.id);
    assert.deepEqual(await sent(planned.send), [1, 0, 0, 1], 'left out of what was planned before');
    for (const to of [ann.id, [ann.id]]) {
      const refused = await news(to);
      assert.deepEqual([refused.status, refused.code], [410, 'erased'], JSON.stringify(to));
    }
    await ben.rest('POST', `/${known}`, { content: 'are you there?' });
    const both = await news([ann.id, ben.id]);
    assert.ok([200, 201].includes(both.status), JSON.stringify(both));
    assert.deepEqual(await sent(both.send), [1, 0, 0, 1]);
    for (const [path, body, field] of [
      [`/threads/${group._id}/members`, { userIds: [ann.id] }, 'userIds'],
      ['/threads', { participants: [ann.id], metadata: { subject: 'anew' } }, 'participants'],
    ]) {
      const refused = await ben.rest('POST', path, body);
      assert.deepEqual([refused.status, refused.code], [410, 'erased'], path);
      assert.ok(refused.error.includes(field) && refused.error.includes(ann.id), refused.error);
    }
    const { members } = await ben.rest('GET', `/threads/${group._id}/members`);
    assert.deepEqual(members.map(member => member.id).sort(), [ben.id, cem.id].sort());
    assert.equal((await ben.rest('POST', '/threads', { participants: [ann.id] })).thread._id, known, 'what was there is found');
    assert.deepEqual((await root.api('GET', `/users/${ann.id}/deliveries`)).deliveries, []);
  });
}
