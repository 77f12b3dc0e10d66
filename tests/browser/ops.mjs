// A window on the page of operators at /ops in which somebody is signed in.

import assert from 'node:assert/strict';
import { PATIENCE_MS } from '../contract/person.mjs';
import { fromFolder } from './page-folder.mjs';

/**
 * `{page, faults, close}`. `faults` are errors of the page, what its policy refuses, and what of people's texts
 * runs in it; `close` fails the test if there are any.
 */
export async function enterOps(browser, system, person, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await fromFolder(context);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  await page.exposeFunction('pwn', what => { faults.push(`ran: ${what}`); });
  page.on('pageerror', error => faults.push(String(error)));
  page.on('console', said => /Content Security Policy/.test(said.text()) && faults.push(said.text()));
  page.on('dialog', dialog => { faults.push(`a dialog: ${dialog.message()}`); void dialog.dismiss(); });
  await page.goto(`${system.http}/ops`);
  await page.getByLabel('An administrator\'s token').fill(person.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  return { page, faults, close: async () => { await context.close(); assert.deepEqual(faults, []); } };
}

/** Waits until the page shows what is now. */
export const live = page => page.locator('#fresh', { hasText: 'live' }).waitFor();
