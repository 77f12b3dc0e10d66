// The views of files and of what is sent later, in the sizes and colours of looks.test.mjs.
//
// Needs `tests/services browser` (Chromium, playwright-core and axe-core).

import { test } from 'node:test';
import { PATIENCE_MS, eventually } from '../contract/person.mjs';
import { png, sendFiles } from './files.mjs';
import { SIZES, looker } from './looks.mjs';
import { group } from './scene.mjs';
import { field, message, onWindows } from './windows.mjs';

const END = 'There is the pear tree';
const HOUR_MS = 3_600_000;

onWindows('looks of files', stage => {
  const becomes = (what, look) => eventually(what, look, PATIENCE_MS);

  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      test(`files and what is sent later can be read and pressed, on ${size} in ${colorScheme} colours`, { timeout: 300_000 }, async () => {
        const { ann, ben, mei, thread } = await group(stage);
        const { page } = await stage.enter(ben, { ...options, colorScheme, reducedMotion: 'reduce' });
        const button = name => page.getByRole('button', { name, exact: true });
        const look = await looker(page, size, colorScheme);
        const open = async () => {
          await page.locator('#threads').getByRole('button', { name: 'Garden party' }).click();
          await message(page, END).waitFor();
        };
        await open();
        // Files of messages, the viewer, and files of a message that is written.
        await sendFiles(stage, ann, thread, 'The way there', [['the way there.png', png(900, 600)], ['who brings what.txt', 'Mei: cake']]);
        await sendFiles(stage, ben, thread, 'Thank you!', [['chairs.png', png(300, 400, [200, 140, 60])], ['a list that has a rather long name, as lists of chairs have.txt', 'chairs']]);
        // A picture is read once it is near: on a small screen the first is far above the second.
        for (const name of ['the way there.png', 'chairs.png']) await button(`Picture ${name}`).scrollIntoViewIfNeeded();
        await becomes('the pictures are here', async () => await page.locator('.small-picture img[src^="blob:"]').count() === 2);
        await look('files of messages');
        await button('Picture the way there.png').click();
        await page.getByText('1 of 2').waitFor();
        await becomes('it is whole', async () => await page.locator('#viewer-words').textContent() === '');
        await look('the viewer');
        await page.keyboard.press('Escape');
        let release;
        const held = new Promise(resolve => { release = resolve; });
        const toBeHeld = /\/attachments\/tus\/[0-9a-f]{24}$/;
        await page.locator('#choose-files').setInputFiles([{ name: 'table.png', mimeType: 'image/png', buffer: png(200, 200) }]);
        await page.locator('#attached li.ready').waitFor();
        await page.route(toBeHeld, async route => { await held; return route.continue().catch(() => {}); });
        await page.route(/\/attachments\/tus$/, route => route.fulfill({ status: 415, json: { success: false, code: 'wrong_type', error: 'files of that type are not taken' } }), { times: 1 });
        await page.locator('#choose-files').setInputFiles([{ name: 'program.exe', mimeType: '', buffer: Buffer.from('x') }]);
        await page.locator('#attached li.failed').waitFor();
        await page.locator('#choose-files').setInputFiles([{ name: 'film of the garden.mp4', mimeType: '', buffer: Buffer.from('x'.repeat(1_000)) }]);
        await page.locator('#attached li.uploading').waitFor();
        await look('files of a message that is written');
        await button('Remove program.exe').click();
        await field(page).fill('with a table');
        await button('Send').click();
        await page.locator('#held').waitFor();
        await look('a message that waits for its files');
        await button('Do not send yet').click();
        release();
        await button('Cancel film of the garden.mp4').or(button('Remove film of the garden.mp4')).click();
        await page.unroute(toBeHeld);
        await page.locator('#conversation').evaluate(place => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(['x'], 'x.txt'));
          place.dispatchEvent(new DragEvent('dragenter', { dataTransfer: transfer }));
        });
        await page.getByText('Drop files here').waitFor();
        await look('something is dragged over it');
        await page.locator('#conversation').evaluate(place => place.dispatchEvent(new DragEvent('dragleave')));

        // Sending later.
        await button('Remove table.png').click();
        await button('Send later').click();
        await page.getByRole('menu', { name: 'Send later' }).waitFor();
        await look('when to send');
        await page.getByRole('menuitem', { name: 'Pick date and time' }).click();
        await page.locator('#when').fill('2020-01-01T08:00');
        await button('Send then').click();
        await page.getByText('That time has passed').waitFor();
        await look('picking a time');
        await page.keyboard.press('Escape');
        await button('Send later').click();
        await page.getByRole('menuitem', { name: 'Tomorrow morning' }).click();
        await page.locator('#later-here').waitFor();
        await ben.rest('POST', `/${thread}`, { content: 'Do not forget the cake!', sendAt: new Date(Date.now() + 2 * HOUR_MS).toISOString() });
        const other = (await ann.rest('POST', '/threads', { participants: [ben.id, mei.id], group: { name: 'Surprise' } })).thread._id;
        const { scheduled } = await ben.rest('POST', `/${other}`, { content: 'What does she wish for?', sendAt: new Date(Date.now() + 2 * HOUR_MS).toISOString() });
        await ann.rest('DELETE', `/threads/${other}/members/${ben.id}`);
        await ben.rest('POST', `/scheduled/${scheduled._id}/send`);
        await page.locator('#told').getByText('was not sent').waitFor();
        await page.locator('#later-here').getByText('2 messages').waitFor();
        await look('something is sent later');
        if (size !== 'desktop') await button('Back to the conversations').click();
        await page.locator('#open-later').click();
        await page.locator('#scheduled').getByText('Not sent: you were not').waitFor();
        await look('what is sent later');
        await button('Change').first().click();
        await page.getByLabel('Text of the message').fill('');
        await button('Save').click();
        await page.getByText('A message needs a text.').waitFor();
        await look('changing what is sent later');
        await button('Keep as it was').click();
      });
    }
  }
}, ['single']);
