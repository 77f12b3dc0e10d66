// Name and picture of a group, for its owners. What is typed stays whatever happens: if another owner changes
// the same meanwhile, the form says so and leaves it to the one who types. Only what was changed is sent.

import { $ } from '/elements.js';
import { NAME_MAX, tooLong } from '/groups.js';
import { typed } from '/typed.js';

export class GroupForm {
  #parts;
  /** What the fields had when they were filled. */
  #base = { name: '', picture: '' };
  #isSaving = false;
  /** The group as it is now. */
  #now = { name: '', picture: '' };

  /**
   * `parts`: `save(look)` says whether it was done, and `say(words)` what is wrong.
   * @param {{ save: (look: { name?: string, picture?: string }) => Promise<boolean>,
   *   say: (words: string) => void }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    $('edit-group').addEventListener('click', () => this.#show($('group-look').hidden));
    $('cancel-group').addEventListener('click', () => this.close());
    $('group-look').addEventListener('submit', (/** @type {SubmitEvent} */ event) => { event.preventDefault(); this.#save(); });
    $('group-look').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Escape') return;
      // Only the form, not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      this.close();
    });
    for (const id of ['group-name', 'group-address']) $(id).addEventListener('input', () => this.#warn());
  }

  close() {
    const hadFocus = $('group-look').contains(document.activeElement);
    this.#show(false);
    if (hadFocus) ($('edit-group').hidden ? $('members') : $('edit-group')).focus();
  }

  /**
   * The group is as it is; of what is typed nothing is lost.
   * @param {Group} group
   */
  draw({ name, picture }) {
    this.#now = { name: typed(name ?? ''), picture: picture ?? '' };
    for (const [field, kind] of /** @type {const} */ ([['group-name', 'name'], ['group-address', 'picture']])) {
      if ($(field).value !== this.#base[kind] && !$('group-look').hidden) continue;
      $(field).value = this.#now[kind];
      this.#base[kind] = this.#now[kind];
    }
    this.#warn();
  }

  /** @param {boolean} isWanted */
  #show(isWanted) {
    $('group-look').hidden = !isWanted;
    $('edit-group').setAttribute('aria-expanded', String(isWanted));
    if (!isWanted) return;
    this.#base = { ...this.#now };
    $('group-name').value = this.#now.name;
    $('group-address').value = this.#now.picture;
    this.#warn();
    $('group-name').focus();
  }

  /** Another owner was faster. */
  #warn() {
    const { name, picture } = this.#now;
    const isOtherName = name !== this.#base.name && $('group-name').value !== name;
    const isOtherPicture = picture !== this.#base.picture && $('group-address').value !== picture;
    const words = [
      isOtherName && (name ? `Meanwhile the group was named “${name}”.` : 'Meanwhile the name was taken away.'),
      isOtherPicture && 'Meanwhile the group got another picture.',
      (isOtherName || isOtherPicture) && 'Saving puts yours in its place.',
    ];
    $('group-other').textContent = words.filter(Boolean).join(' ');
  }

  async #save() {
    const name = $('group-name').value.trim();
    const picture = $('group-address').value.trim();
    if ([...name].length > NAME_MAX) return this.#parts.say(tooLong(name));
    const look = { ...name !== this.#base.name && { name }, ...picture !== this.#base.picture && { picture } };
    if (Object.keys(look).length === 0 || await this.#saved(look)) this.close();
    return undefined;
  }

  /** @param {{ name?: string, picture?: string }} look */
  async #saved(look) {
    if (this.#isSaving) return false;
    this.#isSaving = true;
    const isDone = await this.#parts.save(look);
    this.#isSaving = false;
    return isDone;
  }
}
