//! The end of a process, after a signal or the failure of a part: the order in which its parts stop.
//!
//! First the process says that it is not ready. Then `ingress` is cancelled: no new work comes from outside,
//! and sockets are closed. Then `workers`: consumers finish the messages that they hold and return the rest.
//! Then `serving`: the connections that are left. A second signal, or the deadline, ends the process at once
//! with a failure.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The stages of stopping, in their order.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled when no more work is to come from outside.
    pub ingress: CancellationToken,
    /// Cancelled when consumers are to finish the messages that they hold.
    pub workers: CancellationToken,
    /// Cancelled when connections are to be closed.
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
