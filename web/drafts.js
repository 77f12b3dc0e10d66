// What somebody has begun to write in each conversation, the same on all their devices. It is kept in this
// tab at once, and at the server a moment later, or when there is a connection again.
//
// A device saves with the revision that it knows, so a newer draft of another device is never overwritten. If
// one comes while something unsaved is here, both stay and somebody chooses (`theirs`). A draft that was
// changed nowhere else is replaced by the newer one. Dispatches `change`, and `taken` with the conversation's
// id when its draft was replaced.

import { Refusal } from '/refusal.js';
import { keep, recall } from '/storage.js';
import { typed } from '/typed.js';

/** While somebody types, so often at most: a key is worth no request. */
const SAVE_MS = 1_500;
/** A save that was refused for the moment is tried again after this. */
const AGAIN_MS = 5_000;
/** A text that is longer is no message; the server does not keep it. */
const LENGTH_MAX = 10_000;
const PAGE = 100;

export class Drafts extends EventTarget {
  #api;
  /** @type {Map<string, DraftState>} */
  #known;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();
  /**
   * Saves that have no answer yet, with what was heard meanwhile.
   * @type {Map<string, StoredDraft | undefined>}
   */
  #saving = new Map();
  /** @type {Set<Promise<void>>} */
  #running = new Set();
  #isClosed = false;

  /** @param {import('/api.js').Api} api */
  constructor(api) {
    super();
    this.#api = api;
    this.#known = new Map(Object.entries(recall('drafts', {})).map(([id, draft]) => [id, stateOf(draft)]));
    document.addEventListener('visibilitychange', () => document.hidden && this.flush());
  }

  /**
   * @param {string} threadId
   * @returns {DraftState}
   */
  of(threadId) {
    const known = this.#known.get(threadId);
    if (known) return known;
    const made = stateOf('');
    this.#known.set(threadId, made);
    return made;
  }

  /**
   * It was changed here. Whoever has nothing of their own any more gets what another device has.
   * @param {string} threadId
   * @param {Partial<Draft>} change
   */
  write(threadId, change) {
    const draft = Object.assign(this.of(threadId), change);
    if (draft.content.trim() === '') draft.isFromElsewhere = false;
    if (draft.theirs && draft.content.trim() === '') this.#take(draft, draft.theirs);
    this.#keep();
    if (isDirty(draft)) this.#later(threadId, SAVE_MS);
  }

  /**
   * The draft is a message now, or was given up.
   * @param {string} threadId
   */
  end(threadId) {
    this.write(threadId, { content: '', answered: undefined, mentioned: [], isFromElsewhere: false });
    this.#later(threadId, 0);
  }

  /**
   * Somebody has chosen between two drafts.
   * @param {string} threadId
   * @param {'mine' | 'theirs'} choice
   */
  choose(threadId, choice) {
    const draft = this.of(threadId);
    if (!draft.theirs) return;
    if (choice === 'theirs') this.#take(draft, draft.theirs);
    else this.#learn(draft, draft.theirs);
    this.#keep();
    this.#changed();
    this.#later(threadId, 0);
  }

