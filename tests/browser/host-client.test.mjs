// A host application's own page in a real browser, on both shapes, through everything that happens to pages:
// doubles, quick typing, groups, people who come and go, a pulled cable, a line that goes silent, a restarted
// server. Every message is on both pages exactly once, in order.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../contract/person.mjs';
import { onPages } from './host.mjs';

/** It only says when to give up: a machine may be several times slower than most. */
const LONG_MS = 300_000;
/** Long enough for a lost connection to be noticed and come back by itself, on a busy machine. */
const GONE_MS = 60_000;

// Both shapes at once: most of it is waiting.
describe('a host application', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  onPages("a host application's page", shape, stage => {
    const { openPage, twoPages, agree, besideEachOther } = stage;
    const part = shape === 'single' ? 'eventflow' : 'ws-gateway';
    const dot = who => who.tab.evaluate(() => document.getElementById('participant-status').className);
    const dotIs = (who, status) => eventually(`${who.id} sees status-${status}`, async () => (await dot(who)).split(' ').includes(`status-${status}`), GONE_MS);
    const typing = who => who.tab.locator('#typing-indicator');
    /**
     * Presses keys, five a second, until the function that comes back is called: then it is over, and said
     * so.
     */
    const types = async who => {
      await who.tab.evaluate(() => { window.keys = setInterval(() => messagingClient.startTyping(), 200); });
      return () => who.tab.evaluate(() => {
        clearInterval(window.keys);
        messagingClient.stopTyping();
      });
    };
    /** Its socket breaks; it comes back when `meanwhile` is done, to its session or to a new one. */
    const reconnects = async (who, meanwhile, keepsSession = true) => {
      who.link.refuseSockets();
      await eventually(`${who.id} has lost its connection`, async () => !await who.isConnected());
      if (!keepsSession) await who.forgetsSession();
      await meanwhile();
      who.link.mend();
      await eventually(`${who.id} is back`, who.isConnected);
      assert.equal(await who.tab.evaluate(() => messagingClient.socket.recovered), keepsSession);
    };

    test('lists, opens, sends a hundred messages with doubles, types, reacts and reads', async () => {
      const { ann, ben, thread } = await twoPages();
      const said = [];
      for (let n = 0; n < 100; n += 1) {
        said.push(n % 5 === 0 ? 'ok' : `a < b && c > d <3 ${n}`);
        await [ann, ben][n % 2].say(said.at(-1));
      }
      await agree([ann, ben], thread, said);
      await ann.tab.locator('#message-input').pressSequentially('hello', { delay: 50 });
      await ben.tab.locator('#typing-indicator').waitFor({ state: 'visible' });
      await ben.tab.locator('#typing-indicator').waitFor({ state: 'hidden' });
      const [[first]] = await ben.shown();
      await ben.tab.evaluate(id => messagingClient.addReaction(id, '👍'), first);
      await eventually('the reaction is stored', async () =>
        (await ann.person.rest('GET', `/${thread}?limit=1&after=0`)).messages[0].reactions[0]?.userId === ben.id);
      await eventually('everything is read', async () =>
        (await ann.person.rest('GET', `/${thread}?limit=100`)).messages.every(message => message.status === 'read'));
      await ann.tab.evaluate(() => messagingClient.loadThreads());
      await ann.tab.locator('.thread-item:not(.unread)').waitFor();
    });

    test('a list with a group in it is drawn whole, and the group is opened and written to like any other thread', async () => {
      const [root, ann] = [stage.person('root', { role: 'admin' }), stage.person('ann')];
      const others = ['Ben', 'Cleo', 'Dan', 'Eve'].map(name => [name, stage.person(name.toLowerCase())]);
      for (const [name, other] of others) assert.equal((await root.api('PUT', `/users/${other.id}`, { name, avatar: `/pictures/${name}.png` })).status, 200);
      const everybody = others.map(([, other]) => other);
      await ann.startThread(everybody[0]);
      const group = await ann.startThread(...everybody);
      assert.equal((await everybody[1].rest('POST', `/${group}`, { content: 'hello all' })).status, 201);
      const page = await openPage(ann);
      await page.tab.locator('.thread-item').nth(1).waitFor();
      const items = await page.tab.evaluate(() => [...document.querySelectorAll('.thread-item')].map(item =>
        [item.querySelector('.thread-name').textContent.trim(), item.querySelector('.avatar').getAttribute('src')]));
      assert.deepEqual(items.map(([name]) => name).toSorted(), ['Ben', 'Ben, Cleo, Dan + 1']);
      for (const [name, avatar] of items) assert.match(avatar, name === 'Ben' ? /^\/pictures\/Ben\.png$/ : /^(\/|https:)/);
      await page.tab.locator('.thread-item', { hasText: 'Cleo' }).click();
      await eventually('it is open', async () => (await page.shown()).length === 1);
      await page.say('hello');
      await agree([page], group, ['hello all', 'hello']);
    });

    test('the dot shows how the other one is from the moment the thread is open, and never how oneself is', async () => {
      const [ben, cleo] = [await openPage('ben'), stage.person('cleo')];
      const own = stage.person('ann');
      const thread = await own.startThread(ben.person);
      await cleo.startThread(own);
      await cleo.connect();
      await cleo.ask('presence:sync', { userIds: [own.id] });
      /** Others have heard that ann is so. */
      const isKnown = status => eventually(`ann is ${status}`, () => cleo.all('presence:sync').at(-1)?.status === status, GONE_MS);
      const chooses = (who, status) => who.tab.evaluate(wanted => messagingClient.socket.emit('presence:update', { status: wanted }), status);
      await ben.open(thread);
      await dotIs(ben, 'offline');
      await eventually('ben is online', async () => (await own.api('GET', `/presence/${ben.id}`)).presence.status === 'online');

      const ann = await openPage(own);
      await ann.open(thread);
      await dotIs(ann, 'online');
      await dotIs(ben, 'online');
      await chooses(ann, 'away');
      await isKnown('away');
      await dotIs(ben, 'away');
      const second = await openPage(own);
      await second.open(thread);
      await isKnown('online');
      await dotIs(second, 'online');
      await second.context.close();
      await isKnown('away');
      assert.match(await dot(ann), /status-online/);

      await ben.context.close();
      await dotIs(ann, 'offline');
      await chooses(ann, 'online');
      await isKnown('online');
      await reconnects(ann, () => chooses(ann, 'away'));
      await isKnown('away');
      assert.match(await dot(ann), /status-offline/);
      for (const event of ['presence:sync', 'presence:update']) {
        const heard = await ann.heard(event);
        assert.ok(heard.length >= 2, event);
        assert.deepEqual(heard.filter(({ userId }) => userId !== ben.id), []);
      }
      assert.deepEqual([ann.faults, ben.faults], [[], []]);
    });

    test('somebody who stopped typing while the link was cut is not shown typing for ever', async () => {
      const { ann, ben } = await twoPages();
      const phone = Object.assign(stage.person('ben'), { id: ben.id, token: ben.person.token });
      await phone.connect();
      const stops = await types(ann);
      await typing(ben).waitFor({ state: 'visible' });
      await reconnects(ben, async () => {
        await stops();
        await eventually('the others have heard it', () => phone.all('typing:update').at(-1)?.isTyping === false);
        assert.equal(await typing(ben).isVisible(), true, 'the page does not know yet');
      });
      await typing(ben).waitFor({ state: 'hidden' });
    });

    for (const [title, keepsSession] of [['a resumed', true], ['a new', false]]) {
      test(`after a reconnect with ${title} session typing is shown both ways, and who leaves is shown as gone`, async () => {
        const { ann, ben } = await twoPages();
        await Promise.all([reconnects(ann, () => undefined, keepsSession), reconnects(ben, () => undefined)]);
        for (const [one, other] of [[ann, ben], [ben, ann]]) {
          const stops = await types(one);
          await typing(other).waitFor({ state: 'visible' });
          await stops();
          await typing(other).waitFor({ state: 'hidden' });
        }
        await dotIs(ann, 'online');
        const leaves = async () => {
          await ben.context.close();
          await eventually('ben is gone', async () => (await ann.person.api('GET', `/presence/${ben.id}`)).presence.status === 'offline', GONE_MS);
        };
        // Changes are not kept for a session that waits: how it is now is told when it is resumed.
        await (keepsSession ? reconnects(ann, leaves) : leaves());
        await dotIs(ann, 'offline');
        assert.deepEqual(ann.faults, []);
      });
    }

    besideEachOther('links that are pulled', () => {
      for (const [title, pull, seconds] of [
        ['is cut for 1 s', 'cut', 1], ['is cut for 10 s', 'cut', 10], ['is silent for 10 s', 'silence', 10],
        ['is silent for 60 s', 'silence', 60],
      ]) {
        test(`a page whose link ${title} misses nothing and shows nothing twice`, { timeout: LONG_MS * 2 }, async () => {
          const { ann, ben, thread } = await twoPages();
          const said = [];
          const say = async (who, content) => {
            said.push(content);
            await who.say(content);
          };
          for (let n = 0; n < 5; n += 1) await say([ann, ben][n % 2], `before ${n}`);
          await eventually('ben has them', async () => (await ben.shown()).length === 5);
          ben.link[pull]();
          const until = Date.now() + seconds * 1_000;
          for (let n = 0; Date.now() < until; n += 1) {
            await say(ann, `meanwhile ${n}`);
            await new Promise(resolve => setTimeout(resolve, 200));
          }
          ben.link.mend();
          await eventually('ben has caught up', async () => (await ben.shown()).length === said.length, LONG_MS);
          for (let n = 0; n < 4; n += 1) await say([ann, ben][n % 2], `after ${n}`);
          await agree([ann, ben], thread, said, LONG_MS);
        });
      }
    });

    for (const [title, end] of [['is restarted', 'terminate'], ['is killed', 'kill']]) {
      test(`pages whose server ${title} while others write miss nothing and show nothing twice`, { timeout: LONG_MS }, async () => {
        const { ann, ben, thread } = await twoPages();
        const said = ['before one', 'before two'];
        await ann.say(said[0]);
        await ben.say(said[1]);
        await agree([ann, ben], thread, said);
        let goesOn = true;
        const writing = (async () => {
          // Somebody else's application: by REST, a few times a second, again with the same key until it is
          // accepted.
          for (let n = 0; goesOn; n += 1) {
            said.push(`meanwhile ${n}`);
            await eventually('it is accepted', () =>
              ann.person.rest('POST', `/${thread}`, { content: `meanwhile ${n}` }, { 'idempotency-key': `meanwhile-${thread}-${n}` })
                .then(answer => answer.status < 300, () => false));
            await new Promise(resolve => setTimeout(resolve, 100));
          }
        })();
        await eventually('some are there', async () => (await ben.shown()).length >= 5);
        await stage.system[end](part);
        await stage.system.start(part);
        for (const who of [ann, ben]) await eventually('it is back', who.isConnected, LONG_MS);
        await eventually('more are there', async () => (await ben.shown()).length >= said.length - 2);
        goesOn = false;
        await writing;
        for (let n = 0; n < 4; n += 1) {
          said.push(`after ${n}`);
          await [ann, ben][n % 2].say(said.at(-1));
        }
        await agree([ann, ben], thread, said);
      });
    }
  });
}
});
