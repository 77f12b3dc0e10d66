//! The scheduled-messages port: what people have written to be sent later.
//!
//! [`ScheduledMessage`] says how one changes; a store runs these changes one at a time for each of them.
//! Every method may be repeated. [`crate::scheduled_contract`] checks these promises.

use crate::store::{StoreError, WithCommandId};
use async_trait::async_trait;
use eventflow_protocol::scheduled::{
    ChangeScheduled, NotSent, Rescheduled, ScheduleMessage, ScheduledMessage,
};
use eventflow_protocol::{MessageId, ScheduledId, ThreadId, Timestamp, UserId};

/// What became of a message that was to be kept for later.
#[derive(Clone, Debug, PartialEq)]
pub enum Scheduling {
    /// The store keeps the message now.
    Stored(Box<ScheduledMessage>),
    /// The same message is kept already: as it is now.
    Before(Box<ScheduledMessage>),
    /// The id already belongs to another message.
    KeyReused,
    /// The sender has [`eventflow_protocol::scheduled::SCHEDULED_MAX`] messages that wait.
    TooMany,
}

impl Scheduling {
    /// The answer to a message whose id a kept one has.
    pub fn again(new: &ScheduleMessage, known: ScheduledMessage) -> Self {
        if known.is_again(new) { Self::Before(Box::new(known)) } else { Self::KeyReused }
    }
}

/// A kept message after a step, and whether the step changed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The message as it is now.
    pub scheduled: ScheduledMessage,
    /// Whether the step was made now.
    pub is_new: bool,
}

/// What became of a wish to change a scheduled message.
#[derive(Clone, Debug, PartialEq)]
pub enum Rescheduling {
    /// The message is as it is wanted, now or since earlier.
    Done(Box<Step>),
    /// It is not: [`Rescheduled::Empty`], [`Rescheduled::TooLate`], [`Rescheduled::KeyReused`] or
    /// [`Rescheduled::NotRepeated`].
    Refused(Rescheduled),
    /// The sender has no such message.
    NotFound,
}

impl Rescheduling {
    /// Changes a kept message, which is `None` if there is none of this id.
    pub fn of(kept: Option<ScheduledMessage>, change: &WithCommandId<ChangeScheduled>) -> Self {
        let WithCommandId { command_id, wanted } = change;
        let own = kept.filter(|kept| kept.message.sender_id == wanted.user_id);
        let Some(mut scheduled) = own else { return Self::NotFound };
        match scheduled.change(*command_id, wanted) {
            Rescheduled::Done => Self::Done(Box::new(Step { scheduled, is_new: true })),
            Rescheduled::Before => Self::Done(Box::new(Step { scheduled, is_new: false })),
            refused @ (Rescheduled::Empty
            | Rescheduled::TooLate
            | Rescheduled::KeyReused
            | Rescheduled::NotRepeated) => Self::Refused(refused),
        }
    }

    /// The message that a store has to write, because the change was made now.
    pub fn to_write(&self) -> Option<&ScheduledMessage> {
        match self {
            Self::Done(step) if step.is_new => Some(&step.scheduled),
            Self::Done(_) | Self::Refused(_) | Self::NotFound => None,
        }
    }
}

/// Selects a page of a person's scheduled messages. Those that are due last come first; among equal times the
/// larger ids come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledPage {
    /// Cursor: continue after the message with this time and id.
    pub after: Option<(Timestamp, ScheduledId)>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// A message whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueMessage {
    /// The scheduled message.
    pub id: ScheduledId,
    /// Its thread.
    pub thread_id: ThreadId,
}

/// How many messages wait for their time, and for how long the first has waited beyond it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages that have not ended; no more than [`WAITING_COUNTED`] are counted.
    pub waiting: u64,
    /// When the first of them is due, which may be past.
    pub first: Option<Timestamp>,
}

/// Most waiting messages that are counted, so that a count costs the same in the largest store.
pub const WAITING_COUNTED: u32 = 100_000;

/// Keeps scheduled messages.
#[async_trait]
pub trait Scheduled: Send + Sync + 'static {
    /// Keeps a message, unless its id exists. The store looks for room before it keeps one; several processes
    /// that keep messages of one sender at the same moment may go beyond the bound by their number.
    async fn schedule(&self, new: &ScheduleMessage) -> Result<Scheduling, StoreError>;

    /// Changes, sends or cancels a message that waits ([`ScheduledMessage::change`]).
    async fn change_scheduled(
        &self,
        change: &WithCommandId<ChangeScheduled>,
    ) -> Result<Rescheduling, StoreError>;

    /// Reads up to `limit` messages that are due at `now` and have not ended. What is due first comes first,
    /// among equal times what was scheduled first. The work is in proportion to what it returns.
    async fn due_scheduled(&self, now: Timestamp, limit: u32) -> Result<Vec<DueMessage>, StoreError>;

    /// Begins a message ([`ScheduledMessage::begin`]). Returns it as it is now; `None` if there is none.
    async fn begin_scheduled(&self, id: ScheduledId, at: Timestamp) -> Result<Option<Step>, StoreError>;

    /// Notes what became of a message ([`ScheduledMessage::end`]). Returns it as it is now; `None` if there
    /// is none.
    async fn end_scheduled(
        &self,
        id: ScheduledId,
        outcome: Result<MessageId, NotSent>,
        at: Timestamp,
    ) -> Result<Option<Step>, StoreError>;

    /// Reads a scheduled message.
    async fn scheduled(&self, id: ScheduledId) -> Result<Option<ScheduledMessage>, StoreError>;

    /// Reads a page of a person's scheduled messages.
    async fn scheduled_of(
        &self,
        user: &UserId,
        page: ScheduledPage,
    ) -> Result<Vec<ScheduledMessage>, StoreError>;

    /// Counts what has not ended, and finds the first of it.
    async fn scheduled_backlog(&self) -> Result<Backlog, StoreError>;

    /// Deletes messages that ended before `before`. Returns how many it deleted, a bounded number at a time:
    /// repeat it until it is 0. Their keys are free again.
    async fn forget_scheduled(&self, before: Timestamp) -> Result<u64, StoreError>;
}
