//! A refusal as an HTTP answer: `{"success":false,"error":"…","code":"…"}` with the status of its code.
//!
//! Every error that a client can get from these routes has this shape, also the ones the framework makes
//! (unknown route, wrong method, too large, not JSON). If the same request may succeed later, `Retry-After`
//! says when.

use crate::refusal::Refusal;
use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use eventflow_protocol::ErrorCode;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use std::time::Duration;

/// Seconds until a client may try again: reconnects to the broker and the store take about that long.
const RETRY_AFTER_S: u64 = 1;

/// A refusal whose status or waiting time is not the usual one of its code. Handlers answer with a plain
/// [`Refusal`].
#[derive(Debug)]
pub(crate) struct RefusalResponse {
    status: StatusCode,
    refusal: Refusal,
    retry_after_s: u64,
}

impl RefusalResponse {
    /// The client may try again after `wait`, rounded up to whole seconds.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self { retry_after_s: wait.as_secs().saturating_add(1), ..self }
    }

    /// A refusal with another status than its code's own.
    pub(crate) fn with_status(status: StatusCode, refusal: Refusal) -> Self {
        Self { status, refusal, retry_after_s: RETRY_AFTER_S }
    }
}

impl From<Refusal> for RefusalResponse {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::with_status(status, refusal)
    }
}

impl From<BytesRejection> for RefusalResponse {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Refusal::new(ErrorCode::TooLarge, "the body is too large").into();
        }
        Refusal::invalid("the body could not be read").into()
    }
}

impl IntoResponse for RefusalResponse {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.refusal.body())).into_response();
        if self.refusal.code.is_retryable() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(self.retry_after_s));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        RefusalResponse::from(self).into_response()
    }
}

/// Answers a path that is no route.
pub(crate) async fn unknown_route() -> RefusalResponse {
    Refusal::new(ErrorCode::Unknown, "there is no such route").into()
}

/// Answers a route that does not have this method.
pub(crate) async fn wrong_method() -> RefusalResponse {
    RefusalResponse::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        Refusal::new(ErrorCode::Unknown, "the method is not allowed here"),
    )
}
