//! How far people have come in a thread: cursors and unread counts.
//!
//! In come advances: people have received or read threads up to a place. The store does advances together, in
//! a few commands however many there are. Receipts come first: the messages up to the place get them
//! ([`crate::receipts`]), then one compare-and-set for each advance moves its cursor. A repetition therefore
//! mends a crash in between: the cursor is still where it was, and a message takes a person's receipt once.
//! Unread counts: the compare-and-set of a read cursor names `lastSeq` too, as a touch does
//! ([`crate::touch`]). The cursor's writer counts the messages beyond the cursor and up to `lastSeq`; whoever
//! raises `lastSeq` adds what came after. So each message counts once, whichever writer is first.

use crate::call::{CallError, Cause};
use crate::connection::READ_LIMIT;
use crate::record::values::{count, object_id, place};
use crate::store::MongoStore;
use crate::thread_memory::KnownThread;
use eventflow_protocol::change::{AdvanceCursor, Advanced, Cursor, Receipted};
use eventflow_protocol::{ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Advances in one command. A full command takes the server some ten milliseconds, for which it holds up
/// others.
const TOGETHER: usize = 256;
/// Concurrency: questions about single threads at the same time. Enough to hide the wait, few enough to leave
/// connections to other calls.
pub(crate) const CONCURRENT: usize = 8;
/// Rounds that other writers may win, each by raising `lastSeq` or by moving the same cursor.
const ROUNDS_MAX: u32 = 64;

const ADVANCE: &str = "advance cursors";

/// The cursors and unread counts of the people who advance, and the `lastSeq` that their counts go up to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CursorState {
    #[serde(rename = "_id")]
    id: ObjectId,
    #[serde(default)]
    last_seq: i64,
    #[serde(default)]
    read_seq: HashMap<UserId, i64>,
    #[serde(default)]
    delivered_seq: HashMap<UserId, i64>,
    #[serde(default)]
    unread_count: HashMap<UserId, i64>,
}

type CursorStates = HashMap<ThreadId, CursorState>;

/// An advance without an answer yet.
struct OpenAdvance<'a> {
    /// Its index among all advances of the call.
    index: usize,
    wanted: &'a AdvanceCursor,
    known: Arc<KnownThread>,
    /// The place that it goes to, once that is known.
    to: Option<u64>,
    /// Its step, once the receipts of the step are written.
    begun: Option<CursorStep<'a>>,
}

/// A move of a cursor over the messages after `from` up to and including `to`.
pub(crate) struct CursorStep<'a> {
    pub(crate) wanted: &'a AdvanceCursor,
    pub(crate) known: Arc<KnownThread>,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The newest messages of others in the step, with their status, once the receipts are written.
    pub(crate) messages: Vec<Receipted>,
}

/// What the store has to do for an advance.
enum NextAction {
    /// Nothing: the cursor is there already.
    Answer(Advanced),
    /// Bring the thread document up to the newest message first: it does not count the messages of the step
    /// yet.
    Behind,
    /// Move the cursor.
    Step,
}

/// The answers, by the index of the advance.
type Answers = Vec<Option<Advanced>>;

impl MongoStore {
    /// See [`eventflow_ports::Store::advance`]. The advances of one person in one thread go in order, all
    /// others together.
    pub(crate) async fn advance_cursors(&self, advances: &[AdvanceCursor]) -> Result<Answers, CallError> {
        let known = self.known(advances.iter().map(|wanted| wanted.thread_id)).await?;
        let mut answers = vec![None; advances.len()];
        for mut turn in rounds_of(advances, &known) {
            while !turn.is_empty() {
                let rest = turn.split_off(turn.len().min(TOGETHER));
                self.advance_together(turn, &mut answers).await?;
                turn = rest;
            }
        }
        Ok(answers)
    }

    async fn advance_together(
        &self,
        mut open: Vec<OpenAdvance<'_>>,
        answers: &mut Answers,
    ) -> Result<(), CallError> {
        for _ in 0..ROUNDS_MAX {
            let states = self.states(&open).await?;
            self.find_ends(&mut open, &states).await?;
            let (mut ready, mut behind) = (Vec::new(), Vec::new());
            for one in open {
                // A thread that is remembered but no longer in the database has no cursors.
                let Some(state) = states.get(&one.wanted.thread_id) else { continue };
                match one.next(state) {
                    NextAction::Answer(advanced) => answers[one.index] = Some(advanced),
                    NextAction::Behind => behind.push(one),
                    NextAction::Step => ready.push(one),
                }
            }
            self.catch_up(behind.iter().map(|one| one.wanted.thread_id)).await?;
            open = self.step(ready, &states, answers).await?;
            open.extend(behind);
            if open.is_empty() {
                return Ok(());
            }
        }
        Err(CallError::new(ADVANCE, Cause::Contended(ROUNDS_MAX)))
    }

