//! Change: the operator's part in changing the number of shards.
//!
//! It hears who is there, appends *hold*, sends a barrier through every old queue once all gateways hold, and
//! appends *go on* once every barrier has come through. It may end anywhere: without *go on* the gateways
//! give the attempt up by themselves, and with it the change is complete. Beginning again is always safe.

use super::log::ShardLog;
use super::members::Members;
use super::reading::Reading;
use super::state::ShardState;
use super::survey::{self, Obstacle};
use super::{HELLO_EVERY, SILENT_AFTER};
use crate::port::{Broker, BrokerError, Hellos};
use barriers::Barriers;
use eventflow_protocol::codec;
use eventflow_protocol::hello::{Hello, RESHARD};
use eventflow_protocol::reshard::ShardRecord;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

mod barriers;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Attempt: when the command gives it up by itself. The gateways are faster; this is for none of them.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The gateways are told to hold.
    Hold,
    /// So many gateways hold, and so many barriers are on their way.
    Barriers {
        /// Gateways that hold.
        gateways: usize,
        /// Queues that have to run empty.
        queues: usize,
    },
    /// Every barrier came through: the decision is about to be appended.
    Passed,
    /// The decision is appended.
    GoOn,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new number is in force.
    Changed,
    /// The old number stays in force; why it took too long.
    GivenUp(String),
    /// Another attempt was under way.
    Rival,
}

/// One gateway, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayView {
    /// Where it runs.
    pub place: String,
    /// Its version.
    pub version: String,
    /// The number by which it sends.
    pub shards: u16,
    /// The generation of that number.
    pub generation: u64,
    /// Whether it holds commands back.
    pub holds: bool,
}

/// A command that looks at the number of shards, and may change it.
pub struct Change {
    hellos: Box<dyn Hellos>,
    reading: Reading,
    members: Members,
    barriers: Barriers,
    me: String,
    place: String,
    count: u64,
    hello_at: Instant,
}

impl Change {
    /// Reads the log up to now. Nobody is heard yet.
    pub async fn open(
        broker: Arc<dyn Broker>,
        log: Arc<dyn ShardLog>,
        place: &str,
    ) -> Result<Self, BrokerError> {
        let me = Uuid::now_v7().simple().to_string();
        Ok(Self {
            hellos: broker.hellos().await?,
            reading: Reading::up_to_now(&log).await?,
            members: Members::new(me.clone()),
            barriers: Barriers::open(broker.as_ref()).await?,
            me,
            place: place.to_owned(),
            count: 0,
            hello_at: Instant::now(),
        })
    }

    /// What the records come to so far.
    pub fn state(&self) -> ShardState {
        self.reading.state
    }

    /// The gateways that are heard.
    pub fn gateways(&self) -> Vec<GatewayView> {
        let view = |gateway: &Hello| GatewayView {
            place: gateway.place.clone(),
            version: gateway.version.clone(),
            shards: gateway.shards,
            generation: gateway.generation,
            holds: gateway.holding.is_some(),
        };
        self.members.gateways().map(view).collect()
    }

