//! The contract of every [`PresenceStore`], as checks that an adapter's tests call.
//!
//! Signals are recorded at the machine's time, as gateways do, and judged at future times. Each check uses
//! people of its own, so one store serves all checks, at the same time and repeatedly. [`check_all`] runs
//! them; a broken promise panics and says what was expected.

mod person;
mod since;

pub use self::since::{
    a_session_is_sure_once_it_is_heard_of_again, who_is_online_has_been_so_since_their_session_began,
};

use self::person::{Person, assert_due, ids, judge, millis, presence, record};
use crate::presence::{AWAY_AFTER, DEVICE_LEASE, GatewayStats, OFFLINE_GRACE, PresenceStore};
use crate::{Clock, SystemClock};
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Presence, Status};
use eventflow_protocol::{CommandId, Timestamp, UserId};
use std::collections::HashMap;
use std::time::Duration;

/// Margin between a check's action and the time it asks about: more than a slow machine needs.
const MARGIN: Duration = Duration::from_secs(10);
/// After this time without a renewal a device still counts.
const ALMOST_GONE: Duration = DEVICE_LEASE.saturating_sub(MARGIN);
/// After this time without activity a person is still online.
const ALMOST_AWAY: Duration = AWAY_AFTER.saturating_sub(MARGIN);
/// Number of people, more than any adapter writes or asks for at once.
const MANY: usize = 1_200;

/// Runs every check of the port.
pub async fn check_all(store: &dyn PresenceStore) {
    a_stranger_is_offline_and_was_never_seen(store).await;
    who_shows_up_is_online_and_that_is_said_once(store).await;
    a_person_is_there_while_one_device_is(store).await;
    who_leaves_is_offline_only_after_the_grace(store).await;
    who_comes_back_within_the_grace_never_left(store).await;
    a_device_that_is_not_renewed_is_gone(store).await;
    who_does_nothing_for_long_is_away_until_they_do_something(store).await;
    who_wants_to_be_away_is(store).await;
    old_and_repeated_signals_change_nothing(store).await;
    who_leaves_in_the_millisecond_they_came_is_gone(store).await;
    of_two_judges_at_once_one_hears_of_a_change(store).await;
    who_must_be_judged_is_named(store).await;
    a_signal_that_was_not_judged_is_not_forgotten(store).await;
    a_store_that_forgot_somebody_learns_of_them_again(store).await;
    a_departure_of_somebody_forgotten_is_said(store).await;
    many_people_go_in_one_call(store).await;
    every_well_formed_user_id_works(store).await;
    nobody_is_asked_about(store).await;
    what_a_gateway_says_of_itself_replaces_what_it_said(store).await;
    people_who_are_connected_are_counted_once(store).await;
    who_came_back_as_another_device_is_not_kept_by_the_first(store).await;
    attention_is_on_live_lines_only(store).await;
    who_is_online_has_been_so_since_their_session_began(store).await;
    a_session_is_sure_once_it_is_heard_of_again(store).await;
}

/// The store has never heard of this person.
pub async fn a_stranger_is_offline_and_was_never_seen(store: &dyn PresenceStore) {
    let person = Person::new();
    let unknown = Presence::never_seen(person.id.clone());
    assert_eq!(presence(store, &person, person.start).await, unknown);
    assert_eq!(judge(store, &person, person.start).await, None, "nothing is known, so nothing has changed");
}

/// A change is returned by the first judgement after it and by no later one.
pub async fn who_shows_up_is_online_and_that_is_said_once(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.here("phone", 0)]).await;
    assert_eq!(presence(store, &person, person.start).await.status, Status::Online);
    assert_eq!(judge(store, &person, person.start).await, Some(Status::Online));
    assert_eq!(judge(store, &person, person.start).await, None);
    let seen = presence(store, &person, person.start).await.last_seen.expect("seen just now");
    assert!((seen.0 - person.start.0).abs() < millis(MARGIN), "seen just now: {seen:?}, {:?}", person.start);
}

