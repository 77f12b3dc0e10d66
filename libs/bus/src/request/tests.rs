use super::*;
use crate::port::{BrokerError, Depth, Destination, Health, Hellos, Outgoing, Publish, Subscription};
use crate::topology::Topology;
use async_trait::async_trait;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::frame::Frame;
use eventflow_protocol::inbox::{Preferences, SetPreferences};
use eventflow_protocol::{GatewayId, ThreadId, Timestamp};
use futures_util::future::join_all;
use parking_lot::Mutex as Lock;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Longest time that a caller may wait for a broker that says nothing: the answer patience, a place in a full
/// lane, and a small margin.
const AT_MOST: Duration = Duration::from_millis(3_500);
const CALLERS: u64 = 2_000;

/// How the broker answers what it is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Silent,
    Gone,
}

/// Commands that a broker has taken, each with its queue.
type Taken = Arc<Lock<Vec<(String, CommandId)>>>;

/// A broker that takes everything, says nothing, or cannot be reached.
struct Moody {
    mode: watch::Sender<Mode>,
    health: watch::Sender<Health>,
    taken: Taken,
}

struct Publisher {
    mode: watch::Receiver<Mode>,
    taken: Taken,
}

fn gone() -> BrokerError {
    BrokerError::Unavailable("gone".into())
}

#[async_trait]
impl Publish for Publisher {
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        let mode = *self.mode.wait_for(|mode| *mode != Mode::Silent).await.unwrap();
        if mode == Mode::Gone {
            return messages.iter().map(|_| Err(gone())).collect();
        }
        for message in &messages {
            let Destination::Queue(queue) = &message.to else {
                panic!("a lane leads to a queue: {message:?}")
            };
            let items = Frame::decode(&message.payload).unwrap().items;
            self.taken
                .lock()
                .extend(items.into_iter().map(|envelope| (queue.clone(), CommandId(envelope.id))));
        }
        messages.iter().map(|_| Ok(())).collect()
    }
}

#[async_trait]
impl Broker for Moody {
    async fn declare(&self, _: &Topology) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn declare_gateway(&self, _: &GatewayId) -> Result<bool, BrokerError> {
        Err(gone())
    }

    async fn remove_gateway(&self, _: &GatewayId) -> Result<(), BrokerError> {
        Err(gone())
    }

    async fn publisher(&self, _: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError> {
        Ok(Box::new(Publisher { mode: self.mode.subscribe(), taken: Arc::clone(&self.taken) }))
    }

    async fn subscribe(&self, _: &str, _: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        Err(gone())
    }

    async fn reply(&self, _: &str, _: Bytes) {}

    async fn hellos(&self) -> Result<Box<dyn Hellos>, BrokerError> {
        Err(gone())
    }

    async fn depth(&self, _: &str) -> Result<Depth, BrokerError> {
        Err(gone())
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }
}

struct Rig {
    broker: Arc<Moody>,
    requests: Requests,
}

impl Rig {
    fn new() -> Self {
        let (mode, health) = (watch::Sender::new(Mode::Open), watch::Sender::new(Health::Up));
        let broker = Arc::new(Moody { mode, health, taken: Arc::default() });
        let port: Arc<dyn Broker> = broker.clone();
        let gate = ShardGate::fixed(1);
        let requests = Requests::open(&port, &gate, &Metrics::default(), &TaskTracker::new());
        Self { broker, requests }
    }

    /// The commands that the broker has taken, in order.
    fn taken(&self) -> Vec<CommandId> {
        self.broker.taken.lock().iter().map(|(_, id)| *id).collect()
    }

    /// Sends one more command `after` milliseconds. Returns how the caller's wait ended and how long it took.
    async fn call(&self, after: u64) -> (Result<CommandResult, PublishError>, Duration) {
        // sleep: paused time
        sleep(Duration::from_millis(after)).await;
        let started = Instant::now();
        let result = match self.requests.send(CommandId::new(), &command()).await {
            Ok(pending) => pending.result().await,
            Err(error) => Err(error),
        };
        (result, started.elapsed())
    }
}

fn command() -> Command {
    Command::SetPreferences(SetPreferences {
        user_id: "ann".parse().unwrap(),
        preferences: Preferences { updated_at: Some(Timestamp(1)), ..Preferences::default() },
    })
}

#[tokio::test(start_paused = true)]
async fn while_the_broker_confirms_nothing_every_caller_is_told_within_the_patience() {
    let rig = Rig::new();
    rig.broker.mode.send_replace(Mode::Silent);
    for (result, waited) in join_all((0..CALLERS).map(|n| rig.call(n))).await {
        assert_eq!(result, Err(PublishError::Unavailable));
        assert!(waited <= AT_MOST, "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_is_not_published_later() {
    let rig = Rig::new();
    rig.broker.mode.send_replace(Mode::Silent);
    join_all((0..CALLERS).map(|n| rig.call(n / 10))).await;
    rig.broker.mode.send_replace(Mode::Open);
    let (result, _) = timeout(AT_MOST * 2, rig.call(0)).await.unwrap();
    let Ok(CommandResult::Queued { command: id }) = result else { panic!("{result:?}") };
    let taken = rig.taken();
    assert!(
        taken.last() == Some(&id) && taken.len() <= 257,
        "its own and at most a frame in flight: {}",
        taken.len()
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_broker_goes_all_who_wait_are_told_at_once() {
    let rig = Rig::new();
    rig.broker.mode.send_replace(Mode::Silent);
    let going = async {
        // sleep: paused time
        sleep(Duration::from_secs(1)).await;
        rig.broker.health.send_replace(Health::Down("gone".into()));
        rig.broker.mode.send_replace(Mode::Gone);
    };
    // The lane has sent the first command, which may have arrived, so it repeats it for a while. It never
    // sent the others.
    let ((), first, others) =
        tokio::join!(going, rig.call(0), join_all((0..CALLERS).map(|n| rig.call(10 + n / 10))));
    assert!(first.1 <= AT_MOST, "{first:?}");
    for (result, waited) in others {
        assert_eq!(result, Err(PublishError::Unavailable));
        assert!(waited <= Duration::from_millis(1_200), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_caller_sent_before_it_left_is_published_while_the_broker_is_there() {
    let rig = Rig::new();
    let mut sent = Vec::new();
    for _ in 0..600 {
        let id = CommandId::new();
        drop(rig.requests.send(id, &command()).await.unwrap());
        sent.push(id);
    }
    let (result, _) = rig.call(0).await;
    assert!(matches!(result, Ok(CommandResult::Queued { .. })), "{result:?}");
    assert_eq!(rig.taken()[..600], sent);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_takes_another_way_than_a_message_so_that_no_message_waits_behind_it() {
    let rig = Rig::new();
    let advance = |cursor| AdvanceCursor {
        thread_id: ThreadId::from_bytes([7; 12]),
        user_id: "ann".parse().unwrap(),
        cursor,
        up_to: Some(1),
        at: Timestamp(1),
    };
    let cursors = [Cursor::Delivered, Cursor::Read].map(|cursor| Command::AdvanceCursor(advance(cursor)));
    for command in cursors.iter().chain([&command()]) {
        let _ = rig.requests.send(CommandId::new(), command).await.unwrap().result().await;
    }
    let queues: Vec<String> = rig.broker.taken.lock().iter().map(|(queue, _)| queue.clone()).collect();
    assert_eq!(queues, ["cursors.0", "cursors.0", "persist.0"]);
}
