//! Events about threads: a new one, a change for one person, and who types.

use crate::client::events::name::ServerEvent;
use crate::client::shape::WithId;
use crate::document::{Thread, ThreadStatus};
use crate::{ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One is in a new thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadCreated<'a> {
    /// The thread as it is stored.
    pub thread: WithId<Cow<'a, Thread>>,
}

impl<'a> ThreadCreated<'a> {
    /// The event for a stored thread.
    pub fn of(thread: &'a Thread) -> Self {
        Self { thread: WithId(Cow::Borrowed(thread)) }
    }
}

impl ServerEvent for ThreadCreated<'_> {
    const NAME: &'static str = "thread:created";
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
