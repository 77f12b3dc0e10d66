//! The command to send a message: what it says, whether another one is the same, and the form in which it is
//! kept.

use crate::content::{Content, ContentError, Markup};
use crate::document::{Attachment, Message, MessageStatus};
use crate::fingerprint::{Fingerprint, Said};
use crate::pairing::Pairing;
use crate::quote::ReplyTo;
use crate::{CommandId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Command: send a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendMessage {
    /// The thread.
    pub thread_id: ThreadId,
    /// The sender, who is a participant: the ingress has checked it, and the store checks again.
    pub sender_id: UserId,
    /// What the message says, already clean; empty only beside attachments.
    pub content: Content,
    /// References to files, already checked.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The message that this one answers. The ingress has found it in the same thread, and quotes it; while
    /// no store answers, it takes the client's word and quotes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
    /// The people whom it mentions, sorted. The ingress has found them in the thread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// The message is wanted only if it was stored before under its key: as a new one, the ingress would have
    /// refused it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat_only: bool,
    /// The client's own key: the same key of the same sender is the same message.
    #[serde(default)]
    pub client_message_id: Option<String>,
    /// For a message without a key: how the store recognises its twin that the same click sent over the other
    /// transport.
    #[serde(default)]
    pub pairing: Option<Pairing>,
    /// The fingerprint of what was typed, where the content alone does not say it ([`Markup::Strip`]).
    #[serde(default)]
    pub typed: Option<Fingerprint>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl SendMessage {
    /// Whether `stored`, which the same sender sent under the same key, is this message.
    ///
    /// What was sent first counts. A store keeps the fingerprint of that, `sent_as`, from the first change of
    /// a keyed message on ([`crate::change::sent_as`]). For a message that was changed before stores did so,
    /// nobody knows any more what was sent first, and it counts as the same.
    pub fn is_again(&self, stored: &Message, sent_as: Option<Fingerprint>) -> bool {
        let is_same_body = match sent_as {
            Some(first) => first == self.fingerprint(),
            None => !stored.is_as_sent() || Said::of(stored).fingerprint() == self.fingerprint(),
        };
        stored.thread_id == self.thread_id && is_same_body
    }

    /// The message in the form in which it is kept. Fails if nothing is left of it.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        let as_typed = self.said().fingerprint_as_typed();
        self.content = self.content.written(markup);
        for attachment in &mut self.attachments {
            attachment.filename = markup.write(&attachment.filename).into_owned();
        }
        if self.content.is_blank() && self.attachments.is_empty() {
            return Err(ContentError::Empty);
        }
        self.typed = Some(as_typed).filter(|as_typed| self.fingerprint() != *as_typed);
        Ok(self)
    }

    /// The fingerprint of what was typed, which is the same in every form in which it may be kept.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.typed.unwrap_or_else(|| self.said().fingerprint())
    }

    /// What the message says, for its fingerprint.
    pub fn said(&self) -> Said<'_> {
        Said {
            content: self.content.as_str(),
            attachments: &self.attachments,
            reply_to: self.reply_to.as_ref(),
            mentions: &self.mentions,
        }
    }

    /// The message as it is stored under this command's id, at this place of its thread.
    pub fn into_message(self, id: CommandId, seq: u64) -> Message {
        Message {
            id: id.into(),
            thread_id: self.thread_id,
            seq,
            sender_id: self.sender_id,
            content: self.content.into_string(),
            attachments: self.attachments,
            reply_to: self.reply_to,
            mentions: self.mentions,
            reactions: Vec::new(),
            status: MessageStatus::Sent,
            read_by: Vec::new(),
            delivered_to: Vec::new(),
            is_draft: false,
            client_message_id: self.client_message_id,
            edited_at: None,
            pinned: None,
            deleted_at: None,
            created_at: self.at,
            updated_at: self.at,
        }
    }
}
