// Who is in the open conversation: a dialog behind its title, with names, pictures, roles and who is there.
// In a group its owners change it here, and everybody can leave, or block somebody.

import { $, drawingOnce } from '/elements.js';
import { offer, redraw } from '/focus.js';
import { folded } from '/folded.js';
import { GroupForm } from '/group-form.js';
import { ADDED_MAX } from '/groups.js';
import { drawMember } from '/member-item.js';
import { attempt } from '/notice.js';
import { Refusal } from '/refusal.js';
import { notAnyMore, sure } from '/sure.js';
import { several } from '/times.js';

/** In a list as long as this one looks for a name. */
const FIND_MIN = 20;
/** So many are shown at first, and more at each press: a line costs a browser far more than a name. */
const SHOWN = 200;

const byName = new Intl.Collator();

export class MemberList {
  #parts;
  #form;
  /** The conversation that the list was opened for. @type {string | undefined} */
  #threadId;
  /**
   * Lines as they are drawn, with what they show as text that is compared.
   * @type {Map<string, { item: HTMLElement, state: string }>}
   */
  #items = new Map();
  #shown = SHOWN;
  /** Whose line shows what can be done. @type {string | undefined} */
  #opened;
  #wasOwner = false;
  /** @type {AbortController | undefined} */
  #reading;
  #drawSoon = drawingOnce(() => this.#draw());

  /**
   * `parts`: `members`, `people`, `presence`, `threads`, `conversation`, `me`, `groups`, `picker`, `blocks`,
   * `blocking`, and `chat(id)`, which opens the conversation with one person.
   * @param {{ members: import('/members.js').Members, people: import('/people.js').People, me: Me,
   *   presence: import('/presence.js').Presence, threads: import('/threads.js').Threads,
   *   conversation: import('/conversation.js').Conversation, groups: import('/groups.js').Groups,
   *   picker: import('/picker.js').Picker, blocks: import('/blocks.js').Blocks,
   *   blocking: import('/blocking.js').Blocking, chat: (id: string) => Promise<void> }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    this.#form = new GroupForm({ save: look => this.#save(look), say: words => this.#say(words) });
    for (const each of [parts.threads, parts.presence, parts.conversation, parts.blocks]) each.addEventListener('change', () => this.#drawSoon());
    $('show-members').addEventListener('click', () => this.#open());
    $('close-members').addEventListener('click', () => $('members').close());
    $('more-members').addEventListener('click', () => this.#more());
    $('find-member').addEventListener('input', () => this.#find());
    $('add-members').addEventListener('click', () => this.#add());
    $('leave-group').addEventListener('click', () => this.#leave());
    $('members').addEventListener('close', () => this.#closed());
    parts.threads.addEventListener('gone', event => event instanceof CustomEvent && this.#gone(event.detail.thread._id));
    this.#draw();
  }

  get #thread() {
    const { threads, conversation } = this.#parts;
    return threads.get(conversation.threadId);
  }

  #open() {
    this.#threadId = this.#thread?._id;
    this.#opened = undefined;
    this.#wasOwner = false;
    this.#shown = SHOWN;
    $('find-member').value = '';
    this.#say('');
    this.#form.close();
    this.#draw();
    $('members').showModal();
  }

  #closed() {
    this.#threadId = undefined;
    this.#reading?.abort();
    this.#reading = undefined;
    this.#items.clear();
    $('member-names').replaceChildren();
  }

  /** @param {string} threadId */
  #gone(threadId) {
    if (threadId !== this.#threadId) return;
    notAnyMore();
    this.#parts.picker.close();
    $('members').close();
  }

