//! Durability: a confirmed message is still there after the broker restarts.

use super::bench::{cancel, consume, numbered, publish, quiet, subscribe, take};
use super::retrying::retry;
use crate::port::Broker;
use crate::topology::{Delay, EMAIL, FANOUT, PERSIST, dead};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Publishes to a shard, a dead-letter queue and the retry ladder, and leaves some deliveries unacknowledged.
/// Then it expects every message once and in order from the broker that `restart` returns.
pub async fn check<Restart, Restarting>(broker: Arc<dyn Broker>, restart: Restart)
where
    Restart: FnOnce(Arc<dyn Broker>) -> Restarting,
    Restarting: Future<Output = Arc<dyn Broker>>,
{
    let queue = PERSIST.shard(0);
    let parked = dead(PERSIST.shard(0).name());
    let retried = FANOUT.shard(0);
    publish(&*broker, numbered(queue.name(), 0..50)).await;
    publish(&*broker, numbered(&parked, 0..5)).await;
    publish(&*broker, (0..5).map(|number| retry(Delay::OneSecond, retried.name(), number)).collect()).await;
    let mut subscription = subscribe(&*broker, queue.name(), 20).await;
    let held = take(&mut subscription, 20).await;
    subscription.ack(&[held[0].tag, held[1].tag]).await.expect("the subscription lives");
    cancel(subscription).await;

    let broker = restart(broker).await;
    for (queue, expected) in [(queue.name(), 2..50), (&parked, 0..5), (retried.name(), 0..5)] {
        let mut subscription = subscribe(&*broker, queue, 64).await;
        assert_eq!(consume(&mut subscription, expected.len()).await, expected.collect::<Vec<_>>(), "{queue}");
        quiet(&mut subscription, "each message is there once").await;
        cancel(subscription).await;
    }
}

/// Lets so many messages wait on the ladder, and expects each of them once, in its own queue, from the broker
/// that `restart` returns.
pub async fn check_ladder<Restart, Restarting>(broker: Arc<dyn Broker>, count: usize, restart: Restart)
where
    Restart: FnOnce(Arc<dyn Broker>) -> Restarting,
    Restarting: Future<Output = Arc<dyn Broker>>,
{
    let queues = [PERSIST.shard(0).name().to_owned(), EMAIL.name().to_owned()];
    let waiting = (0..count).map(|number| retry(Delay::FiveSeconds, &queues[number % 2], number));
    publish(&*broker, waiting.collect()).await;
    let broker = restart(broker).await;
    for (parity, queue) in queues.iter().enumerate() {
        let mut subscription = subscribe(&*broker, queue, 64).await;
        let expected: BTreeSet<usize> = (0..count).filter(|number| number % 2 == parity).collect();
        let mut returned = consume(&mut subscription, expected.len()).await;
        returned.sort_unstable();
        assert_eq!(returned, Vec::from_iter(expected), "{queue}");
        quiet(&mut subscription, "each message returns once").await;
        cancel(subscription).await;
    }
}
