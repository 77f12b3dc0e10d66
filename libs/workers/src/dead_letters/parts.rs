//! What dead letters are built on, and what is told of them.

use crate::chore::delete_old;
use eventflow_bus::dead::ANY_GATEWAY;
use eventflow_bus::port::Broker;
use eventflow_bus::topology::Topology;
use eventflow_metrics::{DeadLetterMetrics, WaitingLetters};
use eventflow_ports::{Clock, DeadLetters, LetterCount, StoreError};
use eventflow_protocol::dead_letters::LetterState;
use std::sync::Arc;
use std::time::Duration;

/// Queue under which letters are counted that came from none of the topology.
const OTHER: &str = "other";

/// What collectors and replays need.
#[derive(Clone)]
pub struct DeadLetterParts {
    /// Keeps letters, replays and the audit log.
    pub letters: Arc<dyn DeadLetters>,
    /// Carries letters back to where they came from.
    pub broker: Arc<dyn Broker>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// The queues of the deployment.
    pub topology: Topology,
    /// How long letters are kept after they were replayed or discarded.
    pub kept: Duration,
}

impl DeadLetterParts {
    /// How many letters wait, by queue and cause.
    async fn waiting(&self) -> Result<WaitingLetters, StoreError> {
        let queues = self.topology.work_queues();
        let mut waiting = WaitingLetters::new();
        for LetterCount { queue, cause, count } in self.letters.letter_counts(LetterState::Waiting).await? {
            // A label must be of a closed set, and anybody may put a message with any origin into a queue.
            let is_known = queue == ANY_GATEWAY || queues.iter().any(|known| known.name == queue);
            let queue = if is_known { queue } else { OTHER.to_owned() };
            *waiting.entry((queue, cause.name())).or_default() += count;
        }
        Ok(waiting)
    }

    /// Tells the metrics how many letters wait. A store that is down is told elsewhere.
    pub(super) async fn count(&self, metrics: &DeadLetterMetrics) {
        match self.waiting().await {
            Ok(waiting) => metrics.set_waiting(waiting),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "dead letters were not counted");
            }
        }
    }

    /// Deletes letters that ended long ago. What cannot be deleted now is deleted the next time.
    pub(super) async fn forget(&self) {
        let before = self.clock.now().minus(self.kept);
        delete_old("old dead letters", || self.letters.forget_letters(before)).await;
    }
}
