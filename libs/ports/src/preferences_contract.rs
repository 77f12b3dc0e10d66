//! The contract of every [`Inbox`](crate::inbox::Inbox) about preferences, as checks that an adapter's tests
//! call. Each check creates people of its own, so that one database serves all checks.

use crate::inbox_contract::Harness;
use crate::store_contract::fixtures::{at, creation, fresh_people};
use eventflow_protocol::UserId;
use eventflow_protocol::inbox::{Channels, NamedChannels, PREFERENCE_KINDS_MAX, Preferences, SetPreferences};
use eventflow_protocol::preferences::{
    ChangePreferences, ChannelsChange, DigestChange, InvalidChange, PreferenceFields, PreferencesChange,
    QuietHoursChange,
};
use eventflow_protocol::schedule::{
    DigestInterval, Every, MUTES_MAX, Mute, QuietHours, TimeZoneName, WallTime,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How many changes come at the same moment: more than anybody makes.
const AT_ONCE: usize = 20;

/// A person who set nothing has the defaults. Of two sets of preferences the one that comes later counts,
/// also if a clock was ahead that accepted the other one, and what is stored gets later each time.
pub async fn the_preferences_that_come_later_count(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    assert_eq!(inbox.preferences(&people[0]).await.expect("read"), Preferences::default());
    let quiet = Channels { in_app: true, email: false, push: false };
    let wish = |seconds: i64, kind: &str| SetPreferences {
        user_id: people[0].clone(),
        preferences: Preferences {
            channels: Channels { push: false, ..Channels::default() },
            types: [(kind.to_owned(), quiet.into()), ("push".to_owned(), no_push())].into(),
            quiet_hours: QuietHours { enabled: true, ..QuietHours::default() },
            digest: DigestInterval { every: Every::Day, hour: 23 },
            time_zone: TimeZoneName::known("Europe/Berlin").expect("it is in the database"),
            locale: "pt-BR".to_owned(),
            when_away: true,
            mutes: vec![
                Mute { thread_id: creation(&people, 0).thread_id, until: Some(at(9)) },
                Mute { thread_id: creation(&people, 1).thread_id, until: None },
            ],
            updated_at: Some(at(seconds)),
        },
    };
    let (right, ahead) = (wish(2, "order.update"), wish(900, "$b"));
    let mut last = None;
    for (set, seconds, ms) in [(&right, 2, 0), (&ahead, 900, 0), (&right, 900, 1), (&right, 900, 2)] {
        inbox.set_preferences(set).await.expect("set");
        let updated_at = Some(at(seconds).plus(Duration::from_millis(ms)));
        let stored = Preferences { updated_at, ..set.preferences.clone() };
        assert_eq!(harness.open().await.preferences(&people[0]).await.expect("read"), stored);
        let of_both = harness.open().await.preferences_of(&people).await.expect("read");
        assert_eq!(of_both, [(people[0].clone(), stored)].into());
        assert!(updated_at > last);
        last = updated_at;
    }
    assert_eq!(inbox.preferences(&people[1]).await.expect("read"), Preferences::default());
}

/// A change keeps what it does not name, also of somebody who has set nothing, and is answered with what is
/// stored.
pub async fn a_change_keeps_what_it_does_not_name(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    let first = change(&people[0], 5, PreferenceFields { locale: Some("de".to_owned()), ..no_fields() });
    let changed = inbox.change_preferences(&first).await.expect("change").expect("it fits");
    let expected = Preferences { locale: "de".to_owned(), updated_at: Some(at(5)), ..Preferences::default() };
    assert_eq!(changed, expected, "the rest is the default");
    let set = SetPreferences {
        user_id: people[0].clone(),
        preferences: Preferences {
            channels: Channels { push: false, ..Channels::default() },
            types: [("$b".to_owned(), Channels::default().into())].into(),
            time_zone: TimeZoneName::known("Europe/Berlin").expect("it is in the database"),
            mutes: vec![Mute { thread_id: creation(&people, 0).thread_id, until: Some(at(9)) }],
            updated_at: Some(at(5).plus(Duration::from_millis(1))),
            ..expected
        },
    };
    inbox.set_preferences(&set).await.expect("set");
    let types = [("$b", email(false)), ("order.update", email(true))];
    let second =
        PreferenceFields { types: types.map(|(kind, on)| (kind.to_owned(), on)).into(), ..no_fields() };
    let changed = inbox.change_preferences(&change(&people[0], 6, second.clone())).await;
    let mut expected = set.preferences.clone();
    expected.types.insert("$b".to_owned(), Channels { email: false, ..Channels::default() }.into());
    // A kind that is named anew keeps what was named, and is as every kind otherwise.
    let by_mail = NamedChannels { email: Some(true), ..NamedChannels::default() };
    expected.types.insert("order.update".to_owned(), by_mail);
    expected.updated_at = Some(at(6));
    assert_eq!(changed.expect("change"), Ok(expected.clone()));
    for witness in [inbox.clone(), harness.open().await] {
        assert_eq!(witness.preferences(&people[0]).await.expect("read"), expected);
    }
    let again = inbox.change_preferences(&change(&people[0], 6, second)).await.expect("change again");
    let again = again.expect("it fits");
    assert!(again.updated_at > expected.updated_at, "a change always shows");
    assert_eq!(Preferences { updated_at: expected.updated_at, ..again }, expected, "it comes to the same");
    assert_eq!(inbox.preferences(&people[1]).await.expect("read"), Preferences::default());
}

/// Changes of different fields at the same moment all count, wherever they are carried out, whether something
/// was stored before or not. No two of them give the preferences the same time.
pub async fn changes_at_the_same_moment_all_count(harness: &dyn Harness) {
    let (here, there) = (harness.open().await, harness.open().await);
    let user = fresh_people(1).remove(0);
    let digest = DigestChange { every: Some(Every::Hour), hour: None };
    let by_kind =
        PreferenceFields { types: [("order_update".to_owned(), email(false))].into(), ..no_fields() };
    let (by_kind, digest) = (
        change(&user, 1, by_kind),
        change(&user, 1, PreferenceFields { digest: Some(digest), ..no_fields() }),
    );
    let (one, other) = tokio::join!(here.change_preferences(&by_kind), there.change_preferences(&digest));
    let (one, other) = (one.expect("change").expect("it fits"), other.expect("change").expect("it fits"));
    let stored = here.preferences(&user).await.expect("read");
    assert!(!stored.channels_for("order_update").email, "{stored:?}");
    assert_eq!(stored.digest.every, Every::Hour);
    assert_ne!(one.updated_at, other.updated_at);
    assert!(stored == one || stored == other, "the answers are what was stored: {one:?} {other:?}");

    let kind = |n: usize| format!("kind{n}");
    let mut calls = JoinSet::new();
    for n in 0..AT_ONCE {
        let inbox = Arc::clone(if n % 2 == 0 { &here } else { &there });
        let fields = PreferenceFields { types: [(kind(n), email(false))].into(), ..no_fields() };
        let wish = change(&user, 1, fields);
        calls.spawn(async move { inbox.change_preferences(&wish).await });
    }
    let done = calls.join_all().await.into_iter();
    let mut times: Vec<_> =
        done.map(|changed| changed.expect("change").expect("it fits").updated_at).collect();
    let stored = here.preferences(&user).await.expect("read");
    let lost: Vec<_> = (0..AT_ONCE).filter(|n| stored.channels_for(&kind(*n)).email).collect();
    assert_eq!(lost, [] as [usize; 0], "changes that were lost");
    assert!(!stored.channels_for("order_update").email && stored.digest.every == Every::Hour, "{stored:?}");
    assert_eq!(times.iter().max(), Some(&stored.updated_at));
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), AT_ONCE, "each change is later than the one before");
}

