//! The answer to `sync`: what a client has missed.

use crate::change::PersonCursors;
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
    /// Threads that were created or written to after `threadsAfter`; only if the request had that field.
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
    /// The messages up to `after` that were edited, taken back or reacted to after `changesAfter`, as they
    /// are now; only if the request had that field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<Written<Message>>>,
    /// How far everybody has come; only if the request had `changesAfter`, the answer is complete, and the
    /// thread has at most [`crate::change::RECEIPT_PARTICIPANTS_MAX`] people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursors: Option<Vec<PersonCursors>>,
    /// The change number that the answer goes up to; the next request's `changesAfter`.
    pub last_change: u64,
    /// Whether these are all; if not, the client asks again from the last `seq` and `lastChange`.
    pub complete: bool,
    /// Whether a message or a change in between cannot be had any more.
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
