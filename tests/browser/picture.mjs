#!/usr/bin/env node
// Makes the picture of the README again: the demo, in a browser, after a short conversation.
//
//   tests/services browser; node tests/browser/picture.mjs [docs/page.png]
//
// It starts a system of its own with the binary in EVENTFLOW_BIN_DIR (default target/release).

import { startSystem } from '../contract/system.mjs';
import { launchChromium } from './chromium.mjs';

const VIEW = { viewport: { width: 1080, height: 640 }, deviceScaleFactor: 1.5, colorScheme: 'light' };
const [, , path = 'docs/page.png'] = process.argv;

const system = await startSystem('single', { JWT_SECRET: '', DEMO: 'auto' });
const browser = await launchChromium();
try {
  const enter = async name => {
    const page = await (await browser.newContext(VIEW)).newPage();
    await page.goto(system.http);
    await page.getByRole('button', { name: `I am ${name}` }).click();
    await page.locator('#connection.up').waitFor();
    return page;
  };
  const [ann, ben] = [await enter('Ann'), await enter('Ben')];
  await enter('Mei');
  const say = async (page, text) => {
    await page.getByLabel('Message', { exact: true }).fill(text);
    await page.getByLabel('Message', { exact: true }).press('Enter');
    await page.locator('#messages li[data-message-id]').getByText(text).waitFor();
  };
  await say(ann, 'That was quick. Lunch at one?');
  await ben.locator('#messages').getByText('Lunch at one?').waitFor();
  await say(ben, 'Gladly. I bring the umbrellas ☔');
  await ann.locator('#messages').getByText('umbrellas').waitFor();
  await ben.getByLabel('Message', { exact: true }).pressSequentially('An');
  await ann.locator('#typing').getByText('is typing').waitFor();
  await ann.mouse.move(0, 0);
  await ann.screenshot({ path });
  console.log(path);
} finally {
  await browser.close();
  await system.stop();
}
