//! Lag: how long every task of the process waits for its turn, as one task that hardly does anything sees it.
//!
//! The sign is the smallest lag of a window. A queue that stands for half a second delays every sample in it;
//! a burst that is worked off, or one long step of one task, does not (the idea is that of `CoDel`, RFC
//! 8289). It covers whatever takes the processor: joins, deliveries, other processes of the machine. It needs
//! no second clock, unlike the age of a delivery, and no question to the broker, unlike the depth of a queue.

use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// Time between two samples: twenty a second cost nothing.
const SAMPLE_EVERY: Duration = Duration::from_millis(50);
/// Samples of a window of half a second.
const SAMPLES: u32 = 10;

/// The smallest lag of the window that begins now. Takes as long as the window.
pub(super) async fn standing() -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..SAMPLES {
        let due = Instant::now() + SAMPLE_EVERY;
        sleep_until(due).await;
        // A task that a timer wakes may be run before those that wait. This puts it behind them.
        yield_now().await;
        least = least.min(due.elapsed());
    }
    least
}
