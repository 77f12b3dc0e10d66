//! Erasures: marks, and which threads keep something of a person.
//!
//! An erasure is one document with a revision, and a change replaces the revision that it was read with. Safe
//! to repeat because whoever comes second finds another revision.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::by_person::{ByPerson, path_of};
use crate::record::erasures::ErasureRecord;
use crate::record::values::{count, date, object_id, place};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::erasures::{Mark, Membership, THREADS_LOOKED_AT};
use eventflow_ports::search::{Block, Run};
use eventflow_ports::{Erasures, FoundThreads, OwnErased, StoreError};
use eventflow_protocol::dead_letters::DeadLetterId;
use eventflow_protocol::erasure::Erasure;
use eventflow_protocol::group::{Group, Role};
use eventflow_protocol::reports::Report;
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{AttachmentId, MailAddress, MessageId, ThreadId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use serde::Deserialize;

/// The maps in which a thread names whoever has read it, got it or written there, also after they have left.
const TRACES: [&str; 3] = ["readSeq", "deliveredSeq", "sentBeyond"];

#[derive(Deserialize)]
struct IdOnly {
    #[serde(rename = "_id")]
    id: ObjectId,
}

/// What a thread keeps of one person.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MembershipRecord {
    #[serde(default)]
    participants: Vec<UserId>,
    #[serde(default)]
    archived_by: Vec<UserId>,
    #[serde(default)]
    group: Option<Group>,
    #[serde(default)]
    joined_at: ByPerson,
    #[serde(default)]
    read_seq: ByPerson,
    #[serde(default)]
    delivered_seq: ByPerson,
    #[serde(default)]
    since_seq: ByPerson,
    #[serde(default)]
    sent_beyond: ByPerson,
}

