//! The routes about messages that wait for their time: keep one, list, change, send now, cancel.
//!
//! Nobody but the sender sees one before its message is stored. Repeating a request under the same key finds
//! it; changing it to what it is, and cancelling it again, changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{self, JsonBody};
use crate::http::caller::Caller;
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use crate::scheduling::{self, Scheduling};
use axum::extract::State;
use eventflow_ports::ScheduledPage;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{ScheduledAnswer, ScheduledListAnswer, ShownScheduled};
use eventflow_protocol::client::requests::ScheduledBody;
use eventflow_protocol::command::{Command, SendMessage};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{ChangeScheduled, ScheduledChange, ScheduledMessage};
use eventflow_protocol::{ScheduledId, Timestamp, UserId};
use http::HeaderMap;
use std::sync::Arc;

/// `POST /messages/{threadId}` with `sendAt`: 201 kept, 200 kept before, 202 queued.
pub(crate) async fn add(
    edge: &Edge,
    message: SendMessage,
    send_at: Timestamp,
) -> RouteResult<ScheduledAnswer> {
    match scheduling::schedule(edge, message, send_at).await? {
        Scheduling::Known(known) => Ok(RouteAnswer::Ok(answer(*known, true))),
        Scheduling::Sent(sent) => match sent.result().await? {
            CommandResult::Scheduled { scheduled, deduplicated: true } => {
                Ok(RouteAnswer::Ok(answer(*scheduled, true)))
            }
            CommandResult::Scheduled { scheduled, deduplicated: false } => {
                Ok(RouteAnswer::Created(answer(*scheduled, false)))
            }
            CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
            other => Err(unexpected(&other)),
        },
    }
}

/// `GET /messages/scheduled?limit&cursor`: those of the caller; what is due last comes first.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<ScheduledListAnswer> {
    let page = ScheduledPage { after: query.cursor()?, limit: query.limit()? };
    let mut found = edge.scheduled.scheduled_of(&caller.user, page).await?;
    let limit = page_bytes::cut(&mut found, page.limit);
    let next_cursor =
        query::last_of_full(&found, limit).map(|last| query::cursor_after(last.send_at, last.id));
    let scheduled = found.into_iter().map(ShownScheduled::from).collect();
    Ok(RouteAnswer::Ok(ScheduledListAnswer { next_cursor, scheduled, success: Success }))
}

/// `PATCH /messages/scheduled/{id} {content?, mentions?, sendAt?}`. 409 `too_late` once its time has come.
pub(crate) async fn change(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ScheduledId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ScheduledBody>,
) -> RouteResult<ScheduledAnswer> {
    let thread = own(&edge, id, &caller.user).await?.message.thread_id;
    if let Some(mentions) = &body.mentions {
        edge.commands.require_mentionable(thread, mentions).await?;
    }
    let change = body.into_change(edge.clock.now())?;
    carry_out(&edge, id, caller.user, change, &headers).await
}

/// `POST /messages/scheduled/{id}/send`: the message goes at once. 409 `too_late` if it has ended otherwise.
pub(crate) async fn send_now(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ScheduledId>,
    headers: HeaderMap,
) -> RouteResult<ScheduledAnswer> {
    own(&edge, id, &caller.user).await?;
    carry_out(&edge, id, caller.user, ScheduledChange::Send, &headers).await
}

/// `DELETE /messages/scheduled/{id}`: the message will not be sent. 409 `too_late` once its time has come.
pub(crate) async fn cancel(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ScheduledId>,
    headers: HeaderMap,
) -> RouteResult<ScheduledAnswer> {
    own(&edge, id, &caller.user).await?;
    carry_out(&edge, id, caller.user, ScheduledChange::Cancel, &headers).await
}

/// Refuses what is another person's like what is not there.
async fn own(edge: &Edge, id: ScheduledId, user: &UserId) -> Result<ScheduledMessage, Refusal> {
    let kept = edge.scheduled.scheduled(id).await?.filter(|kept| kept.message.sender_id == *user);
    kept.ok_or_else(|| Refusal::not_found("scheduled message"))
}

async fn carry_out(
    edge: &Edge,
    id: ScheduledId,
    user_id: UserId,
    change: ScheduledChange,
    headers: &HeaderMap,
) -> RouteResult<ScheduledAnswer> {
    let key = body::idempotency_key(headers, None, "the key of the body")?;
    let key = key.map(|key| ChangeScheduled::key_of(id, &key.into_string()));
    let command = ChangeScheduled { id, user_id, change, key, at: edge.clock.now() };
    match edge.commands.send_command(&Command::ChangeScheduled(command)).await?.result().await? {
        CommandResult::Scheduled { scheduled, .. } => Ok(RouteAnswer::Ok(answer(*scheduled, false))),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

fn answer(kept: ScheduledMessage, deduplicated: bool) -> ScheduledAnswer {
    ScheduledAnswer { deduplicated, scheduled: ShownScheduled::from(kept), success: Success }
}
