//! Dead letters in a process that writes documents: a collector for each dead-letter queue, and the worker of
//! replays.
//!
//! Every such process takes what is in these queues, so they need no role of their own. Nobody waits for
//! them: a queue that cannot be collected is a warning, and no reason to give a process no work.

use crate::consumers::collect;
use crate::system::System;
use eventflow_config::Config;
use eventflow_workers::dead_letters::{Collector, DeadLetterParts, Replayer};
use std::sync::Arc;
use std::time::Duration;

/// Starts both.
pub(crate) async fn start(system: &mut System) -> anyhow::Result<()> {
    let backends = &system.backends;
    let parts = DeadLetterParts {
        letters: Arc::clone(&backends.dead_letters),
        broker: Arc::clone(&backends.broker),
        clock: Arc::clone(&backends.clock),
        topology: system.topology,
        kept: kept(&system.config),
    };
    let replayer = Replayer::open(parts.clone(), &system.metrics).await?;
    for queue in system.topology.dead_queues() {
        let collector = Arc::new(Collector::new(&queue, parts.clone(), &system.metrics));
        collect(system, &queue, collector);
    }
    system.worker_once_prepared("replays of dead letters", |stop| replayer.run(stop));
    Ok(())
}

/// How long letters are kept after they were replayed or discarded.
fn kept(config: &Config) -> Duration {
    Duration::from_hours(24) * config.dead_letters.kept_days
}
