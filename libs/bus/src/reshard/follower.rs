//! Follower: what a gateway does about the number of shards. It follows the log, opens and closes the gate,
//! and says hello, so that whoever changes the number knows of it.
//!
//! Safe to repeat because it begins anew whenever it loses the log or the hellos: the gate is closed until it
//! has read the log up to then. A gateway that does not hear itself for [`LEASE`] sends nothing more, since
//! the number may change without it.

use super::gate::ShardGate;
use super::log::ShardLog;
use super::reading::Reading;
use super::{HELLO_EVERY, HOLD_MAX, LEASE};
use crate::port::{Broker, BrokerError, Hellos};
use bytes::Bytes;
use eventflow_metrics::ReshardMetrics;
use eventflow_protocol::codec;
use eventflow_protocol::hello::{GATEWAYS, Hello};
use eventflow_protocol::reshard::ShardRecord;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Pause before following the log anew after it was lost.
const JOIN_PAUSE: Duration = Duration::from_millis(250);
/// Time between two looks at the gate. Every command waits as long as a hold takes, so it is short.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Longest wait for one's own first hello, and for a record to be appended.
const STEP_LIMIT: Duration = Duration::from_secs(2);

/// A gateway's part in changing the number of shards.
pub struct Follower {
    broker: Arc<dyn Broker>,
    log: Arc<dyn ShardLog>,
    gate: ShardGate,
    setting: u16,
    me: String,
    place: String,
    metrics: ReshardMetrics,
    count: u64,
    hello_at: Instant,
    /// When the hellos were said that have not been heard yet.
    said: BTreeMap<u64, Instant>,
    /// The attempt for which everything is held back, and since when.
    hold: Option<Hold>,
}

/// A hold of this gateway.
#[derive(Clone, Copy, Debug)]
struct Hold {
    attempt: Uuid,
    since: Instant,
    /// Everything sent before is settled.
    is_quiet: bool,
    /// This gateway has asked to give the attempt up.
    is_given_up: bool,
}

impl Follower {
    /// A follower, not running yet. `setting` is the number that counts if the log has none.
    pub fn new(
        broker: Arc<dyn Broker>,
        log: Arc<dyn ShardLog>,
        gate: ShardGate,
        setting: u16,
        metrics: ReshardMetrics,
    ) -> Self {
        Self {
            broker,
            log,
            gate,
            setting,
            me: Uuid::now_v7().simple().to_string(),
            place: String::new(),
            metrics,
            count: 0,
            hello_at: Instant::now(),
            said: BTreeMap::new(),
            hold: None,
        }
    }

