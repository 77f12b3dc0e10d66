//! The sweeper of files: removes what nobody uses any more.
//!
//! It looks for records that are due: uploads that nobody finished, files that no message used in time, and
//! files that were deleted. First the record says that the file is gone, then the bytes go, then the record.
//! So a sweeper that is killed in the middle, and several at a time, leave nothing behind and take nothing
//! away that is used.

use eventflow_metrics::{AttachmentMetrics, SweptFile};
use eventflow_ports::{Blobs, Clock, StoreError, Uploads, change_upload};
use eventflow_protocol::uploads::{Upload, UploadState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Pause between two rounds while there is nothing to do: a file that was taken back cannot be got from the
/// first moment, so its bytes have time.
const PAUSE: Duration = Duration::from_secs(20);
/// Files looked at in a round.
const AT_ONCE: u32 = 100;

/// Removes files.
pub struct FileSweeper {
    uploads: Arc<dyn Uploads>,
    blobs: Arc<dyn Blobs>,
    clock: Arc<dyn Clock>,
    metrics: AttachmentMetrics,
}

impl FileSweeper {
    /// Over records and bytes.
    pub fn new(
        uploads: Arc<dyn Uploads>,
        blobs: Arc<dyn Blobs>,
        clock: Arc<dyn Clock>,
        metrics: AttachmentMetrics,
    ) -> Self {
        Self { uploads, blobs, clock, metrics }
    }

    /// Sweeps until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let round = tokio::select! {
                round = self.sweep() => round,
                () = stop.cancelled() => return,
            };
            let has_more = match round {
                Ok(swept) => swept >= AT_ONCE as usize,
                Err(error) => {
                    self.metrics.sweep_failures.inc();
                    tracing::debug!(error = &error as &dyn std::error::Error, "no files could be swept");
                    false
                }
            };
            if !has_more {
                tokio::select! {
                    // sleep: it is time that makes files due.
                    () = sleep(PAUSE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// One round: removes what is due. Gives how many it removed.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let mut swept = 0;
        for upload in self.uploads.due_uploads(self.clock.now(), AT_ONCE).await? {
            swept += usize::from(self.remove(upload).await?);
        }
        Ok(swept)
    }

    async fn remove(&self, upload: Upload) -> Result<bool, StoreError> {
        let reason =
            if upload.state == UploadState::Deleted { SweptFile::Deleted } else { SweptFile::Unsent };
        let Some(upload) = self.claim(upload).await? else { return Ok(false) };
        if let Err(error) = self.blobs.remove(upload.id, &upload.staged).await {
            self.metrics.sweep_failures.inc();
            tracing::warn!(error = &error as &dyn std::error::Error, file = %upload.id, "a file was not removed");
            return Ok(false);
        }
        let removed = self.uploads.remove_upload(upload.id, upload.revision).await?;
        if removed {
            self.metrics.swept.of(reason).inc();
        }
        Ok(removed)
    }

    /// The record of a file that nobody gets any more; `None` if somebody uses it, or writes it, after all.
    async fn claim(&self, upload: Upload) -> Result<Option<Upload>, StoreError> {
        if upload.state == UploadState::Deleted {
            return Ok(Some(upload));
        }
        let now = self.clock.now();
        let claimed =
            change_upload(&*self.uploads, upload.id, |upload| upload.expire(now).then_some(())).await?;
        Ok(claimed.map(|(upload, ())| upload))
    }
}
