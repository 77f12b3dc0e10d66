//! Dead letters on the embedded backends: collected whatever they are, sent back once, and never lost.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use bytes::Bytes;
use eventflow_bus::consume::{Consumer, Declares};
use eventflow_bus::port::{Broker, Headers, Incoming, Outgoing};
use eventflow_bus::topology::{PERSIST, Topology, dead, gateway};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::{KeptOutcome, Metrics, ReplayOutcome};
use eventflow_ports::{AuditPage, Clock as _, DeadLetters, FixedClock, LetterOrder, LetterPage, ticks};
use eventflow_protocol::command::{Command, LeaveThread};
use eventflow_protocol::dead_letters::{
    Carried, Cause, DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterState, Replay, ReplayId,
    ReplayState, WhichLetters,
};
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::{GatewayId, ThreadId, Timestamp, codec};
use eventflow_workers::dead_letters::{Collector, DeadLetterParts, Replayer};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const START: Timestamp = Timestamp(1_800_000_000_000);
/// The end of everything that a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A broker and a store in a folder of their own.
struct Stage {
    broker: Arc<dyn Broker>,
    letters: Arc<dyn DeadLetters>,
    clock: Arc<FixedClock>,
    metrics: Metrics,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let clock = Arc::new(FixedClock::at(START));
        let broker = EmbeddedBroker::open(database.clone(), Arc::clone(&clock) as _).await.unwrap();
        broker.declare(&Topology::new(1)).await.unwrap();
        let letters = Arc::new(EmbeddedStore::open(database).await.unwrap());
        Self { broker: Arc::new(broker), letters, clock, metrics: Metrics::default(), _folder: folder }
    }

    fn parts(&self) -> DeadLetterParts {
        DeadLetterParts {
            letters: Arc::clone(&self.letters),
            broker: Arc::clone(&self.broker),
            clock: Arc::clone(&self.clock) as _,
            topology: Topology::new(1),
            kept: Duration::from_hours(24),
        }
    }

    async fn publish(&self, messages: Vec<Outgoing>) {
        let mut publisher = self.broker.publisher(None).await.unwrap();
        for result in publisher.publish(messages).await {
            result.unwrap();
        }
    }

    /// Runs the collector of a queue until it has kept so many letters, counted from the start of the stage.
    async fn collect(&self, queue: &str, letters: u64) {
        let handler = Arc::new(Collector::new(queue, self.parts(), &self.metrics));
        let declares = Declares::Topology(Topology::new(1));
        let series = self.metrics.bus.queue(queue);
        let consumer = Consumer::new(Arc::clone(&self.broker), queue, declares, handler, series);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stopped = stop.clone();
        tasks.spawn(async move { consumer.run(stopped).await });
        let mut looks = ticks(LOOK_EVERY);
        let all = async {
            while self.kept() < letters {
                looks.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("everything is collected");
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }

    fn kept(&self) -> u64 {
        let kept = |outcome| self.metrics.dead_letters.kept.of(outcome).get();
        kept(KeptOutcome::New) + kept(KeptOutcome::Again) + kept(KeptOutcome::Before)
    }

    async fn replay(&self, which: WhichLetters) -> ReplayId {
        self.replay_at(which, 1_000).await
    }

    async fn replay_at(&self, which: WhichLetters, per_second: u32) -> ReplayId {
        let replay = Replay {
            id: ReplayId::new(),
            by: "root".parse().unwrap(),
            why: "repaired".to_owned(),
            which,
            per_second,
            total: 0,
            created_at: self.clock.now(),
            state: ReplayState::Running,
            ended_at: None,
            cursor: None,
            claimable_at: Some(self.clock.now()),
        };
        self.letters.add_replay(&replay).await.unwrap();
        replay.id
    }

    async fn work(&self) {
        let mut replayer = Replayer::open(self.parts(), &self.metrics).await.unwrap();
        replayer.work(&CancellationToken::new()).await.unwrap();
    }

    /// Takes everything out of a queue.
    async fn drain(&self, queue: &str) -> Vec<Incoming> {
        let ready = self.broker.depth(queue).await.unwrap().ready;
        let mut subscription = self.broker.subscribe(queue, 0).await.unwrap();
        let mut found = Vec::new();
        for _ in 0..ready {
            let incoming = subscription.next().await.unwrap();
            subscription.ack(&[incoming.tag]).await.unwrap();
            found.push(incoming);
        }
        found
    }

    async fn letters(&self) -> Vec<DeadLetter> {
        let page = LetterPage { after: None, limit: 100, order: LetterOrder::OldestFirst };
        self.letters.dead_letters(&LetterFilter::default(), page).await.unwrap()
    }
}

fn everything() -> WhichLetters {
    let which = LetterFilter { state: Some(LetterState::Waiting), ..LetterFilter::default() };
    WhichLetters::Matching(which)
}

fn envelope(number: u8) -> Envelope {
    let thread_id = ThreadId::from_bytes([number; 12]);
    let leave = LeaveThread { thread_id, user_id: "ann".parse().unwrap(), at: START };
    let body = codec::encode(&Command::LeaveThread(leave)).unwrap();
    Envelope { id: Uuid::from_u128(number.into()), attempt: 7, body, trace: None }
}

fn parked(payload: Bytes, reason: &str) -> Outgoing {
    let queue = PERSIST.shard(0).name().to_owned();
    let headers = Headers { attempt: 7, reason: Some(reason.to_owned()), origin: Some(queue.clone()) };
    Outgoing { headers, ..Outgoing::to_queue(dead(&queue), payload) }
}

fn dead_persist() -> String {
    dead(PERSIST.shard(0).name())
}

#[tokio::test]
async fn whatever_is_in_a_dead_letter_queue_gets_into_the_store_and_out_of_the_queue() {
    let stage = Stage::new().await;
    let several = Frame { items: vec![envelope(1), envelope(2)], generation: None }.encode().unwrap();
    let unreadable = Envelope { body: Bytes::from_static(b"\x01junk"), ..envelope(3) };
    let large = Bytes::from(vec![0xc1; 300 * 1024]);
    stage
        .publish(vec![
            parked(several.clone(), "delivery_limit"),
            parked(Frame::of(unreadable).encode().unwrap(), "decode a body"),
            parked(large.clone(), "decode"),
            parked(Bytes::new(), ""),
            parked(several, "delivery_limit"),
        ])
        .await;
    stage.collect(&dead_persist(), 7).await;
    let letters = stage.letters().await;
    let causes = |cause| letters.iter().filter(|letter| letter.cause == cause).count();
    assert_eq!((causes(Cause::KilledWorker), causes(Cause::Unreadable), letters.len()), (2, 3, 5));
    let whole = letters.iter().find(|letter| letter.size() == large.len() as u64).unwrap();
    assert_eq!(whole.id.carried, Carried::Message);
    assert_eq!(stage.letters.letter_body(whole, 1).await.unwrap(), Some(large));
    assert_eq!(stage.drain(&dead_persist()).await.len(), 0);
}

#[tokio::test]
async fn a_replay_sends_each_letter_once_with_its_id_and_without_its_attempts() {
    let stage = Stage::new().await;
    let frames = (1..=3).map(|number| parked(Frame::of(envelope(number)).encode().unwrap(), "no"));
    let junk = Envelope { body: Bytes::from_static(b"\x01junk"), ..envelope(4) };
    stage.publish(frames.chain([parked(Frame::of(junk).encode().unwrap(), "decode a body")]).collect()).await;
    stage.collect(&dead_persist(), 4).await;
    let replay = stage.replay(everything()).await;
    for _ in 0..2 {
        stage.work().await;
    }
    let sent = stage.drain(PERSIST.shard(0).name()).await;
    let mut ids: Vec<Uuid> = Vec::new();
    for message in &sent {
        let [envelope] = Frame::decode(&message.payload).unwrap().items.try_into().expect("one each");
        assert_eq!((envelope.attempt, message.headers.is_published_again()), (0, true));
        ids.push(envelope.id);
    }
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3].map(Uuid::from_u128));
    let counts = stage.letters.replay_counts(replay).await.unwrap();
    assert_eq!((counts.replayed, counts.refused), (3, 1));
    let counted = [ReplayOutcome::Sent, ReplayOutcome::Refused]
        .map(|outcome| stage.metrics.dead_letters.replayed.of(outcome).get());
    assert_eq!(counted, [3, 1], "the metrics tell the same letters");
    let states: Vec<LetterState> = stage.letters().await.iter().map(|letter| letter.state).collect();
    assert_eq!(states.iter().filter(|state| **state == LetterState::Replayed).count(), 3);
    assert_eq!(stage.letters.replay(replay).await.unwrap().unwrap().state, ReplayState::Done);
}

