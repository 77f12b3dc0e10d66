// One line of the list of members: picture, name, role and who is there, and behind a button what can be done
// with this person.

import { button, element } from '/elements.js';

/**
 * @param {Person} person
 * @param {MemberView} view
 * @returns {HTMLElement}
 */
export function drawMember({ id, name }, { picture, words, isOwner, write, acts, mayChange, isOpen, toggle }) {
  const more = element('span', { class: 'more-of' }, isOwner && element('span', { class: 'role' }, 'Owner'), element('span', { class: 'there' }, words));
  const parts = [picture(), element('span', { class: 'name', dir: 'auto' }, name), (isOwner || words) && more];
  const line = write
    ? button('', write, { class: 'member', title: `Write to ${name}`, 'data-id': id, 'data-act': 'write' })
    : element('span', { class: 'member' });
  line.append(...parts.filter(part => part instanceof Node));
  const opener = acts.length > 0 && button('⋯', toggle, {
    class: 'quiet more', 'aria-label': `${mayChange ? 'Change' : 'More about'} ${name}`, 'aria-expanded': String(isOpen), 'data-id': id, 'data-act': 'more',
  });
  const offered = isOpen && element('div', { class: 'acts', role: 'group', 'aria-label': name },
    ...acts.map(({ label, act, isGrave }) => button(label, act, { class: isGrave ? 'quiet bad' : 'quiet', 'data-id': id, 'data-act': label, dir: 'auto' })));
  return element('li', {}, element('div', { class: 'row' }, line, opener), offered);
}
