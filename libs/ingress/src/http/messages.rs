//! The routes about a thread's messages: its history, and sending one.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{self, JsonBody};
use crate::http::caller::Caller;
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use crate::twin;
use axum::extract::State;
use eventflow_ports::{MessagePage, Place};
use eventflow_protocol::ThreadId;
use eventflow_protocol::client::answers::{HistoryAnswer, MessageAnswer};
use eventflow_protocol::client::requests::SendMessageBody;
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::document::Message;
use eventflow_protocol::pairing::Leg;
use eventflow_protocol::reply::CommandResult;
use http::HeaderMap;
use std::sync::Arc;

/// `GET /{threadId}?before&after&beforeTime&afterTime&cursor&limit`: ascending by `seq`; without a place the
/// newest.
pub(crate) async fn history(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
    query: Query,
) -> RouteResult<HistoryAnswer> {
    let page = page(&query)?;
    edge.commands.require_reader(thread, &caller.user).await?;
    let (messages, limit) = page_bytes::read_messages(&*edge.store, thread, page).await?;
    let next_cursor = next_cursor(&messages, MessagePage { limit, ..page });
    let messages = messages.into_iter().map(|message| Sorted(WithId(message))).collect();
    Ok(RouteAnswer::Ok(HistoryAnswer { messages, next_cursor, success: Success }))
}

/// `POST /{threadId} {content, attachments?, clientMessageId?}`: 201 stored, 200 stored before, 202 queued.
pub(crate) async fn send(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
    headers: HeaderMap,
    JsonBody(mut body): JsonBody<SendMessageBody>,
) -> RouteResult<MessageAnswer> {
    let key = body.client_message_id.take();
    body.client_message_id = body::idempotency_key(&headers, key, "clientMessageId")?;
    let mut message = body.into_command(thread, caller.user, edge.clock.now());
    twin::recognise_by_content(&mut message, Leg::Rest, caller.session, None);
    match edge.commands.send_message(message).await?.result().await? {
        CommandResult::Message { message, deduplicated } => {
            let answer = MessageAnswer { deduplicated, message: Sorted(WithId(*message)), success: Success };
            Ok(if deduplicated { RouteAnswer::Ok(answer) } else { RouteAnswer::Created(answer) })
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

fn page(query: &Query) -> Result<MessagePage, Refusal> {
    let before = query.place("before", "beforeTime")?;
    let after = query.place("after", "afterTime")?;
    let cursor = query.text("cursor");
    if usize::from(before.is_some()) + usize::from(after.is_some()) + usize::from(cursor.is_some()) > 1 {
        return Err(Refusal::invalid("before, after and cursor exclude each other"));
    }
    let limit = query.limit()?;
    let Some(cursor) = cursor else { return Ok(MessagePage { before, after, limit }) };
    let foreign = || Refusal::invalid("cursor is not one of ours");
    let (side, seq) = cursor.split_once('.').ok_or_else(foreign)?;
    let place = Some(Place::Seq(seq.parse().map_err(|_| foreign())?));
    match side {
        "before" => Ok(MessagePage { before: place, after: None, limit }),
        "after" => Ok(MessagePage { before: None, after: place, limit }),
        _ => Err(foreign()),
    }
}

/// The `cursor` of the page that follows in the same direction. Nothing is before the first message of a
/// thread.
fn next_cursor(messages: &[Message], page: MessagePage) -> Option<String> {
    let last = query::last_of_full(messages, page.limit)?;
    if page.after.is_some() {
        return Some(format!("after.{}", last.seq));
    }
    let first = messages.first().filter(|first| first.seq > 1)?;
    Some(format!("before.{}", first.seq))
}
