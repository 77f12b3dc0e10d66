//! What an operator asks a real RabbitMQ. Needs `RABBITMQ_URL` and `RABBITMQ_MANAGEMENT_URL`.

mod rabbit;

use eventflow_amqp::{Inspection, QueueFinding};
use eventflow_bus::contract::topology;
use eventflow_bus::port::Broker as _;
use eventflow_bus::topology::{EMAIL, PERSIST, Topology};
use rabbit::Rabbit;
use serde_json::json;

async fn found(inspection: &Inspection, queue: &str) -> QueueFinding {
    let queues = inspection.queues(&topology()).await;
    let (_, finding) =
        queues.into_iter().find(|(spec, _)| spec.name == queue).expect("it is of the topology");
    finding
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topology_that_is_declared_fits_and_one_that_is_not_is_missing_and_is_not_made() {
    let rabbit = Rabbit::start("inspect").await;
    let inspection = Inspection::open(&rabbit.config()).await.expect("it connects");
    for _ in 0..2 {
        let queues = inspection.queues(&topology()).await;
        assert!(queues.iter().all(|(_, finding)| matches!(finding, QueueFinding::Missing)), "{queues:?}");
        assert_eq!(inspection.wrong_exchanges(&topology()).await.len(), 8);
    }
    rabbit.broker().await;
    let queues = inspection.queues(&topology()).await;
    assert!(queues.iter().all(|(_, finding)| matches!(finding, QueueFinding::Fits(_))), "{queues:?}");
    assert_eq!(inspection.wrong_exchanges(&topology()).await, [] as [(String, String); 0]);
    inspection.try_out().await.expect("this user may do everything");
    let version = Inspection::version(&rabbit.config()).await.expect("it says its version");
    assert!(version.split('.').count() >= 3, "{version}");
    inspection.close().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_differs_and_one_of_another_number_of_shards_are_found() {
    let rabbit = Rabbit::start("inspect-differs").await;
    let broker = rabbit.broker().await;
    let inspection = Inspection::open(&rabbit.config()).await.expect("it connects");
    rabbit.delete_queue(EMAIL.name()).await;
    assert!(matches!(found(&inspection, EMAIL.name()).await, QueueFinding::Missing));
    // The same name, without the limit of deliveries and without a place for its dead letters.
    let plain = json!({ "durable": true, "arguments": { "x-queue-type": "quorum" } });
    rabbit.put("queues", EMAIL.name(), plain).await;
    match found(&inspection, EMAIL.name()).await {
        QueueFinding::Differs(words) => assert!(words.contains("PRECONDITION_FAILED"), "{words}"),
        finding => panic!("{finding:?}"),
    }
    let smaller = Topology::new(1);
    let left: Vec<String> = inspection.leftovers(&smaller).await.into_iter().map(|(name, _)| name).collect();
    assert!(left.contains(&PERSIST.shard(1).name().to_owned()) && left.len() == 6, "{left:?}");
    drop(broker);
    inspection.close().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_cannot_be_consumed_is_found_and_one_that_can_loses_nothing_by_the_question() {
    let rabbit = Rabbit::start("inspect-consume").await;
    let broker = rabbit.broker().await;
    let inspection = Inspection::open(&rabbit.config()).await.expect("it connects");
    let queue = PERSIST.shard(0).name().to_owned();
    assert_eq!(inspection.consuming_fails(&queue).await.expect("it answers"), None);
    assert_eq!(
        broker.depth(&queue).await.expect("it is there").consumers,
        0,
        "the question leaves no consumer"
    );
    rabbit.permit_reading("^nothing$").await;
    // The broker remembers for each channel what a user may do.
    let words = inspection.consuming_fails(&queue).await.expect("it answers").expect("consuming fails");
    assert!(words.contains("ACCESS_REFUSED"), "{words}");
    rabbit.permit_reading(".*").await;
    inspection.close().await;
    rabbit.stop().await;
}
