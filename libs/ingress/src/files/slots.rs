//! Slots: how many requests bring bytes of files at a time, in this process and of each person. This bounds
//! memory, and what a person who sends slowly on many connections can hold.

use crate::refusal::Refusal;
use eventflow_metrics::IntGauge;
use eventflow_protocol::UserId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// When a client may try again that found no slot: uploads take seconds.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// The slots of one process.
pub(crate) struct Slots {
    all: usize,
    each: usize,
    taken: Mutex<Taken>,
    in_progress: IntGauge,
}

#[derive(Default)]
struct Taken {
    count: usize,
    by_user: HashMap<UserId, usize>,
}

/// A slot that is given back when it is dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    user: UserId,
}

impl Slots {
    /// So many for all, and for each person.
    pub(crate) fn new(all: u32, each: u32, in_progress: IntGauge) -> Arc<Self> {
        let number = |slots: u32| usize::try_from(slots).unwrap_or(usize::MAX);
        Arc::new(Self { all: number(all), each: number(each), taken: Mutex::default(), in_progress })
    }

    /// Takes a slot for a request of this person.
    pub(crate) fn take(self: &Arc<Self>, user: &UserId) -> Result<Slot, Refusal> {
        let mut taken = self.taken.lock();
        if taken.by_user.get(user).is_some_and(|own| *own >= self.each) {
            let error = format!("you have {} uploads in progress, please wait", self.each);
            return Err(Refusal::rate_limited(error, RETRY_AFTER));
        }
        if taken.count >= self.all {
            return Err(Refusal::busy("too many uploads are in progress here, please wait", RETRY_AFTER));
        }
        taken.count += 1;
        *taken.by_user.entry(user.clone()).or_default() += 1;
        self.in_progress.inc();
        Ok(Slot { slots: Arc::clone(self), user: user.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock();
        taken.count -= 1;
        if let Some(own) = taken.by_user.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                taken.by_user.remove(&self.user);
            }
        }
        self.slots.in_progress.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;
    use eventflow_protocol::ErrorCode;

    #[test]
    fn a_person_and_a_process_have_so_many_and_get_them_back() {
        let metrics = Metrics::default();
        let slots = Slots::new(3, 2, metrics.attachments.in_progress.clone());
        let [ann, bob, eve]: [UserId; 3] = ["ann", "bob", "eve"].map(|name| name.parse().unwrap());
        let (first, second) = (slots.take(&ann).unwrap(), slots.take(&ann).unwrap());
        assert_eq!(slots.take(&ann).err().unwrap().code, ErrorCode::RateLimited);
        let third = slots.take(&bob).unwrap();
        assert_eq!(slots.take(&eve).err().unwrap().code, ErrorCode::Unavailable);
        drop((first, third));
        assert!(slots.take(&ann).is_ok() && slots.take(&eve).is_ok());
        drop(second);
        assert_eq!(metrics.attachments.in_progress.get(), 0);
        assert!(slots.taken.lock().by_user.is_empty());
    }
}