/// Of two devices one leaves, and the person stays online.
pub async fn a_person_is_there_while_one_device_is(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.here("phone", 0), person.here("laptop", 0)]).await;
    assert_eq!(judge(store, &person, person.start).await, Some(Status::Online));
    record(store, &[person.gone("phone", 1)]).await;
    assert_eq!(judge(store, &person, person.after(OFFLINE_GRACE + MARGIN)).await, None);
    record(store, &[person.gone("laptop", 2)]).await;
    assert_eq!(judge(store, &person, person.after(OFFLINE_GRACE + MARGIN * 2)).await, Some(Status::Offline));
}

/// A page reload is no departure.
pub async fn who_leaves_is_offline_only_after_the_grace(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.here("phone", 0)]).await;
    judge(store, &person, person.start).await;
    record(store, &[person.gone("phone", 1)]).await;
    assert_eq!(judge(store, &person, person.start).await, None);
    assert_eq!(presence(store, &person, person.start).await.status, Status::Online);
    let over = person.after(OFFLINE_GRACE + MARGIN);
    assert_eq!(presence(store, &person, over).await.status, Status::Offline, "also before anybody judged it");
    assert_eq!(judge(store, &person, over).await, Some(Status::Offline));
    assert!(presence(store, &person, over).await.last_seen.is_some(), "it stays known when they were there");
}

/// The person comes back with the same device, and with another one.
pub async fn who_comes_back_within_the_grace_never_left(store: &dyn PresenceStore) {
    for device in ["phone", "the same page, loaded again"] {
        let person = Person::new();
        record(store, &[person.here("phone", 0)]).await;
        judge(store, &person, person.start).await;
        record(store, &[person.gone("phone", 1), person.here(device, 2)]).await;
        assert_eq!(judge(store, &person, person.start).await, None, "{device}");
        assert_eq!(judge(store, &person, person.after(OFFLINE_GRACE + MARGIN)).await, None, "{device}");
    }
}

/// The gateway died, or its network did.
pub async fn a_device_that_is_not_renewed_is_gone(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.here("phone", 0)]).await;
    judge(store, &person, person.start).await;
    assert_eq!(judge(store, &person, person.after(ALMOST_GONE)).await, None);
    assert_eq!(judge(store, &person, person.after(DEVICE_LEASE + MARGIN)).await, Some(Status::Offline));
    assert_eq!(judge(store, &person, person.after(DEVICE_LEASE + MARGIN)).await, None);
}

/// The person's device counts, but it is not active.
pub async fn who_does_nothing_for_long_is_away_until_they_do_something(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.idle_for("phone", 0, ALMOST_AWAY)]).await;
    assert_eq!(judge(store, &person, person.start).await, Some(Status::Online));
    let seen = presence(store, &person, person.start).await.last_seen.expect("seen a while ago");
    assert!(
        seen.0 < person.start.0 - millis(ALMOST_AWAY.saturating_sub(MARGIN)),
        "seen when they last did something: {seen:?}"
    );
    assert_eq!(judge(store, &person, person.after(MARGIN * 2)).await, Some(Status::Away));
    record(store, &[person.idle_for("phone", 1, AWAY_AFTER)]).await;
    assert_eq!(judge(store, &person, person.after(MARGIN * 2)).await, None, "a renewal is no activity");
    record(store, &[person.here("laptop", 2)]).await;
    assert_eq!(judge(store, &person, person.after(MARGIN * 2)).await, Some(Status::Online));
}

/// The device is active and still does not count as online. Another device without that wish does.
pub async fn who_wants_to_be_away_is(store: &dyn PresenceStore) {
    let person = Person::new();
    let wants = |at, wants_away| {
        let at = Timestamp(person.start.0 + at);
        person.signal("phone", DeviceState::Here { active_at: at, wants_away, parked: false }, at)
    };
    record(store, &[wants(0, true)]).await;
    assert_eq!(judge(store, &person, person.start).await, Some(Status::Away));
    record(store, &[wants(1, false)]).await;
    assert_eq!(judge(store, &person, person.start).await, Some(Status::Online));
    record(store, &[wants(2, true), person.here("laptop", 2)]).await;
    assert_eq!(judge(store, &person, person.start).await, None);
}

