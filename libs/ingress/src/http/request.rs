//! The parts of a request that routes read: the JSON object in the body, the numbers in the query, the thread in the path.
//!
//! Each refuses in the common shape instead of the framework's plain text.

use crate::fields::{self, Object};
use crate::http::failure::Failure;
use crate::refusal::Refusal;
use crate::validate;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::ThreadId;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use std::collections::HashMap;

/// Items in a page unless asked otherwise.
const PAGE_DEFAULT: u32 = 50;

/// A JSON object; refused if it is another content type (a foreign form can send `text/plain` without asking first).
pub(crate) struct Body(pub(crate) Object);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            let refusal = Refusal::invalid("the content type must be application/json");
            return Err(Failure::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal));
        }
        Ok(Self(fields::parse(&Bytes::from_request(request, state).await?)?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A query's parameters. Of one that comes twice, the last counts; unknown ones are ignored.
pub(crate) struct Query(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        let parsed = axum::extract::Query::try_from_uri(&parts.uri);
        Ok(Self(parsed.map_err(|_| Refusal::invalid("the query could not be read"))?.0))
    }
}

/// The thread a path names. What is no id names no thread.
pub(crate) struct ThreadPath(pub(crate) ThreadId);

impl<S: Send + Sync> FromRequestParts<S> for ThreadPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = segment.map_err(|_| Refusal::not_found("thread"))?;
        Ok(Self(validate::parse_thread_id(&text)?))
    }
}

impl Query {
    /// The text of a parameter; an empty one is absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A number, if it is there.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Refusal> {
        let parsed = self.text(name).map(|text| text.parse().map_err(|_| fields::wrong_type(name, "a number in range")));
        parsed.transpose()
    }

    /// The page size, 1 to [`PAGE_MAX`].
    pub(crate) fn limit(&self) -> Result<u32, Refusal> {
        match self.number("limit")?.unwrap_or(PAGE_DEFAULT) {
            limit @ 1..=PAGE_MAX => Ok(limit),
            _ => Err(Refusal::invalid(format!("limit must be 1 to {PAGE_MAX}"))),
        }
    }
}
