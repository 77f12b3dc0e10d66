//! Scheduled messages.
//!
//! A scheduled message is one document with a revision, and a change replaces the revision that it has read:
//! of two changes at the same time one is made again on what the other left. Safe to repeat because
//! [`ScheduledMessage`] says which changes count.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::scheduled::ScheduledRecord;
use crate::record::values::{date, moment, object_id};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::scheduled::{Step, WAITING_COUNTED};
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{
    Backlog, DueMessage, Rescheduling, Scheduled, ScheduledPage, Scheduling, StoreError, WithCommandId,
};
use eventflow_protocol::scheduled::{
    ChangeScheduled, NotSent, SCHEDULED_MAX, ScheduleMessage, ScheduledMessage,
};
use eventflow_protocol::{MessageId, ScheduledId, ThreadId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use serde::Deserialize;

/// Rounds of a change, while others change the same message: one person and a few workers.
const ROUNDS_MAX: u32 = 16;
/// Messages deleted at a time.
const FORGOTTEN_AT_ONCE: i64 = 100;

/// What the index of due messages says of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DueRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    thread_id: ObjectId,
    due_at: DateTime,
}

#[async_trait]
impl Scheduled for MongoStore {
    async fn schedule(&self, new: &ScheduleMessage) -> Result<Scheduling, StoreError> {
        if let Some(known) = self.scheduled(new.id).await? {
            return Ok(Scheduling::again(new, known));
        }
        if self.count_waiting(&new.message.sender_id).await? >= u64::from(SCHEDULED_MAX) {
            return Ok(Scheduling::TooMany);
        }
        let kept = ScheduledMessage::new(new);
        let (collection, record) = (self.scheduled.clone(), ScheduledRecord::new(&kept, 0));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        match self.calls.run("schedule a message", WRITE_LIMIT, insert).await {
            Ok(()) => return Ok(Scheduling::Stored(Box::new(kept))),
            Err(error) if error.is_duplicate() => {}
            Err(error) => return Err(error.into()),
        }
        let known = self.scheduled(new.id).await?;
        Ok(known.map_or(Scheduling::KeyReused, |known| Scheduling::again(new, known)))
    }

    async fn change_scheduled(
        &self,
        change: &WithCommandId<ChangeScheduled>,
    ) -> Result<Rescheduling, StoreError> {
        for _ in 0..ROUNDS_MAX {
            let (kept, revision) = self.read_scheduled(change.wanted.id).await?.unzip();
            let answer = Rescheduling::of(kept, change);
            let Some(changed) = answer.to_write() else { return Ok(answer) };
            if self.replace_scheduled(changed, revision.unwrap_or_default()).await? {
                return Ok(answer);
            }
        }
        Err(contended())
    }

    async fn due_scheduled(&self, now: Timestamp, limit: u32) -> Result<Vec<DueMessage>, StoreError> {
        let due = doc! { "dueAt": { "$lte": date(now) } };
        let found = self.find_due(due, limit).await?;
        Ok(found.into_iter().map(DueRecord::into_due).collect())
    }

    async fn begin_scheduled(&self, id: ScheduledId, at: Timestamp) -> Result<Option<Step>, StoreError> {
        self.step_of_scheduled(id, |kept| kept.begin(at)).await
    }

    async fn end_scheduled(
        &self,
        id: ScheduledId,
        outcome: Result<MessageId, NotSent>,
        at: Timestamp,
    ) -> Result<Option<Step>, StoreError> {
        self.step_of_scheduled(id, |kept| kept.end(outcome, at)).await
    }

    async fn scheduled(&self, id: ScheduledId) -> Result<Option<ScheduledMessage>, StoreError> {
        Ok(self.read_scheduled(id).await?.map(|(kept, _)| kept))
    }

