//! Sharing: the workers of a stage share its shards by themselves.
//!
//! Each worker says hello to the others through the broker and makes the same assignment of what it hears.
//! It consumes the shards that it owns, and waits behind the owner of those for which it is the spare. To
//! repeat or to err is safe because the broker lets one consumer of a queue be active, and the store accepts
//! each `seq` once: a wrong view of the workers costs speed, never order and never a message.
//!
//! [`members`] says who lives, [`mod@assign`] who gets what, [`mod@decide`] what to do about a shard, and
//! [`seat`] does it. Operators listen too: [`lookout`] hears the workers without being one, [`roster`] is
//! what it knows.

mod assign;
mod decide;
pub mod lookout;
mod members;
pub mod roster;
mod seat;

use self::assign::{Seat, assign};
use self::decide::{Place, Situation, Step, decide};
pub(crate) use self::members::GONE_AFTER;
use self::members::Members;
use self::seat::{AnyConsumer, ShardSeat};
use crate::consume::Consumer;
use crate::handler::BatchHandler;
use crate::port::{Broker, BrokerError, Hellos};
use crate::topology::Topology;
use bytes::Bytes;
use eventflow_metrics::ShareMetrics;
use eventflow_protocol::codec;
use eventflow_protocol::hello::Hello;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Time that the list of workers must be unchanged before the shards are shared out by it. Whoever hears a
/// new worker answers at once, so all have heard each other long before.
pub const SETTLE: Duration = Duration::from_millis(500);
/// Time between two hellos of a worker; it says hello earlier when something has changed.
const HELLO_EVERY: Duration = Duration::from_secs(1);
/// Time between two looks at the shards.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Pause before joining the hellos again after they were lost.
const JOIN_PAUSE: Duration = Duration::from_millis(250);

/// One worker's part in sharing the shards of its stage.
pub struct Sharing {
    broker: Arc<dyn Broker>,
    stage: &'static str,
    me: String,
    place: String,
    shards: u16,
    seats: Vec<ShardSeat>,
    members: Members,
    metrics: ShareMetrics,
    tracker: TaskTracker,
    /// The workers by whom the shards are shared out now.
    workers: Vec<String>,
    plan: Vec<Seat>,
    said: Vec<u16>,
    hello_at: Instant,
}

impl Sharing {
    /// A worker of `stage`, not running yet. `settle` is [`SETTLE`], or zero where no other process can be.
    pub fn new(
        broker: Arc<dyn Broker>,
        stage: &'static str,
        topology: Topology,
        metrics: ShareMetrics,
        settle: Duration,
    ) -> Self {
        // Version 7 sorts by time, so a worker that joins comes last.
        let me = Uuid::now_v7().simple().to_string();
        let (shards, now) = (topology.shards(), Instant::now());
        let seats = (0..shards).map(|_| ShardSeat::default()).collect();
        let members = Members::new(stage, me.clone(), shards, settle, now);
        Self {
            broker,
            stage,
            me,
            place: String::new(),
            shards,
            seats,
            members,
            metrics,
            tracker: TaskTracker::new(),
            workers: Vec::new(),
            plan: Vec::new(),
            said: Vec::new(),
            hello_at: now,
        }
    }

    /// Tells operators where the worker runs.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// Adds a consumer of one queue of `shard`. The queues of a shard go together.
    pub fn add<H: BatchHandler>(&mut self, shard: u16, consumer: Consumer<H>) {
        self.seats[usize::from(shard)].consumers.push(Arc::new(consumer));
    }

