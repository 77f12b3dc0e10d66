//! Calls into the application. They are boxed, so that no connection carries the size of the largest hook.
//! Their panics are caught, so that a bug costs one connection and not the tables that it is listed in.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt as _;

use crate::stats::Stats;

/// A running hook of the application.
pub(crate) type Hook<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs a hook. `None` if it panicked.
pub(crate) async fn guarded<T>(stats: &Stats, hook: impl Future<Output = T> + Send) -> Option<T> {
    let outcome = Box::pin(AssertUnwindSafe(hook).catch_unwind()).await;
    if outcome.is_err() {
        stats.panics.increment();
        tracing::error!("a hook of the application panicked");
    }
    outcome.ok()
}
