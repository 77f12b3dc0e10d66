//! Scheduled messages.
//!
//! A scheduled message is one document with a revision, and a change replaces the revision that it has read:
//! of two changes at the same time one is made again on what the other left. Safe to repeat because
//! [`ScheduledMessage`] says which changes count.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::scheduled::ScheduledRecord;
use crate::record::values::{date, object_id};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{IsNew, Rescheduling, Scheduled, ScheduledPage, Scheduling, StoreError, WithCommandId};
use eventflow_protocol::scheduled::{
    CancelScheduled, ChangeScheduled, NotSent, SCHEDULED_MAX, ScheduleMessage, ScheduledMessage,
};
use eventflow_protocol::{MessageId, ScheduledId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

/// Rounds of a change, while others change the same message: one person and a few workers.
const ROUNDS_MAX: u32 = 16;
/// Messages that a worker looks at, of which others take some at the same moment.
const LOOKED_AT: i64 = 16;
/// Messages deleted at a time.
const FORGOTTEN_AT_ONCE: i64 = 100;

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
        self.reschedule(change.wanted.id, |kept| Rescheduling::change(kept, change)).await
    }

    async fn cancel_scheduled(&self, cancel: &CancelScheduled) -> Result<Rescheduling, StoreError> {
        self.reschedule(cancel.id, |kept| Rescheduling::cancel(kept, cancel)).await
    }

    async fn claim_scheduled(&self, now: Timestamp) -> Result<Vec<ScheduledMessage>, StoreError> {
        let due = doc! { "claimableAt": { "$lte": date(now) } };
        let mut claimed = Vec::new();
        for record in self.find_scheduled(due, doc! { "claimableAt": 1 }, LOOKED_AT).await? {
            let revision = record.revision;
            let Some(mut kept) = record.into_message() else { continue };
            if kept.claim(now) && self.replace_scheduled(&kept, revision).await? {
                claimed.push(kept);
            }
        }
        Ok(claimed)
    }

    async fn finish_scheduled(
        &self,
        id: ScheduledId,
        outcome: Result<MessageId, NotSent>,
        at: Timestamp,
    ) -> Result<Option<ScheduledMessage>, StoreError> {
        for _ in 0..ROUNDS_MAX {
            let Some((mut kept, revision)) = self.read_scheduled(id).await? else { return Ok(None) };
            if !kept.finish(outcome, at) || self.replace_scheduled(&kept, revision).await? {
                return Ok(Some(kept));
            }
        }
        // A worker claims it again later, and its end is noted then.
        Ok(None)
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
        let found = self.find_scheduled(filter, doc! { "sendAt": -1, "_id": -1 }, limit).await?;
        Ok(found.into_iter().filter_map(ScheduledRecord::into_message).collect())
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
    /// Makes what a person wants of a message, on what is there.
    async fn reschedule(
        &self,
        id: ScheduledId,
        wish: impl Fn(Option<ScheduledMessage>) -> Rescheduling + Send + Sync,
    ) -> Result<Rescheduling, StoreError> {
        for _ in 0..ROUNDS_MAX {
            let (kept, revision) = self.read_scheduled(id).await?.unzip();
            let answer = wish(kept);
            let Rescheduling::Done(kept, IsNew::Yes) = &answer else { return Ok(answer) };
            if self.replace_scheduled(kept, revision.unwrap_or_default()).await? {
                return Ok(answer);
            }
        }
        Ok(Rescheduling::TooLate)
    }

    async fn count_waiting(&self, user: &UserId) -> Result<u64, CallError> {
        let filter = doc! { "senderId": user.as_str(), "claimableAt": { "$exists": true } };
        let collection = self.scheduled.clone();
        let most = u64::from(SCHEDULED_MAX);
        let count = async move { collection.count_documents(filter).limit(most).max_time(READ_LIMIT).await };
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

    async fn find_scheduled(
        &self,
        filter: Document,
        order: Document,
        limit: i64,
    ) -> Result<Vec<ScheduledRecord>, CallError> {
        let collection = self.scheduled.clone();
        let find = async move {
            let find = collection.find(filter).sort(order).limit(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("list scheduled messages", READ_LIMIT, find).await
    }

    /// Writes a message over the revision that was read; `false` if somebody else was faster.
    async fn replace_scheduled(&self, kept: &ScheduledMessage, read: i64) -> Result<bool, CallError> {
        let next = ScheduledRecord::new(kept, read + 1);
        let (collection, filter) = (self.scheduled.clone(), doc! { "_id": next.id, "revision": read });
        let write = async move { collection.replace_one(filter, next).await };
        Ok(self.calls.run("change a scheduled message", WRITE_LIMIT, write).await?.matched_count == 1)
    }
}
