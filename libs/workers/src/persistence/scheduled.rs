//! Messages that wait for their time: kept, changed and cancelled. [`super::due`] sends them.
//!
//! Safe to repeat because a scheduled message remembers the commands that changed it, and the same message
//! under the same id is found.

use super::Persistence;
use super::applied::Applied;
use super::together::with_id;
use eventflow_bus::handler::Item;
use eventflow_ports::{Rescheduling, Scheduling, StoreError};
use eventflow_protocol::command::Command;
use eventflow_protocol::content::ContentError;
use eventflow_protocol::event::Event;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{
    ChangeScheduled, Rescheduled, SCHEDULED_MAX, ScheduleMessage, ScheduledMessage,
};
use eventflow_protocol::{CommandId, ErrorCode, Timestamp};

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
        if wanted.message.repeat_only && self.parts.scheduled.scheduled(wanted.id).await?.is_none() {
            return Ok(Applied::refused(ErrorCode::Invalid, "the message was not scheduled before"));
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
                let error = format!("sendAt: a person has at most {SCHEDULED_MAX} scheduled messages");
                Applied::refused(ErrorCode::Invalid, &error)
            }
        })
    }

    pub(super) async fn change_scheduled(
        &self,
        item: &Item<Command>,
        wanted: &ChangeScheduled,
    ) -> Result<Applied, StoreError> {
        let changed = self.parts.scheduled.change_scheduled(&with_id(item, wanted)).await?;
        Ok(match changed {
            Rescheduling::Done(step) if step.is_new || item.redelivered => {
                told(item, Box::new(step.scheduled), false, wanted.at)
            }
            Rescheduling::Done(step) => {
                let scheduled = Box::new(step.scheduled);
                Applied::quietly(CommandResult::Scheduled { scheduled, deduplicated: false })
            }
            Rescheduling::Refused(why) => refused(why),
            Rescheduling::NotFound => Applied::not_found("scheduled message"),
        })
    }
}

fn refused(why: Rescheduled) -> Applied {
    match why {
        Rescheduled::Empty => Applied::refused(ErrorCode::Invalid, &ContentError::Empty.to_string()),
        Rescheduled::KeyReused => Applied::refused(
            ErrorCode::KeyReused,
            "this key was used for another change of the scheduled message",
        ),
        Rescheduled::NotRepeated => Applied::refused(ErrorCode::Invalid, "the change was not made before"),
        Rescheduled::Done | Rescheduled::Before | Rescheduled::TooLate => {
            Applied::refused(ErrorCode::TooLate, "the scheduled message is being sent, or has ended")
        }
    }
}

/// Only the sender's own sockets hear of it.
fn told(item: &Item<Command>, kept: Box<ScheduledMessage>, deduplicated: bool, at: Timestamp) -> Applied {
    let event = Event::ScheduledChanged { scheduled: kept.clone(), command: CommandId(item.id), at };
    Applied::with_event(CommandResult::Scheduled { scheduled: kept, deduplicated }, event)
}
