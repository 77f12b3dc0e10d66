//! Messages that have waited for their time: begun, stored like any message, and ended.
//!
//! In comes the command that a gateway sends for what is due. A message is begun before it is stored, so that
//! nobody changes it any more, and takes the place of its command in the batch; what became of it is its end.
//! Safe to repeat because its command's id follows from the scheduled message: whoever dies between two of
//! these steps leaves them to the command, which comes again, or to the next one that a gateway sends. What
//! another command has stored and announced is announced by that one.

use super::Persistence;
use super::applied::Applied;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_metrics::ScheduledOutcome;
use eventflow_ports::StoreError;
use eventflow_protocol::command::Command;
use eventflow_protocol::event::Event;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{NotSent, ScheduledMessage, ScheduledState, SendScheduled};
use eventflow_protocol::{CommandId, ErrorCode, MessageId};
use futures_util::StreamExt;
use futures_util::stream::iter;
use std::borrow::Cow;

/// Scheduled messages of a batch that are begun, and ended, at the same time: each costs the store two calls
/// of its own, and a backlog has as many as a batch has commands.
const AT_ONCE: usize = 16;

/// A part of a batch with the messages that are due in the places of their commands.
pub(super) struct Due<'a> {
    pub(super) part: Cow<'a, [Item<Command>]>,
    begun: Vec<(usize, ScheduledMessage)>,
}

impl Due<'_> {
    /// Where another command for the same message is.
    fn place_of(&self, kept: &ScheduledMessage) -> Option<usize> {
        self.begun.iter().find(|(_, begun)| begun.id == kept.id).map(|(at, _)| *at)
    }
}

impl Persistence {
    /// Begins what is due. A command with nothing left to do is answered.
    pub(super) async fn begin_due<'a>(
        &self,
        part: &'a [Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<Due<'a>, Unavailable> {
        let mut begins = Vec::new();
        for (at, item) in part.iter().enumerate() {
            if let Command::SendScheduled(send) = &item.value {
                begins.push(async move { (at, self.begin(item, send).await) });
            }
        }
        let begun: Vec<_> = iter(begins).buffered(AT_ONCE).collect().await;
        let mut due = Due { part: Cow::Borrowed(part), begun: Vec::new() };
        for (at, begun) in begun {
            match begun {
                Ok(Begun::Message(kept, message)) => match due.place_of(&kept) {
                    None => {
                        due.part.to_mut()[at] = *message;
                        due.begun.push((at, *kept));
                    }
                    // Two gateways found it due at the same time. What either may have stored and not told
                    // is told.
                    Some(first) => {
                        due.part.to_mut()[first].redelivered |= message.redelivered;
                        let again = CommandResult::Scheduled { scheduled: kept, deduplicated: true };
                        applied[at] = Some(Applied::quietly(again));
                    }
                },
                Ok(Begun::Nothing(answer)) => applied[at] = Some(*answer),
                Err(error) => applied[at] = Some(Applied::store_error(error)?),
            }
        }
        Ok(due)
    }

    async fn begin(&self, item: &Item<Command>, send: &SendScheduled) -> Result<Begun, StoreError> {
        let Some(step) = self.parts.scheduled.begin_scheduled(send.id, send.at).await? else {
            return Ok(Begun::Nothing(Box::new(Applied::not_found("scheduled message"))));
        };
        let kept = Box::new(step.scheduled);
        if self.parts.erased.includes(&kept.message.sender_id) {
            return Ok(Begun::Nothing(Box::new(Applied::erased())));
        }
        match kept.state {
            ScheduledState::Sending => self.message(item, kept).await,
            // What was stored on an earlier attempt is found, and told once more.
            ScheduledState::Sent if item.redelivered => self.message(item, kept).await,
            ScheduledState::Failed if item.redelivered => Ok(Begun::Nothing(Box::new(ended(item, kept)))),
            ScheduledState::Waiting
            | ScheduledState::Sent
            | ScheduledState::Failed
            | ScheduledState::Cancelled => {
                let answer = CommandResult::Scheduled { scheduled: kept, deduplicated: true };
                Ok(Begun::Nothing(Box::new(Applied::quietly(answer))))
            }
        }
    }

    /// The message as a command of its own, in the place of the one that asks to send it. None is sent to a
    /// thread that is away for its sender, who has blocked somebody since they planned it; what an earlier
    /// attempt has stored before the block is told.
    async fn message(&self, item: &Item<Command>, kept: Box<ScheduledMessage>) -> Result<Begun, StoreError> {
        let thread = kept.message.thread_id;
        let people = self.parts.store.participants(&[thread]).await?.remove(&thread);
        let is_away = people.as_ref().is_some_and(|people| people.is_away_for(&kept.message.sender_id));
        if is_away
            && let Err(reason) = self.not_let_in(&kept).await?
            && let Some(End { kept, .. }) = self.note_end(&kept, Err(reason)).await?
        {
            return Ok(Begun::Nothing(Box::new(ended(item, kept))));
        }
        let value = Command::SendMessage(kept.to_send(people.as_ref()));
        let message = Item { id: kept.command_id().0, value, ..item.clone() };
        Ok(Begun::Message(kept, Box::new(message)))
    }

