//! How far people have come in a thread: cursors and unread counts.
//!
//! In comes that people have got or read threads up to a place; all that can be done together is, in a few commands however many they are.
//! The messages up to there get their receipts first ([`crate::receipts`]), then one compare-and-set for each advance moves its cursor, so
//! that a crash in between is healed by the repetition: the cursor is still where it was, and a message takes a person's receipt once. The
//! compare-and-set of a read cursor names `lastSeq` too, as a touch does ([`crate::touch`]): the unread count is counted from the messages
//! beyond the cursor and up to `lastSeq`, and whoever raises `lastSeq` adds what came after. So each message counts once, whoever is first.

use crate::call::{CallError, Cause};
use crate::memory::Known;
use crate::record::{count, object_id, place};
use crate::store::{MongoStore, READ_LIMIT};
use eventflow_protocol::change::{AdvanceCursor, Advanced, Cursor, Receipted};
use eventflow_protocol::{ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Advances done together: a full command takes the server some ten milliseconds, which is how long it holds up others.
const TOGETHER: usize = 256;
/// Questions about single threads asked at the same time: enough to hide the wait, few enough to leave connections to others.
pub(crate) const CONCURRENT: usize = 8;
/// Rounds that others may win, each by raising `lastSeq` or moving the same cursor.
const ROUNDS_MAX: u32 = 64;

const ADVANCE: &str = "advance cursors";

/// People's places in a thread, with what they are counted against.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
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

type Standings = HashMap<ThreadId, Standing>;

/// An advance that is not answered yet.
struct Open<'a> {
    /// Its place among all that were asked for.
    index: usize,
    wanted: &'a AdvanceCursor,
    known: Arc<Known>,
    /// Where it goes, once that is clear.
    to: Option<u64>,
    /// Its step, once the receipts are written.
    begun: Option<Step<'a>>,
}

/// The step of a cursor: from after `from` up to and including `to`.
pub(crate) struct Step<'a> {
    pub(crate) wanted: &'a AdvanceCursor,
    pub(crate) known: Arc<Known>,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The newest messages of others in it, with their receipts, once those are written.
    pub(crate) messages: Vec<Receipted>,
}

/// What there is to do for an advance.
enum Next {
    /// Nothing: it is there.
    Answer(Advanced),
    /// The thread document does not know of its messages yet.
    Behind,
    Step,
}

/// Answers, by the place of what was asked.
type Answers = Vec<Option<Advanced>>;

