//! Why the data file cannot be used, or did not carry out a job.

use std::path::PathBuf;
use std::sync::Arc;

/// Why the data file cannot be used, or did not carry out a job.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Another process has the file open. Two would deliver every message twice.
    #[error("open the data file {0}: another process is using it")]
    InUse(PathBuf),
    /// The folder or the lock file cannot be made.
    #[error("open the data file {path}")]
    Open {
        /// The path that cannot be made.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The file was written by a newer version of this program.
    #[error("open the data file: its {piece} schema has version {found}, this program knows {known}")]
    Newer {
        /// The piece whose tables are newer.
        piece: &'static str,
        /// The version in the file.
        found: u32,
        /// The newest version this program can read.
        known: u32,
    },
    /// The content of the file contradicts itself, as after a power loss that its writer did not guard
    /// against.
    #[error("open the data file: {0}")]
    Torn(String),
    /// SQLite answered with an error: disk full, I/O error, a violated constraint.
    #[error("use the data file")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    /// The closure panicked. Its changes are undone.
    #[error("use the data file: the job panicked")]
    Panicked,
    /// [`Database::close`](super::Database::close) was called.
    #[error("use the data file: it is closed")]
    Closed,
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(source))
    }
}

impl DatabaseError {
    /// Whether the disk (or the file's size limit) is full, so that it may work again once there is room.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}
