//! What a role's user may do at a real RabbitMQ: its own work, and nothing beyond. Needs `RABBITMQ_URL` and
//! `RABBITMQ_MANAGEMENT_URL`.

mod rabbit;

use bytes::Bytes;
use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::port::{Broker, BrokerError, Destination, Health, Outgoing, ReplyTo};
use eventflow_bus::reshard::log::ShardLog as _;
use eventflow_bus::rights::Uses;
use eventflow_bus::topology::{Delay, EMAIL, FANOUT, NOTIFY, PERSIST, PRESENCE, Topology, dead, gateway};
use eventflow_protocol::GatewayId;
use rabbit::{Rabbit, eventually, until};
use std::sync::Arc;

const PREFETCH: u16 = 10;
const CHANNELS: usize = 8;

async fn publish(broker: &AmqpBroker, to: Destination) -> Result<(), BrokerError> {
    let message = Outgoing { to, ..Outgoing::to_queue("", Bytes::from_static(b"x")) };
    let mut publisher = broker.publisher(None).await.expect("there is a connection");
    publisher.publish(vec![message]).await.remove(0)
}

fn retry(queue: &str) -> Destination {
    Destination::Retry { delay: Delay::OneSecond, queue: queue.to_owned() }
}

/// A broker with the topology, and one connected as a user with the rights of `uses`.
async fn as_user(name: &str, uses: &Uses) -> (Rabbit, Arc<AmqpBroker>) {
    let rabbit = Rabbit::start(name).await;
    rabbit.broker().await;
    let broker = rabbit.connect_as(name, &uses.rights()).await;
    (rabbit, broker)
}

#[tokio::test]
async fn a_worker_consumes_its_shards_says_hello_and_parks_what_fails_and_takes_no_other_queue() {
    let (rabbit, broker) = as_user("rights-worker", &Uses::default().shards(&PERSIST)).await;
    broker.declare(&eventflow_bus::contract::topology()).await.expect("what is there need not be made");
    let own = PERSIST.shard(0);
    broker.subscribe(own.name(), PREFETCH).await.expect("its own shard");
    let mut hellos = broker.hellos().await.expect("a queue of its own");
    hellos.say(Bytes::from_static(b"hello")).await.expect("the exchange of workers");
    assert_eq!(hellos.hear().await.expect("its own hello"), "hello");
    publish(&broker, Destination::Queue(FANOUT.shard(0).name().to_owned())).await.expect("the next stage");
    publish(&broker, retry(own.name())).await.expect("the retry ladder");
    publish(&broker, Destination::Queue(dead(own.name()))).await.expect("the dead letters");

    for foreign in [FANOUT.shard(0).name(), NOTIFY.name(), &dead(own.name())] {
        assert!(broker.subscribe(foreign, PREFETCH).await.is_err(), "{foreign} belongs to others");
    }
    assert!(
        publish(&broker, Destination::AllGateways).await.is_err(),
        "only fan-out and presence tell all gateways"
    );
    assert!(broker.declare_gateway(&GatewayId::new()).await.is_err(), "it is no gateway");
    rabbit.stop().await;
}

#[tokio::test]
async fn a_gateway_makes_consumes_and_deletes_its_queue_and_reads_no_work() {
    let (rabbit, broker) = as_user("rights-gateway", &Uses::default().gateway_queue()).await;
    let id = GatewayId::new();
    assert!(!broker.declare_gateway(&id).await.expect("its own queue"), "it is new");
    assert!(broker.declare_gateway(&id).await.expect("again"), "it is there");
    broker.subscribe(gateway(&id).name(), PREFETCH).await.expect("its own queue");
    publish(&broker, Destination::Queue(PERSIST.shard(0).name().to_owned())).await.expect("commands");
    broker.remove_gateway(&id).await.expect("its own queue");

    for foreign in [PERSIST.shard(0).name(), PRESENCE.name(), EMAIL.name()] {
        assert!(broker.subscribe(foreign, PREFETCH).await.is_err(), "{foreign} is work");
    }
    assert!(broker.hellos().await.is_err(), "it is no worker");
    rabbit.stop().await;
}

