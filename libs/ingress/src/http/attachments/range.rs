//! Which bytes of a file a request asks for (RFC 9110, sections 13 and 14): all, some, none that it does not
//! have already.

use http::HeaderMap;
use http::header::{HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use std::ops::Range;

/// What is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200: everything.
    All,
    /// 206: these bytes.
    Part(Range<u64>),
    /// 304: the client has it.
    Nothing,
    /// 416: there are no such bytes.
    Beyond,
}

/// What the headers of a request ask for of a file of this size and entity tag. Several ranges at a time, and
/// ranges that nobody can read, are answered with everything, as the specification allows.
pub(super) fn wanted(headers: &HeaderMap, size: u64, tag: &str) -> Wanted {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let has = |list: &str| {
        list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
    };
    if text(IF_NONE_MATCH).is_some_and(has) {
        return Wanted::Nothing;
    }
    // A weak tag, or a date, does not prove that the client has the other bytes of this very file.
    if text(IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::All;
    }
    text(RANGE).and_then(|range| parse(range, size)).unwrap_or(Wanted::All)
}

fn parse(range: &str, size: u64) -> Option<Wanted> {
    let (unit, spec) = range.split_once('=')?;
    let (first, last) = spec.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return None;
    }
    let (first, last) = (number(first)?, number(last)?);
    let (start, end) = match (first, last) {
        (None, None) => return None,
        (None, Some(count)) => (size.saturating_sub(count), size),
        (Some(first), None) => (first, size),
        (Some(first), Some(last)) if first > last => return None,
        (Some(first), Some(last)) => (first, size.min(last.saturating_add(1))),
    };
    Some(if start < end { Wanted::Part(start..end) } else { Wanted::Beyond })
}

/// Digits, or nothing; `None` for anything else.
#[allow(clippy::option_option, reason = "nothing is not the same as something that is no number")]
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // What is beyond every number is beyond every file.
    digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const TAG: &str = "\"abc\"";

    fn with(pairs: &[(HeaderName, &str)]) -> Wanted {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        wanted(&headers.collect(), 100, TAG)
    }

    #[test]
    fn ranges_are_those_of_the_specification() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=0-99", Wanted::Part(0..100)),
            ("bytes=10-", Wanted::Part(10..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=50-1000", Wanted::Part(50..100)),
            ("Bytes = 5 - 6", Wanted::Part(5..7)),
            ("bytes=100-", Wanted::Beyond),
            ("bytes=100-200", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=99999999999999999999999-", Wanted::Beyond),
            ("bytes=5-4", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(with(&[(RANGE, range)]), expected, "{range}");
        }
        assert_eq!(
            wanted(&HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-"))]), 0, TAG),
            Wanted::Beyond
        );
    }

    #[test]
    fn a_range_of_another_file_is_the_whole_file() {
        let range = (RANGE, "bytes=0-9");
        assert_eq!(with(&[range.clone(), (IF_RANGE, TAG)]), Wanted::Part(0..10));
        for other in ["\"old\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(with(&[range.clone(), (IF_RANGE, other)]), Wanted::All, "{other}");
        }
        for known in [TAG, "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert_eq!(with(&[(IF_NONE_MATCH, known)]), Wanted::Nothing, "{known}");
        }
        assert_eq!(with(&[(IF_NONE_MATCH, "\"x\"")]), Wanted::All);
    }
}
