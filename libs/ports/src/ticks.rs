//! Steady ticks for loops that run at a fixed interval.

use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Returns an interval that ticks at once and then every `period`. After a round that took longer than
/// `period`, the next tick comes a whole `period` later. So a loop that fell behind does not catch up in a
/// burst.
pub fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
