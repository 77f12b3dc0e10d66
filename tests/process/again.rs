//! Lost answers: a step that was carried out and whose answer got lost is carried out again and announced.

use super::stage::{embedded, parts_over};
use async_trait::async_trait;
use eventflow_bus::consume::{Consumer, Declares};
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::Outgoing;
use eventflow_bus::topology::{CURSORS, FANOUT, Topology};
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{Scene, append};
use eventflow_ports::{Clock, SystemClock};
use eventflow_protocol::CommandId;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::codec;
use eventflow_protocol::command::Command;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_workers::persistence::{CommandOutbox, Persistence};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PATIENCE: Duration = Duration::from_secs(20);

/// A store that carries everything out and loses its first answer.
struct AnswerLost {
    stage: Persistence,
    performed: AtomicU32,
}

#[async_trait]
impl BatchHandler for AnswerLost {
    type Value = Command;
    type Outbox = CommandOutbox;

    async fn perform(&self, batch: &[Item<Command>]) -> Result<Performed<CommandOutbox>, Unavailable> {
        let performed = self.stage.perform(batch).await?;
        match self.performed.fetch_add(1, SeqCst) {
            0 => Err(Unavailable { what: "the store", source: "the answer got lost".into() }),
            _ => Ok(performed),
        }
    }

    async fn announce(&self, outbox: &CommandOutbox) -> Result<(), Unavailable> {
        self.stage.announce(outbox).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_hear_that_somebody_has_read_although_the_stores_answer_got_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (store, broker) = embedded(folder.path()).await;
    let (topology, metrics) = (Topology::new(1), Metrics::default());
    let scene = Scene::with_people(&*store, 2).await;
    append(&*store, &scene.talk(2)).await;

    let thread_id = scene.thread;
    let user_id = scene.people[0].clone();
    let at = SystemClock.now();
    let advance =
        AdvanceCursor { thread_id, user_id: user_id.clone(), cursor: Cursor::Read, up_to: Some(2), at };
    let body = codec::encode(&Command::AdvanceCursor(advance)).unwrap();
    let payload =
        Frame::of(Envelope { id: CommandId::new().0, attempt: 0, body, trace: None }).encode().unwrap();
    let queue = CURSORS.shard(0);
    let sent =
        broker.publisher(None).await.unwrap().publish(vec![Outgoing::to_queue(queue.name(), payload)]).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");

    let stage =
        Persistence::open(&CURSORS, 0, parts_over(store, Arc::clone(&broker)), &metrics).await.unwrap();
    let handler = Arc::new(AnswerLost { stage, performed: AtomicU32::new(0) });
    let series = metrics.bus.queue(queue.name());
    let consumer = Consumer::new(
        Arc::clone(&broker),
        queue.name(),
        Declares::Topology(topology),
        Arc::clone(&handler),
        series,
    );
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let stopped = stop.clone();
    tasks.spawn(async move { consumer.run(stopped).await });
    tasks.close();

    let mut told = broker.subscribe(FANOUT.shard(0).name(), 1).await.unwrap();
    let frame = timeout(PATIENCE, told.next()).await.expect("nobody is told").unwrap();
    let events: Vec<Event> = Frame::decode(&frame.payload)
        .unwrap()
        .items
        .iter()
        .map(|item| codec::decode(&item.body).unwrap())
        .collect();
    let has_read = |event: &Event| matches!(event, Event::CursorAdvanced { user_id: who, up_to: 2, .. } if *who == user_id);
    assert!(events.iter().any(has_read), "{events:?}");
    assert_eq!(handler.performed.load(SeqCst), 2);
    stop.cancel();
    timeout(PATIENCE, tasks.wait()).await.expect("the worker ends when it is told to");
}
