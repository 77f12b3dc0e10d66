//! `GET /ops/outcomes`: what became of notifications by e-mail and push in the last day.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use axum::extract::State;
use eventflow_protocol::Timestamp;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{OutcomeCount, OutcomesAnswer};
use std::cmp::Reverse;
use std::sync::Arc;

/// A day, in milliseconds: long enough to compare with yesterday, short enough to be counted at once.
const COUNTED_MS: i64 = 24 * 3_600_000;

/// By channel, the most frequent first.
pub(crate) async fn outcomes(State(edge): State<Arc<Edge>>) -> RouteResult<OutcomesAnswer> {
    let since = Timestamp(edge.clock.now().0.saturating_sub(COUNTED_MS));
    let mut counted = edge.outbound.count_deliveries(since).await?;
    counted.sort_by_key(|count| (count.channel, Reverse(count.rows), count.outcome.name(), count.reason));
    let outcomes = counted.into_iter().map(|count| OutcomeCount {
        channel: count.channel,
        deliveries: count.rows,
        outcome: count.outcome,
        reason: count.reason,
    });
    Ok(RouteAnswer::Ok(OutcomesAnswer { outcomes: outcomes.collect(), since, success: Success }))
}
