//! `message:edit`, `message:delete`, `reaction:send`, `message:pin` and `message:unpin`: changes of a message
//! that exists.
//!
//! Permission is checked twice: here whether the caller sees the message at all, by the worker whether it is
//! theirs to change. Repeating a change leads to the same end, except for a reaction that toggles, which is
//! decided once per command.

use crate::refusal::Refusal;
use crate::ws::events::caller::Caller;
use crate::ws::events::command::ThreadCommand;
use crate::ws::events::reply::Reply;
use crate::ws::events::request::message_id;
use eventflow_protocol::change::Change;
use eventflow_protocol::client::requests::{EditMessageEvent, MessageEvent, ReactionEvent};
use eventflow_protocol::client::values::MessageReference;

/// Handles `message:edit`.
pub(super) async fn edit(caller: Caller<'_>, request: EditMessageEvent) -> Result<Reply, Refusal> {
    let message = request.message_id.clone();
    change(caller, &message, request.into_change()).await
}

/// Handles `message:delete`.
pub(super) async fn delete(caller: Caller<'_>, request: &MessageEvent) -> Result<Reply, Refusal> {
    change(caller, &request.message_id, Change::Delete).await
}

/// Handles `reaction:send`.
pub(super) async fn react(caller: Caller<'_>, request: ReactionEvent) -> Result<Reply, Refusal> {
    let react = Change::React { emoji: request.emoji.into_string(), wish: request.action };
    change(caller, &request.message_id, react).await
}

/// Handles `message:pin`.
pub(super) async fn pin(caller: Caller<'_>, request: &MessageEvent) -> Result<Reply, Refusal> {
    change(caller, &request.message_id, Change::Pin { is_pinned: true }).await
}

/// Handles `message:unpin`.
pub(super) async fn unpin(caller: Caller<'_>, request: &MessageEvent) -> Result<Reply, Refusal> {
    change(caller, &request.message_id, Change::Pin { is_pinned: false }).await
}

async fn change(caller: Caller<'_>, message: &MessageReference, change: Change) -> Result<Reply, Refusal> {
    let edge = &caller.rooms.edge;
    let (message, at) = (message_id(message)?, edge.clock.now());
    let (thread, sent) = edge.commands.change_message(message, caller.user, change, at).await?;
    Ok(Reply::CommandSent(ThreadCommand { thread, sent }))
}
