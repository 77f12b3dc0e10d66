//! Scheduled messages: what somebody has written to be sent later.
//!
//! A scheduled message is kept until its time. Then a gateway sends the command [`SendScheduled`] through the
//! queue of its thread, like any message, and the persistence stage begins it ([`ScheduledMessage::begin`]),
//! stores the message and ends it ([`ScheduledMessage::end`]). From its beginning on nobody changes it any
//! more, and the id of the message follows from it, so the command may come as often as it likes. The methods
//! here are the only place that says how one changes; every store runs them under its own lock or
//! compare-and-set.

mod change;

pub use change::{ChangeScheduled, Rescheduled, ScheduledChange};

use crate::command::SendMessage;
use crate::content::{ContentError, Markup};
use crate::fingerprint::{Fingerprint, shorten};
use crate::{CommandId, MessageId, Participants, ScheduledId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// How soon a message may be planned for. What is to go sooner is sent at once.
pub const SCHEDULE_AHEAD_MIN: Duration = Duration::from_secs(10);
/// How far ahead a message may be planned: a birthday of next year.
pub const SCHEDULE_AHEAD_MAX: Duration = Duration::from_hours(24 * 366);
/// Most messages of one person that wait for their time: what somebody can still look through, and so few
/// that nobody fills the store with what nobody sees.
pub const SCHEDULED_MAX: u32 = 100;
/// How long a scheduled message is kept after its end: so long its sender can see what became of it, and its
/// key finds it.
pub const ENDED_KEPT: Duration = Duration::from_hours(24 * 7);

/// Sets the hashes of scheduled messages apart from all other hashes of the same text.
const KEY_LABEL: &[u8] = b"eventflow scheduled\0";
const COMMAND_LABEL: &[u8] = b"eventflow scheduled message\0";

impl ScheduledId {
    /// The id of what this sender schedules under this key. Equal input gives an equal id.
    pub fn of_key(sender: &UserId, key: &str) -> Self {
        let hash = Sha256::new_with_prefix(KEY_LABEL).chain_update(sender.as_str()).chain_update([0]);
        let hash = hash.chain_update(key).finalize();
        Self::from_bytes(std::array::from_fn(|i| hash[i]))
    }
}

/// Command: keep a message, to be sent when it is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleMessage {
    /// The id: it follows from the sender's key, or is new.
    pub id: ScheduledId,
    /// The message; its `at` is when the ingress accepted it.
    pub message: SendMessage,
    /// When it is to be sent.
    pub send_at: Timestamp,
}

impl ScheduleMessage {
    /// The message in the form in which it is kept. Fails if nothing is left of it.
    pub fn written(self, markup: Markup) -> Result<Self, ContentError> {
        Ok(Self { message: self.message.written(markup)?, ..self })
    }

    /// What was asked for: the same key with another one is refused.
    fn body(&self) -> Fingerprint {
        let hash = Sha256::new_with_prefix(self.message.fingerprint());
        let hash = hash.chain_update(self.message.thread_id.bytes());
        shorten(&hash.chain_update(self.send_at.0.to_be_bytes()).finalize())
    }
}

/// Command: send a message whose time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendScheduled {
    /// The scheduled message.
    pub id: ScheduledId,
    /// Its thread, in whose queue the command has its place.
    pub thread_id: ThreadId,
    /// When a gateway found it due.
    pub at: Timestamp,
}

/// How far a scheduled message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledState {
    /// It waits for its time.
    Waiting,
    /// Its time has come, and it is being sent.
    Sending,
    /// The message is stored.
    Sent,
    /// The message could not be sent, and will not be.
    Failed,
    /// The sender has cancelled it.
    Cancelled,
}

impl ScheduledState {
    /// The state's name, as clients see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// The sender was not in the thread any more: they had left, or were removed.
    NotInThread,
    /// There was no such thread any more.
    ThreadGone,
    /// The sender had sent another message under the same key.
    KeyReused,
}

