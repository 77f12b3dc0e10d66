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
    /// One entry for each thread that was named, in the same order. Of a thread that the caller is not in it
    /// is a refusal: `{threadId, success: false, error, code: "not_found"}`.
    pub threads: Vec<SyncedThread>,
    /// Ids of the caller's threads, without the archived ones, that were created or written to after
    /// `threadsAfter`, most recently active first; only if the request had that field.
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
    /// The messages after `after`, ascending by `seq`.
    pub messages: Vec<Written<Message>>,
    /// The messages up to `after` that were edited, taken back or reacted to after `changesAfter`, as they
    /// are now; only with `changesAfter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<Written<Message>>>,
    /// How far each person who has received anything has come; only with `changesAfter`, in an entry that is
    /// complete, and in threads of up to 100 people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursors: Option<Vec<PersonCursors>>,
    /// The change number that the entry goes up to: the next `changesAfter`.
    pub last_change: u64,
    /// `false`: the answer is full; ask again from the last `seq` and `lastChange`.
    pub complete: bool,
    /// `true` only if a message or a change in between cannot be had any more.
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
