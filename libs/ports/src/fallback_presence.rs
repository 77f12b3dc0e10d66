//! Presence with a fallback: a store that processes share, and a memory that takes over while it is away.
//!
//! The memory hears every signal and judges everybody as well, so it can take over at any moment. It answers
//! from the first failure of the shared store until the store has answered again for [`SETTLE`]. So a store
//! that comes and goes does not make anybody's status come and go. What the store missed meanwhile is
//! recorded there when it answers again. Use it where every signal is heard: in a single process, and in a
//! sweeper.

use crate::devices::Contact;
use crate::memory_presence::MemoryPresence;
use crate::presence::{DEVICE_LEASE, GatewayReport, GatewayStats, HEARTBEAT, PresenceError, PresenceStore};
use async_trait::async_trait;
use eventflow_protocol::presence::{DeviceSignal, Presence, Status};
use eventflow_protocol::{Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long the shared store must have answered again before it is believed: by then every device that is
/// connected has renewed its lease there, with some time for a busy system.
pub const SETTLE: Duration = HEARTBEAT.saturating_add(Duration::from_secs(5));
/// Devices whose newest signal is remembered for the shared store: those of a busy fleet, about 20 MB.
const MISSED_MAX: usize = 100_000;

/// A [`PresenceStore`] over a shared one, with a memory that takes over while that is away.
pub struct FallbackPresence {
    shared: Arc<dyn PresenceStore>,
    memory: MemoryPresence,
    source: Mutex<Source>,
    /// The memory knows of every device from this time on.
    complete_from: Instant,
    /// The newest signal of each device that the shared store did not take.
    missed: Mutex<HashMap<(UserId, String), DeviceSignal>>,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Shared,
    /// The shared store has answered again `since` then, if it has.
    Memory {
        since: Option<Instant>,
    },
}

impl FallbackPresence {
    /// For the only process of a system: its memory knows of every device from the start.
    pub fn of_the_only_process(shared: Arc<dyn PresenceStore>) -> Self {
        Self::new(shared, Instant::now())
    }

    /// For the sweeper of a fleet: its memory knows of every device once all have renewed their leases. Until
    /// then, nothing works without the shared store.
    pub fn of_a_sweeper(shared: Arc<dyn PresenceStore>) -> Self {
        Self::new(shared, Instant::now() + SETTLE)
    }

    fn new(shared: Arc<dyn PresenceStore>, complete_from: Instant) -> Self {
        let memory = MemoryPresence::default();
        Self { shared, memory, source: Mutex::new(Source::Shared), complete_from, missed: Mutex::default() }
    }

    /// Whether the memory answers, because the shared store is away or was a moment ago.
    pub fn is_in_memory(&self) -> bool {
        *self.source.lock() != Source::Shared
    }

    /// Takes note that the shared store answered. `true` if it is believed.
    fn answered(&self) -> bool {
        let mut source = self.source.lock();
        let now = Instant::now();
        match *source {
            Source::Shared => true,
            Source::Memory { since: None } => {
                *source = Source::Memory { since: Some(now) };
                false
            }
            Source::Memory { since: Some(since) } if now - since < SETTLE => false,
            Source::Memory { .. } => {
                *source = Source::Shared;
                tracing::info!("presence is answered from the shared store again");
                true
            }
        }
    }

    /// Takes note that the shared store did not answer: the memory answers from now on. `Err` with the reason
    /// if the memory does not know everybody yet.
    fn failed(&self, error: PresenceError) -> Result<(), PresenceError> {
        if Instant::now() < self.complete_from {
            return Err(error);
        }
        let before = std::mem::replace(&mut *self.source.lock(), Source::Memory { since: None });
        if before == Source::Shared {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the shared presence store is away: presence is answered from memory until it is back"
            );
        }
        Ok(())
    }

    /// What the shared store answers if it is believed, else what the memory does.
    fn choose<T>(&self, shared: Result<T, PresenceError>, memory: T) -> Result<T, PresenceError> {
        match shared {
            Ok(shared) if self.answered() => Ok(shared),
            Ok(_) => Ok(memory),
            Err(error) => self.failed(error).map(|()| memory),
        }
    }

    /// Remembers signals that the shared store did not take.
    fn miss(&self, signals: &[DeviceSignal]) {
        let mut missed = self.missed.lock();
        for signal in signals {
            if missed.len() >= MISSED_MAX {
                missed.retain(|_, old| old.at.age_at(signal.at) < DEVICE_LEASE);
            }
            let key = (signal.user_id.clone(), signal.device.clone());
            if missed.len() < MISSED_MAX || missed.contains_key(&key) {
                missed.insert(key, signal.clone());
            }
        }
    }

    /// Records what the shared store missed, as far as it still says something at `now`.
    async fn catch_up(&self, now: Timestamp) -> Result<(), PresenceError> {
        let missed: Vec<DeviceSignal> = {
            let missed = std::mem::take(&mut *self.missed.lock());
            missed.into_values().filter(|signal| signal.at.age_at(now) < DEVICE_LEASE).collect()
        };
        if missed.is_empty() {
            return Ok(());
        }
        let recorded = self.shared.record(&missed).await;
        if recorded.is_err() {
            self.miss(&missed);
        }
        recorded
    }
}

