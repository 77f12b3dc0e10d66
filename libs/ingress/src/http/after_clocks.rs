//! The time of a change that must count against what is stored, whichever clock accepted that.
//!
//! Stores compare the times of some changes, since their order of arrival says nothing: of two people's
//! registrations of one device, say. A gateway whose clock is right now must not lose against one whose clock
//! was ahead. What a gateway finds stored came before what it accepts now.

use eventflow_protocol::Timestamp;
use std::time::Duration;

/// The least that a [`Timestamp`] can show.
const TICK: Duration = Duration::from_millis(1);

/// `now`, or right after what is stored if that looks later.
pub(crate) fn after_clocks(stored: Option<Timestamp>, now: Timestamp) -> Timestamp {
    stored.map_or(now, |stored| now.max(stored.plus(TICK)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_later_than_what_is_stored_and_never_earlier_than_now() {
        assert_eq!(after_clocks(None, Timestamp(5)), Timestamp(5));
        assert_eq!(after_clocks(Some(Timestamp(4)), Timestamp(5)), Timestamp(5));
        assert_eq!(after_clocks(Some(Timestamp(5)), Timestamp(5)), Timestamp(6));
        assert_eq!(after_clocks(Some(Timestamp(900)), Timestamp(5)), Timestamp(901));
    }
}