  /**
   * The server has this draft.
   * @param {StoredDraft} stored
   */
  heard(stored) {
    const { threadId } = stored;
    if (this.#saving.has(threadId)) {
      // It may be the one that is being saved: the answer tells.
      if (stored.revision > (this.#saving.get(threadId)?.revision ?? 0)) this.#saving.set(threadId, stored);
      return;
    }
    const draft = this.of(threadId);
    if (stored.revision <= (draft.theirs?.revision ?? draft.revision)) return;
    const wanted = wantedOf(draft);
    if (isSame(wanted, savedOf(stored)) || stored.content === '' && isDirty(draft)) this.#learn(draft, stored);
    else if (!isDirty(draft) || wanted.content === '') this.#take(draft, stored);
    else draft.theirs = stored;
    this.#keep();
    this.#changed();
    if (isDirty(draft)) this.#later(threadId, SAVE_MS);
  }

  /** Reads all of them again: this page may have missed some. */
  async load() {
    const listed = new Set();
    let cursor = '';
    do {
      const page = await this.#api.read(`/messages/drafts?limit=${PAGE}${cursor}`);
      for (const stored of page.drafts) {
        listed.add(stored.threadId);
        this.heard(stored);
      }
      cursor = page.nextCursor ? `&cursor=${encodeURIComponent(page.nextCursor)}` : '';
    } while (cursor);
    const gone = [...this.#known].filter(([id, { saved }]) => saved.content !== '' && !listed.has(id));
    await Promise.allSettled(gone.map(async ([id]) => this.heard((await this.#api.ask('GET', path(id))).draft)));
    this.flush();
  }

  /** Saves at once what is not saved yet; resolves once there is an answer to everything. */
  flush() {
    return Promise.all([...[...this.#known.keys()].map(id => this.#save(id)), ...this.#running]);
  }

  /** Whoever signed in is leaving: from now on nothing of theirs is kept here. */
  close() {
    this.#isClosed = true;
  }

  /**
   * @param {string} threadId
   * @param {number} time
   */
  #later(threadId, time) {
    if (time === 0) clearTimeout(this.#timers.get(threadId));
    else if (this.#timers.has(threadId)) return;
    this.#timers.set(threadId, setTimeout(() => this.#save(threadId), time));
  }

  /** @param {string} threadId */
  async #save(threadId) {
    const running = this.#saveNow(threadId);
    this.#running.add(running);
    await running.finally(() => this.#running.delete(running));
  }

  /** @param {string} threadId */
  async #saveNow(threadId) {
    clearTimeout(this.#timers.get(threadId));
    this.#timers.delete(threadId);
    const draft = this.of(threadId);
    const wanted = wantedOf(draft);
    if (this.#saving.has(threadId) || draft.theirs || !isDirty(draft) || [...wanted.content.trim()].length > LENGTH_MAX) return;
    this.#saving.set(threadId, undefined);
    /** @type {StoredDraft | undefined} */
    let newer;
    try {
      const answer = await this.#api.ask('PUT', path(threadId), { ...wanted, basedOn: draft.revision });
      // Without a draft the server has the command and has not done it yet; to ask again does no harm.
      if (answer.draft) Object.assign(draft, { saved: wanted, revision: answer.draft.revision });
      if (isDirty(draft)) this.#later(threadId, answer.draft ? SAVE_MS : AGAIN_MS);
    } catch (error) {
      newer = await this.#refused(threadId, draft, error);
    }
    const meanwhile = this.#saving.get(threadId);
    this.#saving.delete(threadId);
    this.#keep();
    for (const stored of [newer, meanwhile]) if (stored) this.heard(stored);
  }

  /**
   * Gives the newer draft that another device has saved.
   * @param {string} threadId
   * @param {DraftState} draft
   * @param {unknown} error
   * @returns {Promise<StoredDraft | undefined>}
   */
  async #refused(threadId, draft, error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'conflict') {
      return this.#api.ask('GET', path(threadId)).then(({ draft: newer }) => newer, () => this.#later(threadId, AGAIN_MS));
    }
    // What is refused for good stays in this tab.
    if (error.isPassing) this.#later(threadId, Math.max(AGAIN_MS, error.waitS * 1000));
    return undefined;
  }

  /**
   * The server has what is here, or what is here takes its place.
   * @param {DraftState} draft
   * @param {StoredDraft} stored
   */
  #learn(draft, stored) {
    Object.assign(draft, { saved: savedOf(stored), revision: stored.revision, theirs: undefined });
  }

  /**
   * What another device has takes the place of what is here.
   * @param {DraftState} draft
   * @param {StoredDraft} stored
   */
  #take(draft, stored) {
    const { content, replyTo } = savedOf(stored);
    const isKnown = draft.answered?.messageId === replyTo;
    const answered = isKnown || !replyTo ? draft.answered : { messageId: replyTo, name: '', text: '' };
    Object.assign(draft, { content, answered: replyTo ? answered : undefined, mentioned: [], isFromElsewhere: content !== '' });
    this.#learn(draft, stored);
    this.dispatchEvent(new CustomEvent('taken', { detail: stored.threadId }));
  }

  #keep() {
    if (!this.#isClosed) keep('drafts', Object.fromEntries(this.#known));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * As this tab has kept it; earlier versions of the page kept the text alone.
 * @param {DraftState | string} kept
 * @returns {DraftState}
 */
const stateOf = kept => (typeof kept === 'string' ? { content: kept, mentioned: [], saved: { content: '' }, revision: 0 } : kept);

/** @param {string} threadId */
const path = threadId => `/messages/threads/${encodeURIComponent(threadId)}/draft`;

/**
 * What the server is to have: nothing of a draft without a text.
 * @param {Draft} draft
 * @returns {DraftState['saved']}
 */
const wantedOf = ({ content, answered }) => (content.trim() === '' ? { content: '' } : { content, replyTo: answered?.messageId });

/**
 * @param {StoredDraft} stored
 * @returns {DraftState['saved']}
 */
const savedOf = ({ content, replyTo }) => ({ content: typed(content), replyTo });

/**
 * @param {DraftState['saved']} one
 * @param {DraftState['saved']} other
 */
const isSame = (one, other) => one.content === other.content && one.replyTo === other.replyTo;

/** @param {DraftState} draft */
const isDirty = draft => !isSame(wantedOf(draft), draft.saved);
