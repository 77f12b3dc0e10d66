// Notifications, preferences, names, and what only an administrator may do: through REST, heard by the
// official client.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from './person.mjs';
import { SECRET } from './system.mjs';

/** As `tests/system` sets it. */
const WEBHOOK_SECRET = 'webhook-secret-of-tests';

/** The token in the link of a mail: version, time, user, and their HMAC under a key from the secret. */
export function unsubscribeToken(user) {
  const key = createHmac('sha256', SECRET).update('eventflow unsubscribe 1').digest();
  const head = Buffer.alloc(9);
  head.writeUInt8(1, 0);
  head.writeBigInt64BE(BigInt(Date.now()), 1);
  const signed = Buffer.concat([head, Buffer.from(user)]);
  return Buffer.concat([signed, createHmac('sha256', key).update(signed).digest()]).toString('base64url');
}

export function inbox(stage) {
  const { person } = stage;
  const admin = () => person('root', { role: 'admin' });
  const unread = async who => (await who.api('GET', '/notifications/unread-count')).unreadCount;
  /** Reads all; one that is queued does not say how many these were, and asked again it would say none. */
  const readAll = async (who, count) => {
    const answer = await who.apiOnce('POST', '/notifications/read-all');
    if (answer.status !== 202) assert.equal(answer.count, count);
    await eventually('all are read', async () => await unread(who) === 0);
  };

  test('old faults 14, 20: a notification of an administrator is stored, heard at once, listed, read and deleted', async () => {
    const [root, ann] = [admin(), person('ann')];
    await ann.connect();
    const order = { userId: ann.id, type: 'order_update', title: 'Your order', message: 'is <b>on</b> its way', data: { order: 4711 } };
    assert.equal((await ann.api('POST', '/notifications', order)).status, 403);
    const sent = await root.api('POST', '/notifications', order);
    assert.ok([200, 201].includes(sent.status), JSON.stringify(sent));
    const [{ notification, unreadCount }] = await ann.hears('notification:received');
    assert.equal(unreadCount, 1);
    assert.deepEqual([notification.title, notification.message, notification.isRead], ['Your order', 'is <\u2060b>on<\u2060/b> its way', false]);
    const listed = await ann.api('GET', '/notifications');
    assert.deepEqual(listed.notifications.map(each => each._id), [notification._id]);
    assert.equal((await ann.api('GET', '/notifications/unread-count')).unreadCount, 1);
    assert.equal((await ann.api('POST', `/notifications/${notification._id}/read`)).status, 200);
    assert.equal((await ann.api('GET', '/notifications/unread-count')).unreadCount, 0);
    assert.equal((await root.api('DELETE', `/notifications/${notification._id}`)).status, 404, 'somebody else\'s');
    assert.equal((await ann.api('DELETE', `/notifications/${notification._id}`)).status, 200);
    assert.deepEqual((await ann.api('GET', '/notifications')).notifications, []);
  });

  test('a send tells everybody of a role once, and says how far it has come', async () => {
    const root = admin();
    const people = [person('ann'), person('bob'), person('cleo')];
    const role = `role-${people[0].id}`;
    for (const { id } of people.slice(0, 2)) assert.equal((await root.api('PUT', `/users/${id}`, { name: 'N', role })).status, 200);
    const body = { to: { role }, title: 'Strike', clientNotificationId: role };
    assert.equal((await people[0].api('POST', '/notifications', body)).status, 403);
    assert.equal((await root.api('POST', '/notifications', { ...body, to: { role: 'nobody-has-it' } })).status, 400);
    const unknown = await root.api('POST', '/notifications', { to: people[0].id, template: 'strike' });
    assert.deepEqual([unknown.status, unknown.error], [400, 'template: there is no template strike']);
    const made = await root.api('POST', '/notifications', body);
    assert.ok([200, 201].includes(made.status), JSON.stringify(made));
    const path = `/notifications/sends/${made.send._id}`;
    const done = await eventually('the send is done', async () => {
      const { send } = await root.api('GET', path);
      return send.state === 'done' && send;
    });
    assert.deepEqual([done.sent, done.suppressed, done.failed, done.total], [2, 0, 0, 2]);
    assert.equal((await root.api('POST', '/notifications', body)).status, 200);
    for (const { id } of people.slice(0, 2)) assert.equal((await root.api('PUT', `/users/${id}`, { name: 'N' })).status, 200);
    assert.equal((await root.api('POST', '/notifications', body)).status, 200, 'nobody has the role any more, and the send is kept');
    const another = await root.api('POST', '/notifications', { ...body, title: 'No strike', to: people[0].id });
    assert.deepEqual([another.status, another.code], [422, 'key_reused']);
    const titles = await Promise.all(people.map(async each => (await each.api('GET', '/notifications')).notifications.map(one => one.title)));
    assert.deepEqual(titles, [['Strike'], ['Strike'], []]);
    const late = await root.api('DELETE', path);
    assert.deepEqual([late.status, late.code], [409, 'too_late']);
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    // A repetition may come behind its time, and only something with a key can be one.
    const passed = { to: people[2].id, title: 'On time', sendAt: new Date(Date.now() - 60_000).toISOString() };
    const withoutKey = await root.apiOnce('POST', '/notifications', passed);
    assert.deepEqual([withoutKey.status, withoutKey.error], [400, 'sendAt is in the past']);
    assert.ok([200, 201].includes((await root.api('POST', '/notifications', { ...passed, clientNotificationId: `late-${role}` })).status));
    const planned = await root.api('POST', '/notifications', { to: people[2].id, title: 'Later', sendAt });
    assert.equal((await root.api('DELETE', `/notifications/sends/${planned.send._id}`)).send.state, 'cancelled');
    const { sends } = await root.api('GET', '/notifications/sends');
    assert.ok(sends.some(each => each._id === made.send._id));
  });

  test('reports of the mail provider fill the list of addresses that get no mail, and admins clear it', async () => {
    const [root, ann] = [admin(), person('ann')];
    const address = `${ann.id}@example.com`;
    const report = secret => fetch(`${stage.system.http}/api/v2/email/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${Buffer.from(`postmark:${secret}`).toString('base64')}` },
      body: JSON.stringify({ RecordType: 'Bounce', Type: 'HardBounce', Email: address, Inactive: true, Description: 'no such user' }),
    });
    assert.equal((await report('wrong')).status, 401);
    assert.equal((await report(WEBHOOK_SECRET)).status, 200);
    const all = async () => (await root.api('GET', '/email/suppressions?limit=100')).suppressions.filter(each => each.address === address);
    const listed = await eventually('the address is on the list', async () => (await all())[0]);
    assert.deepEqual([listed.reason, listed.detail], ['bounce', 'HardBounce: no such user']);
    assert.equal((await ann.api('GET', '/email/suppressions')).status, 403);
    assert.equal((await ann.api('DELETE', `/email/suppressions/${address}`)).status, 403);
    const cleared = await root.apiOnce('DELETE', `/email/suppressions/${address}`);
    // One that is queued does not say how many there were.
    if (cleared.status !== 202) assert.equal(cleared.count, 1);
    await eventually('it is cleared', async () => (await all()).length === 0);
    assert.equal((await root.api('DELETE', `/email/suppressions/${address}`)).count, 0);
    assert.deepEqual(await all(), []);
  });

  test('the link of a mail stops mails by its button and by a mail client, and not by being opened', async () => {
    const ann = person('ann');
    const link = `${stage.system.http}/api/v2/unsubscribe/${unsubscribeToken(ann.id)}`;
    const wantsMail = async () => (await ann.api('GET', '/notifications/preferences')).preferences.channels.email;
    const opened = await fetch(link);
    assert.deepEqual([opened.status, opened.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
    assert.equal(await wantsMail(), true);
    const oneClick = { method: 'POST', body: 'List-Unsubscribe=One-Click', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    assert.equal((await fetch(link, oneClick)).status, 200);
    assert.equal(await wantsMail(), false);
    assert.equal((await fetch(link, oneClick)).status, 200, 'repeating it changes nothing');
    assert.equal((await fetch(`${link}x`, oneClick)).status, 404);
  });

  test('a device for pushes belongs to whoever registered it last, and shows its address to nobody', async () => {
    const [ann, ben] = [person('ann'), person('ben')];
    const { publicKey } = await ann.api('GET', '/push/key');
    assert.ok(publicKey === null || /^[\w-]{87}$/.test(publicKey), String(publicKey));
    const keys = { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' };
    const subscription = { endpoint: `https://push.example/canary-${ann.id}`, expirationTime: null, keys };
    const made = await ann.api('POST', '/devices', { subscription, name: 'Firefox' });
    assert.deepEqual([made.status, made.device.kind, made.device.name], [201, 'webpush', 'Firefox']);
    const listed = await ann.api('GET', '/devices');
    assert.deepEqual(listed.devices, [made.device]);
    assert.ok(!JSON.stringify(listed).includes('canary'));
    await new Promise(resolve => setTimeout(resolve, 5)); // "last" is told by the time of acceptance
    assert.equal((await ben.api('POST', '/devices', { subscription })).device._id, made.device._id);
    assert.deepEqual((await ann.api('GET', '/devices')).devices, []);
    assert.equal((await ann.api('DELETE', `/devices/${made.device._id}`)).status, 404, 'somebody else\'s');
    assert.equal((await ben.api('DELETE', `/devices/${made.device._id}`)).status, 200);
    assert.deepEqual((await ben.api('GET', '/devices')).devices, []);
    const refused = await ann.api('POST', '/devices', { subscription: { ...subscription, endpoint: 'http://push.example/x' } });
    assert.deepEqual([refused.status, refused.code], [400, 'invalid']);
    assert.match(refused.error, /subscription\.endpoint/);
  });

  test('several people are told at once, and all of them are read at once', async () => {
    const [root, ann, ben] = [admin(), person('ann'), person('ben')];
    for (let n = 0; n < 3; n += 1) {
      const sent = await root.api('POST', '/notifications', { userIds: [ann.id, ben.id], type: 'news', title: `number ${n}` });
      assert.ok([200, 201].includes(sent.status), JSON.stringify(sent));
    }
    assert.equal((await ann.api('GET', '/notifications/unread-count')).unreadCount, 3);
    await new Promise(resolve => setTimeout(resolve, 5)); // "all" are those accepted before
    await readAll(ann, 3);
    assert.equal((await ben.api('GET', '/notifications/unread-count')).unreadCount, 3);
  });

  test('what one does to notifications and preferences is told to one\'s other devices', async () => {
    const [root, ann, ben] = [admin(), person('ann'), person('ben')];
    const phone = await ann.connect();
    await Promise.all([ann.connect(), ben.connect()]);
    const devices = [phone, ann.socket].map(socket => {
      const heard = [];
      socket.on('notification:updated', body => heard.push(body));
      socket.on('preferences:updated', body => heard.push(body));
      return heard;
    });
    const onBoth = (what, is) => eventually(`${what} on both devices`, () => devices.every(heard => heard.some(is)));
    for (const title of ['one', 'two', 'three']) {
      await root.api('POST', '/notifications', { userId: ann.id, type: 'news', title });
    }
    const told = await ann.hears('notification:received', 6);
    assert.ok(told.every(({ unreadCount }) => unreadCount >= 1 && unreadCount <= 3));
    assert.equal(told.at(-1).unreadCount, 3);
    const id = title => told.find(each => each.notification.title === title).notification._id;
    assert.equal((await ann.api('POST', `/notifications/${id('one')}/read`)).status, 200);
    await onBoth('a read one', each => each.action === 'read' && each.notificationId === id('one') && each.unreadCount === 2);
    assert.equal((await ann.api('DELETE', `/notifications/${id('two')}`)).status, 200);
    await onBoth('a deleted one', each => each.action === 'deleted' && each.notificationId === id('two') && each.unreadCount === 1);
    await new Promise(resolve => setTimeout(resolve, 5)); // "all" are those accepted before
    await readAll(ann, 1);
    await onBoth('all read', each => each.action === 'read' && each.notificationId === null && each.unreadCount === 0);
    assert.equal((await ann.api('PUT', '/notifications/preferences', { channels: { push: false } })).status, 200);
    await onBoth('preferences', each => each.preferences?.channels.push === false);
    assert.deepEqual([...ben.all('notification:updated'), ...ben.all('preferences:updated')], []);
  });

  test('preferences are kept, and a kind that is not wanted in the inbox does not come', async () => {
    const [root, ann] = [admin(), person('ann')];
    await ann.connect();
    const { preferences } = await ann.api('GET', '/notifications/preferences');
    assert.equal(preferences.channels.email, true);
    const wanted = { channels: { inApp: true, email: false, push: true }, types: { news: { inApp: false, email: false, push: false } } };
    assert.equal((await ann.api('POST', '/notifications/preferences', wanted)).status, 200);
    const kept = (await ann.api('GET', '/notifications/preferences')).preferences;
    assert.deepEqual([kept.channels, kept.types], [wanted.channels, wanted.types]);
    assert.equal((await ann.api('POST', '/notifications/preferences', { channels: { email: 'no' } })).status, 400);
    for (const type of ['news', 'order_update']) {
      await root.api('POST', '/notifications', { userId: ann.id, type, title: type, message: 'x' });
    }
    await eventually('the wanted one', () => ann.all('notification:received').some(each => each.notification.type === 'order_update'));
    assert.equal(ann.all('notification:received').length, 1);
  });

  test('a kind that is not wanted in the inbox still comes by e-mail, and its owner\'s devices hear nothing of it', async () => {
    const [root, ann] = [admin(), person('ann')];
    await ann.connect();
    await ann.api('PATCH', '/notifications/preferences', { types: { news: { inApp: false, email: true, push: false } } });
    await root.api('POST', '/notifications', { userId: ann.id, type: 'news', title: 'by e-mail only' });
    await root.api('POST', '/notifications', { userId: ann.id, type: 'order_update', title: 'in the inbox' });
    await ann.hears('notification:received');
    const rows = async () => (await root.api('GET', `/users/${ann.id}/deliveries`)).deliveries;
    const outcomes = await eventually('rows of both notifications', async () => {
      const found = await rows();
      return new Set(found.map(each => each.notificationId)).size === 2 && found;
    });
    const [{ notification }] = ann.all('notification:received');
    assert.deepEqual(ann.all('notification:received').map(each => each.notification.title), ['in the inbox']);
    const hidden = outcomes.filter(each => each.notificationId !== notification._id);
    assert.ok(hidden.some(each => each.channel === 'email' && each.outcome !== 'suppressed' || each.reason === 'no_address'), JSON.stringify(hidden));
    assert.ok(hidden.some(each => each.channel === 'push' && each.reason === 'preference'), JSON.stringify(hidden));
    assert.deepEqual((await ann.api('GET', '/notifications')).notifications.map(each => each._id), [notification._id]);
    assert.equal((await ann.api('GET', '/notifications/unread-count')).unreadCount, 1);
  });

  test('reading a thread reads what is told about it, on one\'s other devices too', async () => {
    const [root, ann, ben] = [admin(), person('ann'), person('ben')];
    await ann.connect();
    const thread = await ann.startThread(ben);
    // The sender of a notification about a thread has to see the thread.
    const about = { userId: ann.id, type: 'mention', title: 'about the thread', threadId: thread };
    await root.api('POST', '/notifications', about);
    await root.api('POST', '/notifications', { userId: ann.id, type: 'news', title: 'about something else' });
    const told = await ann.hears('notification:received', 2);
    const meant = told.find(each => each.notification.threadId === thread)?.notification;
    assert.ok(meant, JSON.stringify(told));
    await ben.api('POST', `/messages/${thread}`, { content: 'hello' });
    await ann.hears('message:received');
    assert.equal((await ann.api('POST', `/messages/threads/${thread}/read`)).status, 200);
    const [update] = await ann.hears('notification:updated');
    assert.deepEqual([update.action, update.notificationId, update.unreadCount], ['read', meant._id, 1]);
    assert.equal((await ann.api('GET', '/notifications/unread-count')).unreadCount, 1);
  });

  test('preferences are changed in part, and a change that makes no sense is refused by its field', async () => {
    const ann = person('ann');
    const path = '/notifications/preferences';
    const night = { timeZone: 'Europe/Berlin', quietHours: { from: '22:30', until: '06:30' }, digest: { every: '1h' }, whenAway: true };
    assert.equal((await ann.api('PATCH', path, { channels: { email: false } })).status, 200);
    assert.equal((await ann.api('PATCH', path, night)).status, 200);
    const { preferences } = await ann.api('GET', path);
    assert.deepEqual(preferences.channels, { inApp: true, email: false, push: true });
    assert.deepEqual(preferences.quietHours, { enabled: true, from: '22:30', until: '06:30' });
    assert.deepEqual([preferences.timeZone, preferences.digest.every, preferences.whenAway], ['Europe/Berlin', '1h', true]);
    const wrong = [['timeZone', 'Mars/Base'], ['locale', 'de_DE'], ['digest', { every: '2h' }], ['quietHours', { from: '7' }], ['whenAway', 'yes'], ['mutes', [{ threadId: 'x' }]],
      ['mutes', [{ threadId: '0'.repeat(24), untill: '2030-01-01T00:00:00Z' }]]];
    for (const [field, value] of wrong) {
      const refused = await ann.api('PATCH', path, { [field]: value });
      assert.equal(refused.status, 400);
      assert.ok(JSON.stringify(refused).includes(field), JSON.stringify(refused));
    }
    assert.deepEqual((await ann.api('GET', path)).preferences, preferences);
  });

  test('one thread is muted and unmuted beside all others, by whoever is in it', async () => {
    const [ann, ben, cleo, stranger] = [person('ann'), person('ben'), person('cleo'), person('stranger')];
    const [one, other] = [await ann.startThread(ben), await ann.startThread(cleo)];
    const path = thread => `/notifications/preferences/mutes/${thread}`;
    const mutes = async of => (await of.api('GET', '/notifications/preferences')).preferences.mutes;
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const [first, second] = await Promise.all([ann.api('PUT', path(one), { until }), ann.api('PUT', path(other), {})]);
    assert.deepEqual([first.status, second.status], [200, 200]);
    const byThread = async of => new Map((await mutes(of)).map(mute => [mute.threadId, mute.until ?? null]));
    const both = await byThread(ann);
    assert.deepEqual([both.size, both.get(one), both.get(other)], [2, until, null], 'both count');
    assert.equal((await ann.api('PUT', path(one))).status, 200, 'a body is not needed');
    assert.equal((await byThread(ann)).get(one), null, 'a mute gets another end');
    assert.equal((await ann.api('PUT', path(one), { untill: until })).status, 400, 'a misspelt field mutes nobody for ever');
    assert.equal((await stranger.api('PUT', path(one), {})).status, 404);
    assert.equal((await ann.api('PUT', path(one), { until: 'tomorrow' })).status, 400);
    await ann.api('POST', `/messages/threads/${one}/leave`);
    for (const _ of [1, 2]) assert.equal((await ann.api('DELETE', path(one))).status, 200, 'also who has left, and again');
    assert.deepEqual([...(await byThread(ann)).keys()], [other]);
    assert.deepEqual(await mutes(stranger), []);
  });

  test('the delivery log says what became of a notification, to its owner and to administrators', async () => {
    const [root, ann, ben] = [admin(), person('ann'), person('ben')];
    await ann.api('PUT', '/notifications/preferences', { channels: { email: false } });
    const { notification } = await root.api('POST', '/notifications', { userId: ann.id, type: 'news', title: 'for the log' });
    const path = `/notifications/${notification._id}/deliveries`;
    const email = async () => (await ann.api('GET', path)).deliveries.find(each => each.channel === 'email');
    await eventually('a row about the mail', async () => await email() !== undefined);
    const row = await email();
    assert.deepEqual([row.outcome, row.reason, row.notificationId, row.userId], ['suppressed', 'preference', notification._id, ann.id]);
    assert.ok((await root.api('GET', path)).deliveries.length >= 1);
    assert.ok((await root.api('GET', `/users/${ann.id}/deliveries`)).deliveries.some(each => each.notificationId === notification._id));
    assert.equal((await ben.api('GET', path)).status, 404);
    assert.equal((await ben.api('GET', `/users/${ann.id}/deliveries`)).status, 403);
  });

  test('a person has the name and picture that an administrator gave', async () => {
    const [root, ann, ben] = [admin(), person('ann'), person('ben')];
    const profile = { name: 'Ben <the> Baker', avatar: 'https://pictures.example.com/ben.png' };
    assert.equal((await ann.api('PUT', `/users/${ben.id}`, profile)).status, 403);
    assert.equal((await root.api('PUT', `/users/${ben.id}`, profile)).status, 200);
    await ann.startThread(ben);
    const [thread] = (await ann.rest('GET', '/threads')).threads;
    assert.deepEqual(thread.participant, { id: ben.id, name: 'Ben <\u2060the> Baker', avatar: profile.avatar });
    assert.equal(thread.id, thread._id);
  });

  test('names can be had of people who share a thread, also those that their tokens give', async () => {
    const [root, ann, ben, cem] = [admin(), person('ann'), person('ben', { name: 'Benno' }), person('cem', { name: 'Cem' })];
    await Promise.all([ann, ben, cem].map(each => each.connect()));
    await ann.startThread(ben, cem);
    await root.api('PUT', `/users/${cem.id}`, { name: 'Cem the Cook' });
    const ids = [ben, cem, root].map(({ id }) => id);
    const names = async query => (await ann.api('GET', `/users?${query}`)).users.map(({ name }) => name);
    await eventually('both names are there', async () => (await names(`userIds=${ids}`)).join() === ['Benno', 'Cem the Cook', root.id].join(), 60_000);
    assert.deepEqual(await names(ids.map(id => `userIds=${id}`).join('&')), ['Benno', 'Cem the Cook', root.id], 'a stranger has no name');
    const [thread] = (await ann.rest('GET', '/threads')).threads;
    assert.deepEqual(thread.participant.name.split(', ').toSorted(), ['Benno', 'Cem the Cook']);
  });

  test('a revoked login ends: its sockets are closed and its token is refused', async () => {
    const [root, ann] = [admin(), person('ann')];
    const socket = await ann.connect({ reconnection: false });
    const closed = new Promise(resolve => socket.once('disconnect', resolve));
    assert.equal((await ann.api('POST', `/users/${ann.id}/revoke`, {})).status, 403);
    await new Promise(resolve => setTimeout(resolve, 1_100)); // a token of the same second counts as issued before
    await root.revoke(ann.id);
    await closed;
    await eventually('the token is refused', async () => (await ann.rest('GET', '/threads')).status === 401);
  });

  test('the status of the service is for administrators, and counts over all gateways', async () => {
    const [root, ann] = [admin(), person('ann')];
    await ann.connect();
    assert.equal((await ann.api('GET', '/messaging/status')).status, 403);
    const status = await eventually('somebody is counted', async () => {
      const answer = await root.api('GET', '/messaging/status');
      return answer.stats?.connectedClients > 0 && answer;
    });
    assert.equal(status.success, true);
    assert.deepEqual(Object.keys(status.stats).toSorted(), ['connectedClients', 'onlineUsers', 'rooms', 'typingUsers']);
  });
}
