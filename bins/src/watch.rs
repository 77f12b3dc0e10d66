//! Watches the process's dependencies for readiness and metrics, and declares the queues each time the broker
//! connects.

use eventflow_boot::{Need, Readiness};
use eventflow_bus::port::{Broker, Health};
use eventflow_bus::topology::Topology;
use eventflow_metrics::{Dependency, Metrics, RuntimeMetrics};
use eventflow_ports::{FallbackPresence, Registry, Store, ticks};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// Interval at which the store is asked whether it can be used.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Interval at which the runtime is measured: 60 values between two scrapes, at the cost of four timers a
/// second.
const LAG_EVERY: Duration = Duration::from_millis(250);
/// Pause between two attempts to declare the queues while the broker is connected.
const DECLARE_PAUSE: Duration = Duration::from_millis(500);

/// Keeps the queues declared and reports the broker's state, until `stop`.
pub async fn broker(broker: Arc<dyn Broker>, topology: Topology, metrics: Metrics, stop: CancellationToken) {
    let up = metrics.system.up.of(Dependency::Broker);
    let mut health = broker.health();
    loop {
        let now = health.borrow_and_update().clone();
        up.set(i64::from(now == Health::Up));
        if matches!(now, Health::Up) && !declare(broker.as_ref(), &topology, &stop).await {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = health.changed() => if changed.is_err() { return },
        }
    }
}

/// Declares the queues until that succeeds or the broker is gone again. Returns `false` when stopping.
async fn declare(broker: &dyn Broker, topology: &Topology, stop: &CancellationToken) -> bool {
    while *broker.health().borrow() == Health::Up {
        match broker.declare(topology).await {
            Ok(()) => return true,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the queues are not declared yet");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = sleep(DECLARE_PAUSE) => {}
        }
    }
    true
}

/// Registers the broker's readiness check.
pub fn broker_readiness(broker: &Arc<dyn Broker>, readiness: &Readiness, need: Need) {
    let health = broker.health();
    readiness.add("broker", need, move || match &*health.borrow() {
        Health::Up => Ok(()),
        Health::Down(why) => Err(why.clone()),
        Health::Blocked(why) => Err(format!("publishing is blocked: {why}")),
    });
}

/// Asks the registry at intervals, for metrics, until `stop`. The registry is no condition of readiness:
/// without it, events go to every gateway.
pub async fn registry(registry: Arc<dyn Registry>, metrics: Metrics, stop: CancellationToken) {
    let up = metrics.system.up.of(Dependency::Registry);
    let mut ticks = ticks(PING_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let complete = registry.locate(&[]).await.is_ok_and(|located| located.complete);
        up.set(i64::from(complete));
    }
}

/// Measures whether tasks get their turn, until `stop`: a task that blocks a thread of the runtime, or a
/// machine that is too busy, shows here before anything else is slow.
pub async fn runtime(series: RuntimeMetrics, stop: CancellationToken) {
    let tasks = Handle::current().metrics();
    loop {
        let due = Instant::now() + LAG_EVERY;
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(due) => {}
        }
        series.lag_seconds.observe(due.elapsed().as_secs_f64());
        series.tasks.set(i64::try_from(tasks.num_alive_tasks()).unwrap_or(i64::MAX));
        series.waiting.set(i64::try_from(tasks.global_queue_depth()).unwrap_or(i64::MAX));
    }
}

/// Shows whether presence is answered from memory, until `stop`. The shared presence store is no condition of
/// readiness where there is a memory to fall back to.
pub async fn presence(fallback: Arc<FallbackPresence>, metrics: Metrics, stop: CancellationToken) {
    let mut ticks = ticks(PING_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => metrics.presence.in_memory.set(i64::from(fallback.is_in_memory())),
        }
    }
}

/// Asks the store at `address` at intervals, for readiness and metrics, until `stop`. When it goes away, one
/// line says so; who waits for it meanwhile does not repeat that.
pub async fn store(
    store: Arc<dyn Store>,
    address: String,
    (readiness, need): (Readiness, Need),
    metrics: Metrics,
    stop: CancellationToken,
) {
    let up = metrics.system.up.of(Dependency::Store);
    let state = Arc::new(Mutex::new(Err("not asked yet".to_owned())));
    let seen = Arc::clone(&state);
    readiness.add("store", need, move || seen.lock().clone());
    let mut ticks = ticks(PING_EVERY);
    let mut was_up = true;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let answer = store.ping().await.map_err(|error| format!("{:#}", anyhow::Error::new(error)));
        up.set(i64::from(answer.is_ok()));
        match &answer {
            Err(cause) if was_up => tracing::warn!(
                address,
                cause,
                "the store cannot be used: until it is back, writes are queued and reads are refused; it is asked every {PING_EVERY:?}"
            ),
            Ok(()) if !was_up => tracing::info!("the store is back: what was queued is stored now"),
            Ok(()) | Err(_) => {}
        }
        was_up = answer.is_ok();
        *state.lock() = answer;
        // Looked at here too, so that it is known since when something is wrong if nobody asks.
        readiness.state();
    }
}
