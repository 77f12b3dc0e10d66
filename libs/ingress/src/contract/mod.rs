//! The contract with clients as documents that machines read: OpenAPI for the REST routes, AsyncAPI for the
//! socket, and both as a page for people.
//!
//! Nothing here is written twice: what a route takes and answers comes from its handler's type ([`shape`]),
//! the schemas from the types that are (de)serialised ([`schemas`]). Only words and statuses are added
//! ([`operations`], [`told`], [`examples`]).

mod asyncapi;
mod examples;
mod files;
mod openapi;
mod operations;
mod page;
mod schemas;
pub(crate) mod shape;
mod told;

pub use asyncapi::asyncapi;
pub use openapi::openapi;

use crate::edge::Edge;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use std::sync::{Arc, LazyLock};

/// Written once: the documents do not change while a process runs.
static OPENAPI: LazyLock<String> = LazyLock::new(|| written(&openapi()));
static ASYNCAPI: LazyLock<String> = LazyLock::new(|| written(&asyncapi()));
static PAGE: LazyLock<String> = LazyLock::new(|| page::page(&openapi(), &asyncapi()));

/// A document as the files in `docs` have it.
pub fn written(document: &serde_json::Value) -> String {
    let mut text = format!("{document:#}");
    text.push('\n');
    text
}

/// The routes of the documents, under `/api`. They say nothing about the system's data, so anybody may read
/// them.
pub(crate) fn router() -> Router<Arc<Edge>> {
    Router::new()
        .route("/v2/openapi.json", get(|| async { json(&OPENAPI) }))
        .route("/v2/asyncapi.json", get(|| async { json(&ASYNCAPI) }))
        .route("/docs", get(html))
}

fn json(document: &'static str) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], document).into_response()
}

async fn html() -> Response {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, page::POLICY.clone()),
    ];
    (headers, PAGE.as_str()).into_response()
}

#[cfg(test)]
mod tests;
