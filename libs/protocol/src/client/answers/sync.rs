//! The answer to `sync`: what a client has missed.

use crate::client::shape::{Success, Written};
use crate::document::Message;
use crate::{ErrorBody, ThreadId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a client has missed since the places it named; the callback of `sync`, or the event `sync`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncAnswer {
    /// Always true.
    pub success: Success,
    /// One entry for each thread that was named, in the same order.
    pub threads: Vec<SyncedThread>,
    /// Threads that came into being since `threadsAfter`; only if the request had that field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_threads: Option<Vec<ThreadId>>,
}

/// What became of one thread of a `sync`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SyncedThread {
    /// The messages that the client lacks.
    Messages(SyncedMessages),
    /// The client may not see the thread.
    Refused(RefusedThread),
}

/// Messages of one thread that a client lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncedMessages {
    /// The thread.
    pub thread_id: ThreadId,
    /// The messages, ascending by `seq`.
    pub messages: Vec<Written<Message>>,
    /// Whether these are all; if not, the client asks again from the last `seq`.
    pub complete: bool,
    /// Whether a message in between cannot be had any more.
    pub gap: bool,
}

/// A thread of a `sync` that the client may not see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedThread {
    /// The thread as the client named it; at most its first 64 characters.
    pub thread_id: String,
    /// Why the client may not see it.
    #[serde(flatten)]
    pub error: ErrorBody,
}
