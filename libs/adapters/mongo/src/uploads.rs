//! Records of uploaded files.
//!
//! A record is one document with a revision, and a change replaces the revision that it was read with. Safe
//! to repeat because whoever comes second finds another revision.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::uploads::UploadRecord;
use crate::record::values::{count, date, object_id, place};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::{FileUsage, StoreError, Uploads};
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{AttachmentId, MessageId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

#[async_trait]
impl Uploads for MongoStore {
    async fn add_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let (collection, record) = (self.uploads.clone(), UploadRecord::new(upload, upload.revision));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        match self.calls.run("store an upload", WRITE_LIMIT, insert).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_duplicate() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn replace_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let (collection, record) = (self.uploads.clone(), UploadRecord::new(upload, upload.revision + 1));
        let filter = doc! { "_id": record.id, "revision": place(upload.revision) };
        let write = async move { collection.replace_one(filter, record).await };
        Ok(self.calls.run("change an upload", WRITE_LIMIT, write).await?.matched_count == 1)
    }

    async fn remove_upload(&self, id: AttachmentId, revision: u64) -> Result<bool, StoreError> {
        let collection = self.uploads.clone();
        let filter = doc! { "_id": object_id(id), "revision": place(revision) };
        let delete = async move { collection.delete_one(filter).await };
        Ok(self.calls.run("remove an upload", WRITE_LIMIT, delete).await?.deleted_count == 1)
    }

    async fn upload(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError> {
        let (collection, filter) = (self.uploads.clone(), doc! { "_id": object_id(id) });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read an upload", READ_LIMIT, find).await?;
        Ok(found.and_then(UploadRecord::into_upload))
    }

    async fn uploads_in(&self, message: MessageId) -> Result<Vec<Upload>, StoreError> {
        let of_message = doc! { "messageIds": object_id(message) };
        Ok(self.find_uploads(of_message, None, 0).await?)
    }

    async fn file_usage(&self, owner: &UserId) -> Result<FileUsage, StoreError> {
        let collection = self.uploads.clone_with_type::<Document>();
        let own = doc! { "ownerId": owner.as_str(), "counted": { "$gte": 0_i64 } };
        let waiting = doc! { "$sum": { "$cond": ["$isWaiting", 1_i64, 0_i64] } };
        let total = doc! { "_id": Bson::Null, "bytes": { "$sum": "$counted" }, "waiting": waiting };
        let sum = async move {
            let stages = [doc! { "$match": own }, doc! { "$group": total }];
            collection.aggregate(stages).max_time(READ_LIMIT).await?.try_next().await
        };
        let found = self.calls.run("count uploads", READ_LIMIT, sum).await?;
        let number = |key: &str| match found.as_ref().and_then(|sums| sums.get(key)) {
            Some(Bson::Int64(number)) => count(*number),
            Some(Bson::Int32(number)) => count(i64::from(*number)),
            _ => 0,
        };
        Ok(FileUsage { bytes: number("bytes"), waiting: number("waiting") })
    }

    async fn due_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<Upload>, StoreError> {
        let due = doc! { "dueAt": { "$lte": date(now) } };
        Ok(self.find_uploads(due, Some(doc! { "dueAt": 1 }), i64::from(limit)).await?)
    }
}

impl MongoStore {
    /// Uploads that these words select, in this order; a limit of 0 is none.
    pub(crate) async fn find_uploads(
        &self,
        filter: Document,
        order: Option<Document>,
        limit: i64,
    ) -> Result<Vec<Upload>, CallError> {
        let collection = self.uploads.clone();
        let find = async move {
            let find = collection.find(filter).sort(order.unwrap_or_default()).limit(limit);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list uploads", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(UploadRecord::into_upload).collect())
    }
}
