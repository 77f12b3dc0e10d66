//! Events about cursors: how far somebody has got or read a thread.

use crate::change::Receipted;
use crate::client::events::name::ServerEvent;
use crate::client::shape::Sorted;
use crate::{MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Somebody has read a thread up to a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageReadUpdate<'a> {
    /// The newest of `messages`; `null` if there are none.
    pub message_id: Option<MessageId>,
    /// The newest messages whose receipts changed, ascending by `seq`.
    pub messages: Sorted<Cow<'a, [Receipted]>>,
    /// When the request was accepted.
    pub read_at: Timestamp,
    /// The newest `seq` that was read.
    pub seq: u64,
    /// The thread.
    pub thread_id: ThreadId,
    /// Who has read it.
    pub user_id: UserId,
}

impl ServerEvent for MessageReadUpdate<'_> {
    const NAME: &'static str = "message:read:update";
}

/// Messages up to a place were delivered to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageStatusUpdate<'a> {
    /// When the receipt was accepted.
    pub delivered_at: Timestamp,
    /// The newest of `messages`; `null` if there are none.
    pub message_id: Option<MessageId>,
    /// The newest messages whose receipts changed, ascending by `seq`.
    pub messages: Sorted<Cow<'a, [Receipted]>>,
    /// The newest `seq` that was delivered.
    pub seq: u64,
    /// The thread.
    pub thread_id: ThreadId,
    /// To whom it was delivered.
    pub user_id: UserId,
}

impl ServerEvent for MessageStatusUpdate<'_> {
    const NAME: &'static str = "message:status";
}
