//! Frames of gateways that do not follow the number of shards: of older versions, which nobody hears. While
//! there is one, the number must not change.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// When the newest such frame came. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Unnumbered(Arc<Mutex<Option<Instant>>>);

impl Unnumbered {
    /// One came now.
    pub(super) fn came(&self) {
        *self.0.lock() = Some(Instant::now());
    }

    /// How long ago the newest one came.
    pub(super) fn ago(&self) -> Option<Duration> {
        self.0.lock().map(|at| at.elapsed())
    }
}
