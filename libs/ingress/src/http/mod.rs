//! REST: the table of routes, each of them behind the same guard.
//!
//! Reads go straight to the store, writes become commands. Every answer is JSON with `success`; every error is
//! `{success:false, error, code}`.

mod caller;
mod failure;
mod guard;
mod messages;
mod request;
mod threads;

use crate::parts::{Edge, IngressParts, SetupError};
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use caller::Reader;
use serde_json::{Value, json};
use std::sync::Arc;

/// Largest request body: the frame limit of sockets, so that what can be sent one way can be sent the other.
pub const BODY_MAX_BYTES: usize = 256 * 1024;

/// All routes, under `/api`. Unknown paths under it are answered here too, as JSON.
pub fn router(parts: &IngressParts) -> Result<Router, SetupError> {
    let edge = Arc::new(Edge::new(parts)?);
    let api = Router::new()
        .route("/v2/csrf-token", get(csrf_token))
        .route("/v2/messages/threads", post(threads::create).get(threads::list))
        .route("/v2/messages/threads/{id}", get(threads::show))
        .route("/v2/messages/{thread}", get(messages::history).post(messages::send))
        .fallback(failure::unknown_route)
        .method_not_allowed_fallback(failure::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&edge), guard::guard))
        .with_state(edge);
    Ok(Router::new().nest("/api", api))
}

/// `GET /csrf-token`: a token for the caller's session, to be sent as `X-CSRF-Token` with every write.
async fn csrf_token(State(edge): State<Arc<Edge>>, Reader(caller): Reader) -> Json<Value> {
    Json(json!({ "success": true, "csrfToken": edge.csrf.issue(caller.session) }))
}

#[cfg(test)]
mod tests;
