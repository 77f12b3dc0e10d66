//! Bytes of files in a folder, or in a bucket of S3 or of a server that speaks like it.
//!
//! [`FolderBlobs`] and [`BucketBlobs`] lay their files out alike ([`layout`]). Only this crate knows
//! `object_store`; requests go over the TLS that the other drivers use ([`https`]).

mod bucket;
mod folder;
mod https;
mod layout;

pub use bucket::{BucketBlobs, BucketSettings};
pub use folder::FolderBlobs;

use eventflow_ports::BlobError;
use object_store::Error;

/// The settings do not lead to blobs.
#[derive(Debug, thiserror::Error)]
#[error("open the blobs")]
pub struct OpenError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// What an error of the storage means.
fn failed(what: &'static str, error: Error) -> BlobError {
    match error {
        Error::NotFound { .. } => BlobError::NotFound { what },
        other => BlobError::Unavailable { what, source: Box::new(other) },
    }
}

/// The same, where it is no error that there is nothing.
fn if_there(what: &'static str, outcome: Result<(), Error>) -> Result<(), BlobError> {
    match outcome {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(failed(what, error)),
    }
}
