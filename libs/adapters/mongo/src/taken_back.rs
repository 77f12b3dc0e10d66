//! Messages that were taken back: they leave the unread counts of those who had not read them.
//!
//! What was taken back is counted in an index that holds nothing else, each time somebody looks; so nothing
//! has to be brought up to date for each person. `takenBackSeq` of a thread says where the newest such
//! message is: who has read that far needs no count. It rises after the message was changed, and a command
//! that comes again raises it again.
//!
//! Small threads also keep the published schema's `unreadCount`. It is written anew from the facts, by a
//! compare-and-set over everything that it follows from. Reading names `takenBackTimes` in its own
//! compare-and-set ([`crate::cursors`]), so it cannot write a count from before.

use crate::advances::{between, others};
use crate::call::{CallError, Cause};
use crate::connection::{CONCURRENT, READ_LIMIT, WRITE_LIMIT};
use crate::record::by_person::field_of;
use crate::record::counters::Counters;
use crate::record::values::{count, object_id, place};
use crate::store::MongoStore;
use eventflow_protocol::change::{Cursor, RECEIPT_PARTICIPANTS_MAX};
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{Bson, Document, deserialize_from_document, doc};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Rounds that other writers may win, each by a message, by a reading, or by taking another message back.
const ROUNDS_MAX: u32 = 64;

const UNCOUNT: &str = "count what was taken back";

/// Messages of others than `user`, after one place and up to another.
pub(crate) struct OthersRange<'a> {
    pub(crate) thread: ThreadId,
    pub(crate) user: &'a UserId,
    pub(crate) after: u64,
    pub(crate) up_to: u64,
}

impl<'a> OthersRange<'a> {
    /// What to count of the messages that were taken back beyond a place; `None` if none was.
    pub(crate) fn of_taken_back(counters: &Counters, user: &'a UserId, place: u64) -> Option<Self> {
        let range = || Self { thread: counters.thread(), user, after: place, up_to: counters.last() };
        counters.has_taken_back_after(place).then(range)
    }
}

/// A message that was taken back.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TakenBack {
    seq: i64,
    sender_id: UserId,
}

