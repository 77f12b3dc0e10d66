//! Retry ladder: a message returns to its queue after its delay and not before, on each rung independently.

use super::bench::{cancel, consume, next, numbers, publish, quiet, subscribe, tags, take};
use crate::port::{Broker, Destination, Headers, Outgoing};
use crate::topology::{Delay, EMAIL, FANOUT, PERSIST};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// Tolerance: how much later than its delay a message may return on a busy machine.
const LATENESS: Duration = Duration::from_secs(4);
/// Messages behind one with a long wait.
const MANY: usize = 100;

/// Runs every check of this group.
pub async fn check_all(broker: &dyn Broker) {
    a_message_returns_to_its_queue_after_its_delay(broker).await;
    rungs_do_not_wait_for_each_other(broker).await;
    a_long_wait_holds_up_no_short_one(broker).await;
    a_message_can_be_retried_again(broker).await;
}

/// A numbered message for a rung of the ladder.
pub(super) fn retry(delay: Delay, queue: &str, number: usize) -> Outgoing {
    let to = Destination::Retry { delay, queue: queue.to_owned() };
    let headers = Headers { attempt: 1, reason: Some("try again".into()), origin: Some(queue.to_owned()) };
    Outgoing { to, headers, ..Outgoing::to_queue("", Bytes::from(number.to_string())) }
}

/// Each message returns to its own queue, in order, with its headers.
pub async fn a_message_returns_to_its_queue_after_its_delay(broker: &dyn Broker) {
    let queues = [PERSIST.shard(0).name().to_owned(), EMAIL.name().to_owned()];
    let start = Instant::now();
    let messages = (0..20).map(|number| retry(Delay::OneSecond, &queues[number % 2], number));
    publish(broker, messages.collect()).await;
    let published = Instant::now();
    for (parity, queue) in queues.iter().enumerate() {
        let mut subscription = subscribe(broker, queue, 64).await;
        let first = next(&mut subscription).await;
        assert!(start.elapsed() >= Delay::OneSecond.duration(), "it came back after {:?}", start.elapsed());
        assert!(
            published.elapsed() < Delay::OneSecond.duration() + LATENESS,
            "it came back after {:?}",
            published.elapsed()
        );
        let expected = Headers { attempt: 1, reason: Some("try again".into()), origin: Some(queue.clone()) };
        assert_eq!(first.headers, expected);
        assert_eq!(first.delivery_count, 0, "waiting is not a failed delivery");
        let mut all = vec![first];
        all.extend(take(&mut subscription, 9).await);
        assert_eq!(numbers(&all), (0..20).filter(|number| number % 2 == parity).collect::<Vec<_>>());
        subscription.ack(&tags(&all)).await.expect("the subscription lives");
        cancel(subscription).await;
    }
}

/// The message with the shorter delay returns first, even if it was published later.
pub async fn rungs_do_not_wait_for_each_other(broker: &dyn Broker) {
    let queue = FANOUT.shard(0);
    let start = Instant::now();
    publish(
        broker,
        vec![retry(Delay::FiveSeconds, queue.name(), 5), retry(Delay::OneSecond, queue.name(), 1)],
    )
    .await;
    let mut subscription = subscribe(broker, queue.name(), 64).await;
    let first = next(&mut subscription).await;
    assert!(start.elapsed() < Delay::FiveSeconds.duration(), "the short wait took {:?}", start.elapsed());
    let second = next(&mut subscription).await;
    assert!(start.elapsed() >= Delay::FiveSeconds.duration(), "the long wait took {:?}", start.elapsed());
    let both = [first, second];
    assert_eq!(numbers(&both), [1, 5]);
    subscription.ack(&tags(&both)).await.expect("the subscription lives");
    cancel(subscription).await;
}

/// Behind one message that waits for ten minutes, a hundred with a wait of five seconds come back in time.
pub async fn a_long_wait_holds_up_no_short_one(broker: &dyn Broker) {
    let queue = PERSIST.shard(0);
    publish(broker, vec![retry(Delay::TenMinutes, queue.name(), MANY)]).await;
    let start = Instant::now();
    publish(broker, (0..MANY).map(|number| retry(Delay::FiveSeconds, queue.name(), number)).collect()).await;
    let published = Instant::now();
    let mut subscription = subscribe(broker, queue.name(), 64).await;
    let mut returned = consume(&mut subscription, 1).await;
    assert!(start.elapsed() >= Delay::FiveSeconds.duration(), "the first came after {:?}", start.elapsed());
    returned.extend(consume(&mut subscription, MANY - 1).await);
    let latest = Delay::FiveSeconds.duration() + LATENESS;
    assert!(published.elapsed() < latest, "the last came back after {:?}", published.elapsed());
    assert_eq!(returned, Vec::from_iter(0..MANY));
    quiet(&mut subscription, "the long wait is not over").await;
    cancel(subscription).await;
}

/// A message can pass the ladder any number of times, with one more attempt each time.
pub async fn a_message_can_be_retried_again(broker: &dyn Broker) {
    let work = EMAIL;
    let queue = work.name();
    publish(broker, vec![retry(Delay::OneSecond, queue, 0)]).await;
    let mut subscription = subscribe(broker, queue, 1).await;
    for attempt in 1..4 {
        let message = next(&mut subscription).await;
        assert_eq!(message.headers.attempt, attempt);
        let headers = Headers { attempt: attempt + 1, ..message.headers };
        publish(broker, vec![Outgoing { headers, ..retry(Delay::OneSecond, queue, 0) }]).await;
        subscription.ack(&[message.tag]).await.expect("the subscription lives");
    }
    let last = next(&mut subscription).await;
    subscription.ack(&[last.tag]).await.expect("the subscription lives");
    cancel(subscription).await;
}
