//! The JSON object in a request's body, read as a request of the client's contract, and the idempotency key
//! that a header may give instead of a field.

use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use eventflow_protocol::ErrorCode;
use eventflow_protocol::client;
use eventflow_protocol::client::values::ClientKey;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;

/// Time for a whole body. The largest one then comes at 26 KB/s, a message of ordinary length on any line.
/// Shorter than the limit of a request, so that the client is told what was late.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The header form of a body's own key (IETF draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A request in JSON. Another content type is refused, because a foreign form can send `text/plain` without
/// asking first.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// As [`JsonBody`], for requests whose fields are all optional: no body at all is the request without fields.
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, RefusalResponse> {
        require_json(request.headers())?;
        let bytes = whole(request, state).await?;
        Ok(Self(parse(&bytes)?))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, RefusalResponse> {
        let content_type = require_json(request.headers());
        let bytes = whole(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        content_type?;
        Ok(Self(parse(&bytes)?))
    }
}

/// Reads the body, which must come in time and as it is.
async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, RefusalResponse> {
    require_plain(request.headers())?;
    match timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await {
        Ok(bytes) => Ok(bytes?),
        Err(_) => Err(RefusalResponse::with_status(
            StatusCode::REQUEST_TIMEOUT,
            Refusal::new(ErrorCode::Unavailable, "the body did not arrive in time"),
        )),
    }
}

/// Refuses a compressed body: a few bytes of one could become very many.
fn require_plain(headers: &HeaderMap) -> Result<(), RefusalResponse> {
    let mut codings = headers.get_all(CONTENT_ENCODING).into_iter();
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let refusal = Refusal::invalid("the body must not be compressed: send it without Content-Encoding");
    Err(RefusalResponse::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal))
}

fn require_json(headers: &HeaderMap) -> Result<(), RefusalResponse> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let refusal = Refusal::invalid("the content type must be application/json");
    Err(RefusalResponse::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal))
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Refusal> {
    Ok(client::parse(json)?)
}

/// The key of the `Idempotency-Key` header or of the body's `field`. Both may be there if they agree.
pub(crate) fn idempotency_key(
    headers: &HeaderMap,
    in_body: Option<ClientKey>,
    field: &str,
) -> Result<Option<ClientKey>, Refusal> {
    let Some(header) = headers.get(IDEMPOTENCY_KEY) else { return Ok(in_body) };
    let text = std::str::from_utf8(header.as_bytes())
        .map_err(|_| Refusal::invalid("Idempotency-Key must be UTF-8"))?;
    // The draft's form is a quoted string; most clients send it bare.
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let in_header = ClientKey::try_from(bare.to_owned())
        .map_err(|unfit| Refusal::invalid(unfit.about("Idempotency-Key")))?;
    match in_body {
        Some(key) if key != in_header => Err(Refusal::invalid(format!("Idempotency-Key and {field} differ"))),
        Some(_) | None => Ok(Some(in_header)),
    }
}
