//! What publishers, subscriptions and the retry ladder of one broker share.

use super::alarm::Alarm;
use super::catalog::Catalog;
use super::health::HealthSender;
use super::replies::ReplyInboxes;
use super::settling::Settling;
use crate::Database;
use eventflow_bus::topology::QueueKind;
use eventflow_ports::Clock;
use std::sync::Arc;

/// Queue bound: payload bytes in one work queue before the broker refuses publishers. Days of ordinary
/// traffic, and still a file that a small machine can hold. Dead-letter queues and the ladder have no bound,
/// since refusing there would stop the consumers too.
pub(super) const QUEUE_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// The parts that publishers, subscriptions and the ladder share.
pub(super) struct BrokerParts {
    pub(super) database: Database,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) catalog: Catalog,
    pub(super) settling: Arc<Settling>,
    pub(super) replies: Arc<ReplyInboxes>,
    pub(super) alarm: Alarm,
    pub(super) health: Arc<HealthSender>,
}

impl BrokerParts {
    /// Whether there is a queue of this name and kind.
    pub(super) fn has(&self, name: &str, kind: QueueKind) -> bool {
        self.catalog.get(name).is_some_and(|queue| queue.kind == kind)
    }
}
