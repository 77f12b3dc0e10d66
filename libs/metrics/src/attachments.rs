//! Uploaded files: how many come and go, how many bytes, why some do not, and how long they take.

use crate::MetricsError;
use crate::label::{Counters, Histograms, Label};
use crate::series::{counter, gauge};
use prometheus::{HistogramOpts, IntCounter, IntGauge, Registry};

/// `way` of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadWay {
    /// In a form, with one request.
    Form,
    /// Resumable.
    Tus,
}

/// `direction` of bytes of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileDirection {
    /// From clients.
    In,
    /// To clients.
    Out,
}

/// `reason` why an upload, or a request of one, was refused or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadRefusal {
    /// The request is not well formed.
    Invalid,
    /// The file is larger than one may be.
    TooLarge,
    /// The person's files would be more than they may have.
    Quota,
    /// The bytes are of a type that is not taken.
    Type,
    /// Too many uploads at once.
    Busy,
    /// The offset is not where the upload is, or another request writes it.
    Conflict,
    /// The bytes came too slowly, or not at all.
    Slow,
    /// The client went away.
    Gone,
    /// The process is being shut down.
    Drain,
    /// The store or the blobs did not take it.
    Unavailable,
    /// The bytes that are kept are not those that came.
    Damaged,
}

/// `reason` why the sweeper removed a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweptFile {
    /// No message used it in time, or it was never whole.
    Unsent,
    /// Its last message was taken back, or its owner deleted it.
    Deleted,
}

/// Uploaded files.
#[derive(Clone)]
pub struct AttachmentMetrics {
    /// Files that were uploaded, by `way`.
    pub uploads: Counters<UploadWay>,
    /// From the beginning of an upload to its end, by `way`.
    pub seconds: Histograms<UploadWay>,
    /// Bytes of files, by `direction`.
    pub bytes: Counters<FileDirection>,
    /// Refused and ended uploads, by `reason`.
    pub refused: Counters<UploadRefusal>,
    /// Requests of this process that bring bytes now.
    pub in_progress: IntGauge,
    /// Pictures without a thumbnail, because they are broken or too large.
    pub without_thumbnail: IntCounter,
    /// Files that the sweeper removed, by `reason`.
    pub swept: Counters<SweptFile>,
    /// Rounds of the sweeper that failed and are made again.
    pub sweep_failures: IntCounter,
}

impl Label for UploadWay {
    const ALL: &'static [Self] = &[Self::Form, Self::Tus];

    fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Tus => "tus",
        }
    }
}

impl Label for FileDirection {
    const ALL: &'static [Self] = &[Self::In, Self::Out];

    fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl Label for UploadRefusal {
    const ALL: &'static [Self] = &[
        Self::Invalid,
        Self::TooLarge,
        Self::Quota,
        Self::Type,
        Self::Busy,
        Self::Conflict,
        Self::Slow,
        Self::Gone,
        Self::Drain,
        Self::Unavailable,
        Self::Damaged,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::Quota => "quota",
            Self::Type => "type",
            Self::Busy => "busy",
            Self::Conflict => "conflict",
            Self::Slow => "slow",
            Self::Gone => "gone",
            Self::Drain => "drain",
            Self::Unavailable => "unavailable",
            Self::Damaged => "damaged",
        }
    }
}

impl Label for SweptFile {
    const ALL: &'static [Self] = &[Self::Unsent, Self::Deleted];

    fn as_str(self) -> &'static str {
        match self {
            Self::Unsent => "unsent",
            Self::Deleted => "deleted",
        }
    }
}

impl AttachmentMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let seconds = HistogramOpts::new(
            "eventflow_attachments_upload_seconds",
            "From the beginning of an upload to its end, by way.",
        );
        // A fifth of a second to most of an hour.
        let seconds = seconds.buckets((-2..=11).map(|power| 2_f64.powi(power)).collect());
        Ok(Self {
            uploads: Counters::register(
                registry,
                "eventflow_attachments_uploads_total",
                "Files that were uploaded, by way.",
                "way",
            )?,
            seconds: Histograms::register(registry, seconds, "way")?,
            bytes: Counters::register(
                registry,
                "eventflow_attachments_bytes_total",
                "Bytes of files from and to clients.",
                "direction",
            )?,
            refused: Counters::register(
                registry,
                "eventflow_attachments_refused_total",
                "Uploads, and requests of uploads, that were refused or ended, by reason.",
                "reason",
            )?,
            in_progress: gauge(
                registry,
                "eventflow_attachments_in_progress",
                "Requests of this process that bring bytes of files now.",
            )?,
            without_thumbnail: counter(
                registry,
                "eventflow_attachments_without_thumbnail_total",
                "Uploaded pictures without a thumbnail, because they are broken or too large.",
            )?,
            swept: Counters::register(
                registry,
                "eventflow_attachments_swept_total",
                "Files that the sweeper removed, by reason.",
                "reason",
            )?,
            sweep_failures: counter(
                registry,
                "eventflow_attachments_sweep_failures_total",
                "Steps of the sweeper of files that failed and are made again.",
            )?,
        })
    }
}
