//! Steady ticks for loops that do something every so often.

use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Ticks now and then once every `period`. After a round that took longer than `period` the next tick comes a
/// whole `period` later: a loop that fell behind does not catch up in a burst.
pub fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
