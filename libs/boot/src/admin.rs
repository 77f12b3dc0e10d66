//! Operators' endpoints: `/metrics` for Prometheus, `/livez` (the process answers), `/readyz` (the process
//! should get work) and `/status` (what runs here, and what it cannot use now, since when).
//!
//! They have an address of their own, which must never be published to clients.

use crate::connections::{self, ConnectionLimits};
use crate::instance;
use crate::readiness::{Problem, Readiness, State as ProcessState};
use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use eventflow_metrics::Metrics;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What runs here, for people.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The name of the role, or of the process that has all of them.
    pub role: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// When the process began.
    pub began: Instant,
}

#[derive(Clone)]
struct AdminState {
    identity: Identity,
    metrics: Metrics,
    readiness: Readiness,
}

/// Binds `address`. Returns the server, which runs until `shutdown`.
pub async fn bind(
    address: SocketAddr,
    identity: Identity,
    metrics: Metrics,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("admin.listen: bind {address}"))?;
    let address = listener.local_addr().context("admin.listen")?;
    tracing::info!(%address, "operators' endpoints: /metrics /livez /readyz /status");
    let router = router(identity, metrics, readiness);
    Ok(async move {
        connections::serve(listener, router, ConnectionLimits::default(), shutdown).await;
        Ok(())
    })
}

/// The routes of the endpoints.
pub fn router(identity: Identity, metrics: Metrics, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(exported))
        .route("/livez", get(async || Json(json!({"status": "alive"}))))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .with_state(AdminState { identity, metrics, readiness })
}

async fn exported(State(parts): State<AdminState>) -> impl IntoResponse {
    let kind = [("content-type", "text/plain; version=0.0.4; charset=utf-8")];
    match parts.metrics.render() {
        Ok(text) => (StatusCode::OK, kind, text),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "metrics cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, kind, String::new())
        }
    }
}

async fn ready(State(parts): State<AdminState>) -> impl IntoResponse {
    let state = parts.readiness.state();
    let status = if state.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut reasons: BTreeMap<&str, &str> =
        state.reasons.iter().map(|(part, problem)| (part.as_str(), problem.why.as_str())).collect();
    if state.is_draining {
        reasons.insert("process", "draining");
    }
    let word = if state.is_ready() { "ready" } else { "not ready" };
    let warnings = parts.readiness.warnings();
    (status, Json(json!({"status": word, "reasons": reasons, "warnings": warnings})))
}

/// Always 200: whoever asks wants to read it.
async fn status(State(parts): State<AdminState>) -> impl IntoResponse {
    let AdminState { identity, readiness, .. } = parts;
    let state = readiness.state();
    Json(json!({
        "status": word(&state),
        "role": identity.role,
        "instance": instance::name(),
        "version": identity.version,
        "uptimeSeconds": identity.began.elapsed().as_secs(),
        "notReadyBecause": problems(&state.reasons),
        "impaired": problems(&state.impairments),
        "warnings": readiness.warnings(),
    }))
}

/// The state of a process in one word.
fn word(state: &ProcessState) -> &'static str {
    match state {
        ProcessState { is_draining: true, .. } => "draining",
        ProcessState { has_started: false, .. } => "starting",
        state if !state.is_ready() => "not ready",
        ProcessState { impairments, .. } if !impairments.is_empty() => "impaired",
        _ => "ready",
    }
}

/// By part: why it cannot be used, and for how many seconds that was seen.
fn problems(problems: &BTreeMap<String, Problem>) -> BTreeMap<&str, Value> {
    let shown = |problem: &Problem| json!({"why": problem.why, "seconds": problem.since.elapsed().as_secs()});
    problems.iter().map(|(part, problem)| (part.as_str(), shown(problem))).collect()
}