    /// Runs until `shutdown`. Then the worker says goodbye, so that its shards move at once, finishes the
    /// batches in hand and gives up its queues. Ends by itself only if a consumer crashed.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut hellos = None;
        while !shutdown.is_cancelled() {
            let ended = tokio::select! {
                ended = self.take_part(&mut hellos) => ended,
                () = shutdown.cancelled() => break,
            };
            match ended {
                Ok(Crashed) => break,
                Err(error) => self.seats.iter().for_each(|seat| seat.waits_for_hellos(&error)),
            }
            hellos = None;
            tokio::select! {
                () = sleep(JOIN_PAUSE) => {}
                () = shutdown.cancelled() => break,
            }
        }
        if let Some(hellos) = &mut hellos {
            // Without it the others miss this worker a few seconds later.
            let _ = self.say(hellos.as_mut(), true).await;
        }
        self.seats.iter().for_each(ShardSeat::stop);
        self.tracker.close();
        self.tracker.wait().await;
        for shard in 0..self.shards {
            self.metrics.owner(shard).set(0);
        }
    }

    async fn take_part(&mut self, slot: &mut Option<Box<dyn Hellos>>) -> Result<Crashed, BrokerError> {
        let hellos = slot.insert(self.broker.hellos().await?);
        self.hello_at = Instant::now();
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if Instant::now() >= self.hello_at || self.held() != self.said {
                self.say_or_wait(hellos.as_mut()).await;
            }
            tokio::select! {
                heard = hellos.hear() => self.hear(&heard?),
                _ = look.tick() => {}
            }
            self.look();
            if self.seats.iter().any(ShardSeat::has_failed) {
                return Ok(Crashed);
            }
        }
    }

    fn hear(&mut self, payload: &Bytes) {
        let Ok(hello) = codec::decode::<Hello>(payload) else { return };
        // A newcomer gets an answer at once, so that it knows everybody before it takes anything.
        if self.members.hear(hello, Instant::now()) {
            self.hello_at = Instant::now();
        }
    }

    /// A hello that is not sent is no error: while the broker takes none, nobody changes anything.
    async fn say_or_wait(&mut self, hellos: &mut dyn Hellos) {
        if let Err(error) = self.say(hellos, false).await {
            tracing::debug!(
                stage = self.stage,
                error = &error as &dyn std::error::Error,
                "a hello was not sent"
            );
        }
    }

    async fn say(&mut self, hellos: &mut dyn Hellos, leaves: bool) -> Result<(), BrokerError> {
        self.hello_at = Instant::now() + HELLO_EVERY;
        self.said = self.held();
        let hello = Hello {
            stage: self.stage.to_owned(),
            member: self.me.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shards: self.shards,
            holds: self.said.clone(),
            place: self.place.clone(),
            done: self.consumers().map(|consumer| consumer.done()).collect(),
            leaves,
            barriers: true,
            unnumbered_ms: self
                .consumers()
                .filter_map(|consumer| consumer.unnumbered_ago())
                .min()
                .map(whole_ms),
            ..Hello::default()
        };
        let payload = codec::encode(&hello).expect("text and numbers have a MessagePack form");
        hellos.say(payload).await
    }

    fn consumers(&self) -> impl Iterator<Item = &Arc<dyn AnyConsumer>> {
        self.seats.iter().flat_map(|seat| &seat.consumers)
    }

    /// The shards whose queues this worker consumes, active or waiting.
    fn held(&self) -> Vec<u16> {
        (0..).zip(&self.seats).filter(|(_, seat)| seat.holds()).map(|(shard, _)| shard).collect()
    }

    /// Does what is to be done about each shard now.
    fn look(&mut self) {
        let now = Instant::now();
        let Some(living) = self.members.settled(now) else { return };
        self.metrics.workers_seen.set(i64::try_from(living.len()).unwrap_or(i64::MAX));
        if self.workers != living {
            self.share_out(living);
        }
        for shard in 0..self.shards {
            self.look_at(shard, now);
        }
    }

    fn share_out(&mut self, living: Vec<String>) {
        if !self.workers.is_empty() {
            self.metrics.rebalances.inc();
        }
        let ids: Vec<&str> = living.iter().map(String::as_str).collect();
        self.plan = assign(&ids, self.shards);
        let mine = self.plan.iter().filter(|seat| ids[seat.owner] == self.me).count();
        tracing::info!(stage = self.stage, workers = ids.len(), mine, "the shards are shared out");
        self.workers = living;
    }

    /// The place of this worker at a shard, and the shard's owner.
    fn place(&self, shard: u16) -> (Place, &str) {
        let seat = self.plan[usize::from(shard)];
        let owner = self.workers[seat.owner].as_str();
        let place = if owner == self.me {
            Place::Owner
        } else if seat.spare.is_some_and(|spare| self.workers[spare] == self.me) {
            Place::Spare
        } else {
            Place::Elsewhere
        };
        (place, owner)
    }

    fn look_at(&mut self, shard: u16, now: Instant) {
        let (place, owner) = self.place(shard);
        let is_held = self.members.anybody_holds(shard);
        let owner_holds = self.members.get(owner).filter(|owner| owner.holds.contains(&shard));
        let owner_holds = owner_holds.map(|owner| owner.heard);
        let seat = &mut self.seats[usize::from(shard)];
        seat.unheld_since = if is_held { None } else { seat.unheld_since.or(Some(now)) };
        let situation = Situation {
            place,
            is_subscribed: seat.is_subscribed(),
            in_front_since: seat.in_front_since(now),
            owner_holds,
            stepped_back: seat.stepped_back,
            unheld_since: seat.unheld_since,
        };
        match decide(situation, now, HELLO_EVERY) {
            Step::Keep => {}
            Step::Subscribe => {
                let is_first = place == Place::Owner || owner_holds.is_none();
                seat.start(&self.tracker, is_first.then_some(now));
            }
            Step::Leave => seat.stop(),
            Step::WaitBehind => {
                seat.stepped_back = Some(now);
                seat.stop();
            }
        }
        seat.leave_to_others();
        let owns = place == Place::Owner && seat.is_subscribed();
        self.metrics.owner(shard).set(i64::from(owns));
    }
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A consumer ended that was not told to.
struct Crashed;
