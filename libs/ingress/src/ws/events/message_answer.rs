//! The answer to `message:send`, when the worker's result is there: to the callback, and as `message:sent`,
//! `message:queued` or `message:error`.

use crate::commands::{SentCommand, unexpected};
use crate::ws::events::responder::Responder;
use eventflow_protocol::client::answers::QueuedStatus;
use eventflow_protocol::client::events::{MessageQueued, MessageSent};
use eventflow_protocol::client::{Success, Written};
use eventflow_protocol::document::Message;
use eventflow_protocol::reply::CommandResult;

/// Waits for the worker's result and passes it on.
pub(super) async fn answer(responder: Responder, sent: SentCommand) {
    match sent.result().await {
        Ok(CommandResult::Message { message, deduplicated }) => confirm(responder, &message, deduplicated),
        Ok(CommandResult::Queued { command: command_id }) => {
            let queued = MessageQueued {
                client_message_id: responder.echo.client_message_id.clone(),
                command_id,
                status: QueuedStatus::Queued,
                success: Success,
                thread_id: responder.echo.thread_id.clone(),
            };
            responder.ack(&queued);
            responder.emit(&queued);
        }
        Ok(other) => responder.refuse(&unexpected(&other)),
        Err(refusal) => responder.refuse(&refusal),
    }
}

fn confirm(mut responder: Responder, message: &Message, deduplicated: bool) {
    // Written once, for the callback and the event.
    let message = match Written::of(message) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a message cannot be written as JSON");
            return;
        }
    };
    let client_message_id = responder.echo.client_message_id.take();
    let sent = MessageSent { success: Success, message, client_message_id, deduplicated };
    responder.ack(&sent);
    responder.emit(&sent);
}
