//! Entries of the change log as the database keeps them. The key names the thread and the number; the
//! database compares its fields in that order.

use crate::record::values::{count, object_id, place};
use eventflow_protocol::{MessageId, ThreadId};
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// A document of `changes`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeRecord {
    #[serde(rename = "_id")]
    key: ChangeKey,
    message_id: ObjectId,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeKey {
    thread_id: ThreadId,
    change: i64,
}

impl ChangeRecord {
    /// The entry of a message that changed.
    pub(crate) fn new(thread_id: ThreadId, change: u64, message: MessageId) -> Self {
        Self { key: ChangeKey { thread_id, change: place(change) }, message_id: object_id(message) }
    }

    /// The number of the change.
    pub(crate) fn change(&self) -> u64 {
        count(self.key.change)
    }

    /// The message that changed, and the number of the change. Of several entries of a message the last one
    /// counts.
    pub(crate) fn names(&self) -> (MessageId, u64) {
        (MessageId::from_bytes(self.message_id.bytes()), self.change())
    }
}
