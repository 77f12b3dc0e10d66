//! Files: begins an upload within the limits, finds one, deletes one.

use crate::files::settings::FileSettings;
use crate::files::slots::{Slot, Slots};
use crate::parts::IngressParts;
use crate::refusal::Refusal;
use eventflow_metrics::{AttachmentMetrics, UploadRefusal};
use eventflow_ports::{BlobError, Blobs, Clock, Uploads, change_upload};
use eventflow_protocol::uploads::{Upload, UploadState, WAITING_MAX, file_name};
use eventflow_protocol::{AttachmentId, ErrorCode, UserId};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pictures that are decoded at a time: each may take some hundred megabytes, and a processor.
const PICTURES_AT_ONCE: usize = 2;

/// What the routes of files need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) uploads: Arc<dyn Uploads>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Arc<FileSettings>,
    pub(crate) metrics: AttachmentMetrics,
    slots: Arc<Slots>,
    pub(super) pictures: Arc<Semaphore>,
    /// Tasks that bring bytes: they go on when their client has gone, to keep what has come.
    pub(crate) tasks: TaskTracker,
    /// The process is being shut down: no request may hold it up.
    pub(crate) drain: CancellationToken,
}

/// A file that a client wants to upload.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) owner: UserId,
    /// As the client calls it.
    pub(crate) name: String,
    /// The length, if it is known.
    pub(crate) length: Option<u64>,
    /// The most that it can be.
    pub(crate) most: u64,
}

impl Files {
    /// Over the ports of the ingress; `None` in a process without blobs, which has no routes for files.
    pub(crate) fn new(parts: &IngressParts) -> Option<Self> {
        let settings = &parts.config.files;
        let metrics = parts.metrics.attachments.clone();
        Some(Self {
            uploads: Arc::clone(&parts.uploads),
            blobs: Arc::clone(parts.blobs.as_ref()?),
            clock: Arc::clone(&parts.clock),
            slots: Slots::new(settings.at_once, settings.at_once_user, metrics.in_progress.clone()),
            settings: Arc::new(settings.clone()),
            metrics,
            pictures: Arc::new(Semaphore::new(PICTURES_AT_ONCE)),
            tasks: parts.tasks.clone(),
            drain: parts.drain.clone(),
        })
    }

    /// A slot for a request that brings bytes.
    pub(crate) fn slot(&self, user: &UserId) -> Result<Slot, Refusal> {
        self.slots.take(user).inspect_err(|_| self.count(UploadRefusal::Busy))
    }

    /// Counts a refusal.
    pub(crate) fn count(&self, reason: UploadRefusal) {
        self.metrics.refused.of(reason).inc();
    }

    /// Begins an upload, if its owner has room for it.
    pub(crate) async fn begin(&self, new: NewFile) -> Result<Upload, Refusal> {
        let NewFile { owner, name, length, most } = new;
        if length.unwrap_or(0) > self.settings.file_max {
            return Err(self.too_large());
        }
        let reserved = length.unwrap_or(most.min(self.settings.file_max));
        self.require_room(&owner, reserved, 1).await?;
        let now = self.clock.now();
        let mut upload = Upload::begin(owner, file_name(&name), length, reserved, now);
        upload.expires_at = now.plus(self.settings.unsent_kept);
        while !self.uploads.add_upload(&upload).await? {
            // One of 2⁹⁰ ids is taken.
            upload.id = AttachmentId::fresh();
        }
        // Others may have begun at the same moment. Looking again keeps all of them within the bounds.
        if let Err(refusal) = self.require_room(&upload.owner_id, 0, 0).await {
            self.uploads.remove_upload(upload.id, upload.revision).await?;
            return Err(refusal);
        }
        Ok(upload)
    }

    /// Refuses if the files of this person would come to more than they may, with `more` bytes and files.
    async fn require_room(&self, owner: &UserId, more: u64, files: u64) -> Result<(), Refusal> {
        let usage = self.uploads.file_usage(owner).await?;
        let error = if usage.waiting + files > WAITING_MAX {
            format!("you have {WAITING_MAX} files that no message uses: send or delete some first")
        } else if self.settings.quota.is_some_and(|quota| usage.bytes.saturating_add(more) > quota) {
            let quota = self.settings.quota.unwrap_or_default();
            format!("your files would come to more than the {quota} bytes that you may have")
        } else {
            return Ok(());
        };
        self.count(UploadRefusal::Quota);
        Err(Refusal::new(ErrorCode::QuotaExceeded, error))
    }

    /// The refusal of a file that is larger than one may be.
    pub(crate) fn too_large(&self) -> Refusal {
        self.count(UploadRefusal::TooLarge);
        let most = self.settings.file_max;
        Refusal::new(ErrorCode::TooLarge, format!("the file is larger than {most} bytes"))
    }

    /// The refusal of a body whose connection broke in the middle.
    pub(crate) fn gone(&self) -> Refusal {
        self.count(UploadRefusal::Gone);
        Refusal::unavailable()
    }

    /// The upload of this person that has not ended; strangers get the words for one that does not exist.
    pub(crate) async fn own(&self, id: AttachmentId, owner: &UserId) -> Result<Upload, Refusal> {
        let found = self.uploads.upload(id).await?;
        let is_theirs = |upload: &Upload| {
            let is_over = upload.is_waiting() && upload.expires_at <= self.clock.now();
            upload.owner_id == *owner && upload.state != UploadState::Deleted && !is_over
        };
        found.filter(is_theirs).ok_or_else(|| Refusal::not_found("attachment"))
    }

    /// Deletes a file of this person that no message uses. What a message uses goes with the message.
    pub(crate) async fn delete(&self, id: AttachmentId, owner: &UserId) -> Result<(), Refusal> {
        self.own(id, owner).await?;
        let now = self.clock.now();
        let deleted =
            change_upload(&*self.uploads, id, |upload| upload.is_waiting().then(|| upload.delete(now)));
        match deleted.await? {
            Some(_) => Ok(()),
            None => Err(Refusal::new(ErrorCode::TooLate, "a message uses the file: take the message back")),
        }
    }
}

impl From<BlobError> for Refusal {
    fn from(error: BlobError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "bytes of a file were not kept or read");
        Self::unavailable()
    }
}