/// Signals may arrive again and out of order.
pub async fn old_and_repeated_signals_change_nothing(store: &dyn PresenceStore) {
    let person = Person::new();
    let (here, gone) = (person.here("phone", 1), person.gone("phone", 2));
    record(store, std::slice::from_ref(&here)).await;
    judge(store, &person, person.start).await;
    record(store, &[person.gone("phone", 0), person.idle_for("phone", 0, AWAY_AFTER)]).await;
    assert_eq!(
        judge(store, &person, person.after(OFFLINE_GRACE + MARGIN)).await,
        None,
        "left before it came"
    );
    record(store, &[gone.clone(), here.clone()]).await;
    let over = person.after(OFFLINE_GRACE + MARGIN * 2);
    assert_eq!(judge(store, &person, over).await, Some(Status::Offline));
    record(store, &[here, gone]).await;
    assert_eq!(judge(store, &person, over).await, None);
}

/// A socket may close at once, so both signals may bear the same millisecond.
pub async fn who_leaves_in_the_millisecond_they_came_is_gone(store: &dyn PresenceStore) {
    let person = Person::new();
    let signals = [person.here("phone", 0), person.gone("phone", 0)];
    for _ in 0..2 {
        record(store, &signals).await;
    }
    assert_eq!(judge(store, &person, person.after(OFFLINE_GRACE + MARGIN)).await, Some(Status::Offline));
}

/// Two sweepers need no coordination.
pub async fn of_two_judges_at_once_one_hears_of_a_change(store: &dyn PresenceStore) {
    let people: Vec<Person> = (0..20).map(|_| Person::new()).collect();
    let ids = ids(&people);
    let now = people[0].after(MARGIN);
    record(store, &people.iter().map(|person| person.here("phone", 0)).collect::<Vec<_>>()).await;
    let judging = || async { store.judge(&ids, now).await.expect("judge") };
    let (first, second, third) = tokio::join!(judging(), judging(), judging());
    let mut told: Vec<UserId> =
        [first, second, third].into_iter().flatten().map(|presence| presence.user_id).collect();
    told.sort_unstable();
    let mut expected = ids.clone();
    expected.sort_unstable();
    assert_eq!(told, expected, "each of them once");
}

/// A lease, a grace period or the idle limit runs out without a signal. People who were judged are not named
/// again.
pub async fn who_must_be_judged_is_named(store: &dyn PresenceStore) {
    let people: Vec<Person> = (0..4).map(|_| Person::new()).collect();
    let [leased, leaving, idle, stays] = &people[..] else { unreachable!("four people") };
    let signals = [
        leased.here("phone", 0),
        leaving.here("phone", 0),
        leaving.gone("phone", 1),
        idle.idle_for("phone", 0, ALMOST_AWAY),
        stays.here("phone", 0),
    ];
    record(store, &signals).await;
    let judged_at = people[3].after(Duration::from_secs(1));
    store.judge(&ids(&people), judged_at).await.expect("judge");
    assert_due(store, &people, judged_at, &[]).await;
    let soon = stays.after(MARGIN * 2);
    assert_due(store, &people, soon, &[leaving, idle]).await;
    store.judge(&ids(&people), soon).await.expect("judge");
    assert_due(store, &people, soon, &[]).await;
    let over = stays.after(DEVICE_LEASE + MARGIN);
    assert_due(store, &people, over, &[leased, idle, stays]).await;
    assert_eq!(store.due(over, 2).await.expect("due").len(), 2, "at most as many as asked for");
    store.judge(&ids(&people), over).await.expect("judge");
    assert_due(store, &people, over, &[]).await;
}

/// The sweeper may die between the signal and the judgement.
pub async fn a_signal_that_was_not_judged_is_not_forgotten(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.here("phone", 0)]).await;
    let soon = person.after(MARGIN);
    assert_due(store, std::slice::from_ref(&person), soon, &[&person]).await;
    assert_eq!(judge(store, &person, soon).await, Some(Status::Online));
    assert_due(store, std::slice::from_ref(&person), soon, &[]).await;
}

