// Mentions on the page: whom one chooses behind an `@`, how it looks for everybody, and what becomes of it by
// an edit, a reload and a lost connection.
//
// Needs `tests/services browser` (Chromium and playwright-core).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS, Person, eventually } from '../contract/person.mjs';
import { field, message, onWindows, tell } from './windows.mjs';

const PHONE = { viewport: { width: 375, height: 800 }, hasTouch: true, isMobile: true };
/** What a finger hits (WCAG 2.5.5). */
const TARGET_MIN_PX = 44;
/** More people than a conversation comes with. */
const MANY = 130;

onWindows('mentions', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);
  const offers = page => page.getByRole('listbox', { name: 'People to mention' });
  const offered = page => offers(page).locator('.name').allTextContents();
  const listed = (page, title) => page.locator('#threads').getByRole('button', { name: title });
  const newest = async (person, thread) => (await person.rest('GET', `/${thread}`)).messages.at(-1);

  /** A group of ann, Ben Li, Ben Wu and Céline; ann has a window on it. */
  async function group(options) {
    const [ann, ben, wu, cel] = stage.people('ann', 'ben', 'wu', 'cel');
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const names = [[ben, 'Ben Li'], [wu, 'Ben Wu'], [cel, 'Céline']];
    for (const [{ id }, name] of names) assert.equal((await root.api('PUT', `/users/${id}`, { name })).status, 200);
    const { thread: { _id: thread } } = await ann.rest('POST', '/threads', { participants: names.map(([{ id }]) => id), metadata: { subject: 'Trip' } });
    await tell(cel, thread, 'hello');
    const { page, link } = await stage.enter(ann, options);
    await open(page);
    await becomes('the names are here', () => page.locator('.sender').getByText('Céline').isVisible());
    return { ann, ben, wu, cel, thread, page, link };
  }

  async function open(page) {
    await listed(page, 'Trip').click();
    await message(page, 'hello').waitFor();
  }

  test('people are chosen by keys alone, sent as ids, and everybody sees whom it is about', async () => {
    const { ben, wu, thread, page } = await group();
    const { page: bensPage } = await stage.enter(ben);
    await listed(bensPage, 'Trip').waitFor();
    await field(page).focus();
    await page.keyboard.type('what do you say, @');
    await offers(page).waitFor();
    assert.deepEqual(await offered(page), ['Ben Li', 'Ben Wu', 'Céline'], 'everybody but oneself');
    await page.keyboard.type('be');
    await becomes('two are left', async () => (await offered(page)).join() === 'Ben Li,Ben Wu');
    const chosen = () => field(page).evaluate(text => document.getElementById(text.getAttribute('aria-activedescendant'))?.querySelector('.name').textContent);
    assert.equal(await chosen(), 'Ben Li');
    await page.keyboard.press('ArrowDown');
    assert.equal(await chosen(), 'Ben Wu');
    await page.keyboard.press('ArrowDown');
    assert.equal(await chosen(), 'Ben Li', 'round and round');
    await page.keyboard.press('Tab');
    assert.equal(await field(page).inputValue(), 'what do you say, @Ben Li ');
    assert.equal(await offers(page).isVisible(), false);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'text');
    // Accents do not matter, and Enter takes and does not send.
    await page.keyboard.type('and @cel');
    await becomes('she is offered', async () => (await offered(page)).join() === 'Céline');
    await page.keyboard.press('Enter');
    assert.equal(await field(page).inputValue(), 'what do you say, @Ben Li and @Céline ');
    // Whose name is taken out again is not mentioned.
    for (let n = 0; n < 12; n += 1) await page.keyboard.press('Backspace');
    assert.equal(await field(page).inputValue(), 'what do you say, @Ben Li ');
    await page.keyboard.type('? @Ben Wu');
    await page.keyboard.press('Escape');
    assert.equal(await offers(page).isVisible(), false);
    await page.keyboard.press('Enter');
    const said = 'what do you say, @Ben Li ? @Ben Wu';
    await message(page, said).waitFor();
    const { content, mentions } = await newest(ben, thread);
    assert.deepEqual([content, mentions], [said, [ben.id]], 'whom nobody has chosen is only a text');
    assert.deepEqual(await message(page, said).locator('.mention').allTextContents(), ['@Ben Li']);
    assert.equal(await message(page, said).locator('.mention.me').count(), 0);
    // Whoever is mentioned sees it in the list, and in the message.
    await listed(bensPage, 'Trip').getByText('a message mentions you').waitFor({ state: 'attached' });
    await open(bensPage);
    await message(bensPage, said).locator('.mention.me').getByText('@Ben Li').waitFor();
    await listed(bensPage, 'Trip').locator('.mentions-me').waitFor({ state: 'detached' });
    const { page: wusPage } = await stage.enter(wu);
    await listed(wusPage, 'Trip').locator('.unread').getByText('2').waitFor();
    assert.equal(await listed(wusPage, 'Trip').locator('.mentions-me').count(), 0);
  });

  test('under fingers a press takes, nothing moves, and the list is gone with its sign', async () => {
    const { ben, thread, page } = await group(PHONE);
    await field(page).tap();
    const layout = () => page.evaluate(() => ['scroller', 'composer', 'text'].map(id => {
      const { top, height } = document.getElementById(id).getBoundingClientRect();
      return [id, Math.round(top), Math.round(height)];
    }));
    const before = await layout();
    await page.keyboard.type('@');
    await offers(page).waitFor();
    assert.deepEqual(await layout(), before);
    const { left, right, top } = await offers(page).evaluate(each => each.getBoundingClientRect().toJSON());
    assert.ok(left >= 0 && right <= PHONE.viewport.width && top >= 0, JSON.stringify({ left, right, top }));
    for (const offer of await offers(page).getByRole('option').all()) {
      const { width, height } = await offer.boundingBox();
      assert.ok(width >= TARGET_MIN_PX && height >= TARGET_MIN_PX, `${width} × ${height}`);
    }
    await page.keyboard.press('Backspace');
    await offers(page).waitFor({ state: 'hidden' });
    await page.keyboard.type('hey @b');
    await offers(page).getByRole('option', { name: 'Ben Li' }).tap();
    assert.equal(await field(page).inputValue(), 'hey @Ben Li ');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'text', 'the keyboard stays');
    await page.getByRole('button', { name: 'Send', exact: true }).tap();
    await message(page, 'hey @Ben Li').waitFor();
    assert.deepEqual((await newest(ben, thread)).mentions, [ben.id]);
    // An address is no mention, and neither is what nobody is called.
    for (const text of ['mail me@b', 'what@', '@nobody']) {
      await field(page).fill('');
      await page.keyboard.type(text);
      assert.equal(await offers(page).isVisible(), false, text);
    }
  });

  test('an edit keeps whom a message mentions, adds others, and takes out whose name is gone', async () => {
    const { ann, ben, wu, cel, thread, page } = await group();
    // Another client mentions somebody whom its text does not name.
    await tell(ann, thread, 'for @Ben Li', { mentions: [ben.id, cel.id] });
    const last = page.locator('#messages li[data-message-id]').last();
    await last.locator('.mentions .mention').getByText('@Céline').waitFor();
    const edit = async change => {
      await field(page).focus();
      await field(page).fill('');
      await page.keyboard.press('ArrowUp');
      await page.locator('#editing').waitFor();
      await page.keyboard.press('End');
      await change();
      await page.keyboard.press('Enter');
      await page.locator('#editing').waitFor({ state: 'hidden' });
    };
    const mentions = async people => becomes(`mentioned are ${people.map(({ id }) => id)}`, async () => {
      const { mentions: found = [] } = await newest(ann, thread);
      return found.join() === people.map(({ id }) => id).sort().join();
    });
    await edit(async () => {
      await page.keyboard.type(' and @ben w');
      await page.keyboard.press('Enter');
    });
    await mentions([ben, wu, cel]);
    assert.equal((await newest(ann, thread)).content, 'for @Ben Li and @Ben Wu');
    await last.locator('.content .mention').getByText('@Ben Wu').waitFor();
    // With a space behind it the name is whole, and nobody is offered.
    await edit(() => field(page).fill('for @Ben Wu '));
    await mentions([wu, cel]);
    await becomes('the name is no mention any more', async () => (await last.locator('.mention').allTextContents()).join() === '@Ben Wu,@Céline');
    // What somebody has read of an edit is not counted; what they have not read is.
    const { page: wusPage } = await stage.enter(wu);
    await listed(wusPage, 'Trip').locator('.mentions-me').waitFor();
    await edit(() => field(page).fill('for nobody'));
    await listed(wusPage, 'Trip').locator('.mentions-me').waitFor({ state: 'detached' });
    await edit(async () => {
      await page.keyboard.type(' but @ben w');
      await page.keyboard.press('Enter');
    });
    await listed(wusPage, 'Trip').locator('.mentions-me').waitFor();
  });

  test('who was chosen is mentioned after a reload too, and by a message that had to wait for the connection', async () => {
    const { ben, cel, thread, page, link } = await group();
    await field(page).focus();
    await page.keyboard.type('@cel');
    await page.keyboard.press('Enter');
    await page.keyboard.type('and @ben l');
    await page.keyboard.press('Enter');
    await page.reload();
    await message(page, 'hello').waitFor();
    assert.equal(await field(page).inputValue(), '@Céline and @Ben Li ');
    link.cut();
    await page.locator('#connection.down').waitFor();
    await field(page).press('Enter');
    await page.locator('#messages li.waiting .mention').getByText('@Céline').waitFor();
    link.mend();
    await message(page, '@Céline and @Ben Li').waitFor();
    assert.deepEqual((await newest(ben, thread)).mentions, [ben.id, cel.id].sort());
    assert.equal(await page.locator('#messages li[data-message-id]').last().locator('.mention').count(), 2);
  });

  test('in a large conversation everybody can be found, and the members are listed', async () => {
    const [ann] = stage.people('ann');
    const root = new Person(stage.system, 'root', { role: 'admin' });
    const far = 'zoe-far';
    await root.api('PUT', `/users/${far}`, { name: 'Zoe Far' });
    const participants = [ann.id, far, ...Array.from({ length: MANY }, (_, n) => `m${String(n).padStart(3, '0')}`)];
    const { thread } = await root.rest('POST', '/threads', { participants, metadata: { subject: `All of ${ann.id}` } });
    await tell(root, thread._id, 'hello');
    const { page } = await stage.enter(ann);
    await listed(page, 'All of').click();
    await message(page, 'hello').waitFor();
    await field(page).focus();
    await page.keyboard.type('@zoe');
    await becomes('she is offered', async () => (await offered(page)).join() === 'Zoe Far');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await message(page, '@Zoe Far').waitFor();
    assert.deepEqual((await newest(ann, thread._id)).mentions, [far]);
    await page.getByRole('button', { name: 'Members' }).click();
    const dialog = page.getByRole('dialog', { name: `${MANY + 3} members` });
    await dialog.waitFor();
    await dialog.getByText('Zoe Far').waitFor();
    assert.equal(await dialog.getByRole('listitem').count(), MANY + 3);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  test('the members of a group are shown by name with who is there, and a press writes to one of them', async () => {
    const { ann, ben, page } = await group();
    const { page: bensPage } = await stage.enter(ben);
    await page.getByRole('button', { name: 'Members' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: '4 members' });
    await dialog.waitFor();
    assert.deepEqual(await dialog.locator('.name').allTextContents(), [ann.id, 'Ben Li', 'Ben Wu', 'Céline']);
    await dialog.getByRole('listitem').filter({ hasText: 'Ben Li' }).getByText('online').waitFor();
    await dialog.getByRole('listitem').filter({ hasText: ann.id }).getByText('you').waitFor();
    await dialog.getByRole('button', { name: /^Ben Li/ }).focus();
    // What comes meanwhile takes the focus from nobody.
    await bensPage.context().close();
    await becomes('he is gone', () => dialog.getByRole('listitem').filter({ hasText: 'Ben Li' }).getByText('last seen').isVisible());
    assert.match(await page.evaluate(() => document.activeElement.textContent), /Ben Li/);
    await page.keyboard.press('Enter');
    await page.locator('#title').getByText('Ben Li', { exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Members' }).isVisible(), false, 'a chat of two says who it is with');
  });
});
