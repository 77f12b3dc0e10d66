//! The registry port: at which gateways a user is connected. The registry of a single process is here too.
//!
//! Entries are leases. A gateway renews those of its users, and a gateway that died is forgotten when they
//! run out. An answer may name a gateway too many, when the user just left. An answer that is marked complete
//! never misses one.

use async_trait::async_trait;
use eventflow_protocol::{GatewayId, UserId};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Lease: how long an entry holds without being renewed.
pub const LEASE: Duration = Duration::from_secs(90);
/// Renewal interval: how often a gateway renews its entries, three times within one lease.
pub const RENEW_EVERY: Duration = Duration::from_secs(30);

/// The registry cannot be used now. Fan-out goes on by sending to every gateway.
#[derive(Debug, thiserror::Error)]
#[error("ask the registry: {what}")]
pub struct RegistryError {
    /// Operation that was attempted.
    pub what: &'static str,
    /// Error that the driver gave.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The gateways at which users are connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// Gateways by user; a user without any gateway is absent.
    pub gateways: HashMap<UserId, Vec<GatewayId>>,
    /// `false` while entries may be missing, because the registry was lost and not all gateways have renewed
    /// yet.
    pub complete: bool,
}

/// Knows at which gateways a user is connected.
#[async_trait]
pub trait Registry: Send + Sync + 'static {
    /// Enters or renews these users, who have a socket at `gateway`.
    async fn enter(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError>;

    /// Removes these users, who have no socket at `gateway` any more.
    async fn leave(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError>;

    /// Finds the gateways of these users.
    async fn locate(&self, users: &[UserId]) -> Result<Located, RegistryError>;

    /// Names every gateway that has entered users and may still have some. It may also name gateways without
    /// users.
    async fn gateways(&self) -> Result<Vec<GatewayId>, RegistryError>;
}

/// The registry of one process: its gateway writes it and its fan-out worker reads it. It is always complete
/// and needs no leases.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    entries: Mutex<HashMap<UserId, HashSet<GatewayId>>>,
}

#[async_trait]
impl Registry for MemoryRegistry {
    async fn enter(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
        let mut entries = self.entries.lock();
        for user in users {
            entries.entry(user.clone()).or_default().insert(gateway.clone());
        }
        Ok(())
    }

    async fn leave(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
        let mut entries = self.entries.lock();
        for user in users {
            if let Some(gateways) = entries.get_mut(user) {
                gateways.remove(gateway);
                if gateways.is_empty() {
                    entries.remove(user);
                }
            }
        }
        Ok(())
    }

    async fn locate(&self, users: &[UserId]) -> Result<Located, RegistryError> {
        let entries = self.entries.lock();
        let found = users
            .iter()
            .filter_map(|user| entries.get(user).map(|at| (user.clone(), at.iter().cloned().collect())));
        Ok(Located { gateways: found.collect(), complete: true })
    }

    async fn gateways(&self) -> Result<Vec<GatewayId>, RegistryError> {
        let named: HashSet<GatewayId> = self.entries.lock().values().flatten().cloned().collect();
        Ok(named.into_iter().collect())
    }
}

/// For several processes that share no registry. Nobody can say where a user is, so fan-out sends everything
/// to every gateway.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRegistry;

#[async_trait]
impl Registry for NoRegistry {
    async fn enter(&self, _: &GatewayId, _: &[UserId]) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn leave(&self, _: &GatewayId, _: &[UserId]) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn locate(&self, _: &[UserId]) -> Result<Located, RegistryError> {
        Ok(Located::default())
    }
    async fn gateways(&self) -> Result<Vec<GatewayId>, RegistryError> {
        Ok(Vec::new())
    }
}
