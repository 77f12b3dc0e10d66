//! Routes for callers without a login, which bring a proof of their own: the token of a mail's unsubscribe
//! link, and the secret of the mail provider's webhook.
//!
//! They are apart from the table of [`crate::http::routes`], since no role may or may not use them. The same
//! layers are around them, with the limit per address against guessing.

use crate::edge::Edge;
use crate::http::{unsubscribe, webhook};
use axum::Router;
use axum::extract::MatchedPath;
use axum::routing::{get, post};
use std::sync::Arc;

/// The page of an unsubscribe link.
const UNSUBSCRIBE: &str = "/v2/unsubscribe/{token}";

/// Whether a page of any origin may ask. Only the page of an unsubscribe link: its token is the whole proof, and
/// since the page hides its address from others, browsers send its button's request with the origin `null`.
pub(crate) fn is_for_every_page(route: &MatchedPath) -> bool {
    route.as_str().ends_with(UNSUBSCRIBE)
}

/// The routes, under `/api`.
pub(crate) fn router() -> Router<Arc<Edge>> {
    Router::new()
        .route(UNSUBSCRIBE, get(unsubscribe::show).post(unsubscribe::act))
        .route("/v2/email/webhook", post(webhook::report))
}
