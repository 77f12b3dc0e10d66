//! Answers about uploaded files.

use crate::client::shape::Success;
use crate::document::Attachment;
use crate::{AttachmentId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A finished file: `POST /attachments`, and `GET /attachments/{id}/info`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentAnswer {
    /// The file as a message shows it. A message is sent with its `id`.
    pub attachment: Attachment,
    /// When it is deleted if no message uses it; absent if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Always true.
    pub success: Success,
}

/// An upload that was begun: `POST /attachments/tus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// When it is deleted if it is not finished; each request that brings bytes puts that off.
    pub expires_at: Timestamp,
    /// The id of the file.
    pub id: AttachmentId,
    /// Always true.
    pub success: Success,
}
