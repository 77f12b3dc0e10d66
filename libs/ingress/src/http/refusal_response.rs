//! A refusal as an HTTP answer: `{"success":false,"error":"…","code":"…"}` with the status of its code.
//!
//! Every error that a client can get from these routes has this shape, also the ones the framework makes
//! (unknown route, wrong method, too large, not JSON). If the same request may succeed later, `Retry-After`
//! says when; a request without a good credential is told which kind is wanted.

use crate::refusal::Refusal;
use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use eventflow_protocol::ErrorCode;
use http::header::{ACCEPT_ENCODING, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::time::Duration;

/// The challenge of RFC 6750 to a request without a credential that holds.
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");
/// The challenge to a request whose token was good and has ended.
const BEARER_EXPIRED: HeaderValue =
    HeaderValue::from_static(r#"Bearer error="invalid_token", error_description="the token has expired""#);
/// The content codings of a body that is taken.
const ONLY_PLAIN: HeaderValue = HeaderValue::from_static("identity");

/// A refusal whose status is not the usual one of its code. Handlers answer with a plain [`Refusal`].
#[derive(Debug)]
pub(crate) struct RefusalResponse {
    status: StatusCode,
    refusal: Refusal,
}

impl RefusalResponse {
    /// A refusal with another status than its code's own.
    pub(crate) fn with_status(status: StatusCode, refusal: Refusal) -> Self {
        Self { status, refusal }
    }

    fn headers(&self, headers: &mut HeaderMap) {
        if let Some(wait) = self.refusal.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if self.refusal.code == ErrorCode::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, BEARER);
        }
        if self.refusal.code == ErrorCode::TokenExpired {
            headers.insert(WWW_AUTHENTICATE, BEARER_EXPIRED);
        }
        if self.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            headers.insert(ACCEPT_ENCODING, ONLY_PLAIN);
        }
    }
}

/// A wait as `Retry-After` has it: seconds, rounded up, at least one.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
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
        self.headers(response.headers_mut());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up() {
        for (ms, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (19_999, 20)] {
            assert_eq!(whole_seconds(Duration::from_millis(ms)), seconds, "{ms}");
        }
    }
}
