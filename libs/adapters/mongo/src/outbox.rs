//! The outbox: what would have been sent, as long as nothing is configured to send it.
//!
//! Safe to repeat because an item replaces the one with its id.

use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::mail::OutboxRecord;
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::outbox::OUTBOX_MAX;
use eventflow_ports::{Outbox, OutboxItem, StoreError};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

#[async_trait]
impl Outbox for MongoStore {
    async fn keep(&self, item: &OutboxItem) -> Result<(), StoreError> {
        let record = OutboxRecord::from(item);
        let collection = self.outbox.clone();
        let filter = doc! { "_id": &record.id };
        let write = async move { collection.replace_one(filter, record).upsert(true).await.map(drop) };
        self.calls.run("keep in the outbox", WRITE_LIMIT, write).await?;
        self.drop_oldest().await
    }

    async fn kept(&self, limit: u32) -> Result<Vec<OutboxItem>, StoreError> {
        let collection = self.outbox.clone();
        let limit = i64::from(limit.min(OUTBOX_MAX));
        let find = async move {
            let find = collection.find(doc! {}).sort(newest_first()).limit(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list the outbox", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(OutboxRecord::into_item).collect())
    }

    async fn kept_item(&self, id: &str) -> Result<Option<OutboxItem>, StoreError> {
        let (collection, filter) = (self.outbox.clone(), doc! { "_id": id });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read the outbox", READ_LIMIT, find).await?;
        Ok(found.and_then(OutboxRecord::into_item))
    }
}

impl MongoStore {
    async fn drop_oldest(&self) -> Result<(), StoreError> {
        let collection = self.outbox.clone_with_type::<Document>();
        let delete = async move {
            let find = collection.find(doc! {}).sort(newest_first()).skip(u64::from(OUTBOX_MAX));
            let old: Vec<Document> = find.projection(doc! { "_id": 1 }).await?.try_collect().await?;
            let ids: Vec<Bson> = old.into_iter().filter_map(|item| item.get("_id").cloned()).collect();
            if ids.is_empty() {
                return Ok(());
            }
            collection.delete_many(doc! { "_id": { "$in": ids } }).await.map(drop)
        };
        Ok(self.calls.run("shorten the outbox", WRITE_LIMIT, delete).await?)
    }
}

fn newest_first() -> Document {
    doc! { "at": -1, "_id": -1 }
}
