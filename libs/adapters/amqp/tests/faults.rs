//! What the adapter does when RabbitMQ, the network or an operator fails it. Needs `RABBITMQ_URL` and
//! `RABBITMQ_MANAGEMENT_URL`.

mod rabbit;

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_amqp::{AmqpBroker, AmqpConfig, Observer, Side, definitions};
use eventflow_bus::consume::{Consumer, Declares};
use eventflow_bus::contract::topology;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Health, Outgoing, Publish, ReplyTo};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{EMAIL, GATEWAYS_EXCHANGE, NOTIFY, PERSIST, gateway};
use eventflow_metrics::Metrics;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::{GatewayId, codec};
use rabbit::proxy::{Mode, Proxy, free_port};
use rabbit::{PATIENCE, Rabbit, eventually, until};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// "At once" on a busy machine: far below any time-out.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How often the connections are closed by force.
const CLOSES: usize = 6;

fn numbered(queue: &str, numbers: std::ops::Range<u64>) -> Vec<Outgoing> {
    numbers.map(|number| Outgoing::to_queue(queue, Bytes::from(number.to_string()))).collect()
}

async fn publish(broker: &AmqpBroker, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
    broker.publisher(None).await.expect("a publisher can be opened").publish(messages).await
}

/// Publishes numbers in batches until told to stop; those that were confirmed.
async fn publish_until(broker: Arc<AmqpBroker>, queue: String, stop: Arc<AtomicBool>) -> BTreeSet<u64> {
    let mut publisher = broker.publisher(None).await.expect("a publisher can be opened");
    let (mut confirmed, mut next) = (BTreeSet::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let results = publisher.publish(numbered(&queue, next..next + 20)).await;
        confirmed
            .extend((next..).zip(&results).filter(|(_, result)| result.is_ok()).map(|(number, _)| number));
        next += 20;
        if results.iter().any(Result::is_err) {
            let _ = timeout(PATIENCE, broker.health().wait_for(|health| *health == Health::Up)).await;
        }
    }
    confirmed
}

