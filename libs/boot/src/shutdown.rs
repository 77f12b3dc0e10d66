//! Shutdown: the order in which the parts of a process stop, after a signal or the failure of a part.
//!
//! First the process reports that it is not ready, and closes its sockets. Then `ingress` is cancelled: no
//! new work comes from outside. Then `workers` is cancelled: consumers finish the messages that they hold and
//! return the rest. Last `serving` is cancelled: the remaining connections close. A second signal, or the
//! deadline, ends the process at once with a failure.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The stages of the shutdown, in their order.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled when an operator asked the process to end, as a signal does.
    pub asked: CancellationToken,
    /// Cancelled when no more work may come from outside.
    pub ingress: CancellationToken,
    /// Cancelled when consumers must finish the messages that they hold.
    pub workers: CancellationToken,
    /// Cancelled when connections must close.
    pub serving: CancellationToken,
}

/// Waits for SIGTERM or SIGINT and returns the name of the first one.
pub async fn signalled() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
