//! Threads that an earlier version wrote: they keep a counter of unread messages for everybody, and all are
//! in the index of lists.
//!
//! Such a thread has no `sentBeyond`. It is read as it is ([`crate::record::counters`]). Before it is written
//! for the first time, what each person sent beyond their read cursor is derived from their unread count, and
//! a large thread leaves the index. Safe to repeat, and safe beside others that do the same, because one
//! compare-and-set per thread does it. An earlier version must not write at the same time.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::by_person::field_of;
use crate::record::counters::{Counters, SMALL_MAX};
use crate::record::values::{count, place};
use crate::store::MongoStore;
use eventflow_protocol::change::Cursor;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, deserialize_from_document, doc};

/// Rounds that other writers may win.
const ROUNDS_MAX: u32 = 16;

const DERIVE: &str = "derive counters";

/// The expression for whether an earlier version wrote a thread last.
pub(crate) fn is_earlier() -> Document {
    doc! { "$eq": [{ "$type": "$sentBeyond" }, "missing"] }
}

impl MongoStore {
    /// Derives the counters of these threads.
    pub(crate) async fn derive_counters(&self, threads: &[ObjectId]) -> Result<(), CallError> {
        for thread in threads {
            self.derive_counters_of(*thread).await?;
        }
        Ok(())
    }

    async fn derive_counters_of(&self, thread: ObjectId) -> Result<(), CallError> {
        for _ in 0..ROUNDS_MAX {
            let Some(found) = self.earlier_thread(thread).await? else { return Ok(()) };
            let update = derived(&found).map_err(|error| CallError::driver(DERIVE, error.into()))?;
            let mut filter = doc! { "_id": thread, "sentBeyond": { "$exists": false } };
            for field in ["lastSeq", "readSeq", "unreadCount"] {
                filter.insert(field, found.get(field).cloned().unwrap_or(Bson::Null));
            }
            let collection = self.threads.clone();
            let write = async move { collection.update_one(filter, update).await };
            if self.calls.run(DERIVE, WRITE_LIMIT, write).await?.matched_count == 1 {
                return Ok(());
            }
        }
        Err(CallError::new(DERIVE, Cause::Contended(ROUNDS_MAX)))
    }

    /// The thread, unless its counters are derived already.
    async fn earlier_thread(&self, thread: ObjectId) -> Result<Option<Document>, CallError> {
        let collection = self.threads.clone_with_type::<Document>();
        let fields = doc! { "participants": 1, "lastSeq": 1, "readSeq": 1, "unreadCount": 1 };
        let find = async move {
            let filter = doc! { "_id": thread, "sentBeyond": { "$exists": false } };
            collection.find_one(filter).projection(fields).max_time(READ_LIMIT).await
        };
        self.calls.run("read a thread of an earlier version", READ_LIMIT, find).await
    }
}

/// The update that gives a thread its counters.
fn derived(thread: &Document) -> Result<Document, mongodb::bson::error::Error> {
    let counters: Counters = deserialize_from_document(thread.clone())?;
    let beyond = |user| counters.last().saturating_sub(counters.cursor(user, Cursor::Read));
    let sent = counters
        .unread_count
        .iter()
        .map(|(user, unread)| (user, beyond(user).saturating_sub(count(*unread))));
    let sent: Document = sent
        .filter(|(_, sent)| *sent > 0)
        .map(|(user, sent)| (field_of(user).into_owned(), Bson::Int64(place(sent))))
        .collect();
    let mut update = doc! { "$set": { "sentBeyond": sent } };
    if thread.get_array("participants").is_ok_and(|people| people.len() > SMALL_MAX) {
        update.insert("$unset", doc! { "unreadCount": "", "activityAt": "" });
    }
    Ok(update)
}