#[tokio::test]
async fn a_user_who_may_not_configure_leaves_the_queues_to_an_operator() {
    let rabbit = Rabbit::start("rights-empty").await;
    let broker = rabbit.connect_as("rights-empty", &Uses::default().queue(&PRESENCE).rights()).await;
    let topology = Topology::new(1);
    broker.declare(&topology).await.expect("it is no business of this user");
    let missing = broker.subscribe(PRESENCE.name(), PREFETCH).await.err().expect("nobody has made it");
    assert!(matches!(missing, BrokerError::Unroutable(_)), "{missing}");
    rabbit.connect().await.declare(&topology).await.expect("an operator may");
    broker.subscribe(PRESENCE.name(), PREFETCH).await.expect("now it is there");
    rabbit.stop().await;
}

#[tokio::test]
async fn a_connection_outlives_more_refusals_than_it_has_channels() {
    let rabbit = Rabbit::start("rights-channels").await;
    rabbit.broker().await;
    let config =
        AmqpConfig::new(format!("{}?channel_max={CHANNELS}", rabbit.config().url), "rights-channels");
    let broker = AmqpBroker::connect(config).expect("the url is one");
    until(&broker, &Health::Up).await;
    for _ in 0..4 * CHANNELS {
        // Not there; while the connection is renewed, not reachable.
        assert!(broker.depth("missing").await.is_err());
    }
    eventually("the broker answers again", async || broker.depth(PRESENCE.name()).await.is_ok()).await;
    broker.shutdown().await;
    rabbit.stop().await;
}

#[tokio::test]
async fn a_role_that_consumes_nothing_publishes_to_queues_and_hears_its_replies() {
    let (rabbit, broker) = as_user("rights-publisher", &Uses::default()).await;
    until(&broker, &Health::Up).await;
    let (replies, _heard) = tokio::sync::mpsc::channel(1);
    let mut publisher = broker.publisher(Some(replies)).await.expect("there is a connection");
    let message = Outgoing::to_queue(PERSIST.shard(0).name(), Bytes::from_static(b"x"));
    let message = Outgoing { reply_to: Some(ReplyTo::Me), ..message };
    publisher.publish(vec![message]).await.remove(0).expect("a command that asks for its answer");
    assert!(broker.subscribe(PERSIST.shard(0).name(), PREFETCH).await.is_err(), "it consumes nothing");
    rabbit.stop().await;
}

#[tokio::test]
async fn who_shows_operators_the_pipeline_tells_every_gateway_and_follows_the_number_of_shards() {
    let uses = Uses::default().shard_log().looks().all_gateways();
    let (rabbit, broker) = as_user("rights-console", &uses).await;
    publish(&broker, Destination::AllGateways).await.expect("somebody's sockets end at every gateway");
    let mut heard = broker.hellos().await.expect("a queue of its own");
    let mut worker = rabbit.connect().await.hellos().await.expect("a worker's queue");
    worker.say(Bytes::from_static(b"hello")).await.expect("a worker says hello");
    assert_eq!(heard.hear().await.expect("the worker's hello"), "hello");
    heard.say(Bytes::from_static(b"gateway")).await.expect("a gateway says hello too");
    broker.append(Bytes::from_static(b"record")).await.expect("the shard log");
    let mut records = broker.read().await.expect("the shard log");
    assert_eq!(records.next().await.expect("what was appended"), "record");
    for queue in [PERSIST.shard(0).name(), &dead(PERSIST.shard(0).name())] {
        broker.depth(queue).await.expect("how full a queue is");
        assert!(broker.subscribe(queue, PREFETCH).await.is_err(), "{queue} is work");
    }
    rabbit.stop().await;
}
