//! Pacer of the open loop: one thread decides when each message is due, however slow the system is.
//!
//! It has a thread of its own because the runtime's timers tick in whole milliseconds, which would dominate a
//! latency of a few milliseconds. It only counts up what a sender may send and wakes the sender. A late
//! sender finds several messages due, each with its own intended time (no coordinated omission).

use crate::stage::Stage;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// Shortest sleep. Above 2,000 messages per second one wake-up releases several messages, each late by less
/// than this plus the wake-up itself (the report's "generator lag").
const SHORTEST_SLEEP: Duration = Duration::from_micros(500);
/// Longest sleep, within which a slow stream notices that sending has ended.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// When the messages of a feed are meant to be sent.
#[derive(Debug)]
enum Timing {
    /// The `n`-th message of this feed is number `n * feeds + rank` of a stream of `rate` per second.
    Paced { rank: u64, feeds: u64, rate: f64 },
    /// Time of the last release, in microseconds.
    Released(AtomicU64),
}

/// What one sender may send.
#[derive(Debug)]
pub struct Feed {
    due: AtomicU32,
    wake: Notify,
    timing: Timing,
}

impl Feed {
    /// Creates one of `feeds` feeds that share `rate` messages per second.
    pub fn paced(rank: usize, feeds: usize, rate: f64) -> Self {
        Self::new(Timing::Paced { rank: rank as u64, feeds: feeds as u64, rate })
    }

    /// Creates a feed that is released by hand.
    pub fn released() -> Self {
        Self::new(Timing::Released(AtomicU64::new(0)))
    }

    fn new(timing: Timing) -> Self {
        Self { due: AtomicU32::new(0), wake: Notify::new(), timing }
    }

    /// Number of messages that may have been sent by now.
    pub fn due(&self) -> u32 {
        self.due.load(Ordering::Acquire)
    }

    /// Waits until more messages may be due.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }

    /// Time at which message `n` was meant to be sent, in microseconds since the generator started.
    pub fn intended_us(&self, n: u32, stage: &Stage) -> u64 {
        match &self.timing {
            Timing::Paced { rank, feeds, rate } => {
                stage.start_us() + place_us(u64::from(n) * feeds + rank, *rate)
            }
            Timing::Released(at_us) => at_us.load(Ordering::Acquire),
        }
    }

    /// Releases `count` more messages, now.
    pub fn release(&self, count: u32, stage: &Stage) {
        if let Timing::Released(at_us) = &self.timing {
            at_us.store(stage.now_us(), Ordering::Release);
        }
        stage.offered.fetch_add(u64::from(count), Ordering::AcqRel);
        self.due.fetch_add(count, Ordering::AcqRel);
        self.wake.notify_one();
    }
}

/// Releases `rate` messages per second, one feed after the other, for as long as the stage lets clients send.
/// Blocks, so it needs a thread of its own.
pub fn pace(stage: &Stage, feeds: &[Arc<Feed>], rate: f64) {
    for (number, feed) in (0_u64..).zip(feeds.iter().cycle()) {
        sleep_until(stage.start_us() + place_us(number, rate), stage);
        if !stage.may_send() {
            return;
        }
        feed.release(1, stage);
    }
}

/// Sleeps until `due_us`, or until sending ends.
fn sleep_until(due_us: u64, stage: &Stage) {
    while stage.may_send() {
        let wait = Duration::from_micros(due_us.saturating_sub(stage.now_us()));
        if wait.is_zero() {
            return;
        }
        std::thread::sleep(wait.clamp(SHORTEST_SLEEP, LONGEST_SLEEP));
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a run is hours long at most and never negative"
)]
fn place_us(number: u64, rate: f64) -> u64 {
    (number as f64 * 1_000_000.0 / rate) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_take_turns_at_an_even_pace() {
        let stage = Stage::new("r");
        let feeds = [Feed::paced(0, 2, 100.0), Feed::paced(1, 2, 100.0)];
        assert_eq!(feeds[0].intended_us(0, &stage), 0);
        assert_eq!(feeds[1].intended_us(0, &stage), 10_000);
        assert_eq!(feeds[0].intended_us(1, &stage), 20_000);
    }

    #[test]
    fn a_released_feed_counts_and_offers() {
        let stage = Stage::new("r");
        let feed = Feed::released();
        feed.release(8, &stage);
        assert_eq!(feed.due(), 8);
        assert_eq!(stage.offered.load(Ordering::Acquire), 8);
    }
}
