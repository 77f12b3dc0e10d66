// Everything that the page at `/` does, in a real browser and on both shapes: what one person does in their
// window, another person sees in theirs.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { PATIENCE_MS, Person, eventually, mint } from '../contract/person.mjs';
import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';
import { choose, openFront, signIn, startChat } from './front.mjs';

/** So many messages later, more than one page of history is between a message and the end. */
const FAR_BACK = 130;
const NARROW = { width: 360, height: 640 };

// Both shapes at once: most of it is waiting.
describe('the page', { concurrency: 2 }, () => {
for (const shape of ['single', 'fleet']) {
  describe(`the page on the shape "${shape}"`, { concurrency: 1 }, () => {
    /** The process that sockets are connected to. */
    const gateway = shape === 'single' ? 'eventflow' : 'ws-gateway';
    let system, front, browser;
    let windows = [];
    before(async () => {
      system = await startSystem(shape);
      front = await openFront(system);
      browser = await launchChromium();
    });
    after(async () => {
      await browser?.close();
      front?.close();
      await system?.stop();
    });
    afterEach(async () => {
      const faults = windows.flatMap(each => each.faults);
      await Promise.all(windows.map(each => each.context.close()));
      windows = [];
      assert.deepEqual(faults, []);
    });

    const people = (...names) => names.map(name => new Person(system, name));

    /**
     * A window on the page behind a link of its own; what goes wrong in it, or is refused by its policy,
     * fails the test.
     */
    async function openWindow(options = {}) {
      const link = await front.link();
      const context = await browser.newContext(options);
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const faults = [];
      page.on('pageerror', error => faults.push(String(error)));
      page.on('console', said => /Content Security Policy/.test(said.text()) && faults.push(said.text()));
      windows.push({ context, faults });
      await page.goto(link.origin);
      return { page, link, context };
    }

    /** A window in which somebody is signed in. */
    async function enter(person, options) {
      const opened = await openWindow(options);
      await signIn(opened.page, person);
      return opened;
    }

    /** Two people in one conversation, each in a window that shows it. */
    async function pair() {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      const [annsWindow, bensWindow] = [await enter(ann), await enter(ben)];
      await openThread(annsWindow.page, ben);
      await openThread(bensWindow.page, ann);
      return { ann, ben, thread, annsPage: annsWindow.page, bensPage: bensWindow.page, annsLink: annsWindow.link, bensLink: bensWindow.link };
    }

    const isUp = page => page.locator('#connection.up').waitFor();
    const field = page => page.getByLabel('Message', { exact: true });
    const entry = (page, person) => page.locator('#threads').getByRole('button', { name: person.id });
    const message = (page, content) => page.locator('#messages li[data-message-id]')
      .filter({ has: page.locator('.content').getByText(content, { exact: true }) });
    const contents = page => page.locator('#messages .content').allTextContents();
    /** Only a stored message has an id; one on its way is drawn without. */
    const stored = page => page.locator('#messages li[data-message-id] .content').allTextContents();
    const label = (page, content) => message(page, content).locator('.ticks').getAttribute('aria-label');
    const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
    const ticksBecome = (page, content, wanted) => becomes(`${content}: ${wanted}`, async () => await label(page, content) === wanted);
    const titleBecomes = (page, wanted) => becomes(`the title "${wanted}"`, async () => await page.title() === wanted);
    const tell = async (person, thread, content, more = {}) => (await person.rest('POST', `/${thread}`, { content, ...more })).message;

    async function openThread(page, person) {
      await entry(page, person).click();
      await page.locator('#title').getByText(person.id).waitFor();
      await page.getByText(/^(This is where it began|Nothing was said here yet)\.$/).waitFor();
    }

    /** As `openThread`, of a conversation that is longer than a page. */
    async function openThreadAtItsEnd(page, person, newest) {
      await entry(page, person).click();
      await message(page, newest).waitFor();
    }

    async function say(page, content) {
      await field(page).fill(content);
      await field(page).press('Enter');
      await message(page, content).waitFor();
    }

    /** Sets whether a window is seen. */
    const setHidden = (page, isHidden) => page.evaluate(state => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden ? 'hidden' : 'visible');

    /**
     * Points at a message and presses one of its buttons. Whatever arrives meanwhile moves the messages under
     * the pointer, and the buttons go with it to another message: then it points anew.
     */
    async function useTool(page, content, name) {
      for (let tries = 10; ; tries -= 1) {
        await message(page, content).hover();
        const tool = message(page, content).getByRole('toolbar').getByRole('button', { name, exact: true });
        const pressed = await tool.click({ timeout: 10_000 }).then(() => true, error => {
          if (tries === 0) throw error;
          return false;
        });
        if (pressed) return;
      }
    }

    test('a new conversation is there for both, with its last word, its time and what is unread, in the title too', async () => {
      const [ann, ben] = people('ann', 'ben');
      const [{ page: annsPage }, { page: bensPage }] = [await enter(ann), await enter(ben)];
      await startChat(annsPage, ben.id);
      await say(annsPage, 'one');
      await say(annsPage, 'two');
      await entry(bensPage, ann).locator('.unread').getByText('2', { exact: true }).waitFor();
      assert.equal(await entry(bensPage, ann).locator('.preview').textContent(), 'two');
      assert.match(await entry(bensPage, ann).locator('time').textContent(), /\d\d:\d\d/);
      await titleBecomes(bensPage, '(2) EventFlow messaging');
      await openThread(bensPage, ann);
      await entry(bensPage, ann).locator('.unread').waitFor({ state: 'detached' });
      await titleBecomes(bensPage, 'EventFlow messaging');
      await eventually('the server knows', async () => (await ben.rest('GET', '/threads')).threads[0].unreadCount === 0);
    });

    test('a group is shown by its name, its subject or its people, and says who said what', async () => {
      const [ann, ben, cem] = people('ann', 'ben', 'cem');
      const { page } = await enter(ann);
      await page.getByRole('button', { name: 'New group' }).click();
      await page.getByLabel('Name of the group').fill('Order 4711');
      for (const { id } of [ben, cem]) await choose(page, id);
      await page.getByRole('button', { name: 'Create the group' }).click();
      await page.locator('#title').getByText('Order 4711').waitFor();
      const [{ _id: thread, group }] = (await cem.rest('GET', '/threads')).threads;
      assert.deepEqual(group, { name: 'Order 4711', picture: null, history: 'joined', owners: [ann.id] });
      await tell(cem, thread, 'hello all');
      await message(page, 'hello all').locator('.sender').getByText(cem.id).waitFor();
      assert.equal(await page.locator('.preview').textContent(), `${cem.id}: hello all`);
      const { thread: { _id: other } } = await ben.rest('POST', '/threads', { participants: [ann.id, cem.id] });
      await tell(ben, other, 'no subject here');
      await page.locator('#threads button').first().getByText('no subject here').waitFor();
      assert.deepEqual((await page.locator('#threads .name').first().textContent()).split(', ').toSorted(), [ben.id, cem.id].toSorted());
      await ben.rest('POST', '/threads', { participants: [ann.id, cem.id], metadata: { subject: 'Order 4712' } });
      await page.locator('#threads .name').getByText('Order 4712').waitFor();
    });

    test('a person has the name and the picture of the directory', async () => {
      const [ann, ben, root] = [...people('ann', 'ben'), new Person(system, 'root', { role: 'admin' })];
      await root.api('PUT', `/users/${ben.id}`, { name: 'Ben the Baker', avatar: '/assets/avatar.svg?ben' });
      await ann.startThread(ben);
      const { page } = await enter(ann);
      await page.getByRole('button', { name: 'Ben the Baker' }).click();
      await page.locator('#title').getByText('Ben the Baker').waitFor();
      const picture = page.locator('#threads .picture img');
      await eventually('the picture is there', () => picture.evaluate(image => image.complete && image.naturalWidth > 0));
      assert.equal(await picture.getAttribute('src'), '/assets/avatar.svg?ben');
    });

    test('typing is seen and is gone: after a pause, and at once with the message', async () => {
      const { annsPage, bensPage, ann } = await pair();
      const typing = bensPage.locator('#typing');
      const shown = typing.getByText(`${ann.id} is typing …`);
      await field(annsPage).pressSequentially('hel');
      await shown.waitFor();
      await entry(bensPage, ann).getByText('typing …').waitFor();
      await shown.waitFor({ state: 'detached' });
      assert.deepEqual(await contents(bensPage), []);
      await field(annsPage).pressSequentially('lo');
      await shown.waitFor();
      await field(annsPage).press('Enter');
      await message(bensPage, 'hello').waitFor();
      await shown.waitFor({ state: 'detached' });
      await field(annsPage).pressSequentially('again');
      await shown.waitFor();
      await field(annsPage).blur();
      await shown.waitFor({ state: 'detached' });
    });

    test('typing is told at most every 3 seconds, however quickly the keys come, and ends before the message', async () => {
      const { annsPage } = await pair();
      await annsPage.evaluate(() => {
        window.sent = [];
        const { send } = WebSocket.prototype;
        WebSocket.prototype.send = function spy(text) {
          window.sent.push(/"([a-z]+:[a-z]+)"/.exec(text)?.[1]);
          return send.call(this, text);
        };
      });
      const began = Date.now();
      const sentence = 'a sentence of many keys, one after the other';
      await field(annsPage).pressSequentially(sentence, { delay: 10 });
      await field(annsPage).press('Enter');
      const told = 1 + Math.floor((Date.now() - began) / 3_000);
      await message(annsPage, sentence).waitFor();
      const sent = await annsPage.evaluate(() => window.sent);
      const starts = sent.filter(name => name === 'typing:start').length;
      assert.ok(starts >= 1 && starts <= told, `${starts} of at most ${told}`);
      const end = sent.indexOf('message:send');
      assert.deepEqual(sent.slice(end - 1, end + 1), ['typing:stop', 'message:send']);
    });

    test('ticks go from sent to delivered to read, and nothing is read in a window that nobody sees', async () => {
      const [ann, ben] = people('ann', 'ben');
      await ann.startThread(ben);
      const { page: annsPage } = await enter(ann);
      await openThread(annsPage, ben);
      await say(annsPage, 'one');
      assert.equal(await label(annsPage, 'one'), 'Sent');
      const { page: bensPage } = await enter(ben);
      await entry(bensPage, ann).waitFor();
      await say(annsPage, 'two');
      await ticksBecome(annsPage, 'two', 'Delivered');
      assert.equal(await label(annsPage, 'one'), 'Delivered');
      assert.equal(await entry(annsPage, ben).locator('.ticks').getAttribute('aria-label'), 'Delivered');
      await openThread(bensPage, ann);
      await ticksBecome(annsPage, 'two', 'Read');
      assert.equal(await label(annsPage, 'one'), 'Read');
      assert.notEqual(await message(annsPage, 'two').locator('.ticks').evaluate(each => getComputedStyle(each).color),
        await message(annsPage, 'two').locator('time').evaluate(each => getComputedStyle(each).color));

      await setHidden(bensPage, true);
      await say(annsPage, 'three');
      await ticksBecome(annsPage, 'three', 'Delivered');
      await titleBecomes(bensPage, '(1) EventFlow messaging');
      assert.equal(await label(annsPage, 'three'), 'Delivered');
      await setHidden(bensPage, false);
      await ticksBecome(annsPage, 'three', 'Read');
      await titleBecomes(bensPage, 'EventFlow messaging');
    });

    test('whoever reads a message has read all before it, however many they are', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      for (let n = 1; n <= 130; n += 1) await tell(ann, thread, `number ${n}`);
      const { page } = await enter(ann);
      await entry(page, ben).click();
      for (const count of [50, 100, 130]) {
        await eventually(`${count} are shown`, async () => (await contents(page)).length === count);
        await page.locator('#scroller').evaluate(box => { box.scrollTop = 0; });
      }
      // Ben begins at the first of them, and goes to the end.
      const { page: bensPage } = await enter(ben);
      await openThreadAtItsEnd(bensPage, ann, 'number 130');
      await bensPage.getByRole('button', { name: /new messages$/ }).click();
      const labels = () => page.locator('#messages .ticks').evaluateAll(all => all.map(each => each.getAttribute('aria-label')));
      await eventually('all of them are read', async () => (await labels()).filter(each => each === 'Read').length === 130);
    });

    test('a reaction is seen by the other and taken off again', async () => {
      const { annsPage, bensPage, ann, ben, thread } = await pair();
      await say(annsPage, 'nice?');
      await useTool(bensPage, 'nice?', 'React');
      await bensPage.getByRole('button', { name: 'React with party' }).click();
      const chip = page => message(page, 'nice?').locator('.reactions button');
      await chip(annsPage).getByText('🎉 1', { exact: true }).waitFor();
      assert.equal(await chip(annsPage).getAttribute('aria-pressed'), 'false');
      assert.equal(await chip(bensPage).getAttribute('aria-pressed'), 'true');
      await chip(annsPage).click();
      await chip(bensPage).getByText('🎉 2', { exact: true }).waitFor();
      assert.equal(await chip(bensPage).getAttribute('aria-label'), `🎉, 2 people: You, ${ann.id}`);
      await chip(bensPage).click();
      await chip(annsPage).getByText('🎉 1', { exact: true }).waitFor();
      await chip(annsPage).click();
      await chip(bensPage).waitFor({ state: 'detached' });
      assert.deepEqual((await ben.rest('GET', `/${thread}`)).messages.map(each => each.reactions), [[]]);
    });

    test('a message is answered and quoted as it is now, and the quote leads to it however far back it is', async () => {
      const { ann, ben, thread, annsPage, bensPage } = await pair();
      const quote = (page, content) => message(page, content).getByRole('button', { name: /^In reply to/ });
      const quoteBecomes = (page, content, wanted) => becomes(wanted, async () =>
        await quote(page, content).getAttribute('aria-label') === wanted);
      await say(annsPage, 'shall we meet?');
      await useTool(bensPage, 'shall we meet?', 'Reply');
      await bensPage.locator('#answering').getByText(`Replying to ${ann.id} shall we meet?`).waitFor();
      await field(bensPage).press('Escape');
      await bensPage.locator('#answering').waitFor({ state: 'hidden' });
      await useTool(bensPage, 'shall we meet?', 'Reply');
      await say(bensPage, 'yes');
      assert.equal(await bensPage.locator('#answering').isVisible(), false);
      await quoteBecomes(annsPage, 'yes', 'In reply to You: shall we meet?');
      const [{ _id: first }] = (await ann.rest('GET', `/${thread}`)).messages;
      await ann.rest('PATCH', `/${first}`, { content: 'shall we meet at eight?' });
      await quoteBecomes(bensPage, 'yes', `In reply to ${ann.id}: shall we meet at eight?`);
      for (let n = 0; n < FAR_BACK; n += 1) await tell(ann, thread, `number ${n}`);
      await tell(ann, thread, 'about the first one', { replyTo: first });
      const { page } = await enter(ben);
      await openThreadAtItsEnd(page, ann, 'about the first one');
      await quote(page, 'about the first one').click();
      await message(page, 'shall we meet at eight?').waitFor();
      await becomes('it has the focus', () => page.evaluate(id => document.activeElement.dataset.messageId === id, first));
      await ann.rest('DELETE', `/${first}`);
      await quoteBecomes(page, 'yes', `In reply to ${ann.id}: Message taken back`);
    });

    test('a message is said differently and taken back, and the other one sees it', async () => {
      const { annsPage, bensPage } = await pair();
      await say(annsPage, 'helo');
      await say(bensPage, 'hi');
      await message(annsPage, 'hi').waitFor();
      await useTool(annsPage, 'helo', 'Edit');
      await field(annsPage).fill('hello');
      await field(annsPage).press('Enter');
      await message(bensPage, 'hello').getByText('edited').waitFor();
      assert.deepEqual(await contents(bensPage), ['hello', 'hi']);
      await message(annsPage, 'hi').hover();
      const offered = annsPage.getByRole('toolbar').getByRole('button').filter({ visible: true });
      assert.deepEqual(await offered.allTextContents(), ['☺', 'Reply', 'Pin', 'Unread', 'Report']);

      await useTool(bensPage, 'hello', 'Reply');
      await useTool(annsPage, 'hello', 'Take back');
      await annsPage.getByRole('button', { name: 'Keep it' }).click();
      assert.deepEqual(await contents(annsPage), ['hello', 'hi']);
      await useTool(annsPage, 'hello', 'Take back');
      await annsPage.getByRole('button', { name: 'Take it back' }).click();
      for (const page of [annsPage, bensPage]) {
        await message(page, 'Message taken back').waitFor();
        assert.deepEqual(await contents(page), ['Message taken back', 'hi']);
      }
      await bensPage.locator('#answered-text').getByText('Message taken back').waitFor();
      await message(annsPage, 'Message taken back').hover();
      assert.equal(await annsPage.getByRole('toolbar').count(), 0);
    });

    test('the label of an edited message shows what it said before, and says if the first words are not kept', async () => {
      const { ann, thread, annsPage, bensPage } = await pair();
      await say(annsPage, 'helo');
      const { messages: [{ _id }] } = await ann.rest('GET', `/${thread}`);
      for (const content of ['hello', 'hello!']) await ann.rest('PATCH', `/${_id}`, { content });
      const dialog = bensPage.getByRole('dialog', { name: 'Before it was edited' });
      await message(bensPage, 'hello!').getByRole('button', { name: 'edited' }).click();
      await dialog.waitFor();
      assert.deepEqual(await dialog.locator('.content').allTextContents(), ['helo', 'hello']);
      assert.equal(await dialog.getByText('What it said at first is not kept.').isVisible(), false);
      await dialog.getByRole('button', { name: 'Close' }).click();
      await dialog.waitFor({ state: 'hidden' });
      // The server keeps the last twenty.
      for (let n = 0; n < 20; n += 1) await ann.rest('PATCH', `/${_id}`, { content: `hello ${n}` });
      await message(bensPage, 'hello 19').getByRole('button', { name: 'edited' }).click();
      await dialog.getByText('What it said at first is not kept.').waitFor();
      assert.equal(await dialog.locator('.content').count(), 20);
    });

    test('what somebody marks unread is unread until they open the conversation again, on all their pages', async () => {
      const { ann, ben, thread, bensPage } = await pair();
      const other = await enter(ben);
      for (const content of ['one', 'two', 'three']) await tell(ann, thread, content);
      await message(bensPage, 'three').waitFor();
      const unread = async () => (await ben.rest('GET', `/threads/${thread}`)).thread.unreadCount;
      await becomes('all is read', async () => await unread() === 0);
      await entry(other.page, ann).locator('.unread').waitFor({ state: 'detached' });
      await useTool(bensPage, 'two', 'Unread');
      for (const page of [bensPage, other.page]) {
        await entry(page, ann).locator('.unread').getByText('2', { exact: true }).waitFor();
      }
      assert.equal(await unread(), 2);
      await openThread(other.page, ann);
      await becomes('it is read again', async () => await unread() === 0);
      await entry(bensPage, ann).locator('.unread').waitFor({ state: 'detached' });
    });

    test('a pinned message is above the conversation for everybody, and a press goes to it', async () => {
      const { ann, thread, annsPage, bensPage } = await pair();
      await say(annsPage, 'the plan');
      await say(annsPage, 'the address');
      const line = page => page.locator('#pins');
      await useTool(bensPage, 'the plan', 'Pin');
      for (const page of [annsPage, bensPage]) await line(page).getByText(/the plan$/).waitFor();
      await useTool(annsPage, 'the address', 'Pin');
      await line(bensPage).getByText('Pinned 1 of 2').waitFor();
      assert.match(await line(bensPage).textContent(), /the address$/);
      await line(bensPage).click();
      await line(bensPage).getByText('Pinned 2 of 2').waitFor();
      await line(bensPage).click();
      await becomes('it has the focus', () => bensPage.evaluate(() => document.activeElement.querySelector('.content')?.textContent === 'the plan'));
      await useTool(annsPage, 'the plan', 'Unpin');
      await line(bensPage).getByText('Pinned', { exact: true }).waitFor();
      const { messages } = await ann.rest('GET', `/${thread}`);
      await ann.rest('DELETE', `/${messages.find(each => each.content === 'the address')._id}`);
      for (const page of [annsPage, bensPage]) await line(page).waitFor({ state: 'hidden' });
    });

    test('the newest own message is edited with the arrow key, and everything one can do with a message with the keyboard alone', async () => {
      const { annsPage, bensPage } = await pair();
      await say(annsPage, 'first');
      await say(annsPage, 'secnd');
      await field(annsPage).press('ArrowUp');
      assert.equal(await field(annsPage).inputValue(), 'secnd');
      await field(annsPage).press('Escape');
      assert.equal(await field(annsPage).inputValue(), '');
      await field(annsPage).press('ArrowUp');
      await field(annsPage).fill('second');
      await field(annsPage).press('Enter');
      await message(bensPage, 'second').waitFor();

      await field(annsPage).press('Shift+Tab');
      assert.equal(await annsPage.evaluate(() => document.activeElement.id), 'attach');
      await annsPage.keyboard.press('Shift+Tab');
      assert.equal(await annsPage.evaluate(() => document.activeElement.textContent), 'edited');
      await annsPage.keyboard.press('Shift+Tab');
      await annsPage.keyboard.press('ArrowUp');
      assert.equal(await annsPage.evaluate(() => document.activeElement.querySelector('.content').textContent), 'first');
      await annsPage.keyboard.press('Tab');
      await annsPage.keyboard.press('Enter');
      await annsPage.keyboard.press('Enter');
      await message(bensPage, 'first').locator('.reactions').getByText('👍 1').waitFor();
    });

    test('a button in a message keeps the focus when the message is drawn anew', async () => {
      const { annsPage, ann, ben, thread } = await pair();
      const { message: { _id } } = await ann.rest('POST', `/${thread}`, { content: 'frist' });
      await ann.rest('PATCH', `/${_id}`, { content: 'first' });
      await message(annsPage, 'first').getByRole('button', { name: 'edited' }).focus();
      await ben.rest('POST', `/${_id}/reactions`, { emoji: '👍', action: 'add' });
      await message(annsPage, 'first').locator('.reactions').getByText('👍 1').waitFor();
      assert.equal(await annsPage.evaluate(() => document.activeElement.textContent), 'edited');
    });

    test('somebody is online while they are there, and then was last seen', async () => {
      const [ann, ben] = people('ann', 'ben');
      await ann.startThread(ben);
      const { page } = await enter(ann);
      await openThread(page, ben);
      const there = await enter(ben);
      await page.locator('#subtitle').getByText('online', { exact: true }).waitFor();
      await entry(page, ben).locator('.dot.online').waitFor();
      await there.page.close();
      await page.locator('#subtitle').getByText(/^last seen/).waitFor();
      await entry(page, ben).locator('.dot.online').waitFor({ state: 'detached' });
    });

    test('a page that goes away closes its connection, and connects again if it is shown once more', async () => {
      const { annsPage, bensPage } = await pair();
      await annsPage.locator('#subtitle').getByText('online', { exact: true }).waitFor();
      const goes = name => bensPage.evaluate(event =>
        dispatchEvent(new PageTransitionEvent(event, { persisted: true })), name);
      await goes('pagehide');
      await annsPage.locator('#subtitle').getByText(/^last seen/).waitFor();
      await say(annsPage, 'while you were away');
      await goes('pageshow');
      await annsPage.locator('#subtitle').getByText('online', { exact: true }).waitFor();
      await message(bensPage, 'while you were away').waitFor();
    });

    test('after a restart of the server it is known again who is there', async () => {
      const [ann, ben] = people('ann', 'ben');
      await ann.startThread(ben);
      const [{ page }] = [await enter(ann), await enter(ben)];
      const dot = entry(page, ben).locator('.dot.online');
      await dot.waitFor();
      await system.kill(gateway);
      await dot.waitFor({ state: 'detached' });
      await system.start(gateway);
      await dot.waitFor();
    });

    test('a conversation is archived and comes back by hand, and by a new message', async () => {
      const { annsPage: page, ann, ben, thread } = await pair();
      await say(page, 'hello');
      const listed = async status => (await ann.rest('GET', `/threads?status=${status}`)).threads.map(each => each._id);
      await page.getByRole('button', { name: 'Archive', exact: true }).click();
      await page.getByText('No conversations yet.').waitFor();
      assert.deepEqual([await listed('active'), await listed('archived')], [[], [thread]]);
      await page.getByRole('button', { name: 'Archived' }).click();
      await entry(page, ben).waitFor();
      await page.getByRole('button', { name: 'Unarchive' }).click();
      await page.getByText('Nothing is archived.').waitFor();
      await page.getByRole('button', { name: 'Chats' }).click();
      await entry(page, ben).waitFor();
      assert.deepEqual(await listed('active'), [thread]);

      await page.getByRole('button', { name: 'Archive', exact: true }).click();
      await page.getByText('No conversations yet.').waitFor();
      await tell(ben, thread, 'are you there?');
      await entry(page, ben).getByText('are you there?').waitFor();
    });

    test('a long list of conversations is read in pages, and what is said moves to its top', async () => {
      const [ann] = people('ann');
      const others = people(...Array.from({ length: 35 }, (_, n) => `p${n}`));
      for (const other of others) await ann.startThread(other);
      const { page } = await enter(ann);
      await page.getByRole('button', { name: 'More' }).waitFor();
      assert.equal(await page.locator('#threads li').count(), 30);
      const oldest = await others[0].startThread(ann);
      await tell(others[0], oldest, 'from far below');
      await page.locator('#threads li').first().getByText('from far below').waitFor();
      assert.equal(await page.locator('#threads li').count(), 31);
      await page.getByRole('button', { name: 'More' }).click();
      await eventually('all of them once', async () => await page.locator('#threads li').count() === 35);
      await page.getByRole('button', { name: 'More' }).waitFor({ state: 'hidden' });
      assert.equal(new Set(await page.locator('#threads .name').allTextContents()).size, 35);
    });

    test('older messages come when one scrolls up, and what is being read stays where it is', async () => {
      const { ann, ben } = { ann: people('ann')[0], ben: people('ben')[0] };
      const thread = await ann.startThread(ben);
      const all = Array.from({ length: 150 }, (_, n) => `number ${n + 1}`);
      for (const content of all) await tell(ann, thread, content);
      await ben.rest('POST', `/threads/${thread}/read`, {});
      const { page } = await enter(ben);
      await entry(page, ann).click();
      await message(page, 'number 150').waitFor();
      assert.deepEqual(await contents(page), all.slice(100));
      const top = content => message(page, content).evaluate(item => item.getBoundingClientRect().top);
      const scroller = page.locator('#scroller');
      await eventually('it stands at the end', () => scroller.evaluate(box => box.scrollHeight - box.scrollTop - box.clientHeight < 2));
      for (const [count, seen] of [[100, 'number 105'], [150, 'number 55']]) {
        // Far enough up for the next page to be asked for, and not at the very top.
        const before = await message(page, seen).evaluate(item => {
          const box = document.getElementById('scroller');
          box.scrollTop += item.getBoundingClientRect().top - box.getBoundingClientRect().top;
          return item.getBoundingClientRect().top;
        });
        await eventually(`${count} are shown`, async () => (await contents(page)).length === count);
        assert.ok(Math.abs(await top(seen) - before) < 2, `${seen} was at ${before} and is at ${await top(seen)}`);
      }
      assert.deepEqual(await contents(page), all);
      await page.getByText('This is where it began.').waitFor();
    });

    test('who reads further up stays there when something new comes, is told so, and has not read it', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      for (let n = 1; n <= 40; n += 1) await tell(ann, thread, `number ${n}`);
      await ben.rest('POST', `/threads/${thread}/read`, {});
      const [{ page: annsPage }, { page: bensPage }] = [await enter(ann), await enter(ben)];
      await openThread(annsPage, ben);
      await openThread(bensPage, ann);
      await ticksBecome(annsPage, 'number 40', 'Read');
      const scrollTop = () => bensPage.locator('#scroller').evaluate(box => box.scrollTop);
      await bensPage.locator('#scroller').evaluate(box => { box.scrollTop = 200; });
      await say(annsPage, 'something new');
      const told = bensPage.getByRole('button', { name: '1 new message' });
      await told.waitFor();
      await ticksBecome(annsPage, 'something new', 'Delivered');
      assert.equal(await scrollTop(), 200);
      assert.equal(await label(annsPage, 'something new'), 'Delivered');
      await told.click();
      await message(bensPage, 'something new').waitFor();
      await eventually('it is in view', () => message(bensPage, 'something new').evaluate(item => item.getBoundingClientRect().bottom <= innerHeight));
      await ticksBecome(annsPage, 'something new', 'Read');
      await told.waitFor({ state: 'hidden' });
      await say(annsPage, 'at the end');
      await eventually('the end is followed', () => message(bensPage, 'at the end').evaluate(item => item.getBoundingClientRect().bottom <= innerHeight));
    });

    test('messages stand under their days', async () => {
      const { annsPage: page } = await pair();
      await say(page, 'today');
      assert.deepEqual(await page.locator('#messages h3').allTextContents(), ['Today']);
      // The same page on the next day.
      await page.clock.install({ time: Date.now() + 24 * 3_600_000 });
      await page.reload();
      await isUp(page);
      await message(page, 'today').waitFor();
      assert.deepEqual(await page.locator('#messages h3').allTextContents(), ['Yesterday']);
    });

    test('a draft of each conversation survives a reload, and is gone once it is sent', async () => {
      const [ann, ben, cem] = people('ann', 'ben', 'cem');
      await ann.startThread(ben);
      await ann.startThread(cem);
      const { page } = await enter(ann);
      await openThread(page, ben);
      await field(page).fill('half a sent');
      await openThread(page, cem);
      assert.equal(await field(page).inputValue(), '');
      await field(page).fill('for cem');
      await entry(page, ben).getByText('Draft: half a sent').waitFor();
      await page.reload();
      await isUp(page);
      await page.locator('#title').getByText(cem.id).waitFor();
      assert.equal(await field(page).inputValue(), 'for cem');
      await openThread(page, ben);
      assert.equal(await field(page).inputValue(), 'half a sent');
      await field(page).press('Enter');
      await message(page, 'half a sent').waitFor();
      await page.reload();
      await message(page, 'half a sent').waitFor();
      assert.equal(await field(page).inputValue(), '');
    });

    test('notifications are counted, heard at once, read one by one or all, and deleted', async () => {
      const [ann, ben, root] = [...people('ann', 'ben'), new Person(system, 'root', { role: 'admin' })];
      const thread = await ann.startThread(ben);
      const notify = (title, more = {}) => root.api('POST', '/notifications', { userId: ben.id, type: 'order_update', title, ...more });
      await notify('before');
      const { page } = await enter(ben);
      const bell = count => page.getByRole('button', { name: `Notifications${count ? `, ${count} unread` : ''}`, exact: true });
      await bell(1).waitFor();
      await notify('live', { message: 'is on its way', threadId: thread });
      await notify('third');
      await bell(3).click();
      const items = page.locator('#notifications li');
      assert.deepEqual(await items.locator('strong').allTextContents(), ['third', 'live', 'before']);
      await items.filter({ hasText: 'third' }).getByRole('button', { name: 'Mark as read' }).click();
      await bell(2).waitFor();
      await items.filter({ hasText: 'live' }).getByRole('button', { name: 'Open conversation' }).click();
      await page.locator('#title').getByText(ann.id).waitFor();
      await bell(1).click();
      await page.getByRole('button', { name: 'Mark all as read' }).click();
      await bell(0).waitFor();
      assert.equal((await ben.api('GET', '/notifications/unread-count')).unreadCount, 0);
      await notify('read elsewhere');
      await notify('deleted elsewhere');
      await bell(2).waitFor();
      const [{ _id: deleted }, { _id: read }] = (await ben.api('GET', '/notifications')).notifications;
      await ben.api('POST', `/notifications/${read}/read`);
      await bell(1).waitFor();
      await ben.api('DELETE', `/notifications/${deleted}`);
      await bell(0).waitFor();
      await items.filter({ hasText: 'deleted elsewhere' }).waitFor({ state: 'detached' });
      await ben.api('DELETE', `/notifications/${read}`);
      await items.filter({ hasText: 'third' }).getByRole('button', { name: 'Delete' }).click();
      await eventually('two are left', async () => await items.count() === 2);
      await page.keyboard.press('Escape');
      await page.locator('#inbox').waitFor({ state: 'hidden' });
      const { notifications } = await ben.api('GET', '/notifications');
      assert.deepEqual(notifications.map(each => [each.title, each.isRead]), [['live', true], ['before', true]]);
    });

    test('in a narrow window one sees the list or the conversation, and nothing sticks out', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      await tell(ben, thread, `${'a long line '.repeat(20)}${'x'.repeat(300)}`);
      const { page } = await enter(ann, { viewport: NARROW });
      const fits = async () => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth
        && [...document.querySelectorAll('#scroller, aside')].every(each => each.scrollWidth <= each.clientWidth)));
      await entry(page, ben).waitFor();
      assert.equal(await field(page).isVisible(), false);
      await fits();
      await entry(page, ben).click();
      await page.locator('#messages li[data-message-id]').waitFor();
      assert.equal(await page.locator('#threads').isVisible(), false);
      await say(page, 'short');
      await fits();
      await message(page, 'short').hover();
      await page.getByRole('button', { name: 'React', exact: true }).click();
      await page.getByRole('button', { name: 'React with surprised' }).waitFor();
      const box = await page.getByRole('toolbar').boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= NARROW.width, JSON.stringify(box));
      await page.getByRole('button', { name: 'Back to the conversations' }).click();
      await entry(page, ben).waitFor();
      assert.equal(await field(page).isVisible(), false);
      await entry(page, ben).click();
      await page.goBack();
      await entry(page, ben).waitFor();
    });

    test('what is written without a connection is sent once it is back, in its order and once, even after a reload', async () => {
      const { ann, annsPage, annsLink, bensPage, thread } = await pair();
      annsLink.cut();
      await annsPage.locator('#connection.down').waitFor();
      for (const content of ['one', 'two', 'three']) {
        await field(annsPage).fill(content);
        await field(annsPage).press('Enter');
      }
      await annsPage.getByText('waiting for the connection …').nth(2).waitFor();
      assert.deepEqual(await stored(annsPage), []);
      annsLink.mend();
      await annsPage.reload();
      for (const page of [annsPage, bensPage]) {
        await message(page, 'three').waitFor();
        assert.deepEqual(await contents(page), ['one', 'two', 'three']);
      }
      assert.deepEqual(await ann.history(thread), ['one', 'two', 'three']);
    });

    test('a message that failed can be sent again and is the same message, or is discarded', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      const { page, context } = await openWindow();
      // The message is stored, but its sender is told at first that it is not, and hears of it only in answer
      // to their question.
      let isTold = false;
      await page.routeWebSocket(/socket\.io/, route => {
        const server = route.connectToServer();
        server.onMessage(text => {
          if (/^42\["message:(received|sent)"/.test(text)) return;
          const answer = /^43(\d+)\[.*"clientMessageId"/.exec(text);
          route.send(answer && !isTold ? `43${answer[1]}[{"success":false,"code":"failed","error":"no"}]` : text);
          isTold ||= Boolean(answer);
        });
      });
      await page.reload();
      await page.getByLabel(/paste a token/i).fill(ann.token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await openThread(page, ben);
      await field(page).fill('again');
      await field(page).press('Enter');
      const failed = page.locator('#messages li.failed');
      await failed.getByText('not sent: That could not be done.').waitFor();
      await failed.getByRole('button', { name: 'Try again' }).click();
      await message(page, 'again').waitFor();
      assert.deepEqual(await contents(page), ['again']);
      assert.deepEqual(await ann.history(thread), ['again']);

      await field(page).fill('\u200b\u2060');
      await field(page).press('Enter');
      await failed.getByText('not sent: The message is empty.').waitFor();
      await failed.getByRole('button', { name: 'Discard' }).click();
      assert.deepEqual(await contents(page), ['again']);
      await context.close();
    });

    test('a restarted server costs no message, and what happened to the older ones meanwhile is seen too', async () => {
      const { ann, annsPage, bensPage, bensLink, thread } = await pair();
      const missed = Array.from({ length: 120 }, (_, n) => `missed ${n + 1}`);
      for (const content of ['to stay', 'to edit', 'to take back']) await say(annsPage, content);
      await message(bensPage, 'to take back').waitFor();
      bensLink.cut();
      await bensPage.locator('#connection.down').waitFor();
      const { messages } = await ann.rest('GET', `/${thread}`);
      await ann.rest('PATCH', `/${messages[1]._id}`, { content: 'edited meanwhile' });
      await ann.rest('DELETE', `/${messages[2]._id}`);
      await ann.rest('POST', `/${messages[0]._id}/reactions`, { emoji: '👍', action: 'add' });
      for (const content of missed) await tell(ann, thread, content);
      await system.kill(gateway);
      await annsPage.locator('#connection.down').waitFor();
      await field(annsPage).fill('written while the server was away');
      await field(annsPage).press('Enter');
      await annsPage.getByText('waiting for the connection …').waitFor();
      await system.start(gateway);
      const asked = [];
      bensPage.on('request', request => asked.push(request.url()));
      bensLink.mend();
      const all = ['to stay', 'edited meanwhile', 'Message taken back', ...missed, 'written while the server was away'];
      for (const page of [annsPage, bensPage]) {
        await isUp(page);
        await eventually('all of it', async () => (await stored(page)).length >= all.length, PATIENCE_MS);
        assert.deepEqual(await contents(page), all);
        assert.equal(await message(page, 'to stay').locator('.reactions').textContent(), '👍 1');
      }
      assert.ok(asked.some(url => url.includes('changesAfter=')), 'the page asks what has changed');
      assert.ok(!asked.some(url => /[?&]after=0\b/.test(url)), 'and does not read again what it has');
      // Ben sees the first of what he has missed; what is behind it is read when he goes there.
      await bensPage.getByRole('button', { name: /new messages$/ }).click();
      await ticksBecome(annsPage, 'written while the server was away', 'Read');
      await say(bensPage, 'and on it goes');
      await message(annsPage, 'and on it goes').waitFor();
    });

    test('messages that came out of sight are fetched, and shown in their order', async () => {
      const [ann, ben] = people('ann', 'ben');
      const thread = await ann.startThread(ben);
      const { page } = await openWindow();
      // Two live messages get lost on the way to the page.
      await page.routeWebSocket(/socket\.io/, route => {
        const server = route.connectToServer();
        server.onMessage(text => (/"message:received".*"content":"(two|three)"/.test(text) ? undefined : route.send(text)));
      });
      await page.reload();
      await page.getByLabel(/paste a token/i).fill(ben.token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await openThread(page, ann);
      for (const content of ['one', 'two', 'three', 'four']) await tell(ann, thread, content);
      await message(page, 'four').waitFor();
      assert.deepEqual(await contents(page), ['one', 'two', 'three', 'four']);
    });

    test('files are links to https or to this site, which learn nothing of the page', async () => {
      const { annsPage: page, ben, thread } = await pair();
      const file = (url, filename) => ({ type: 'document', url, filename });
      await tell(ben, thread, 'files', { attachments: [file('https://files.example.com/a.pdf', 'a.pdf'), file('/files/b.pdf', 'b.pdf')] });
      await message(page, 'files').waitFor();
      const links = await message(page, 'files').locator('a').evaluateAll(all => all.map(link => [link.textContent, link.href, link.rel, link.target]));
      assert.deepEqual(links, [
        ['a.pdf', 'https://files.example.com/a.pdf', 'noopener noreferrer', '_blank'],
        ['b.pdf', `${new URL(page.url()).origin}/files/b.pdf`, 'noopener noreferrer', '_blank'],
      ]);
      const harmless = await page.evaluate(async () => {
        const { harmlessAddress } = await import('/elements.js');
        const harmful = ['javascript:alert(1)', 'data:text/html,x', 'http://other.example/', '//other.example/x', '/\\other.example', 'files/x', ''];
        return harmful.map(harmlessAddress);
      });
      assert.deepEqual(harmless, Array(7).fill(undefined));
    });

    test('a token that has ended, or was revoked, leads back to the sign-in with the reason', async () => {
      const [ann, root] = [people('ann')[0], new Person(system, 'root', { role: 'admin' })];
      const { page } = await openWindow();
      const hour = 3_600;
      const now = Math.floor(Date.now() / 1000);
      await page.getByLabel(/paste a token/i).fill(mint({ id: ann.id, iat: now - 2 * hour, exp: now - hour }));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('Your sign-in has ended. Please sign in again.').waitFor();

      await page.getByLabel(/paste a token/i).fill(mint({ id: ann.id, exp: (now + hour) * 1000 }));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('The token is not valid: `exp` must be in seconds, and it is in milliseconds.').waitFor();

      await page.getByLabel(/paste a token/i).fill(mint({ id: ann.id, iat: now - hour }));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await isUp(page);
      await root.revoke(ann.id);
      await page.getByText('Your sign-in does not hold any more. Please sign in again.').waitFor();
      assert.equal(await page.locator('#chat').isVisible(), false);
    });

    test('signing out leaves nothing behind for the next person', async () => {
      const { annsPage: page, bensPage } = await pair();
      await say(bensPage, 'a secret');
      await message(page, 'a secret').waitFor();
      await field(page).fill('a draft');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel(/paste a token/i).waitFor();
      assert.doesNotMatch(await page.content(), /a secret|a draft/);
      assert.deepEqual(await page.evaluate(() => [sessionStorage.length, localStorage.length, location.hash]), [0, 0, '']);
    });

    test('what the server refuses is said in a sentence, and how long to wait', async () => {
      const [ann] = people('ann');
      const { page } = await enter(ann);
      await startChat(page, ann.id);
      await page.getByRole('alert').getByText('Participants must name somebody else.').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await page.evaluate(() => { location.hash = '../../notifications'; });
      await page.getByRole('alert').getByText('That is not there, or not yours to see.').waitFor();
      await page.route('**/api/v2/messages/threads', route => route.fulfill({
        status: 429, headers: { 'Retry-After': '7' }, json: { success: false, code: 'rate_limited', error: 'too many requests' },
      }));
      await startChat(page, ann.id);
      await page.getByRole('alert').getByText('That was too much at once. Please wait 7 seconds.').waitFor();
    });

    test('what is searched for is found in all conversations with its places marked, and leads to its message', async () => {
      const [ann, ben, cem] = people('ann', 'ben', 'cem');
      const [thread, other] = [await ann.startThread(ben), await ann.startThread(cem)];
      await tell(ben, thread, 'Treffpunkt: <b>Hauptstraße</b> 😀');
      for (let n = 0; n < 60; n += 1) await tell(ben, thread, `message ${n}`);
      await tell(cem, other, 'STRASSE');
      const { page } = await enter(ann);
      await openThread(page, cem);
      await becomes('both are found', async () => {
        await page.getByRole('searchbox').fill('strasse');
        await page.getByRole('searchbox').press('Enter');
        await page.locator('#search-words').getByText(/^$/).waitFor({ state: 'attached' });
        return await page.locator('#hits li').count() === 2;
      });
      assert.deepEqual(await page.locator('#hits mark').allTextContents(), ['STRASSE', 'straße']);
      assert.equal(await page.locator('#hits .preview').nth(1).textContent(), 'Treffpunkt: <b>Hauptstraße</b> 😀');
      await page.locator('#hits button').nth(1).click();
      await page.locator('#title').getByText(ben.id).waitFor();
      const found = page.locator('#messages li[data-message-id]').filter({ hasText: 'Treffpunkt' });
      await becomes('the message has the focus', () => found.evaluate(item => item === document.activeElement));
      await page.getByRole('searchbox').fill('x');
      await page.getByRole('searchbox').press('Enter');
      await page.locator('#search-words').getByText('A search must have a word of at least 2 letters.').waitFor();
      await page.getByRole('searchbox').fill('');
      await page.locator('#found').waitFor({ state: 'hidden' });
    });

    test('a new message is spoken, and every button has a name', async () => {
      const { annsPage: page, bensPage, ben } = await pair();
      await say(bensPage, 'listen');
      await page.locator('[aria-live="polite"]').getByText(`${ben.id}: listen`).waitFor({ state: 'attached' });
      await message(page, 'listen').hover();
      const names = await page.getByRole('button').evaluateAll(all => all.map(each => (each.getAttribute('aria-label') ?? each.textContent).trim()));
      assert.ok(names.length > 5 && names.every(Boolean), JSON.stringify(names));
    });
  });
}
});