  #more() {
    const thread = this.#thread;
    if (!thread) return undefined;
    const { members } = this.#parts;
    this.#shown += SHOWN;
    return this.#do(async () => {
      while (members.hasMore(thread) && members.of(thread).length < this.#shown) await members.more(thread);
    });
  }

  #find() {
    this.#shown = SHOWN;
    this.#draw();
    this.#readAll();
  }

  /** Whoever is looked for may be on any page. */
  async #readAll() {
    const { members } = this.#parts;
    if (this.#reading || $('find-member').value.trim() === '') return;
    const { signal } = this.#reading = new AbortController();
    await this.#do(async () => {
      for (let thread = this.#thread; thread && members.hasMore(thread) && !signal.aborted; thread = this.#thread) {
        await members.more(thread, signal);
        this.#draw();
      }
    }, signal);
    if (this.#reading?.signal === signal) this.#reading = undefined;
    this.#draw();
  }

  /** @param {{ name?: string, picture?: string }} look */
  #save(look) {
    const thread = this.#thread;
    return thread ? this.#do(() => this.#parts.groups.describe(thread._id, look)) : Promise.resolve(false);
  }

  #add() {
    const thread = this.#thread;
    if (!thread) return;
    const { groups, members, picker } = this.#parts;
    this.#say('');
    picker.open({
      title: 'Add people', deed: 'Add to the group', most: ADDED_MAX,
      isIn: id => members.of(this.#thread ?? thread).some(each => each.id === id),
      start: ids => groups.add(thread._id, ids),
    });
  }

  async #leave() {
    const thread = this.#thread;
    if (!thread?.group) return;
    const { groups, me, people } = this.#parts;
    const title = people.title(thread);
    if (await sure(leavingWords(thread, thread.group, title, me), 'Leave')) await this.#do(() => groups.leave(thread._id, me.id));
  }

  /**
   * @param {Thread} thread
   * @param {Person} person
   */
  async #remove(thread, { id, name }) {
    const question = `Remove ${name} from the group? From then on they see nothing of it. An owner can add them again.`;
    if (await sure(question, 'Remove')) await this.#do(() => this.#parts.groups.remove(thread._id, id));
  }

  /**
   * @param {Thread} thread
   * @param {string} id
   * @param {'owner' | 'member'} role
   */
  async #setRole(thread, id, role) {
    const { groups, me } = this.#parts;
    const question = 'Stop owning the group? You cannot change it any more then. Another owner can make you one again.';
    if (id === me.id && !await sure(question, 'Stop owning')) return;
    await this.#do(async () => {
      await groups.setRole(thread._id, id, role);
      this.#opened = undefined;
    });
  }

  /**
   * Whether it was done. What was refused is said here: what the page says else is behind the dialog.
   * @param {() => Promise<unknown>} act
   * @param {AbortSignal} [signal]
   * @returns {Promise<boolean>}
   */
  async #do(act, signal) {
    this.#say('');
    try {
      await act();
      this.#draw();
      return true;
    } catch (error) {
      if (signal?.aborted) return false;
      if (!(error instanceof Refusal)) throw error;
      this.#say(error.message);
      return false;
    }
  }

  /** @param {string} words */
  #say(words) {
    $('members-error').textContent = words;
    if (words) $('members-error').scrollIntoView({ block: 'nearest' });
  }

  #draw() {
    const thread = this.#thread;
    const { members, me, people, presence } = this.#parts;
    $('show-members').hidden = !thread || !people.isGroup(thread);
    if (!thread || thread._id !== this.#threadId) return $('members').close();
    const isOwner = thread.group?.owners.includes(me.id) ?? false;
    if (this.#wasOwner && !isOwner) this.#lostOwnership();
    this.#wasOwner = isOwner;
    $('members-title').textContent = several(thread.participantCount, 'member');
    for (const id of ['add-members', 'edit-group']) $(id).hidden = !isOwner;
    $('save-group').disabled = !isOwner;
    $('group-history').hidden = $('leave-group').hidden = !thread.group;
    $('group-history').textContent = thread.group?.history === 'all' ? 'Who is added sees everything that was sent before.' : 'Who is added sees only what is sent from then on.';
    if (thread.group) this.#form.draw(thread.group);

    const owners = new Set(thread.group?.owners);
    const all = members.of(thread);
    const wanted = folded($('find-member').value.trim());
    const found = all.filter(({ id, name }) => folded(name).includes(wanted) || folded(id).includes(wanted))
      .sort((one, other) => Number(owners.has(other.id)) - Number(owners.has(one.id)) || byName.compare(one.name, other.name));
    const shown = found.slice(0, this.#shown);
    presence.watch(shown.map(({ id }) => id));
    redraw($('member-names'), shown.map(person => this.#item(thread, person, owners)));
    $('find-member').hidden = thread.participantCount < FIND_MIN;
    $('find-words').textContent = this.#findWords(found.length);
    offer($('more-members'), found.length > shown.length || members.hasMore(thread) && wanted === '', $('member-names'));
    return undefined;
  }

  /** @param {number} count */
  #findWords(count) {
    if ($('find-member').value.trim() === '') return '';
    if (this.#reading) return 'Looking …';
    return count === 0 ? `Nobody here is called “${$('find-member').value.trim()}”.` : '';
  }

  /** What somebody has typed stays before them, but only an owner can save it. */
  #lostOwnership() {
    this.#opened = undefined;
    const typed = $('group-look').hidden ? '' : ' What you typed is still here, but only an owner can save it.';
    this.#say(`You do not own the group any more.${typed}`);
  }

  /**
   * @param {Thread} thread
   * @param {Person} person
   * @param {Set<string>} owners
   * @returns {HTMLElement}
   */
  #item(thread, person, owners) {
    const { people, presence, me, blocks } = this.#parts;
    const { id, name } = person;
    const isMe = id === me.id;
    const isBlocked = blocks.has(id);
    const view = {
      words: isMe ? 'you' : isBlocked ? 'blocked by you' : presence.words(id), isOwner: owners.has(id), isOpen: this.#opened === id,
      mayChange: owners.has(me.id), acts: [...this.#acts(thread, person, owners), ...isMe ? [] : [this.#blockAct(person)]],
    };
    const state = JSON.stringify([name, view, people.avatar(id)]);
    const drawn = this.#items.get(id);
    if (drawn?.state === state) return drawn.item;
    const item = drawMember(person, { ...view, picture: () => people.picture(id), write: isMe || isBlocked ? undefined : () => this.#write(id), toggle: () => this.#toggle(id) });
    this.#items.set(id, { item, state });
    return item;
  }

  /** @param {string} id */
  #write(id) {
    $('members').close();
    return attempt(() => this.#parts.chat(id));
  }

  /** @param {string} id */
  #toggle(id) {
    this.#opened = this.#opened === id ? undefined : id;
    this.#draw();
  }

  /**
   * What everybody can do with somebody else.
   * @param {Person} person
   * @returns {MemberView['acts'][0]}
   */
  #blockAct({ id, name }) {
    const { blocks, blocking } = this.#parts;
    const isBlocked = blocks.has(id);
    const act = () => this.#do(async () => {
      if (isBlocked) await blocking.unblock(id);
      else if (!await blocking.block(id)) return;
      this.#opened = undefined;
    });
    return { label: `${isBlocked ? 'Unblock' : 'Block'} ${name}`, act, isGrave: !isBlocked };
  }

  /**
   * What an owner can do with somebody. The last owner stays one.
   * @param {Thread} thread
   * @param {Person} person
   * @param {Set<string>} owners
   * @returns {MemberView['acts']}
   */
  #acts(thread, person, owners) {
    const { me } = this.#parts;
    const { id } = person;
    if (!owners.has(me.id)) return [];
    if (id === me.id) return owners.size > 1 ? [{ label: 'Stop owning', act: () => this.#setRole(thread, id, 'member') }] : [];
    const role = owners.has(id) ? 'member' : 'owner';
    return [
      { label: role === 'owner' ? 'Make an owner' : 'Make a member', act: () => this.#setRole(thread, id, role) },
      { label: 'Remove', act: () => this.#remove(thread, person), isGrave: true },
    ];
  }
}

/**
 * What leaving means: for oneself, and for the group.
 * @param {Thread} thread
 * @param {Group} group
 * @param {string} title
 * @param {Me} me
 */
function leavingWords({ participantCount }, { history, owners }, title, me) {
  const question = `Leave “${title}”? It goes from your list, with all that was said.`;
  if (participantCount === 1) return `${question} You are the last one in it: nobody can add you again.`;
  const heir = owners.length === 1 && owners[0] === me.id ? 'You are its only owner: whoever is in it for the longest time owns it then. ' : '';
  const seen = history === 'all' ? 'all of it again' : 'what is sent from then on';
  return `${question} ${heir}Only an owner can add you again, and then you see ${seen}.`;
}
