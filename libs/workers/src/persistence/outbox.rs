//! What a batch of commands leaves to be sent: events for the fan-out stage and results for whoever waits.

use super::applied::Applied;
use eventflow_bus::handler::Item;
use eventflow_bus::settle::Outcome;
use eventflow_protocol::command::Command;
use eventflow_protocol::document::Message;
use eventflow_protocol::event::Event;
use eventflow_protocol::reply::{CommandResult, ReplyFrame};
use eventflow_protocol::{CommandId, TraceContext};
use std::collections::HashMap;
use std::sync::Arc;

/// What a batch of commands leaves to be sent.
#[derive(Default)]
pub struct CommandOutbox {
    /// In the order of the commands.
    pub(super) events: Vec<OutboxEvent>,
    /// By reply address.
    pub(super) replies: HashMap<Arc<str>, ReplyFrame>,
}

/// An event, and the trace of the command that it comes of.
pub(super) struct OutboxEvent {
    pub(super) event: Event,
    pub(super) trace: Option<TraceContext>,
}

impl CommandOutbox {
    /// Takes what `item` left to be sent, and leaves what the bus has to know.
    pub(super) fn add(&mut self, item: &Item<Command>, applied: Applied) -> Outcome {
        let Applied { result, events, outcome } = applied;
        log_stored(item, &events);
        self.events.extend(events.into_iter().map(|event| OutboxEvent { event, trace: item.trace }));
        if let (Some(result), Some(address)) = (result, &item.reply_to) {
            let reply = self.replies.entry(Arc::clone(address)).or_default();
            reply.results.push((CommandId(item.id), result));
        }
        outcome
    }

    /// What the fan-out stage is told, in the order of the commands.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().map(|told| &told.event)
    }

    /// What those who wait are told, in the order of the commands from each reply address.
    pub fn results(&self) -> impl Iterator<Item = &CommandResult> {
        self.replies.values().flat_map(|reply| reply.results.iter().map(|(_, result)| result))
    }

    /// The messages that were stored, now or on an earlier attempt.
    pub(super) fn stored(&self) -> impl Iterator<Item = &Message> {
        self.events().filter_map(|event| {
            let Event::MessageStored { message, .. } = event else { return None };
            Some(message)
        })
    }
}

/// Says which messages are stored, by their ids: the gateway before and the fan-out stage after say the same.
fn log_stored(item: &Item<Command>, events: &[Event]) {
    for event in events {
        if let Event::MessageStored { message, .. } = event {
            tracing::debug!(
                message_id = %message.id,
                command = %item.id,
                thread = %message.thread_id,
                seq = message.seq,
                attempt = item.attempt,
                "a message was stored"
            );
        }
    }
}