#[async_trait]
impl Erasures for MongoStore {
    async fn begin_erasure(&self, new: &Erasure) -> Result<(Erasure, bool), StoreError> {
        let (collection, record) = (self.erasures.clone(), ErasureRecord::new(new, new.revision));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        match self.calls.run("begin an erasure", WRITE_LIMIT, insert).await {
            Ok(()) => Ok((new.clone(), true)),
            // Erasures are never removed, so the one that the insert met is found.
            Err(error) if error.is_duplicate() => {
                Ok((self.erasure(&new.user_id).await?.ok_or(error)?, false))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn erasure(&self, user: &UserId) -> Result<Option<Erasure>, StoreError> {
        let (collection, filter) = (self.erasures.clone(), doc! { "_id": user.as_str() });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read an erasure", READ_LIMIT, find).await?;
        Ok(found.and_then(ErasureRecord::into_erasure))
    }

    async fn replace_erasure(&self, erasure: &Erasure) -> Result<bool, StoreError> {
        let record = ErasureRecord::new(erasure, erasure.revision + 1);
        let filter = doc! { "_id": erasure.user_id.as_str(), "revision": place(erasure.revision) };
        let collection = self.erasures.clone();
        let write = async move { collection.replace_one(filter, record).await };
        Ok(self.calls.run("change an erasure", WRITE_LIMIT, write).await?.matched_count == 1)
    }

    async fn due_erasures(&self, now: Timestamp, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let filter = doc! { "dueAt": { "$lte": date(now) } };
        let found = self.find_erasures(filter, doc! { "dueAt": 1 }, limit).await?;
        Ok(found.into_iter().filter_map(ErasureRecord::into_erasure).collect())
    }

    async fn marks_after(&self, after: &Mark, limit: u32) -> Result<Vec<Mark>, StoreError> {
        let at = date(after.at);
        // The first condition bounds the scan.
        let filter = doc! {
            "markedAt": { "$gte": at },
            "$or": [{ "markedAt": { "$gt": at } }, { "_id": { "$gt": after.user.as_str() } }],
        };
        let found = self.find_erasures(filter, doc! { "markedAt": 1, "_id": 1 }, limit).await?;
        Ok(found.into_iter().map(ErasureRecord::into_mark).collect())
    }

    async fn threads_with(&self, user: &UserId, after: Option<ThreadId>) -> Result<FoundThreads, StoreError> {
        let from = after.map_or_else(Document::new, |after| doc! { "$gt": object_id(after) });
        let Some(last) = self.last_of_step(from.clone()).await? else { return Ok(FoundThreads::default()) };
        let (last, is_full) = last;
        let mut range = from;
        range.insert("$lte", last);
        let mut with = vec![doc! { "participants": user.as_str() }];
        with.extend(TRACES.map(|map| doc! { path_of(map, user): { "$exists": true } }));
        let filter = doc! { "_id": range, "$or": with };
        let collection = self.threads.clone_with_type::<IdOnly>();
        let find = async move {
            let find = collection.find(filter).projection(doc! { "_id": 1 }).sort(doc! { "_id": 1 });
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("find threads of a person", READ_LIMIT, find).await?;
        let id = |id: ObjectId| ThreadId::from_bytes(id.bytes());
        Ok(FoundThreads {
            threads: found.into_iter().map(|thread| id(thread.id)).collect(),
            next: is_full.then(|| id(last)),
        })
    }

    async fn membership_of(&self, thread: ThreadId, user: &UserId) -> Result<Option<Membership>, StoreError> {
        let one = doc! { "$elemMatch": { "$eq": user.as_str() } };
        let mut fields = doc! { "participants": one.clone(), "archivedBy": one, "group": 1 };
        for map in ["joinedAt", "readSeq", "deliveredSeq", "sinceSeq", "sentBeyond"] {
            fields.insert(path_of(map, user), 1);
        }
        let collection = self.threads.clone_with_type::<MembershipRecord>();
        let filter = doc! { "_id": object_id(thread) };
        let find = async move { collection.find_one(filter).projection(fields).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a membership", READ_LIMIT, find).await?;
        Ok(found.and_then(|record| record.membership(user)))
    }

    async fn scrub_messages(&self, user: &UserId, messages: &[MessageId]) -> Result<(), StoreError> {
        Ok(self.scrub(user, messages).await?)
    }

    async fn index_blocks(&self, thread: ThreadId, after: u64, limit: u32) -> Result<Vec<Run>, StoreError> {
        Ok(self.blocks_after(thread, after, limit).await?)
    }

    async fn rewrite_block(&self, block: &Block) -> Result<(), StoreError> {
        Ok(self.write_signature(block).await?)
    }

    async fn erase_own(&self, user: &UserId, address: Option<&MailAddress>) -> Result<OwnErased, StoreError> {
        Ok(self.delete_own(user, address).await?)
    }

    async fn rewrite_report(&self, report: &Report) -> Result<(), StoreError> {
        Ok(self.write_report(report).await?)
    }

    async fn delete_letters(&self, letters: &[DeadLetterId]) -> Result<u64, StoreError> {
        Ok(self.delete_dead_letters(letters).await?)
    }

    async fn uploads_of(
        &self,
        owner: &UserId,
        after: Option<AttachmentId>,
        limit: u32,
    ) -> Result<Vec<Upload>, StoreError> {
        let mut filter = doc! { "ownerId": owner.as_str() };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": object_id(after) });
        }
        Ok(self.find_uploads(filter, Some(doc! { "_id": 1 }), i64::from(limit)).await?)
    }
}

impl MongoStore {
    async fn find_erasures(
        &self,
        filter: Document,
        order: Document,
        limit: u32,
    ) -> Result<Vec<ErasureRecord>, CallError> {
        let collection = self.erasures.clone();
        let find = async move {
            let find = collection.find(filter).sort(order).limit(i64::from(limit)).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("list erasures", READ_LIMIT, find).await
    }

    /// The last thread that one step of a search looks at, and whether there may be more behind it; `None` if
    /// there is none. Read by the keys alone.
    async fn last_of_step(&self, from: Document) -> Result<Option<(ObjectId, bool)>, CallError> {
        let filter = if from.is_empty() {
            Document::new()
        } else {
            doc! { "_id": from }
        };
        let ids = self.threads.clone_with_type::<IdOnly>();
        let find = async move {
            let find = ids.find(filter).projection(doc! { "_id": 1 }).sort(doc! { "_id": 1 });
            let find = find.limit(i64::from(THREADS_LOOKED_AT)).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let ids = self.calls.run("look through threads", READ_LIMIT, find).await?;
        let is_full = ids.len() >= THREADS_LOOKED_AT as usize;
        Ok(ids.last().map(|last| (last.id, is_full)))
    }
}

impl MembershipRecord {
    fn membership(&self, user: &UserId) -> Option<Membership> {
        let is_in = self.participants.contains(user);
        let maps = [&self.read_seq, &self.delivered_seq, &self.sent_beyond];
        if !is_in {
            return maps.iter().any(|map| map.contains_key(user)).then(Membership::former);
        }
        let of = |map: &ByPerson| map.get(user).copied().map_or(0, count);
        Some(Membership {
            is_in,
            role: self.group.as_ref().map_or(Role::Member, |group| group.role(user)),
            joined_at: self.joined_at.get(user).copied().map(Timestamp),
            read_seq: of(&self.read_seq),
            delivered_seq: of(&self.delivered_seq),
            seen_from: of(&self.since_seq),
            is_archived: self.archived_by.contains(user),
        })
    }
}
