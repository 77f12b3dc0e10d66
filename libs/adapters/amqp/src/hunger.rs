//! Tells a consumer that the broker has forgotten from one that has nothing to do.
//!
//! RabbitMQ 3.10 can keep a consumer in its books and lose what it hands to it (tried: a quorum queue deleted and declared again
//! within a moment sends no cancel). What gives it away: messages are ready, the consumer has room and waits, and nothing comes,
//! look after look; that is, as soon as more wait than the prefetch. Once the channel is closed, all of them return. A consumer that waits for its turn on a single-active queue looks the same until it has been served once,
//! so it is given longer; taking it for lost costs no more than subscribing again.

/// Hungry looks in a row after which a consumer that was served before is lost.
const SERVED_LIMIT: u32 = 2;
/// The same for one that was never served: half a minute.
const WAITING_LIMIT: u32 = 6;

/// The hunger of one consumer.
#[derive(Default)]
pub(crate) struct Hunger {
    served: bool,
    looks: u32,
}

impl Hunger {
    /// A delivery came.
    pub(crate) fn fed(&mut self) {
        *self = Self { served: true, looks: 0 };
    }

    /// While the consumer waited, the queue was seen with `ready` messages; whether it has starved.
    pub(crate) fn look(&mut self, ready: u32, has_room: bool) -> bool {
        self.looks = if ready > 0 && has_room { self.looks + 1 } else { 0 };
        self.looks >= if self.served { SERVED_LIMIT } else { WAITING_LIMIT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_was_served_starves_after_two_looks() {
        let mut hunger = Hunger::default();
        hunger.fed();
        assert!(!hunger.look(3, true));
        assert!(hunger.look(3, true));
    }

    #[test]
    fn one_that_may_be_waiting_for_its_turn_is_given_longer() {
        let mut hunger = Hunger::default();
        assert_eq!((0..6).map(|_| hunger.look(1, true)).filter(|starved| *starved).count(), 1);
    }

    #[test]
    fn an_empty_queue_a_full_consumer_and_a_delivery_start_the_count_over() {
        let mut hunger = Hunger::default();
        hunger.fed();
        for (ready, has_room) in [(1, true), (0, true), (1, true), (1, false), (1, true)] {
            assert!(!hunger.look(ready, has_room));
        }
        hunger.fed();
        assert!(!hunger.look(1, true));
    }
}
