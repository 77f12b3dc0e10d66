//! What the owner of a file asks of it, and its end before a message uses it.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{AttachmentAnswer, DoneAnswer};
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{AttachmentId, ErrorCode};
use std::sync::Arc;

/// `GET /v2/attachments/{id}/info`: the finished file as a message shows it.
pub(crate) async fn info(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<AttachmentId>,
) -> RouteResult<AttachmentAnswer> {
    let upload = edge.files()?.own_and_finished(id, &caller.user).await?;
    Ok(RouteAnswer::Ok(answer(&upload)?))
}

/// `DELETE /v2/attachments/{id}`: deletes a file that no message uses.
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<AttachmentId>,
) -> RouteResult<DoneAnswer> {
    edge.files()?.delete(id, &caller.user).await?;
    Ok(RouteAnswer::Ok(DoneAnswer::default()))
}

/// The answer that shows a finished file.
pub(super) fn answer(upload: &Upload) -> Result<AttachmentAnswer, Refusal> {
    let shown = upload.to_attachment();
    let attachment = shown.ok_or_else(|| Refusal::new(ErrorCode::Conflict, "the upload is not whole yet"))?;
    let expires_at = upload.is_waiting().then_some(upload.expires_at);
    Ok(AttachmentAnswer { attachment, expires_at, success: Success })
}
