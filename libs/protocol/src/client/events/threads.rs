//! Events about threads: a new one, a change of it or of its people, and who types.

use crate::client::answers::ThreadMember;
use crate::client::events::name::ServerEvent;
use crate::client::shape::WithId;
use crate::document::{Thread, ThreadStatus};
use crate::group::Group;
use crate::{ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One is in a new thread, somebody came back to a thread, or people were added to a group.
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
    /// The first 10 people of the thread with names, pictures and roles.
    pub members: Vec<ThreadMember>,
}

impl ThreadCreated {
    /// The event for a stored thread; `members` are its first people, as they are shown.
    pub fn of(thread: &Thread, members: Vec<ThreadMember>) -> Self {
        Self { thread: CreatedThread { thread: WithId(thread.clone().shown()), members } }
    }
}

impl ServerEvent for ThreadCreated {
    const NAME: &'static str = "thread:created";
}

/// Somebody has left a thread or was removed from it. The others hear it, and the person's own devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadLeft {
    /// When the request to leave, or to remove them, was accepted.
    pub left_at: Timestamp,
    /// How many people are in the thread now.
    pub participant_count: u64,
    /// Who removed them, if they did not leave by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_by: Option<UserId>,
    /// The thread.
    pub thread_id: ThreadId,
    /// Who is not in it any more.
    pub user_id: UserId,
}

impl ServerEvent for ThreadLeft {
    const NAME: &'static str = "thread:left";
}

/// People were added to a group. Everybody in it hears of it, who was added too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MembersAdded {
    /// When the request to add them was accepted.
    pub added_at: Timestamp,
    /// Who added them.
    pub added_by: UserId,
    /// Who was added, with names and pictures.
    pub members: Vec<ThreadMember>,
    /// How many people are in the thread now.
    pub participant_count: u64,
    /// The group.
    pub thread_id: ThreadId,
}

impl ServerEvent for MembersAdded {
    const NAME: &'static str = "thread:members:added";
}

/// One has read a thread, put it away or brought it back, on any of one's devices. Or a group has another
/// name, picture or owners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadUpdated {
    /// What changed.
    pub thread: ChangedThread,
}

impl ServerEvent for ThreadUpdated {
    const NAME: &'static str = "thread:updated";
}

/// The fields of a thread that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedThread {
    /// The thread.
    #[serde(rename = "_id")]
    pub document_id: ThreadId,
    /// The thread again.
    pub id: ThreadId,
    /// Name, picture and owners of the group as they are now, if one of them changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
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
