//! The route that gives a page its CSRF token.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use axum::extract::State;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::CsrfTokenAnswer;
use std::sync::Arc;

/// `GET /csrf-token`: a token for the caller's login, which the page sends as `X-CSRF-Token` with every
/// write.
pub(crate) async fn issue(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> RouteResult<CsrfTokenAnswer> {
    let csrf_token = edge.csrf.issue(caller.session);
    Ok(RouteAnswer::Ok(CsrfTokenAnswer { csrf_token, success: Success }))
}
