//! Operators' endpoints: `/metrics` for Prometheus, `/livez` (the process answers) and `/readyz` (the process
//! should get work).
//!
//! They have an address of their own, which must never be published to clients.

use crate::connections::{self, ConnectionLimits};
use crate::readiness::Readiness;
use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use eventflow_metrics::Metrics;
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
struct AdminState {
    metrics: Metrics,
    readiness: Readiness,
}

/// Binds `address`. Returns the server, which runs until `shutdown`.
pub async fn bind(
    address: SocketAddr,
    metrics: Metrics,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("admin.listen: bind {address}"))?;
    let address = listener.local_addr().context("admin.listen")?;
    tracing::info!(%address, "operators' endpoints: /metrics /livez /readyz");
    let router = router(metrics, readiness);
    Ok(async move {
        connections::serve(listener, router, ConnectionLimits::default(), shutdown).await;
        Ok(())
    })
}

/// The routes of the endpoints.
pub fn router(metrics: Metrics, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(exported))
        .route("/livez", get(async || Json(serde_json::json!({"status": "alive"}))))
        .route("/readyz", get(ready))
        .with_state(AdminState { metrics, readiness })
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
    let reasons = parts.readiness.reasons();
    let (status, word) = if reasons.is_empty() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let warnings = parts.readiness.warnings();
    (status, Json(serde_json::json!({"status": word, "reasons": reasons, "warnings": warnings})))
}
