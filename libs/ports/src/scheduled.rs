//! The scheduled-messages port: what people have written to be sent later.
//!
//! [`ScheduledMessage`] says how one changes; a store runs these changes one at a time for each of them.
//! Every method may be repeated. [`crate::scheduled_contract`] checks these promises.

use crate::store::{StoreError, WithCommandId};
use async_trait::async_trait;
use eventflow_protocol::scheduled::{
    CancelScheduled, ChangeScheduled, NotSent, ScheduleMessage, ScheduledMessage, ScheduledState,
};
use eventflow_protocol::{MessageId, ScheduledId, Timestamp, UserId};

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

/// What became of a wish to change or to cancel a scheduled message.
#[derive(Clone, Debug, PartialEq)]
pub enum Rescheduling {
    /// It is done, now or since earlier: the message as it is now.
    Done(Box<ScheduledMessage>, IsNew),
    /// The message would say nothing.
    Empty,
    /// Its time has come, or it has ended.
    TooLate,
    /// The sender has no such message.
    NotFound,
}

/// Whether a wish was carried out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsNew {
    /// It was.
    Yes,
    /// The same wish had been carried out before.
    No,
}

impl Rescheduling {
    /// Changes a kept message, which is `None` if there is none of this id.
    pub fn change(kept: Option<ScheduledMessage>, change: &WithCommandId<ChangeScheduled>) -> Self {
        let WithCommandId { command_id, wanted } = change;
        let Some(mut kept) = own(kept, &wanted.user_id) else { return Self::NotFound };
        if kept.commands.contains(command_id) {
            return Self::Done(Box::new(kept), IsNew::No);
        }
        if kept.state != ScheduledState::Waiting {
            return Self::TooLate;
        }
        if !kept.takes(wanted.content.as_ref()) {
            return Self::Empty;
        }
        let is_new = if kept.change(*command_id, wanted) { IsNew::Yes } else { IsNew::No };
        Self::Done(Box::new(kept), is_new)
    }

    /// Cancels a kept message, as [`Self::change`] changes it.
    pub fn cancel(kept: Option<ScheduledMessage>, cancel: &CancelScheduled) -> Self {
        let Some(mut kept) = own(kept, &cancel.user_id) else { return Self::NotFound };
        match kept.state {
            ScheduledState::Cancelled => Self::Done(Box::new(kept), IsNew::No),
            ScheduledState::Waiting => {
                kept.cancel(cancel.at);
                Self::Done(Box::new(kept), IsNew::Yes)
            }
            ScheduledState::Sending | ScheduledState::Sent | ScheduledState::NotSent => Self::TooLate,
        }
    }
}

fn own(kept: Option<ScheduledMessage>, user: &UserId) -> Option<ScheduledMessage> {
    kept.filter(|kept| kept.message.sender_id == *user)
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

/// Keeps scheduled messages.
#[async_trait]
pub trait Scheduled: Send + Sync + 'static {
    /// Keeps a message, unless its id exists. The store looks for room before it keeps one; several processes
    /// that keep messages of one sender at the same moment may go beyond the bound by their number.
    async fn schedule(&self, new: &ScheduleMessage) -> Result<Scheduling, StoreError>;

    /// Changes text or time of a message that waits ([`Rescheduling::change`]).
    async fn change_scheduled(
        &self,
        change: &WithCommandId<ChangeScheduled>,
    ) -> Result<Rescheduling, StoreError>;

    /// Cancels a message that waits ([`Rescheduling::cancel`]).
    async fn cancel_scheduled(&self, cancel: &CancelScheduled) -> Result<Rescheduling, StoreError>;

    /// Takes some of the messages that are due ([`ScheduledMessage::claim`]), those that are due longest
    /// first. Of two concurrent callers only one gets a message.
    async fn claim_scheduled(&self, now: Timestamp) -> Result<Vec<ScheduledMessage>, StoreError>;

    /// Notes what became of a message ([`ScheduledMessage::finish`]). Returns it as it is now; `None` if
    /// there is none.
    async fn finish_scheduled(
        &self,
        id: ScheduledId,
        outcome: Result<MessageId, NotSent>,
        at: Timestamp,
    ) -> Result<Option<ScheduledMessage>, StoreError>;

    /// Reads a scheduled message.
    async fn scheduled(&self, id: ScheduledId) -> Result<Option<ScheduledMessage>, StoreError>;

    /// Reads a page of a person's scheduled messages.
    async fn scheduled_of(
        &self,
        user: &UserId,
        page: ScheduledPage,
    ) -> Result<Vec<ScheduledMessage>, StoreError>;

    /// Deletes messages that ended before `before`. Returns how many it deleted, a bounded number at a time:
    /// repeat it until it is 0. Their keys are free again.
    async fn forget_scheduled(&self, before: Timestamp) -> Result<u64, StoreError>;
}
