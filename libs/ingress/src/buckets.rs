//! Token buckets by key (GCRA, the `governor` crate): a minute's (or an hour's) budget for each user or each
//! address.
//!
//! A bucket holds a minute's budget, so that a page which loads after a pause gets everything at once, and
//! refills evenly. Memory is bounded: buckets that are full again are forgotten, and if too many are not, all
//! of them are. Then everybody has a full budget again, which is better than no memory. The budgets are of
//! this process.

use crate::refusal::Refusal;
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::RwLock;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Admissions between two searches for buckets that can be forgotten. A bucket takes about 100 bytes, so this
/// bounds the excess to 1 MB.
const CLEAN_EVERY: usize = 10_000;
/// Most buckets that are kept after a search: 10 MB. More users or addresses within a minute than that are an
/// attack with addresses to spare.
const BUCKETS_MAX: usize = 100_000;

/// The budgets of one kind.
pub(crate) struct Buckets<K: Hash + Eq + Clone> {
    quota: Quota,
    limiter: RwLock<DefaultKeyedRateLimiter<K>>,
    admissions: AtomicUsize,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Full budgets for everybody; `None` with a budget of 0, which is no limit.
    pub(crate) fn new(per_minute: u32) -> Option<Self> {
        Some(Self::with(Quota::per_minute(NonZeroU32::new(per_minute)?)))
    }

    /// As [`Self::new`], with a budget for an hour.
    pub(crate) fn hourly(per_hour: u32) -> Option<Self> {
        Some(Self::with(Quota::per_hour(NonZeroU32::new(per_hour)?)))
    }

    fn with(quota: Quota) -> Self {
        Self { quota, limiter: RwLock::new(RateLimiter::keyed(quota)), admissions: AtomicUsize::new(0) }
    }

    /// Takes one from the budget of `key`. Refuses with these words, and the time until the budget has room.
    pub(crate) fn admit(&self, key: &K, error: &'static str) -> Result<(), Refusal> {
        self.take(key).map_err(|wait| Refusal::rate_limited(error, wait))
    }

    /// Takes one from the budget of `key`; else the error is the time until the budget has room.
    pub(crate) fn take(&self, key: &K) -> Result<(), Duration> {
        if self.admissions.fetch_add(1, Relaxed) % CLEAN_EVERY == CLEAN_EVERY - 1 {
            self.clean(BUCKETS_MAX);
        }
        let limiter = self.limiter.read();
        limiter.check_key(key).map_err(|not_until| not_until.wait_time_from(limiter.clock().now()))
    }

    fn clean(&self, most: usize) {
        let limiter = self.limiter.read();
        limiter.retain_recent();
        limiter.shrink_to_fit();
        if limiter.len() > most {
            drop(limiter);
            tracing::warn!(most, "too many clients have a rate limit to remember; all begin anew");
            *self.limiter.write() = RateLimiter::keyed(self.quota);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(buckets: &Buckets<u32>, key: u32) -> bool {
        buckets.admit(&key, "too many").is_ok()
    }

    #[test]
    fn a_budget_is_for_one_key_and_a_refusal_says_when_it_has_room() {
        let buckets = Buckets::new(3).unwrap();
        assert!((0..3).all(|_| admits(&buckets, 1)));
        let wait = buckets.admit(&1, "too many").unwrap_err().retry_after().unwrap();
        assert!((19..=20).contains(&wait.as_secs()), "{wait:?}");
        assert!(admits(&buckets, 2));
        assert!(Buckets::<u32>::new(0).is_none());
    }

    #[test]
    fn buckets_that_are_full_again_are_forgotten() {
        // A bucket of this size is full again after 14 ns, less than a request takes.
        let buckets = Buckets::new(u32::MAX).unwrap();
        assert!((0..u32::try_from(5 * CLEAN_EVERY).unwrap()).all(|n| admits(&buckets, n)));
        assert!(buckets.limiter.read().len() <= 2 * CLEAN_EVERY);
    }

    #[test]
    fn buckets_that_are_not_full_again_are_bounded_too() {
        let buckets = Buckets::new(1).unwrap();
        assert!((0..100).all(|n| admits(&buckets, n)));
        buckets.clean(100);
        assert!(!admits(&buckets, 5), "there is room, so nothing is forgotten");
        buckets.clean(99);
        assert_eq!(buckets.limiter.read().len(), 0);
        assert!(admits(&buckets, 5));
    }
}
