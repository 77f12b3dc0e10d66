//! Gateway queues: they are created and removed, they hold messages, and a broadcast reaches all of them.

use super::bench::{PATIENCE, cancel, consume, numbered, publish, subscribe, try_publish};
use crate::port::{Broker, BrokerError, Destination, Outgoing};
use crate::topology::gateway;
use bytes::Bytes;
use eventflow_protocol::GatewayId;
use tokio::time::timeout;

/// Runs every check of this group. No gateway may be declared before.
pub async fn check_all(broker: &dyn Broker) {
    all_gateways_may_be_none(broker).await;
    declaring_says_whether_the_queue_was_there(broker).await;
    a_gateway_finds_what_was_sent_before_it_consumed(broker).await;
    a_gateway_that_left_is_unroutable(broker).await;
    a_broadcast_reaches_every_gateway(broker).await;
    a_queue_deleted_under_its_consumer_is_noticed(broker).await;
}

fn broadcast(number: usize) -> Outgoing {
    Outgoing { to: Destination::AllGateways, ..Outgoing::to_queue("", Bytes::from(number.to_string())) }
}

async fn arrive(broker: &dyn Broker) -> GatewayId {
    let id = GatewayId::new();
    assert!(!broker.declare_gateway(&id).await.expect("a gateway can be declared"), "its queue is new");
    id
}

async fn leave(broker: &dyn Broker, id: &GatewayId) {
    broker.remove_gateway(id).await.expect("a gateway can be removed");
}

/// A broadcast without any gateway is confirmed.
pub async fn all_gateways_may_be_none(broker: &dyn Broker) {
    publish(broker, vec![broadcast(0)]).await;
}

/// A gateway that was away learns from the answer whether it missed messages.
pub async fn declaring_says_whether_the_queue_was_there(broker: &dyn Broker) {
    let id = arrive(broker).await;
    assert!(broker.declare_gateway(&id).await.expect("repeating is fine"), "it was there");
    leave(broker, &id).await;
    leave(broker, &id).await;
    assert!(!broker.declare_gateway(&id).await.expect("a gateway can be declared"), "it was removed");
    leave(broker, &id).await;
}

/// Messages arrive in order, also after the consumer was away for a moment.
pub async fn a_gateway_finds_what_was_sent_before_it_consumed(broker: &dyn Broker) {
    let id = arrive(broker).await;
    let queue = gateway(&id);
    publish(broker, numbered(queue.name(), 0..3)).await;
    let mut first = subscribe(broker, queue.name(), 64).await;
    assert_eq!(consume(&mut first, 2).await, [0, 1]);
    cancel(first).await;
    publish(broker, numbered(queue.name(), 3..5)).await;
    let mut second = subscribe(broker, queue.name(), 64).await;
    assert_eq!(consume(&mut second, 3).await, [2, 3, 4]);
    cancel(second).await;
    leave(broker, &id).await;
}

/// The sender learns that the gateway is gone, so it can notify the users in another way.
pub async fn a_gateway_that_left_is_unroutable(broker: &dyn Broker) {
    let (gone, here) = (arrive(broker).await, arrive(broker).await);
    leave(broker, &gone).await;
    let messages = [&gone, &here].map(|id| Outgoing::to_queue(gateway(id).name(), Bytes::from_static(b"0")));
    let results = try_publish(broker, messages.to_vec()).await;
    assert!(matches!(results[..], [Err(BrokerError::Unroutable(_)), Ok(())]), "{results:?}");
    leave(broker, &here).await;
}

/// A gateway that is declared twice gets the broadcast once. A gateway that left does not get it.
pub async fn a_broadcast_reaches_every_gateway(broker: &dyn Broker) {
    let ids = [arrive(broker).await, arrive(broker).await, arrive(broker).await];
    broker.declare_gateway(&ids[1]).await.expect("repeating is fine");
    leave(broker, &ids[2]).await;
    publish(broker, vec![broadcast(0), broadcast(1)]).await;
    for id in &ids[..2] {
        let mut subscription = subscribe(broker, gateway(id).name(), 64).await;
        assert_eq!(consume(&mut subscription, 2).await, [0, 1]);
        super::bench::quiet(&mut subscription, "each broadcast arrives once").await;
        cancel(subscription).await;
        leave(broker, id).await;
    }
    assert!(matches!(broker.depth(gateway(&ids[2]).name()).await, Err(BrokerError::Unroutable(_))));
}

/// The consumer gets an error and does not wait for ever.
pub async fn a_queue_deleted_under_its_consumer_is_noticed(broker: &dyn Broker) {
    let id = arrive(broker).await;
    let mut subscription = subscribe(broker, gateway(&id).name(), 64).await;
    leave(broker, &id).await;
    let noticed = timeout(PATIENCE, subscription.next()).await.expect("the loss is noticed");
    assert!(matches!(noticed, Err(BrokerError::Lost { .. })), "{noticed:?}");
    assert!(subscription.next().await.is_err(), "the error is final");
    assert!(subscription.try_next().is_none(), "the error is final");
}
