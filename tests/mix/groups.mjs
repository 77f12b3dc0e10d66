// Groups whose owners add, remove, promote and rename, whose members leave, and in which everybody talks all
// the time. What is changed of one person, or of the name, is changed by one request at a time, so that the
// order of the changes is known; everything else happens at once.

import { setTimeout as sleep } from 'node:timers/promises';
import { DONE, REFUSED, now } from './journal.mjs';
import { probeOutsider } from './outsider.mjs';
import { send } from './sending.mjs';
import { newKey, newMessageToken, newName, textOf } from './words.mjs';

/** Pauses between two messages, and between two changes, of one group. */
const TALK_EVERY_MS = [120, 420];
const CHANGE_EVERY_MS = [250, 900];
/** How long somebody who is out stays out at least, so that others say something meanwhile. */
const OUT_MS = [1_200, 4_500];
/** Messages, and changes, of one group that wait for their answers at the same time. */
const AT_ONCE = { messages: 8, changes: 4 };
const SHARES = [['remove', 0.3], ['leave', 0.12], ['add', 0.34], ['role', 0.12], ['rename', 0.12]];
const OWNERS_MAX = 5;
/** Nobody else is left to be removed or to leave below this many. */
const FEWEST = 3;
const OTHER_OWNER = 0.4;
const NAME = 'the name';

export class Group {
  #busy = new Set();

  constructor(stage, { id, founder, people, name, history }) {
    Object.assign(this, { stage, id, founder, name, history, random: stage.random.fork(id) });
    this.roles = new Map(people.map(person => [person, person === founder ? 'owner' : 'member']));
  }

  /** Starts a group in the system. */
  static async found(stage, founder, others, history) {
    const name = newName();
    const body = { participants: others.map(({ id }) => id), group: { name, history }, metadata: { mix: name } };
    const { answer, outcome, answered } = await founder.asks('POST', '/messages/threads', { body });
    if (outcome !== DONE) throw new Error(`a group is not started: ${JSON.stringify(answer)}`);
    const thread = {
      id: answer.thread._id, kind: 'group', history, founder: founder.id, people: [founder, ...others].map(({ id }) => id), name, foundedAt: answered,
    };
    stage.journal.threads.push(thread);
    return new Group(stage, { ...thread, founder, people: [founder, ...others] });
  }

  get members() {
    return [...this.roles.keys()];
  }

  /** Talks and changes until the end of the run; resolves once everything is answered. */
  run() {
    return Promise.all([
      this.stage.repeat(this.random, TALK_EVERY_MS, AT_ONCE.messages, () => this.#say()),
      this.stage.repeat(this.random, CHANGE_EVERY_MS, AT_ONCE.changes, () => this.#change()),
    ]);
  }

  async #say() {
    const sender = this.random.pick(this.members);
    const token = newMessageToken();
    const content = textOf(token, this.id);
    const entry = { token, kind: 'groups', thread: this.id, sender: sender.id, content };
    const { answer, ...done } = await send(sender, this.id, { content, clientMessageId: token }, this.random);
    this.stage.journal.messages.push({ ...entry, ...done, id: answer.message?._id });
  }

  async #change() {
    const kind = this.#kind();
    if (kind === 'rename') return this.#locked([NAME], () => this.#rename());
    const who = this.random.pick((kind === 'add' ? this.#outsiders() : this.#others()).filter(person => !this.#busy.has(person)));
    if (!who) return undefined;
    if (kind === 'leave') return this.#locked([who], () => this.#leave(who));
    const by = this.#owner(who);
    const locked = by === this.founder ? [who] : [who, by];
    return this.#locked(locked, () => ({ add: () => this.#add(by, who), remove: () => this.#remove(by, who), role: () => this.#turn(by, who) })[kind]());
  }

  #kind() {
    let left = this.random.next();
    const [kind] = SHARES.find(([, share]) => (left -= share) < 0) ?? SHARES[0];
    return ['remove', 'leave'].includes(kind) && this.#others().length <= FEWEST ? 'add' : kind;
  }

  #outsiders() {
    return this.stage.people.filter(person => !this.roles.has(person));
  }

