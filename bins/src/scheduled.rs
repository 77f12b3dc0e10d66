//! Scheduled messages in a process that writes documents.

use crate::system::System;
use eventflow_workers::scheduled::{ScheduledParts, ScheduledWorker};
use std::sync::Arc;

/// Starts the worker that sends what is due.
pub(crate) async fn start(system: &mut System) -> anyhow::Result<()> {
    let backends = &system.backends;
    let parts = ScheduledParts {
        scheduled: Arc::clone(&backends.scheduled),
        broker: Arc::clone(&backends.broker),
        clock: Arc::clone(&backends.clock),
        topology: system.topology,
    };
    let worker = ScheduledWorker::open(parts).await?;
    system.worker_once_prepared("scheduled messages", |stop| worker.run(stop));
    Ok(())
}
