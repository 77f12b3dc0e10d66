//! The body of a request as it comes, for handlers that take it piece by piece.

use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

/// A body that nobody has read yet. A compressed one is refused.
pub(crate) struct Streamed(Body);

impl Streamed {
    /// The bytes as they come.
    pub(crate) fn into_stream(self) -> BodyDataStream {
        self.0.into_data_stream()
    }
}

impl<S: Send + Sync> FromRequest<S> for Streamed {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, _state: &S) -> Result<Self, RefusalResponse> {
        let mut codings = request.headers().get_all(CONTENT_ENCODING).into_iter();
        if !codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            let refusal =
                Refusal::invalid("the body must not be compressed: send it without Content-Encoding");
            return Err(RefusalResponse::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal));
        }
        Ok(Self(request.into_body()))
    }
}

/// The media type of the body, in lower case and without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The length that the request announces for its body.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
