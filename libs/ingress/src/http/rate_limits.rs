//! Rate limits of REST, by user and by client address: token buckets (GCRA, the `governor` crate) per
//! process.
//!
//! A bucket holds a minute's budget, so that a page which loads after a pause gets everything at once, and
//! refills evenly. The budget of the address is taken before any credential is looked at, so it bounds
//! guessing too. Buckets that are full again are forgotten.

use crate::client_address;
use crate::http::refusal_response::RefusalResponse;
use crate::refusal::Refusal;
use crate::settings::IngressConfig;
use eventflow_protocol::{ErrorCode, UserId};
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Admissions between two searches for buckets that can be forgotten. A bucket takes about 100 bytes, so this
/// bounds the excess to 1 MB.
const CLEAN_EVERY: usize = 10_000;

/// The budgets of one process; `None` where there is no limit.
pub(crate) struct RateLimits {
    users: Option<Buckets<UserId>>,
    addresses: Option<Buckets<IpAddr>>,
    trusted_proxies: u8,
}

struct Buckets<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    admissions: AtomicUsize,
}

impl RateLimits {
    /// Full budgets for everybody, as the settings say.
    pub(crate) fn new(config: &IngressConfig) -> Self {
        Self {
            users: Buckets::new(config.rest_per_minute_user),
            addresses: Buckets::new(config.rest_per_minute_ip),
            trusted_proxies: config.trusted_proxies,
        }
    }

    /// How many proxies of ours stand before this process.
    pub(crate) fn trusted_proxies(&self) -> u8 {
        self.trusted_proxies
    }

    /// Takes one request from a user's budget.
    pub(crate) fn admit_user(&self, user: &UserId) -> Result<(), RefusalResponse> {
        self.users.as_ref().map_or(Ok(()), |buckets| buckets.admit(user))
    }

    /// Takes one request from an address' budget.
    pub(crate) fn admit_address(&self, address: IpAddr) -> Result<(), RefusalResponse> {
        self.addresses.as_ref().map_or(Ok(()), |buckets| buckets.admit(&client_address::network(address)))
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(per_minute: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
        Some(Self { limiter: RateLimiter::keyed(quota), admissions: AtomicUsize::new(0) })
    }

    fn admit(&self, key: &K) -> Result<(), RefusalResponse> {
        if self.admissions.fetch_add(1, Relaxed) % CLEAN_EVERY == CLEAN_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.limiter.clock().now());
            let refusal = Refusal::new(ErrorCode::RateLimited, "too many requests, please wait");
            RefusalResponse::from(refusal).after(wait)
        })
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

    #[test]
    fn buckets_that_are_full_again_are_forgotten() {
        // A bucket of this size is full again after 14 ns, less than a request takes.
        let limits = limits(0, u32::MAX);
        for n in 0..u32::try_from(5 * CLEAN_EVERY).unwrap() {
            assert!(limits.admit_address(IpAddr::V4(n.into())).is_ok());
        }
        assert!(limits.addresses.unwrap().limiter.len() <= 2 * CLEAN_EVERY);
    }
}
