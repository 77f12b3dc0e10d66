//! Barriers: the consume loop passes one on behind everything that it has announced before.

use super::bench::{PATIENCE, QUIET, next, publish, subscribe, wait_for_depth};
use super::topology;
use crate::consume::{Consumer, Declares};
use crate::handler::{BatchHandler, Item, Performed, Unavailable};
use crate::port::{Broker, Outgoing, Publish, ReplyTo};
use crate::settle::Outcome;
use crate::topology::{FANOUT, PERSIST};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_metrics::Metrics;
use eventflow_protocol::codec;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::reshard::{Barrier, BarrierPassed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long an announcement takes here, so that a barrier could overtake it.
const ANNOUNCES: Duration = Duration::from_millis(100);

/// Runs every check of this group.
pub async fn check_all(broker: Arc<dyn Broker>) {
    a_barrier_comes_behind_the_events_of_everything_before_it(&broker).await;
    the_last_queue_answers_a_barrier(&broker).await;
    a_barrier_that_was_delivered_before_is_dropped(&broker).await;
    a_handler_forgets_before_a_barrier_goes_on(&broker).await;
}

/// The next queue gets the events of all frames before the barrier, and then the barrier.
pub async fn a_barrier_comes_behind_the_events_of_everything_before_it(broker: &Arc<dyn Broker>) {
    let (queue, events) = (PERSIST.shard(0), FANOUT.shard(0));
    let (mut publisher, _answers) = asking(&**broker).await;
    let mut messages: Vec<Outgoing> =
        (0..3).map(|number| Outgoing::to_queue(queue.name(), frame_of(number))).collect();
    messages.push(barrier(queue.name(), vec![events.name().to_owned()]).1);
    for result in publisher.publish(messages).await {
        result.expect("a message for a queue that exists is confirmed");
    }
    let consuming = async {
        let mut passed = subscribe(&**broker, events.name(), 10).await;
        for number in 0..3_u32 {
            let frame = next(&mut passed).await;
            assert_eq!(frame.payload, frame_of(number), "the barrier comes last");
            passed.ack(&[frame.tag]).await.expect("the subscription lives");
        }
        let last = next(&mut passed).await;
        let passed_on: Barrier = codec::decode(&last.payload).expect("the barrier");
        assert!(passed_on.then.is_empty() && last.reply_to.is_some(), "{last:?}");
        passed.ack(&[last.tag]).await.expect("the subscription lives");
    };
    while_consumed(broker, queue.name(), consuming).await;
}

/// Where nothing is left to pass, the answer goes to whoever sent the barrier.
pub async fn the_last_queue_answers_a_barrier(broker: &Arc<dyn Broker>) {
    let queue = PERSIST.shard(1);
    let (mut publisher, mut answers) = asking(&**broker).await;
    let (id, message) = barrier(queue.name(), Vec::new());
    publisher.publish(vec![message]).await.remove(0).expect("the queue exists");
    let answered = async {
        let answer =
            timeout(PATIENCE, answers.recv()).await.expect("an answer").expect("the channel is open");
        assert_eq!(
            codec::decode::<BarrierPassed>(&answer).expect("an answer"),
            BarrierPassed { barrier: id }
        );
    };
    while_consumed(broker, queue.name(), answered).await;
}

/// What came back with it may be behind it.
pub async fn a_barrier_that_was_delivered_before_is_dropped(broker: &Arc<dyn Broker>) {
    let queue = PERSIST.shard(1);
    let (mut publisher, mut answers) = asking(&**broker).await;
    publisher.publish(vec![barrier(queue.name(), Vec::new()).1]).await.remove(0).expect("the queue exists");
    let mut dies = subscribe(&**broker, queue.name(), 1).await;
    next(&mut dies).await;
    drop(dies);
    let silence = async {
        assert!(timeout(QUIET, answers.recv()).await.is_err(), "it proves nothing");
    };
    while_consumed(broker, queue.name(), silence).await;
    wait_for_depth(&**broker, queue.name(), 0).await;
}

/// Behind the barrier the queue's threads may be another process's, or come back from there.
pub async fn a_handler_forgets_before_a_barrier_goes_on(broker: &Arc<dyn Broker>) {
    let (queue, events) = (PERSIST.shard(1), FANOUT.shard(0));
    let handler = Arc::new(Slow::over(broker));
    let (mut publisher, mut answers) = asking(&**broker).await;
    let checked = async {
        // The first message comes alone and makes the consumer subscribe again; the second comes after that.
        publish(&**broker, (0..2).map(|number| Outgoing::to_queue(queue.name(), frame_of(number))).collect())
            .await;
        let mut passed = subscribe(&**broker, events.name(), 10).await;
        for _ in 0..2 {
            let frame = next(&mut passed).await;
            passed.ack(&[frame.tag]).await.expect("the subscription lives");
        }
        let before = handler.forgot.load(SeqCst);
        publisher
            .publish(vec![barrier(queue.name(), Vec::new()).1])
            .await
            .remove(0)
            .expect("the queue exists");
        timeout(PATIENCE, answers.recv()).await.expect("an answer").expect("the channel is open");
        assert_eq!(handler.forgot.load(SeqCst), before + 1, "it forgets, once");
    };
    while_consumed_by(&handler, broker, queue.name(), checked).await;
}

async fn asking(broker: &dyn Broker) -> (Box<dyn Publish>, mpsc::Receiver<Bytes>) {
    let (replies, answers) = mpsc::channel(4);
    (broker.publisher(Some(replies)).await.expect("a publisher can be opened"), answers)
}

fn barrier(queue: &str, then: Vec<String>) -> (Uuid, Outgoing) {
    let id = Uuid::now_v7();
    let payload = codec::encode(&Barrier { barrier: id, then }).expect("a barrier can be encoded");
    (id, Outgoing { reply_to: Some(ReplyTo::Me), ..Outgoing::to_queue(queue, payload) })
}

/// Consumes a queue of commands until `check` is done.
async fn while_consumed(broker: &Arc<dyn Broker>, queue: &str, check: impl Future<Output = ()>) {
    while_consumed_by(&Arc::new(Slow::over(broker)), broker, queue, check).await;
}

/// The same by a handler that the check can look at.
async fn while_consumed_by(
    handler: &Arc<Slow>,
    broker: &Arc<dyn Broker>,
    queue: &str,
    check: impl Future<Output = ()>,
) {
    let metrics = Metrics::default().bus.queue(queue);
    let declares = Declares::Topology(topology());
    let consumer = Consumer::new(Arc::clone(broker), queue, declares, Arc::clone(handler), metrics);
    let shutdown = CancellationToken::new();
    let checked = async {
        check.await;
        shutdown.cancel();
    };
    tokio::join!(consumer.run(shutdown.clone()), checked);
}

fn frame_of(number: u32) -> Bytes {
    let body = codec::encode(&number).expect("a number can be encoded");
    let envelope = Envelope { id: Uuid::from_u128(number.into()), attempt: 0, body, trace: None };
    Frame::of(envelope).encode().expect("a frame of a number can be encoded")
}

/// Announces what it gets, one by one and slowly.
struct Slow {
    broker: Arc<dyn Broker>,
    /// How often it was told to forget.
    forgot: AtomicU32,
}

impl Slow {
    fn over(broker: &Arc<dyn Broker>) -> Self {
        Self { broker: Arc::clone(broker), forgot: AtomicU32::new(0) }
    }
}

#[async_trait]
impl BatchHandler for Slow {
    type Value = u32;
    type Outbox = Vec<u32>;

    fn forget(&self) {
        self.forgot.fetch_add(1, SeqCst);
    }

    async fn perform(&self, batch: &[Item<u32>]) -> Result<Performed<Vec<u32>>, Unavailable> {
        let outbox = batch.iter().map(|item| item.value).collect();
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox })
    }

    async fn announce(&self, outbox: &Vec<u32>) -> Result<(), Unavailable> {
        // sleep: an announcement that takes its time
        sleep(ANNOUNCES).await;
        let event = |number: &u32| Outgoing::to_queue(FANOUT.shard(0).name(), frame_of(*number));
        publish(&*self.broker, outbox.iter().map(event).collect()).await;
        Ok(())
    }
}
