//! Consuming: prefetch, acknowledgement, the order of returned messages, and the single active consumer.

use super::bench::{
    PATIENCE, QUIET, cancel, consume, next, number, numbered, numbers, publish, quiet, subscribe, tags, take,
    wait_for_depth,
};
use crate::port::{Broker, DeliveryTag};
use crate::topology::{DELIVERY_LIMIT, EMAIL, FANOUT, NOTIFY, PERSIST, PUSH, dead};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Runs every check of this group.
pub async fn check_all(broker: &dyn Broker) {
    no_more_than_the_prefetch_is_delivered(broker).await;
    what_is_acknowledged_does_not_return(broker).await;
    cancelling_returns_the_rest_in_order(broker).await;
    a_dropped_subscription_returns_the_rest_in_order(broker).await;
    waiting_for_the_next_message_can_be_given_up(broker).await;
    a_message_is_taken_without_waiting_only_if_it_is_here(broker).await;
    a_work_queue_is_shared_by_its_consumers(broker).await;
    a_shard_has_one_consumer_at_a_time(broker).await;
    what_kills_its_consumers_is_parked(broker).await;
}

/// The broker delivers the next message only after one is acknowledged.
pub async fn no_more_than_the_prefetch_is_delivered(broker: &dyn Broker) {
    let queue = PERSIST.shard(0);
    publish(broker, numbered(queue.name(), 0..10)).await;
    let mut subscription = subscribe(broker, queue.name(), 3).await;
    let first = take(&mut subscription, 3).await;
    quiet(&mut subscription, "the prefetch is used up").await;
    subscription.ack(&[first[0].tag]).await.expect("the subscription lives");
    assert_eq!(number(&next(&mut subscription).await), 3);
    quiet(&mut subscription, "the prefetch is used up again").await;
    cancel(subscription).await;
    empty(broker, queue.name(), 9).await;
}

/// Messages may be acknowledged in any order and grouping; none of them returns.
pub async fn what_is_acknowledged_does_not_return(broker: &dyn Broker) {
    let queue = PERSIST.shard(1);
    publish(broker, numbered(queue.name(), 0..12)).await;
    let mut subscription = subscribe(broker, queue.name(), 64).await;
    let all = tags(&take(&mut subscription, 12).await);
    let pick = |indices: &[usize]| indices.iter().map(|index| all[*index]).collect::<Vec<DeliveryTag>>();
    for acknowledged in [pick(&[7]), pick(&[2, 0, 1]), pick(&[11, 4]), pick(&[3, 5])] {
        subscription.ack(&acknowledged).await.expect("the subscription lives");
    }
    cancel(subscription).await;
    let mut again = subscribe(broker, queue.name(), 64).await;
    assert_eq!(consume(&mut again, 4).await, [6, 8, 9, 10]);
    quiet(&mut again, "the others were acknowledged").await;
    cancel(again).await;
}

/// Unacknowledged messages return to their places, before those that were never delivered.
pub async fn cancelling_returns_the_rest_in_order(broker: &dyn Broker) {
    let queue = FANOUT.shard(0);
    publish(broker, numbered(queue.name(), 0..20)).await;
    let mut subscription = subscribe(broker, queue.name(), 10).await;
    let taken = take(&mut subscription, 7).await;
    subscription.ack(&[taken[0].tag, taken[4].tag]).await.expect("the subscription lives");
    cancel(subscription).await;
    let expected: Vec<usize> = (0..20).filter(|number| ![0, 4].contains(number)).collect();
    let mut again = subscribe(broker, queue.name(), 64).await;
    let returned = take(&mut again, 18).await;
    assert_eq!(numbers(&returned), expected);
    assert!(returned[0].redelivered, "it was delivered before");
    again.ack(&tags(&returned)).await.expect("the subscription lives");
    cancel(again).await;
}