/// Consumes and acknowledges until the queue is empty after `stop`; what arrived, and how many subscriptions
/// it took.
async fn consume_until(
    broker: Arc<AmqpBroker>,
    queue: String,
    stop: Arc<AtomicBool>,
) -> (BTreeSet<u64>, usize) {
    let (mut received, mut subscriptions) = (BTreeSet::new(), 0);
    loop {
        let Ok(mut subscription) = broker.subscribe(&queue, 50).await else {
            let _ = timeout(PATIENCE, broker.health().wait_for(|health| *health == Health::Up)).await;
            continue;
        };
        subscriptions += 1;
        loop {
            match timeout(Duration::from_secs(3), subscription.next()).await {
                Ok(Ok(message)) => {
                    let text = std::str::from_utf8(&message.payload).expect("numbers");
                    received.insert(text.parse().expect("numbers"));
                    if subscription.ack(&[message.tag]).await.is_err() {
                        break;
                    }
                }
                Ok(Err(_)) => break,
                Err(_) if stop.load(Ordering::Relaxed) => return (received, subscriptions),
                Err(_) => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_when_connections_are_closed_by_force() {
    let rabbit = Rabbit::start("closed").await;
    let broker = rabbit.broker().await;
    let queue = PERSIST.shard(0).name().to_owned();
    let (done, drained) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let force = async {
        for _ in 0..CLOSES {
            eventually("the connections show up", async || rabbit.connection_names().await.len() >= 2).await;
            rabbit.close_connections().await;
            eventually("the broker notices", async || *broker.health().borrow() != Health::Up).await;
            until(&broker, &Health::Up).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let publishing = async {
        let confirmed = publish_until(Arc::clone(&broker), queue.clone(), Arc::clone(&done)).await;
        drained.store(true, Ordering::Relaxed);
        confirmed
    };
    let consuming = consume_until(Arc::clone(&broker), queue.clone(), Arc::clone(&drained));
    let ((), confirmed, (received, subscriptions)) = tokio::join!(force, publishing, consuming);
    let lost: Vec<u64> = confirmed.difference(&received).copied().collect();
    assert!(lost.is_empty(), "{} of {} confirmed messages were lost: {lost:?}", lost.len(), confirmed.len());
    assert!(
        confirmed.len() > 100 && subscriptions > 1,
        "{} confirmed, {subscriptions} subscriptions",
        confirmed.len()
    );
    rabbit.stop().await;
}

/// Says how much it has performed, and takes its time to announce it, so that several batches are in hand.
struct SlowAnnouncer(watch::Sender<usize>);

#[async_trait]
impl BatchHandler for SlowAnnouncer {
    type Value = u32;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<u32>]) -> Result<Performed<()>, Unavailable> {
        self.0.send_modify(|performed| *performed += batch.len());
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        // sleep: an effect that takes time
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(())
    }
}

fn frames(numbers: std::ops::Range<u32>) -> Vec<Outgoing> {
    let frame = |number: u32| {
        let body = codec::encode(&number).expect("a number can be encoded");
        let envelope = Envelope { id: Uuid::now_v7(), attempt: 0, body, trace: None };
        Frame::of(envelope).encode().expect("a frame of numbers can be encoded")
    };
    numbers.map(|number| Outgoing::to_queue(PERSIST.shard(0).name(), frame(number))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_hand_when_a_subscription_was_lost_is_not_counted_for_ever() {
    let rabbit = Rabbit::start("inhand").await;
    let broker = rabbit.broker().await;
    let queue = PERSIST.shard(0).name().to_owned();
    let metrics = Metrics::default().bus.queue(&queue);
    let performed = watch::Sender::new(0);
    let mut watching = performed.subscribe();
    let (port, declares): (Arc<dyn Broker>, _) = (broker.clone(), Declares::Topology(topology()));
    let consumer = Consumer::new(port, &queue, declares, Arc::new(SlowAnnouncer(performed)), metrics.clone());
    let shutdown = CancellationToken::new();
    let faults = async {
        for round in 0..3 {
            let before = *watching.borrow_and_update();
            eventually("the connections show up", async || rabbit.connection_names().await.len() >= 2).await;
            for result in publish(&broker, frames(round * 8..round * 8 + 8)).await {
                result.unwrap();
            }
            let some = watching.wait_for(|performed| *performed >= before + 4);
            timeout(PATIENCE, some).await.unwrap().unwrap();
            let mut health = broker.health();
            health.mark_unchanged();
            rabbit.close_connections().await;
            timeout(PATIENCE, health.changed()).await.expect("the broker notices").unwrap();
            until(&broker, &Health::Up).await;
        }
        eventually("everything is handled", async || {
            broker.depth(&queue).await.is_ok_and(|depth| depth.ready == 0) && metrics.inflight.get() <= 0
        })
        .await;
        assert_eq!(metrics.inflight.get(), 0, "as many as the broker has given out");
        shutdown.cancel();
    };
    tokio::join!(consumer.run(shutdown.clone()), faults);
    assert_eq!(metrics.inflight.get(), 0);
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_of_a_lost_subscription_reaches_no_other_connection() {
    let rabbit = Rabbit::start("stale").await;
    let broker = rabbit.broker().await;
    publish(&broker, numbered(EMAIL.name(), 0..2)).await;
    let mut old = broker.subscribe(EMAIL.name(), 10).await.unwrap();
    let held = [old.next().await.unwrap(), old.next().await.unwrap()];
    eventually("the connections show up", async || rabbit.connection_names().await.len() >= 2).await;
    rabbit.close_connections().await;
    let lost = timeout(PATIENCE, old.next()).await.unwrap();
    assert!(matches!(lost, Err(BrokerError::Lost { .. })), "{lost:?}");
    until(&broker, &Health::Up).await;
    let mut new = broker.subscribe(EMAIL.name(), 10).await.unwrap();
    let again = [new.next().await.unwrap(), new.next().await.unwrap()];
    assert!(again.iter().all(|message| message.redelivered));
    assert!(matches!(old.ack(&[held[0].tag, held[1].tag]).await, Err(BrokerError::Lost { .. })));
    new.ack(&[again[0].tag]).await.unwrap();
    new.cancel().await.unwrap();
    eventually("one message is left", async || broker.depth(EMAIL.name()).await.unwrap().ready == 1).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_everything_fails_at_once_and_works_when_it_comes() {
    let rabbit = Rabbit::start("late").await;
    let port = free_port().await;
    let start = Instant::now();
    let broker = AmqpBroker::connect(rabbit.config_through(port)).unwrap();
    let results = publish(&broker, numbered(NOTIFY.name(), 0..2)).await;
    assert!(
        matches!(results[..], [Err(BrokerError::Unavailable(_)), Err(BrokerError::Unavailable(_))]),
        "{results:?}"
    );
    assert!(matches!(broker.subscribe(NOTIFY.name(), 1).await, Err(BrokerError::Unavailable(_))));
    assert!(matches!(broker.declare(&topology()).await, Err(BrokerError::Unavailable(_))));
    assert!(matches!(broker.depth(NOTIFY.name()).await, Err(BrokerError::Unavailable(_))));
    broker.reply("amq.rabbitmq.reply-to.nobody", Bytes::new()).await;
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    assert!(matches!(*broker.health().borrow(), Health::Down(_)));

    let _proxy = Proxy::start(port, rabbit.address()).await;
    until(&broker, &Health::Up).await;
    broker.declare(&topology()).await.unwrap();
    assert!(publish(&broker, numbered(NOTIFY.name(), 0..2)).await.iter().all(Result::is_ok));
    broker.shutdown().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_are_told_of_an_alarm_while_consumers_go_on() {
    let rabbit = Rabbit::start("alarm").await;
    let port = free_port().await;
    let proxy = Proxy::start(port, rabbit.address()).await;
    let broker = AmqpBroker::connect(rabbit.config_through(port)).unwrap();
    until(&broker, &Health::Up).await;
    broker.declare(&topology()).await.unwrap();
    let queue = PERSIST.shard(0);
    let mut publisher = broker.publisher(None).await.unwrap();
    assert!(publisher.publish(numbered(queue.name(), 0..100)).await.iter().all(Result::is_ok));
    let mut subscription = broker.subscribe(queue.name(), 10).await.unwrap();

    proxy.set(Mode::Alarm);
    until(&broker, &Health::Blocked(String::new())).await;
    let start = Instant::now();
    for _ in 0..3 {
        let results = publisher.publish(numbered(queue.name(), 100..102)).await;
        assert!(matches!(results[..], [Err(BrokerError::Blocked), Err(BrokerError::Blocked)]), "{results:?}");
    }
    let mut another = broker.publisher(None).await.unwrap();
    assert!(matches!(another.publish(numbered(queue.name(), 0..1)).await[..], [Err(BrokerError::Blocked)]));
    broker.reply("amq.rabbitmq.reply-to.nobody", Bytes::new()).await;
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    for _ in 0..100 {
        let message = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
        subscription.ack(&[message.tag]).await.unwrap();
    }
    assert_eq!(broker.depth(queue.name()).await.unwrap().ready, 0);

    proxy.set(Mode::Open);
    until(&broker, &Health::Up).await;
    assert!(publisher.publish(numbered(queue.name(), 102..103)).await.iter().all(Result::is_ok));
    broker.shutdown().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_an_alarm_overtakes_is_answered_quickly() {
    let rabbit = Rabbit::start("overtaken").await;
    let port = free_port().await;
    let proxy = Proxy::start(port, rabbit.address()).await;
    let broker = AmqpBroker::connect(rabbit.config_through(port)).unwrap();
    until(&broker, &Health::Up).await;
    broker.declare(&topology()).await.unwrap();
    let mut publisher = broker.publisher(None).await.unwrap();
    let flood = async {
        loop {
            let start = Instant::now();
            let results = publisher.publish(numbered(EMAIL.name(), 0..100)).await;
            assert!(start.elapsed() < AT_ONCE * 2, "{:?}", start.elapsed());
            if results.iter().any(|result| matches!(result, Err(BrokerError::Blocked))) {
                return;
            }
        }
    };
    let alarm = async {
        tokio::task::yield_now().await;
        proxy.set(Mode::Alarm);
    };
    timeout(PATIENCE, async { tokio::join!(flood, alarm) }).await.unwrap();
    proxy.set(Mode::Open);
    eventually("publishing works again", async || {
        publisher.publish(numbered(EMAIL.name(), 0..1)).await[0].is_ok()
    })
    .await;
    broker.shutdown().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_went_silent_is_replaced() {
    let rabbit = Rabbit::start("silent").await;
    let port = free_port().await;
    let proxy = Proxy::start(port, rabbit.address()).await;
    let broker = AmqpBroker::connect(rabbit.config_through(port)).unwrap();
    until(&broker, &Health::Up).await;
    broker.declare(&topology()).await.unwrap();
    let mut publisher = broker.publisher(None).await.unwrap();
    let mut subscription = broker.subscribe(EMAIL.name(), 1).await.unwrap();
    assert_eq!(proxy.connections(), 2);

    proxy.set(Mode::Silent);
    let start = Instant::now();
    let results = publisher.publish(numbered(EMAIL.name(), 0..1)).await;
    assert!(
        results[0].is_err() && start.elapsed() < Duration::from_secs(6),
        "{results:?} after {:?}",
        start.elapsed()
    );
    assert!(matches!(timeout(PATIENCE, subscription.next()).await.unwrap(), Err(BrokerError::Lost { .. })));
    until(&broker, &Health::Down(String::new())).await;

    proxy.set(Mode::Open);
    until(&broker, &Health::Up).await;
    assert!(publisher.publish(numbered(EMAIL.name(), 1..2)).await.iter().all(Result::is_ok));
    broker.shutdown().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_work_queue_deleted_by_an_operator_is_noticed_by_consumer_and_publisher() {
    let rabbit = Rabbit::start("deleted").await;
    let broker = rabbit.broker().await;
    let mut subscription = broker.subscribe(EMAIL.name(), 1).await.unwrap();
    rabbit.delete_queue(EMAIL.name()).await;
    let lost = timeout(Duration::from_secs(15), subscription.next()).await.unwrap();
    assert!(matches!(lost, Err(BrokerError::Lost { .. })), "{lost:?}");
    let results = publish(&broker, numbered(EMAIL.name(), 0..1)).await;
    assert!(matches!(results[..], [Err(BrokerError::Unroutable(_))]), "{results:?}");
    broker.declare(&topology()).await.unwrap();
    assert!(publish(&broker, numbered(EMAIL.name(), 0..1)).await[0].is_ok());
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_was_lost_without_a_word_is_noticed() {
    let rabbit = Rabbit::start("unnoticed").await;
    let port = free_port().await;
    let proxy = Proxy::start(port, rabbit.address()).await;
    let broker = AmqpBroker::connect(rabbit.config_through(port)).unwrap();
    until(&broker, &Health::Up).await;
    broker.declare(&topology()).await.unwrap();
    proxy.set(Mode::SwallowCancel);
    let mut subscription = broker.subscribe(EMAIL.name(), 1).await.unwrap();
    rabbit.delete_queue(EMAIL.name()).await;
    let lost = timeout(Duration::from_secs(15), subscription.next()).await.unwrap();
    assert!(matches!(lost, Err(BrokerError::Lost { .. })), "{lost:?}");
    broker.shutdown().await;
    rabbit.stop().await;
}

/// RabbitMQ 3.10 may then send no cancel, keep the consumer in its books, and lose what it hands to it on the
/// way, up to the prefetch (one here).
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_a_queue_that_was_deleted_and_declared_again_does_not_wait_for_ever() {
    let rabbit = Rabbit::start("again").await;
    let broker = rabbit.broker().await;
    publish(&broker, numbered(EMAIL.name(), 0..1)).await;
    let mut subscription = broker.subscribe(EMAIL.name(), 1).await.unwrap();
    let first = subscription.next().await.unwrap();
    subscription.ack(&[first.tag]).await.unwrap();
    rabbit.delete_queue(EMAIL.name()).await;
    broker.declare(&topology()).await.unwrap();
    publish(&broker, numbered(EMAIL.name(), 1..4)).await;
    let noticed = timeout(Duration::from_secs(18), subscription.next()).await.unwrap();
    assert!(matches!(noticed, Ok(_) | Err(BrokerError::Lost { .. })), "{noticed:?}");
    drop(subscription);
    let mut again = broker.subscribe(EMAIL.name(), 1).await.unwrap();
    assert!(timeout(PATIENCE, again.next()).await.unwrap().is_ok());
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_waits_its_turn_is_not_taken_for_lost() {
    let rabbit = Rabbit::start("waiting").await;
    let broker = rabbit.broker().await;
    let queue = PERSIST.shard(0);
    let _active = broker.subscribe(queue.name(), 1).await.unwrap();
    let mut waiting = broker.subscribe(queue.name(), 1).await.unwrap();
    assert!(timeout(Duration::from_secs(16), waiting.next()).await.is_err(), "it is neither lost nor served");
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_different_at_the_broker_is_a_mismatch() {
    let rabbit = Rabbit::start("mismatch").await;
    rabbit
        .put("queues", NOTIFY.name(), json!({ "durable": true, "arguments": { "x-queue-type": "classic" } }))
        .await;
    let broker = rabbit.connect().await;
    let result = broker.declare(&topology()).await;
    assert!(
        matches!(&result, Err(BrokerError::Mismatch { queue, .. }) if queue == NOTIFY.name()),
        "{result:?}"
    );
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generated_definitions_are_what_the_processes_declare() {
    let rabbit = Rabbit::start("definitions").await;
    let mut definitions = definitions(&topology());
    definitions.as_object_mut().unwrap().remove("vhosts");
    rabbit.import(definitions).await;
    let broker = rabbit.connect().await;
    broker.declare(&topology()).await.expect("declaring finds what was imported");
    for queue in topology().queues() {
        broker.depth(&queue.name).await.expect("every queue was imported");
    }
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_queue_that_was_made_by_a_call_that_failed_is_new_to_the_next_one() {
    let rabbit = Rabbit::start("half-made").await;
    let broker = rabbit.connect().await;
    let id = GatewayId::new();
    // The queue may be made, and binding it is refused: as if the broker had died in between.
    rabbit.permit_reading("^gateway\\.").await;
    broker.declare_gateway(&id).await.expect_err("the queue cannot be bound");
    broker.depth(gateway(&id).name()).await.expect("the queue was made");
    rabbit.permit_reading(".*").await;
    assert!(!broker.declare_gateway(&id).await.expect("it can be bound now"), "it is new to its gateway");
    assert!(broker.declare_gateway(&id).await.expect("repeating is fine"), "it was there");
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_gateway_queue_refuses_and_an_oversized_message_is_refused_alone() {
    let rabbit = Rabbit::start("full").await;
    let broker = rabbit.broker().await;
    let id = GatewayId::new();
    broker.declare_gateway(&id).await.unwrap();
    let limit = json!({ "pattern": "^gateway", "definition": { "max-length": 2 }, "apply-to": "queues" });
    rabbit.put("policies", GATEWAYS_EXCHANGE, limit).await;
    eventually("the queue refuses", async || {
        let results = publish(&broker, numbered(gateway(&id).name(), 0..10)).await;
        results.iter().any(|result| matches!(result, Err(BrokerError::Refused(_))))
    })
    .await;
    let large = Outgoing::to_queue(EMAIL.name(), Bytes::from(vec![0; 1_048_577]));
    let small = || Outgoing::to_queue(EMAIL.name(), Bytes::from_static(b"small"));
    let results = publish(&broker, vec![small(), large, small()]).await;
    assert!(matches!(results[..], [Ok(()), Err(BrokerError::Refused(_)), Ok(())]), "{results:?}");
    broker.remove_gateway(&id).await.unwrap();
    rabbit.stop().await;
}

/// Somebody who waits for replies: their address, what arrives there, and what keeps it open.
async fn asker(broker: &AmqpBroker) -> (String, mpsc::Receiver<Bytes>, Box<dyn Publish>) {
    let (sender, replies) = mpsc::channel(4);
    let mut publisher = broker.publisher(Some(sender)).await.expect("a publisher can be opened");
    let question = Outgoing {
        reply_to: Some(ReplyTo::Me),
        ..Outgoing::to_queue(EMAIL.name(), Bytes::from_static(b"?"))
    };
    assert!(publisher.publish(vec![question]).await[0].is_ok());
    let mut subscription = broker.subscribe(EMAIL.name(), 1).await.expect("the queue is there");
    let next = timeout(PATIENCE, subscription.next()).await.expect("the question comes");
    let asked = next.expect("the subscription lives");
    subscription.ack(&[asked.tag]).await.expect("the subscription lives");
    (asked.reply_to.expect("it has an address"), replies, publisher)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_too_large_is_dropped_alone() {
    let rabbit = Rabbit::start("replies").await;
    let broker = rabbit.broker().await;
    let (address, mut replies, _publisher) = asker(&broker).await;
    for payload in [vec![0; 10], vec![0; 1_048_577], vec![0; 20]] {
        broker.reply(&address, payload.into()).await;
    }
    for expected in [10, 20] {
        let reply = timeout(PATIENCE, replies.recv()).await.expect("the small ones arrive").unwrap();
        assert_eq!(reply.len(), expected);
    }
    rabbit.stop().await;
}

/// Counts the connections of publishers, and of replies.
#[derive(Default)]
struct Connections {
    publish: AtomicU64,
    reply: AtomicU64,
}

impl Observer for Connections {
    fn connected(&self, side: Side, _generation: u64) {
        match side {
            Side::Publish => self.publish.fetch_add(1, Ordering::SeqCst),
            Side::Reply => self.reply.fetch_add(1, Ordering::SeqCst),
            Side::Consume => 0,
        };
    }
}

/// RabbitMQ 3.10 ends the connection over such an address.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_a_node_that_is_gone_holds_up_no_publisher_and_no_other_reply() {
    const ADDRESS_OF_ANOTHER_CLUSTER: &str =
        "amq.rabbitmq.reply-to.g1h2AA1yZXBseUA5NTAyNDk3AAAKEgAAAABrDPdT.T2LTKEkasTwjSS1PwvCbag==";
    let rabbit = Rabbit::start("gone").await;
    let connections = Arc::new(Connections::default());
    let observer: Arc<dyn Observer> = Arc::<Connections>::clone(&connections);
    let broker = AmqpBroker::connect(AmqpConfig { observer, ..rabbit.config() }).unwrap();
    until(&broker, &Health::Up).await;
    broker.declare(&topology()).await.unwrap();
    let (address, mut replies, mut publisher) = asker(&broker).await;
    assert_eq!(connections.reply.load(Ordering::SeqCst), 0, "nobody has replied yet");
    for round in 0..5_u8 {
        broker.reply(ADDRESS_OF_ANOTHER_CLUSTER, Bytes::from_static(b"nobody hears it")).await;
        let results = publisher.publish(numbered(EMAIL.name(), 0..20)).await;
        assert!(results.iter().all(Result::is_ok), "round {round}: {results:?}");
    }
    eventually("a reply to somebody who is there arrives", async || {
        broker.reply(&address, Bytes::from_static(b"!")).await;
        timeout(AT_ONCE, replies.recv()).await.is_ok()
    })
    .await;
    assert_eq!(connections.publish.load(Ordering::SeqCst), 1, "the connection of publishers lives");
    broker.shutdown().await;
    rabbit.stop().await;
}