    /// Moves the cursors. Gives back the advances of which it is not certain that they took effect.
    async fn step<'a>(
        &self,
        mut ready: Vec<OpenAdvance<'a>>,
        states: &CursorStates,
        answers: &mut Answers,
    ) -> Result<Vec<OpenAdvance<'a>>, CallError> {
        if ready.is_empty() {
            return Ok(ready);
        }
        self.begin(&mut ready, states).await?;
        let unread_left = self.unread_left(&ready, states).await?;
        let statements = ready
            .iter()
            .zip(&unread_left)
            .map(|(one, rest)| one.statement(&states[&one.wanted.thread_id], *rest));
        let matched = self.update(ADVANCE, self.threads.name(), statements.collect()).await?;
        if matched < ready.len() as u64 {
            // The server does not say which statement missed. The next round reads the cursors and sees which
            // one moved.
            return Ok(ready);
        }
        for (one, unread_count) in ready.into_iter().zip(unread_left) {
            let to = one.end();
            answers[one.index] = one.begun.map(|step| step.advanced(to, unread_count));
        }
        Ok(Vec::new())
    }

    /// Writes the receipts of the steps that are new in this round.
    async fn begin(&self, ready: &mut [OpenAdvance<'_>], states: &CursorStates) -> Result<(), CallError> {
        let fresh: Vec<usize> = (0..ready.len()).filter(|n| ready[*n].begun.is_none()).collect();
        let new = |n: &usize| ready[*n].new_step(&states[&ready[*n].wanted.thread_id]);
        let mut steps: Vec<CursorStep<'_>> = fresh.iter().map(new).collect();
        self.write_receipts(&steps).await?;
        self.read_receipts(&mut steps).await?;
        for (n, step) in fresh.into_iter().zip(steps) {
            ready[n].begun = Some(step);
        }
        Ok(())
    }

    /// How many messages each advance leaves unread.
    async fn unread_left(
        &self,
        ready: &[OpenAdvance<'_>],
        states: &CursorStates,
    ) -> Result<Vec<u64>, CallError> {
        let rest = |one: &OpenAdvance<'_>| {
            let state = &states[&one.wanted.thread_id];
            let wanted = one.wanted;
            let to = one.end();
            let (stays, last) = (state.unread(&wanted.user_id), count(state.last_seq));
            let is_read = wanted.cursor == Cursor::Read;
            let beyond = (is_read && last > to).then(|| others(wanted, to, last));
            async move {
                match beyond {
                    Some(beyond) => self.count_messages(beyond).await,
                    None => Ok(if is_read { 0 } else { stays }),
                }
            }
        };
        let asked: Vec<_> = ready.iter().map(rest).collect();
        stream::iter(asked).buffered(CONCURRENT).try_collect().await
    }

    async fn count_messages(&self, filter: Document) -> Result<u64, CallError> {
        let collection = self.messages.clone();
        let find = async move { collection.count_documents(filter).max_time(READ_LIMIT).await };
        self.calls.run("count unread messages", READ_LIMIT, find).await
    }

    /// Where each goes: to what is asked, or to the newest message if that comes first. What is remembered of
    /// a thread, or what its document says, is there for sure; else the messages are asked.
    async fn find_ends(&self, open: &mut [OpenAdvance<'_>], states: &CursorStates) -> Result<(), CallError> {
        let mut unclear = Vec::new();
        for (n, one) in open.iter_mut().enumerate().filter(|(_, one)| one.to.is_none()) {
            let last = states.get(&one.wanted.thread_id).map_or(0, |state| count(state.last_seq));
            one.to = one.wanted.up_to.filter(|asked| *asked <= one.known.last().max(last));
            if one.to.is_none() {
                unclear.push((n, one.wanted));
            }
        }
        let ask = |(n, wanted): (usize, &AdvanceCursor)| {
            let thread = wanted.thread_id;
            let up_to = wanted.up_to;
            let at = wanted.at;
            async move {
                let newest = if up_to.is_some() {
                    self.newest(thread).await?
                } else {
                    self.newest_by(thread, at).await?
                };
                let newest = newest.map_or(0, |newest| newest.seq);
                Ok::<_, CallError>((n, up_to.unwrap_or(newest).min(newest)))
            }
        };
        let asked: Vec<_> = unclear.into_iter().map(ask).collect();
        let ends: Vec<(usize, u64)> = stream::iter(asked).buffer_unordered(CONCURRENT).try_collect().await?;
        for (n, end) in ends {
            open[n].to = Some(end);
        }
        Ok(())
    }

    /// Reads the cursors of the people who advance, in all their threads at once.
    async fn states(&self, open: &[OpenAdvance<'_>]) -> Result<CursorStates, CallError> {
        let threads: BTreeSet<ThreadId> = open.iter().map(|one| one.wanted.thread_id).collect();
        let ids: Vec<ObjectId> = threads.into_iter().map(object_id).collect();
        let mut projection = doc! { "lastSeq": 1 };
        for one in open {
            for field in ["readSeq", "deliveredSeq", "unreadCount"] {
                projection.insert(format!("{field}.{}", one.wanted.user_id), 1);
            }
        }
        let (collection, all) =
            (self.threads.clone_with_type::<CursorState>(), u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let find = async move {
            let find = collection.find(doc! { "_id": { "$in": ids } }).projection(projection).batch_size(all);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read cursors", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(|state| (ThreadId::from_bytes(state.id.bytes()), state)).collect())
    }
}

/// The advances by round: a second advance of the same person in the same thread goes into a later round.
/// Advances of people who are not in their thread are left out.
fn rounds_of<'a>(
    advances: &'a [AdvanceCursor],
    known: &HashMap<ThreadId, Arc<KnownThread>>,
) -> Vec<Vec<OpenAdvance<'a>>> {
    let mut rounds_of: Vec<Vec<OpenAdvance<'_>>> = Vec::new();
    let mut before: HashMap<(ThreadId, &UserId), usize> = HashMap::new();
    for (index, wanted) in advances.iter().enumerate() {
        let Some(known) = known.get(&wanted.thread_id).filter(|known| known.includes(&wanted.user_id)) else {
            continue;
        };
        let turn =
            before.entry((wanted.thread_id, &wanted.user_id)).and_modify(|turn| *turn += 1).or_default();
        if rounds_of.len() <= *turn {
            rounds_of.push(Vec::new());
        }
        rounds_of[*turn].push(OpenAdvance { index, wanted, known: Arc::clone(known), to: None, begun: None });
    }
    rounds_of
}

impl<'a> OpenAdvance<'a> {
    fn next(&self, state: &CursorState) -> NextAction {
        let (cursor, unread_count) = (state.cursor(self.wanted), state.unread(&self.wanted.user_id));
        match &self.begun {
            _ if cursor < self.end() && count(state.last_seq) < self.end() => NextAction::Behind,
            _ if cursor < self.end() => NextAction::Step,
            // A command that missed another statement moved this cursor, or somebody who wanted the same did.
            Some(step) => NextAction::Answer(step.advanced(cursor, unread_count)),
            None => NextAction::Answer(Advanced {
                from: cursor,
                up_to: cursor,
                unread_count,
                messages: Vec::new(),
            }),
        }
    }

    fn end(&self) -> u64 {
        self.to.unwrap_or(0)
    }

    fn new_step(&self, state: &CursorState) -> CursorStep<'a> {
        let from = state.cursor(self.wanted);
        let known = Arc::clone(&self.known);
        CursorStep { wanted: self.wanted, known, from, to: self.end(), messages: Vec::new() }
    }

    /// The compare-and-set that moves the cursor from where it was read and leaves `rest` messages unread.
    fn statement(&self, state: &CursorState, rest: u64) -> Document {
        let user = &self.wanted.user_id;
        let [read, delivered, unread] =
            ["readSeq", "deliveredSeq", "unreadCount"].map(|field| format!("{field}.{user}"));
        let mut filter = doc! { "_id": object_id(self.wanted.thread_id) };
        let update = match self.wanted.cursor {
            Cursor::Delivered => {
                filter.insert(&delivered, stored(&state.delivered_seq, user));
                doc! { "$set": { delivered: place(self.end()) } }
            }
            Cursor::Read => {
                filter.insert("lastSeq", state.last_seq);
                filter.insert(&read, stored(&state.read_seq, user));
                let set = doc! { read: place(self.end()), unread: place(rest) };
                doc! { "$set": set, "$max": { delivered: place(self.end()) } }
            }
        };
        doc! { "q": filter, "u": update }
    }
}

impl CursorStep<'_> {
    fn advanced(&self, up_to: u64, unread_count: u64) -> Advanced {
        Advanced { from: self.from, up_to, unread_count, messages: self.messages.clone() }
    }
}

impl CursorState {
    fn cursor(&self, wanted: &AdvanceCursor) -> u64 {
        let cursors = match wanted.cursor {
            Cursor::Read => &self.read_seq,
            Cursor::Delivered => &self.delivered_seq,
        };
        cursors.get(&wanted.user_id).copied().map_or(0, count)
    }

    fn unread(&self, user: &UserId) -> u64 {
        self.unread_count.get(user).copied().map_or(0, count)
    }
}

/// The stored cursor, for a filter. `null` finds a cursor that is not stored.
fn stored(cursors: &HashMap<UserId, i64>, user: &UserId) -> Bson {
    cursors.get(user).copied().map_or(Bson::Null, Bson::Int64)
}

/// Messages of others after `from` and up to `to`.
pub(crate) fn others(wanted: &AdvanceCursor, from: u64, to: u64) -> Document {
    let mut filter = between(wanted.thread_id, from, to);
    filter.insert("senderId", doc! { "$ne": wanted.user_id.as_str() });
    filter
}

/// Messages after `from` and up to `to`.
pub(crate) fn between(thread: ThreadId, from: u64, to: u64) -> Document {
    doc! { "threadId": thread.to_string(), "seq": { "$gt": place(from), "$lte": place(to) } }
}
