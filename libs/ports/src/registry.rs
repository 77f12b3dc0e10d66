//! The port to the registry, which knows at which gateways a user is connected; and the registry of a single
//! process.
//!
//! Entries are leases: a gateway renews those of its users, and a gateway that died is forgotten when they
//! run out. The answer may name a gateway too many (the user just left), never one too few while it says it
//! is complete.

use async_trait::async_trait;
use eventflow_protocol::{GatewayId, UserId};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// How long an entry holds without being renewed.
pub const LEASE: Duration = Duration::from_secs(90);
/// How often a gateway renews its entries: three tries within one lease.
pub const RENEW_EVERY: Duration = Duration::from_secs(30);

/// The registry cannot be asked now. Fan-out goes on by sending to every gateway.
#[derive(Debug, thiserror::Error)]
#[error("ask the registry: {what}")]
pub struct RegistryError {
    /// What was attempted.
    pub what: &'static str,
    /// What the driver said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Where users are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// Gateways by user; a user without any is absent.
    pub gateways: HashMap<UserId, Vec<GatewayId>>,
    /// False while entries may be missing (the registry was lost and gateways have not all renewed yet).
    pub complete: bool,
}

/// Knows which gateways a user is connected to.
#[async_trait]
pub trait Registry: Send + Sync + 'static {
    /// These users have a socket at `gateway`; also renews.
    async fn enter(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError>;

    /// These users have no socket at `gateway` any more.
    async fn leave(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError>;

    /// Where these users are.
    async fn locate(&self, users: &[UserId]) -> Result<Located, RegistryError>;

    /// Every gateway that has entered users and may still have some; perhaps some that have none any more.
    async fn gateways(&self) -> Result<Vec<GatewayId>, RegistryError>;
}

/// The registry of one process: its gateway tells it, its fan-out worker asks it. Always complete, needs no
/// leases.
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

/// For several processes that share no registry: nobody can say who is where, so everything goes to every
/// gateway.
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
