//! Moments: milliseconds since 1970 in UTC inside the system, an ISO 8601 string towards clients.
//!
//! JavaScript clients do `new Date(value)`, which takes both forms. The published message schema shows the
//! string.

use jiff::fmt::temporal::DateTimePrinter;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// Milliseconds since the Unix epoch, UTC. MessagePack and database adapters store the number; JSON shows ISO
/// 8601.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Length of the shortest form of RFC 3339, `YYYY-MM-DDTHH:MM:SSZ`.
const RFC3339_MIN: usize = 20;
/// Writes dates of HTTP headers.
const HTTP: jiff::fmt::rfc2822::DateTimePrinter = jiff::fmt::rfc2822::DateTimePrinter::new();
/// Writes three digits of a second, as JavaScript does.
const ISO: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

impl Timestamp {
    /// The moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`, the form of JavaScript's `Date.prototype.toISOString`. The
    /// calendar ends with the year 9999; a later moment is shown as its end.
    pub fn to_iso(self) -> String {
        let end = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        ISO.timestamp_to_string(&jiff::Timestamp::from_millisecond(self.0).unwrap_or(end))
    }

    /// The moment as HTTP has it (RFC 9110, section 5.6.7), in whole seconds.
    pub fn to_http_date(self) -> String {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        HTTP.timestamp_to_rfc9110_string(&moment).unwrap_or_default()
    }

    /// Reads what [`Timestamp::to_iso`] writes; `None` for any other form, and for a day or a time that does
    /// not exist.
    pub fn from_iso(text: &str) -> Option<Self> {
        let moment = Self(text.parse::<jiff::Timestamp>().ok()?.as_millisecond());
        // The calendar reads more forms than one, and takes a leap second for the second before.
        (moment.to_iso() == text).then_some(moment)
    }

    /// Reads what [`Timestamp::to_iso`] writes and the other forms of RFC 3339, with any zone, any number of
    /// digits, and `T` and `Z` in either case: what clients in other languages write. What is finer than a
    /// millisecond is cut off.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let is_well_formed = text.len() >= RFC3339_MIN
            && matches!(text.as_bytes()[10], b'T' | b't')
            && (text.ends_with(['Z', 'z']) || matches!(text.as_bytes()[text.len() - 6], b'+' | b'-'));
        let has_leap_second = is_well_formed && text.as_bytes()[17..19] == *b"60";
        if !is_well_formed || has_leap_second {
            return None;
        }
        Some(Self(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()))
    }

    /// How long ago this moment was at `now`; zero if it is still to come.
    pub fn age_at(self, now: Self) -> Duration {
        Duration::from_millis(u64::try_from(now.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// This moment, so much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(milliseconds(duration)))
    }

    /// This moment, so much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(milliseconds(duration)))
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_iso())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

/// Reads either form. The format cannot tell which form it is: inside a tagged enum serde reads from a buffer
/// that calls itself human-readable whatever the bytes were.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherForm)
    }
}

struct EitherForm;

impl Visitor<'_> for EitherForm {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2030-01-31T12:00:00.000Z")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::from_rfc3339(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, ms: i64) -> Result<Timestamp, E> {
        Ok(Timestamp(ms))
    }

    fn visit_u64<E: Error>(self, ms: u64) -> Result<Timestamp, E> {
        i64::try_from(ms).map(Timestamp).map_err(|_| E::invalid_value(Unexpected::Unsigned(ms), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use std::time::Duration;

    #[test]
    fn iso_form_matches_known_moments_and_reads_back() {
        for (ms, iso) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_705_147_200_123, "2024-01-13T12:00:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp(ms).to_iso(), iso);
            assert_eq!(Timestamp::from_iso(iso), Some(Timestamp(ms)));
        }
        for other in [
            "2024-01-13 12:00:00.123Z",
            "2024-01-13T12:00:00Z",
            "2024-01-13T12:00:00.1234Z",
            "2024-01-13T12:00:00.123+00",
            "2024-01-13t12:00:00.123z",
            "2024x01x13T12x00x00x123Z",
        ] {
            assert_eq!(Timestamp::from_iso(other), None, "{other}");
        }
    }

    #[test]
    fn every_form_of_rfc_3339_is_read() {
        for text in [
            "2024-01-13T12:00:00.123Z",
            "2024-01-13T12:00:00.1239Z",
            "2024-01-13T14:00:00.123+02:00",
            "2024-01-13T07:30:00.123-04:30",
            "2024-01-13t12:00:00.123z",
            "2024-01-13t12:00:00.123Z",
            "2024-01-13T12:00:00.123z",
            "2024-01-13t14:00:00.123+02:00",
        ] {
            assert_eq!(Timestamp::from_rfc3339(text), Some(Timestamp(1_705_147_200_123)), "{text}");
        }
        assert_eq!(Timestamp::from_rfc3339("2024-01-13T12:00:00Z"), Some(Timestamp(1_705_147_200_000)));
        for other in [
            "",
            "tomorrow",
            "2024-01-13",
            "2024-01-13T12:00:00",
            "2024-01-13 12:00:00.123Z",
            "2024-01-13T12:00:00.123+00",
            "2024-01-13T12:00:60Z",
            "2024-02-30T12:00:00Z",
            "2024-01-13T24:00:00Z",
            "2024-01-13T12:00:00+02:00[Europe/Berlin]",
            "ääääääääääääääääääää",
        ] {
            assert_eq!(Timestamp::from_rfc3339(other), None, "{other}");
        }
    }

    #[test]
    fn a_day_or_a_time_that_does_not_exist_is_no_moment() {
        for impossible in [
            "2026-02-30T00:00:00.000Z",
            "2025-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:60:00.000Z",
            "2026-01-01T23:59:60.000Z",
        ] {
            assert_eq!(Timestamp::from_iso(impossible), None, "{impossible}");
        }
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_shown_as_its_end() {
        assert_eq!(Timestamp(i64::MAX).to_iso(), "9999-12-30T22:00:00.999Z");
        assert!(Timestamp(i64::MIN).to_iso().starts_with("-009999-01-02"));
    }

    #[test]
    fn moments_have_an_age_and_can_be_moved() {
        let (early, late) = (Timestamp(1_000), Timestamp(3_500));
        assert_eq!(early.age_at(late), Duration::from_millis(2_500));
        assert_eq!(late.age_at(early), Duration::ZERO);
        assert_eq!(early.plus(Duration::from_millis(2_500)), late);
        assert_eq!(late.minus(Duration::from_millis(2_500)), early);
        assert_eq!(Timestamp(i64::MAX).plus(Duration::from_millis(1)), Timestamp(i64::MAX));
        assert_eq!(Timestamp(i64::MIN).minus(Duration::MAX), Timestamp(i64::MIN));
    }

    #[test]
    fn a_moment_reads_back_inside_a_tagged_enum_in_both_encodings() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "kind")]
        enum Tagged {
            At { at: Timestamp },
        }
        for ms in [-1, 0, 1_800_000_000_000] {
            let tagged = Tagged::At { at: Timestamp(ms) };
            let packed = crate::codec::encode(&tagged).unwrap();
            assert_eq!(crate::codec::decode::<Tagged>(&packed).unwrap(), tagged);
            assert_eq!(
                serde_json::from_str::<Tagged>(&serde_json::to_string(&tagged).unwrap()).unwrap(),
                tagged
            );
        }
    }
}