    /// Listens for `time`, and takes what happens to the number meanwhile.
    pub async fn listen(&mut self, time: Duration) -> Result<(), BrokerError> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.wake().await?;
        }
        Ok(())
    }

    /// Listens until everybody who may be sending has been heard, and anybody who was killed is forgotten. An
    /// attempt that nobody gave up meanwhile was left behind, and is given up.
    pub async fn hear_everybody(&mut self) -> Result<(), BrokerError> {
        let before = self.state().pending;
        self.listen(SILENT_AFTER).await?;
        if let Some(left) = before.filter(|before| self.state().is_pending(before.id)) {
            self.reading.append(&ShardRecord::GiveUp { attempt: left.id }).await?;
            while self.state().is_pending(left.id) {
                self.wake().await?;
            }
        }
        Ok(())
    }

    /// What speaks against changing the number to `to` now.
    pub fn obstacles(&self, to: u16) -> Vec<Obstacle> {
        let hears_itself = self.members.hears_itself(Instant::now());
        survey::obstacles(&self.members, hears_itself, self.state().shards, to)
    }

    /// Tries once to change the number to `to`. Tells each step before it goes on.
    pub async fn attempt(
        &mut self,
        to: u16,
        mut tell: impl AsyncFnMut(Step),
    ) -> Result<Outcome, BrokerError> {
        self.listen(HELLO_EVERY).await?;
        let (attempt, before) = (Uuid::now_v7(), self.state());
        let hold = ShardRecord::Hold { attempt, generation: before.generation, to };
        self.barriers.forget();
        self.reading.append(&hold).await?;
        tell(Step::Hold).await;
        while self.wake().await?.as_ref() != Some(&hold) {}
        if !self.state().is_pending(attempt) {
            return Ok(Outcome::Rival);
        }
        // A gateway that has not read this hold said hello before it was appended. So it is heard before what
        // this command says now.
        let _ = self.say().await;
        let said_behind_it = self.count;
        let deadline = Instant::now() + ATTEMPT_MAX;
        let mut why = String::new();
        let mut is_decided = false;
        while self.state().is_pending(attempt) {
            self.wake().await?;
            if is_decided {
                continue;
            }
            let now = Instant::now();
            if !self.members.hears_itself(now) || now >= deadline {
                self.reading.append(&ShardRecord::GiveUp { attempt }).await?;
                is_decided = true;
            } else if !self.members.has_heard_up_to(said_behind_it) {
                why = String::from("the hellos of the gateways are late");
            } else if !self.members.all_hold(attempt) {
                // Whoever does not hold may send behind a barrier, which then proves nothing.
                self.barriers.forget();
                why = format!("not every gateway holds: {}", self.who_does_not_hold(attempt));
            } else if self.barriers.are_forgotten() {
                let (gateways, queues) =
                    (self.members.gateways().count(), self.barriers.begin(before.shards));
                tell(Step::Barriers { gateways, queues }).await;
                self.barriers.send().await;
            } else if self.barriers.are_through() {
                tell(Step::Passed).await;
                self.reading.append(&ShardRecord::GoOn { attempt }).await?;
                is_decided = true;
                tell(Step::GoOn).await;
            } else {
                self.barriers.repeat_late().await;
                why = format!("not run empty: {}", self.barriers.missing());
            }
        }
        if self.state().generation > before.generation {
            Ok(Outcome::Changed)
        } else {
            Ok(Outcome::GivenUp(why))
        }
    }

    fn who_does_not_hold(&self, attempt: Uuid) -> String {
        let others = self.members.gateways().filter(|gateway| gateway.holding != Some(attempt));
        others.map(|gateway| gateway.place.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Waits for something to happen, a moment at most. Returns the record, if it was one.
    async fn wake(&mut self) -> Result<Option<ShardRecord>, BrokerError> {
        if Instant::now() >= self.hello_at {
            // One that is not sent is not heard, and so this command hears nothing in the end.
            let _ = self.say().await;
        }
        let mut record = None;
        tokio::select! {
            read = self.reading.next() => record = read?,
            heard = self.hellos.hear() => {
                if let Ok(hello) = codec::decode::<Hello>(&heard?) {
                    self.members.hear(hello, Instant::now());
                }
            }
            () = self.barriers.hear() => {}
            () = sleep(LOOK_EVERY) => {}
        }
        self.members.forget_silent(Instant::now());
        Ok(record)
    }

    async fn say(&mut self) -> Result<(), BrokerError> {
        self.hello_at = Instant::now() + HELLO_EVERY;
        self.count += 1;
        let hello = Hello {
            stage: RESHARD.to_owned(),
            member: self.me.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            place: self.place.clone(),
            count: self.count,
            ..Hello::default()
        };
        self.hellos.say(codec::encode(&hello).expect("text and numbers have a MessagePack form")).await
    }
}
