// What happens between a message and its mail or push: whoever has read it, does not want it or cannot
// see it any more is not told, and the delivery log says why.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './person.mjs';

/** The part needs a system with this grace: time for a test to do something in it, also on a busy machine. */
export const SHORT_GRACE = { EMAIL_GRACE_S: '20', PUSH_GRACE_S: '20' };
/** The grace, and some time for the decision and the workers. */
const TOLD_WITHIN_MS = 60_000;

/** What somebody does meanwhile, by the reason that the log has afterwards. */
const ACTS = {
  read: ({ ben, thread }) => ben.api('POST', `/messages/threads/${thread}/read`),
  taken_back: ({ ann, message }) => ann.api('DELETE', `/messages/${message}`),
  muted: ({ ben, thread }) => ben.api('PUT', `/notifications/preferences/mutes/${thread}`, {}),
  archived: ({ ben, thread }) => ben.api('DELETE', `/messages/threads/${thread}`),
  preference: ({ ben }) => ben.api('PATCH', '/notifications/preferences', { types: { message: { email: false, push: false } } }),
  blocked: ({ ann, ben }) => ben.api('PUT', `/users/${ann.id}/block`),
  left: ({ ben, thread }) => ben.api('POST', `/messages/threads/${thread}/leave`),
  revoked: ({ ben, root }) => root.revoke(ben.id),
};

export function meanwhile(stage) {
  const { person } = stage;
  const admin = () => person('root', { role: 'admin' });

  /** Somebody who is not there, and has an address and a device. */
  async function absent(root) {
    const ben = person('ben');
    const word = ben.id.replace(/[^a-z0-9]/gi, '');
    await root.api('PUT', `/users/${ben.id}`, { name: ben.id, email: `${word}@example.com` });
    await ben.api('POST', '/devices', { fcmToken: `app-${word}` });
    return ben;
  }

  /** Two people with a message of the first to the second, who is not there. */
  async function scene(root) {
    const [ann, ben] = [person('ann'), await absent(root)];
    const thread = await ann.startThread(ben);
    const { message } = await ann.api('POST', `/messages/${thread}`, { content: 'hello' });
    return { root, ann, ben, thread, message: message._id };
  }

  /** How it ended, by channel. */
  const ends = ({ root, ben, message }) => eventually(`the ends of ${message}`, async () => {
    const rows = (await root.api('GET', `/users/${ben.id}/deliveries?limit=100`)).deliveries.filter(row => row.messageId === message);
    const ended = rows.filter(row => !['held', 'folded'].includes(row.outcome));
    const [email, push] = ['email', 'push'].map(channel => ended.find(row => row.channel === channel));
    return email && push && { email, push };
  }, TOLD_WITHIN_MS);

  test('what is read, taken back or unwanted before its mail is not told, and the log says why', async () => {
    const root = admin();
    const told = await scene(root);
    const scenes = await Promise.all(Object.entries(ACTS).map(async ([reason, act]) => {
      const one = await scene(root);
      const done = await act(one);
      // A revocation that is queued is carried out, too.
      assert.ok(typeof done === 'boolean' || done.success, `${reason}: ${JSON.stringify(done)}`);
      return [reason, one];
    }));
    for (const [reason, one] of scenes) {
      const { email, push } = await ends(one);
      const said = [email, push].map(row => [row.outcome, row.reason]);
      assert.deepEqual(said, [['suppressed', reason], ['suppressed', reason]], reason);
    }
    // Without a provider the outbox takes a push, or nobody: it was tried all the same.
    const { email, push } = await ends(told);
    assert.equal(email.outcome, 'sent', JSON.stringify(email));
    assert.ok(['sent', 'failed'].includes(push.outcome), JSON.stringify(push));
  });

  test('a notification that is read or deleted before its mail is not told', async () => {
    const root = admin();
    const ways = { read: id => ['POST', `/notifications/${id}/read`], gone: id => ['DELETE', `/notifications/${id}`] };
    await Promise.all(Object.entries(ways).map(async ([reason, way]) => {
      const ben = await absent(root);
      const { notification } = await root.api('POST', '/notifications', { userId: ben.id, type: 'news', title: 'News' });
      /** Rows of both channels with one of these outcomes, or without them. */
      const rows = (what, is) => eventually(`${what} of ${reason}`, async () => {
        const all = (await root.api('GET', `/users/${ben.id}/deliveries?limit=100`)).deliveries;
        const found = all.filter(row => row.notificationId === notification._id && is(row.outcome));
        return new Set(found.map(row => row.channel)).size === 2 && found;
      }, TOLD_WITHIN_MS);
      const isHeld = outcome => ['held', 'folded'].includes(outcome);
      // Of one that is deleted before anybody has decided about it there is nothing to say.
      await rows('the beginning', isHeld);
      assert.ok((await ben.api(...way(notification._id))).success);
      const ended = await rows('the end', outcome => !isHeld(outcome));
      assert.deepEqual(new Set(ended.map(row => `${row.outcome} ${row.reason}`)), new Set([`suppressed ${reason}`]));
    }));
  });
}
