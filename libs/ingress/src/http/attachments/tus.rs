//! `/v2/attachments/tus`: a resumable upload by tus 1.0.0.
//!
//! A client creates an upload, sends its bytes in any number of requests, asks how far it is when a request
//! was cut off, and goes on there, at any gateway. The last byte finishes the file.

use crate::edge::Edge;
use crate::files::intake::{Intake, Manner};
use crate::files::service::{Files, NewFile};
use crate::http::answer::{Headed, RouteAnswer};
use crate::http::attachments::body::{Streamed, content_length, media_type};
use crate::http::attachments::refused;
use crate::http::attachments::tus_headers::{self as tus, LENGTH, OFFSET};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_metrics::{UploadRefusal, UploadWay};
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::UploadAnswer;
use eventflow_protocol::uploads::{Upload, UploadState};
use eventflow_protocol::{AttachmentId, ErrorCode, UserId};
use futures_util::TryStreamExt;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// The media type of bytes behind an offset.
const BYTES: &str = "application/offset+octet-stream";
/// A request that is cut off by the end of a process goes on at the next one at once.
const MANNER: Manner = Manner { drain_patience: Duration::ZERO };

/// `POST`: creates an upload, 201; its first bytes may come with the request.
pub(crate) async fn create(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Streamed,
) -> Result<Headed<RouteAnswer<UploadAnswer>>, RefusalResponse> {
    let files = edge.files()?;
    tus::require_version(&headers)?;
    let wished = tus::number(&headers, &LENGTH, "Upload-Length")
        .and_then(|length| Ok((length, tus::file_name(&headers)?)))
        .inspect_err(|_| files.count(UploadRefusal::Invalid));
    let (length, name) = wished?;
    let new = NewFile { owner: caller.user.clone(), name, length: Some(length), most: length };
    let begun = files.begin(new).await?;
    let has_bytes = media_type(&headers) == BYTES && content_length(&headers) != Some(0);
    let upload =
        if has_bytes || length == 0 { go_on(files, &begun, &caller.user, 0, body).await? } else { begun };
    let location = format!("/api/v2/attachments/tus/{}", upload.id);
    let mut headers = tus::progress(&upload)?;
    headers.insert(LOCATION, HeaderValue::from_str(&location).map_err(|_| Refusal::unavailable())?);
    let answer = UploadAnswer { id: upload.id, expires_at: upload.expires_at, success: Success };
    Ok(Headed(headers, RouteAnswer::Created(answer)))
}

/// `HEAD`: how far the upload is.
pub(crate) async fn offset(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<AttachmentId>,
    headers: HeaderMap,
) -> Result<Headed<StatusCode>, RefusalResponse> {
    tus::require_version(&headers)?;
    let upload = edge.files()?.own_and_finished(id, &caller.user).await?;
    Ok(Headed(tus::progress(&upload)?, StatusCode::OK))
}

/// `PATCH`: appends bytes at an offset, 204.
pub(crate) async fn append(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<AttachmentId>,
    headers: HeaderMap,
    body: Streamed,
) -> Result<Headed<StatusCode>, RefusalResponse> {
    let files = edge.files()?;
    tus::require_version(&headers)?;
    let upload = files.own(id, &caller.user).await?;
    if media_type(&headers) != BYTES {
        files.count(UploadRefusal::Invalid);
        let refusal = Refusal::invalid(format!("the content type must be {BYTES}"));
        return Err(RefusalResponse::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal));
    }
    let offset = tus::number(&headers, &OFFSET, "Upload-Offset")
        .inspect_err(|_| files.count(UploadRefusal::Invalid))?;
    require_to_fit(files, &upload, offset, content_length(&headers))?;
    let upload = go_on(files, &upload, &caller.user, offset, body).await?;
    Ok(Headed(tus::progress(&upload)?, StatusCode::NO_CONTENT))
}

/// `DELETE`: ends the upload and deletes what has come, 204.
pub(crate) async fn terminate(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<AttachmentId>,
    headers: HeaderMap,
) -> Result<Headed<StatusCode>, RefusalResponse> {
    tus::require_version(&headers)?;
    edge.files()?.delete(id, &caller.user).await?;
    Ok(Headed(HeaderMap::new(), StatusCode::NO_CONTENT))
}

/// Refuses a body that is longer than the rest of the upload before it is read.
fn require_to_fit(files: &Files, upload: &Upload, offset: u64, body: Option<u64>) -> Result<(), Refusal> {
    let fits =
        body.is_none_or(|body| upload.length.is_none_or(|length| offset.saturating_add(body) <= length));
    if fits || upload.state != UploadState::Uploading {
        return Ok(());
    }
    files.count(UploadRefusal::TooLarge);
    let length = upload.length.unwrap_or_default();
    let error = format!("the upload would have more than the {length} bytes that Upload-Length announced");
    Err(Refusal::new(ErrorCode::TooLarge, error))
}

/// Takes the bytes of one request, in a task of its own.
async fn go_on(
    files: &Files,
    upload: &Upload,
    owner: &UserId,
    offset: u64,
    body: Streamed,
) -> Result<Upload, RefusalResponse> {
    let slot = files.slot(owner)?;
    let intake = Intake::open(files, upload.id, owner, offset).await?;
    let cut = files.clone();
    let bytes = body.into_stream().map_err(move |_| cut.gone());
    let task = files.tasks.spawn(async move {
        let taken = intake.run(bytes, MANNER).await;
        drop(slot);
        taken
    });
    let upload = task.await.map_err(|_| Refusal::unavailable())?.map_err(refused)?;
    if upload.state == UploadState::Ready {
        files.metrics.uploads.of(UploadWay::Tus).inc();
        let took = upload.created_at.age_at(files.clock.now());
        files.metrics.seconds.of(UploadWay::Tus).observe(took.as_secs_f64());
    }
    Ok(upload)
}
