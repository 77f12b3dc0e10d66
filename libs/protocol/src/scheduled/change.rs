//! What its sender may do to a scheduled message that waits: change it, send it now, cancel it.
//!
//! Safe to repeat because a message remembers the last commands that changed it, by their ids or the keys
//! under which they came. To cancel or to send once more what is cancelled or sent changes nothing.

use super::{MadeChange, ScheduledMessage, ScheduledState};
use crate::content::{Content, Markup};
use crate::fingerprint::{Fingerprint, shorten};
use crate::{CommandId, ScheduledId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How many changes a scheduled message remembers: more than one person makes while a command comes again.
const CHANGES_REMEMBERED: usize = 16;

/// Sets the hashes of keys of changes apart from all other hashes of the same text.
const KEY_LABEL: &[u8] = b"eventflow scheduled change\0";

/// Command: change what waits for its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeScheduled {
    /// The scheduled message.
    pub id: ScheduledId,
    /// Who wants it: nobody but the sender may.
    pub user_id: UserId,
    /// What is wanted.
    pub change: ScheduledChange,
    /// Stands for every command that came under the same key of its client; `None` if it came without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<CommandId>,
    /// The change is wanted only if it was made before under its key: as a new one, the ingress would have
    /// refused it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat_only: bool,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// What is wanted of a message that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledChange {
    /// Say something else, or at another time. What is not named stays as it is.
    Edit {
        /// What the message is to say, already clean.
        #[serde(default)]
        content: Option<Content>,
        /// Whom it is to mention, sorted.
        #[serde(default)]
        mentions: Option<Vec<UserId>>,
        /// When it is to be sent.
        #[serde(default)]
        send_at: Option<Timestamp>,
    },
    /// Send it now.
    Send,
    /// Do not send it.
    Cancel,
}

impl ChangeScheduled {
    /// What stands for the changes of this message that come under this key.
    pub fn key_of(id: ScheduledId, key: &str) -> CommandId {
        let hash = Sha256::new_with_prefix(KEY_LABEL).chain_update(id.bytes()).chain_update(key);
        CommandId(Uuid::from_bytes(shorten(&hash.finalize())))
    }

    /// The change in the form in which it is kept.
    #[must_use]
    pub fn written(mut self, markup: Markup) -> Self {
        if let ScheduledChange::Edit { content, .. } = &mut self.change {
            *content = content.take().map(|content| content.written(markup));
        }
        self
    }

    /// What was asked for, so that another change under the same key is told apart.
    fn asked(&self) -> Fingerprint {
        // People, texts and times always are JSON; if they were not, all such changes would be the same.
        shorten(&Sha256::digest(serde_json::to_vec(&self.change).unwrap_or_default()))
    }
}

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rescheduled {
    /// The message is as the change wants it now.
    Done,
    /// It was so before, or the same command has made it so.
    Before,
    /// The message would say nothing: without attachments it needs a text.
    Empty,
    /// The message is being sent, or has ended.
    TooLate,
    /// The key came before, with another change.
    KeyReused,
    /// The change was wanted only as a repeat ([`ChangeScheduled::repeat_only`]), and was not made before.
    NotRepeated,
}

impl ScheduledMessage {
    /// Makes a change that its sender asks for in this command.
    pub fn change(&mut self, command: CommandId, wanted: &ChangeScheduled) -> Rescheduled {
        let made = MadeChange { command: wanted.key.unwrap_or(command), asked: wanted.asked() };
        if let Some(known) = self.changes.iter().find(|known| known.command == made.command) {
            return if known.asked == made.asked { Rescheduled::Before } else { Rescheduled::KeyReused };
        }
        if wanted.repeat_only {
            return Rescheduled::NotRepeated;
        }
        let changed = self.carry_out(&wanted.change, wanted.at);
        if changed == Rescheduled::Done {
            self.updated_at = self.updated_at.max(wanted.at);
            self.changes.push(made);
            let surplus = self.changes.len().saturating_sub(CHANGES_REMEMBERED);
            self.changes.drain(..surplus);
        }
        changed
    }

    fn carry_out(&mut self, change: &ScheduledChange, at: Timestamp) -> Rescheduled {
        let is_as_wanted = match change {
            ScheduledChange::Edit { .. } => false,
            ScheduledChange::Send => matches!(self.state, ScheduledState::Sending | ScheduledState::Sent),
            ScheduledChange::Cancel => self.state == ScheduledState::Cancelled,
        };
        if is_as_wanted {
            return Rescheduled::Before;
        }
        if self.state != ScheduledState::Waiting {
            return Rescheduled::TooLate;
        }
        let before = self.clone();
        match change {
            ScheduledChange::Edit { content, mentions, send_at } => {
                if content.as_ref().is_some_and(Content::is_blank) && self.message.attachments.is_empty() {
                    return Rescheduled::Empty;
                }
                if let Some(content) = content.as_ref().filter(|content| **content != self.message.content) {
                    self.message.content = content.clone();
                    self.message.typed = None;
                }
                if let Some(mentions) = mentions.as_ref().filter(|wanted| **wanted != self.message.mentions) {
                    self.message.mentions.clone_from(mentions);
                    self.message.typed = None;
                }
                self.send_at = send_at.unwrap_or(self.send_at);
            }
            ScheduledChange::Send => self.send_at = self.send_at.min(at),
            ScheduledChange::Cancel => {
                self.state = ScheduledState::Cancelled;
                self.ended(at);
            }
        }
        if *self == before { Rescheduled::Before } else { Rescheduled::Done }
    }
}
