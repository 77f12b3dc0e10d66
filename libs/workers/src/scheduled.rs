//! What is done by the clock for scheduled messages where documents are written: what waits is counted, and
//! what ended long ago is deleted.
//!
//! Gateways send what is due, and the persistence stage stores it. Safe to repeat because counting changes
//! nothing, and what is deleted is gone.

use crate::chore::delete_old;
use eventflow_metrics::{Metrics, ScheduledMetrics};
use eventflow_ports::{Clock, Failing, Scheduled, StoreError, ticks};
use eventflow_protocol::scheduled::ENDED_KEPT;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often what waits is counted: several times within what an alert waits for.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// How often ended messages that are old are deleted.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// Counts scheduled messages and deletes old ones. Any number may run.
pub struct ScheduledKeeper {
    scheduled: Arc<dyn Scheduled>,
    clock: Arc<dyn Clock>,
    metrics: ScheduledMetrics,
}

impl ScheduledKeeper {
    /// Over the store.
    pub fn new(scheduled: Arc<dyn Scheduled>, clock: Arc<dyn Clock>, metrics: &Metrics) -> Self {
        Self { scheduled, clock, metrics: metrics.scheduled.clone() }
    }

    /// Works until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let (mut counts, mut cleanings) = (ticks(COUNT_EVERY), ticks(FORGET_EVERY));
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = cleanings.tick() => self.forget().await,
                _ = counts.tick() => {
                    let counted = self.count().await;
                    failing.note(&counted, |error| tracing::warn!(error, "scheduled messages are not counted"));
                }
            }
        }
    }

    /// Says how many messages wait, and how late the first is.
    pub async fn count(&self) -> Result<(), StoreError> {
        let backlog = self.scheduled.scheduled_backlog().await?;
        let now = self.clock.now();
        let late = backlog.first.map(|first| first.age_at(now)).unwrap_or_default();
        self.metrics.waiting.set(i64::try_from(backlog.waiting).unwrap_or(i64::MAX));
        self.metrics.late.set(late.as_secs_f64());
        Ok(())
    }

    /// Deletes what ended long ago.
    pub async fn forget(&self) {
        let before = self.clock.now().minus(ENDED_KEPT);
        delete_old("old scheduled messages", || self.scheduled.forget_scheduled(before)).await;
    }
}
