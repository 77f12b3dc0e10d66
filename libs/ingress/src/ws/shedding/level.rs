//! Level: how many kinds of events are shed, by the lag of the last windows.
//!
//! Up by one kind with each window whose lag is past the kind's bound, so that more is shed only if less was
//! not enough. Down by one kind after several windows in a row far below its bound (hysteresis): what is shed
//! is load that comes back when it is not shed any more.

use eventflow_metrics::ShedKind;
use std::fmt;
use std::time::Duration;

/// The kinds in the order in which they are shed, each with its bound as a multiple of the setting. Typing is
/// the most frequent and worth the least; what is shown of presence is wrong for a minute at most; receipts
/// are what senders look at.
const ORDER: [(ShedKind, u32); 3] =
    [(ShedKind::Typing, 1), (ShedKind::Presence, 3), (ShedKind::Receipts, 10)];
/// Calm: the share of its bound below which the lag has to be before a kind is told again.
const CALM_SHARE: u32 = 2;
/// Windows in a row that have to be calm: five seconds.
const CALM_WINDOWS: u32 = 10;

/// How many kinds are shed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level(u8);

impl Level {
    /// So many kinds.
    pub(super) fn of(kinds: u8) -> Self {
        Self(kinds)
    }

    /// Whether this kind is shed.
    pub(super) fn sheds(self, what: ShedKind) -> bool {
        ORDER.iter().take(self.0.into()).any(|(kind, _)| *kind == what)
    }

    /// The number of kinds.
    pub(super) fn kinds(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            0 => "nothing",
            1 => "typing",
            2 => "typing and presence",
            _ => "typing, presence and receipts",
        })
    }
}

/// Decides on the level.
pub(super) struct LevelControl {
    begins_at: Duration,
    level: u8,
    calm_windows: u32,
}

impl LevelControl {
    /// Nothing is shed. The first kind will be from this lag on.
    pub(super) fn new(begins_at: Duration) -> Self {
        Self { begins_at, level: 0, calm_windows: 0 }
    }

    /// The level after a window with this lag.
    pub(super) fn observe(&mut self, lag: Duration) -> Level {
        let next = self.bound(self.level);
        let last = self.level.checked_sub(1).and_then(|last| self.bound(last));
        if next.is_some_and(|bound| lag >= bound) {
            self.level += 1;
            self.calm_windows = 0;
        } else if last.is_some_and(|bound| lag < bound / CALM_SHARE) {
            self.calm_windows += 1;
            if self.calm_windows >= CALM_WINDOWS {
                self.level -= 1;
                self.calm_windows = 0;
            }
        } else {
            self.calm_windows = 0;
        }
        Level(self.level)
    }

    /// The lag from which on the kind at this place is shed.
    fn bound(&self, place: u8) -> Option<Duration> {
        ORDER.get(usize::from(place)).map(|(_, times)| self.begins_at.saturating_mul(*times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn after(control: &mut LevelControl, lags: &[(u64, u32)]) -> i64 {
        let mut level = Level::default();
        for (lag, windows) in lags {
            for _ in 0..*windows {
                level = control.observe(ms(*lag));
            }
        }
        i64::from(level.kinds())
    }

    #[test]
    fn kinds_are_shed_one_after_the_other_and_messages_never() {
        let control = || LevelControl::new(ms(100));
        assert_eq!(after(&mut control(), &[(99, 100)]), 0);
        assert_eq!(after(&mut control(), &[(100, 100)]), 1, "typing alone, as long as that is enough");
        assert_eq!(after(&mut control(), &[(300, 1)]), 1, "one kind a window");
        assert_eq!(after(&mut control(), &[(300, 100)]), 2);
        assert_eq!(after(&mut control(), &[(999, 100)]), 2);
        assert_eq!(after(&mut control(), &[(60_000, 100)]), 3, "there is nothing else to shed");
    }

    #[test]
    fn a_kind_comes_back_after_five_calm_seconds_and_not_on_the_edge() {
        let mut control = LevelControl::new(ms(100));
        assert_eq!(
            after(&mut control, &[(60_000, 3), (90, 100)]),
            1,
            "90 ms is calm for presence, not for typing"
        );
        assert_eq!(after(&mut control, &[(49, CALM_WINDOWS - 1), (50, 1), (49, CALM_WINDOWS - 1)]), 1);
        assert_eq!(after(&mut control, &[(49, 1)]), 0);
        assert_eq!(after(&mut control, &[(0, 100)]), 0);
    }
}