    /// Tells operators where the gateway runs.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// Follows until `stop`. Nothing is said at the end: commands may still be on their way, and the lease
    /// runs out by itself.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut told = String::new();
        loop {
            let ended = tokio::select! {
                ended = self.follow() => ended,
                () = stop.cancelled() => return,
            };
            self.gate.close();
            self.metrics.shards.set(0);
            if let Err(error) = ended {
                // The broker that is away is told of elsewhere, once.
                let why = crate::explain::explain(&error);
                if told != why {
                    tracing::warn!(error = why, "the number of shards cannot be followed; commands wait");
                }
                told = why;
            }
            tokio::select! {
                () = sleep(JOIN_PAUSE) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One life: until the log or the hellos are lost, or the lease ends.
    async fn follow(&mut self) -> Result<(), BrokerError> {
        self.hold = None;
        self.said.clear();
        let mut hellos = self.broker.hellos().await?;
        // Others know of this gateway before it reads what they have decided.
        self.say(hellos.as_mut(), 0, 0).await?;
        let until = self.hear_myself(hellos.as_mut()).await?;
        let mut reading = Reading::up_to_now(&self.log).await?;
        let (generation, shards) = self.known();
        reading.or_number(generation, shards).await?;
        self.until_older_passages_are_settled().await;
        self.gate.renew(until);
        tracing::info!(
            shards = reading.state.shards,
            generation = reading.state.generation,
            "the number of shards is known"
        );
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.act(&mut reading).await?;
            if Instant::now() >= self.hello_at {
                let state = reading.state;
                // One that is not sent is not heard, and in the end the lease runs out.
                let _ = self.say(hellos.as_mut(), state.generation, state.shards).await;
            }
            let is_closed = self.gate.shards() == 0;
            tokio::select! {
                record = reading.next() => { record?; }
                heard = hellos.hear() => self.hear(&heard?),
                _ = look.tick(), if is_closed => {}
                () = sleep_until(self.hello_at), if !is_closed => {}
            }
            if self.gate.is_lapsed() {
                return Err(BrokerError::Unavailable("this gateway does not hear its own hellos".into()));
            }
        }
    }

    /// The number that this gateway would put in force: the one of its settings, or the one by which it has
    /// sent already. A broker that lost its power may have lost the end of the log.
    fn known(&self) -> (u64, u16) {
        match self.gate.generation() {
            0 => (1, self.setting),
            generation => (generation, self.gate.last()),
        }
    }

    /// If the lease had ended, what passed before must not count as passed under the next one.
    async fn until_older_passages_are_settled(&self) {
        while self.gate.is_lapsed() && !self.gate.is_quiet() {
            sleep(LOOK_EVERY).await;
        }
    }

    /// Does what the records ask for.
    async fn act(&mut self, reading: &mut Reading) -> Result<(), BrokerError> {
        let state = reading.state;
        let Some(pending) = state.pending else {
            if let Some(hold) = self.hold.take() {
                self.metrics.hold_seconds.observe(hold.since.elapsed().as_secs_f64());
                self.hello_at = Instant::now();
            }
            let is_same = self.gate.generation() == state.generation;
            if !is_same {
                self.gate.close();
            }
            // What has passed by another number is settled first. It is: nobody decides before that.
            if self.gate.shards() == 0 && (is_same || self.gate.is_quiet()) {
                self.gate.open(state.generation, state.shards);
            }
            self.metrics.shards.set(state.shards.into());
            self.metrics.generation.set(i64::try_from(state.generation).unwrap_or(i64::MAX));
            return Ok(());
        };
        if self.hold.is_none_or(|hold| hold.attempt != pending.id) {
            self.gate.close();
            self.metrics.holds.inc();
            let since = Instant::now();
            self.hold = Some(Hold { attempt: pending.id, since, is_quiet: false, is_given_up: false });
        }
        let Some(hold) = &mut self.hold else { return Ok(()) };
        if !hold.is_quiet && self.gate.is_quiet() {
            hold.is_quiet = true;
            self.hello_at = Instant::now();
        }
        if !hold.is_given_up && hold.since.elapsed() >= HOLD_MAX {
            hold.is_given_up = true;
            tracing::warn!(attempt = %hold.attempt, "the change of the number of shards takes too long and is given up");
            let give_up = ShardRecord::GiveUp { attempt: pending.id };
            timeout(STEP_LIMIT, reading.append(&give_up))
                .await
                .unwrap_or_else(|late| Err(BrokerError::Unavailable(late.into())))?;
        }
        Ok(())
    }

    fn hear(&mut self, payload: &Bytes) {
        if let Some(said) = self.heard_myself(payload) {
            self.gate.renew(said + LEASE);
        }
    }

    /// When this was said, if it is a hello of this gateway.
    fn heard_myself(&mut self, payload: &Bytes) -> Option<Instant> {
        let hello = codec::decode::<Hello>(payload).ok().filter(|hello| hello.member == self.me)?;
        let said = self.said.remove(&hello.count)?;
        self.said.retain(|count, _| *count > hello.count);
        Some(said)
    }

    /// Waits for this gateway's own hello; until when it may send for it.
    async fn hear_myself(&mut self, hellos: &mut dyn Hellos) -> Result<Instant, BrokerError> {
        let hearing = async {
            loop {
                if let Some(said) = self.heard_myself(&hellos.hear().await?) {
                    return Ok(said + LEASE);
                }
            }
        };
        timeout(STEP_LIMIT, hearing).await.unwrap_or_else(|late| Err(BrokerError::Unavailable(late.into())))
    }

    async fn say(
        &mut self,
        hellos: &mut dyn Hellos,
        generation: u64,
        shards: u16,
    ) -> Result<(), BrokerError> {
        let now = Instant::now();
        self.hello_at = now + HELLO_EVERY;
        self.count += 1;
        self.said.insert(self.count, now);
        let hello = Hello {
            stage: GATEWAYS.to_owned(),
            member: self.me.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            place: self.place.clone(),
            shards,
            generation,
            holding: self.hold.filter(|hold| hold.is_quiet).map(|hold| hold.attempt),
            count: self.count,
            ..Hello::default()
        };
        let payload = codec::encode(&hello).expect("text and numbers have a MessagePack form");
        hellos.say(payload).await
    }
}
