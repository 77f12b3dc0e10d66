//! `GET /ops/pipeline`: every queue with how full it is, who works on it and how fast.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use axum::extract::State;
use eventflow_protocol::client::answers::PipelineAnswer;
use std::sync::Arc;

/// While the broker is away each queue says so as its `problem`.
pub(crate) async fn pipeline(State(edge): State<Arc<Edge>>) -> RouteResult<PipelineAnswer> {
    let ops = &edge.ops;
    let now = edge.clock.now();
    let answer = eventflow_bus::pipeline::pipeline(
        ops.broker.as_ref(),
        &ops.topology,
        &ops.lookout,
        ops.rates.as_deref(),
        now,
    );
    Ok(RouteAnswer::Ok(answer.await))
}
