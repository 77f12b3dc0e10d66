//! Bytes of a file as an answer: ranges, and headers that keep what somebody uploaded from being more than a
//! file.

use crate::files::service::Files;
use crate::files::sniff::{content_type, is_shown_in_place};
use crate::http::attachments::disposition::disposition;
use crate::http::attachments::range::{Wanted, wanted};
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use eventflow_metrics::FileDirection;
use eventflow_ports::{BlobError, BlobKey};
use eventflow_protocol::ErrorCode;
use eventflow_protocol::uploads::Upload;
use futures_util::{StreamExt, TryStreamExt};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
};
use http::{HeaderMap, Method, StatusCode};
use std::ops::Range;
use std::time::Duration;
use tokio::time::sleep;

/// Nothing in a file runs, loads or is a part of this site, also if a browser shows it.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// The browser of the one person may keep it, and asks each time whether that person may still see it.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// How long a download may go on when the process is shut down. Clients continue it elsewhere by its range.
const DRAIN_PATIENCE: Duration = Duration::from_secs(8);

/// What of a file is answered.
#[derive(Clone, Debug)]
pub(super) struct Content {
    key: BlobKey,
    mime_type: String,
    size: u64,
    sha256: String,
    name: String,
}

impl Content {
    /// The file, or its small picture; `None` if it has none.
    pub(super) fn of(upload: &Upload, is_thumbnail: bool) -> Option<Self> {
        let file = upload.file.as_ref()?;
        let name = upload.name.clone();
        if is_thumbnail {
            let small = file.thumbnail.as_ref()?;
            let key = BlobKey::Thumbnail(upload.id);
            let (mime_type, sha256) = (small.mime_type.clone(), small.sha256.clone());
            return Some(Self { key, mime_type, size: small.size, sha256, name });
        }
        let (mime_type, sha256) = (file.mime_type.clone(), file.sha256.clone());
        Some(Self { key: BlobKey::File(upload.id), mime_type, size: file.size, sha256, name })
    }

    /// The answer to a request with these headers.
    pub(super) async fn answer(
        &self,
        files: &Files,
        method: &Method,
        asked: &HeaderMap,
    ) -> Result<Response, RefusalResponse> {
        let tag = format!("\"{}\"", self.sha256);
        let (status, range) = match wanted(asked, self.size, &tag) {
            Wanted::All => (StatusCode::OK, 0..self.size),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Wanted::Nothing => (StatusCode::NOT_MODIFIED, 0..0),
            Wanted::Beyond => return Ok(self.beyond()),
        };
        let mut headers = self.headers(&tag)?;
        if status == StatusCode::PARTIAL_CONTENT {
            let shown = format!("bytes {}-{}/{}", range.start, range.end - 1, self.size);
            headers.insert(CONTENT_RANGE, value(&shown)?);
        }
        if status == StatusCode::NOT_MODIFIED {
            return Ok((status, headers).into_response());
        }
        headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
        let body = if method == Method::HEAD { Body::empty() } else { self.body(files, range).await? };
        Ok((status, headers, body).into_response())
    }

    async fn body(&self, files: &Files, range: Range<u64>) -> Result<Body, Refusal> {
        if range.is_empty() {
            return Ok(Body::empty());
        }
        let read = files.blobs.read(self.key, range).await.map_err(|error| match error {
            BlobError::NotFound { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, key = ?self.key, "a file is lost");
                Refusal::new(ErrorCode::Failed, "the bytes of the file are lost")
            }
            BlobError::Unavailable { .. } => error.into(),
        })?;
        let sent = files.metrics.bytes.of(FileDirection::Out);
        let drain = files.drain.clone();
        let ends = async move {
            drain.cancelled().await;
            // sleep: a short download may end before the process does.
            sleep(DRAIN_PATIENCE).await;
        };
        let counted = read.inspect_ok(move |chunk| sent.inc_by(chunk.len() as u64));
        Ok(Body::from_stream(counted.take_until(ends)))
    }

    fn headers(&self, tag: &str) -> Result<HeaderMap, Refusal> {
        let is_shown = is_shown_in_place(&self.mime_type);
        Ok(HeaderMap::from_iter([
            (CONTENT_TYPE, value(content_type(&self.mime_type))?),
            (CONTENT_DISPOSITION, disposition(&self.name, is_shown)),
            (CONTENT_SECURITY_POLICY, POLICY),
            (CACHE_CONTROL, PRIVATE),
            (ETAG, value(tag)?),
            (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
            (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
        ]))
    }

    fn beyond(&self) -> Response {
        let refusal = Refusal::invalid("the file has no bytes in that range");
        let mut answer =
            RefusalResponse::with_status(StatusCode::RANGE_NOT_SATISFIABLE, refusal).into_response();
        if let Ok(range) = value(&format!("bytes */{}", self.size)) {
            answer.headers_mut().insert(CONTENT_RANGE, range);
        }
        answer
    }
}

fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_| Refusal::new(ErrorCode::Failed, "the file cannot be described"))
}
