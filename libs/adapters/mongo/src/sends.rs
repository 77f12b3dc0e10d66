//! Sends to many people.
//!
//! A send is one document with a revision, and a change replaces the revision that it has read: of two
//! changes at the same time one is made again on what the other left. Safe to repeat because [`BulkSend`]
//! says which changes count.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::sends::SendRecord;
use crate::record::values::{date, object_id};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{AddedSend, CancelledSend, SendPage, Sends, StoreError};
use eventflow_protocol::sends::{BulkSend, CancelSend, NewSend, SendStep};
use eventflow_protocol::{SendId, Timestamp};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

/// Rounds of a change, while others change the same send: workers and administrators are few.
const ROUNDS_MAX: u32 = 16;
/// Sends that a worker looks at, of which others take some at the same moment.
const LOOKED_AT: i64 = 16;
/// Sends deleted at a time: one of a thousand people is some 100 KB.
const FORGOTTEN_AT_ONCE: i64 = 100;

#[async_trait]
impl Sends for MongoStore {
    async fn add_send(&self, new: &NewSend) -> Result<AddedSend, StoreError> {
        let send = BulkSend::new(new.clone());
        let (collection, record) = (self.sends.clone(), SendRecord::new(&send, 0));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        match self.calls.run("store a send", WRITE_LIMIT, insert).await {
            Ok(()) => return Ok(AddedSend::Stored(Box::new(send))),
            Err(error) if error.is_duplicate() => {}
            Err(error) => return Err(error.into()),
        }
        let known = self.bulk_send(new.id).await?;
        Ok(known.map_or(AddedSend::KeyReused, |known| AddedSend::again(new, known)))
    }

    async fn cancel_send(&self, cancel: &CancelSend) -> Result<CancelledSend, StoreError> {
        if let Some(cancelled) = self.change_send(cancel.id, |send| send.cancel(cancel.at)).await? {
            return Ok(CancelledSend::Done(Box::new(cancelled)));
        }
        Ok(CancelledSend::unchanged(self.bulk_send(cancel.id).await?))
    }

    async fn claim_send(&self, now: Timestamp, until: Timestamp) -> Result<Option<BulkSend>, StoreError> {
        let due = doc! { "claimableAt": { "$lte": date(now) } };
        for record in self.find_sends(due, doc! { "claimableAt": 1 }, LOOKED_AT).await? {
            let Some(BulkSend { id, .. }) = record.into_send() else { continue };
            if let Some(claimed) = self.change_send(id, |send| send.claim(now, until)).await? {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    async fn advance_send(
        &self,
        id: SendId,
        step: &SendStep,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<BulkSend>, StoreError> {
        Ok(self.change_send(id, |send| send.advance(step, now, until)).await?)
    }

    async fn release_send(&self, id: SendId, until: Timestamp) -> Result<(), StoreError> {
        Ok(self.change_send(id, |send| send.release(until)).await.map(drop)?)
    }

    async fn bulk_send(&self, id: SendId) -> Result<Option<BulkSend>, StoreError> {
        Ok(self.read_send(id).await?.and_then(SendRecord::into_send))
    }

    async fn bulk_sends(&self, page: SendPage) -> Result<Vec<BulkSend>, StoreError> {
        let mut filter = Document::new();
        if let Some((at, id)) = page.after {
            // As for notifications: the first condition bounds the scan.
            filter.insert("createdAt", doc! { "$lte": date(at) });
            filter.insert(
                "$or",
                [doc! { "createdAt": { "$lt": date(at) } }, doc! { "_id": { "$lt": object_id(id) } }],
            );
        }
        let limit = i64::from(page.limit.clamp(1, PAGE_MAX));
        let found = self.find_sends(filter, doc! { "createdAt": -1, "_id": -1 }, limit).await?;
        Ok(found.into_iter().filter_map(SendRecord::into_send).collect())
    }

    async fn forget_sends(&self, before: Timestamp) -> Result<u64, StoreError> {
        let (collection, old) =
            (self.sends.clone_with_type::<Document>(), doc! { "endedAt": { "$lt": date(before) } });
        let delete = async move {
            let find = collection.find(old).projection(doc! { "_id": 1 }).limit(FORGOTTEN_AT_ONCE);
            let found: Vec<Document> = find.await?.try_collect().await?;
            let ids: Vec<_> = found.iter().filter_map(|send| send.get("_id")).collect();
            if ids.is_empty() {
                return Ok(0);
            }
            Ok(collection.delete_many(doc! { "_id": { "$in": ids } }).await?.deleted_count)
        };
        Ok(self.calls.run("forget sends", WRITE_LIMIT, delete).await?)
    }
}

impl MongoStore {
    async fn read_send(&self, id: SendId) -> Result<Option<SendRecord>, CallError> {
        let (collection, filter) = (self.sends.clone(), doc! { "_id": object_id(id) });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        self.calls.run("read a send", READ_LIMIT, find).await
    }

    async fn find_sends(
        &self,
        filter: Document,
        order: Document,
        limit: i64,
    ) -> Result<Vec<SendRecord>, CallError> {
        let collection = self.sends.clone();
        let find = async move {
            let find = collection.find(filter).sort(order).limit(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("list sends", READ_LIMIT, find).await
    }

    /// Makes a change. `None` if there is no such send, or the change does not count.
    async fn change_send(
        &self,
        id: SendId,
        change: impl Fn(&mut BulkSend) -> bool + Send + Sync,
    ) -> Result<Option<BulkSend>, CallError> {
        for _ in 0..ROUNDS_MAX {
            let Some(record) = self.read_send(id).await? else { return Ok(None) };
            let revision = record.revision;
            let Some(mut send) = record.into_send() else { return Ok(None) };
            if !change(&mut send) {
                return Ok(None);
            }
            let next = SendRecord::new(&send, revision + 1);
            let (collection, filter) = (self.sends.clone(), doc! { "_id": next.id, "revision": revision });
            let write = async move { collection.replace_one(filter, next).await };
            if self.calls.run("change a send", WRITE_LIMIT, write).await?.matched_count == 1 {
                return Ok(Some(send));
            }
        }
        Ok(None)
    }
}