impl MongoStore {
    /// How many messages of each range were taken back; nothing is asked for `None`.
    pub(crate) async fn count_taken_back(
        &self,
        ranges: Vec<Option<OthersRange<'_>>>,
    ) -> Result<Vec<u64>, CallError> {
        let ask = |range: Option<OthersRange<'_>>| {
            let filter = range.map(|range| {
                let mut filter = others(range.thread, range.user, range.after, range.up_to);
                filter.extend(is_taken_back());
                filter
            });
            async move {
                match filter {
                    Some(filter) => self.count_messages(filter).await,
                    None => Ok(0),
                }
            }
        };
        let asked: Vec<_> = ranges.into_iter().map(ask).collect();
        stream::iter(asked).buffered(CONCURRENT).try_collect().await
    }

    /// Takes messages out of the unread counts, after they were taken back.
    pub(crate) async fn uncount(&self, taken_back: &[&Message]) -> Result<(), CallError> {
        let mut newest: BTreeMap<ThreadId, u64> = BTreeMap::new();
        for message in taken_back {
            let seq = newest.entry(message.thread_id).or_default();
            *seq = message.seq.max(*seq);
        }
        self.catch_up(newest.keys().copied()).await?;
        for (thread, seq) in newest {
            self.uncount_in(thread, seq).await?;
        }
        Ok(())
    }

    /// See [`eventflow_ports::Store::unread_of_others`].
    pub(crate) async fn read_unread_of_others(
        &self,
        message: &Message,
    ) -> Result<Vec<(UserId, u64)>, CallError> {
        self.catch_up([message.thread_id]).await?;
        let known = self.known([message.thread_id]).await?;
        let Some(known) = known.get(&message.thread_id) else { return Ok(Vec::new()) };
        if known.people.len() > RECEIPT_PARTICIPANTS_MAX {
            return Ok(Vec::new());
        }
        let Some((counters, _)) = self.all_counters(message.thread_id).await? else { return Ok(Vec::new()) };
        let has_to_read = |person: &&UserId| {
            **person != message.sender_id && counters.cursor(person, Cursor::Read) < message.seq
        };
        let mut people: Vec<&UserId> = known.people.iter().filter(has_to_read).collect();
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.read_participants(&[message.thread_id]).await?.remove(&message.thread_id);
        people.retain(|person| there.as_ref().is_some_and(|people| people.contains(person)));
        self.unread(&counters, &people).await
    }

    async fn uncount_in(&self, thread: ThreadId, seq: u64) -> Result<(), CallError> {
        let known = self.known([thread]).await?;
        let Some(known) = known.get(&thread) else { return Ok(()) };
        if !known.is_small() {
            return self.write_counters(doc! { "_id": object_id(thread) }, newest(seq)).await.map(drop);
        }
        let people: Vec<&UserId> = known.people.iter().collect();
        for _ in 0..ROUNDS_MAX {
            let Some((counters, read_seq)) = self.all_counters(thread).await? else { return Ok(()) };
            let unread: Document = (self.unread(&counters, &people).await?.into_iter())
                .map(|(person, unread)| (field_of(&person).into_owned(), Bson::Int64(place(unread))))
                .collect();
            let filter = doc! {
                "_id": object_id(thread), "lastSeq": counters.last_seq, "readSeq": read_seq,
                "takenBackTimes": counters.taken_back_times,
            };
            let mut update = newest(seq);
            update.insert("$set", doc! { "unreadCount": unread });
            update.insert("$inc", doc! { "takenBackTimes": 1_i64 });
            if self.write_counters(filter, update).await? {
                return Ok(());
            }
        }
        Err(CallError::new(UNCOUNT, Cause::Contended(ROUNDS_MAX)))
    }

    /// `false` if the filter found nothing.
    async fn write_counters(&self, filter: Document, update: Document) -> Result<bool, CallError> {
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await };
        Ok(self.calls.run(UNCOUNT, WRITE_LIMIT, write).await?.matched_count == 1)
    }

    /// The counters of everybody in a thread, and `readSeq` as it is stored.
    async fn all_counters(&self, thread: ThreadId) -> Result<Option<(Counters, Bson)>, CallError> {
        let collection = self.threads.clone_with_type::<Document>();
        let fields = doc! {
            "lastSeq": 1, "readSeq": 1, "sentBeyond": 1, "unreadCount": 1, "takenBackSeq": 1, "takenBackTimes": 1,
        };
        let find = async move {
            let find = collection.find_one(doc! { "_id": object_id(thread) }).projection(fields);
            let Some(found) = find.max_time(READ_LIMIT).await? else { return Ok(None) };
            let read_seq = found.get("readSeq").cloned().unwrap_or(Bson::Null);
            Ok(Some((deserialize_from_document(found)?, read_seq)))
        };
        self.calls.run("read counters", READ_LIMIT, find).await
    }

    /// What these people have left to read.
    async fn unread(&self, counters: &Counters, people: &[&UserId]) -> Result<Vec<(UserId, u64)>, CallError> {
        let place_of = |person: &UserId| counters.cursor(person, Cursor::Read);
        let Some(first) = people.iter().map(|person| place_of(person)).min() else { return Ok(Vec::new()) };
        let gone = self.taken_back(counters.thread(), first, counters.last()).await?;
        let unread = |person: &&UserId| {
            let is_theirs_to_read =
                |gone: &&TakenBack| count(gone.seq) > place_of(person) && gone.sender_id != **person;
            let gone = gone.iter().filter(is_theirs_to_read).count() as u64;
            ((*person).clone(), counters.of_others_beyond(person).saturating_sub(gone))
        };
        Ok(people.iter().map(unread).collect())
    }

    async fn taken_back(
        &self,
        thread: ThreadId,
        after: u64,
        up_to: u64,
    ) -> Result<Vec<TakenBack>, CallError> {
        let mut filter = between(thread, after, up_to);
        filter.extend(is_taken_back());
        let collection = self.messages.clone_with_type::<TakenBack>();
        let find = async move {
            let find = collection.find(filter).projection(doc! { "_id": 0, "seq": 1, "senderId": 1 });
            find.max_time(READ_LIMIT).await?.try_collect().await
        };
        self.calls.run("read what was taken back", READ_LIMIT, find).await
    }
}

fn is_taken_back() -> Document {
    doc! { "deletedAt": { "$exists": true } }
}

fn newest(taken_back: u64) -> Document {
    doc! { "$max": { "takenBackSeq": place(taken_back) } }
}
