//! Rate limits of REST, by user and by client address; see [`crate::buckets`].
//!
//! The budget of the address is taken before any credential is looked at, so it bounds guessing too.

use crate::buckets::Buckets;
use crate::client_address::{self, ProxyTrust};
use crate::refusal::Refusal;
use crate::settings::IngressConfig;
use eventflow_protocol::UserId;
use std::net::IpAddr;

const TOO_MANY: &str = "too many requests, please wait";

/// The budgets of one process; `None` where there is no limit.
pub(crate) struct RateLimits {
    users: Option<Buckets<UserId>>,
    addresses: Option<Buckets<IpAddr>>,
    proxies: ProxyTrust,
}

impl RateLimits {
    /// Full budgets for everybody, as the settings say.
    pub(crate) fn new(config: &IngressConfig) -> Self {
        Self {
            users: Buckets::new(config.rest_per_minute_user),
            addresses: Buckets::new(config.rest_per_minute_ip),
            proxies: config.proxies.clone(),
        }
    }

    /// Full budgets for every address; no limit by user.
    pub(crate) fn of_addresses(per_minute: u32, proxies: ProxyTrust) -> Self {
        Self { users: None, addresses: Buckets::new(per_minute), proxies }
    }

    /// The proxies before this process.
    pub(crate) fn proxies(&self) -> &ProxyTrust {
        &self.proxies
    }

    /// Takes one request from a user's budget.
    pub(crate) fn admit_user(&self, user: &UserId) -> Result<(), Refusal> {
        self.users.as_ref().map_or(Ok(()), |buckets| buckets.admit(user, TOO_MANY))
    }

    /// Takes one request from an address' budget.
    pub(crate) fn admit_address(&self, address: IpAddr) -> Result<(), Refusal> {
        let network = client_address::network(address);
        self.addresses.as_ref().map_or(Ok(()), |buckets| buckets.admit(&network, TOO_MANY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(user: u32, ip: u32) -> RateLimits {
        let mut config = IngressConfig::new(&[0; 32]);
        config.rest_per_minute_user = user;
        config.rest_per_minute_ip = ip;
        RateLimits::new(&config)
    }

    #[test]
    fn each_user_has_a_budget_of_their_own_and_zero_is_no_limit() {
        let limits = limits(3, 0);
        let ann = "ann".parse().unwrap();
        let bob = "bob".parse().unwrap();
        assert!((0..3).all(|_| limits.admit_user(&ann).is_ok()));
        assert!(limits.admit_user(&ann).is_err());
        assert!(limits.admit_user(&bob).is_ok());
        assert!((0..10_000).all(|_| limits.admit_address([127, 0, 0, 1].into()).is_ok()));
    }

    #[test]
    fn an_ipv6_client_cannot_get_more_by_changing_its_address() {
        let limits = limits(0, 2);
        let admitted =
            (0..100_u16).filter(|n| limits.admit_address([0x2001, 0xdb8, 0, 1, 0, 0, 0, *n].into()).is_ok());
        assert_eq!(admitted.count(), 2);
        assert!(limits.admit_address([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1].into()).is_ok());
    }
}
