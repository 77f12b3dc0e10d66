//! Guarded steps: a panic or a hang of a handler stays in its step, and a dependency that is down is waited
//! for.

use super::status::{StageState, StageStatus};
use crate::explain::explain;
use crate::handler::Unavailable;
use crate::settle::{HUNG, PANICKED};
use eventflow_metrics::QueueMetrics;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// First pause when a dependency is down; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause: how much later than the dependency a stage may come back.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The process is stopping and a dependency is down: what was not done returns to the queue.
#[derive(Debug)]
pub(super) struct Stopping;

/// Runs the steps of one stage.
pub(super) struct Guard {
    pub(super) queue: String,
    pub(super) handler_timeout: Duration,
    pub(super) metrics: QueueMetrics,
    pub(super) status: StageStatus,
    pub(super) tracker: TaskTracker,
    pub(super) shutdown: CancellationToken,
}

/// How long the next pause takes.
pub(super) struct Backoff(Duration);

/// Why a guarded step has no result.
enum StepError {
    Unavailable(Unavailable),
    Crashed(String),
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Guard {
    /// Runs a step until everything it needs is there; `Err(reason)` if the step panics or hangs.
    pub(super) async fn run<R, F>(&self, mut step: impl FnMut() -> F) -> Result<Result<R, String>, Stopping>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, Unavailable>> + Send + 'static,
    {
        let mut backoff = Backoff::new();
        loop {
            match self.run_once(step()).await {
                Ok(result) => {
                    self.resume();
                    return Ok(Ok(result));
                }
                Err(StepError::Crashed(reason)) => return Ok(Err(reason)),
                Err(StepError::Unavailable(cause)) => self.pause(&cause, &mut backoff).await?,
            }
        }
    }

    /// Runs a step in a task of its own, so that a panic stays there and a hang can be ended.
    async fn run_once<R: Send + 'static>(
        &self,
        step: impl Future<Output = Result<R, Unavailable>> + Send + 'static,
    ) -> Result<R, StepError> {
        let task = self.tracker.spawn(step.in_current_span());
        let abort = task.abort_handle();
        match timeout(self.handler_timeout, task).await {
            Ok(Ok(result)) => result.map_err(StepError::Unavailable),
            Ok(Err(_)) => Err(StepError::Crashed(PANICKED.to_owned())),
            Err(_) => {
                abort.abort();
                let reason = format!("{HUNG}{:?}", self.handler_timeout);
                Err(StepError::Crashed(reason))
            }
        }
    }

    /// Waits before the next try. Status and the log learn of the first pause only.
    pub(super) async fn pause(&self, cause: &Unavailable, backoff: &mut Backoff) -> Result<(), Stopping> {
        if backoff.0 == FIRST_PAUSE {
            tracing::warn!(queue = self.queue, error = cause as &dyn std::error::Error, "a stage is paused");
            self.status.set(StageState::Paused(explain(cause)));
        }
        tokio::select! {
            () = sleep(backoff.0) => {}
            () = self.shutdown.cancelled() => {
                self.status.set(StageState::Unsubscribed("stopping".into()));
                return Err(Stopping);
            }
        }
        backoff.0 = (backoff.0 * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    /// Ends a pause, if there is one.
    pub(super) fn resume(&self) {
        if self.status.is_paused() {
            tracing::info!(queue = self.queue, "a stage goes on after a pause");
            self.status.set(StageState::Consuming);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_is_stopped_while_it_waits_is_not_shown_as_paused() {
        let metrics = Metrics::default().bus.queue("persist.0");
        let guard = Guard {
            queue: "persist.0".to_owned(),
            handler_timeout: Duration::from_secs(30),
            status: StageStatus::starting(metrics.paused.clone()),
            metrics,
            tracker: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        };
        let cause = Unavailable::new("the store", std::io::Error::other("away"));
        let mut backoff = Backoff::new();
        guard.pause(&cause, &mut backoff).await.expect("it goes on after the pause");
        assert_eq!(guard.metrics.paused.get(), 1);
        guard.shutdown.cancel();
        guard.pause(&cause, &mut backoff).await.expect_err("it stops");
        assert_eq!(guard.metrics.paused.get(), 0);
    }

    #[test]
    fn stages_that_share_a_gauge_are_counted_each() {
        let gauge = Metrics::default().bus.queue("dead").paused;
        let (one, other) = (StageStatus::starting(gauge.clone()), StageStatus::starting(gauge.clone()));
        one.set(StageState::Paused("the store is away".into()));
        one.set(StageState::Paused("the store is slow".into()));
        other.set(StageState::Paused("the store is away".into()));
        assert_eq!(gauge.get(), 2);
        one.set(StageState::Unsubscribed("the broker is away".into()));
        other.set(StageState::Consuming);
        assert_eq!(gauge.get(), 0);
    }
}