#[tokio::test]
async fn a_slow_replay_lets_the_worker_do_something_else_in_between() {
    let stage = Stage::new().await;
    let frames = (1..=6).map(|number| parked(Frame::of(envelope(number)).encode().unwrap(), "no"));
    stage.publish(frames.collect()).await;
    stage.collect(&dead_persist(), 6).await;
    let replay = stage.replay_at(everything(), 1).await;
    let mut replayer = Replayer::open(stage.parts(), &stage.metrics).await.unwrap();
    assert!(replayer.take_turn(&CancellationToken::new()).await.unwrap());
    let sent = stage.letters.replay_counts(replay).await.unwrap().replayed;
    assert!((1..6).contains(&sent), "{sent} of 6");
    let found = stage.letters.replay(replay).await.unwrap().unwrap();
    assert_eq!(found.state, ReplayState::Running, "it goes on at the next turn");
}

#[tokio::test]
async fn a_replay_goes_on_with_what_its_dead_worker_had_in_hand_and_records_everything_once() {
    let stage = Stage::new().await;
    let frames = (1..=4).map(|number| parked(Frame::of(envelope(number)).encode().unwrap(), "no"));
    stage.publish(frames.collect()).await;
    stage.collect(&dead_persist(), 4).await;
    let ids: Vec<DeadLetterId> = stage.letters().await.iter().map(|letter| letter.id).collect();
    let replay = stage.replay(WhichLetters::of_ids(ids.clone())).await;
    // A worker takes the replay and two letters, and dies.
    let (now, lease) = (stage.clock.now(), Duration::from_secs(30));
    stage.letters.claim_replay(now, now.plus(lease)).await.unwrap().unwrap();
    let taken = stage.letters.change_letters(&ids[..2], &LetterChange::Take(replay), now).await.unwrap();
    assert_eq!(taken.len(), 2);
    stage.work().await;
    assert_eq!(stage.drain(PERSIST.shard(0).name()).await.len(), 0, "the dead worker still has its lease");
    stage.clock.advance(30_000);
    stage.work().await;
    assert_eq!(stage.drain(PERSIST.shard(0).name()).await.len(), 4);
    let page = AuditPage { letter: None, after: None, limit: 100 };
    let recorded = stage.letters.audit(&page).await.unwrap();
    assert_eq!(recorded.iter().filter(|entry| entry.replay == Some(replay)).count(), 4);
    assert!(recorded.iter().all(|entry| entry.by.as_str() == "root" && entry.why == "repaired"));
    assert!(stage.letters().await.iter().all(|letter| letter.state == LetterState::Replayed));
}

