//! Blobs in a folder, which the gateways of one machine, or of a shared disk, have in common.
//!
//! Bytes that come are written into one file below `incoming`, each at its place, and synced; the whole file
//! is then moved to where it is read. Safe to repeat because a place is written with the same bytes, and a
//! moved file is recognised.

use crate::layout::{INCOMING, incoming, place};
use crate::{OpenError, failed, if_there};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_ports::{BlobError, BlobKey, BlobStream, Blobs};
use eventflow_protocol::AttachmentId;
use eventflow_protocol::uploads::Staged;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{GetOptions, ObjectStore as _, ObjectStoreExt as _};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;

/// Blobs in a folder.
#[derive(Debug)]
pub struct FolderBlobs {
    files: LocalFileSystem,
    folder: PathBuf,
}

impl FolderBlobs {
    /// Opens the folder, and makes it if it is not there.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(folder.join(INCOMING)).map_err(|error| OpenError(Box::new(error)))?;
        let files = LocalFileSystem::new_with_prefix(folder).map_err(|error| OpenError(Box::new(error)))?;
        let folder = fs::canonicalize(folder).map_err(|error| OpenError(Box::new(error)))?;
        Ok(Self { files: files.with_fsync(true), folder })
    }

    fn path(&self, place: &Place) -> PathBuf {
        self.folder.join(place.as_ref())
    }
}

#[async_trait]
impl Blobs for FolderBlobs {
    async fn append(&self, id: AttachmentId, staged: &Staged, bytes: Bytes) -> Result<Staged, BlobError> {
        let (path, from) = (self.path(&incoming("", id)), staged.length);
        let length = from + bytes.len() as u64;
        blocking("append to a file", move || write_at(&path, from, &bytes)).await?;
        Ok(Staged { length, ..Staged::default() })
    }

    async fn complete(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError> {
        let from = self.path(&incoming("", id));
        let (to, length) = (self.path(&place("", BlobKey::File(id))), staged.length);
        blocking("complete a file", move || publish(&from, &to, length)).await
    }

    async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        let written = self.files.put(&place("", key), bytes.into()).await;
        written.map(drop).map_err(|error| failed("write a file", error))
    }

    async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<BlobStream, BlobError> {
        const WHAT: &str = "read a file";
        let options = GetOptions::default().with_range(Some(range));
        let found = self.files.get_opts(&place("", key), options).await;
        let found = found.map_err(|error| failed(WHAT, error))?;
        Ok(found.into_stream().map_err(|error| failed(WHAT, error)).boxed())
    }

    async fn remove(&self, id: AttachmentId, _staged: &Staged) -> Result<(), BlobError> {
        for place in [incoming("", id), place("", BlobKey::Thumbnail(id)), place("", BlobKey::File(id))] {
            if_there("remove a file", self.files.delete(&place).await)?;
        }
        Ok(())
    }
}

fn write_at(path: &Path, from: u64, bytes: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.write_all_at(bytes, from)?;
    file.sync_data()
}

/// Moves a file of this length to where it is read. What an append has written that nobody stored is cut off.
fn publish(from: &Path, to: &Path, length: u64) -> io::Result<()> {
    let file = match OpenOptions::new().create(length == 0).truncate(false).write(true).open(from) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return require_published(to, length, error),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "bytes of the file are missing"));
    }
    file.set_len(length)?;
    file.sync_all()?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
        fs::rename(from, to)?;
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// `missing` unless the file was published before.
fn require_published(to: &Path, length: u64, missing: io::Error) -> io::Result<()> {
    match fs::metadata(to) {
        Ok(published) if published.len() == length => Ok(()),
        Ok(_) | Err(_) => Err(missing),
    }
}

async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    let unavailable = |source| BlobError::Unavailable { what, source };
    let done = spawn_blocking(work).await.map_err(|error| unavailable(Box::new(error)))?;
    done.map_err(|error| unavailable(Box::new(error)))
}
