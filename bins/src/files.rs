//! Uploaded files: where their bytes are, what may be uploaded, and the sweeper, which runs where the routes
//! of files do.

use crate::system::System;
use anyhow::Context;
use eventflow_blobs::{BucketBlobs, BucketSettings, FolderBlobs};
use eventflow_config::{AttachmentSettings, Config, FilePlace};
use eventflow_ingress::FileSettings;
use eventflow_ports::Blobs;
use eventflow_workers::attachments::FileSweeper;
use std::sync::Arc;
use std::time::Duration;

/// Seconds of an hour.
const HOUR: u64 = 3_600;

/// Opens the bytes of files, and starts the sweeper. `None` if nobody has said where files are and the folder
/// in the data folder cannot be used, as in a container whose files are read-only: then nothing is uploaded.
pub(crate) fn start(system: &mut System) -> anyhow::Result<Option<Arc<dyn Blobs>>> {
    let blobs = match open(&system.config) {
        Ok(blobs) => blobs,
        Err(error) if system.config.attachments.url.is_empty() => {
            tracing::warn!("files cannot be uploaded: {error:#}; set ATTACHMENTS_URL");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let backends = &system.backends;
    let (uploads, clock) = (Arc::clone(&backends.uploads), Arc::clone(&backends.clock));
    let sweeper = FileSweeper::new(uploads, Arc::clone(&blobs), clock, system.metrics.attachments.clone());
    system.worker_once_prepared("file sweeper", |stop| sweeper.run(stop));
    Ok(Some(blobs))
}

fn open(config: &Config) -> anyhow::Result<Arc<dyn Blobs>> {
    let settings = &config.attachments;
    match config.file_place() {
        FilePlace::Folder(folder) => {
            let what =
                || format!("configuration key `attachments.url`: open the folder {}", folder.display());
            Ok(Arc::new(FolderBlobs::open(&folder).with_context(what)?))
        }
        FilePlace::Bucket(url) => {
            let bucket = BucketSettings {
                url,
                endpoint: settings.s3_endpoint.clone(),
                region: settings.s3_region.clone(),
                access_key_id: settings.s3_access_key_id.clone(),
                secret_access_key: settings.s3_secret_access_key.expose().to_owned(),
                session_token: settings.s3_session_token.expose().to_owned(),
            };
            Ok(Arc::new(BucketBlobs::open(&bucket).context("configuration key `attachments.url`")?))
        }
    }
}

/// What may be uploaded.
pub(crate) fn settings(settings: &AttachmentSettings) -> FileSettings {
    FileSettings {
        types: settings.types(),
        origin: Some(settings.origin.clone()).filter(|origin| !origin.is_empty()),
        at_once: settings.at_once,
        at_once_user: settings.at_once_user,
        unsent_kept: Duration::from_secs(u64::from(settings.unsent_hours) * HOUR),
        ..FileSettings::default()
    }
    .with_megabytes(settings.file_max_mb, settings.user_quota_mb)
}
