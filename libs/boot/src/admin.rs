//! Operators' endpoints: `/metrics` for Prometheus, `/livez` (the process answers), `/readyz` (the process
//! should get work), `/status` (what runs here, and what it cannot use now, since when) and `POST /drain`
//! (the process ends in order, as after SIGTERM).
//!
//! They have an address of their own, which must never be published to clients. A page in an operator's
//! browser may reach it all the same, so `/drain` wants a header that a page cannot send without being
//! allowed.

use crate::connections::{self, ConnectionLimits};
use crate::instance;
use crate::readiness::{Problem, Readiness};
use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
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

/// The header without which `/drain` does nothing; its value does not matter.
pub const DRAIN_HEADER: &str = "x-eventflow-drain";

/// What the endpoints show, and what they may end.
#[derive(Clone)]
pub struct AdminParts {
    /// What runs here.
    pub identity: Identity,
    /// Every series.
    pub metrics: Metrics,
    /// Where the process stands.
    pub readiness: Readiness,
    /// Cancelled by `/drain`.
    pub asked: CancellationToken,
}

/// Binds `address`. Returns the server, which runs until `shutdown`.
pub async fn bind(
    address: SocketAddr,
    parts: AdminParts,
    shutdown: CancellationToken,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("admin.listen: bind {address}"))?;
    let address = listener.local_addr().context("admin.listen")?;
    tracing::info!(%address, "operators' endpoints: /metrics /livez /readyz /status /drain");
    let router = router(parts);
    Ok(async move {
        connections::serve(listener, router, ConnectionLimits::default(), shutdown).await;
        Ok(())
    })
}

/// The routes of the endpoints.
pub fn router(parts: AdminParts) -> Router {
    Router::new()
        .route("/metrics", get(exported))
        .route("/livez", get(async || Json(json!({"status": "alive"}))))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .route("/drain", post(drain))
        .with_state(parts)
}

/// Begins the end of the process. Safe to repeat because it ends once.
async fn drain(State(parts): State<AdminParts>, headers: HeaderMap) -> impl IntoResponse {
    if !headers.contains_key(DRAIN_HEADER) {
        let why = format!("the request needs the header {DRAIN_HEADER}");
        return (StatusCode::FORBIDDEN, Json(json!({"error": why})));
    }
    tracing::info!("an operator asked this process to end");
    parts.asked.cancel();
    (StatusCode::ACCEPTED, Json(json!({"status": "draining", "role": parts.identity.role})))
}

async fn exported(State(parts): State<AdminParts>) -> impl IntoResponse {
    let kind = [("content-type", "text/plain; version=0.0.4; charset=utf-8")];
    match parts.metrics.render() {
        Ok(text) => (StatusCode::OK, kind, text),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "metrics cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, kind, String::new())
        }
    }
}

async fn ready(State(parts): State<AdminParts>) -> impl IntoResponse {
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
async fn status(State(parts): State<AdminParts>) -> impl IntoResponse {
    let AdminParts { identity, readiness, .. } = parts;
    let state = readiness.state();
    Json(json!({
        "status": state.word(),
        "role": identity.role,
        "instance": instance::name(),
        "version": identity.version,
        "uptimeSeconds": identity.began.elapsed().as_secs(),
        "notReadyBecause": problems(&state.reasons),
        "impaired": problems(&state.impairments),
        "warnings": readiness.warnings(),
    }))
}

/// By part: why it cannot be used, and for how many seconds that was seen.
fn problems(problems: &BTreeMap<String, Problem>) -> BTreeMap<&str, Value> {
    let shown = |problem: &Problem| json!({"why": problem.why, "seconds": problem.since.elapsed().as_secs()});
    problems.iter().map(|(part, problem)| (part.as_str(), shown(problem))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::{Method, Request};
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_process_is_told_to_end_by_those_who_send_the_header_only() {
        let asked = CancellationToken::new();
        let parts = AdminParts {
            identity: Identity { role: "ws-gateway", version: "1", began: Instant::now() },
            metrics: Metrics::default(),
            readiness: Readiness::default(),
            asked: asked.clone(),
        };
        let router = router(parts);
        let ask = |method, header: Option<&str>| {
            let request = Request::builder().method(method).uri("/drain");
            let request = header.into_iter().fold(request, |request, header| request.header(header, "now"));
            router.clone().oneshot(request.body(Body::empty()).unwrap())
        };
        assert_eq!(ask(Method::POST, None).await.unwrap().status(), StatusCode::FORBIDDEN);
        let got = ask(Method::GET, Some(DRAIN_HEADER)).await.unwrap().status();
        assert_eq!((got, asked.is_cancelled()), (StatusCode::METHOD_NOT_ALLOWED, false));
        for _ in 0..2 {
            assert_eq!(ask(Method::POST, Some(DRAIN_HEADER)).await.unwrap().status(), StatusCode::ACCEPTED);
        }
        assert!(asked.is_cancelled());
    }
}
