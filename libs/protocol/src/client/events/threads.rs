//! Events about threads: a new one, a change for one person, and who types.

use crate::client::events::name::ServerEvent;
use crate::client::shape::WithId;
use crate::document::{Thread, ThreadStatus};
use crate::person::Participant;
use crate::{ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One is in a new thread, or somebody came back to a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadCreated {
    /// The thread, with the first of its people.
    pub thread: CreatedThread,
}

/// A new thread, with names and pictures of people in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedThread {
    /// What everybody in the thread sees.
    #[serde(flatten)]
    pub thread: WithId<Thread>,
    /// The first 10 people of the thread with names and pictures.
    pub members: Vec<Participant>,
}

impl ThreadCreated {
    /// The event for a stored thread; `members` are its first people, as they are shown.
    pub fn of(thread: &Thread, members: Vec<Participant>) -> Self {
        Self { thread: CreatedThread { thread: WithId(thread.clone().shown()), members } }
    }
}

impl ServerEvent for ThreadCreated {
    const NAME: &'static str = "thread:created";
}

/// Somebody has left a thread. The others hear it, and the person's own devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadLeft {
    /// When the request to leave was accepted.
    pub left_at: Timestamp,
    /// How many people are in the thread now.
    pub participant_count: u64,
    /// The thread.
    pub thread_id: ThreadId,
    /// Who has left.
    pub user_id: UserId,
}

impl ServerEvent for ThreadLeft {
    const NAME: &'static str = "thread:left";
}

/// One has read a thread, put it away or brought it back, on any of one's devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadUpdated {
    /// What changed.
    pub thread: ChangedThread,
}

impl ServerEvent for ThreadUpdated {
    const NAME: &'static str = "thread:updated";
}

/// The fields of a thread that changed for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedThread {
    /// The thread.
    #[serde(rename = "_id")]
    pub document_id: ThreadId,
    /// The thread again.
    pub id: ThreadId,
    /// Whether the thread is shown in the list, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ThreadStatus>,
    /// How many messages of others are unread, if that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_count: Option<u64>,
    /// When the request was accepted.
    pub updated_at: Timestamp,
}

/// Somebody types in a thread, or has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypingUpdate {
    /// Whether they type.
    pub is_typing: bool,
    /// The thread.
    pub thread_id: ThreadId,
    /// Who types.
    pub user_id: UserId,
}

impl ServerEvent for TypingUpdate {
    const NAME: &'static str = "typing:update";
}
