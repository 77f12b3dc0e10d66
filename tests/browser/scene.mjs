// A conversation in which everything occurs that a conversation can look like.

import assert from 'node:assert/strict';
import { Person } from '../contract/person.mjs';
import { tell } from './windows.mjs';

/** Two people, and what their conversation can look like: quotes, code, a reaction, a long text. */
export async function conversation(stage) {
  const [ann, ben] = stage.people('ann', 'ben');
  const thread = await ann.startThread(ben);
  const { _id: first } = await tell(ann, thread, 'see https://example.com, *loud* and `code`');
  await tell(ben, thread, 'an answer', { replyTo: first });
  await tell(ann, thread, 'a question', { replyTo: first });
  await tell(ben, thread, `long ${'and long '.repeat(60)}`);
  await ann.rest('POST', `/${first}/reactions`, { emoji: '🎉', action: 'add' });
  await tell(ben, thread, '`mine` https://example.com/mine');
  await tell(ann, thread, 'the end');
  return { ann, ben, thread, first };
}

/**
 * The same as a group of Ann, Ben and Mei, in which Ben has everything before him that the page has: he owns
 * the group beside Ann, is mentioned, a message is pinned, one was edited, and he was notified.
 */
export async function group(stage) {
  const [ann, ben, mei] = stage.people('ann', 'ben', 'mei');
  const root = new Person(stage.system, 'root', { role: 'admin' });
  for (const [{ id }, name] of [[ann, 'Ann Lee'], [ben, 'Ben Okafor'], [mei, 'Mei Tanaka']]) {
    assert.equal((await root.api('PUT', `/users/${id}`, { name })).status, 200);
  }
  const { thread: { _id: thread } } = await ann.rest('POST', '/threads', { participants: [ben.id, mei.id], group: { name: 'Garden party' } });
  await ann.rest('PATCH', `/threads/${thread}/members/${ben.id}`, { role: 'owner' });
  const { _id: first } = await tell(ann, thread, 'Saturday, *three* o’clock: https://example.com/garden');
  await tell(mei, thread, 'I bring `cake`', { replyTo: first });
  await ann.rest('POST', `/${first}/reactions`, { emoji: '🎉', action: 'add' });
  await ann.rest('PUT', `/${first}/pin`);
  const { _id: own } = await tell(ben, thread, 'and I the chairs');
  await ben.rest('PATCH', `/${own}`, { content: 'And I bring the chairs. @Mei Tanaka, do you have a table?', mentions: [mei.id] });
  await mei.rest('POST', `/threads/${thread}/read`, {});
  await tell(mei, thread, 'A small one. @Ben Okafor and @Ann Lee, is there shade?', { mentions: [ben.id, ann.id] });
  await tell(ann, thread, 'There is the pear tree', { mentions: [ben.id] });
  const notify = (title, more) => root.api('POST', '/notifications', { userId: ben.id, type: 'order_update', title, ...more });
  await notify('Your order is ready', { message: 'You can fetch it until 18:00.' });
  await notify('A new date for the garden party', { message: 'It is an hour later.', threadId: thread });
  return { ann, ben, mei, root, thread, first, own };
}
