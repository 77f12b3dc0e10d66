//! Requests about drafts.

use crate::client::values::{MessageContent, MessageReference, ThreadReference, Unfit};
use crate::drafts::SaveDraft;
use crate::quote::NO_SUCH_MESSAGE;
use crate::{MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// `PUT /messages/threads/{id}/draft`: what one has begun to write.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(try_from = "DraftFields")]
#[schemars(with = "DraftFields")]
pub struct DraftBody {
    /// What the draft says; an empty one deletes it.
    pub content: MessageContent,
    /// The id of the message that the draft answers.
    pub reply_to: Option<MessageId>,
    /// The revision that the device knows.
    pub based_on: Option<Revision>,
}

/// A text, and what is known of the draft.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DraftBody")]
struct DraftFields {
    /// What the draft says; an empty one deletes it.
    content: MessageContent,
    /// The id of the message that the draft answers, of the same thread.
    #[serde(default)]
    reply_to: Option<MessageReference>,
    /// The revision that the device knows, 0 if none was ever saved: another one is not overwritten, and the
    /// save is refused with `conflict`. Without it the save overwrites.
    #[serde(default)]
    based_on: Option<Revision>,
}

impl TryFrom<DraftFields> for DraftBody {
    type Error = Unfit;

    fn try_from(fields: DraftFields) -> Result<Self, Unfit> {
        let DraftFields { content, reply_to, based_on } = fields;
        let answered = |named: MessageReference| named.id().ok_or_else(|| Unfit::sentence(NO_SUCH_MESSAGE));
        let reply_to = reply_to.map(answered).transpose()?;
        Ok(Self { content, reply_to, based_on })
    }
}

impl DraftBody {
    /// The command to save the draft. Its owner was checked; `at` is now.
    pub fn into_command(self, thread_id: ThreadId, user_id: UserId, at: Timestamp) -> SaveDraft {
        SaveDraft {
            user_id,
            thread_id,
            content: self.content.0,
            reply_to: self.reply_to,
            based_on: self.based_on.map(|Revision(revision)| revision),
            at,
        }
    }
}

/// `draft:save`: what one has begun to write.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(try_from = "DraftEventFields")]
#[schemars(with = "DraftEventFields")]
pub struct DraftEvent {
    /// The thread.
    pub thread_id: ThreadReference,
    /// What a REST request for that thread carries.
    pub body: DraftBody,
}

/// A thread, a text, and what is known of the draft.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DraftEvent")]
struct DraftEventFields {
    /// The thread.
    thread_id: ThreadReference,
    /// What the draft says; an empty one deletes it.
    content: MessageContent,
    /// The id of the message that the draft answers, of the same thread.
    #[serde(default)]
    reply_to: Option<MessageReference>,
    /// The revision that the device knows, 0 if none was ever saved: another one is not overwritten, and the
    /// save is refused with `conflict`. Without it the save overwrites.
    #[serde(default)]
    based_on: Option<Revision>,
}

impl TryFrom<DraftEventFields> for DraftEvent {
    type Error = Unfit;

    fn try_from(fields: DraftEventFields) -> Result<Self, Unfit> {
        let DraftEventFields { thread_id, content, reply_to, based_on } = fields;
        let body = DraftFields { content, reply_to, based_on }.try_into()?;
        Ok(Self { thread_id, body })
    }
}

/// The number of a draft's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Revision(pub u64);

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(RevisionOfADraft)
    }
}

struct RevisionOfADraft;

impl Visitor<'_> for RevisionOfADraft {
    type Value = Revision;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a revision of a draft")
    }

    fn visit_u64<E: Error>(self, revision: u64) -> Result<Revision, E> {
        Ok(Revision(revision))
    }
}
