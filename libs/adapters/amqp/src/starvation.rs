//! Starvation: tells a consumer that the broker has forgotten from one that has nothing to do.
//!
//! RabbitMQ 3.10 can keep a consumer in its books and lose what it hands to it (tried: a quorum queue that is
//! deleted and declared again within a moment sends no cancel). The sign: messages are ready, the consumer
//! has room and waits, and no delivery comes, check after check. That shows as soon as more messages wait
//! than the prefetch. Once the channel is closed, all of them return to the queue. A consumer that waits for
//! its turn on a single-active queue shows the same sign until its first delivery: it is not judged while
//! there is another consumer, and one that is alone gets more time.

use crate::liveness::QueueLook;

/// Starving checks in a row after which a consumer that has had a delivery counts as lost.
const SERVED_LIMIT: u32 = 2;
/// The same for a consumer that never had a delivery: half a minute.
const WAITING_LIMIT: u32 = 6;

/// Counts the starving checks of one consumer.
#[derive(Default)]
pub(crate) struct Starvation {
    served: bool,
    checks: u32,
}

impl Starvation {
    /// Takes note of a delivery.
    pub(crate) fn delivered(&mut self) {
        *self = Self { served: true, checks: 0 };
    }

    /// Takes note of a check: the queue had `ready` messages while the consumer waited. `true` if the
    /// consumer has starved.
    pub(crate) fn check(&mut self, look: QueueLook, has_room: bool) -> bool {
        let may_wait_its_turn = !self.served && look.consumers > 1;
        self.checks = if look.ready > 0 && has_room && !may_wait_its_turn { self.checks + 1 } else { 0 };
        self.checks >= if self.served { SERVED_LIMIT } else { WAITING_LIMIT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(ready: u32) -> QueueLook {
        QueueLook { ready, consumers: 1 }
    }

    #[test]
    fn one_that_waits_behind_another_consumer_is_not_judged() {
        let behind = QueueLook { ready: 100, consumers: 2 };
        let mut starvation = Starvation::default();
        assert!((0..100).all(|_| !starvation.check(behind, true)));
        starvation.delivered();
        assert!(!starvation.check(behind, true));
        assert!(starvation.check(behind, true), "one that was served is the active one");
    }

    #[test]
    fn a_consumer_that_was_served_starves_after_two_looks() {
        let mut starvation = Starvation::default();
        starvation.delivered();
        assert!(!starvation.check(alone(3), true));
        assert!(starvation.check(alone(3), true));
    }

    #[test]
    fn one_that_may_be_waiting_for_its_turn_is_given_longer() {
        let mut starvation = Starvation::default();
        assert_eq!((0..6).map(|_| starvation.check(alone(1), true)).filter(|starved| *starved).count(), 1);
    }

    #[test]
    fn an_empty_queue_a_full_consumer_and_a_delivery_start_the_count_over() {
        let mut starvation = Starvation::default();
        starvation.delivered();
        for (ready, has_room) in [(1, true), (0, true), (1, true), (1, false), (1, true)] {
            assert!(!starvation.check(alone(ready), has_room));
        }
        starvation.delivered();
        assert!(!starvation.check(alone(1), true));
    }
}