/// A dropped subscription looks like a process that died. Its messages return in order, and the delivery
/// counts as failed.
pub async fn a_dropped_subscription_returns_the_rest_in_order(broker: &dyn Broker) {
    let queue = FANOUT.shard(1);
    publish(broker, numbered(queue.name(), 0..10)).await;
    let mut subscription = subscribe(broker, queue.name(), 4).await;
    let taken = take(&mut subscription, 4).await;
    subscription.ack(&[taken[1].tag]).await.expect("the subscription lives");
    drop(subscription);
    let mut again = subscribe(broker, queue.name(), 64).await;
    let returned = take(&mut again, 9).await;
    assert_eq!(numbers(&returned), [0, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(
        returned[..3].iter().all(|message| message.redelivered && message.delivery_count == 1),
        "{returned:?}"
    );
    // The later messages cannot have been delivered: the prefetch was four, and one message was acknowledged.
    assert!(returned[4..].iter().all(|message| message.delivery_count == 0), "{returned:?}");
    again.ack(&tags(&returned)).await.expect("the subscription lives");
    cancel(again).await;
}

/// Dropping the future that waits for the next message loses no message.
pub async fn waiting_for_the_next_message_can_be_given_up(broker: &dyn Broker) {
    let queue = PERSIST.shard(0);
    let mut subscription = subscribe(broker, queue.name(), 8).await;
    let publishing = publish(broker, numbered(queue.name(), 0..200));
    let receiving = async {
        let (mut received, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        while received.len() < 200 && Instant::now() < deadline {
            // The timeout drops most of these futures while they wait.
            if let Ok(message) = timeout(Duration::from_micros(50), subscription.next()).await {
                let message = message.expect("the subscription lives");
                subscription.ack(&[message.tag]).await.expect("the subscription lives");
                received.push(number(&message));
            }
        }
        received
    };
    let ((), received) = tokio::join!(publishing, receiving);
    assert_eq!(received, (0..200).collect::<Vec<_>>());
    cancel(subscription).await;
}

/// `try_next` takes messages in the same order as `next`.
pub async fn a_message_is_taken_without_waiting_only_if_it_is_here(broker: &dyn Broker) {
    let work = PUSH;
    let queue = work.name();
    let mut subscription = subscribe(broker, queue, 64).await;
    assert!(subscription.try_next().is_none(), "the queue is empty");
    publish(broker, numbered(queue, 0..10)).await;
    let mut received = vec![next(&mut subscription).await];
    while received.len() < 10 {
        match subscription.try_next() {
            Some(message) => received.push(message),
            None => received.push(next(&mut subscription).await),
        }
    }
    assert_eq!(numbers(&received), (0..10).collect::<Vec<_>>());
    assert!(subscription.try_next().is_none(), "everything was taken");
    subscription.ack(&tags(&received)).await.expect("the subscription lives");
    cancel(subscription).await;
}

/// While one consumer is busy, the other one gets the remaining messages.
pub async fn a_work_queue_is_shared_by_its_consumers(broker: &dyn Broker) {
    let work = EMAIL;
    let queue = work.name();
    let mut busy = subscribe(broker, queue, 1).await;
    let mut free = subscribe(broker, queue, 1).await;
    publish(broker, numbered(queue, 0..6)).await;
    let held = next(&mut busy).await;
    let rest: Vec<usize> = (0..6).filter(|number_| *number_ != number(&held)).collect();
    assert_eq!(consume(&mut free, 5).await, rest);
    busy.ack(&[held.tag]).await.expect("the subscription lives");
    cancel(busy).await;
    cancel(free).await;
}

/// Further consumers of a shard wait for their turn. Then they get everything in order.
pub async fn a_shard_has_one_consumer_at_a_time(broker: &dyn Broker) {
    let queue = PERSIST.shard(1);
    let mut first = subscribe(broker, queue.name(), 4).await;
    let mut second = subscribe(broker, queue.name(), 4).await;
    publish(broker, numbered(queue.name(), 0..12)).await;
    assert_eq!(consume(&mut first, 2).await, [0, 1]);
    quiet(&mut second, "another consumer is active").await;
    cancel(first).await;
    assert_eq!(consume(&mut second, 3).await, [2, 3, 4]);
    let mut third = subscribe(broker, queue.name(), 64).await;
    quiet(&mut third, "another consumer is active").await;
    drop(second);
    assert_eq!(consume(&mut third, 7).await, [5, 6, 7, 8, 9, 10, 11]);
    cancel(third).await;
}

/// The broker parks a message after [`DELIVERY_LIMIT`] deliveries, or with the next one, because RabbitMQ
/// lets the count exceed its limit first. The parked message carries the reason and its queue. Other messages
/// of the queue are not affected.
pub async fn what_kills_its_consumers_is_parked(broker: &dyn Broker) {
    let work = NOTIFY;
    let (queue, parked) = (work.name(), dead(work.name()));
    publish(broker, numbered(queue, 0..1)).await;
    let mut deaths = 0;
    while broker.depth(&parked).await.expect("the queue exists").ready == 0 {
        let mut subscription = subscribe(broker, queue, 1).await;
        // After the last death the broker parks the message, so nothing arrives here any more.
        if let Ok(message) = timeout(QUIET * 5, subscription.next()).await {
            let message = message.expect("the subscription lives");
            assert_eq!(message.delivery_count, deaths);
            assert!(deaths <= DELIVERY_LIMIT, "it should be parked after {deaths} deliveries");
            deaths += 1;
        }
    }
    assert!(deaths >= DELIVERY_LIMIT, "it was parked after {deaths} deliveries");
    publish(broker, numbered(queue, 7..8)).await;
    empty(broker, queue, 1).await;
    let mut operator = subscribe(broker, &parked, 1).await;
    let message = next(&mut operator).await;
    assert_eq!(message.headers.reason.as_deref(), Some("delivery_limit"));
    assert_eq!(message.headers.origin.as_deref(), Some(queue));
    operator.ack(&[message.tag]).await.expect("the subscription lives");
    cancel(operator).await;
    wait_for_depth(broker, EMAIL.name(), 0).await;
}

async fn empty(broker: &dyn Broker, queue: &str, count: usize) {
    let mut subscription = subscribe(broker, queue, 64).await;
    consume(&mut subscription, count).await;
    quiet(&mut subscription, "everything was consumed").await;
    cancel(subscription).await;
}
