//! Consumers: how a role takes a queue, and what that means for the readiness of its process.

use crate::system::System;
use eventflow_boot::{Need, instance};
use eventflow_bus::consume::{Consumer, Declares, HANDLER_TIMEOUT, StageState};
use eventflow_bus::handler::BatchHandler;
use eventflow_bus::share::{SETTLE, Sharing};
use eventflow_bus::topology::{EMAIL, PUSH};
use std::sync::Arc;
use std::time::Duration;

/// Consumes `queue` from the time the store is ready to be written until the workers' stage of the shutdown.
pub(crate) fn consume<H: BatchHandler>(
    system: &mut System,
    queue: &str,
    declares: Declares,
    handler: Arc<H>,
) {
    consume_within(system, queue, declares, handler, HANDLER_TIMEOUT);
}

/// The same, with a time limit for one batch.
pub(crate) fn consume_within<H: BatchHandler>(
    system: &mut System,
    queue: &str,
    declares: Declares,
    handler: Arc<H>,
    limit: Duration,
) {
    let consumer = prepare(system, queue, declares, handler, limit);
    system.worker_once_prepared(queue, |stop| async move { consumer.run(stop).await });
}

/// Takes everything out of a dead-letter queue, as [`consume`] does. Its state is a warning only.
pub(crate) fn collect<H: BatchHandler>(system: &mut System, queue: &str, handler: Arc<H>) {
    let series = system.metrics.bus.queue(queue);
    let declares = Declares::Topology(system.topology);
    let consumer = Consumer::new(Arc::clone(&system.backends.broker), queue, declares, handler, series);
    let status = consumer.status();
    system.readiness.warn(format!("queue {queue}"), move || match status.get() {
        StageState::Consuming | StageState::Elsewhere => None,
        StageState::Unsubscribed(why) | StageState::Paused(why) => Some(why),
    });
    system.worker_once_prepared(queue, |stop| async move { consumer.run(stop).await });
}

/// Shares the shards of `stage` with the other processes that have the role. `handlers` names the queues of
/// the stage by shard.
pub(crate) fn share<H: BatchHandler>(
    system: &mut System,
    stage: &'static str,
    handlers: Vec<(u16, String, H)>,
) {
    let broker = Arc::clone(&system.backends.broker);
    // No other process can reach the broker in the data file.
    let settle = if system.config.embedded_broker() { Duration::ZERO } else { SETTLE };
    let mut sharing =
        Sharing::new(broker, stage, system.topology, system.metrics.shares.stage(stage), settle)
            .at(instance::name());
    for (shard, queue, handler) in handlers {
        let declares = Declares::Topology(system.topology);
        sharing.add(shard, prepare(system, &queue, declares, Arc::new(handler), HANDLER_TIMEOUT));
    }
    system.worker_once_prepared(&format!("shards of {stage}"), |stop| sharing.run(stop));
}

/// A consumer whose state counts for the readiness of the process.
fn prepare<H: BatchHandler>(
    system: &mut System,
    queue: &str,
    declares: Declares,
    handler: Arc<H>,
    limit: Duration,
) -> Consumer<H> {
    let series = system.metrics.bus.queue(queue);
    let is_own = matches!(declares, Declares::Gateway { .. });
    let consumer = Consumer::new(Arc::clone(&system.backends.broker), queue, declares, handler, series);
    let consumer = consumer.with_handler_timeout(limit);
    let status = consumer.status();
    // A gateway lets nobody in without its own queue. Whoever also serves clients answers them while its
    // workers wait for a server.
    let need = if is_own || !system.serves_clients { Need::Always } else { Need::AtStart };
    // A mail or push provider that is away is nothing that another process would do better.
    let waits_outside = [EMAIL.name(), PUSH.name()].contains(&queue);
    system.readiness.add(format!("queue {queue}"), need, move || match status.get() {
        StageState::Consuming | StageState::Elsewhere => Ok(()),
        StageState::Paused(_) if waits_outside => Ok(()),
        StageState::Unsubscribed(why) | StageState::Paused(why) => Err(why),
    });
    let status = consumer.status();
    system.readiness.warn(format!("queue {queue}"), move || match status.get() {
        StageState::Paused(why) if waits_outside => Some(why),
        StageState::Consuming
        | StageState::Elsewhere
        | StageState::Unsubscribed(_)
        | StageState::Paused(_) => None,
    });
    consumer
}
