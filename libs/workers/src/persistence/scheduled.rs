//! Messages that wait for their time: kept, changed, cancelled, and ended when they are stored.
//!
//! Safe to repeat because a scheduled message says which changes count, and its end is noted again by the
//! command that sends it, which comes again until it was.

use super::Persistence;
use super::applied::Applied;
use eventflow_bus::handler::Item;
use eventflow_ports::{Appended, IsNew, Rescheduling, Scheduling, StoreError, WithCommandId};
use eventflow_protocol::command::{Command, SendMessage};
use eventflow_protocol::event::Event;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{
    CancelScheduled, ChangeScheduled, NotSent, SCHEDULED_MAX, ScheduleMessage, ScheduledMessage,
};
use eventflow_protocol::{CommandId, ErrorCode, MessageId, Timestamp};

/// The outcome of an append that a scheduled message waits for.
pub(super) fn outcome(appended: &Appended) -> Result<MessageId, NotSent> {
    match appended {
        Appended::Stored(message) | Appended::Duplicate(message) => Ok(message.id),
        Appended::KeyReused => Err(NotSent::KeyReused),
        Appended::NotParticipant => Err(NotSent::NotInThread),
    }
}

impl Persistence {
    pub(super) async fn schedule(
        &self,
        item: &Item<Command>,
        wanted: &ScheduleMessage,
    ) -> Result<Applied, StoreError> {
        let (thread, sender) = (wanted.message.thread_id, &wanted.message.sender_id);
        if !self.parts.store.is_participant(thread, sender).await? {
            return Ok(Applied::not_found("thread"));
        }
        Ok(match self.parts.scheduled.schedule(wanted).await? {
            Scheduling::Stored(kept) => told(item, kept, false, wanted.message.at),
            Scheduling::Before(kept) if item.redelivered => told(item, kept, true, wanted.message.at),
            Scheduling::Before(scheduled) => {
                Applied::quietly(CommandResult::Scheduled { scheduled, deduplicated: true })
            }
            Scheduling::KeyReused => {
                Applied::refused(ErrorCode::KeyReused, "this clientMessageId was used for another message")
            }
            Scheduling::TooMany => {
                let error = format!("a person has at most {SCHEDULED_MAX} scheduled messages");
                Applied::refused(ErrorCode::Invalid, &error)
            }
        })
    }

    pub(super) async fn change_scheduled(
        &self,
        item: &Item<Command>,
        wanted: &ChangeScheduled,
    ) -> Result<Applied, StoreError> {
        let change = WithCommandId { command_id: CommandId(item.id), wanted: wanted.clone() };
        let changed = self.parts.scheduled.change_scheduled(&change).await?;
        Ok(rescheduled(item, changed, wanted.at))
    }

    pub(super) async fn cancel_scheduled(
        &self,
        item: &Item<Command>,
        wanted: &CancelScheduled,
    ) -> Result<Applied, StoreError> {
        let cancelled = self.parts.scheduled.cancel_scheduled(wanted).await?;
        Ok(rescheduled(item, cancelled, wanted.at))
    }

    /// Notes what became of a scheduled message, and adds what its sender is told. `outcome` is what the
    /// store said to the message.
    pub(super) async fn finish_scheduled(
        &self,
        item: &Item<Command>,
        send: &SendMessage,
        outcome: Result<MessageId, NotSent>,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let Some(id) = send.scheduled else { return Ok(()) };
        let at = self.parts.clock.now();
        if let Some(kept) = self.parts.scheduled.finish_scheduled(id, outcome, at).await? {
            let scheduled = Box::new(kept);
            applied.events.push(Event::ScheduledChanged { scheduled, command: CommandId(item.id), at });
        }
        Ok(())
    }
}

fn rescheduled(item: &Item<Command>, answer: Rescheduling, at: Timestamp) -> Applied {
    match answer {
        Rescheduling::Done(kept, IsNew::Yes) => told(item, kept, false, at),
        Rescheduling::Done(kept, IsNew::No) if item.redelivered => told(item, kept, false, at),
        Rescheduling::Done(scheduled, IsNew::No) => {
            Applied::quietly(CommandResult::Scheduled { scheduled, deduplicated: false })
        }
        Rescheduling::Empty => Applied::refused(ErrorCode::Invalid, "the message is empty"),
        Rescheduling::TooLate => Applied::refused(ErrorCode::TooLate, "the message waits no more"),
        Rescheduling::NotFound => Applied::not_found("scheduled message"),
    }
}

/// Only the sender's own sockets hear of it.
fn told(item: &Item<Command>, kept: Box<ScheduledMessage>, deduplicated: bool, at: Timestamp) -> Applied {
    let event = Event::ScheduledChanged { scheduled: kept.clone(), command: CommandId(item.id), at };
    Applied::with_event(CommandResult::Scheduled { scheduled: kept, deduplicated }, event)
}
