//! What a stage is doing, for readiness.

use crate::explain::explain;
use crate::port::BrokerError;
use eventflow_metrics::IntGauge;
use std::sync::Arc;
use tokio::sync::watch;

/// What a stage is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageState {
    /// Not subscribed yet, or not any more, with the reason.
    Unsubscribed(String),
    /// Not subscribed because another worker consumes the queue.
    Elsewhere,
    /// Subscribed. On a single-active queue the stage may still be the one that waits its turn.
    Consuming,
    /// Subscribed, and waiting for something it needs, with the reason.
    Paused(String),
}

impl StageState {
    fn is_paused(&self) -> bool {
        matches!(self, Self::Paused(_))
    }
}

/// The changing state of one stage, and the gauge that shows how many stages are paused.
#[derive(Clone, Debug)]
pub struct StageStatus {
    state: Arc<watch::Sender<StageState>>,
    paused: IntGauge,
}

impl StageStatus {
    /// A stage that has not subscribed yet. Stages may share the gauge `paused`.
    pub(super) fn starting(paused: IntGauge) -> Self {
        let starting = StageState::Unsubscribed("starting".into());
        Self { state: Arc::new(watch::Sender::new(starting)), paused }
    }

    /// Changes the state. The gauge follows it, whatever the reason of the change is.
    pub(crate) fn set(&self, state: StageState) {
        let is_paused = state.is_paused();
        let was_paused = self.state.send_replace(state).is_paused();
        self.paused.add(i64::from(is_paused) - i64::from(was_paused));
    }

    /// Notes that `queue` is not subscribed. A reason that is the same as before is not logged again.
    pub(crate) fn set_unsubscribed(&self, queue: &str, error: &BrokerError) {
        let state = StageState::Unsubscribed(explain(error));
        if self.get() != state {
            tracing::warn!(queue, error = error as &dyn std::error::Error, "a stage is not subscribed");
        }
        self.set(state);
    }

    /// The state now.
    pub fn get(&self) -> StageState {
        self.state.borrow().clone()
    }

    /// Whether the stage waits for something it needs.
    pub(super) fn is_paused(&self) -> bool {
        self.state.borrow().is_paused()
    }

    /// The state as it changes.
    pub fn watch(&self) -> watch::Receiver<StageState> {
        self.state.subscribe()
    }
}
