//! The JSON object in a request's body, and the idempotency key that a header may give instead of a field.

use crate::fields::{self, Object};
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use crate::validate;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The header form of a body's own key (IETF draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A JSON object. Another content type is refused, because a foreign form can send `text/plain` without
/// asking first.
pub(crate) struct JsonBody(pub(crate) Object);

/// As [`JsonBody`], for routes whose fields are all optional: no body at all is an empty object.
pub(crate) struct OptionalJsonBody(pub(crate) Object);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, RefusalResponse> {
        require_json(request.headers())?;
        let bytes = Bytes::from_request(request, state).await?;
        Ok(Self(fields::parse(&bytes)?))
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = RefusalResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, RefusalResponse> {
        let content_type = require_json(request.headers());
        let bytes = Bytes::from_request(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(Object::new()));
        }
        content_type?;
        Ok(Self(fields::parse(&bytes)?))
    }
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

/// Takes over the key of the `Idempotency-Key` header as the body's `field`. Both may be there if they agree.
pub(crate) fn take_over_key(headers: &HeaderMap, body: &mut Object, field: &str) -> Result<(), Refusal> {
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