/// To a store that lost everything, each person is unknown, and the next renewal counts as the first signal.
pub async fn a_store_that_forgot_somebody_learns_of_them_again(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.idle_for("phone", 0, Duration::from_mins(1))]).await;
    assert_eq!(judge(store, &person, person.start).await, Some(Status::Online));
    assert!(presence(store, &person, person.start).await.last_seen.is_some());
}

/// Others may still see the person as online.
pub async fn a_departure_of_somebody_forgotten_is_said(store: &dyn PresenceStore) {
    let person = Person::new();
    record(store, &[person.gone("phone", 0)]).await;
    assert_eq!(judge(store, &person, person.after(MARGIN)).await, Some(Status::Offline));
    assert_eq!(judge(store, &person, person.after(MARGIN)).await, None);
}

/// One call takes a sweeper's batch or the people of a large thread. It may name somebody twice.
pub async fn many_people_go_in_one_call(store: &dyn PresenceStore) {
    let people: Vec<Person> = (0..MANY).map(|_| Person::new()).collect();
    let ids = ids(&people);
    let now = people[MANY - 1].after(MARGIN);
    let signals: Vec<DeviceSignal> =
        people.iter().flat_map(|person| [person.here("phone", 0), person.here("laptop", 0)]).collect();
    record(store, &signals).await;
    let twice: Vec<UserId> = ids.iter().chain(&ids).cloned().collect();
    assert_eq!(store.judge(&twice, now).await.expect("judge").len(), MANY, "each change once");
    let found = store.presence(&twice, now).await.expect("presence");
    assert_eq!(found.len(), MANY);
    assert!(ids.iter().all(|id| found[id].status == Status::Online && found[id].user_id == *id));
}

/// No character of an id has a special meaning, and ids with a common prefix stay apart.
pub async fn every_well_formed_user_id_works(store: &dyn PresenceStore) {
    let stem = CommandId::new();
    for ending in ["", ":", "::x", "@host", "_-", "A", "a", &"x".repeat(128 - 36)] {
        let person = Person::named(&format!("{stem}{ending}"));
        assert_eq!(presence(store, &person, person.start).await.status, Status::Offline, "{}", person.id);
        record(store, &[person.here("a device: of any name", 0)]).await;
        assert_eq!(judge(store, &person, person.start).await, Some(Status::Online), "{}", person.id);
    }
}

/// Empty lists are allowed everywhere.
pub async fn nobody_is_asked_about(store: &dyn PresenceStore) {
    let now = SystemClock.now();
    record(store, &[]).await;
    assert_eq!(store.judge(&[], now).await.expect("judge"), []);
    assert!(store.presence(&[], now).await.expect("presence").is_empty());
}

/// The caller sums the statistics up, so each gateway may count only once.
pub async fn what_a_gateway_says_of_itself_replaces_what_it_said(store: &dyn PresenceStore) {
    let mark = u64::try_from(SystemClock.now().0).expect("after 1970");
    let (first, second) = (CommandId::new().to_string(), CommandId::new().to_string());
    let stats = |typing_users| GatewayStats { connected_clients: mark, typing_users, rooms: 4 };
    for (gateway, typing) in [(&first, 1), (&second, 2), (&first, 3)] {
        store.report(gateway, &stats(typing)).await.expect("report");
    }
    let ours = async || {
        let mut reports = store.reports().await.expect("reports");
        reports.retain(|report| report.stats.connected_clients == mark);
        assert!(reports.iter().all(|report| report.age < MARGIN), "made just now: {reports:?}");
        let mut stats: Vec<_> = reports.into_iter().map(|report| report.stats).collect();
        stats.sort_by_key(|stats| stats.typing_users);
        stats
    };
    assert_eq!(ours().await, [stats(2), stats(3)]);
    for _ in 0..2 {
        store.retire(&first).await.expect("retire");
    }
    assert_eq!(ours().await, [stats(2)], "the first has ended");
}

