//! `/v2/attachments`: files that clients upload and get.
//!
//! | module | tells |
//! |---|---|
//! | [`form`] | an upload in one request |
//! | [`tus`], [`tus_headers`] | a resumable upload |
//! | [`own`] | what the owner asks of a file, and deletes |
//! | [`download`] | a file and its small picture |
//! | [`content`], [`range`], [`disposition`] | how bytes are answered |
//! | [`body`] | a request's body as it comes |
//!
//! Whose file it is, and how bytes are kept, is in [`crate::files`].

pub(crate) mod body;
mod content;
mod disposition;
pub(crate) mod download;
pub(crate) mod form;
pub(crate) mod own;
mod range;
pub(crate) mod tus;
pub(crate) mod tus_headers;

use crate::files::intake::SLOW;
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use http::StatusCode;

/// Whether a path, as the routes have it, brings or gets bytes of files. Such a request takes the time that
/// its bytes take, within limits of its own.
pub(crate) fn carries_files(path: &str) -> bool {
    path.starts_with("/v2/attachments") || path.starts_with("/v2/files/")
}

/// A refusal of a request that brings bytes, with 408 if they came too slowly.
pub(crate) fn refused(refusal: Refusal) -> RefusalResponse {
    if refusal.error == SLOW {
        return RefusalResponse::with_status(StatusCode::REQUEST_TIMEOUT, refusal);
    }
    refusal.into()
}
