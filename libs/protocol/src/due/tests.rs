use super::*;
use crate::schedule::{DigestInterval, Mute, QuietHours, TimeZoneName, is_locale};
use jiff::tz::TimeZone;

#[test]
fn a_time_is_shown_as_the_wall_of_its_reader_has_it() {
    let shown = |zone: &str| TimeZoneName::known(zone).unwrap().show(Timestamp(1_800_000_000_000));
    assert_eq!(shown("Europe/Berlin"), "2027-01-15 09:00 CET");
    assert_eq!(shown("UTC"), "2027-01-15 08:00 UTC");
}
use proptest::prelude::*;

/// Zones with every kind of change: northern, southern, half an hour, at midnight, none, a lost day.
const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Pacific/Apia",
    "UTC",
];

fn at(iso: &str) -> Timestamp {
    Timestamp::from_iso(iso).unwrap()
}

fn wall(text: &str) -> WallTime {
    text.parse().unwrap()
}

fn quiet(zone: &str, from: &str, until: &str) -> Preferences {
    Preferences {
        quiet_hours: QuietHours { enabled: true, from: wall(from), until: wall(until) },
        time_zone: TimeZoneName::known(zone).unwrap(),
        ..Preferences::default()
    }
}

fn push_at(preferences: &Preferences, ready: &str) -> String {
    preferences.due_at(Channel::Push, false, at(ready)).to_iso()
}

#[test]
fn quiet_hours_hold_until_their_end() {
    let berlin = quiet("Europe/Berlin", "22:00", "07:00");
    for (ready, due) in [
        ("2026-01-10T20:59:59.999Z", "2026-01-10T20:59:59.999Z"),
        ("2026-01-10T21:00:00.000Z", "2026-01-11T06:00:00.000Z"),
        ("2026-01-11T03:00:00.000Z", "2026-01-11T06:00:00.000Z"),
        ("2026-01-11T06:00:00.000Z", "2026-01-11T06:00:00.000Z"),
    ] {
        assert_eq!(push_at(&berlin, ready), due);
    }
    let noon = quiet("Europe/Berlin", "12:00", "13:00");
    assert_eq!(push_at(&noon, "2026-01-10T11:30:00.000Z"), "2026-01-10T12:00:00.000Z");
    assert_eq!(push_at(&noon, "2026-01-10T12:30:00.000Z"), "2026-01-10T12:30:00.000Z");
    let critical = berlin.due_at(Channel::Push, true, at("2026-01-11T03:00:00.000Z"));
    assert_eq!(critical, at("2026-01-11T03:00:00.000Z"), "what is critical waits for nothing");
    let off = Preferences { quiet_hours: QuietHours { enabled: false, ..berlin.quiet_hours }, ..berlin };
    assert_eq!(push_at(&off, "2026-01-11T03:00:00.000Z"), "2026-01-11T03:00:00.000Z");
}

#[test]
fn the_night_of_a_clock_change_ends_when_the_wall_says_so() {
    // Berlin: 29 March 2026, 02:00 becomes 03:00. 25 October 2026, 03:00 becomes 02:00.
    let berlin = quiet("Europe/Berlin", "22:00", "07:00");
    assert_eq!(push_at(&berlin, "2026-03-28T22:00:00.000Z"), "2026-03-29T05:00:00.000Z");
    assert_eq!(push_at(&berlin, "2026-10-24T21:00:00.000Z"), "2026-10-25T06:00:00.000Z");
    // New York: 8 March and 1 November 2026.
    let new_york = quiet("America/New_York", "23:00", "06:30");
    assert_eq!(push_at(&new_york, "2026-03-08T05:00:00.000Z"), "2026-03-08T10:30:00.000Z");
    assert_eq!(push_at(&new_york, "2026-11-01T04:00:00.000Z"), "2026-11-01T11:30:00.000Z");
    // An end that the wall never shows: the moment of the change.
    let skipped = quiet("Europe/Berlin", "22:00", "02:30");
    assert_eq!(push_at(&skipped, "2026-03-29T00:30:00.000Z"), "2026-03-29T01:00:00.000Z");
    // An end that the wall shows twice: the first, and after it the second.
    assert_eq!(push_at(&skipped, "2026-10-24T23:30:00.000Z"), "2026-10-25T00:30:00.000Z");
    assert_eq!(push_at(&skipped, "2026-10-25T01:10:00.000Z"), "2026-10-25T01:30:00.000Z");
}

#[test]
fn digests_wait_for_their_interval_and_then_for_the_morning() {
    let mail = |every, hour, ready: &str| {
        let digest = DigestInterval { every, hour };
        let preferences = Preferences { digest, ..quiet("Europe/Berlin", "22:00", "07:00") };
        preferences.due_at(Channel::Email, false, at(ready)).to_iso()
    };
    let noon = "2026-01-10T11:00:00.000Z";
    assert_eq!(mail(Every::Immediately, 8, noon), noon);
    assert_eq!(mail(Every::QuarterHour, 8, noon), "2026-01-10T11:15:00.000Z");
    assert_eq!(mail(Every::Hour, 8, noon), "2026-01-10T12:00:00.000Z");
    assert_eq!(mail(Every::Day, 8, noon), "2026-01-11T07:00:00.000Z");
    assert_eq!(mail(Every::Day, 18, noon), "2026-01-10T17:00:00.000Z");
    assert_eq!(mail(Every::Day, 3, noon), "2026-01-11T06:00:00.000Z", "held until the quiet hours end");
    assert_eq!(mail(Every::Hour, 8, "2026-01-10T20:30:00.000Z"), "2026-01-11T06:00:00.000Z");
    let push = quiet("UTC", "22:00", "07:00");
    let push = Preferences { digest: DigestInterval { every: Every::Day, hour: 8 }, ..push };
    assert_eq!(push_at(&push, noon), noon, "a push message waits for no digest");
}

