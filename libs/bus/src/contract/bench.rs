//! What the checks are written with: publish and expect, receive and expect, expect silence.
//!
//! Whatever must happen is awaited up to [`PATIENCE`], so a slow machine does not fail a check; that nothing
//! happens can only be shown for a while, [`QUIET`].

use crate::port::{Broker, BrokerError, DeliveryTag, Incoming, Outgoing, Subscription};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// How long something that must happen may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing must happen.
pub(super) const QUIET: Duration = Duration::from_millis(400);
/// Between two looks at a number that changes by itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Numbered messages for a queue.
pub(super) fn numbered(queue: &str, numbers: std::ops::Range<usize>) -> Vec<Outgoing> {
    numbers.map(|number| Outgoing::to_queue(queue, Bytes::from(number.to_string()))).collect()
}

/// The payloads of [`numbered`].
pub(super) fn numbers(messages: &[Incoming]) -> Vec<usize> {
    messages.iter().map(number).collect()
}

/// The payload of one message of [`numbered`].
pub(super) fn number(message: &Incoming) -> usize {
    let text = std::str::from_utf8(&message.payload).expect("the checks publish text");
    text.parse().expect("the checks publish numbers")
}

/// The tags of messages.
pub(super) fn tags(messages: &[Incoming]) -> Vec<DeliveryTag> {
    messages.iter().map(|message| message.tag).collect()
}

/// Publishes; every message must be confirmed.
pub(super) async fn publish(broker: &dyn Broker, messages: Vec<Outgoing>) {
    for result in try_publish(broker, messages).await {
        result.expect("a message for a queue that exists is confirmed");
    }
}

/// Publishes.
pub(super) async fn try_publish(
    broker: &dyn Broker,
    messages: Vec<Outgoing>,
) -> Vec<Result<(), BrokerError>> {
    let mut publisher = broker.publisher(None).await.expect("a publisher can be opened");
    let count = messages.len();
    let results = timeout(PATIENCE, publisher.publish(messages))
        .await
        .expect("publishing answers within a bounded time");
    assert_eq!(results.len(), count, "one result per message");
    results
}

/// Subscribes.
pub(super) async fn subscribe(broker: &dyn Broker, queue: &str, prefetch: u16) -> Box<dyn Subscription> {
    broker.subscribe(queue, prefetch).await.expect("a queue that exists can be consumed")
}

/// The next message.
pub(super) async fn next(subscription: &mut Box<dyn Subscription>) -> Incoming {
    let next = timeout(PATIENCE, subscription.next()).await.expect("a message arrives");
    next.expect("the subscription lives")
}

/// The next `count` messages.
pub(super) async fn take(subscription: &mut Box<dyn Subscription>, count: usize) -> Vec<Incoming> {
    let mut messages = Vec::with_capacity(count);
    while messages.len() < count {
        messages.push(next(subscription).await);
    }
    messages
}

/// Takes and acknowledges `count` messages; their numbers.
pub(super) async fn consume(subscription: &mut Box<dyn Subscription>, count: usize) -> Vec<usize> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let message = next(subscription).await;
        subscription.ack(&[message.tag]).await.expect("the subscription lives");
        all.push(number(&message));
    }
    all
}

/// Expects that nothing arrives.
pub(super) async fn quiet(subscription: &mut Box<dyn Subscription>, why: &str) {
    if let Ok(message) = timeout(QUIET, subscription.next()).await {
        panic!("nothing may arrive ({why}), but: {message:?}");
    }
}

/// Ends a subscription in order.
pub(super) async fn cancel(subscription: Box<dyn Subscription>) {
    timeout(PATIENCE, subscription.cancel())
        .await
        .expect("cancelling is bounded")
        .expect("the subscription lives");
}

/// Waits until a queue holds `ready` messages.
pub(super) async fn wait_for_depth(broker: &dyn Broker, queue: &str, ready: u64) {
    let reached = async {
        while broker.depth(queue).await.expect("the queue exists").ready != ready {
            // sleep: between two looks
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(timeout(PATIENCE, reached).await.is_ok(), "{queue} reaches {ready} messages");
}
