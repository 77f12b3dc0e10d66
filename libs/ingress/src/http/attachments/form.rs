//! `POST /v2/attachments`: a file in a form, with one request.

use crate::edge::Edge;
use crate::files::intake::{Intake, Manner, SLOW};
use crate::files::service::{Files, NewFile};
use crate::http::answer::RouteAnswer;
use crate::http::attachments::body::{Streamed, content_length};
use crate::http::attachments::{own, refused};
use crate::http::caller::Caller;
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_metrics::{UploadRefusal, UploadWay};
use eventflow_protocol::client::answers::AttachmentAnswer;
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{ErrorCode, UserId};
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use multer::{Constraints, Field, Multipart, SizeLimit};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Bytes of a form beside its file: boundaries, names, and fields that mean nothing here.
const FORM_MAX_BYTES: u64 = 64 * 1024;
/// Fields of a form that mean nothing here.
const OTHER_FIELDS_MAX: usize = 16;
/// How long the fields before the file, and the end of the form, may take.
const FIELDS_LIMIT: Duration = Duration::from_secs(10);
/// How long a form may go on when the process is shut down: it cannot be resumed, so a short one may end.
const MANNER: Manner = Manner { drain_patience: Duration::from_secs(8) };

/// 201: the file is there, and a message of its owner may use it.
pub(crate) async fn upload(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Streamed,
) -> Result<RouteAnswer<AttachmentAnswer>, RefusalResponse> {
    let began = Instant::now();
    let files = edge.files()?.clone();
    let boundary = boundary(&files, &headers)?;
    let announced = content_length(&headers);
    if announced.is_some_and(|length| length > files.settings.file_max + FORM_MAX_BYTES) {
        return Err(files.too_large().into());
    }
    let slot = files.slot(&caller.user)?;
    let limit = SizeLimit::new().whole_stream(files.settings.file_max + FORM_MAX_BYTES);
    let constraints = Constraints::new().size_limit(limit);
    let form = Multipart::with_constraints(body.into_stream(), boundary, constraints);
    let most = announced.unwrap_or(files.settings.file_max);
    let (owner, task_files) = (caller.user, files.clone());
    // In a task of its own, so that a form that ends in the middle leaves nothing behind.
    let task = files.tasks.spawn(async move {
        let taken = take_form(&task_files, form, owner, most).await;
        drop(slot);
        taken
    });
    let upload = task.await.map_err(|_| Refusal::unavailable())?.map_err(refused)?;
    files.metrics.uploads.of(UploadWay::Form).inc();
    files.metrics.seconds.of(UploadWay::Form).observe(began.elapsed().as_secs_f64());
    Ok(RouteAnswer::Created(own::answer(&upload)?))
}

fn boundary(files: &Files, headers: &HeaderMap) -> Result<String, RefusalResponse> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    multer::parse_boundary(value).map_err(|_| {
        files.count(UploadRefusal::Invalid);
        let refusal = Refusal::invalid("the content type must be multipart/form-data with a boundary");
        RefusalResponse::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal)
    })
}

async fn take_form(
    files: &Files,
    mut form: Multipart<'static>,
    owner: UserId,
    most: u64,
) -> Result<Upload, Refusal> {
    let field = in_time(files, file_field(files, &mut form)).await?;
    let name = field.file_name().unwrap_or_default().to_owned();
    let begun = files.begin(NewFile { owner: owner.clone(), name, length: None, most }).await?;
    let mut intake = Intake::open(files, begun.id, &owner, 0).await?;
    let taken = intake.take(field.map_err(|error| malformed(files, &error)), MANNER).await;
    let taken = match taken {
        Ok(()) => in_time(files, expect_end(files, &mut form)).await,
        Err(refusal) => Err(refusal),
    };
    let finished = match taken {
        Ok(()) => intake.finish().await,
        Err(refusal) => intake.close().await.and(Err(refusal)),
    };
    if let Err(refusal) = &finished
        && let Err(error) = files.delete(begun.id, &owner).await
        && error.code != ErrorCode::NotFound
    {
        tracing::debug!(%refusal, %error, "a refused file goes when its time is over");
    }
    finished
}

/// What comes before the file and behind it has a limit of its own, and waits for no shutdown.
async fn in_time<T>(
    files: &Files,
    fields: impl Future<Output = Result<T, Refusal>> + Send,
) -> Result<T, Refusal> {
    tokio::select! {
        done = fields => done,
        () = sleep(FIELDS_LIMIT) => {
            files.count(UploadRefusal::Slow);
            Err(Refusal::new(ErrorCode::Unavailable, SLOW))
        }
        () = files.drain.cancelled() => {
            files.count(UploadRefusal::Drain);
            Err(Refusal::unavailable())
        }
    }
}

/// The first field with a file. Those before it mean nothing here.
async fn file_field(files: &Files, form: &mut Multipart<'static>) -> Result<Field<'static>, Refusal> {
    for _ in 0..=OTHER_FIELDS_MAX {
        match form.next_field().await {
            Ok(Some(field)) if field.file_name().is_some() => return Ok(field),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => return Err(malformed(files, &error)),
        }
    }
    files.count(UploadRefusal::Invalid);
    Err(Refusal::invalid("file is missing: the form needs one field with a file"))
}

/// Nothing but other fields comes behind the file: a second file would be lost.
async fn expect_end(files: &Files, form: &mut Multipart<'static>) -> Result<(), Refusal> {
    for _ in 0..=OTHER_FIELDS_MAX {
        match form.next_field().await {
            Ok(None) => return Ok(()),
            Ok(Some(field)) if field.file_name().is_none() => {}
            Ok(Some(_)) => break,
            Err(error) => return Err(malformed(files, &error)),
        }
    }
    files.count(UploadRefusal::Invalid);
    Err(Refusal::invalid("the form has more than one file"))
}

/// Why a form cannot be read on: it is too large, its connection broke, or the client wrote it wrongly.
fn malformed(files: &Files, error: &multer::Error) -> Refusal {
    let sentence = match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            return files.too_large();
        }
        multer::Error::StreamReadFailed(_) => return files.gone(),
        multer::Error::IncompleteFieldData { .. } | multer::Error::IncompleteStream => {
            "the form ends before its closing boundary"
        }
        multer::Error::IncompleteHeaders
        | multer::Error::ReadHeaderFailed(_)
        | multer::Error::DecodeHeaderName { .. }
        | multer::Error::DecodeHeaderValue { .. } => "the header of a part of the form cannot be read",
        _ => "the body is no form",
    };
    files.count(UploadRefusal::Invalid);
    Refusal::invalid(sentence)
}