    async fn scheduled_of(
        &self,
        user: &UserId,
        page: ScheduledPage,
    ) -> Result<Vec<ScheduledMessage>, StoreError> {
        let mut filter = doc! { "senderId": user.as_str() };
        if let Some((at, id)) = page.after {
            // As for notifications: the first condition bounds the scan.
            filter.insert("sendAt", doc! { "$lte": date(at) });
            filter.insert(
                "$or",
                [doc! { "sendAt": { "$lt": date(at) } }, doc! { "_id": { "$lt": object_id(id) } }],
            );
        }
        let limit = i64::from(page.limit.clamp(1, PAGE_MAX));
        let collection = self.scheduled.clone();
        let find = async move {
            let order = doc! { "sendAt": -1, "_id": -1 };
            let find = collection.find(filter).sort(order).limit(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list scheduled messages", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(ScheduledRecord::into_message).collect())
    }

    async fn scheduled_backlog(&self) -> Result<Backlog, StoreError> {
        let waits = || doc! { "dueAt": { "$exists": true } };
        let first = self.find_due(waits(), 1).await?;
        let collection = self.scheduled.clone();
        let count = async move {
            let count = collection.count_documents(waits());
            count.limit(WAITING_COUNTED.into()).max_time(READ_LIMIT).await
        };
        let waiting = self.calls.run("count scheduled messages", READ_LIMIT, count).await?;
        Ok(Backlog { waiting, first: first.first().map(|first| moment(first.due_at)) })
    }

    async fn forget_scheduled(&self, before: Timestamp) -> Result<u64, StoreError> {
        let (collection, old) =
            (self.scheduled.clone_with_type::<Document>(), doc! { "endedAt": { "$lt": date(before) } });
        let delete = async move {
            let find = collection.find(old).projection(doc! { "_id": 1 }).limit(FORGOTTEN_AT_ONCE);
            let found: Vec<Document> = find.await?.try_collect().await?;
            let ids: Vec<_> = found.iter().filter_map(|one| one.get("_id")).collect();
            if ids.is_empty() {
                return Ok(0);
            }
            Ok(collection.delete_many(doc! { "_id": { "$in": ids } }).await?.deleted_count)
        };
        Ok(self.calls.run("forget scheduled messages", WRITE_LIMIT, delete).await?)
    }
}

impl MongoStore {
    /// Makes a step of a message, which says whether it was made now.
    async fn step_of_scheduled(
        &self,
        id: ScheduledId,
        make: impl Fn(&mut ScheduledMessage) -> bool + Send + Sync,
    ) -> Result<Option<Step>, StoreError> {
        for _ in 0..ROUNDS_MAX {
            let Some((mut scheduled, revision)) = self.read_scheduled(id).await? else { return Ok(None) };
            let is_new = make(&mut scheduled);
            if !is_new || self.replace_scheduled(&scheduled, revision).await? {
                return Ok(Some(Step { scheduled, is_new }));
            }
        }
        Err(contended())
    }

    async fn count_waiting(&self, user: &UserId) -> Result<u64, CallError> {
        let filter = doc! { "senderId": user.as_str(), "dueAt": { "$exists": true } };
        let collection = self.scheduled.clone();
        let count = async move {
            let count = collection.count_documents(filter);
            count.limit(SCHEDULED_MAX.into()).max_time(READ_LIMIT).await
        };
        self.calls.run("count scheduled messages", READ_LIMIT, count).await
    }

    async fn read_scheduled(&self, id: ScheduledId) -> Result<Option<(ScheduledMessage, i64)>, CallError> {
        let (collection, filter) = (self.scheduled.clone(), doc! { "_id": object_id(id) });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a scheduled message", READ_LIMIT, find).await?;
        Ok(found.and_then(|record| {
            let revision = record.revision;
            Some((record.into_message()?, revision))
        }))
    }

    /// Reads from the index of due messages alone.
    async fn find_due(&self, filter: Document, limit: u32) -> Result<Vec<DueRecord>, CallError> {
        let collection = self.scheduled.clone_with_type::<DueRecord>();
        let find = async move {
            let order = doc! { "dueAt": 1, "createdAt": 1, "_id": 1 };
            let shown = doc! { "dueAt": 1, "threadId": 1 };
            let find = collection.find(filter).sort(order).projection(shown).limit(limit.into());
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("find scheduled messages that are due", READ_LIMIT, find).await
    }

    /// Writes a message over the revision that was read; `false` if somebody else was faster.
    async fn replace_scheduled(&self, kept: &ScheduledMessage, read: i64) -> Result<bool, CallError> {
        let next = ScheduledRecord::new(kept, read + 1);
        let (collection, filter) = (self.scheduled.clone(), doc! { "_id": next.id, "revision": read });
        let write = async move { collection.replace_one(filter, next).await };
        Ok(self.calls.run("change a scheduled message", WRITE_LIMIT, write).await?.matched_count == 1)
    }
}

impl DueRecord {
    fn into_due(self) -> DueMessage {
        DueMessage {
            id: ScheduledId::from_bytes(self.id.bytes()),
            thread_id: ThreadId::from_bytes(self.thread_id.bytes()),
        }
    }
}

fn contended() -> StoreError {
    CallError::new("change a scheduled message", Cause::Contended(ROUNDS_MAX)).into()
}
