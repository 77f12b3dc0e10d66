//! The parts of a request that routes read: the JSON object in the body, the numbers in the query, the thread
//! in the path.
//!
//! Each refuses in the common shape instead of the framework's plain text.

use crate::fields::{self, Object};
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use crate::validate;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::{MessageId, NotificationId, ThreadId, Timestamp, UserId};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::collections::HashMap;

/// Items in a page unless asked otherwise.
const PAGE_DEFAULT: u32 = 50;
/// Most entries a listing passes over: past it, a cursor is the way.
const SKIP_MAX: u32 = 10_000;

/// The header form of a body's own key (IETF draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The header is another way to give the body's `field`; both may be there if they agree.
pub(crate) fn merge_key(headers: &HeaderMap, body: &mut Object, field: &str) -> Result<(), Refusal> {
    let Some(header) = headers.get(IDEMPOTENCY_KEY) else { return Ok(()) };
    let key = header.to_str().map_err(|_| Refusal::invalid("Idempotency-Key must be printable ASCII"))?;
    // The draft's form is a quoted string; most clients send it bare.
    let bare = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let key = validate::idempotency_key(bare.to_owned(), "Idempotency-Key")?;
    match body.get(field) {
        None | Some(Value::Null) => {
            body.insert(field.to_owned(), Value::String(key));
            Ok(())
        }
        Some(Value::String(other)) if *other == key => Ok(()),
        Some(_) => Err(Refusal::invalid(format!("Idempotency-Key and {field} differ"))),
    }
}

/// A JSON object; refused if it is another content type (a foreign form can send `text/plain` without asking
/// first).
pub(crate) struct JsonBody(pub(crate) Object);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, RefusalResponse> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        Ok(Self(fields::parse(&Bytes::from_request(request, state).await?)?))
    }
}

/// As [`JsonBody`], for routes whose fields are all optional: no body at all is an empty object.
pub(crate) struct OptionalJsonBody(pub(crate) Object);

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, RefusalResponse> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await?;
        match (bytes.is_empty(), is_json) {
            (true, _) => Ok(Self(Object::new())),
            (false, true) => Ok(Self(fields::parse(&bytes)?)),
            (false, false) => Err(not_json()),
        }
    }
}

fn not_json() -> RefusalResponse {
    RefusalResponse::with_status(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::invalid("the content type must be application/json"),
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A query's parameters. Of one that comes twice, the last counts; unknown ones are ignored.
pub(crate) struct Query(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, RefusalResponse> {
        let parsed = axum::extract::Query::try_from_uri(&parts.uri);
        Ok(Self(parsed.map_err(|_| Refusal::invalid("the query could not be read"))?.0))
    }
}

/// The thread a path names. What is no id names no thread.
pub(crate) struct ThreadPath(pub(crate) ThreadId);
/// The message a path names.
pub(crate) struct MessagePath(pub(crate) MessageId);
/// The notification a path names.
pub(crate) struct NotificationPath(pub(crate) NotificationId);
/// The person a path names.
pub(crate) struct UserPath(pub(crate) UserId);

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S) -> String {
    // What cannot be decoded is no id either.
    Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text).unwrap_or_default()
}

impl<S: Send + Sync> FromRequestParts<S> for ThreadPath {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RefusalResponse> {
        Ok(Self(validate::parse_thread_id(&segment(parts, state).await)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MessagePath {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RefusalResponse> {
        Ok(Self(validate::parse_message_id(&segment(parts, state).await)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NotificationPath {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RefusalResponse> {
        Ok(Self(validate::parse_notification_id(&segment(parts, state).await)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserPath {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RefusalResponse> {
        Ok(Self(validate::parse_user_id(&segment(parts, state).await)?))
    }
}

impl Query {
    /// The text of a parameter; an empty one is absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A number, if it is there.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Refusal> {
        let parsed = self
            .text(name)
            .map(|text| text.parse().map_err(|_| fields::wrong_type(name, "a number in range")));
        parsed.transpose()
    }

    /// The page size, 1 to [`PAGE_MAX`].
    pub(crate) fn limit(&self) -> Result<u32, Refusal> {
        match self.number("limit")?.unwrap_or(PAGE_DEFAULT) {
            limit @ 1..=PAGE_MAX => Ok(limit),
            _ => Err(Refusal::invalid(format!("limit must be 1 to {PAGE_MAX}"))),
        }
    }

    /// A moment, if it is there: ISO 8601 in UTC as answers show it, with or without milliseconds.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let exact = Timestamp::from_iso(text);
        let parsed = exact.or_else(|| Timestamp::from_iso(&format!("{}.000Z", text.strip_suffix('Z')?)));
        parsed
            .map(Some)
            .ok_or_else(|| fields::wrong_type(name, "a number, or a time like 2026-01-13T22:40:00.000Z"))
    }

    /// `true` or `false`; absent is false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(fields::wrong_type(name, "true or false")),
        }
    }

    /// How many entries of a listing to pass over.
    pub(crate) fn skip(&self) -> Result<u32, Refusal> {
        let skip = self.number("skip")?.unwrap_or(0);
        if skip <= SKIP_MAX {
            return Ok(skip);
        }
        Err(Refusal::invalid(format!("skip must be at most {SKIP_MAX}; continue with a cursor")))
    }

    /// The place after the last entry of a page before: its time in milliseconds and its id.
    pub(crate) fn cursor<Id: std::str::FromStr>(&self) -> Result<Option<(Timestamp, Id)>, Refusal> {
        let Some(text) = self.text("cursor") else { return Ok(None) };
        let parsed = text
            .split_once('.')
            .and_then(|(time, id)| Some((Timestamp(time.parse().ok()?), id.parse().ok()?)));
        parsed.map(Some).ok_or_else(|| Refusal::invalid("cursor is not one of ours"))
    }
}
