//! Consumers: how a role takes a queue, and what that means for the readiness of its process.

use crate::system::System;
use eventflow_boot::Need;
use eventflow_bus::consume::{Consumer, Declares, HANDLER_TIMEOUT, StageState};
use eventflow_bus::handler::BatchHandler;
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
        StageState::Consuming => Ok(()),
        StageState::Paused(_) if waits_outside => Ok(()),
        StageState::Unsubscribed(why) | StageState::Paused(why) => Err(why),
    });
    let status = consumer.status();
    system.readiness.warn(format!("queue {queue}"), move || match status.get() {
        StageState::Paused(why) if waits_outside => Some(why),
        StageState::Consuming | StageState::Unsubscribed(_) | StageState::Paused(_) => None,
    });
    let prepared = system.backends.prepared();
    let stop = system.shutdown.workers.clone();
    system.worker(queue, async move {
        tokio::select! {
            () = prepared => consumer.run(stop).await,
            () = stop.clone().cancelled_owned() => {}
        }
    });
}