    /// Notes what became of the messages that were due, and tells their senders.
    pub(super) async fn end_due(
        &self,
        due: &Due<'_>,
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        let mut ends = Vec::with_capacity(due.begun.len());
        for (at, kept) in &due.begun {
            // What is to be tried again has not ended.
            if let Some(result) = applied[*at].as_ref().and_then(|applied| applied.result.clone()) {
                ends.push(async move { (*at, self.end(kept, result).await) });
            }
        }
        let ends: Vec<_> = iter(ends).buffered(AT_ONCE).collect().await;
        for (at, end) in ends {
            let Some(told) = applied[at].take() else { continue };
            applied[at] = Some(match end {
                Ok(Some(End { kept, is_new })) => told_of(&due.part[at], told, kept, is_new),
                Ok(None) => told,
                Err(error) => Applied::store_error(error)?,
            });
        }
        Ok(())
    }

    /// `None` if nobody knows what became of the message.
    async fn end(&self, kept: &ScheduledMessage, result: CommandResult) -> Result<Option<End>, StoreError> {
        let outcome = match result {
            CommandResult::Message { message, .. } => Ok(message.id),
            CommandResult::Refused { code: ErrorCode::KeyReused, .. } => Err(NotSent::KeyReused),
            CommandResult::Refused { code: ErrorCode::NotFound, .. } => self.not_let_in(kept).await?,
            _ => return Ok(None),
        };
        self.note_end(kept, outcome).await
    }

    /// `None` if there is no such message any more.
    async fn note_end(
        &self,
        kept: &ScheduledMessage,
        outcome: Result<MessageId, NotSent>,
    ) -> Result<Option<End>, StoreError> {
        let at = self.parts.clock.now();
        let Some(step) = self.parts.scheduled.end_scheduled(kept.id, outcome, at).await? else {
            return Ok(None);
        };
        if step.is_new {
            let label = if outcome.is_ok() { ScheduledOutcome::Sent } else { ScheduledOutcome::Failed };
            self.scheduled.ended.of(label).inc();
        }
        Ok(Some(End { kept: Box::new(step.scheduled), is_new: step.is_new }))
    }

    /// Why the thread did not take the message: its sender has left by now, perhaps after an earlier attempt
    /// stored it.
    async fn not_let_in(&self, kept: &ScheduledMessage) -> Result<Result<MessageId, NotSent>, StoreError> {
        let id = MessageId::from(kept.command_id());
        if self.parts.store.message(id).await?.is_some() {
            return Ok(Ok(id));
        }
        let thread = self.parts.store.thread(kept.message.thread_id).await?;
        Ok(Err(if thread.is_some() { NotSent::NotInThread } else { NotSent::ThreadGone }))
    }
}

/// What a command that sends a scheduled message comes to.
enum Begun {
    /// The message, which takes its place.
    Message(Box<ScheduledMessage>, Box<Item<Command>>),
    /// There is nothing left to do.
    Nothing(Box<Applied>),
}

/// A scheduled message that has ended.
struct End {
    kept: Box<ScheduledMessage>,
    /// It ended now.
    is_new: bool,
}

/// Adds the end to what the message came to. If another command has stored the message and ended it, that one
/// tells everybody of both, however it comes again.
fn told_of(item: &Item<Command>, stored: Applied, kept: Box<ScheduledMessage>, is_new: bool) -> Applied {
    let is_told = is_new || item.redelivered;
    let mut told = if is_told { ended(item, kept.clone()) } else { Applied::quietly(CommandResult::Done) };
    told.result = Some(CommandResult::Scheduled { scheduled: kept, deduplicated: !is_new });
    if is_told {
        told.events.splice(0..0, stored.events);
    }
    told
}

/// Only the sender's own sockets hear of the end.
fn ended(item: &Item<Command>, kept: Box<ScheduledMessage>) -> Applied {
    let at = kept.ended_at.unwrap_or(kept.updated_at);
    let command = CommandId(kept.command_id().0);
    let event = Event::ScheduledChanged { scheduled: kept.clone(), command, at };
    let result = CommandResult::Scheduled { scheduled: kept, deduplicated: item.redelivered };
    Applied::with_event(result, event)
}
