//! The port to the presence store: leases of devices, which gateways renew and a sweeper judges.
//!
//! A device is one session of one user (a browser tab, an app). It is there while its lease holds and active
//! while its user did something lately; a user is online if any device is active, away if none is but one is
//! there, else offline. Entries are leases, so a gateway that died is forgotten. [`crate::presence_contract`]
//! is the executable form.

use async_trait::async_trait;
use eventflow_protocol::presence::{DeviceSignal, Presence};
use eventflow_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// Heartbeat: how often a gateway renews the leases of its devices.
pub const HEARTBEAT: Duration = Duration::from_secs(30);
/// Lease of a device: how long the device counts without being renewed; two heartbeats may be late. A device
/// of a gateway that was killed is gone within this and one step of the sweeper.
pub const DEVICE_LEASE: Duration = Duration::from_secs(75);
/// Idle limit: a user without activity for this long is away.
pub const AWAY_AFTER: Duration = Duration::from_mins(5);
/// Grace period: how long a user still counts whose last device left in order, so that a reload is no
/// departure.
pub const OFFLINE_GRACE: Duration = Duration::from_secs(3);
/// How often a gateway looks again at everybody its sockets watch: a departure that nobody told of shows
/// after this at the latest.
pub const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// The presence store cannot be asked now.
#[derive(Debug, thiserror::Error)]
#[error("ask the presence store: {what}")]
pub struct PresenceError {
    /// What was attempted.
    pub what: &'static str,
    /// What the driver said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// For a process that shares no presence store with the sweeper. It cannot say who is online, and answers so.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPresence;

impl NoPresence {
    fn unknown<T>() -> Result<T, PresenceError> {
        Err(PresenceError {
            what: "know who is there",
            source: "presence.url names no store that all processes share".into(),
        })
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

    async fn report(&self, _: &str, _: &GatewayStats) -> Result<(), PresenceError> {
        Self::unknown()
    }

    async fn reports(&self) -> Result<Vec<GatewayStats>, PresenceError> {
        Self::unknown()
    }
}

/// What one gateway says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStats {
    /// Open sockets.
    pub connected_clients: u64,
    /// Users with a socket there.
    pub online_users: u64,
    /// People typing at this moment.
    pub typing_users: u64,
    /// Threads that somebody there looks at.
    pub rooms: u64,
}

/// Keeps leases of devices and what gateways say of themselves.
#[async_trait]
pub trait PresenceStore: Send + Sync + 'static {
    /// Takes signals in, in order. Repeating them changes nothing.
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError>;

    /// Judges these people at `now`: who they are to others, and remembers it. Gives those whose status is
    /// another than at the last judgement. Two judges at once: a change is given to one of them.
    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError>;

    /// People who may have to be judged at `now` without a signal: a lease, a grace period or the time to
    /// away has run out. At most `limit`.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError>;

    /// How these people are at `now`; an entry for each.
    async fn presence(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError>;

    /// What gateway `gateway` says of itself; forgotten after [`DEVICE_LEASE`].
    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError>;

    /// What gateways have said of themselves lately.
    async fn reports(&self) -> Result<Vec<GatewayStats>, PresenceError>;
}
