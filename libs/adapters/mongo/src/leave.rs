//! Who is in a thread that is no group, as that changes: a person leaves, and comes back by starting the
//! thread again.
//!
//! Leaving takes the person out of `participants`, which every question about membership reads. Their cursors
//! and counters stay in the document; coming back moves them to the newest message, so that nothing of the
//! time away is unread. Safe to repeat because each statement names what it expects.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::blocks::{ApartRecord, apart_in};
use crate::record::by_person::{ByPerson, path_of};
use crate::record::counters::SMALL_MAX;
use crate::record::values::{count, object_id, place};
use crate::store::MongoStore;
use eventflow_ports::{Left, WithCommandId};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::document::Thread;
use eventflow_protocol::group::Group;
use eventflow_protocol::{ThreadId, UserId};
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;
use serde::Deserialize;

/// Rounds that messages may win while somebody comes back. Each lost round is a batch of messages to that
/// thread.
const ROUNDS_MAX: u32 = 32;

const COME_BACK: &str = "come back to a thread";

#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "participantCount")]
    participant_count: i64,
}

#[derive(Deserialize)]
struct Seen {
    #[serde(default, rename = "sinceSeq")]
    since_seq: ByPerson,
    participants: Vec<UserId>,
    #[serde(default)]
    group: Option<Group>,
    #[serde(default)]
    apart: Option<Vec<ApartRecord>>,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::leave`].
    pub(crate) async fn leave_thread(
        &self,
        leave: &WithCommandId<LeaveThread>,
    ) -> Result<Option<Left>, CallError> {
        if let Some(left) = self.leave_group(leave).await? {
            return Ok(Some(left));
        }
        let leave = &leave.wanted;
        self.note_two(leave.thread_id).await?;
        let (id, user) = (object_id(leave.thread_id), leave.user_id.as_str());
        let collection = self.threads.clone_with_type::<Counted>();
        let filter = doc! { "_id": id, "participants": user };
        let update = doc! { "$pull": { "participants": user, "archivedBy": user } };
        let write = async move {
            let write = collection.find_one_and_update(filter, update).projection(counted());
            write.return_document(ReturnDocument::After).await
        };
        let left = self.calls.run("leave a thread", WRITE_LIMIT, write).await;
        // Also after an error: the statement may have been carried out.
        self.forget([leave.thread_id]);
        if let Some(left) = left? {
            let participant_count = count(left.participant_count);
            return Ok(Some(Left { was_in: true, participant_count, is_back: false, handed_over: None }));
        }
        let collection = self.threads.clone_with_type::<Counted>();
        let find = async move {
            collection.find_one(doc! { "_id": id }).projection(counted()).max_time(READ_LIMIT).await
        };
        let found = self.calls.run("read a thread", READ_LIMIT, find).await?;
        Ok(found.map(|thread| Left {
            was_in: false,
            participant_count: count(thread.participant_count),
            is_back: false,
            handed_over: None,
        }))
    }

    /// See [`eventflow_ports::Store::seen_from`].
    pub(crate) async fn read_seen_from(
        &self,
        thread: ThreadId,
        user: &UserId,
    ) -> Result<Option<u64>, CallError> {
        let collection = self.threads.clone_with_type::<Seen>();
        let filter = doc! { "_id": object_id(thread), "participants": user.as_str() };
        // Three people show that a thread of an earlier version is none of two.
        let fields = doc! {
            path_of("sinceSeq", user): 1, "participants": { "$slice": 3 }, "group": 1, "apart": 1,
        };
        let find = async move { collection.find_one(filter).projection(fields).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a membership", READ_LIMIT, find).await?;
        let Some(Seen { since_seq, participants, group, apart }) = found else { return Ok(None) };
        let apart = apart_in(apart, &participants, group.as_ref());
        let is_away = self.is_away_for(user, &apart).await?;
        Ok((!is_away).then(|| since_seq.get(user).copied().map_or(0, count)))
    }

    /// Brings a person back to a thread that exists. `true` unless they are back already.
    pub(crate) async fn come_back(&self, create: &CreateThread) -> Result<(Thread, bool), CallError> {
        let (id, user) = (create.thread_id, &create.created_by);
        for _ in 0..ROUNDS_MAX {
            self.catch_up([id]).await?;
            // Threads are never removed.
            let Some(thread) = self.read_thread(id).await? else { break };
            if thread.participants.contains(user) {
                return Ok((thread, false));
            }
            let is_back = self.bring_back(&thread, create).await;
            self.forget([id]);
            if is_back? {
                let thread = self.read_thread(id).await?.unwrap_or(thread);
                return Ok((thread, true));
            }
        }
        Err(CallError::new(COME_BACK, Cause::Contended(ROUNDS_MAX)))
    }

    /// `false` if the thread has changed since it was read.
    async fn bring_back(&self, thread: &Thread, create: &CreateThread) -> Result<bool, CallError> {
        let user = &create.created_by;
        let (newest, name) = (place(thread.last_seq), user.as_str());
        let filter = doc! { "_id": object_id(thread.id), "lastSeq": newest, "participants": { "$ne": name } };
        let mut read = doc! { path_of("readSeq", user): newest, path_of("deliveredSeq", user): newest };
        let mut gone: Document = ["sentBeyond", "toldSeq", "unreadAt", "unreads"]
            .map(|field| (path_of(field, user), "".into()))
            .into_iter()
            .collect();
        // A large thread has neither of the two.
        if thread.participants.len() < SMALL_MAX {
            read.insert(path_of("unreadCount", user), 0_i64);
        } else {
            gone.insert("activityAt", "");
        }
        let mut update = doc! {
            "$push": { "participants": { "$each": [name], "$sort": 1 } },
            "$set": read,
            "$unset": gone,
        };
        // Into a larger thread nobody brings them any more but themselves.
        if create.participants.len() != 2 {
            update.insert("$pull", doc! { "apart": { "user": name } });
        }
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await };
        Ok(self.calls.run(COME_BACK, WRITE_LIMIT, write).await?.matched_count == 1)
    }
}

fn counted() -> Document {
    doc! { "participantCount": { "$size": "$participants" } }
}
