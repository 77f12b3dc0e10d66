//! Requests about threads.

use crate::client::parse::InvalidRequest;
use crate::client::requests::groups::GroupBody;
use crate::client::values::{Metadata, ThreadReference, UserIds};
use crate::command::CreateThread;
use crate::group::Group;
use crate::{ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::Value;
use std::fmt;

pub use crate::participants::PARTICIPANTS_MAX;

/// `POST /messages/threads`: start a thread, or find the one of the same people with equal metadata.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
pub struct CreateThreadBody {
    /// The people in the thread. The caller is one of them whether named or not.
    #[serde(default)]
    pub participants: UserIds<PARTICIPANTS_MAX>,
    /// The client's free-form object.
    #[serde(default)]
    pub metadata: Metadata,
    /// Makes the thread a group, whose owner is the caller. Without it the thread keeps the people it was
    /// started with.
    #[serde(default)]
    pub group: Option<GroupBody>,
}

impl CreateThreadBody {
    /// The command to create the thread, or to find it: equal people and metadata are the same thread.
    pub fn into_command(self, created_by: UserId, at: Timestamp) -> Result<CreateThread, InvalidRequest> {
        let participants = self.participants_with(&created_by)?;
        let metadata = self.metadata.into_object();
        let mut canonical = Value::Object(metadata.clone()).to_string();
        let group = self.group.map(|group| group.into_group(&created_by));
        if let Some(group) = &group {
            canonical.push_str(&group_identity(group));
        }
        let thread_id = ThreadId::derive(&participants, &canonical);
        Ok(CreateThread { thread_id, participants, metadata, group, created_by, at })
    }

    /// Everybody in the thread, the creator too: sorted, without repeats.
    fn participants_with(&self, creator: &UserId) -> Result<Vec<UserId>, InvalidRequest> {
        let mut people = self.participants.clone().into_ids();
        people.push(creator.clone());
        people.sort_unstable();
        people.dedup();
        match people.len() {
            0 | 1 => Err(InvalidRequest::new("participants must name somebody else")),
            2..=PARTICIPANTS_MAX => Ok(people),
            _ => Err(InvalidRequest::new(format!("a thread has at most {PARTICIPANTS_MAX} participants"))),
        }
    }
}

/// What tells groups of the same people apart. Whoever creates one with the same name again finds it.
fn group_identity(group: &Group) -> String {
    serde_json::json!([group.name, group.picture, group.history]).to_string()
}

/// `POST /messages/threads/{id}/read`: everything was read, or everything up to a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
pub struct ReadThreadBody {
    /// The place; without it, everything that is there when the request comes.
    #[serde(default)]
    pub seq: Option<Seq>,
}

/// `POST /messages/threads/{id}/unread`: messages of others are to be unread again.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
pub struct UnreadThreadBody {
    /// The first of them; without it, the newest message of somebody else.
    #[serde(default)]
    pub seq: Option<Seq>,
}

/// `thread:unread`: messages of others are to be unread again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadThreadEvent {
    /// The thread.
    pub thread_id: ThreadReference,
    /// The first of them; without it, the newest message of somebody else.
    #[serde(default)]
    pub seq: Option<Seq>,
}

/// The place of a message in its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Seq(pub u64);

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(NumberOfAMessage)
    }
}

struct NumberOfAMessage;

impl Visitor<'_> for NumberOfAMessage {
    type Value = Seq;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of a message")
    }

    fn visit_u64<E: Error>(self, seq: u64) -> Result<Seq, E> {
        Ok(Seq(seq))
    }
}

/// `thread:join`, `thread:leave`, `thread:read`, `typing:start` and `typing:stop`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadEvent {
    /// The thread.
    pub thread_id: ThreadReference,
}
