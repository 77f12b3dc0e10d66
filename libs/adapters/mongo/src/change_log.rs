//! The change log: which messages of a thread changed, in the order of their change numbers.
//!
//! In come messages that were changed, out of it come pages of what changed after a number. An entry's key is
//! its thread and its number; the key of the next entry is the newest one's plus one, and of two writers who
//! want it one is refused and takes the next. So number n is there before n + 1 is, and no entry ever appears
//! behind one that was read. Entries are never removed: a number that became free could be taken behind a
//! reader's back.
//!
//! An entry is written after its message and before the answer of the change. If the process ends in between,
//! the command comes again, finds its change made, and writes the entry then. Safe to repeat because one more
//! entry only tells a reader to look at the message once more.

use crate::call::{CallError, Cause};
use crate::connection::{CONCURRENT, READ_LIMIT, WRITE_LIMIT};
use crate::record::by_person::ByPerson;
use crate::record::change::ChangeRecord;
use crate::record::values::{count, object_id, place};
use crate::store::MongoStore;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{ChangePage, ChangedMessage, ChangedMessages};
use eventflow_protocol::change::PersonCursors;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};

/// Rounds that other writers may win. Each lost round is somebody else's change in the same thread, so losing
/// all of them takes as many people who change messages of one thread at once.
const ROUNDS_MAX: u32 = 64;

const LOG: &str = "log changes";

/// Everybody's cursors in a thread, by person.
#[derive(Default, Deserialize)]
struct CursorMaps {
    #[serde(default, rename = "readSeq")]
    read: ByPerson,
    #[serde(default, rename = "toldSeq")]
    told: ByPerson,
    #[serde(default, rename = "deliveredSeq")]
    delivered: ByPerson,
}

impl MongoStore {
    /// Writes an entry for each of these messages.
    pub(crate) async fn log_changes(&self, changed: Vec<(ThreadId, MessageId)>) -> Result<(), CallError> {
        let mut open = changed;
        for _ in 0..ROUNDS_MAX {
            if open.is_empty() {
                return Ok(());
            }
            let mut newest = self.newest_changes(open.iter().map(|(thread, _)| *thread)).await?;
            let mut next = |thread: ThreadId| {
                let number = newest.entry(thread).or_default();
                *number += 1;
                *number
            };
            let records =
                open.iter().map(|(thread, message)| ChangeRecord::new(*thread, next(*thread), *message));
            let (collection, records) = (self.changes.clone(), records.collect::<Vec<_>>());
            let insert = async move { collection.insert_many(records).ordered(true).await.map(drop) };
            match self.calls.run(LOG, WRITE_LIMIT, insert).await {
                Ok(()) => return Ok(()),
                // The entries before the refused one are there.
                Err(error) => drop(open.drain(..error.duplicate_at().ok_or(error)?)),
            }
        }
        Err(CallError::new(LOG, Cause::Contended(ROUNDS_MAX)))
    }

    async fn newest_changes(
        &self,
        threads: impl Iterator<Item = ThreadId>,
    ) -> Result<HashMap<ThreadId, u64>, CallError> {
        let threads: BTreeSet<ThreadId> = threads.collect();
        let newest = threads
            .into_iter()
            .map(|thread| async move { Ok((thread, self.read_newest_change(thread).await?)) });
        let newest: Vec<_> = newest.collect();
        stream::iter(newest).buffer_unordered(CONCURRENT).try_collect().await
    }

    /// See [`eventflow_ports::Store::newest_change`].
    pub(crate) async fn read_newest_change(&self, thread: ThreadId) -> Result<u64, CallError> {
        let collection = self.changes.clone();
        let find = async move {
            let find = collection.find_one(from(thread, 0)).sort(doc! { "_id": -1 });
            find.max_time(READ_LIMIT).await
        };
        let newest = self.calls.run("read the newest change", READ_LIMIT, find).await?;
        Ok(newest.map_or(0, |newest| newest.change()))
    }

    /// See [`eventflow_ports::Store::changes`]. The entry that the asker has is read too: that it is there
    /// shows that the asker's number is one of this thread.
    pub(crate) async fn read_changes(
        &self,
        thread: ThreadId,
        page: ChangePage,
    ) -> Result<ChangedMessages, CallError> {
        let limit = page.limit.clamp(1, PAGE_MAX);
        let mut entries = self.entries(thread, page.after, limit + 1).await?;
        if page.after > 0 && entries.is_empty() {
            let up_to = self.read_newest_change(thread).await?;
            return Ok(ChangedMessages { messages: Vec::new(), up_to, is_complete: true });
        }
        entries.retain(|entry| entry.change() > page.after);
        entries.truncate(limit as usize);
        let numbers: HashMap<MessageId, u64> = entries.iter().map(ChangeRecord::names).collect();
        let ids: Vec<MessageId> = numbers.keys().copied().collect();
        let found = self.find_messages(&ids).await?;
        let changed = |(id, message)| ChangedMessage { change: numbers[&id], message };
        let mut messages: Vec<ChangedMessage> = found.into_iter().map(changed).collect();
        messages.sort_unstable_by_key(|changed| changed.change);
        Ok(ChangedMessages {
            messages,
            up_to: entries.last().map_or(page.after, ChangeRecord::change),
            is_complete: entries.len() < limit as usize,
        })
    }

    /// The entries from this number on.
    async fn entries(
        &self,
        thread: ThreadId,
        change: u64,
        limit: u32,
    ) -> Result<Vec<ChangeRecord>, CallError> {
        let collection = self.changes.clone();
        let find = async move {
            let find = collection.find(from(thread, change)).sort(doc! { "_id": 1 });
            let find = find.limit(i64::from(limit)).batch_size(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("read changes", READ_LIMIT, find).await
    }

    /// See [`eventflow_ports::Store::cursors`].
    pub(crate) async fn read_cursors(&self, thread: ThreadId) -> Result<Vec<PersonCursors>, CallError> {
        let collection = self.threads.clone_with_type::<CursorMaps>();
        let find = async move {
            let find = collection.find_one(doc! { "_id": object_id(thread) });
            find.projection(doc! { "readSeq": 1, "toldSeq": 1, "deliveredSeq": 1 }).max_time(READ_LIMIT).await
        };
        let maps = self.calls.run("read cursors", READ_LIMIT, find).await?.unwrap_or_default();
        let people: BTreeSet<&UserId> = maps.read.keys().chain(maps.delivered.keys()).collect();
        let of = |cursors: &ByPerson, person| cursors.get(person).copied().map_or(0, count);
        let cursors = people.into_iter().map(|person| {
            let (read_seq, told_seq) = (of(&maps.read, person), of(&maps.told, person));
            PersonCursors {
                delivered_seq: of(&maps.delivered, person),
                read_seq: read_seq.max(told_seq),
                unread_after: Some(read_seq).filter(|read| *read < told_seq),
                user_id: person.clone(),
            }
        });
        Ok(cursors.collect())
    }
}

/// The entries of a thread from this number on.
fn from(thread: ThreadId, change: u64) -> Document {
    let key = |change: u64| doc! { "threadId": thread.to_string(), "change": place(change) };
    doc! { "_id": { "$gte": key(change), "$lte": key(u64::MAX) } }
}