impl MongoStore {
    /// See [`eventflow_ports::Store::advance`]. Of one person in one thread in order, all else together.
    pub(crate) async fn advance_cursors(&self, advances: &[AdvanceCursor]) -> Result<Answers, CallError> {
        let known = self.known(advances.iter().map(|wanted| wanted.thread_id)).await?;
        let mut answers = vec![None; advances.len()];
        for mut turn in turns(advances, &known) {
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
        mut open: Vec<Open<'_>>,
        answers: &mut Answers,
    ) -> Result<(), CallError> {
        for _ in 0..ROUNDS_MAX {
            let standings = self.standings(&open).await?;
            self.find_ends(&mut open, &standings).await?;
            let (mut ready, mut behind) = (Vec::new(), Vec::new());
            for one in open {
                // A thread that is remembered and gone all the same has no cursors.
                let Some(standing) = standings.get(&one.wanted.thread_id) else { continue };
                match one.next(standing) {
                    Next::Answer(advanced) => answers[one.index] = Some(advanced),
                    Next::Behind => behind.push(one),
                    Next::Step => ready.push(one),
                }
            }
            self.catch_up(behind.iter().map(|one| one.wanted.thread_id)).await?;
            open = self.step(ready, &standings, answers).await?;
            open.extend(behind);
            if open.is_empty() {
                return Ok(());
            }
        }
        Err(CallError::new(ADVANCE, Cause::Contended(ROUNDS_MAX)))
    }

    /// Moves the cursors unless somebody else was faster; what was not moved for sure is given back.
    async fn step<'a>(
        &self,
        mut ready: Vec<Open<'a>>,
        standings: &Standings,
        answers: &mut Answers,
    ) -> Result<Vec<Open<'a>>, CallError> {
        if ready.is_empty() {
            return Ok(ready);
        }
        self.begin(&mut ready, standings).await?;
        let rests = self.rests(&ready, standings).await?;
        let statements = ready
            .iter()
            .zip(&rests)
            .map(|(one, rest)| one.statement(&standings[&one.wanted.thread_id], *rest));
        let matched = self.update(ADVANCE, self.threads.name(), statements.collect()).await?;
        if matched < ready.len() as u64 {
            return Ok(ready); // the server does not say which it missed: what stands there next says it
        }
        for (one, unread_count) in ready.into_iter().zip(rests) {
            let (index, to) = (one.index, one.end());
            answers[index] = one.begun.map(|step| step.advanced(to, unread_count));
        }
        Ok(Vec::new())
    }

    /// Gives the messages of steps that are new their receipts.
    async fn begin(&self, ready: &mut [Open<'_>], standings: &Standings) -> Result<(), CallError> {
        let fresh: Vec<usize> = (0..ready.len()).filter(|n| ready[*n].begun.is_none()).collect();
        let new = |n: &usize| ready[*n].new_step(&standings[&ready[*n].wanted.thread_id]);
        let mut steps: Vec<Step<'_>> = fresh.iter().map(new).collect();
        self.write_receipts(&steps).await?;
        self.read_receipts(&mut steps).await?;
        for (n, step) in fresh.into_iter().zip(steps) {
            ready[n].begun = Some(step);
        }
        Ok(())
    }

    /// What each leaves unread.
    async fn rests(&self, ready: &[Open<'_>], standings: &Standings) -> Result<Vec<u64>, CallError> {
        let rest = |one: &Open<'_>| {
            let (standing, wanted, to) = (&standings[&one.wanted.thread_id], one.wanted, one.end());
            let (stays, last) = (standing.unread(&wanted.user_id), count(standing.last_seq));
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

    /// Where each goes: to what is asked, or to the newest message if that comes first. What is remembered of a thread, or what its document
    /// says, is there for sure; else the messages are asked.
    async fn find_ends(&self, open: &mut [Open<'_>], standings: &Standings) -> Result<(), CallError> {
        let mut unclear = Vec::new();
        for (n, one) in open.iter_mut().enumerate().filter(|(_, one)| one.to.is_none()) {
            let last = standings.get(&one.wanted.thread_id).map_or(0, |standing| count(standing.last_seq));
            one.to = one.wanted.up_to.filter(|asked| *asked <= one.known.last().max(last));
            if one.to.is_none() {
                unclear.push((n, one.wanted));
            }
        }
        let ask = |(n, wanted): (usize, &AdvanceCursor)| {
            let (thread, up_to, at) = (wanted.thread_id, wanted.up_to, wanted.at);
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

    /// Where the people concerned are, in all threads at once.
    async fn standings(&self, open: &[Open<'_>]) -> Result<Standings, CallError> {
        let threads: BTreeSet<ThreadId> = open.iter().map(|one| one.wanted.thread_id).collect();
        let ids: Vec<ObjectId> = threads.into_iter().map(object_id).collect();
        let mut projection = doc! { "lastSeq": 1 };
        for one in open {
            for field in ["readSeq", "deliveredSeq", "unreadCount"] {
                projection.insert(format!("{field}.{}", one.wanted.user_id), 1);
            }
        }
        let (collection, all) =
            (self.threads.clone_with_type::<Standing>(), u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let find = async move {
            let find = collection.find(doc! { "_id": { "$in": ids } }).projection(projection).batch_size(all);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read cursors", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(|standing| (ThreadId::from_bytes(standing.id.bytes()), standing)).collect())
    }
}

/// The advances of people who are in their threads, each after those of the same person in the same thread.
fn turns<'a>(advances: &'a [AdvanceCursor], known: &HashMap<ThreadId, Arc<Known>>) -> Vec<Vec<Open<'a>>> {
    let mut turns: Vec<Vec<Open<'_>>> = Vec::new();
    let mut before: HashMap<(ThreadId, &UserId), usize> = HashMap::new();
    for (index, wanted) in advances.iter().enumerate() {
        let Some(known) = known.get(&wanted.thread_id).filter(|known| known.includes(&wanted.user_id)) else {
            continue;
        };
        let turn =
            before.entry((wanted.thread_id, &wanted.user_id)).and_modify(|turn| *turn += 1).or_default();
        if turns.len() <= *turn {
            turns.push(Vec::new());
        }
        turns[*turn].push(Open { index, wanted, known: Arc::clone(known), to: None, begun: None });
    }
    turns
}

impl<'a> Open<'a> {
    fn next(&self, standing: &Standing) -> Next {
        let (cursor, unread_count) = (standing.cursor(self.wanted), standing.unread(&self.wanted.user_id));
        match &self.begun {
            _ if cursor < self.end() && count(standing.last_seq) < self.end() => Next::Behind,
            _ if cursor < self.end() => Next::Step,
            // The command that missed one moved this one, or somebody did who wanted the same.
            Some(step) => Next::Answer(step.advanced(cursor, unread_count)),
            None => {
                Next::Answer(Advanced { from: cursor, up_to: cursor, unread_count, messages: Vec::new() })
            }
        }
    }

    fn end(&self) -> u64 {
        self.to.unwrap_or(0)
    }

    fn new_step(&self, standing: &Standing) -> Step<'a> {
        let (from, to) = (standing.cursor(self.wanted), self.end());
        Step { wanted: self.wanted, known: Arc::clone(&self.known), from, to, messages: Vec::new() }
    }

    /// Moves the cursor if it is still where it stands, with so many messages left unread.
    fn statement(&self, standing: &Standing, rest: u64) -> Document {
        let user = &self.wanted.user_id;
        let [read, delivered, unread] =
            ["readSeq", "deliveredSeq", "unreadCount"].map(|field| format!("{field}.{user}"));
        let mut filter = doc! { "_id": object_id(self.wanted.thread_id) };
        let update = match self.wanted.cursor {
            Cursor::Delivered => {
                filter.insert(&delivered, stored(&standing.delivered_seq, user));
                doc! { "$set": { delivered: place(self.end()) } }
            }
            Cursor::Read => {
                filter.insert("lastSeq", standing.last_seq);
                filter.insert(&read, stored(&standing.read_seq, user));
                let set = doc! { read: place(self.end()), unread: place(rest) };
                doc! { "$set": set, "$max": { delivered: place(self.end()) } }
            }
        };
        doc! { "q": filter, "u": update }
    }
}

impl Step<'_> {
    fn advanced(&self, up_to: u64, unread_count: u64) -> Advanced {
        Advanced { from: self.from, up_to, unread_count, messages: self.messages.clone() }
    }
}

impl Standing {
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

/// A cursor as it is stored; `null` finds one that is not.
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
