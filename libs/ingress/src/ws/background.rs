//! What runs on the side until the gateway drains: answers that are awaited, deadlines, clients being caught
//! up.

use std::future::Future;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Runs tasks on the side, each in the span of whoever spawns it. Cheap to clone: clones share the tasks.
#[derive(Clone, Default)]
pub(crate) struct Background {
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Background {
    /// Runs a task to its end. The drain waits for it, so it must not take longer than an answer does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task.in_current_span());
    }

    /// Runs a task to its end or until the gateway drains, whichever comes first.
    pub(crate) fn spawn_until_drain(&self, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        let task = task.in_current_span();
        self.tracker.spawn(async move {
            tokio::select! {
                () = task => {}
                () = shutdown.cancelled() => {}
            }
        });
    }

    /// Ends what only runs until the drain.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits until every task has ended.
    pub(crate) async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
