//! A refusal as an HTTP answer: `{"success":false,"error":"…","code":"…"}` with the status of its code.
//!
//! Every error a client can get from these routes has this shape, also the ones the framework makes (unknown route, wrong
//! method, too large, not JSON). What can be tried again says when (`Retry-After`).

use crate::refusal::Refusal;
use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use eventflow_protocol::ErrorCode;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use std::time::Duration;

/// Seconds after which to try again: reconnects to broker and store take about that long.
const RETRY_AFTER_S: u64 = 1;

/// A refusal and the status it is answered with.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    refusal: Refusal,
    retry_after_s: u64,
}

impl Failure {
    /// To be tried again after this.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self { retry_after_s: wait.as_secs().saturating_add(1), ..self }
    }

    /// With another status than the code's own.
    pub(crate) fn with_status(status: StatusCode, refusal: Refusal) -> Self {
        Self { status, refusal, retry_after_s: RETRY_AFTER_S }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, refusal, retry_after_s: RETRY_AFTER_S }
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Refusal::new(ErrorCode::TooLarge, "the body is too large").into();
        }
        Refusal::invalid("the body could not be read").into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.refusal.body())).into_response();
        if self.refusal.code.is_retryable() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(self.retry_after_s));
        }
        response
    }
}

/// No such route.
pub(crate) async fn unknown_route() -> Failure {
    Refusal::new(ErrorCode::Unknown, "there is no such route").into()
}

/// The route exists, but not with this method.
pub(crate) async fn wrong_method() -> Failure {
    Failure::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        Refusal::new(ErrorCode::Unknown, "the method is not allowed here"),
    )
}