/// A scheduled message as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledMessage {
    /// The id.
    pub id: ScheduledId,
    /// The message.
    pub message: SendMessage,
    /// The fingerprint of what was asked for first.
    pub body: Fingerprint,
    /// When it is to be sent.
    pub send_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// How far it has come.
    pub state: ScheduledState,
    /// Why it was not sent.
    #[serde(default)]
    pub reason: Option<NotSent>,
    /// The message that was stored.
    #[serde(default)]
    pub message_id: Option<MessageId>,
    /// When it was begun: that is when the message counts as accepted.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// The last changes, the newest last.
    #[serde(default)]
    changes: Vec<MadeChange>,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MadeChange {
    command: CommandId,
    asked: Fingerprint,
}

impl ScheduledMessage {
    /// The message as it is kept first.
    pub fn new(new: &ScheduleMessage) -> Self {
        Self {
            id: new.id,
            body: new.body(),
            send_at: new.send_at,
            updated_at: new.message.at,
            message: new.message.clone(),
            state: ScheduledState::Waiting,
            reason: None,
            message_id: None,
            started_at: None,
            ended_at: None,
            changes: Vec::new(),
        }
    }

    /// When the message is due; `None` if it has ended.
    pub fn due_at(&self) -> Option<Timestamp> {
        let is_to_come = matches!(self.state, ScheduledState::Waiting | ScheduledState::Sending);
        is_to_come.then_some(self.send_at)
    }

    /// Whether `new`, which the same sender schedules under the same key, is this message.
    pub fn is_again(&self, new: &ScheduleMessage) -> bool {
        self.body == new.body()
    }

    /// The command that stores the message, always the same. Its time is that of the scheduling, so that ids
    /// of messages keep their form.
    pub fn command_id(&self) -> CommandId {
        let hash = Sha256::new_with_prefix(COMMAND_LABEL).chain_update(self.id.bytes()).finalize();
        let mut bytes: [u8; 16] = std::array::from_fn(|i| hash[i]);
        let milliseconds = self.message.at.0.to_be_bytes();
        bytes[..6].copy_from_slice(&milliseconds[2..]);
        CommandId(Uuid::from_bytes(bytes))
    }

    /// The message as the store takes it. It mentions nobody who is not among the `people` of its thread any
    /// more; they need to be known only if it mentions somebody.
    pub fn to_send(&self, people: Option<&Participants>) -> SendMessage {
        let mut send = self.message.clone();
        send.at = self.started_at.unwrap_or(self.send_at);
        let is_there = |user: &UserId| people.is_some_and(|people| people.contains(user));
        if !send.mentions.iter().all(is_there) {
            // Under its key it stays what was asked for.
            send.typed = Some(send.fingerprint());
            send.mentions.retain(is_there);
        }
        send
    }

    /// The message is sent from now on, and is not changed any more; `false` if it was begun before, has
    /// ended, or was put off while the command was on its way.
    pub fn begin(&mut self, at: Timestamp) -> bool {
        if self.state != ScheduledState::Waiting || self.send_at > at {
            return false;
        }
        self.state = ScheduledState::Sending;
        self.started_at = Some(at);
        self.updated_at = self.updated_at.max(at);
        true
    }

    /// The message was stored, or could not be; `false` if that is known already. What was stored counts,
    /// whatever is said of it later.
    pub fn end(&mut self, outcome: Result<MessageId, NotSent>, at: Timestamp) -> bool {
        let is_known = match self.state {
            ScheduledState::Sent | ScheduledState::Cancelled => true,
            ScheduledState::Failed => outcome.is_err(),
            ScheduledState::Waiting | ScheduledState::Sending => false,
        };
        if is_known {
            return false;
        }
        self.state = if outcome.is_ok() { ScheduledState::Sent } else { ScheduledState::Failed };
        self.message_id = outcome.ok();
        self.reason = outcome.err();
        self.ended(at);
        true
    }

    fn ended(&mut self, at: Timestamp) {
        self.updated_at = self.updated_at.max(at);
        self.ended_at = Some(at);
    }
}

#[cfg(test)]
mod tests;
