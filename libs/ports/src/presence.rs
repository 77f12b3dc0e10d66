//! The presence port: leases of devices, which gateways renew and a sweeper judges.
//!
//! A device is one session of one user (a browser tab, an app). It counts while its lease holds, and it is
//! active while its user did something lately. A user is online if any device is active. A user is away if no
//! device is active but at least one counts, and offline otherwise. Leases run out, so a gateway that died is
//! forgotten. [`crate::presence_contract`] checks these promises.

use crate::contact::Contact;
use async_trait::async_trait;
use eventflow_protocol::presence::{DeviceSignal, Presence, Status};
use eventflow_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// Heartbeat: how often a gateway renews the leases of its devices.
pub const HEARTBEAT: Duration = Duration::from_secs(30);
/// Device lease: how long a device counts without being renewed; two heartbeats may be late. The device of a
/// gateway that was killed is gone after this time and one step of the sweeper.
pub const DEVICE_LEASE: Duration = Duration::from_secs(75);
/// Idle limit: a user without activity for this long is away.
pub const AWAY_AFTER: Duration = Duration::from_mins(5);
/// Grace period: how long a user still counts after their last device left in order, so that a page reload is
/// no departure.
pub const OFFLINE_GRACE: Duration = Duration::from_secs(3);
/// Sweep interval: how often a gateway checks everybody its sockets watch. A departure that no event
/// announced shows after this time at the latest.
pub const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Report interval: how often a gateway says how much is going on there. An entry is a few dozen bytes.
pub const REPORT_EVERY: Duration = Duration::from_secs(5);
/// Report lease: how long a gateway's figures count; two reports may be late. The figures of a gateway that
/// was killed are left out after this time.
pub const REPORT_LEASE: Duration = Duration::from_secs(15);

/// Most people that are named to an operator: their ids are 2 MB.
pub const CONNECTED_MAX: usize = 100_000;

/// The presence store cannot be used now.
#[derive(Debug, thiserror::Error)]
#[error("ask the presence store: {what}")]
pub struct PresenceError {
    /// Operation that was attempted.
    pub what: &'static str,
    /// Error that the driver gave.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Why a process cannot say who is online: it shares no presence store with the sweeper.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("presence.url names no store that all processes share")]
pub struct NotShared;

impl PresenceError {
    /// Whether the system has no presence store that its processes share, so that asking again is no use.
    pub fn is_not_shared(&self) -> bool {
        self.source.is::<NotShared>()
    }
}

/// For a process that shares no presence store with the sweeper. It answers that it cannot say who is online.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPresence;

impl NoPresence {
    fn unknown<T>() -> Result<T, PresenceError> {
        Err(PresenceError { what: "know who is there", source: NotShared.into() })
    }
}

#[async_trait]
impl PresenceStore for NoPresence {
    async fn record(&self, _: &[DeviceSignal]) -> Result<(), PresenceError> {
        Self::unknown()
    }

    async fn judge(&self, _: &[UserId], _: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        Self::unknown()
    }

    async fn due(&self, _: Timestamp, _: usize) -> Result<Vec<UserId>, PresenceError> {
        Self::unknown()
    }

    async fn presence(&self, _: &[UserId], _: Timestamp) -> Result<HashMap<UserId, Presence>, PresenceError> {
        Self::unknown()
    }

    async fn attention(&self, _: &[UserId], _: Timestamp) -> Result<HashMap<UserId, Status>, PresenceError> {
        Self::unknown()
    }

    async fn online_since(
        &self,
        _: &[UserId],
        _: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        Self::unknown()
    }

    async fn contact(
        &self,
        _: &UserId,
        _: (Timestamp, Timestamp),
        _: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        Self::unknown()
    }

    async fn report(&self, _: &str, _: &GatewayStats) -> Result<(), PresenceError> {
        Self::unknown()
    }

    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        Self::unknown()
    }

    async fn retire(&self, _: &str) -> Result<(), PresenceError> {
        Self::unknown()
    }

    async fn connected(&self, _: Timestamp) -> Result<u64, PresenceError> {
        Self::unknown()
    }

    async fn connected_people(&self, _: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        Self::unknown()
    }
}

/// Statistics that one gateway reports about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStats {
    /// Number of open sockets.
    pub connected_clients: u64,
    /// Number of people who are typing now.
    pub typing_users: u64,
    /// Number of threads that somebody at the gateway has open.
    pub rooms: u64,
}

/// The statistics of one gateway, and how old they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayReport {
    /// The gateway.
    pub gateway: String,
    /// What the gateway reported last.
    pub stats: GatewayStats,
    /// Time since then.
    pub age: Duration,
}

/// Keeps leases of devices, and the statistics of gateways.
#[async_trait]
pub trait PresenceStore: Send + Sync + 'static {
    /// Records signals, in order. Safe to repeat because an old signal changes nothing.
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError>;

    /// Determines and records the status of these people at `now`. Returns those whose status differs from
    /// the one recorded last. Of two concurrent calls only one returns a change.
    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError>;

    /// Names people whose status may change by `now` without a signal, because a lease, a grace period or the
    /// idle limit has run out. Returns at most `limit` of them.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError>;

    /// The presence of these people at `now`, with an entry for each of them.
    async fn presence(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError>;

    /// How likely each of these people sees at `now` what is sent to their sockets: their status if only
    /// devices count whose line is live. Others still see the status of [`PresenceStore::presence`], which
    /// keeps a person through a short loss of connection. Without those of whom the store has never heard.
    async fn attention(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Status>, PresenceError>;

    /// Since when each of these people has seen what is sent to their sockets, by the clock of `now`: from
    /// when on one of their active devices has kept its session. Only those whose
    /// [`PresenceStore::attention`] is [`Status::Online`], without those of whom nobody can say since when.
    async fn online_since(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError>;

    /// What is known at `now` of the sessions that this person had when something was sent to them at `at`,
    /// and that had come by `came_by`: whether their gateway has been heard of since. `None` if there was
    /// none, or if they left in order some time ago. All three times are by the caller's clock.
    async fn contact(
        &self,
        user: &UserId,
        (came_by, at): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Contact>, PresenceError>;

    /// How many people are connected at `now`, that is online or away: each person once, whatever their
    /// devices and gateways.
    async fn connected(&self, now: Timestamp) -> Result<u64, PresenceError>;

    /// Names those whom [`Self::connected`] counts, in the order of their ids: at most [`CONNECTED_MAX`] of
    /// them. For operators.
    async fn connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, PresenceError>;

    /// Stores the statistics of `gateway`; they are forgotten after [`REPORT_LEASE`].
    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError>;

    /// The latest statistics of every gateway that reported lately.
    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError>;

    /// Forgets the statistics of `gateway`, which ends.
    async fn retire(&self, gateway: &str) -> Result<(), PresenceError>;
}
