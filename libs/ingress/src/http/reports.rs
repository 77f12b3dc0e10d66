//! The routes about reports: whoever sees a message reports it; administrators list reports and mark them as
//! handled.
//!
//! A person reports a message once: the second time finds the first report. Marking a report again changes
//! nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{JsonBody, OptionalJsonBody};
use crate::http::caller::Caller;
use crate::http::page_bytes;
use crate::http::path::IdPath;
use crate::http::query::{self, Query};
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_ports::ReportPage;
use eventflow_protocol::MessageId;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{
    OwnReport, ReportAnswer, ReportedAnswer, ReportsAnswer, ShownReport,
};
use eventflow_protocol::client::requests::{HandledBody, ReportBody};
use eventflow_protocol::client::values::Why;
use eventflow_protocol::command::Command;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::reports::{HandleReport, ReportId};
use std::sync::Arc;

/// `POST /messages/{id}/report {reason, text?}`: 201 reported, 200 reported before, 202 queued.
pub(crate) async fn report(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<MessageId>,
    JsonBody(body): JsonBody<ReportBody>,
) -> RouteResult<ReportedAnswer> {
    let message = edge.commands.message_for(id, &caller.user).await?;
    let wanted = body.into_command(caller.user, &message, edge.clock.now());
    match edge.commands.send_command(&Command::ReportMessage(wanted)).await?.result().await? {
        CommandResult::Report { report, deduplicated } => {
            let answer = ReportedAnswer { deduplicated, report: OwnReport::from(*report), success: Success };
            Ok(if deduplicated { RouteAnswer::Ok(answer) } else { RouteAnswer::Created(answer) })
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// `GET /reports?status&limit&cursor`: newest first.
pub(crate) async fn list(State(edge): State<Arc<Edge>>, query: Query) -> RouteResult<ReportsAnswer> {
    let page = ReportPage { is_handled: is_handled(&query)?, after: query.cursor()?, limit: query.limit()? };
    let mut found = edge.reports.reports(page).await?;
    let limit = page_bytes::cut(&mut found, page.limit);
    let next_cursor =
        query::last_of_full(&found, limit).map(|last| query::cursor_after(last.created_at, last.id));
    let reports = found.into_iter().map(ShownReport::from).collect();
    Ok(RouteAnswer::Ok(ReportsAnswer { next_cursor, reports, success: Success }))
}

/// `PUT /reports/{id}/handled {note?}`.
pub(crate) async fn handle(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<ReportId>,
    OptionalJsonBody(body): OptionalJsonBody<HandledBody>,
) -> RouteResult<ReportAnswer> {
    let known = edge.reports.report(id).await?.ok_or_else(|| Refusal::not_found("report"))?;
    let note = body.note.map(Why::into_string).unwrap_or_default();
    let (thread_id, at) = (known.message.thread_id, edge.clock.now());
    let wanted = HandleReport { id, thread_id, by: caller.user, note, at };
    match edge.commands.send_command(&Command::HandleReport(wanted)).await?.result().await? {
        CommandResult::Report { report, .. } => {
            Ok(RouteAnswer::Ok(ReportAnswer { report: ShownReport::from(*report), success: Success }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

fn is_handled(query: &Query) -> Result<bool, Refusal> {
    match query.text("status") {
        None | Some("open") => Ok(false),
        Some("handled") => Ok(true),
        Some(_) => Err(Refusal::invalid("status must be open or handled")),
    }
}
