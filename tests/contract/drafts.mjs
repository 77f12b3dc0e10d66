// Drafts: what somebody has begun to write, the same on all their devices. By socket and by REST, on either
// shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

export function drafts(stage) {
  const { person, pair } = stage;

  /** Two people with a thread; Ann has a phone, too. */
  const begun = async () => {
    const { ann, ben, thread } = await pair();
    const phone = Object.assign(person('ann'), { id: ann.id, token: ann.token });
    await phone.connect();
    return { ann, ben, phone, thread };
  };
  const shown = async (who, thread) => (await who.rest('GET', `/threads/${thread}/draft`)).draft;
  const listed = async who => (await who.rest('GET', '/drafts')).drafts;

  test('a draft is the same on all devices of one person, and nobody else hears or sees it', async () => {
    const { ann, ben, phone, thread } = await begun();
    assert.deepEqual(await shown(ann, thread), { content: '', revision: 0, threadId: thread, updatedAt: null });
    const { message } = await ben.send(thread, 'a question');
    const saved = await ann.ask('draft:save', { threadId: thread, content: 'Well,', replyTo: message._id, basedOn: 0 });
    assert.deepEqual(saved.draft, { content: 'Well,', replyTo: message._id, revision: 1, threadId: thread, updatedAt: saved.draft.updatedAt });
    for (const device of [ann, phone]) {
      assert.deepEqual(await device.hears('draft:updated'), [{ draft: saved.draft }]);
      assert.deepEqual(await shown(device, thread), saved.draft);
      assert.deepEqual(await listed(device), [saved.draft]);
    }
    const byRest = await phone.rest('PUT', `/threads/${thread}/draft`, { content: 'Well, no', basedOn: 1 });
    assert.deepEqual([byRest.status, byRest.draft.revision, byRest.draft.replyTo], [200, 2, undefined]);
    assert.deepEqual((await ann.hears('draft:updated', 2)).at(-1).draft, byRest.draft);
    const deleted = await ann.rest('DELETE', `/threads/${thread}/draft`);
    assert.deepEqual([deleted.status, deleted.draft.content, deleted.draft.revision], [200, '', 3]);
    assert.deepEqual((await phone.hears('draft:updated', 3)).at(-1).draft, deleted.draft);
    assert.deepEqual(await listed(phone), []);
    const anew = await phone.ask('draft:save', { threadId: thread, content: 'Yes' });
    assert.equal(anew.draft.revision, 4, 'revisions count over deletions');
    const emptied = await phone.ask('draft:save', { threadId: thread, content: '', basedOn: 4 });
    assert.deepEqual([emptied.draft.content, emptied.draft.revision], ['', 5]);
    await ann.hears('draft:updated', 5);
    // Nothing of it reaches the other person.
    await ann.send(thread, 'the answer');
    await ben.hears('message:received', 2);
    assert.deepEqual([ben.all('draft:updated'), await listed(ben), (await shown(ben, thread)).revision], [[], [], 0]);
  });

  test('a device that has not seen the newest draft does not overwrite it, and gets it', async () => {
    const { ann, phone, thread } = await begun();
    const first = await ann.rest('PUT', `/threads/${thread}/draft`, { content: 'from the laptop', basedOn: 0 });
    for (const late of [
      await phone.rest('PUT', `/threads/${thread}/draft`, { content: 'from the phone', basedOn: 0 }),
      await phone.rest('PUT', `/threads/${thread}/draft`, { content: '', basedOn: 7 }),
      await phone.ask('draft:save', { threadId: thread, content: 'from the phone', basedOn: 0 }),
    ]) assert.deepEqual([late.success, late.code], [false, 'conflict'], JSON.stringify(late));
    assert.deepEqual(await shown(phone, thread), first.draft);
    // The same again, whose first answer was lost.
    const again = await ann.ask('draft:save', { threadId: thread, content: 'from the laptop', basedOn: 0 });
    assert.deepEqual(again.draft, first.draft);
    const merged = await phone.ask('draft:save', { threadId: thread, content: 'from both', basedOn: first.draft.revision });
    assert.equal(merged.draft.revision, 2);
    const overwritten = await ann.ask('draft:save', { threadId: thread, content: 'whatever there is' });
    assert.deepEqual([overwritten.draft.content, overwritten.draft.revision], ['whatever there is', 3]);
    await eventually('both hear of the last', () => [ann, phone].every(device =>
      device.all('draft:updated').at(-1)?.draft.revision === 3));
  });

  test('saves of two devices at the same moment end in one draft that both know', async () => {
    const { ann, phone, thread } = await begun();
    const words = ['one', 'two', 'three', 'four', 'five', 'six'];
    const answers = await Promise.all(words.map((content, n) => (n % 2 ? ann : phone).ask('draft:save', { threadId: thread, content })));
    assert.deepEqual(answers.map(({ draft }) => draft.revision).sort(), [1, 2, 3, 4, 5, 6]);
    const last = await shown(ann, thread);
    assert.equal(last.content, answers.find(({ draft }) => draft.revision === 6).draft.content);
    for (const device of [ann, phone]) {
      await eventually('the last is heard', () => device.all('draft:updated').some(({ draft }) => draft.revision === 6));
      assert.deepEqual(device.all('draft:updated').find(({ draft }) => draft.revision === 6).draft, last);
    }
    const based = await Promise.all([ann, phone].map((device, n) =>
      device.ask('draft:save', { threadId: thread, content: `of ${n}`, basedOn: 6 })));
    assert.deepEqual(based.map(each => each.code ?? 'saved').sort(), ['conflict', 'saved']);
  });

  test('a stranger and a former member see and save nothing, and who leaves loses the draft', async () => {
    const { ann, thread } = await begun();
    const eve = person('eve');
    await eve.connect();
    const refused = async who => {
      assert.equal((await who.rest('GET', `/threads/${thread}/draft`)).status, 404);
      assert.equal((await who.rest('PUT', `/threads/${thread}/draft`, { content: 'x' })).status, 404);
      assert.equal((await who.rest('DELETE', `/threads/${thread}/draft`)).status, 404);
      assert.equal((await who.ask('draft:save', { threadId: thread, content: 'x' })).code, 'not_found');
      assert.deepEqual(await listed(who), []);
    };
    await refused(eve);
    await ann.rest('PUT', `/threads/${thread}/draft`, { content: 'not sent' });
    await ann.rest('POST', `/threads/${thread}/leave`);
    await refused(ann);
  });

  test('the list has the newest first, and what is no draft is refused with the field', async () => {
    const { ann, ben, thread } = await begun();
    const other = await ann.startThread(person('cem'));
    await ann.rest('PUT', `/threads/${thread}/draft`, { content: 'first' });
    await new Promise(resolve => setTimeout(resolve, 5)); // the list is by the time of acceptance
    await ann.rest('PUT', `/threads/${other}/draft`, { content: '<b>second</b>' });
    const page = await ann.rest('GET', '/drafts?limit=1');
    assert.deepEqual(page.drafts.map(each => each.threadId), [other]);
    const next = await ann.rest('GET', `/drafts?limit=1&cursor=${page.nextCursor}`);
    assert.deepEqual(next.drafts.map(each => each.threadId), [thread]);
    const { message } = await ben.send(thread, 'in the other thread');
    // A draft is cleaned as a message is.
    const sent = await ann.send(other, '<b>second</b>');
    assert.equal(page.drafts[0].content, sent.message.content);
    for (const [body, field] of [
      [{}, 'content'], [{ content: 7 }, 'content'], [{ content: 'x'.repeat(10_001) }, 'longer'],
      [{ content: 'x', basedOn: '1' }, 'basedOn'], [{ content: 'x', basedOn: -1 }, 'basedOn'],
      [{ content: 'x', replyTo: message._id }, 'replyTo'], [{ content: 'x', replyTo: 'nothing' }, 'replyTo'],
    ]) {
      for (const answer of [
        await ann.rest('PUT', `/threads/${other}/draft`, body),
        await ann.ask('draft:save', { threadId: other, ...body }),
      ]) {
        assert.equal(answer.code, 'invalid', JSON.stringify(answer));
        assert.ok(answer.error.includes(field), answer.error);
      }
    }
  });
}
