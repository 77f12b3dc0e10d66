//! The routes about one message: edit it, take it back, react to it, mark it read, and read what it said
//! before.
//!
//! The path names the message. Its thread is read from the store, and whoever is not in it gets the words for
//! a message that does not exist. The worker that makes the change decides whether the caller is the sender.
//! Repeating a change changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::cursors;
use crate::http::path::IdPath;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::change::{AdvanceCursor, Change, Cursor, Effect};
use eventflow_protocol::client::answers::{ChangeAnswer, CursorAnswer, EarlierWording, EditsAnswer};
use eventflow_protocol::client::requests::{EditMessageBody, ReactionBody};
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::document::Message;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::wording;
use eventflow_protocol::{MessageId, UserId};
use std::sync::Arc;

/// `PUT` or `PATCH /{messageId} {content, mentions?}`.
pub(crate) async fn edit(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
    JsonBody(body): JsonBody<EditMessageBody>,
) -> RouteResult<ChangeAnswer> {
    change(&edge, id, caller.user, body.into_change()).await
}

/// `DELETE /{messageId}`.
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
) -> RouteResult<ChangeAnswer> {
    change(&edge, id, caller.user, Change::Delete).await
}

/// `POST /{messageId}/reactions {emoji, action?}`.
pub(crate) async fn react(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
    JsonBody(body): JsonBody<ReactionBody>,
) -> RouteResult<ChangeAnswer> {
    let change_wanted = Change::React { emoji: body.emoji.into_string(), wish: body.action };
    change(&edge, id, caller.user, change_wanted).await
}

/// `POST /{messageId}/read`: marks the message and everything before it as read.
pub(crate) async fn read(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
) -> RouteResult<CursorAnswer> {
    let message = edge.commands.message_for(id, &caller.user).await?;
    let advance = AdvanceCursor {
        thread_id: message.thread_id,
        user_id: caller.user,
        cursor: Cursor::Read,
        up_to: Some(message.seq),
        at: edge.clock.now(),
    };
    cursors::advance(&edge, advance).await
}

/// `GET /{messageId}/edits`: what the message said before, oldest first.
pub(crate) async fn edits(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
) -> RouteResult<EditsAnswer> {
    let message = edge.commands.message_for(id, &caller.user).await?;
    if message.deleted_at.is_some() {
        return Err(Refusal::not_found("message"));
    }
    let wordings = edge.store.wordings(id).await?;
    Ok(RouteAnswer::Ok(EditsAnswer {
        is_complete: wording::are_all(&wordings, &message),
        edits: wordings.into_iter().map(EarlierWording::from).collect(),
        message_id: id,
        success: Success,
    }))
}

/// Carries out a change of a message that the caller may see.
pub(crate) async fn change(
    edge: &Edge,
    message_id: MessageId,
    by: UserId,
    change: Change,
) -> RouteResult<ChangeAnswer> {
    let (_, sent) = edge.commands.change_message(message_id, &by, change, edge.clock.now()).await?;
    match sent.result().await? {
        CommandResult::Changed { message, effect } => Ok(RouteAnswer::Ok(changed(*message, effect))),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// The changed message; a reaction also says what it did and which reactions there are.
fn changed(message: Message, effect: Effect) -> ChangeAnswer {
    let is_reaction = match effect {
        Effect::Reacted | Effect::Unreacted => true,
        Effect::Edited | Effect::Deleted | Effect::Pinned | Effect::Unpinned => false,
    };
    ChangeAnswer {
        action: is_reaction.then(|| effect.into()),
        reactions: is_reaction.then(|| Sorted(message.reactions.clone())),
        message: Sorted(WithId(message)),
        success: Success,
    }
}