#[async_trait]
impl PresenceStore for FallbackPresence {
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError> {
        self.memory.record(signals).await?;
        let Some(now) = signals.iter().map(|signal| signal.at).max() else { return Ok(()) };
        let mut recorded = self.shared.record(signals).await;
        match recorded {
            Ok(()) => recorded = self.catch_up(now).await,
            Err(_) => self.miss(signals),
        }
        self.choose(recorded, ())
    }

    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        let memory = self.memory.judge(users, now).await?;
        self.choose(self.shared.judge(users, now).await, memory)
    }

    /// Whoever is due in one of the two: both have to judge them.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError> {
        let mut due = self.memory.due(now, limit).await?;
        let shared = match self.shared.due(now, limit).await {
            Ok(shared) => {
                self.answered();
                shared
            }
            Err(error) => self.failed(error).map(|()| Vec::new())?,
        };
        let known: HashSet<UserId> = due.iter().cloned().collect();
        due.extend(shared.into_iter().filter(|user| !known.contains(user)));
        due.truncate(limit);
        Ok(due)
    }

    async fn presence(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError> {
        let memory = self.memory.presence(users, now).await?;
        if self.is_in_memory() {
            return Ok(memory);
        }
        self.choose(self.shared.presence(users, now).await, memory)
    }

    async fn attention(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Status>, PresenceError> {
        let memory = self.memory.attention(users, now).await?;
        if self.is_in_memory() {
            return Ok(memory);
        }
        self.choose(self.shared.attention(users, now).await, memory)
    }

    async fn online_since(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        let memory = self.memory.online_since(users, now).await?;
        if self.is_in_memory() {
            return Ok(memory);
        }
        self.choose(self.shared.online_since(users, now).await, memory)
    }

    async fn contact(
        &self,
        user: &UserId,
        sent: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        let memory = self.memory.contact(user, sent, now).await?;
        if self.is_in_memory() {
            return Ok(memory);
        }
        self.choose(self.shared.contact(user, sent, now).await, memory)
    }

    async fn connected(&self, now: Timestamp) -> Result<u64, PresenceError> {
        let memory = self.memory.connected(now).await?;
        if self.is_in_memory() {
            return Ok(memory);
        }
        self.choose(self.shared.connected(now).await, memory)
    }

    async fn connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        let memory = self.memory.connected_people(now).await?;
        if self.is_in_memory() {
            return Ok(memory);
        }
        self.choose(self.shared.connected_people(now).await, memory)
    }

    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError> {
        self.memory.report(gateway, stats).await?;
        self.choose(self.shared.report(gateway, stats).await, ())
    }

    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        let memory = self.memory.reports().await?;
        if self.is_in_memory() {
            return Ok(memory);
        }
        self.choose(self.shared.reports().await, memory)
    }

    async fn retire(&self, gateway: &str) -> Result<(), PresenceError> {
        self.memory.retire(gateway).await?;
        self.choose(self.shared.retire(gateway).await, ())
    }
}

#[cfg(test)]
mod tests;
