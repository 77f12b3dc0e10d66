//! The routes about sends to many people, for administrators: begin, list, look, stop.
//!
//! A send is kept before the answer, and a worker carries it out afterwards. Repeating the request under the
//! same key finds the send. Stopping it again changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_ports::{Segment, SendPage};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{SendAnswer, SendsAnswer, ShownSend};
use eventflow_protocol::client::requests::NotificationBody;
use eventflow_protocol::command::Command;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::sends::{BulkSend, CancelSend, NewSend, Recipients};
use eventflow_protocol::{CommandId, SendId, ThreadId, UserId};
use std::sync::Arc;

/// `POST /notifications` with `to`, `sendAt` or `template`: 201 kept, 200 kept before, 202 queued.
pub(crate) async fn add(
    edge: &Edge,
    by: UserId,
    mut body: NotificationBody,
    thread_id: Option<ThreadId>,
) -> RouteResult<SendAnswer> {
    let key = body.client_notification_id.take().map(|key| SendId::of_key(&by, &key.into_string()));
    let known = known(edge, key).await;
    let at = edge.clock.now();
    let to = body.recipients()?;
    let send_at = body.time(at, key.is_some(), known.is_some())?;
    let has_own_kind = body.kind.is_some();
    let mut content = body.into_content(thread_id)?;
    let body = NewSend::fingerprint(&to, &content, send_at);
    // Its role may have nobody by now, and its template may be gone: it is kept as it was.
    if let Some(send) = known.filter(|send| send.body == body) {
        let answer = SendAnswer { deduplicated: true, send: ShownSend::from(send), success: Success };
        return Ok(RouteAnswer::Ok(answer));
    }
    edge.templates.fill(&mut content, has_own_kind)?;
    require_role(edge, &to).await?;
    let id = key.unwrap_or_else(|| CommandId::new().into());
    let new = NewSend { id, by, to, content, send_at, body, at };
    match edge.commands.send_command(&Command::AddSend(new)).await?.result().await? {
        CommandResult::Send { send, deduplicated } => {
            let answer = SendAnswer { deduplicated, send: ShownSend::from(*send), success: Success };
            Ok(if deduplicated { RouteAnswer::Ok(answer) } else { RouteAnswer::Created(answer) })
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// The send that was kept under this key. While the store does not answer, it counts as new, and the worker
/// finds it.
async fn known(edge: &Edge, key: Option<SendId>) -> Option<BulkSend> {
    let found = edge.sends.bulk_send(key?).await.inspect_err(|error| {
        tracing::debug!(error = error as &dyn std::error::Error, "a send is not looked up by its key");
    });
    found.ok().flatten()
}

/// `GET /notifications/sends?limit&cursor`: newest first.
pub(crate) async fn list(State(edge): State<Arc<Edge>>, query: Query) -> RouteResult<SendsAnswer> {
    let page = SendPage { after: query.cursor()?, limit: query.limit()? };
    let found = edge.sends.bulk_sends(page).await?;
    let next_cursor =
        query::last_of_full(&found, page.limit).map(|send| query::cursor_after(send.created_at, send.id));
    let sends = found.into_iter().map(ShownSend::from).collect();
    Ok(RouteAnswer::Ok(SendsAnswer { next_cursor, sends, success: Success }))
}

/// `GET /notifications/sends/{id}`: how far it has come.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    IdPath(id): IdPath<SendId>,
) -> RouteResult<SendAnswer> {
    let send = edge.sends.bulk_send(id).await?.ok_or_else(|| Refusal::not_found("send"))?;
    Ok(RouteAnswer::Ok(SendAnswer { deduplicated: false, send: send.into(), success: Success }))
}

/// `DELETE /notifications/sends/{id}`: nobody else is told. 409 `too_late` once everybody was.
pub(crate) async fn cancel(
    State(edge): State<Arc<Edge>>,
    IdPath(id): IdPath<SendId>,
) -> RouteResult<SendAnswer> {
    let cancel = CancelSend { id, at: edge.clock.now() };
    match edge.commands.send_command(&Command::CancelSend(cancel)).await?.result().await? {
        CommandResult::Send { send, .. } => {
            let send = ShownSend::from(*send);
            Ok(RouteAnswer::Ok(SendAnswer { deduplicated: false, send, success: Success }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// Refuses a role that nobody has: it is a typing error.
async fn require_role(edge: &Edge, to: &Recipients) -> Result<(), Refusal> {
    let Recipients::Role(role) = to else { return Ok(()) };
    let somebody = edge.directory.people(&Segment::Role(role.clone()), None, 1).await?;
    if somebody.is_empty() {
        return Err(Refusal::invalid(format!("to.role: nobody in the directory has the role {role}")));
    }
    Ok(())
}
