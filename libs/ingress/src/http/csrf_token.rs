//! The route that gives a page its CSRF token.

use crate::edge::Edge;
use crate::http::caller::Caller;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /csrf-token`: a token for the caller's session, which the page sends as `X-CSRF-Token` with every
/// write.
pub(crate) async fn issue(State(edge): State<Arc<Edge>>, Caller(caller): Caller) -> Json<Value> {
    Json(json!({ "success": true, "csrfToken": edge.csrf.issue(caller.session) }))
}
