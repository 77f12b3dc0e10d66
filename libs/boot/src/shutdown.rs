//! The end of a process: a signal, or a part that failed, and the order in which things stop.
//!
//! First the process says that it is not ready; then `ingress` is cancelled (no new work from outside, sockets are closed);
//! then `workers` (consumers finish what they hold and return the rest); then `serving` (connections that are left). A second
//! signal, or the deadline, ends the process at once with a failure.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The stages of stopping, in order.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Take nothing more from outside.
    pub ingress: CancellationToken,
    /// Finish what was taken from the broker.
    pub workers: CancellationToken,
    /// Answer nobody any more.
    pub serving: CancellationToken,
}

/// Resolves with the name of the first SIGTERM or SIGINT.
pub async fn signalled() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
