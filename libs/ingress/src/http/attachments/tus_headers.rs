//! The headers of tus 1.0.0 (tus.io/protocols/resumable-upload), read and written.

use crate::edge::Edge;
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eventflow_protocol::Timestamp;
use eventflow_protocol::uploads::Upload;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;

/// The version of the protocol.
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// What is spoken beside its core.
const EXTENSIONS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,termination,expiration");
/// The routes that speak it, as the table has them.
const PATH: &str = "/v2/attachments/tus";
/// Longest `Upload-Metadata`: a name of 255 bytes and a type in base64, and what other clients add.
const METADATA_MAX_BYTES: usize = 8 * 1024;

pub(super) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");

/// The headers that pages of other origins may read.
pub(crate) const EXPOSED: [HeaderName; 9] = [
    RESUMABLE,
    LENGTH,
    OFFSET,
    EXPIRES,
    METADATA,
    HeaderName::from_static("tus-version"),
    HeaderName::from_static("tus-extension"),
    HeaderName::from_static("tus-max-size"),
    http::header::LOCATION,
];

/// Puts the version on every answer of these routes, and answers clients that ask what is spoken.
pub(crate) async fn speak(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with(PATH) {
        return next.run(request).await;
    }
    let asks = request.method() == Method::OPTIONS
        && path.trim_end_matches('/') == PATH
        && !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut answer = if asks { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = answer.headers_mut();
    headers.insert(RESUMABLE, VERSION);
    if asks || answer.status() == StatusCode::PRECONDITION_FAILED {
        let headers = answer.headers_mut();
        headers.insert(HeaderName::from_static("tus-version"), VERSION);
        headers.insert(HeaderName::from_static("tus-extension"), EXTENSIONS);
        if let Ok(files) = edge.files() {
            headers.insert(HeaderName::from_static("tus-max-size"), files.settings.file_max.into());
        }
    }
    answer
}

/// Refuses clients that speak another version, or none.
pub(super) fn require_version(headers: &HeaderMap) -> Result<(), RefusalResponse> {
    if headers.get(RESUMABLE) == Some(&VERSION) {
        return Ok(());
    }
    let refusal = Refusal::invalid("Tus-Resumable must be 1.0.0");
    Err(RefusalResponse::with_status(StatusCode::PRECONDITION_FAILED, refusal))
}

/// A number of bytes in a header.
pub(super) fn number(headers: &HeaderMap, name: &HeaderName, shown: &str) -> Result<u64, Refusal> {
    let value = headers.get(name).ok_or_else(|| Refusal::invalid(format!("{shown} is missing")))?;
    let digits =
        value.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| Refusal::invalid(format!("{shown} must be a number of bytes")))
}

/// The name of the file: `filename` of `Upload-Metadata`, or `name`, as some clients call it. The type that
/// clients put beside it means nothing.
pub(super) fn file_name(headers: &HeaderMap) -> Result<String, Refusal> {
    let Some(value) = headers.get(METADATA) else { return Ok(String::new()) };
    let wrong = || Refusal::invalid("Upload-Metadata must be keys with values in base64, comma-separated");
    let text = value.to_str().ok().filter(|text| text.len() <= METADATA_MAX_BYTES).ok_or_else(wrong)?;
    let (mut file_name, mut name) = (None, None);
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let bytes = BASE64.decode(value.trim()).map_err(|_| wrong())?;
        match key {
            "filename" => file_name = Some(String::from_utf8(bytes).map_err(|_| wrong())?),
            "name" => name = Some(String::from_utf8(bytes).map_err(|_| wrong())?),
            _ => {}
        }
    }
    Ok(file_name.or(name).unwrap_or_default())
}

/// The headers that tell how far an upload is.
pub(super) fn progress(upload: &Upload) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    let size = upload.file.as_ref().map(|file| file.size);
    headers.insert(OFFSET, size.unwrap_or(upload.staged.length).into());
    if let Some(length) = size.or(upload.length) {
        headers.insert(LENGTH, length.into());
    }
    if upload.is_waiting() {
        headers.insert(EXPIRES, http_date(upload.expires_at)?);
    }
    Ok(headers)
}

/// A time as HTTP has it (RFC 9110, section 5.6.7).
fn http_date(at: Timestamp) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(&at.to_http_date()).map_err(|_| Refusal::unavailable())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(METADATA, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_name_is_read_from_the_metadata() {
        for (value, name) in [
            ("filename YS5wbmc=", "a.png"),
            ("filetype aW1hZ2UvcG5n,filename YS5wbmc=,is_confidential", "a.png"),
            ("name Yi5wbmc=, filename YS5wbmc=", "a.png"),
            ("name Yi5wbmc=", "b.png"),
            ("", ""),
        ] {
            assert_eq!(file_name(&with(value)).unwrap(), name, "{value}");
        }
        for wrong in ["filename a.png", "filename /w==", &format!("filename {}", "a".repeat(9_000))] {
            assert!(file_name(&with(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_digits() {
        let of = |value: &str| {
            let headers = HeaderMap::from_iter([(LENGTH, HeaderValue::from_str(value).unwrap())]);
            number(&headers, &LENGTH, "Upload-Length")
        };
        assert_eq!(of("12").unwrap(), 12);
        for wrong in ["", "-1", "+1", "1.5", "x", "99999999999999999999999"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
