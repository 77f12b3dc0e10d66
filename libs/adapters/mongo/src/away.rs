//! Threads that are away for somebody: those of two people of whom one blocks the other, and those into which
//! somebody brought a person who blocks them.
//!
//! `apart` of a thread says whose block takes it from whom. It is written with the thread, or with the people
//! who come in, and never changes by a block: so a block and its end are one document each, and hold at once
//! for threads that are made at the same moment. Documents of earlier versions have no `apart`; there it
//! follows from the people of a thread of two.

use crate::blocks::held;
use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::blocks::{ApartRecord, block_key};
use crate::record::values::object_id;
use crate::store::MongoStore;
use eventflow_protocol::blocks::THREADS_NAMED_MAX;
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::{ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "_id")]
    id: ObjectId,
}

impl MongoStore {
    /// Those of these entries whose block holds now.
    pub(crate) async fn away(&self, apart: &[ApartRecord]) -> Result<HashSet<(UserId, UserId)>, CallError> {
        if apart.is_empty() {
            return Ok(HashSet::new());
        }
        let keys: Vec<Document> = apart.iter().map(|entry| block_key(&entry.user, &entry.from)).collect();
        let found = self.find_blocks(doc! { "_id": { "$in": keys }, "blockedAt": held() }).await?;
        Ok(found.into_iter().map(|record| (record.user_id, record.other_id)).collect())
    }

    /// Whether a thread with these entries is away for this person.
    pub(crate) async fn is_away_for(&self, user: &UserId, apart: &[ApartRecord]) -> Result<bool, CallError> {
        let own: Vec<ApartRecord> = apart.iter().filter(|entry| entry.user == *user).cloned().collect();
        Ok(!self.away(&own).await?.is_empty())
    }

    /// Whom this person blocks.
    pub(crate) async fn blocked_of(&self, user: &UserId) -> Result<Vec<String>, CallError> {
        let blocked = self.read_blocked_by(std::slice::from_ref(user)).await?.remove(user);
        Ok(blocked.unwrap_or_default().into_iter().map(|block| block.other.into()).collect())
    }

    /// The threads that are away for `user` while they block `other`, at most [`THREADS_NAMED_MAX`].
    pub(crate) async fn threads_apart(
        &self,
        user: &UserId,
        other: &UserId,
    ) -> Result<Vec<ThreadId>, CallError> {
        let noted = doc! { "apart": { "$elemMatch": { "user": user.as_str(), "from": other.as_str() } } };
        let mut of_two = earlier_of_two();
        of_two.insert("participants", doc! { "$size": 2, "$in": [other.as_str()] });
        let filter = doc! { "participants": user.as_str(), "$or": [noted, of_two] };
        let collection = self.threads.clone_with_type::<Named>();
        let limit = i64::try_from(THREADS_NAMED_MAX).unwrap_or(i64::MAX);
        let find = async move {
            let find = collection.find(filter).projection(doc! { "_id": 1 }).limit(limit);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read threads of a block", READ_LIMIT, find).await?;
        let mut threads: Vec<ThreadId> =
            found.into_iter().map(|thread| ThreadId::from_bytes(thread.id.bytes())).collect();
        threads.sort_unstable();
        Ok(threads)
    }

    /// The entries of a new thread: of its two people, or of those who block its creator now.
    pub(crate) async fn apart_of_new(&self, create: &CreateThread) -> Result<Vec<ApartRecord>, CallError> {
        match (&create.group, &create.participants[..]) {
            (None, [one, other]) => Ok(ApartRecord::of_two(one, other)),
            _ => self.brought_in(&create.participants, &create.created_by).await,
        }
    }

    /// The entries of those of `people` who block `by` now, who brings them in.
    pub(crate) async fn brought_in(
        &self,
        people: &[UserId],
        by: &UserId,
    ) -> Result<Vec<ApartRecord>, CallError> {
        let people: Vec<&str> = people.iter().filter(|user| *user != by).map(UserId::as_str).collect();
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let filter = doc! { "otherId": by.as_str(), "userId": { "$in": people }, "blockedAt": held() };
        let found = self.find_blocks(filter).await?;
        let entry = |user| ApartRecord { user, from: by.clone() };
        Ok(found.into_iter().map(|record| entry(record.user_id)).collect())
    }

    /// Notes the two people of a thread of an earlier version, before one of them leaves it.
    pub(crate) async fn note_two(&self, thread: ThreadId) -> Result<(), CallError> {
        let mut filter = earlier_of_two();
        filter.insert("_id", object_id(thread));
        filter.insert("participants", doc! { "$size": 2 });
        let person = |place: i32| doc! { "$arrayElemAt": ["$participants", place] };
        let entry = |user: i32, from: i32| doc! { "user": person(user), "from": person(from) };
        let update = vec![doc! { "$set": { "apart": [entry(0, 1), entry(1, 0)] } }];
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await };
        self.calls.run("note the people of a thread", WRITE_LIMIT, write).await.map(drop)
    }
}

/// Threads of earlier versions that are no groups.
fn earlier_of_two() -> Document {
    doc! { "apart": { "$exists": false }, "group": { "$exists": false } }
}

/// What a query for threads of this person takes out, who blocks these people: those that are away for them.
pub(crate) fn not_away(user: &UserId, blocked: &[String]) -> Document {
    if blocked.is_empty() {
        return Document::new();
    }
    let noted = doc! { "apart": { "$elemMatch": { "user": user.as_str(), "from": { "$in": blocked } } } };
    let mut of_two = earlier_of_two();
    of_two.insert("participants", doc! { "$size": 2, "$in": blocked });
    doc! { "$nor": [noted, of_two] }
}
