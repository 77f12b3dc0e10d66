//! The routes about a thread's messages: its history, and sending one.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{self, JsonBody};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::Query;
use crate::refusal::Refusal;
use crate::twin;
use axum::extract::State;
use eventflow_ports::MessagePage;
use eventflow_protocol::ThreadId;
use eventflow_protocol::client::answers::{HistoryAnswer, MessageAnswer};
use eventflow_protocol::client::requests::SendMessageBody;
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::pairing::Leg;
use eventflow_protocol::reply::CommandResult;
use http::HeaderMap;
use std::sync::Arc;

/// `GET /{threadId}?before&after&beforeTime&afterTime&limit`: ascending by `seq`; without a place the newest.
pub(crate) async fn history(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(thread): IdPath<ThreadId>,
    query: Query,
) -> RouteResult<HistoryAnswer> {
    let page = page(&query)?;
    edge.commands.require_participant(thread, &caller.user).await?;
    let messages = edge.store.messages(thread, page).await?;
    let messages = messages.into_iter().map(|message| Sorted(WithId(message))).collect();
    Ok(RouteAnswer::Ok(HistoryAnswer { messages, success: Success }))
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
    if before.is_some() && after.is_some() {
        return Err(Refusal::invalid("before and after exclude each other"));
    }
    Ok(MessagePage { before, after, limit: query.limit()? })
}
