//! Scheduling: a message that is kept for later, by REST or by socket.
//!
//! Under its key a message is found also when its time has come near, or has passed: it was accepted before.

use crate::commands::{SentCommand, unless_repeated};
use crate::edge::Edge;
use crate::refusal::Refusal;
use eventflow_protocol::client::requests::planned;
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::scheduled::{ScheduleMessage, ScheduledMessage};
use eventflow_protocol::{CommandId, ErrorCode, ScheduledId, Timestamp};

/// What became of a message for later.
pub(crate) enum Scheduling {
    /// It was kept before.
    Known(Box<ScheduledMessage>),
    /// It is on its way to a worker.
    Sent(Box<SentCommand>),
}

/// Puts a message for later on its way, if its sender is in the thread.
pub(crate) async fn schedule(
    edge: &Edge,
    message: SendMessage,
    send_at: Timestamp,
) -> Result<Scheduling, Refusal> {
    let now = message.at;
    let key = message.client_message_id.as_deref();
    let id = key.map(|key| ScheduledId::of_key(&message.sender_id, key));
    let mut new = ScheduleMessage { id: id.unwrap_or_else(|| CommandId::new().into()), message, send_at };
    edge.commands.require_participant(new.message.thread_id, &new.message.sender_id).await?;
    match known(edge, id).await {
        Some(known) if known.is_again(&new) => return Ok(Scheduling::Known(Box::new(known))),
        // Before the time is looked at: another time under the same key is another message, too.
        Some(_) => {
            return Err(Refusal::new(
                ErrorCode::KeyReused,
                "this clientMessageId was used for another message",
            ));
        }
        None => {}
    }
    // The attempt before may still be on its way.
    let in_time = planned(send_at, now).map(|_| ()).map_err(Refusal::from);
    let refused_as_new = unless_repeated(in_time, id.is_some())?;
    new.message.repeat_only = refused_as_new.is_some();
    Ok(Scheduling::Sent(Box::new(edge.commands.schedule_message(new, refused_as_new).await?)))
}

/// What was kept under this key. While the store does not answer, the message counts as new, and the worker
/// finds it.
async fn known(edge: &Edge, id: Option<ScheduledId>) -> Option<ScheduledMessage> {
    let found = edge.scheduled.scheduled(id?).await.inspect_err(|error| {
        tracing::debug!(
            error = error as &dyn std::error::Error,
            "a scheduled message is not looked up by its key"
        );
    });
    found.ok().flatten()
}
