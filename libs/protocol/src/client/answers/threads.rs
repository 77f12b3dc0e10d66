//! Answers about threads.

use crate::client::shape::{Sorted, Success, WithId};
use crate::document::{Message, Thread, ThreadStatus};
use crate::group::Role;
use crate::person::Participant;
use crate::{ThreadId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thread: `POST /messages/threads`, `GET /messages/threads/{id}`, and the routes that change a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadAnswer {
    /// Always true.
    pub success: Success,
    /// The thread as the caller sees it.
    pub thread: Sorted<ListedThread>,
}

/// A page of the caller's threads: `GET /messages/threads`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadsAnswer {
    /// The `cursor` that asks for the next page; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
    /// The threads, most recently active first.
    pub threads: Vec<Sorted<ListedThread>>,
}

/// A thread as one person's list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedThread {
    /// What everybody in the thread sees. `status` is the viewer's own: each person archives for themselves.
    #[serde(flatten)]
    pub thread: WithId<Thread>,
    /// How many messages of others the viewer has not read.
    pub unread_count: u64,
    /// How many of them mention the viewer.
    pub unread_mentions: u64,
    /// The newest message, for a preview.
    pub last_message: Option<WithId<Message>>,
    /// Whom the viewer talks to, with a name and a picture.
    pub participant: ThreadCompanion,
    /// The first 10 people of the thread with names, pictures and roles, the viewer among them; the others
    /// come from `GET /messages/threads/{id}/members`.
    pub members: Vec<ThreadMember>,
}

/// A person in a thread, as the others see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadMember {
    /// The person.
    pub id: UserId,
    /// What others call them; their id if nobody knows.
    pub name: String,
    /// Address of a picture.
    pub avatar: String,
    /// What they may do in the thread.
    pub role: Role,
}

impl ThreadMember {
    /// This person, as they are shown, with this role.
    pub fn new(person: Participant, role: Role) -> Self {
        let Participant { id, name, avatar } = person;
        Self { id, name, avatar, role }
    }
}

/// A page of the people in a thread with their roles: `GET /messages/threads/{id}/members`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MembersAnswer {
    /// The people, with names, pictures and roles, sorted by id.
    pub members: Vec<ThreadMember>,
    /// The `cursor` that asks for the next page; `null` if this page was not full.
    pub next_cursor: Option<String>,
    /// How many people are in the thread.
    pub participant_count: u64,
    /// Always true.
    pub success: Success,
}

/// A page of the people in a thread: `GET /messages/threads/{id}/participants`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantsAnswer {
    /// The `cursor` that asks for the next page; `null` if this page was not full.
    pub next_cursor: Option<String>,
    /// How many people are in the thread.
    pub participant_count: u64,
    /// The people, with names and pictures, sorted by id.
    pub participants: Vec<Participant>,
    /// Always true.
    pub success: Success,
}

/// Whom the viewer of a thread talks to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadCompanion {
    /// The other one's id in a thread of two; `null` in a larger thread.
    pub id: Option<UserId>,
    /// The other one's name; in a larger thread some names, and how many more there are.
    pub name: String,
    /// Address of a picture.
    pub avatar: String,
}

/// A thread was put away for the caller, or brought back: `DELETE /messages/threads/{id}` and `…/unarchive`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveAnswer {
    /// The caller's view of the thread from now on.
    pub status: ThreadStatus,
    /// Always true.
    pub success: Success,
    /// The thread.
    pub thread_id: ThreadId,
}

/// The caller's read cursor in a thread: the routes that end in `/read`, and the callbacks of `message:read`
/// and `thread:read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CursorAnswer {
    /// The newest `seq` that the caller has read.
    pub seq: u64,
    /// Always true.
    pub success: Success,
    /// The thread.
    pub thread_id: ThreadId,
    /// How many messages of others the caller has not read.
    pub unread_count: u64,
}

/// The answer of `POST /messages/threads/{id}/leave` and of removing somebody, and the callback of
/// `thread:join`, `thread:leave`, `typing:start` and `typing:stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadAck {
    /// Always true.
    pub success: Success,
    /// The thread that the event named.
    pub thread_id: ThreadId,
}
