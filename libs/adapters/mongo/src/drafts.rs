//! Drafts.
//!
//! A draft is one document, and a change replaces the revision that it has read: of two changes at the same
//! time one is made again on what the other left. Safe to repeat because [`KeptDraft`] says which changes
//! count.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::drafts::DraftRecord;
use crate::record::values::{date, object_id, place};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{DraftPage, Drafts, StoreError, WithCommandId};
use eventflow_protocol::drafts::{DRAFTS_MAX, Draft, KeptDraft, SaveDraft, SavedDraft};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

/// Rounds of a change, while others change the same draft: a person has few devices.
const ROUNDS_MAX: u32 = 16;

#[async_trait]
impl Drafts for MongoStore {
    async fn save_draft(&self, save: &WithCommandId<SaveDraft>) -> Result<SavedDraft, StoreError> {
        let SaveDraft { user_id: user, thread_id: thread, .. } = &save.wanted;
        for _ in 0..ROUNDS_MAX {
            let mut kept = self.kept_draft(*thread, user).await?;
            let (before, was_there) = (kept.draft.revision, kept.draft.is_there());
            let saved = kept.save(save.command_id, &save.wanted);
            if !matches!(saved, SavedDraft::Done(_)) {
                return Ok(saved);
            }
            if !was_there && kept.draft.is_there() && self.count_drafts(user).await? >= u64::from(DRAFTS_MAX)
            {
                return Ok(SavedDraft::TooMany);
            }
            if self.replace_draft(before, &kept).await? {
                return Ok(saved);
            }
        }
        Ok(SavedDraft::Conflict(Box::new(self.draft(*thread, user).await?)))
    }

    async fn clear_draft(&self, thread: ThreadId, user: &UserId, at: Timestamp) -> Result<(), StoreError> {
        for _ in 0..ROUNDS_MAX {
            let mut kept = self.kept_draft(thread, user).await?;
            let before = kept.draft.revision;
            if !kept.clear(at) || self.replace_draft(before, &kept).await? {
                break;
            }
        }
        Ok(())
    }

    async fn draft(&self, thread: ThreadId, user: &UserId) -> Result<Draft, StoreError> {
        Ok(self.kept_draft(thread, user).await?.draft)
    }

    async fn drafts_of(&self, user: &UserId, page: DraftPage) -> Result<Vec<Draft>, StoreError> {
        let mut filter = with_text(user);
        if let Some((at, thread)) = page.after {
            // As for notifications: the first condition bounds the scan.
            filter.insert("updatedAt", doc! { "$lte": date(at) });
            filter.insert(
                "$or",
                [
                    doc! { "updatedAt": { "$lt": date(at) } },
                    doc! { "threadId": { "$lt": object_id(thread) } },
                ],
            );
        }
        let (collection, limit) = (self.drafts.clone(), i64::from(page.limit.clamp(1, PAGE_MAX)));
        let find = async move {
            let order = doc! { "updatedAt": -1, "threadId": -1 };
            let find = collection.find(filter).sort(order).limit(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list drafts", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(|record| KeptDraft::from(record).draft).collect())
    }
}

impl MongoStore {
    async fn kept_draft(&self, thread: ThreadId, user: &UserId) -> Result<KeptDraft, CallError> {
        let (collection, filter) = (self.drafts.clone(), by_key(user, thread));
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a draft", READ_LIMIT, find).await?;
        Ok(found.map_or_else(|| KeptDraft::none(user, thread), KeptDraft::from))
    }

    async fn count_drafts(&self, user: &UserId) -> Result<u64, CallError> {
        let (collection, filter) = (self.drafts.clone(), with_text(user));
        let count = async move {
            collection.count_documents(filter).limit(u64::from(DRAFTS_MAX)).max_time(READ_LIMIT).await
        };
        self.calls.run("count drafts", READ_LIMIT, count).await
    }

    /// Writes a draft over the revision that was read; `false` if somebody else was faster.
    async fn replace_draft(&self, before: u64, kept: &KeptDraft) -> Result<bool, CallError> {
        let (collection, next) = (self.drafts.clone(), DraftRecord::new(kept));
        if before == 0 {
            let insert = async move { collection.insert_one(next).await.map(drop) };
            return match self.calls.run("store a draft", WRITE_LIMIT, insert).await {
                Ok(()) => Ok(true),
                Err(error) if error.is_duplicate() => Ok(false),
                Err(error) => Err(error),
            };
        }
        let mut filter = by_key(&kept.draft.user_id, kept.draft.thread_id);
        filter.insert("revision", place(before));
        let write = async move { collection.replace_one(filter, next).await };
        Ok(self.calls.run("change a draft", WRITE_LIMIT, write).await?.matched_count == 1)
    }
}

fn by_key(user: &UserId, thread: ThreadId) -> Document {
    doc! { "_id": { "userId": user.as_str(), "threadId": object_id(thread) } }
}

/// A person's drafts that have a text, in the words of their index.
fn with_text(user: &UserId) -> Document {
    doc! { "userId": user.as_str(), "content": { "$gt": "" } }
}
