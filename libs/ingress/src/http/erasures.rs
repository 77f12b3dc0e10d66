//! The routes about everything that is kept of one person, for administrators: take it out, and erase it.
//!
//! Both are recorded in the audit log before they are done (docs/adr/0021). Asking again for an erasure finds
//! the one that goes on, or is done.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::export::{Export, ExportError, WAITING};
use crate::http::answer::{Bytes, RouteAnswer, RouteResult};
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::Query;
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use eventflow_protocol::UserId;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{ErasureAnswer, ShownErasure};
use eventflow_protocol::client::requests::EraseBody;
use eventflow_protocol::command::Command;
use eventflow_protocol::dead_letters::{AuditAction, AuditEntry};
use eventflow_protocol::erasure::{ErasePerson, Erasure};
use eventflow_protocol::reply::CommandResult;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What an export is: JSON, one record a line.
pub(crate) const LINES: &str = "application/x-ndjson";
/// Why an export is asked for, if nobody has said so.
const UNSAID: &str = "";

/// `POST /users/{id}/erase {userId, why}`: 201 marked, 200 marked before, 202 queued.
pub(crate) async fn begin(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(user): IdPath<UserId>,
    JsonBody(body): JsonBody<EraseBody>,
) -> RouteResult<ErasureAnswer> {
    if body.user_id != user {
        return Err(Refusal::invalid(
            "userId must be the id in the path: nothing brings back what is erased",
        ));
    }
    let (why, at) = (body.why.into_string(), edge.clock.now());
    record(&edge, AuditAction::Erase, caller.user.clone(), &user, why.clone()).await?;
    let wanted = ErasePerson { user_id: user.clone(), by: caller.user, why, at };
    match edge.commands.send_command(&Command::ErasePerson(wanted)).await?.result().await? {
        CommandResult::Erasure { erasure, deduplicated } => {
            edge.revocations.forget(&user);
            edge.names.forget(&user);
            edge.people.forget(&user);
            let answer = shown(*erasure, deduplicated);
            Ok(if deduplicated { RouteAnswer::Ok(answer) } else { RouteAnswer::Created(answer) })
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// `GET /users/{id}/erase`: how far it has come.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    IdPath(user): IdPath<UserId>,
) -> RouteResult<ErasureAnswer> {
    let erasure = edge.erasures.erasure(&user).await?.ok_or_else(|| Refusal::not_found("erasure"))?;
    Ok(RouteAnswer::Ok(shown(erasure, false)))
}

/// `GET /users/{id}/export?why`: records, one a line, as fast as they are read.
pub(crate) async fn export(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(user): IdPath<UserId>,
    query: Query,
) -> Result<Bytes, RefusalResponse> {
    let why = query.text("why").unwrap_or(UNSAID).to_owned();
    record(&edge, AuditAction::Export, caller.user, &user, why).await?;
    let (sender, records) = mpsc::channel(WAITING);
    let (drain, export) = (edge.drain.clone(), Export::new(Arc::clone(&edge), user, sender));
    let writing = edge.tasks.spawn(async move {
        tokio::select! {
            made = export.run() => made,
            () = drain.cancelled() => Err(ExportError::Gone),
        }
    });
    let lines = stream::try_unfold((records, Some(writing)), async |(mut records, mut writing)| {
        if let Some(record) = records.recv().await {
            let mut line = serde_json::to_vec(&record).map_err(io::Error::other)?;
            line.push(b'\n');
            return Ok(Some((line, (records, writing))));
        }
        // Whoever reads notices by the connection, too, that the end is missing.
        let Some(writing) = writing.take() else { return Ok(None) };
        match writing.await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an export was cut off");
                Err(io::Error::other(error))
            }
            Err(error) => Err(io::Error::other(error)),
        }
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"export.ndjson\"")),
    ];
    Ok(Bytes((headers, Body::from_stream(lines)).into_response()))
}

async fn record(
    edge: &Edge,
    action: AuditAction,
    by: UserId,
    user: &UserId,
    why: String,
) -> Result<(), Refusal> {
    let entry = AuditEntry::new(action, by, why, edge.clock.now());
    edge.dead_letters.record_audit(&[AuditEntry { detail: Some(user.to_string()), ..entry }]).await?;
    Ok(())
}

fn shown(erasure: Erasure, deduplicated: bool) -> ErasureAnswer {
    ErasureAnswer { deduplicated, erasure: ShownErasure::from(erasure), success: Success }
}
