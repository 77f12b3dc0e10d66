//! What came back to a queue is handled in its order, whatever the consumers do that come next. Needs
//! `RABBITMQ_URL` and `RABBITMQ_MANAGEMENT_URL`.

mod rabbit;
mod workers;

use eventflow_amqp::AmqpBroker;
use eventflow_bus::port::{Broker, Outgoing};
use eventflow_bus::topology::PERSIST;
use eventflow_metrics::Metrics;
use rabbit::{Rabbit, eventually};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workers::{Ledger, Recorder, SHARDS, frame};

/// Fewer than a consumer takes ahead, so a consumer that dies has all of them in hand.
const CAME_BACK: u64 = 40;
/// Times that a test is repeated: whether an acknowledgement overtakes a close is the broker's to decide.
const ROUNDS: usize = 8;

struct Recording {
    stop: CancellationToken,
    task: JoinHandle<()>,
    handled: Arc<AtomicU64>,
    permits: Arc<Semaphore>,
}

impl Recording {
    /// Starts a consumer that may handle as many batches as there are `permits`.
    fn start(broker: &Arc<AmqpBroker>, shard: u16, ledger: &Ledger, permits: usize) -> Self {
        let (handled, permits) = (Arc::<AtomicU64>::default(), Arc::new(Semaphore::new(permits)));
        let recorder = Recorder {
            shard,
            ledger: ledger.clone(),
            handled: Arc::clone(&handled),
            permits: Arc::clone(&permits),
        };
        let consumer = recorder.consumer(broker.clone(), &Metrics::default());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        #[allow(clippy::disallowed_methods, reason = "the test awaits it")]
        let task = tokio::spawn(async move { consumer.run(stopped).await });
        Self { stop, task, handled, permits }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("a consumer ends in order");
    }
}

/// Publishes numbers, and lets a consumer take all of them and die.
async fn come_back(broker: &Arc<AmqpBroker>, shard: u16) {
    let queue = PERSIST.shard(shard);
    let mut publisher = broker.publisher(None).await.expect("a publisher can be opened");
    let frames = (0..CAME_BACK).map(|number| Outgoing::to_queue(queue.name().to_owned(), frame(number)));
    for result in publisher.publish(frames.collect()).await {
        result.expect("the broker is up");
    }
    let mut dies = broker.subscribe(queue.name(), 64).await.expect("the queue is there");
    for _ in 0..CAME_BACK {
        dies.next().await.expect("the subscription lives");
    }
    dies.cancel().await.expect("the channel closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_handles_in_order_what_came_back() {
    for _ in 0..ROUNDS {
        let rabbit = Rabbit::start("came-back").await;
        let (broker, ledger) = (rabbit.broker().await, Ledger::default());
        let mut consumers = Vec::new();
        for shard in 0..SHARDS {
            come_back(&broker, shard).await;
            consumers.push(Recording::start(&broker, shard, &ledger, 1_000));
        }
        ledger.is_complete_and_in_order(CAME_BACK).await;
        for consumer in consumers {
            consumer.end().await;
        }
        rabbit.stop().await;
    }
}

/// The first of two consumers ends while it handles the first message that came back.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_ends_with_a_message_in_hand_lets_nothing_overtake_it() {
    for _ in 0..ROUNDS {
        let rabbit = Rabbit::start("ends").await;
        let (broker, ledger) = (rabbit.broker().await, Ledger::default());
        let mut heirs = Vec::new();
        for shard in 0..SHARDS {
            come_back(&broker, shard).await;
            let first = Recording::start(&broker, shard, &ledger, 0);
            let queue = PERSIST.shard(shard);
            eventually("the first message is in hand", async || {
                let depth = broker.depth(queue.name()).await.expect("the queue is there");
                depth.consumers == 1 && depth.ready == CAME_BACK - 1
            })
            .await;
            heirs.push(Recording::start(&broker, shard, &ledger, 1_000));
            first.stop.cancel();
            first.permits.add_permits(1_000);
            first.end().await;
        }
        ledger.is_complete_and_in_order(CAME_BACK).await;
        for heir in heirs {
            assert!(heir.handled.load(Ordering::Relaxed) >= CAME_BACK - 1, "the heir did the rest");
            heir.end().await;
        }
        rabbit.stop().await;
    }
}
