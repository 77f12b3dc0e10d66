//! When something is due that somebody is to be told.
//!
//! A pure function of the person's preferences and a moment. Quiet hours hold, they do not drop: what falls
//! into them is due right at their end, which is the first such time that is still to come.

use crate::inbox::Preferences;
use crate::outbound::{Channel, WaitsFor};
use crate::schedule::{DAYS_AHEAD, Every, WallTime, next, on_wall};
use crate::{ThreadId, Timestamp};
use std::time::Duration;

impl Preferences {
    /// What this person's channel waits for from `ready` on, until [`Preferences::due_at`].
    pub fn waits_for(&self, channel: Channel, is_critical: bool, ready: Timestamp) -> WaitsFor {
        let due = self.due_at(channel, is_critical, ready);
        let gathered = if channel == Channel::Email { self.digest_at(ready) } else { ready };
        if due == ready {
            WaitsFor::Attention
        } else if due == gathered {
            WaitsFor::Digest
        } else {
            WaitsFor::QuietHours
        }
    }

    /// When to tell this person by this channel what could be told from `ready` on: never before `ready`, at
    /// once if it is critical, else with the digest, and at the end of quiet hours.
    pub fn due_at(&self, channel: Channel, is_critical: bool, ready: Timestamp) -> Timestamp {
        if is_critical {
            return ready;
        }
        let gathered = match channel {
            Channel::Email => self.digest_at(ready),
            Channel::Push => ready,
        };
        self.after_quiet_hours(gathered)
    }

    /// This moment, or the end of the quiet hours in which it lies.
    pub fn after_quiet_hours(&self, at: Timestamp) -> Timestamp {
        let quiet = self.quiet_hours;
        if !quiet.enabled || quiet.from == quiet.until {
            return at;
        }
        let zone = self.time_zone.zone();
        let mut end = at;
        // One round, unless the clocks are set forward over everything that is not quiet.
        for _ in 0..=DAYS_AHEAD {
            let is_quiet = on_wall(&zone, end).is_some_and(|wall| quiet.include(wall.time()));
            match next(&zone, quiet.until, end).filter(|_| is_quiet) {
                Some(later) => end = later,
                None => break,
            }
        }
        end
    }

    /// Whether this person wants to be told nothing of this thread now.
    pub fn is_muted(&self, thread: ThreadId, now: Timestamp) -> bool {
        self.mutes.iter().any(|mute| mute.thread_id == thread && mute.until.is_none_or(|until| now < until))
    }

    fn digest_at(&self, ready: Timestamp) -> Timestamp {
        match self.digest.every {
            Every::Immediately => ready,
            Every::QuarterHour => ready.plus(Duration::from_mins(15)),
            Every::Hour => ready.plus(Duration::from_hours(1)),
            Every::Day => {
                let hour = WallTime::hour(self.digest.hour);
                hour.and_then(|hour| next(&self.time_zone.zone(), hour, ready)).unwrap_or(ready)
            }
        }
    }
}

#[cfg(test)]
mod tests;
