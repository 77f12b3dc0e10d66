//! Routes for callers without a login, which bring a proof of their own: the token of a mail's unsubscribe
//! link, the secret of the mail provider's webhook, and the signature of an address of a file.
//!
//! They are apart from the table of [`crate::http::routes`], since no role may or may not use them. The same
//! layers are around them, with the limit per address against guessing.

use crate::edge::Edge;
use crate::http::attachments::download;
use crate::http::{unsubscribe, webhook};
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// The routes, under `/api`.
pub(crate) fn router() -> Router<Arc<Edge>> {
    Router::new()
        .route("/v2/unsubscribe/{token}", get(unsubscribe::show).post(unsubscribe::act))
        .route("/v2/email/webhook", post(webhook::report))
        .route("/v2/files/{id}", get(download::signed))
}