  #others() {
    return this.members.filter(person => person !== this.founder);
  }

  #owner(target) {
    const others = this.#others().filter(person => person !== target && this.roles.get(person) === 'owner' && !this.#busy.has(person));
    return this.random.chance(OTHER_OWNER) && others.length > 0 ? this.random.pick(others) : this.founder;
  }

  async #locked(whom, work) {
    if (whom.some(each => this.#busy.has(each))) return;
    whom.forEach(each => this.#busy.add(each));
    try {
      await work();
    } finally {
      whom.forEach(each => this.#busy.delete(each));
    }
  }

  async #rename() {
    await this.#lookAtName();
    const name = newName();
    const by = this.#owner();
    const body = { name };
    const isDone = await this.#made({ kind: 'rename', by, name }, by.asks('PATCH', this.#path(), { body, headers: newKey() }));
    if (isDone) this.name = name;
    await this.#lookAtName();
  }

  async #add(by, who) {
    await this.#lookAt(who);
    const body = { userIds: [who.id] };
    if (await this.#made({ kind: 'add', by, who }, by.asks('POST', `${this.#path()}/members`, { body, headers: newKey() }))) this.roles.set(who, 'member');
    await this.#lookAt(who);
  }

  async #turn(by, who) {
    const owners = [...this.roles.values()].filter(role => role === 'owner').length;
    const role = this.roles.get(who) === 'owner' ? 'member' : 'owner';
    if (role === 'owner' && owners >= OWNERS_MAX) return;
    await this.#lookAt(who);
    const asking = by.asks('PATCH', `${this.#path()}/members/${who.id}`, { body: { role }, headers: newKey() });
    if (await this.#made({ kind: 'role', by, who, role }, asking)) this.roles.set(who, role);
    await this.#lookAt(who);
  }

  async #remove(by, who) {
    await this.#lookAt(who);
    const asking = by.asks('DELETE', `${this.#path()}/members/${who.id}`, { headers: newKey() });
    if (await this.#made({ kind: 'remove', by, who }, asking)) await this.#isOut(who);
  }

  /** Leaving takes no key: whoever is told that there is no such thread, after no answer, has left it. */
  async #leave(who) {
    await this.#lookAt(who);
    const leaving = who.asks('POST', `${this.#path()}/leave`).then(result =>
      result.outcome === REFUSED && result.isDoubtful && result.code === 'not_found' ? { ...result, outcome: DONE } : result);
    if (await this.#made({ kind: 'leave', by: who, who }, leaving)) await this.#isOut(who);
  }

  async #isOut(who) {
    this.roles.delete(who);
    const until = now() + this.random.between(...OUT_MS);
    await this.#lookAt(who);
    await probeOutsider(this, who, until);
    await sleep(Math.max(0, until - now()));
  }

  async #made({ by, who, ...change }, asking) {
    const { answer, ...result } = await asking;
    this.stage.journal.changes.push({ thread: this.id, by: by.id, who: who?.id, ...change, ...result, said: result.outcome === DONE ? undefined : answer });
    return result.outcome === DONE;
  }

  /** What a person is by what was answered, and by the members that the founder reads. */
  async #lookAt(who) {
    const expected = this.roles.get(who) ?? null;
    const { answer, outcome } = await this.founder.asks('GET', `${this.#path()}/members?limit=100`);
    if (outcome !== DONE) return this.#looked(who.id, expected, answer.code);
    return this.#looked(who.id, expected, answer.members.find(({ id }) => id === who.id)?.role ?? null);
  }

  async #lookAtName() {
    const expected = this.name;
    const { answer } = await this.founder.asks('GET', this.#path());
    this.#looked(NAME, expected, answer.thread?.group.name ?? answer.code);
  }

  #looked(what, expected, found) {
    this.stage.journal.looks.push({ thread: this.id, what, expected, found, at: now() });
  }

  #path() {
    return `/messages/threads/${this.id}`;
  }
}
