//! The routes about one message: say it differently, take it back, put a sign on it, and that it was read.
//!
//! The path names the message; its thread is read from the store, and whoever is not in it gets the words for
//! a message that does not exist. Whether somebody is the sender is decided where the change is made.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::refusal_response::RefusalResponse;
use crate::http::request::{JsonBody, MessagePath};
use crate::validate;
use axum::extract::State;
use axum::response::Response;
use eventflow_protocol::change::{AdvanceCursor, Change, ChangeMessage, Cursor, Effect};
use eventflow_protocol::command::Command;
use eventflow_protocol::document::Identified as _;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{MessageId, UserId};
use serde_json::json;
use std::sync::Arc;

/// `PUT` or `PATCH /{messageId} {content}`.
pub(crate) async fn edit(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    MessagePath(id): MessagePath,
    JsonBody(mut body): JsonBody,
) -> Result<Response, RefusalResponse> {
    let content = validate::edit(&mut body)?;
    change(&edge, id, caller.user, Change::Edit { content }).await
}

/// `DELETE /{messageId}`.
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    MessagePath(id): MessagePath,
) -> Result<Response, RefusalResponse> {
    change(&edge, id, caller.user, Change::Delete).await
}

/// `POST /{messageId}/reactions {emoji, action?}`.
pub(crate) async fn react(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    MessagePath(id): MessagePath,
    JsonBody(mut body): JsonBody,
) -> Result<Response, RefusalResponse> {
    let (emoji, wish) = validate::reaction(&mut body)?;
    change(&edge, id, caller.user, Change::React { emoji, wish }).await
}

/// `POST /{messageId}/read`: the message and everything before it.
pub(crate) async fn read(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    MessagePath(id): MessagePath,
) -> Result<Response, RefusalResponse> {
    let message = edge.commands.message_for(id, &caller.user).await?;
    let (thread_id, up_to, at) = (message.thread_id, Some(message.seq), edge.clock.now());
    advance(&edge, AdvanceCursor { thread_id, user_id: caller.user, cursor: Cursor::Read, up_to, at }).await
}

/// Moves a cursor and says where it is.
pub(crate) async fn advance(edge: &Edge, advance: AdvanceCursor) -> Result<Response, RefusalResponse> {
    let thread = advance.thread_id;
    match edge.commands.send_command(&Command::AdvanceCursor(advance)).await?.result().await? {
        CommandResult::Cursor { up_to, unread_count } => Ok(answer::ok(
            json!({ "success": true, "threadId": thread, "seq": up_to, "unreadCount": unread_count }),
        )),
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}

async fn change(
    edge: &Edge,
    message_id: MessageId,
    by: UserId,
    change: Change,
) -> Result<Response, RefusalResponse> {
    let thread_id = edge.commands.thread_of(message_id, &by).await?;
    let command =
        Command::ChangeMessage(ChangeMessage { thread_id, message_id, by, change, at: edge.clock.now() });
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Changed { message, effect } => {
            let mut body = json!({ "success": true, "message": message.shown() });
            if let Some(action) = action(effect) {
                body["action"] = json!(action);
                body["reactions"] = json!(message.reactions);
            }
            Ok(answer::ok(body))
        }
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}

fn action(effect: Effect) -> Option<&'static str> {
    match effect {
        Effect::Reacted => Some("added"),
        Effect::Unreacted => Some("removed"),
        Effect::Edited | Effect::Deleted => None,
    }
}
