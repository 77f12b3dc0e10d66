//! Building blocks of the checks: publish, receive, and expect silence.
//!
//! A check waits up to [`PATIENCE`] for what must happen, so a slow machine does not fail it. That nothing
//! happens can only be observed for a while, [`QUIET`].

use crate::port::{Broker, BrokerError, DeliveryTag, Incoming, Outgoing, Subscription};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// Longest time that something that must happen may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Time of silence that counts as "nothing happens".
pub(super) const QUIET: Duration = Duration::from_millis(400);
/// Poll interval of a number that changes by itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Messages for a queue with the given numbers as payloads.
pub(super) fn numbered(queue: &str, numbers: std::ops::Range<usize>) -> Vec<Outgoing> {
    numbers.map(|number| Outgoing::to_queue(queue, Bytes::from(number.to_string()))).collect()
}

/// The numbers in the payloads of messages from [`numbered`].
pub(super) fn numbers(messages: &[Incoming]) -> Vec<usize> {
    messages.iter().map(number).collect()
}

/// The number in the payload of one message from [`numbered`].
pub(super) fn number(message: &Incoming) -> usize {
    let text = std::str::from_utf8(&message.payload).expect("the checks publish text");
    text.parse().expect("the checks publish numbers")
}

/// The delivery tags of messages.
pub(super) fn tags(messages: &[Incoming]) -> Vec<DeliveryTag> {
    messages.iter().map(|message| message.tag).collect()
}

/// Publishes messages; the broker must confirm every one of them.
pub(super) async fn publish(broker: &dyn Broker, messages: Vec<Outgoing>) {
    for result in try_publish(broker, messages).await {
        result.expect("a message for a queue that exists is confirmed");
    }
}

/// Publishes messages and returns one result for each.
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

/// Subscribes to a queue that exists.
pub(super) async fn subscribe(broker: &dyn Broker, queue: &str, prefetch: u16) -> Box<dyn Subscription> {
    broker.subscribe(queue, prefetch).await.expect("a queue that exists can be consumed")
}

/// Waits for the next message.
pub(super) async fn next(subscription: &mut Box<dyn Subscription>) -> Incoming {
    let next = timeout(PATIENCE, subscription.next()).await.expect("a message arrives");
    next.expect("the subscription lives")
}

/// Waits for the next `count` messages, without acknowledging them.
pub(super) async fn take(subscription: &mut Box<dyn Subscription>, count: usize) -> Vec<Incoming> {
    let mut messages = Vec::with_capacity(count);
    while messages.len() < count {
        messages.push(next(subscription).await);
    }
    messages
}

/// Receives and acknowledges `count` messages, and returns their numbers.
pub(super) async fn consume(subscription: &mut Box<dyn Subscription>, count: usize) -> Vec<usize> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let message = next(subscription).await;
        subscription.ack(&[message.tag]).await.expect("the subscription lives");
        all.push(number(&message));
    }
    all
}

/// Expects that no message arrives during [`QUIET`].
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

/// Waits until a queue holds exactly `ready` messages.
pub(super) async fn wait_for_depth(broker: &dyn Broker, queue: &str, ready: u64) {
    let reached = async {
        while broker.depth(queue).await.expect("the queue exists").ready != ready {
            // sleep: between two looks
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(timeout(PATIENCE, reached).await.is_ok(), "{queue} reaches {ready} messages");
}

/// Waits until no message of the queue has an age, as of an empty queue.
pub(super) async fn wait_until_nothing_is_oldest(broker: &dyn Broker, queue: &str) {
    let waiting = async {
        while broker.depth(queue).await.expect("the queue exists").oldest.is_some() {
            // sleep: between two looks
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("an empty queue has no oldest message");
}
