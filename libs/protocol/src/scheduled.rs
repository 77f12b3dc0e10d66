//! Scheduled messages: what somebody has written to be sent later.
//!
//! A scheduled message is kept until its time. Then a worker claims it and sends it as any message, under a
//! command whose id follows from the scheduled message, so sending it again stores nothing. The stage that
//! stores the message ends the scheduled one. The methods here are the only place that says how one changes;
//! every store runs them under its own lock or compare-and-set.

use crate::change::remember_wish;
use crate::command::SendMessage;
use crate::content::{Content, ContentError, Markup};
use crate::fingerprint::{Fingerprint, shorten};
use crate::{CommandId, MessageId, ScheduledId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// How soon a message may be planned for. What is to go sooner is sent at once.
pub const SCHEDULE_AHEAD_MIN: Duration = Duration::from_secs(10);
/// How far ahead a message may be planned.
pub const SCHEDULE_AHEAD_MAX: Duration = Duration::from_hours(24 * 366);
/// Most messages of one person that wait for their time.
pub const SCHEDULED_MAX: u32 = 100;
/// How long a scheduled message is kept after its end: so long its sender can see what became of it, and its
/// key finds it.
pub const ENDED_KEPT: Duration = Duration::from_hours(24 * 7);

/// How long a worker has a message at first: longer than storing it takes, and as long as the message stands
/// still after its worker died.
const FIRST_CLAIM: Duration = Duration::from_secs(30);
/// How often the claim doubles: while messages wait in their queue, each of them comes into it once an hour.
const CLAIM_DOUBLINGS: u32 = 7;

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

/// Command: change what waits for its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeScheduled {
    /// The scheduled message.
    pub id: ScheduledId,
    /// Who wants it: nobody but the sender may.
    pub user_id: UserId,
    /// What the message is to say, already clean; it stays as it is without.
    #[serde(default)]
    pub content: Option<Content>,
    /// When it is to be sent; as before without.
    #[serde(default)]
    pub send_at: Option<Timestamp>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl ChangeScheduled {
    /// The change in the form in which it is kept.
    #[must_use]
    pub fn written(mut self, markup: Markup) -> Self {
        self.content = self.content.map(|content| content.written(markup));
        self
    }
}

/// Command: do not send what waits for its time. Repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelScheduled {
    /// The scheduled message.
    pub id: ScheduledId,
    /// Who wants it: nobody but the sender may.
    pub user_id: UserId,
    /// When the ingress accepted it.
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
    NotSent,
    /// The sender has cancelled it.
    Cancelled,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// The sender was not in the thread any more.
    NotInThread,
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
    /// When the first worker took it: that is when the message counts as accepted.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// How often a worker took it.
    #[serde(default)]
    pub claims: u32,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// When a worker may take it; nothing at its end.
    pub claimable_at: Option<Timestamp>,
    /// The last commands that changed it, ascending.
    #[serde(default)]
    pub commands: Vec<CommandId>,
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
            claims: 0,
            ended_at: None,
            claimable_at: Some(new.send_at),
            commands: Vec::new(),
        }
    }

    /// Whether the message may still be sent.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, ScheduledState::Waiting | ScheduledState::Sending)
    }

    /// Whether `new`, which the same sender schedules under the same key, is this message.
    pub fn is_again(&self, new: &ScheduleMessage) -> bool {
        self.body == new.body()
    }

    /// The command that sends the message, always the same. Its time is that of the scheduling, so that ids
    /// of messages keep their form.
    pub fn command_id(&self) -> CommandId {
        let hash = Sha256::new_with_prefix(COMMAND_LABEL).chain_update(self.id.bytes()).finalize();
        let mut bytes: [u8; 16] = std::array::from_fn(|i| hash[i]);
        let milliseconds = self.message.at.0.to_be_bytes();
        bytes[..6].copy_from_slice(&milliseconds[2..]);
        CommandId(Uuid::from_bytes(bytes))
    }

    /// The message as it goes to the stage that stores it.
    pub fn to_send(&self) -> SendMessage {
        let at = self.started_at.unwrap_or(self.send_at);
        SendMessage { at, scheduled: Some(self.id), ..self.message.clone() }
    }

    /// A worker takes the message; `false` if it may not be taken now. It may be taken again when the claim
    /// runs out, each time later: the message may be in its queue for long.
    pub fn claim(&mut self, now: Timestamp) -> bool {
        if self.claimable_at.is_none_or(|at| at > now) {
            return false;
        }
        let lease = FIRST_CLAIM * 2_u32.pow(self.claims.min(CLAIM_DOUBLINGS));
        self.state = ScheduledState::Sending;
        self.started_at.get_or_insert(now);
        self.claims = self.claims.saturating_add(1);
        self.claimable_at = Some(now.plus(lease));
        true
    }

    /// Changes the message; `false` if the same command did before. The caller has looked whether it waits.
    pub fn change(&mut self, command: CommandId, wanted: &ChangeScheduled) -> bool {
        if !remember_wish(&mut self.commands, command) {
            return false;
        }
        if let Some(content) = &wanted.content {
            self.message.content = content.clone();
            self.message.typed = None;
        }
        if let Some(send_at) = wanted.send_at {
            self.send_at = send_at;
            self.claimable_at = Some(send_at);
        }
        self.updated_at = self.updated_at.max(wanted.at);
        true
    }

    /// Whether the message can be sent with this text: without attachments it needs one.
    pub fn takes(&self, content: Option<&Content>) -> bool {
        !content.is_some_and(Content::is_blank) || !self.message.attachments.is_empty()
    }

    /// Cancels the message. The caller has looked whether it waits.
    pub fn cancel(&mut self, at: Timestamp) {
        self.end(ScheduledState::Cancelled, at);
    }

    /// The message was stored, or could not be; `false` if that is known already.
    pub fn finish(&mut self, outcome: Result<MessageId, NotSent>, at: Timestamp) -> bool {
        let state = if outcome.is_ok() { ScheduledState::Sent } else { ScheduledState::NotSent };
        if self.state == state {
            return false;
        }
        self.message_id = outcome.ok();
        self.reason = outcome.err();
        self.end(state, at);
        true
    }

    fn end(&mut self, state: ScheduledState, at: Timestamp) {
        self.state = state;
        self.updated_at = self.updated_at.max(at);
        self.ended_at = Some(at);
        self.claimable_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ThreadId;

    fn new(at: i64) -> ScheduleMessage {
        let message = SendMessage {
            thread_id: ThreadId::from_bytes([1; 12]),
            sender_id: "ann".parse().unwrap(),
            content: Content::parse("later").unwrap(),
            attachments: Vec::new(),
            reply_to: None,
            client_message_id: Some("k".to_owned()),
            pairing: None,
            typed: None,
            scheduled: None,
            at: Timestamp(at),
        };
        let id = ScheduledId::of_key(&message.sender_id, "k");
        ScheduleMessage { id, message, send_at: Timestamp(100_000) }
    }

    #[test]
    fn a_message_is_taken_by_one_worker_and_again_later_and_later() {
        let mut kept = ScheduledMessage::new(&new(5));
        assert!(!kept.claim(Timestamp(99_999)), "it is not due");
        let mut now = Timestamp(100_000);
        for seconds in [30, 60, 120, 240, 480, 960, 1_920, 3_840, 3_840] {
            assert!(kept.claim(now) && !kept.claim(now));
            let next = now.plus(Duration::from_secs(seconds));
            assert!(!kept.claim(Timestamp(next.0 - 1)), "{seconds}");
            now = next;
        }
        let sent = kept.to_send();
        assert_eq!((sent.at, sent.scheduled), (Timestamp(100_000), Some(kept.id)), "always the same");
    }

    #[test]
    fn the_command_follows_from_the_scheduled_message() {
        let (one, other) = (ScheduledMessage::new(&new(5)), ScheduledMessage::new(&new(5)));
        assert_eq!(one.command_id(), other.command_id());
        let mut changed = one.clone();
        let (user_id, content) = ("ann".parse().unwrap(), Content::parse("another").ok());
        let send_at = Some(Timestamp(7));
        let wanted = ChangeScheduled { id: one.id, user_id, content, send_at, at: Timestamp(6) };
        let command = CommandId::new();
        assert!(changed.change(command, &wanted) && !changed.change(command, &wanted));
        assert_eq!(changed.command_id(), one.command_id());
        assert!(changed.is_again(&new(5)), "what was asked for first counts");
        let later = ScheduleMessage { send_at: Timestamp(8), ..new(5) };
        assert!(!one.is_again(&later));
    }

    #[test]
    fn an_end_is_told_once_and_what_was_stored_counts() {
        let mut kept = ScheduledMessage::new(&new(5));
        kept.claim(kept.send_at);
        assert!(kept.finish(Err(NotSent::NotInThread), Timestamp(9)));
        assert!(!kept.finish(Err(NotSent::NotInThread), Timestamp(10)));
        let stored = MessageId::from_bytes([3; 12]);
        assert!(kept.finish(Ok(stored), Timestamp(11)) && !kept.finish(Ok(stored), Timestamp(12)));
        assert_eq!((kept.state, kept.message_id, kept.reason), (ScheduledState::Sent, Some(stored), None));
        assert!(!kept.is_waiting() && !kept.claim(Timestamp(i64::MAX)));
    }
}