#[tokio::test]
async fn what_fails_again_joins_its_letter() {
    let stage = Stage::new().await;
    let frame = Frame::of(envelope(1)).encode().unwrap();
    stage.publish(vec![parked(frame.clone(), "no")]).await;
    stage.collect(&dead_persist(), 1).await;
    stage.replay(everything()).await;
    stage.work().await;
    stage.clock.advance(1_000);
    stage.publish(vec![parked(frame, "still no")]).await;
    stage.collect(&dead_persist(), 2).await;
    let [letter] = stage.letters().await.try_into().expect("one letter");
    assert_eq!(letter.failures, 2);
    assert_eq!((letter.state, letter.replays, letter.reason.as_str()), (LetterState::Waiting, 1, "still no"));
}

#[tokio::test]
async fn a_letter_for_a_gateway_that_is_gone_is_refused_with_the_reason() {
    let stage = Stage::new().await;
    let id = GatewayId::new();
    let queue = gateway(&id).name().to_owned();
    let event = eventflow_protocol::event::GatewayEvent::new(
        eventflow_protocol::EventId(Uuid::from_u128(1)),
        eventflow_protocol::event::Audience::Gateways,
        "x",
        "{}".to_owned(),
        START,
    );
    let body = codec::encode(&event).unwrap();
    let frame =
        Frame::of(Envelope { id: Uuid::from_u128(1), attempt: 1, body, trace: None }).encode().unwrap();
    let headers = Headers { attempt: 1, reason: Some("no".to_owned()), origin: Some(queue.clone()) };
    stage.publish(vec![Outgoing { headers, ..Outgoing::to_queue(dead(&queue), frame) }]).await;
    stage.collect(&dead(&queue), 1).await;
    let replay = stage.replay(everything()).await;
    stage.work().await;
    let counts = stage.letters.replay_counts(replay).await.unwrap();
    assert_eq!((counts.replayed, counts.refused), (0, 1));
    let [letter] = stage.letters().await.try_into().expect("one letter");
    assert_eq!((letter.queue.as_str(), letter.state), ("gateway", LetterState::Waiting));
}