#[test]
fn a_mute_ends_when_it_says() {
    let [forever, short, other] = [1, 2, 3].map(|n| ThreadId::from_bytes([n; 12]));
    let mutes =
        vec![Mute { thread_id: forever, until: None }, Mute { thread_id: short, until: Some(Timestamp(10)) }];
    let preferences = Preferences { mutes, ..Preferences::default() };
    let is_muted = |thread, now| preferences.is_muted(thread, Timestamp(now));
    assert_eq!(
        [is_muted(forever, 99), is_muted(short, 9), is_muted(short, 10), is_muted(other, 0)],
        [true, true, false, false]
    );
}

#[test]
fn times_zones_and_languages_are_read_strictly() {
    for good in ["00:00", "23:59", "07:05"] {
        assert_eq!(wall(good).to_string(), good);
    }
    for bad in ["24:00", "7:00", "07:60", "0700", "07:00:00", "-1:00", "+1:00", "", "07:0a"] {
        assert!(bad.parse::<WallTime>().is_err(), "{bad}");
    }
    assert_eq!(TimeZoneName::known("europe/berlin").unwrap().as_str(), "Europe/Berlin");
    for bad in ["Mars/Base", "", "../etc/passwd", "Europe", "+01:00", &"x".repeat(65)] {
        assert_eq!(TimeZoneName::known(bad), None, "{bad}");
    }
    for good in ["en", "de", "pt-BR", "zh-Hant-TW", "fil"] {
        assert!(is_locale(good), "{good}");
    }
    for bad in ["", "e", "english", "de_DE", "de-", "-de", "de-toolongtag", "d3"] {
        assert!(!is_locale(bad), "{bad}");
    }
}

/// The quiet hours of anybody, anywhere.
fn anybody() -> impl Strategy<Value = Preferences> {
    let wall = || (0..24_i8, 0..60_i8).prop_map(|(hour, minute)| wall(&format!("{hour:02}:{minute:02}")));
    let every =
        prop_oneof![Just(Every::Immediately), Just(Every::QuarterHour), Just(Every::Hour), Just(Every::Day)];
    (wall(), wall(), 0..ZONES.len(), every, 0..24_u8).prop_map(|(from, until, zone, every, hour)| {
        Preferences {
            quiet_hours: QuietHours { enabled: true, from, until },
            time_zone: TimeZoneName::known(ZONES[zone]).unwrap(),
            digest: DigestInterval { every, hour },
            ..Preferences::default()
        }
    })
}

/// Moments of the years 2011 to 2030, half of them within two days of a change of a zone's clocks.
fn moment() -> impl Strategy<Value = i64> {
    let any = 1_293_840_000_000..1_924_992_000_000_i64;
    let near = (0..ZONES.len(), any.clone(), -172_800_000..172_800_000_i64).prop_map(|(zone, at, off)| {
        let zone = TimeZone::get(ZONES[zone]).unwrap();
        let change = zone.following(jiff::Timestamp::from_millisecond(at).unwrap()).next();
        change.map_or(at, |change| change.timestamp().as_millisecond()) + off
    });
    prop_oneof![any, near]
}

fn is_quiet(preferences: &Preferences, at: Timestamp) -> bool {
    let quiet = preferences.quiet_hours;
    let wall = on_wall(&preferences.time_zone.zone(), at).unwrap();
    quiet.from != quiet.until && quiet.include(wall.time())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_due_before_it_is_ready_or_within_quiet_hours(who in anybody(), ready in moment()) {
        let ready = Timestamp(ready);
        for channel in Channel::ALL {
            let due = who.due_at(channel, false, ready);
            prop_assert!(due >= ready);
            prop_assert!(due <= ready.plus(Duration::from_hours(24 * 4)), "{} {}", ready.to_iso(), due.to_iso());
            prop_assert!(!is_quiet(&who, due), "{}", due.to_iso());
        }
        prop_assert_eq!(who.due_at(Channel::Email, true, ready), ready);
    }

    #[test]
    fn what_is_held_is_due_right_at_the_end(who in anybody(), ready in moment()) {
        let ready = Timestamp(ready);
        let due = who.after_quiet_hours(ready);
        if due > ready {
            prop_assert!(is_quiet(&who, ready));
            prop_assert!(is_quiet(&who, due.minus(Duration::from_millis(1))), "it was quiet until then");
        } else {
            prop_assert!(!is_quiet(&who, ready));
        }
        prop_assert_eq!(who.after_quiet_hours(due), due, "held once");
    }
}