/// Mails stop for every kind, and nothing else changes. Stopping them again finds nothing to do.
pub async fn mails_stop_for_every_kind(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    let quiet = Channels { in_app: true, email: true, push: false };
    let preferences = Preferences {
        types: [("news".to_owned(), quiet.into()), ("$b".to_owned(), no_push())].into(),
        locale: "pt-BR".to_owned(),
        updated_at: Some(at(1)),
        ..Preferences::default()
    };
    let set = SetPreferences { user_id: people[0].clone(), preferences };
    inbox.set_preferences(&set).await.expect("set");
    let stop = |user: &UserId, seconds| ChangePreferences {
        user_id: user.clone(),
        change: PreferencesChange::StopMails,
        at: at(seconds),
    };
    let silent = Channels { email: false, ..Channels::default() };
    let expected = Preferences {
        channels: silent,
        types: [("news".to_owned(), Channels { email: false, ..quiet }.into()), ("$b".to_owned(), no_push())]
            .into(),
        updated_at: Some(at(2)),
        ..set.preferences
    };
    for (witness, seconds) in [(inbox.clone(), 2), (inbox.clone(), 3), (harness.open().await, 4)] {
        let stopped = witness.change_preferences(&stop(&people[0], seconds)).await.expect("change");
        assert_eq!(stopped, Ok(expected.clone()), "at {seconds}");
        assert_eq!(witness.preferences(&people[0]).await.expect("read"), expected);
    }
    let of_nothing = inbox.change_preferences(&stop(&people[1], 2)).await.expect("change");
    let expected = Preferences { channels: silent, updated_at: Some(at(2)), ..Preferences::default() };
    assert_eq!(of_nothing, Ok(expected.clone()), "somebody who has set nothing");
    assert_eq!(harness.open().await.preferences(&people[1]).await.expect("read"), expected);
}

