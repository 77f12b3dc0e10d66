//! When somebody wants to be told: the values of their preferences, and the clock on their wall.
//!
//! Everything here is a pure function of a time zone and a moment. Where the clocks are set forward over a
//! time, that time is the moment of the change; where they are set back over it, it comes twice.

use crate::{ThreadId, Timestamp};
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Most threads that somebody can have muted.
pub const MUTES_MAX: usize = 500;
/// Longest name of a time zone in bytes; the longest real one has 32.
pub const TIME_ZONE_MAX_BYTES: usize = 64;
/// Longest name of a language in bytes (RFC 5646, section 4.4.1).
pub const LOCALE_MAX_BYTES: usize = 35;
/// Days that are looked through for the next time on the wall: today, tomorrow, and one more for a day that a
/// time zone has left out (Samoa, 30 December 2011).
pub(crate) const DAYS_AHEAD: i64 = 2;

/// A time of day on somebody's wall, `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WallTime {
    hour: i8,
    minute: i8,
}

/// Why a text is not a [`WallTime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written as HH:MM, 00:00 to 23:59")]
pub struct NotAWallTime;

impl WallTime {
    /// The full hour, 0 to 23; `None` if there is no such hour.
    pub fn hour(hour: u8) -> Option<Self> {
        i8::try_from(hour).ok().filter(|hour| (0..24).contains(hour)).map(|hour| Self { hour, minute: 0 })
    }

    pub(crate) fn time(self) -> Time {
        Time::new(self.hour, self.minute, 0, 0).expect("hours end at 23 and minutes at 59")
    }
}

impl FromStr for WallTime {
    type Err = NotAWallTime;

    fn from_str(text: &str) -> Result<Self, NotAWallTime> {
        let part = |digits: &str, end: i8| {
            let is_plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|number| is_plain && (0..end).contains(number)).ok_or(NotAWallTime)
        };
        let (hour, minute) = text.split_once(':').ok_or(NotAWallTime)?;
        Ok(Self { hour: part(hour, 24)?, minute: part(minute, 60)? })
    }
}

impl TryFrom<String> for WallTime {
    type Error = NotAWallTime;

    fn try_from(text: String) -> Result<Self, NotAWallTime> {
        text.parse()
    }
}

impl From<WallTime> for String {
    fn from(time: WallTime) -> Self {
        time.to_string()
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// The hours in which somebody wants to be told nothing. They may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuietHours {
    /// Whether they hold.
    pub enabled: bool,
    /// When they begin.
    pub from: WallTime,
    /// When they end; not the time at which they begin.
    pub until: WallTime,
}

impl Default for QuietHours {
    fn default() -> Self {
        Self {
            enabled: false,
            from: WallTime { hour: 22, minute: 0 },
            until: WallTime { hour: 7, minute: 0 },
        }
    }
}

impl QuietHours {
    pub(crate) fn include(self, time: Time) -> bool {
        let (from, until) = (self.from.time(), self.until.time());
        if from <= until { from <= time && time < until } else { from <= time || time < until }
    }
}

/// How long mails wait for further ones to come along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Every {
    /// They do not wait.
    #[default]
    #[serde(rename = "immediately")]
    Immediately,
    /// A quarter of an hour from the first one.
    #[serde(rename = "15m")]
    QuarterHour,
    /// An hour from the first one.
    #[serde(rename = "1h")]
    Hour,
    /// Until the hour of the day that the person chose.
    #[serde(rename = "1d")]
    Day,
}

/// How mails are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DigestInterval {
    /// How long mails wait.
    pub every: Every,
    /// The hour of the day, 0 to 23, at which a daily digest comes.
    pub hour: u8,
}

impl Default for DigestInterval {
    fn default() -> Self {
        Self { every: Every::Immediately, hour: 8 }
    }
}

/// A thread of which somebody wants to be told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mute {
    /// The thread.
    pub thread_id: ThreadId,
    /// When the mute ends; `null` if the person ends it.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// The name of a time zone in the IANA database, e.g. `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TimeZoneName(String);

impl Default for TimeZoneName {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl TimeZoneName {
    /// The name in the spelling of the database; `None` if it has no such zone.
    pub fn known(name: &str) -> Option<Self> {
        let is_plain = name.len() <= TIME_ZONE_MAX_BYTES && name.is_ascii();
        let zone = is_plain.then(|| TimeZone::get(name).ok()).flatten()?;
        zone.iana_name().map(|name| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The date and time there, with the zone's abbreviation: `2027-01-15 09:00 CET`.
    pub fn show(&self, at: Timestamp) -> String {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        at.to_zoned(self.zone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// The zone's rules. A zone that left the database since is UTC.
    pub(crate) fn zone(&self) -> TimeZone {
        TimeZone::get(&self.0).unwrap_or(TimeZone::UTC)
    }
}

/// Whether this is the name of a language as RFC 5646 writes it, e.g. `de` or `pt-BR`: letters and digits in
/// parts of at most eight, the first of them two or three letters.
pub fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_language =
        |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= LOCALE_MAX_BYTES && parts.next().is_some_and(is_language) && parts.all(is_subtag)
}

/// What the clock on the wall shows; `None` beyond the calendar.
pub(crate) fn on_wall(zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    Some(zone.to_datetime(jiff::Timestamp::from_millisecond(at.0).ok()?))
}

/// The next moment after `at` at which the wall shows `time`, or at which it would if the clocks had not just
/// passed over it.
pub(crate) fn next(zone: &TimeZone, time: WallTime, at: Timestamp) -> Option<Timestamp> {
    let today = on_wall(zone, at)?.date();
    (0..=DAYS_AHEAD).find_map(|days| {
        let day = today.checked_add(jiff::Span::new().days(days)).ok()?;
        let moments = moments(zone, day.to_datetime(time.time()));
        moments.into_iter().flatten().find(|moment| *moment > at)
    })
}

/// The moments at which the wall shows this: one, two if the clocks are set back over it, and if they are set
/// forward over it the moment of the change.
fn moments(zone: &TimeZone, wall: DateTime) -> [Option<Timestamp>; 2] {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let earlier = ambiguous.earlier().ok();
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => [earlier.map(milliseconds), None],
        AmbiguousOffset::Fold { .. } => [earlier.map(milliseconds), ambiguous.later().ok().map(milliseconds)],
        AmbiguousOffset::Gap { .. } => {
            let change = earlier.and_then(|before| zone.following(before).next());
            [change.map(|change| milliseconds(change.timestamp())), None]
        }
    }
}

fn milliseconds(at: jiff::Timestamp) -> Timestamp {
    Timestamp(at.as_millisecond())
}
