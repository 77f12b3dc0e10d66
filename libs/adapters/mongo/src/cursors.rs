//! How far people have come in a thread: cursors, unread counts and receipts.
//!
//! In comes that somebody has got or read a thread up to a place. The messages up to there get their receipts first, then one
//! compare-and-set on the thread moves the cursor, so that a crash in between is healed by the repetition: the cursor is still where
//! it was, and a message takes a person's receipt once. The compare-and-set of a read cursor names `lastSeq` too, as a touch does
//! ([`crate::touch`]): the unread count is counted from the messages beyond the cursor and up to `lastSeq`, and whoever raises
//! `lastSeq` adds what came after. So each message counts once, whoever is first.

use crate::call::{CallError, Cause};
use crate::memory::Known;
use crate::record::{count, date, object_id, place};
use crate::store::{MongoStore, READ_LIMIT, WRITE_LIMIT};
use eventflow_protocol::change::{AdvanceCursor, Advanced, Cursor, RECEIPT_PARTICIPANTS_MAX, RECEIPTED_MAX, Receipted};
use eventflow_protocol::document::MessageStatus;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Threads worked on at the same time: enough to hide the wait for a majority, few enough to leave connections to others.
const CONCURRENT: usize = 8;
/// Rounds that others may win, each by raising `lastSeq` or moving the same cursor.
const ROUNDS_MAX: u32 = 64;
/// Places whose receipts one command writes: well within the time limit of a write.
const RECEIPTS_PER_COMMAND: u64 = 5_000;

const ADVANCE: &str = "advance a cursor";

/// Somebody's place in a thread, with what it is counted against.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    #[serde(default)]
    last_seq: i64,
    #[serde(default)]
    read_seq: HashMap<UserId, i64>,
    #[serde(default)]
    delivered_seq: HashMap<UserId, i64>,
    #[serde(default)]
    unread_count: HashMap<UserId, i64>,
}

#[derive(Deserialize)]
struct Summed {
    #[serde(rename = "_id")]
    id: ObjectId,
    seq: i64,
    #[serde(default)]
    status: MessageStatus,
}

