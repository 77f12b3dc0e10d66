//! A shard that was at another worker: what its worker remembers from before is out of date.

use super::stage::{embedded, fanout_over};
use async_trait::async_trait;
use eventflow_bus::consume::{Consumer, Declares};
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::Outgoing;
use eventflow_bus::topology::{FANOUT, Topology, gateway};
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{Scene, append, at, commanded};
use eventflow_ports::{MemoryRegistry, Registry as _, Store as _};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::{CommandId, GatewayId, Timestamp, codec};
use eventflow_testkit::PATIENCE;
use eventflow_workers::fanout::Fanout;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Somebody who left and came back while the shard was elsewhere hears what is said once it is here again.
#[tokio::test(flavor = "multi_thread")]
async fn who_came_back_while_the_shard_was_elsewhere_hears_what_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (store, broker) = embedded(folder.path()).await;
    let scene = Scene::with_people(&*store, 3).await;
    let ben = scene.people[1].clone();
    let thread_id = scene.thread;
    let registry = Arc::new(MemoryRegistry::default());
    let id = GatewayId::new();
    broker.declare_gateway(&id).await.unwrap();
    registry.enter(&id, std::slice::from_ref(&ben)).await.unwrap();
    let parts = fanout_over(Arc::clone(&store), Arc::clone(&broker), registry);
    let stage = Fanout::open(0, parts, &Metrics::default()).await.unwrap();
    let heard = async |text: &str| {
        let message = append(&*store, &[scene.say(0, text)]).await.remove(0);
        let value = Event::MessageStored { message, repeated: false };
        let item =
            Item { id: value.id().0, attempt: 0, redelivered: false, value, reply_to: None, trace: None };
        let performed = stage.perform(&[item]).await.unwrap();
        stage.announce(&performed.outbox).await.unwrap();
        broker.depth(gateway(&id).name()).await.unwrap().ready
    };
    assert_eq!(heard("to all").await, 1);
    let leave = LeaveThread { thread_id, user_id: ben.clone(), at: at(2) };
    store.leave(&commanded(leave)).await.unwrap();
    stage.forget();
    assert_eq!(heard("while ben is not in the thread").await, 1);
    let thread = store.thread(thread_id).await.unwrap().unwrap();
    let participants = scene.people.clone();
    let back = CreateThread {
        thread_id,
        participants,
        metadata: thread.metadata,
        group: None,
        created_by: ben,
        at: at(3),
    };
    assert!(store.create_thread(&back).await.unwrap().1, "ben is back");
    stage.forget();
    assert_eq!(heard("to all again").await, 2);
}

/// Counts how often it is told to forget, and takes what comes.
#[derive(Default)]
struct Counted {
    forgot: AtomicU32,
    /// How often it had been told when the first message came.
    at_first: AtomicU32,
}

#[async_trait]
impl BatchHandler for Counted {
    type Value = Event;
    type Outbox = ();

    fn forget(&self) {
        self.forgot.fetch_add(1, SeqCst);
    }

    async fn perform(&self, batch: &[Item<Event>]) -> Result<Performed<()>, Unavailable> {
        let _ = self.at_first.compare_exchange(0, self.forgot.load(SeqCst), SeqCst, SeqCst);
        Ok(Performed {
            outcomes: batch.iter().map(|_| eventflow_bus::settle::Outcome::Done).collect(),
            outbox: (),
        })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// Each time that a queue is consumed anew its handler is told, before anything comes of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_is_told_that_its_queue_is_consumed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (_, broker) = embedded(folder.path()).await;
    let handler = Arc::new(Counted::default());
    let queue = FANOUT.shard(0);
    let series = Metrics::default().bus.queue(queue.name());
    let declares = Declares::Topology(Topology::new(1));
    let consumer = Consumer::new(Arc::clone(&broker), queue.name(), declares, Arc::clone(&handler), series);
    let mut before = 0;
    for _ in 0..2 {
        let event = Event::PresenceChosen {
            user_id: "ann".parse().unwrap(),
            wants_away: true,
            command: CommandId::new(),
            at: Timestamp(1),
        };
        let body = codec::encode(&event).unwrap();
        let frame = Frame::of(Envelope { id: event.id().0, attempt: 0, body, trace: None });
        let outgoing = vec![Outgoing::to_queue(queue.name(), frame.encode().unwrap())];
        broker.publisher(None).await.unwrap().publish(outgoing).await.into_iter().for_each(Result::unwrap);
        handler.at_first.store(0, SeqCst);
        let stop = CancellationToken::new();
        let run = async {
            let done = async {
                while handler.at_first.load(SeqCst) == 0 {
                    tokio::task::yield_now().await;
                }
                stop.cancel();
            };
            tokio::join!(consumer.run(stop.clone()), done)
        };
        timeout(PATIENCE, run).await.expect("what is in the queue comes");
        assert!(handler.at_first.load(SeqCst) > before, "it was told before the message came");
        before = handler.forgot.load(SeqCst);
    }
}
