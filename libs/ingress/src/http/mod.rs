//! REST: every route behind the same guard and gate, as [`routes`] lists them.
//!
//! Read in this order: [`routes`] (the table), [`guard`] (around every request), [`gate`] (who may), then the routes themselves. Reads go
//! straight to the store, writes become commands. Every answer is JSON with `success`; every error is `{success:false, error, code}`.
//! No route sets a cookie: the token's cookie belongs to the host application.

pub(crate) mod address;
mod answer;
mod caller;
mod changes;
mod failure;
mod gate;
mod guard;
mod limits;
mod messages;
mod notifications;
mod preferences;
mod presence;
mod request;
mod routes;
mod status;
mod threads;
mod users;

use crate::parts::{Edge, IngressParts, SetupError};
use axum::extract::{DefaultBodyLimit, State};
use axum::{Json, Router, middleware};
use caller::Caller;
use limits::Limits;
use serde_json::{Value, json};
use std::sync::Arc;

/// Largest request body: the frame limit of sockets, so that what can be sent one way can be sent the other.
pub const BODY_MAX_BYTES: usize = 256 * 1024;

/// All routes, under `/api`. Unknown paths under it are answered here too, as JSON.
///
/// Limits per client address need a listener that provides `ConnectInfo<SocketAddr>`.
pub fn router(parts: &IngressParts) -> Result<Router, SetupError> {
    let (edge, limits) = (Arc::new(Edge::new(parts)?), Arc::new(Limits::new(&parts.config)));
    let mut api = Router::new();
    for route in routes::ROUTES {
        api = api.route(route.path, gate::behind(route, &edge, &limits));
    }
    let api = api
        .fallback(failure::unknown_route)
        .method_not_allowed_fallback(failure::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state((Arc::clone(&edge), limits), guard::guard))
        .with_state(edge);
    Ok(Router::new().nest("/api", api))
}

/// `GET /csrf-token`: a token for the caller's session, to be sent as `X-CSRF-Token` with every write.
async fn csrf_token(State(edge): State<Arc<Edge>>, Caller(caller): Caller) -> Json<Value> {
    Json(json!({ "success": true, "csrfToken": edge.csrf.issue(caller.session) }))
}

#[cfg(test)]
mod tests;
