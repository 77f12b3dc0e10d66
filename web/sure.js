// Asks once before something that cannot be undone by the one who does it.

import { $ } from '/elements.js';

/**
 * Whether it is to be done. What is asked goes away when its subject does (`notAnyMore`); then it is not.
 * @param {string} question
 * @param {string} deed
 * @returns {Promise<boolean>}
 */
export function sure(question, deed) {
  $('sure-question').textContent = question;
  $('sure-yes').textContent = deed;
  $('sure').showModal();
  $('sure-no').focus();
  return new Promise(resolve => {
    let isSure = false;
    $('sure-yes').onclick = () => { isSure = true; $('sure').close(); };
    $('sure-no').onclick = () => $('sure').close();
    $('sure').onclose = () => resolve(isSure);
  });
}

export const notAnyMore = () => $('sure').close();
