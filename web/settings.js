// The settings: a dialog with what somebody wants to be told, muted conversations, and devices. They are read
// when it opens.

import { $ } from '/elements.js';
import { Refusal } from '/refusal.js';

/**
 * @param {...{ load: () => Promise<any> }} parts
 */
export function openSettings(...parts) {
  $('open-settings').addEventListener('click', async () => {
    for (const id of ['settings-error', 'settings-saved']) $(id).textContent = '';
    // The list that the button is in does not stay behind.
    $('inbox').hidden = true;
    $('bell').setAttribute('aria-expanded', 'false');
    $('settings').showModal();
    try {
      await Promise.all(parts.map(part => part.load()));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      $('settings-error').textContent = error.message;
    }
  });
  $('close-settings').addEventListener('click', () => $('settings').close());
  $('settings').addEventListener('close', () => $('bell').focus());
}
