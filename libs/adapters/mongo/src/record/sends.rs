//! Sends to many people as the database keeps them.

use crate::record::values::{date, object_id};
use eventflow_protocol::sends::BulkSend;
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// A document of `sends`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendRecord {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) created_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claimable_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<DateTime>,
    /// Rises with each change.
    pub(crate) revision: i64,
    /// The whole send as JSON: nothing else of it is ever asked for.
    send: String,
}

impl SendRecord {
    pub(crate) fn new(send: &BulkSend, revision: i64) -> Self {
        Self {
            id: object_id(send.id),
            created_at: date(send.created_at),
            claimable_at: send.claimable_at.map(date),
            ended_at: send.ended_at.map(date),
            revision,
            send: serde_json::to_string(send).unwrap_or_default(),
        }
    }

    /// The send; `None` if somebody else has written a document that is none.
    pub(crate) fn into_send(self) -> Option<BulkSend> {
        serde_json::from_str(&self.send).ok()
    }
}
