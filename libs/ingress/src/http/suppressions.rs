//! The routes about the suppression list, for administrators. Lifting an address again changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::path::IdPath;
use crate::http::query::Query;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_ports::SuppressionPage;
use eventflow_protocol::MailAddress;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{CountAnswer, SuppressedAddress, SuppressionsAnswer};
use eventflow_protocol::command::Command;
use eventflow_protocol::mail::{ChangeSuppression, SuppressionChange};
use eventflow_protocol::reply::CommandResult;
use std::sync::Arc;

/// `GET /email/suppressions?limit&cursor`: the addresses that get no mail.
pub(crate) async fn list(State(edge): State<Arc<Edge>>, query: Query) -> RouteResult<SuppressionsAnswer> {
    let limit = query.limit()?;
    let cursor = query.text("cursor").map(str::parse::<MailAddress>).transpose();
    let after = cursor.map_err(|_| Refusal::invalid("cursor is not one of ours"))?;
    let found = edge.suppressions.suppressions(SuppressionPage { after, limit }).await?;
    let is_full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let last = found.last().filter(|_| is_full);
    let next_cursor = last.map(|suppression| suppression.address.as_str().to_owned());
    let suppressions = found.into_iter().map(SuppressedAddress::from).collect();
    Ok(RouteAnswer::Ok(SuppressionsAnswer { next_cursor, success: Success, suppressions }))
}

/// `DELETE /email/suppressions/{address}`: the address gets mail again. The count is 0 if it was not on the
/// list.
pub(crate) async fn lift(
    State(edge): State<Arc<Edge>>,
    IdPath(address): IdPath<MailAddress>,
) -> RouteResult<CountAnswer> {
    let change = ChangeSuppression { address, change: SuppressionChange::Lift, at: edge.clock.now() };
    match edge.commands.send_command(&Command::ChangeSuppression(change)).await?.result().await? {
        CommandResult::Count { count } => Ok(RouteAnswer::Ok(CountAnswer { count, success: Success })),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}
