//! Records of uploaded files as the database keeps them.

use crate::record::values::{count, date, object_id, place};
use eventflow_protocol::UserId;
use eventflow_protocol::uploads::{Upload, UploadState};
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// A document of `uploads`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadRecord {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    owner_id: UserId,
    /// Bytes that count as the owner's; absent when it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted: Option<i64>,
    is_waiting: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime>,
    /// The messages that use it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    message_ids: Vec<ObjectId>,
    pub(crate) revision: i64,
    /// The whole upload as JSON: nothing else of it is ever asked for.
    upload: String,
}

impl UploadRecord {
    pub(crate) fn new(upload: &Upload, revision: u64) -> Self {
        Self {
            id: object_id(upload.id),
            owner_id: upload.owner_id.clone(),
            counted: (upload.state != UploadState::Deleted).then(|| place(upload.reserved)),
            is_waiting: upload.is_waiting(),
            due_at: upload.due_at().map(date),
            message_ids: upload.uses.iter().map(|used| object_id(used.message_id)).collect(),
            revision: place(revision),
            upload: serde_json::to_string(upload).unwrap_or_default(),
        }
    }

    /// The upload; `None` if somebody else has written a document that is none.
    pub(crate) fn into_upload(self) -> Option<Upload> {
        let upload: Upload = serde_json::from_str(&self.upload).ok()?;
        Some(Upload { revision: count(self.revision), ..upload })
    }
}
