//! The routes about messages that wait for their time: keep one, list, change, send now, cancel.
//!
//! Nobody but the sender sees one before its message is stored. Repeating a request under the same key finds
//! it; changing it to what it is, and cancelling it again, changes nothing.

use crate::commands::{unexpected, unless_repeated};
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
use eventflow_protocol::client::requests::{ScheduledBody, planned};
use eventflow_protocol::command::{Command, SendMessage};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{ChangeScheduled, ScheduledChange, ScheduledMessage};
use eventflow_protocol::{CommandId, ScheduledId, Timestamp, UserId};
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
    let kept = own(&edge, id, &caller.user).await?;
    require_there(&edge, &kept).await?;
    let key = key_of(id, &headers)?;
    let refused_as_new = unless_repeated(require_fit(&edge, &kept, &body).await, key.is_some())?;
    let mut wanted = new_change(&edge, id, caller.user, body.into_change(), key);
    wanted.repeat_only = refused_as_new.is_some();
    carry_out(&edge, wanted, refused_as_new).await
}

/// Refuses people whom the message cannot mention, and a time that is too near or too far.
async fn require_fit(edge: &Edge, kept: &ScheduledMessage, body: &ScheduledBody) -> Result<(), Refusal> {
    if let Some(mentions) = &body.mentions {
        edge.commands.require_mentionable(kept.message.thread_id, mentions).await?;
    }
    if let Some(send_at) = body.send_at {
        planned(send_at, edge.clock.now())?;
    }
    Ok(())
}

/// `POST /messages/scheduled/{id}/send`: the message goes at once. 409 `too_late` if it has ended otherwise.
pub(crate) async fn send_now(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ScheduledId>,
    headers: HeaderMap,
) -> RouteResult<ScheduledAnswer> {
    let kept = own(&edge, id, &caller.user).await?;
    require_there(&edge, &kept).await?;
    let key = key_of(id, &headers)?;
    carry_out(&edge, new_change(&edge, id, caller.user, ScheduledChange::Send, key), None).await
}

/// `DELETE /messages/scheduled/{id}`: the message will not be sent. 409 `too_late` once its time has come.
pub(crate) async fn cancel(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ScheduledId>,
    headers: HeaderMap,
) -> RouteResult<ScheduledAnswer> {
    own(&edge, id, &caller.user).await?;
    let key = key_of(id, &headers)?;
    carry_out(&edge, new_change(&edge, id, caller.user, ScheduledChange::Cancel, key), None).await
}

/// Refuses what is another person's like what is not there.
async fn own(edge: &Edge, id: ScheduledId, user: &UserId) -> Result<ScheduledMessage, Refusal> {
    let kept = edge.scheduled.scheduled(id).await?.filter(|kept| kept.message.sender_id == *user);
    kept.ok_or_else(|| Refusal::not_found("scheduled message"))
}

/// Refuses what was planned in a thread that a block has taken away from its sender since.
async fn require_there(edge: &Edge, kept: &ScheduledMessage) -> Result<(), Refusal> {
    let away = edge.commands.away_from(&kept.message.sender_id, &[kept.message.thread_id]).await?;
    if away.is_empty() { Ok(()) } else { Err(Refusal::not_found("thread")) }
}

/// What stands for the request's key, if it has one.
fn key_of(id: ScheduledId, headers: &HeaderMap) -> Result<Option<CommandId>, Refusal> {
    let key = body::idempotency_key(headers, None, "the key of the body")?;
    Ok(key.map(|key| ChangeScheduled::key_of(id, &key.into_string())))
}

fn new_change(
    edge: &Edge,
    id: ScheduledId,
    user_id: UserId,
    change: ScheduledChange,
    key: Option<CommandId>,
) -> ChangeScheduled {
    ChangeScheduled { id, user_id, change, key, repeat_only: false, at: edge.clock.now() }
}

async fn carry_out(
    edge: &Edge,
    wanted: ChangeScheduled,
    refused_as_new: Option<Refusal>,
) -> RouteResult<ScheduledAnswer> {
    let sent = edge.commands.send_repeat(&Command::ChangeScheduled(wanted), refused_as_new).await?;
    match sent.result().await? {
        CommandResult::Scheduled { scheduled, .. } => Ok(RouteAnswer::Ok(answer(*scheduled, false))),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

fn answer(kept: ScheduledMessage, deduplicated: bool) -> ScheduledAnswer {
    ScheduledAnswer { deduplicated, scheduled: ShownScheduled::from(kept), success: Success }
}