/// Two devices, also of two gateways, are one person. Who is away is connected, and who has left is not.
pub async fn people_who_are_connected_are_counted_once(store: &dyn PresenceStore) {
    let person = Person::new();
    let over = person.after(OFFLINE_GRACE + MARGIN);
    let count = async || store.connected(over).await.expect("count");
    let is_named = async || {
        let people = store.connected_people(over).await.expect("names");
        assert!(people.is_sorted(), "in the order of their ids");
        people.iter().filter(|user| **user == person.id).count()
    };
    let others = count().await;
    record(store, &[person.here("phone", 0), person.idle_for("laptop", 0, AWAY_AFTER)]).await;
    assert_eq!(count().await, others + 1);
    record(store, &[person.gone("phone", 1)]).await;
    assert_eq!((count().await, is_named().await), (others + 1, 1), "away, and connected");
    record(store, &[person.gone("laptop", 2)]).await;
    assert_eq!((count().await, is_named().await), (others, 0), "also before anybody judged it");
    judge(store, &person, over).await;
    assert_eq!(count().await, others);
}

/// The client of a session that waits at one gateway has come back at another one, which says that the first
/// device has gone. The first gateway goes on reporting the session that waits; it does not bring the device
/// back, however long it goes on. If the client itself comes back to that session, the device is there again.
pub async fn who_came_back_as_another_device_is_not_kept_by_the_first(store: &dyn PresenceStore) {
    let person = Person::new();
    let waits = |order: i64| {
        let at = Timestamp(person.start.0 + order);
        person.signal("first", DeviceState::Here { active_at: at, wants_away: false, parked: true }, at)
    };
    record(store, &[person.here("first", 0), waits(1)]).await;
    assert_eq!(
        judge(store, &person, person.start).await,
        Some(Status::Online),
        "a session that waits counts"
    );
    record(store, &[person.here("second", 2), person.gone("first", 3), waits(4)]).await;
    assert_eq!(judge(store, &person, person.start).await, None);
    record(store, &[person.gone("second", 5), waits(6), waits(7)]).await;
    let over = person.after(OFFLINE_GRACE + MARGIN);
    assert_eq!(judge(store, &person, over).await, Some(Status::Offline));
    record(store, &[person.here("first", 8)]).await;
    assert_eq!(judge(store, &person, over).await, Some(Status::Online), "the client itself");
}

/// Whoever's line broke, or who has closed the page, does not see what they are sent, though others see them
/// as connected for a while. A live line of any device is enough, and nobody is invented.
pub async fn attention_is_on_live_lines_only(store: &dyn PresenceStore) {
    let (person, stranger) = (Person::new(), Person::new());
    let users = [person.id.clone(), stranger.id.clone()];
    let attention = async || store.attention(&users, person.start).await.expect("the store answers");
    let expect = |status| HashMap::from([(person.id.clone(), status)]);
    let here = |device: &str, order: i64, parked| {
        let at = Timestamp(person.start.0 + order);
        person.signal(device, DeviceState::Here { active_at: at, wants_away: false, parked }, at)
    };
    assert_eq!(attention().await, HashMap::new());
    record(store, &[here("phone", 0, false)]).await;
    assert_eq!(attention().await, expect(Status::Online));
    record(store, &[here("phone", 1, true)]).await;
    assert_eq!(attention().await, expect(Status::Offline), "the line is broken");
    assert_eq!(judge(store, &person, person.start).await, Some(Status::Online), "and others see no change");
    record(store, &[here("laptop", 2, false)]).await;
    assert_eq!(attention().await, expect(Status::Online), "another device has a line");
    record(store, &[person.gone("laptop", 3)]).await;
    assert_eq!(attention().await, expect(Status::Offline), "the page is closed");
    record(store, &[here("phone", 4, false)]).await;
    assert_eq!(attention().await, expect(Status::Online), "the line is back");
    let at = Timestamp(person.start.0 + 5);
    let away = DeviceState::Here { active_at: at, wants_away: true, parked: false };
    record(store, &[person.signal("phone", away, at)]).await;
    assert_eq!(attention().await, expect(Status::Away));
}