/// One step of a cursor: from after `from` up to and including `to`.
struct Step<'a> {
    wanted: &'a AdvanceCursor,
    from: u64,
    to: u64,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::advance`]. One thread's in order, different threads at the same time.
    pub(crate) async fn advance_cursors(&self, advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>, CallError> {
        let known = self.known(advances.iter().map(|wanted| wanted.thread_id)).await?;
        let mut by_thread: BTreeMap<ThreadId, Vec<usize>> = BTreeMap::new();
        for (i, wanted) in advances.iter().enumerate() {
            by_thread.entry(wanted.thread_id).or_default().push(i);
        }
        let mut calls = Vec::new();
        for (thread, turns) in by_thread {
            if let Some(known) = known.get(&thread) {
                calls.push(self.advance_in_order(known, advances, turns));
            }
        }
        let done: Vec<Vec<(usize, Advanced)>> = stream::iter(calls).buffer_unordered(CONCURRENT).try_collect().await?;
        let mut answers = vec![None; advances.len()];
        for (i, advanced) in done.into_iter().flatten() {
            answers[i] = Some(advanced);
        }
        Ok(answers)
    }

    async fn advance_in_order(
        &self,
        known: &Known,
        advances: &[AdvanceCursor],
        turns: Vec<usize>,
    ) -> Result<Vec<(usize, Advanced)>, CallError> {
        let mut answers = Vec::new();
        for i in turns.into_iter().filter(|i| known.includes(&advances[*i].user_id)) {
            answers.extend(self.advance_one(known, &advances[i]).await?.map(|advanced| (i, advanced)));
        }
        Ok(answers)
    }

    async fn advance_one(&self, known: &Known, wanted: &AdvanceCursor) -> Result<Option<Advanced>, CallError> {
        let to = self.end_of_step(known, wanted).await?;
        let mut wants_receipts = known.people.len() <= RECEIPT_PARTICIPANTS_MAX;
        for _ in 0..ROUNDS_MAX {
            let Some(standing) = self.standing(wanted).await? else { return Ok(None) };
            let step = Step { wanted, from: standing.cursor(wanted), to };
            if to <= step.from {
                return Ok(Some(step.stays(&standing)));
            }
            if count(standing.last_seq) < to {
                self.catch_up(wanted.thread_id).await?;
                continue;
            }
            if std::mem::take(&mut wants_receipts) {
                self.write_receipts(known, &step).await?;
            }
            let (moved, messages) = tokio::try_join!(self.step(&step, &standing), self.receipted(known, &step))?;
            if let Some(unread_count) = moved {
                return Ok(Some(Advanced { from: step.from, up_to: to, unread_count, messages }));
            }
        }
        Err(CallError::new(ADVANCE, Cause::Contended(ROUNDS_MAX)))
    }

    /// What is asked, or the newest message if that comes first. What is remembered of the thread is there for sure.
    async fn end_of_step(&self, known: &Known, wanted: &AdvanceCursor) -> Result<u64, CallError> {
        if let Some(asked) = wanted.up_to.filter(|asked| *asked <= known.last()) {
            return Ok(asked);
        }
        let newest = match wanted.up_to {
            Some(_) => self.newest(wanted.thread_id).await?,
            None => self.newest_by(wanted.thread_id, wanted.at).await?,
        };
        let newest = newest.map_or(0, |newest| newest.seq);
        Ok(wanted.up_to.unwrap_or(newest).min(newest))
    }

    async fn standing(&self, wanted: &AdvanceCursor) -> Result<Option<Standing>, CallError> {
        let user = &wanted.user_id;
        let fields = ["readSeq", "deliveredSeq", "unreadCount"].map(|field| (format!("{field}.{user}"), Bson::Int32(1)));
        let mut projection = doc! { "lastSeq": 1 };
        projection.extend(fields);
        let (collection, id) = (self.threads.clone_with_type::<Standing>(), object_id(wanted.thread_id));
        let find = async move { collection.find_one(doc! { "_id": id }).projection(projection).max_time(READ_LIMIT).await };
        self.calls.run("read a cursor", READ_LIMIT, find).await
    }

    /// Moves the cursor, unless somebody else was faster; the unread count afterwards.
    async fn step(&self, step: &Step<'_>, standing: &Standing) -> Result<Option<u64>, CallError> {
        let user = &step.wanted.user_id;
        let (read, delivered, unread) =
            (format!("readSeq.{user}"), format!("deliveredSeq.{user}"), format!("unreadCount.{user}"));
        let mut filter = doc! { "_id": object_id(step.wanted.thread_id) };
        let (unread_count, update) = match step.wanted.cursor {
            Cursor::Delivered => {
                filter.insert(&delivered, stored(&standing.delivered_seq, user));
                (standing.unread(user), doc! { "$set": { delivered: place(step.to) } })
            }
            Cursor::Read => {
                filter.insert("lastSeq", standing.last_seq);
                filter.insert(&read, stored(&standing.read_seq, user));
                let rest = self.count_others(step, count(standing.last_seq)).await?;
                let set = doc! { read: place(step.to), unread: place(rest) };
                (rest, doc! { "$set": set, "$max": { delivered: place(step.to) } })
            }
        };
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await };
        let written = self.calls.run(ADVANCE, WRITE_LIMIT, write).await?;
        Ok((written.matched_count == 1).then_some(unread_count))
    }

    /// Messages of others beyond the step, up to `last`.
    async fn count_others(&self, step: &Step<'_>, last: u64) -> Result<u64, CallError> {
        if last <= step.to {
            return Ok(0);
        }
        let (collection, filter) = (self.messages.clone(), step.others(step.to, last));
        let find = async move { collection.count_documents(filter).max_time(READ_LIMIT).await };
        self.calls.run("count unread messages", READ_LIMIT, find).await
    }

    /// Gives the messages of the step their receipts, newest first, since those are looked at.
    async fn write_receipts(&self, known: &Known, step: &Step<'_>) -> Result<(), CallError> {
        let mut to = step.to;
        while to > step.from {
            let from = step.from.max(to.saturating_sub(RECEIPTS_PER_COMMAND));
            let mut filter = step.others(from, to);
            filter.insert(format!("{}.userId", step.list()), doc! { "$ne": step.wanted.user_id.as_str() });
            let (collection, update) = (self.messages.clone(), step.receipts(&known.people));
            let write = async move { collection.update_many(filter, update).await.map(drop) };
            self.calls.run("write receipts", WRITE_LIMIT, write).await?;
            to = from;
        }
        Ok(())
    }

    /// The newest messages of the step, ascending.
    async fn receipted(&self, known: &Known, step: &Step<'_>) -> Result<Vec<Receipted>, CallError> {
        if known.people.len() > RECEIPT_PARTICIPANTS_MAX {
            return Ok(Vec::new());
        }
        let (collection, filter) = (self.messages.clone_with_type::<Summed>(), step.others(step.from, step.to));
        let find = async move {
            let find =
                collection.find(filter).projection(doc! { "seq": 1, "status": 1 }).sort(doc! { "threadId": -1, "seq": -1 });
            find.limit(i64::try_from(RECEIPTED_MAX).unwrap_or(i64::MAX)).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read receipts", READ_LIMIT, find).await?;
        let receipted = |found: Summed| Receipted {
            id: MessageId::from_bytes(found.id.bytes()),
            seq: count(found.seq),
            status: found.status,
        };
        Ok(found.into_iter().rev().map(receipted).collect())
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

impl Step<'_> {
    fn stays(&self, standing: &Standing) -> Advanced {
        let unread_count = standing.unread(&self.wanted.user_id);
        Advanced { from: self.from, up_to: self.from, unread_count, messages: Vec::new() }
    }

    /// Messages of others after `from` and up to `to`.
    fn others(&self, from: u64, to: u64) -> Document {
        let Self { wanted, .. } = self;
        let seq = doc! { "$gt": place(from), "$lte": place(to) };
        doc! { "threadId": wanted.thread_id.to_string(), "seq": seq, "senderId": { "$ne": wanted.user_id.as_str() } }
    }

    /// The list of receipts that decides whether a message has this one.
    fn list(&self) -> &'static str {
        match self.wanted.cursor {
            Cursor::Read => "readBy",
            Cursor::Delivered => "deliveredTo",
        }
    }

    /// Adds the receipt, then sums up: read (delivered) is what every recipient has read (got). User ids hold no `$`, so they are
    /// values as they are.
    fn receipts(&self, people: &[UserId]) -> Vec<Document> {
        let (user, at) = (self.wanted.user_id.as_str(), date(self.wanted.at));
        let with = |list: &str, receipt: Document| doc! { "$concatArrays": [{ "$ifNull": [list, []] }, [receipt]] };
        let users = |list: &str| doc! { "$ifNull": [format!("{list}.userId"), []] };
        let is_delivered = doc! { "$in": [user, users("$deliveredTo")] };
        let delivered = with("$deliveredTo", doc! { "userId": user, "deliveredAt": at });
        let mut set = doc! { "deliveredTo": { "$cond": [is_delivered, "$deliveredTo", delivered] } };
        if self.wanted.cursor == Cursor::Read {
            set.insert("readBy", with("$readBy", doc! { "userId": user, "readAt": at }));
        }
        let people: Vec<&str> = people.iter().map(UserId::as_str).collect();
        let all_in = |list: &str| doc! { "$setIsSubset": [{ "$setDifference": [&people, ["$senderId"]] }, users(list)] };
        let branches =
            [doc! { "case": all_in("$readBy"), "then": "read" }, doc! { "case": all_in("$deliveredTo"), "then": "delivered" }];
        let status = doc! { "$switch": { "branches": branches, "default": { "$ifNull": ["$status", "sent"] } } };
        vec![doc! { "$set": set }, doc! { "$set": { "status": status } }]
    }
}
