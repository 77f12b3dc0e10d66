//! What a stage is doing, for readiness.

use crate::explain::explain;
use crate::port::BrokerError;
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

/// The changing state of one stage.
#[derive(Clone, Debug)]
pub struct StageStatus(Arc<watch::Sender<StageState>>);

impl StageStatus {
    pub(super) fn starting() -> Self {
        Self(Arc::new(watch::Sender::new(StageState::Unsubscribed("starting".into()))))
    }

    pub(crate) fn set(&self, state: StageState) {
        self.0.send_replace(state);
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
        self.0.borrow().clone()
    }

    /// Whether the stage waits for something it needs.
    pub(super) fn is_paused(&self) -> bool {
        matches!(*self.0.borrow(), StageState::Paused(_))
    }

    /// The state as it changes.
    pub fn watch(&self) -> watch::Receiver<StageState> {
        self.0.subscribe()
    }
}
