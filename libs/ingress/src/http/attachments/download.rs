//! `GET /v2/attachments/{id}`, and `/thumbnail`: a file and its small picture, from here or from the origin
//! of files.

use crate::edge::Edge;
use crate::files::access::seen_file;
use crate::files::signed::Signed;
use crate::http::answer::Bytes;
use crate::http::attachments::content::Content;
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::Query;
use crate::http::refusal_response::RefusalResponse;
use crate::identity::Identity;
use crate::refusal::Refusal;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eventflow_protocol::AttachmentId;
use eventflow_protocol::uploads::UploadState;
use http::header::{HOST, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;

/// The file.
pub(crate) async fn file(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<AttachmentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Bytes, RefusalResponse> {
    get(&edge, &caller, (id, false), &method, &headers).await.map(Bytes)
}

/// The small picture; 404 if there is none.
pub(crate) async fn thumbnail(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(id): IdPath<AttachmentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Bytes, RefusalResponse> {
    get(&edge, &caller, (id, true), &method, &headers).await.map(Bytes)
}

async fn get(
    edge: &Edge,
    caller: &Identity,
    (id, is_thumbnail): (AttachmentId, bool),
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, RefusalResponse> {
    let files = edge.files()?;
    let upload = seen_file(files, &edge.commands, id, &caller.user).await?;
    let content = Content::of(&upload, is_thumbnail).ok_or_else(|| Refusal::not_found("attachment"))?;
    let Some(origin) = &files.settings.origin else { return content.answer(files, method, headers).await };
    let address = format!("{origin}{}", edge.file_signer.path(id, is_thumbnail, files.clock.now()));
    let location = HeaderValue::from_str(&address).map_err(|_| Refusal::unavailable())?;
    Ok((StatusCode::FOUND, [(LOCATION, location)]).into_response())
}

/// `GET /v2/files/{id}` on the origin of files: for whoever has a signed address. No login is read.
pub(crate) async fn signed(
    State(edge): State<Arc<Edge>>,
    IdPath(id): IdPath<AttachmentId>,
    query: Query,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, RefusalResponse> {
    let unknown = || RefusalResponse::from(Refusal::not_found("attachment"));
    let files = edge.files()?;
    let is_here = files.settings.origin.as_deref().is_some_and(|origin| is_host(origin, &headers));
    let address = Signed {
        id,
        is_thumbnail: query.text("what") == Some("thumbnail"),
        until: query.text("until").and_then(|until| until.parse().ok()).unwrap_or(0),
    };
    let signature = query.text("signature").unwrap_or_default();
    if !is_here || !edge.file_signer.accepts(&address, signature, files.clock.now()) {
        return Err(unknown());
    }
    let found = files.uploads.upload(id).await.map_err(Refusal::from)?;
    let upload = found.filter(|upload| upload.state == UploadState::Ready).ok_or_else(unknown)?;
    let content = Content::of(&upload, address.is_thumbnail).ok_or_else(unknown)?;
    let mut answer = content.answer(files, &method, &headers).await?;
    // A page of the application shows it from here.
    answer.headers_mut().insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    Ok(answer)
}

/// Whether the request came to the host of this origin.
fn is_host(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let named = origin.split_once("://").map(|(_, host)| host);
    named.zip(host).is_some_and(|(named, host)| named.eq_ignore_ascii_case(host))
}