/// Mutes of different threads at the same moment all count; each is changed and ended by itself. Those that
/// have ended make room, and more than there is room for are refused.
pub async fn each_thread_is_muted_by_itself(harness: &dyn Harness) {
    let (here, there) = (harness.open().await, harness.open().await);
    let people = fresh_people(2);
    let threads: Vec<_> = (0..=MUTES_MAX).map(|_| creation(&people, 0).thread_id).collect();
    let thread = |n: usize| threads[n];
    let wish = |seconds, change| ChangePreferences { user_id: people[0].clone(), change, at: at(seconds) };
    let mute = |n: usize, until| PreferencesChange::Mute(Mute { thread_id: thread(n), until });
    let mut calls = JoinSet::new();
    for n in 0..AT_ONCE {
        let inbox = Arc::clone(if n % 2 == 0 { &here } else { &there });
        let wish = wish(1, mute(n, Some(at(9))));
        calls.spawn(async move { inbox.change_preferences(&wish).await });
    }
    for changed in calls.join_all().await {
        changed.expect("change").expect("it fits");
    }
    let read = async || harness.open().await.preferences(&people[0]).await.expect("read");
    assert_eq!(read().await.mutes.len(), AT_ONCE, "all count");
    for again in [1, 2] {
        let changed =
            here.change_preferences(&wish(2, mute(0, None))).await.expect("change").expect("it fits");
        let of_first: Vec<_> = changed.mutes.iter().filter(|mute| mute.thread_id == thread(0)).collect();
        assert_eq!(of_first, [&Mute { thread_id: thread(0), until: None }], "{again}");
        assert_eq!(changed.updated_at, read().await.updated_at, "the same again changes nothing");
    }
    for _ in 0..2 {
        let unmute = wish(3, PreferencesChange::Unmute(thread(0)));
        let changed = here.change_preferences(&unmute).await.expect("change").expect("it fits");
        assert_eq!(changed.mutes.len(), AT_ONCE - 1);
        assert!(changed.mutes.iter().all(|mute| mute.thread_id != thread(0)), "{changed:?}");
    }
    let mutes = (0..MUTES_MAX).map(|n| Mute { thread_id: thread(n), until: (n > 0).then(|| at(20)) });
    let full = PreferenceFields { mutes: Some(mutes.collect()), ..no_fields() };
    here.change_preferences(&change(&people[0], 4, full)).await.expect("change").expect("it fits");
    let more = |seconds| wish(seconds, mute(MUTES_MAX, None));
    let refused = here.change_preferences(&more(5)).await.expect("change");
    assert_eq!((refused, read().await.mutes.len()), (Err(InvalidChange::TooManyMutes), MUTES_MAX));
    here.change_preferences(&more(21)).await.expect("change").expect("there is room again");
    let left: Vec<_> = read().await.mutes.into_iter().map(|mute| mute.thread_id).collect();
    assert_eq!(left, [thread(0), thread(MUTES_MAX)]);
}

/// A change that does not fit what is stored writes nothing of itself.
pub async fn a_change_that_does_not_fit_writes_nothing(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    let kinds = (0..PREFERENCE_KINDS_MAX).map(|n| (format!("kind{n}"), Channels::default().into())).collect();
    let preferences = Preferences { types: kinds, updated_at: Some(at(1)), ..Preferences::default() };
    let set = SetPreferences { user_id: people[0].clone(), preferences };
    inbox.set_preferences(&set).await.expect("set");
    let begins = QuietHours::default().from;
    let no_hours = QuietHoursChange { enabled: true, from: None, until: Some(begins) };
    let no_hours = PreferenceFields { when_away: Some(true), quiet_hours: Some(no_hours), ..no_fields() };
    let one_more = PreferenceFields {
        when_away: Some(true),
        types: [("another".to_owned(), email(false))].into(),
        ..no_fields()
    };
    for (user, fields, why, stored) in [
        (&people[0], one_more, InvalidChange::TooManyKinds, set.preferences.clone()),
        (&people[0], no_hours.clone(), InvalidChange::NoQuietHours, set.preferences.clone()),
        (&people[1], no_hours, InvalidChange::NoQuietHours, Preferences::default()),
    ] {
        assert_eq!(inbox.change_preferences(&change(user, 2, fields)).await.expect("change"), Err(why));
        assert_eq!(harness.open().await.preferences(user).await.expect("read"), stored);
    }
    let hours = QuietHoursChange { enabled: true, from: WallTime::hour(6), until: Some(begins) };
    let hours = PreferenceFields { quiet_hours: Some(hours), ..no_fields() };
    let fits = inbox.change_preferences(&change(&people[0], 2, hours)).await.expect("change");
    assert_eq!(fits.expect("it fits").quiet_hours.until, begins);
}

fn change(user: &UserId, seconds: i64, fields: PreferenceFields) -> ChangePreferences {
    ChangePreferences { user_id: user.clone(), change: PreferencesChange::Fields(fields), at: at(seconds) }
}

/// A kind for which one channel was named.
fn no_push() -> NamedChannels {
    NamedChannels { push: Some(false), ..NamedChannels::default() }
}

fn no_fields() -> PreferenceFields {
    PreferenceFields::default()
}

fn email(email: bool) -> ChannelsChange {
    ChannelsChange { email: Some(email), ..ChannelsChange::default() }
}
