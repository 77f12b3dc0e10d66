//! Publishing: order, one correct result per message, and unchanged contents.

use super::bench::{
    cancel, consume, next, numbered, publish, quiet, subscribe, take, try_publish, wait_for_depth,
    wait_until_nothing_is_oldest,
};
use crate::port::{Broker, BrokerError, Headers, Outgoing};
use crate::topology::{EMAIL, NOTIFY, PERSIST, PRESENCE, PUSH, dead};
use bytes::Bytes;

/// Runs every check of this group.
pub async fn check_all(broker: &dyn Broker) {
    messages_arrive_in_the_order_of_publishing(broker).await;
    each_message_of_a_batch_gets_its_own_result(broker).await;
    an_empty_batch_is_answered_with_nothing(broker).await;
    large_and_empty_payloads_arrive_unchanged(broker).await;
    the_facts_beside_the_payload_arrive(broker).await;
    depth_counts_messages_and_consumers(broker).await;
    parked_messages_stay(broker).await;
    a_queue_that_does_not_exist_cannot_be_consumed(broker).await;
}

/// The order holds within a batch and from batch to batch.
pub async fn messages_arrive_in_the_order_of_publishing(broker: &dyn Broker) {
    let queue = PERSIST.shard(0);
    let mut publisher = broker.publisher(None).await.expect("a publisher can be opened");
    for start in [0, 1, 200, 600] {
        let end = [1, 200, 600, 1_000].into_iter().find(|end| *end > start).unwrap_or(start);
        let results = publisher.publish(numbered(queue.name(), start..end)).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
    let mut subscription = subscribe(broker, queue.name(), 64).await;
    assert_eq!(consume(&mut subscription, 1_000).await, (0..1_000).collect::<Vec<_>>());
    cancel(subscription).await;
}

/// A message for a queue that does not exist fails, wherever it stands in the batch. The other messages
/// succeed.
pub async fn each_message_of_a_batch_gets_its_own_result(broker: &dyn Broker) {
    let work = NOTIFY;
    for round in 0..30_usize {
        let lost = |index: usize| (index + round).is_multiple_of(3) || index == round;
        let messages = (0..30).map(|index| {
            let queue = if lost(index) { "no.such.queue" } else { work.name() };
            Outgoing::to_queue(queue, Bytes::from(index.to_string()))
        });
        for (index, result) in try_publish(broker, messages.collect()).await.into_iter().enumerate() {
            match result {
                Ok(()) => assert!(!lost(index), "round {round}: message {index} has no queue"),
                Err(BrokerError::Unroutable(_)) => {
                    assert!(lost(index), "round {round}: message {index} has a queue");
                }
                Err(other) => panic!("round {round}: message {index}: {other:?}"),
            }
        }
        let mut subscription = subscribe(broker, NOTIFY.name(), 64).await;
        let expected: Vec<usize> = (0..30).filter(|index| !lost(*index)).collect();
        assert_eq!(consume(&mut subscription, expected.len()).await, expected);
        quiet_at_the_end(subscription, round).await;
    }
}

async fn quiet_at_the_end(mut subscription: Box<dyn crate::port::Subscription>, round: usize) {
    if round == 0 {
        quiet(&mut subscription, "everything was consumed").await;
    }
    cancel(subscription).await;
}

/// Without messages there are no results.
pub async fn an_empty_batch_is_answered_with_nothing(broker: &dyn Broker) {
    assert!(try_publish(broker, Vec::new()).await.is_empty());
}

/// Payloads may be empty or as large as several of the broker's own frames.
pub async fn large_and_empty_payloads_arrive_unchanged(broker: &dyn Broker) {
    let pattern = |len: usize| Bytes::from((0..=250_u8).cycle().take(len).collect::<Vec<_>>());
    let payloads: Vec<Bytes> = [0, 1, 100_000, 131_072, 400_000].into_iter().map(pattern).collect();
    publish(
        broker,
        payloads.iter().map(|payload| Outgoing::to_queue(EMAIL.name(), payload.clone())).collect(),
    )
    .await;
    let mut subscription = subscribe(broker, EMAIL.name(), 10).await;
    for payload in payloads {
        let message = next(&mut subscription).await;
        assert!(message.payload == payload, "{} bytes arrive as {}", payload.len(), message.payload.len());
        subscription.ack(&[message.tag]).await.expect("the subscription lives");
    }
    cancel(subscription).await;
}

/// Attempt, reason and origin arrive, and so does their absence.
pub async fn the_facts_beside_the_payload_arrive(broker: &dyn Broker) {
    let all = Headers {
        attempt: 3,
        reason: Some("the store said no: zu spät".into()),
        origin: Some("persist.1".into()),
    };
    let sent = [all, Headers::default(), Headers { attempt: u32::MAX, ..Headers::default() }];
    let with = |headers: &Headers| Outgoing {
        headers: headers.clone(),
        ..Outgoing::to_queue(PUSH.name(), Bytes::new())
    };
    publish(broker, sent.iter().map(with).collect()).await;
    let mut subscription = subscribe(broker, PUSH.name(), 10).await;
    let messages = take(&mut subscription, sent.len()).await;
    for (message, headers) in messages.iter().zip(sent) {
        assert_eq!(message.headers, headers);
        assert_eq!(
            (message.redelivered, message.delivery_count, message.reply_to.as_deref()),
            (false, 0, None)
        );
    }
    subscription.ack(&super::bench::tags(&messages)).await.expect("the subscription lives");
    cancel(subscription).await;
}

/// The depth counts ready messages only. A delivered message does not count; its consumer does.
pub async fn depth_counts_messages_and_consumers(broker: &dyn Broker) {
    let work = PRESENCE;
    let queue = work.name();
    publish(broker, numbered(queue, 0..5)).await;
    wait_for_depth(broker, queue, 5).await;
    let mut subscription = subscribe(broker, queue, 2).await;
    wait_for_depth(broker, queue, 3).await;
    assert_eq!(broker.depth(queue).await.expect("the queue exists").consumers, 1);
    assert_eq!(consume(&mut subscription, 5).await, [0, 1, 2, 3, 4]);
    wait_for_depth(broker, queue, 0).await;
    cancel(subscription).await;
    wait_until_nothing_is_oldest(broker, queue).await;
    assert!(matches!(broker.depth("no.such.queue").await, Err(BrokerError::Unroutable(_))));
}

/// Parked messages stay in the dead-letter queue, in order, until somebody takes them.
pub async fn parked_messages_stay(broker: &dyn Broker) {
    let parked = dead(EMAIL.name());
    publish(broker, numbered(&parked, 0..3)).await;
    let mut bystander = subscribe(broker, EMAIL.name(), 10).await;
    quiet(&mut bystander, "parked messages do not return").await;
    cancel(bystander).await;
    let mut operator = subscribe(broker, &parked, 10).await;
    assert_eq!(consume(&mut operator, 3).await, [0, 1, 2]);
    cancel(operator).await;
}

/// Consuming such a queue fails as publishing to it does.
pub async fn a_queue_that_does_not_exist_cannot_be_consumed(broker: &dyn Broker) {
    let result = broker.subscribe("no.such.queue", 1).await.map(|_| ());
    assert!(matches!(result, Err(BrokerError::Unroutable(_))), "{result:?}");
}
