// Asks before something is done that others notice: says what, wants a reason or takes a note, shows a
// refusal.

import { $ } from '/elements.js';
import { openDialog } from '/focus.js';
import { Refusal } from '/refusal.js';

const WHY = 'Why? It is written to the audit log.';

/** @type {Question | undefined} */
let open;

/**
 * Opens the dialog. `act` is called with the reason and its refusal is shown; then `then` is called. With
 * `dryRun` there is a button that shows what would be done. With `label` it takes a note that is called so,
 * or none, instead of a reason.
 * @param {Question} question
 */
export function ask(question) {
  open = question;
  $('ask-title').textContent = question.title;
  $('ask-words').textContent = question.words;
  $('ask-do').textContent = question.verb;
  $('ask-do').className = question.isGrave ? 'grave' : '';
  $('ask-label').textContent = question.label ?? WHY;
  $('ask-why').required = !question.label;
  $('ask-why').value = '';
  $('ask-error').textContent = '';
  $('ask-result').hidden = true;
  $('ask-dry').hidden = !question.dryRun;
  openDialog($('ask'));
  $('ask-why').focus();
}

/** @param {(why: string) => Promise<any>} act */
async function attempt(act) {
  const why = $('ask-why').value.trim();
  if (!why && !open?.label) {
    $('ask-error').textContent = 'Say why first.';
    return undefined;
  }
  $('ask-error').textContent = '';
  const pressed = document.activeElement;
  for (const id of ['ask-do', 'ask-dry']) $(id).disabled = true;
  try {
    return await act(why);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    $('ask-error').textContent = error.message;
    return undefined;
  } finally {
    for (const id of ['ask-do', 'ask-dry']) $(id).disabled = false;
    // A button that is off has lost the focus.
    if (pressed instanceof HTMLElement && document.activeElement === document.body) pressed.focus();
  }
}

$('ask-form').addEventListener('submit', async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const question = open;
  const answer = question && await attempt(question.act);
  if (!question || answer === undefined) return;
  $('ask').close();
  await question.then(answer);
});
$('ask-dry').addEventListener('click', async () => {
  const words = open?.dryRun && await attempt(open.dryRun);
  if (words === undefined) return;
  $('ask-result').textContent = words;
  $('ask-result').hidden = false;
});
$('ask-cancel').addEventListener('click', () => $('ask').close());

/**
 * @typedef {{ title: string, words: string, verb: string, isGrave?: boolean, label?: string,
 *   act: (why: string) => Promise<any>, dryRun?: (why: string) => Promise<string>,
 *   then: (answer: any) => any }} Question
 */
