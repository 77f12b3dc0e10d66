//! The decision, the dispatcher and the second decision on the embedded store and broker, with a clock that
//! the test moves.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{FANOUT, Topology};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_ports::devices::Contact;
use eventflow_ports::push_devices::Shown;
use eventflow_ports::store_contract::fixtures::{append, at, change, commanded, creation, fresh_people, say};
use eventflow_ports::{
    Apart, Appended, Blocks, Clock, DeliveriesOf, DeliveryPage, Directory, ErasedPeople, Erasures,
    FixedClock, GatewayReport, GatewayStats, Inbox, MemoryPresence, NoPresence, Outbound, PresenceError,
    PresenceStore, PushDevices, Store, StoreError, WithCommandId,
};
use eventflow_protocol::blocks::ChangeBlock;
use eventflow_protocol::change::{
    AdvanceCursor, ArchiveThread, Change, ChangeGroup, ChangeMessage, Cursor, GroupChange, MarkUnread,
};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::erasure::{ErasePerson, Erasure};
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::group::Group;
use eventflow_protocol::inbox::{
    ChangeNotifications, Channels, MENTION_KIND, MESSAGE_KIND, NamedChannels, Notification,
    NotificationChange, Notify, Preferences, SetPreferences,
};
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, NotifyJob, Reason, Told, WaitsFor, Window, WindowId,
};
use eventflow_protocol::person::{Profile, Revocation};
use eventflow_protocol::preferences::PreferencesChange;
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Presence, Status};
use eventflow_protocol::push::{PushDevice, PushTarget, RemovePushDevice};
use eventflow_protocol::schedule::{DigestInterval, Every, Mute, QuietHours};
use eventflow_protocol::{CommandId, PushDeviceId, ThreadId, Timestamp, UserId, codec};
use eventflow_workers::notify::again::{AgainParts, Remaining, decide_again};
use eventflow_workers::notify::dispatch::{Dispatcher, DispatcherParts};
use eventflow_workers::notify::{Decision, DecisionParts, Grace};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// How long the people of these tests have to see something.
const GRACE: Grace = Grace { email: Duration::from_mins(1), push: Duration::from_secs(10) };
/// Shards of the queues: more than one, so that a wrong one would show.
const SHARDS: u16 = 2;

#[tokio::test]
async fn an_absent_person_is_told_once_by_each_channel_after_the_grace() {
    let stage = Stage::new().await;
    let message = stage.says("hello").await;
    let job = stage.job(&message);
    stage.perform(std::slice::from_ref(&job)).await;
    stage.perform(&[job.clone(), job]).await;
    assert_eq!(stage.due(Channel::Push).await, []);
    stage.clock.advance(10_000);
    let pushes = stage.due(Channel::Push).await;
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].thread_id, Some(stage.thread));
    assert_eq!(stage.due(Channel::Email).await, []);
    stage.clock.advance(50_000);
    let mails = stage.due(Channel::Email).await;
    assert_eq!(mails.iter().map(|mail| mail.items.len()).collect::<Vec<_>>(), [1]);
    assert_eq!(stage.outcomes().await, ["held", "held"], "one row for each channel");
}

#[tokio::test]
async fn messages_that_come_while_one_waits_are_in_one_window() {
    let stage = Stage::new().await;
    for _ in 0..3 {
        let message = stage.says("again").await;
        stage.perform(&[stage.job(&message)]).await;
        stage.clock.advance(5_000);
    }
    stage.clock.advance(60_000);
    for channel in Channel::ALL {
        let due = stage.due(channel).await;
        assert_eq!(due.iter().map(|window| window.items.len()).collect::<Vec<_>>(), [3], "{channel:?}");
    }
    assert_eq!(stage.outcomes().await.iter().filter(|outcome| **outcome == "folded").count(), 4);
}

#[tokio::test]
async fn who_does_not_want_it_is_not_told_and_the_log_says_why() {
    let stage = Stage::new().await;
    let off = Channels { email: false, ..Channels::default() };
    let mutes = vec![Mute { thread_id: stage.thread, until: Some(at(100)) }];
    stage.prefers(Preferences { channels: off, ..Preferences::default() }).await;
    let first = stage.says("one").await;
    stage.perform(&[stage.job(&first)]).await;
    stage.prefers(Preferences { mutes, ..Preferences::default() }).await;
    let second = stage.says("two").await;
    stage.perform(&[stage.job(&second)]).await;
    let log = stage.log().await;
    let suppressed = |channel: Channel, reason: Reason| {
        let wanted = DeliveryOutcome::Suppressed { reason };
        log.iter().filter(|row| row.channel == channel && row.outcome == wanted).count()
    };
    assert_eq!(suppressed(Channel::Email, Reason::Preference), 1);
    assert_eq!(suppressed(Channel::Email, Reason::Muted), 1);
    assert_eq!(suppressed(Channel::Push, Reason::Muted), 1);
    stage.clock.advance(100_000);
    assert_eq!(stage.due(Channel::Email).await, []);
    assert_eq!(stage.due(Channel::Push).await.len(), 1, "the first message");
}

#[tokio::test]
async fn whoever_is_erased_is_told_nothing_and_nothing_is_noted_of_them() {
    let stage = Stage::new().await;
    let off = Channels { email: false, ..Channels::default() };
    stage.prefers(Preferences { channels: off, ..Preferences::default() }).await;
    let (by, why) = ("root".parse().unwrap(), "asked".to_owned());
    let wanted = ErasePerson { user_id: stage.ben.clone(), by, why, at: stage.clock.now() };
    stage.store.begin_erasure(&Erasure::new(&wanted, stage.clock.now())).await.unwrap();
    let (message, notification) = (stage.says("hello").await, stage.tells(json!({})).await);
    let (user_id, at) = (stage.ben.clone(), stage.clock.now());
    let told = NotifyJob::Notification { user_id: user_id.clone(), notification_id: notification.id, at };
    let departed = NotifyJob::Departed { user_id, since: at, at };
    stage.perform(&[stage.job(&message), told, departed]).await;
    assert_eq!(stage.log().await, [], "neither a wait nor a reason");
    stage.clock.advance(60_000);
    for channel in Channel::ALL {
        assert_eq!(stage.due(channel).await, [], "{channel:?}");
    }
}

#[tokio::test]
async fn a_mention_passes_a_muted_thread_and_has_channels_of_its_own() {
    let stage = Stage::new().await;
    let mutes = vec![Mute { thread_id: stage.thread, until: None }];
    stage.prefers(Preferences { mutes: mutes.clone(), ..Preferences::default() }).await;
    let [plain, mention] = [stage.says("hi all").await, stage.mentions_ben("hi ben").await];
    stage.perform(&[stage.job(&plain), stage.mention_job(&mention)]).await;
    stage.clock.advance(60_000);
    let [push] = stage.due(Channel::Push).await.try_into().unwrap();
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    for window in [&push, &mail] {
        let left = stage.again(window).await.left;
        let told: Vec<_> = left.iter().map(|(told, _)| told.about.reference()).collect();
        assert_eq!(told, [format!("@:{}", mention.id)]);
    }
    // What was not named for mentions is as for messages.
    let email = |email| NamedChannels { email: Some(email), ..NamedChannels::default() };
    let no_messages = [(MESSAGE_KIND.to_owned(), email(false))];
    let both = [(MESSAGE_KIND.to_owned(), email(false)), (MENTION_KIND.to_owned(), email(true))];
    for (types, is_mailed) in [(no_messages.into(), false), (BTreeMap::from(both), true)] {
        stage.prefers(Preferences { types, mutes: mutes.clone(), ..Preferences::default() }).await;
        let again = stage.again(&mail).await;
        assert_eq!((again.left.len() == 1, reasons(&again).is_empty()), (is_mailed, is_mailed));
    }
}

#[tokio::test]
async fn an_edit_that_mentions_somebody_tells_them_once_and_not_if_it_was_taken_out_again() {
    let stage = Stage::new().await;
    let message = stage.says("one").await;
    stage.perform(&[stage.job(&message)]).await;
    stage.clock.advance(60_000);
    let [push] = stage.due(Channel::Push).await.try_into().unwrap();
    stage.store.close_window(push.id, &[]).await.unwrap();
    let edited = |message: &Message| match stage.mention_job(message) {
        NotifyJob::Message { thread_id, message_id, seq, sender, absent, away, mention, .. } => {
            let at = stage.clock.now();
            NotifyJob::Message { thread_id, message_id, seq, sender, at, absent, away, mention }
        }
        other => panic!("{other:?}"),
    };
    stage.edits(&message, Some(vec![stage.ben.clone()])).await;
    for _ in 0..2 {
        stage.perform(&[edited(&message)]).await;
    }
    stage.clock.advance(60_000);
    let [push] = stage.due(Channel::Push).await.try_into().unwrap();
    assert_eq!(stage.again(&push).await.left.len(), 1);
    stage.edits(&message, Some(Vec::new())).await;
    let again = stage.again(&push).await;
    assert_eq!((again.left.len(), reasons(&again)), (0, vec![Reason::TakenBack]));
    stage.edits(&message, None).await;
    stage.store.close_window(push.id, &[]).await.unwrap();
    stage.perform(&[edited(&message)]).await;
    stage.clock.advance(60_000);
    assert_eq!(stage.due(Channel::Push).await, [], "once");
}

#[tokio::test]
async fn a_message_that_mentions_nobody_any_more_is_told_like_any_other() {
    let stage = Stage::new().await;
    let message = stage.mentions_ben("hi ben").await;
    stage.perform(&[stage.mention_job(&message)]).await;
    stage.edits(&message, Some(Vec::new())).await;
    stage.clock.advance(60_000);
    let [push] = stage.due(Channel::Push).await.try_into().unwrap();
    assert_eq!(stage.again(&push).await.left.len(), 1);
    let mutes = vec![Mute { thread_id: stage.thread, until: None }];
    stage.prefers(Preferences { mutes, ..Preferences::default() }).await;
    assert_eq!(reasons(&stage.again(&push).await), [Reason::Muted]);
}

#[tokio::test]
async fn a_departure_tells_of_mentions_in_muted_threads() {
    let stage = Stage::new().await;
    let mutes = vec![Mute { thread_id: stage.thread, until: None }];
    stage.prefers(Preferences { mutes, ..Preferences::default() }).await;
    let plain = stage.says("hi all").await;
    let mention = stage.mentions_ben("hi ben").await;
    let now = stage.clock.now();
    let departed = NotifyJob::Departed { user_id: stage.ben.clone(), since: plain.created_at, at: now };
    stage.perform(&[departed]).await;
    stage.clock.advance(60_000);
    let [push] = stage.due(Channel::Push).await.try_into().unwrap();
    let told: Vec<_> = push.items.iter().map(|told| told.about.reference()).collect();
    assert_eq!(told, [format!("@:{}", mention.id)]);
}

#[tokio::test]
async fn people_whom_nothing_reaches_make_a_row_an_hour_and_no_window() {
    let stage = Stage::new().await;
    let nobody = fresh_people(3);
    let mut jobs = Vec::new();
    for _ in 0..20 {
        let mut job = stage.job(&stage.says("busy").await);
        let NotifyJob::Message { absent, .. } = &mut job else { panic!("it is a message") };
        absent.extend_from_slice(&nobody);
        jobs.push(job);
    }
    stage.perform(&jobs[..10]).await;
    stage.perform(&jobs[10..]).await;
    let rows = |user: &UserId| stage.log_of(user.clone());
    for user in &nobody {
        let reasons: BTreeSet<_> = rows(user).await.iter().map(reason).collect();
        assert_eq!(reasons, BTreeSet::from([Reason::NoAddress, Reason::NoDevice]));
        assert_eq!(rows(user).await.len(), 2, "of 20 messages");
    }
    assert_eq!(stage.outcomes().await.len(), 40, "whoever can be reached has a row for each");
    stage.clock.advance(3_600_000);
    for _ in 0..2 {
        let mut next = stage.job(&stage.says("later").await);
        let NotifyJob::Message { absent, .. } = &mut next else { panic!("it is a message") };
        absent.clone_from(&nobody);
        stage.perform(&[next]).await;
        assert_eq!(rows(&nobody[1]).await.len(), 4, "in the next hour");
    }
}

#[tokio::test]
async fn without_presence_what_a_socket_took_is_not_told_once_more() {
    let stage = Stage::new().await;
    let [heard, unheard] = [stage.says("heard").await, stage.says("not heard").await];
    stage.perform(&[stage.job(&heard), stage.job(&unheard)]).await;
    let delivered = AdvanceCursor {
        thread_id: stage.thread,
        user_id: stage.ben.clone(),
        cursor: Cursor::Delivered,
        up_to: Some(heard.seq),
        at: stage.clock.now(),
    };
    stage.store.advance(&[delivered]).await.unwrap();
    stage.clock.advance(60_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    assert_eq!(stage.again(&mail).await.left.len(), 2, "presence says that nobody is there");
    let blind = AgainParts { presence: Arc::new(NoPresence), ..stage.again.clone() };
    let remaining = decide_again(&blind, &mail).await.unwrap();
    assert_eq!((remaining.left.len(), reasons(&remaining)), (1, vec![Reason::Online]));
}

#[tokio::test]
async fn quiet_hours_hold_a_night_and_end_in_one_digest() {
    let stage = Stage::new().await;
    // Time zero of the scenes is noon UTC.
    let quiet = QuietHours { enabled: true, from: "11:00".parse().unwrap(), until: "15:00".parse().unwrap() };
    stage.prefers(Preferences { quiet_hours: quiet, ..Preferences::default() }).await;
    for _ in 0..20 {
        let message = stage.says("at night").await;
        stage.perform(&[stage.job(&message)]).await;
        stage.clock.advance(60_000);
    }
    let end = at(3 * 3_600);
    stage.clock.advance(end.0 - stage.clock.now().0 - 1);
    assert_eq!((stage.due(Channel::Email).await, stage.due(Channel::Push).await), (vec![], vec![]));
    stage.clock.advance(1);
    for channel in Channel::ALL {
        let due = stage.due(channel).await;
        assert_eq!(due.iter().map(|window| window.items.len()).collect::<Vec<_>>(), [20], "{channel:?}");
    }
}

#[tokio::test]
async fn what_is_critical_waits_for_nothing() {
    let stage = Stage::new().await;
    let digest = DigestInterval { every: Every::Day, hour: 8 };
    let off = Channels { email: false, ..Channels::default() };
    let types = [("general".to_owned(), off.into())].into();
    stage.prefers(Preferences { digest, types, ..Preferences::default() }).await;
    for data in [json!({"priority": "critical"}), json!({})] {
        let notification = stage.tells(data).await;
        stage.perform(&[job_of(&notification)]).await;
    }
    let mails = stage.due(Channel::Email).await;
    assert_eq!(mails.iter().map(|mail| mail.items.len()).collect::<Vec<_>>(), [1], "at once, and alone");
    assert!(mails[0].items[0].critical);
    let left = stage.again(&mails[0]).await;
    assert_eq!((left.left.len(), left.waits_until), (1, None));
}

#[tokio::test]
async fn what_is_critical_is_not_mailed_to_whoever_wants_no_mail_of_any_kind() {
    let stage = Stage::new().await;
    let types = [("message".to_owned(), Channels::default().into())].into();
    let some = Preferences { types, ..Preferences::default() };
    let none = PreferencesChange::StopMails.onto(some.clone(), stage.clock.now()).unwrap();
    stage.prefers(some).await;
    let before = stage.tells(json!({"priority": "critical"})).await;
    stage.perform(&[job_of(&before)]).await;
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    stage.prefers(none).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Preference], "unsubscribed while it waited");
    let after = stage.tells(json!({"priority": "critical"})).await;
    stage.perform(&[job_of(&after)]).await;
    assert_eq!(stage.due(Channel::Email).await, []);
    assert_eq!(stage.due(Channel::Push).await.len(), 2, "both are pushed");
}

#[tokio::test]
async fn who_came_and_went_across_the_due_moment_and_heard_nothing_is_told() {
    let stage = Stage::new().await;
    let message = stage.says("to somebody who is not there").await;
    let notification = stage.tells(json!({})).await;
    stage.perform(&[stage.job(&message), job_of(&notification)]).await;
    stage.clock.advance(60_000);
    stage.is_here().await;
    let mut windows = stage.due(Channel::Email).await;
    windows.extend(stage.due(Channel::Push).await);
    assert_eq!(windows.len(), 3);
    for window in &windows {
        let held = stage.again(window).await;
        assert_eq!((reasons(&held), held.waits_for), (vec![], WaitsFor::Attention));
        assert_eq!(held.waits_until, Some(at(120)), "a minute later, since it is a minute old");
    }
    stage.clock.advance(3_600_000);
    for window in &windows {
        let told = stage.again(window).await;
        assert_eq!((reasons(&told), told.waits_until), (vec![], None), "they have gone");
        assert!(!told.left.is_empty());
    }
}

#[tokio::test]
async fn who_is_here_is_told_nothing_that_their_sockets_have_told() {
    let stage = Stage::new().await;
    let message = stage.says("to somebody who comes and gets it").await;
    stage.perform(&[stage.job(&message)]).await;
    stage.is_here().await;
    stage.clock.advance(5_000);
    let notification = stage.tells(json!({})).await;
    stage.perform(&[job_of(&notification)]).await;
    stage.clock.advance(60_000);
    stage.is_here().await;
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    let held = stage.again(&mail).await;
    assert_eq!(
        (reasons(&held), held.left.len()),
        (vec![Reason::Online], 1),
        "the notification came to a page"
    );
    assert!(held.waits_until.is_some());
    stage.advances(Cursor::Delivered, message.seq).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Online; 2]);
}

#[tokio::test]
async fn who_came_after_it_was_stored_has_not_heard_of_it_however_late_it_is_decided() {
    let stage = Stage::new().await;
    let notification = stage.tells(json!({})).await;
    stage.clock.advance(10_000);
    stage.is_here().await;
    stage.clock.advance(4_999);
    let close = stage.tells(json!({})).await;
    stage.perform(&[job_of(&notification), job_of(&close)]).await;
    stage.clock.advance(50_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    let held = stage.again(&mail).await;
    assert_eq!((reasons(&held), held.left.len()), (vec![], 2), "nor of what came as they did");
    assert!(held.waits_until.is_some());
    stage.clock.advance(3_600_000);
    let told = stage.again(&mail).await;
    assert_eq!((told.left.len(), told.waits_until), (2, None), "they have gone");
}

#[tokio::test]
async fn a_notification_for_a_gateway_that_was_killed_counts_as_heard_by_nobody() {
    let stage = Stage::new().await;
    stage.is_here().await;
    stage.clock.advance(20_000);
    // The gateway has died just before, and the page comes back at another one.
    let notification = stage.tells(json!({})).await;
    stage.perform(&[job_of(&notification)]).await;
    stage.clock.advance(3_000);
    stage.has_session("the next one").await;
    for seconds in [60, 60, 600] {
        stage.clock.advance(seconds * 1_000);
        stage.has_session("the next one").await;
        let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
        let held = stage.again(&mail).await;
        assert_eq!((reasons(&held), held.left.len()), (vec![], 1), "after {seconds} s more");
        assert!(held.waits_until.is_some(), "while they are here");
        stage.store.postpone_window(mail.id, stage.clock.now()).await.unwrap();
    }
    stage.clock.advance(3_600_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    let told = stage.again(&mail).await;
    assert_eq!((told.left.len(), told.waits_until), (1, None), "they have gone");
}

#[tokio::test]
async fn a_notification_waits_while_nobody_can_say_who_is_there_and_is_told_after_a_while() {
    let stage = Stage::new().await;
    stage.is_here().await;
    stage.clock.advance(20_000);
    let [notification, critical] =
        [stage.tells(json!({})).await, stage.tells(json!({"priority": "critical"})).await];
    let blind = AgainParts { presence: Arc::new(SilentPresence), ..stage.again.clone() };
    // The first decision cannot ask either.
    let told = |notification: &Notification, is_critical| Told {
        about: About::Notification { notification_id: notification.id },
        at: notification.created_at,
        critical: is_critical,
        was_online: false,
    };
    let window = |told: Told| Window {
        id: WindowId::new(),
        user_id: stage.ben.clone(),
        channel: Channel::Email,
        thread_id: None,
        opened_at: told.at,
        due_at: told.at,
        items: vec![told],
        more: 0,
    };
    let (ordinary, critical) = (window(told(&notification, false)), window(told(&critical, true)));
    let held = decide_again(&blind, &ordinary).await.unwrap();
    assert_eq!((reasons(&held), held.waits_until), (vec![], Some(at(40))), "20 s later, however old it is");
    assert_eq!(decide_again(&blind, &critical).await.unwrap().waits_until, None, "that waits for nothing");
    let without = AgainParts { presence: Arc::new(NoPresence), ..stage.again.clone() };
    assert_eq!(decide_again(&without, &ordinary).await.unwrap().waits_until, None, "asking again is no use");
    stage.clock.advance(30_000);
    stage.is_here().await;
    let heard = stage.again(&ordinary).await;
    assert_eq!(reasons(&heard), [Reason::Online], "the store answers again: they were there all the time");
    stage.clock.advance(90_000);
    let told = decide_again(&blind, &ordinary).await.unwrap();
    assert_eq!((told.left.len(), told.waits_until), (1, None), "long enough");
}

#[tokio::test]
async fn who_is_here_is_told_what_they_want_by_mail_and_not_in_their_inbox() {
    let stage = Stage::new().await;
    stage.is_here().await;
    stage.clock.advance(5_000);
    let seen = stage.tells(json!({})).await;
    let hidden = Notification { id: CommandId::new().into(), is_hidden: true, ..seen.clone() };
    stage.store.add_notifications(std::slice::from_ref(&hidden)).await.unwrap();
    stage.perform(&[job_of(&seen), job_of(&hidden)]).await;
    stage.clock.advance(60_000);
    stage.is_here().await;
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    let remaining = stage.again(&mail).await;
    assert_eq!((reasons(&remaining), remaining.waits_until), (vec![Reason::Online], None));
    let left: Vec<_> = remaining.left.iter().map(|(told, _)| told.about.reference()).collect();
    assert_eq!(left, [format!("n:{}", hidden.id)], "no socket was sent it");
}

#[tokio::test]
async fn a_notification_that_was_read_or_deleted_is_not_told() {
    let stage = Stage::new().await;
    let gone = stage.tells(json!({})).await;
    let mut job = job_of(&gone);
    let NotifyJob::Notification { notification_id, .. } = &mut job else { panic!("it is one") };
    *notification_id = CommandId::new().into();
    stage.perform(&[job]).await;
    assert_eq!(stage.log().await, []);
}

#[tokio::test]
async fn a_departure_tells_of_what_came_shortly_before_and_was_not_read() {
    let stage = Stage::new().await;
    let early = stage.says("long ago").await;
    stage.clock.advance(3_600_000);
    let told = stage.says("told already").await;
    stage.perform(&[stage.job(&told)]).await;
    let missed = stage.says("into a dead socket").await;
    let departed = NotifyJob::Departed {
        user_id: stage.ben.clone(),
        since: stage.clock.now().minus(Duration::from_mins(1)),
        at: stage.clock.now(),
    };
    stage.perform(&[departed.clone(), departed.clone()]).await;
    stage.clock.advance(60_000);
    let mails = stage.due(Channel::Email).await;
    let abouts: Vec<String> =
        mails.iter().flat_map(|mail| &mail.items).map(|told| told.about.reference()).collect();
    assert_eq!(abouts, [format!("m:{}", told.id), format!("m:{}", missed.id)], "not {}", early.id);
    let last = stage.says("for somebody who is back").await;
    stage.is_here().await;
    stage.perform(&[departed]).await;
    stage.clock.advance(60_000);
    assert_eq!(stage.due(Channel::Email).await, [], "not {}", last.id);
}

#[tokio::test]
async fn what_was_read_and_marked_unread_is_told_neither_when_it_is_due_nor_at_a_departure() {
    let stage = Stage::new().await;
    let message = stage.says("read, and kept for later").await;
    stage.perform(&[stage.job(&message)]).await;
    stage.reads(message.seq).await;
    stage.clock.advance(1_000);
    stage.marks_unread(message.seq).await;
    stage.clock.advance(60_000);
    for channel in Channel::ALL {
        let [window] = stage.due(channel).await.try_into().unwrap();
        let remaining = stage.again(&window).await;
        assert_eq!((reasons(&remaining), remaining.left.len()), (vec![Reason::Read], 0), "{channel:?}");
        stage.store.close_window(window.id, &remaining.suppressed).await.unwrap();
    }
    let (seen, missed) = (stage.says("seen").await, stage.says("missed").await);
    stage.reads(seen.seq).await;
    stage.clock.advance(1_000);
    stage.marks_unread(message.seq).await;
    let since = stage.clock.now().minus(Duration::from_mins(1));
    stage.perform(&[NotifyJob::Departed { user_id: stage.ben.clone(), since, at: stage.clock.now() }]).await;
    stage.clock.advance(60_000);
    for channel in Channel::ALL {
        let [window] = stage.due(channel).await.try_into().unwrap();
        let told: Vec<String> = window.items.iter().map(|told| told.about.reference()).collect();
        assert_eq!(told, [format!("m:{}", missed.id)], "{channel:?}");
    }
}

#[tokio::test]
async fn what_was_heard_and_not_read_is_told_once_when_its_reader_goes() {
    let stage = Stage::new().await;
    let message = stage.says("to a page that is closed at once").await;
    stage.perform(&[stage.job(&message)]).await;
    stage.clock.advance(9_000);
    stage.is_here().await;
    stage.advances(Cursor::Delivered, message.seq).await;
    stage.clock.advance(51_000);
    for channel in Channel::ALL {
        let [window] = stage.due(channel).await.try_into().unwrap();
        let remaining = stage.again(&window).await;
        assert_eq!(reasons(&remaining), [Reason::Online], "{channel:?}");
        stage.store.close_window(window.id, &remaining.suppressed).await.unwrap();
    }
    stage.clock.advance(120_000);
    let since = stage.clock.now().minus(Duration::from_mins(3));
    let departed = NotifyJob::Departed { user_id: stage.ben.clone(), since, at: stage.clock.now() };
    stage.perform(&[departed.clone(), departed]).await;
    stage.clock.advance(60_000);
    for channel in Channel::ALL {
        let [window] = stage.due(channel).await.try_into().unwrap();
        let told = stage.again(&window).await;
        assert_eq!((reasons(&told), told.left.len(), told.waits_until), (vec![], 1, None), "{channel:?}");
    }
}

#[tokio::test]
async fn whoever_does_not_look_at_an_open_page_is_told_elsewhere_only_if_they_want_it() {
    let stage = Stage::new().await;
    stage.is_away().await;
    stage.clock.advance(5_000);
    let notification = stage.tells(json!({})).await;
    stage.perform(&[job_of(&notification)]).await;
    stage.clock.advance(60_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    let held = stage.again(&mail).await;
    assert_eq!((reasons(&held), held.left.len(), held.waits_until.is_some()), (vec![], 1, true));
    stage.prefers(Preferences { when_away: true, ..Preferences::default() }).await;
    let told = stage.again(&mail).await;
    assert_eq!((told.left.len(), told.waits_until), (1, None), "they want it");
    stage.prefers(Preferences::default()).await;
    stage.clock.advance(3_600_000);
    let told = stage.again(&mail).await;
    assert_eq!((told.left.len(), told.waits_until), (1, None), "they have gone");
}

#[tokio::test]
async fn a_notification_that_went_into_a_dead_line_is_told_once_when_that_is_noticed() {
    let stage = Stage::new().await;
    stage.is_here().await;
    stage.clock.advance(10_000);
    let [lost, read] = [stage.tells(json!({})).await, stage.tells(json!({})).await];
    stage.perform(&[job_of(&lost), job_of(&read)]).await;
    stage.clock.advance(10_000);
    stage.is_here().await;
    for push in stage.due(Channel::Push).await {
        let remaining = stage.again(&push).await;
        assert_eq!(reasons(&remaining), [Reason::Online], "nobody knows better yet");
        stage.store.close_window(push.id, &remaining.suppressed).await.unwrap();
    }
    let departed = NotifyJob::Departed {
        user_id: stage.ben.clone(),
        since: stage.clock.now().minus(Duration::from_mins(3)),
        at: stage.clock.now(),
    };
    stage.perform(std::slice::from_ref(&departed)).await;
    assert_eq!(stage.due(Channel::Push).await, [], "they are here");
    stage.line_breaks().await;
    stage.reads_notification(&read).await;
    stage.perform(&[departed.clone(), departed.clone()]).await;
    let [push] = stage.due(Channel::Push).await.try_into().unwrap();
    let told = stage.again(&push).await;
    assert_eq!((told.left.len(), told.waits_until), (1, None));
    assert_eq!(told.left[0].0.about.reference(), format!("n:{}", lost.id));
    stage.store.close_window(push.id, &[]).await.unwrap();
    stage.perform(&[departed]).await;
    assert_eq!(stage.due(Channel::Push).await, [], "once");
    stage.clock.advance(60_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    assert_eq!(mail.items.len(), 2, "what waited is decided again by itself");
}

#[tokio::test]
async fn who_is_away_is_told_if_they_want_it() {
    let stage = Stage::new().await;
    stage.is_away().await;
    for (when_away, expected) in [(false, 0), (true, 2)] {
        stage.prefers(Preferences { when_away, ..Preferences::default() }).await;
        let message = stage.says("to a page that nobody looks at").await;
        let NotifyJob::Message { thread_id, message_id, seq, sender, at, absent, .. } = stage.job(&message)
        else {
            panic!("it is a message")
        };
        let job =
            NotifyJob::Message { thread_id, message_id, seq, sender, at, absent, away: true, mention: false };
        stage.perform(&[job]).await;
        assert_eq!(stage.outcomes().await.len(), expected, "a row for each channel, or none");
    }
}

#[tokio::test]
async fn who_falls_idle_is_told_of_what_they_did_not_read_if_they_want_it() {
    let stage = Stage::new().await;
    let message = stage.says("before they fell idle").await;
    stage.is_away().await;
    let now = stage.clock.now();
    let idle = NotifyJob::Departed { user_id: stage.ben.clone(), since: message.created_at, at: now };
    stage.perform(std::slice::from_ref(&idle)).await;
    assert_eq!(stage.log().await, []);
    assert_eq!(stage.to_fanout(0).await, []);
    stage.prefers(Preferences { when_away: true, ..Preferences::default() }).await;
    stage.perform(&[idle]).await;
    assert_eq!(stage.outcomes().await, ["held", "held"]);
    // The stage does not know by which number gateways send.
    for shard in 0..SHARDS {
        let told = stage.to_fanout(shard).await;
        let [Event::ToldOutside { thread_id, user_id, .. }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((*thread_id, user_id), (stage.thread, &stage.ben), "so that reading it is passed on");
    }
}

#[tokio::test]
async fn the_second_decision_leaves_out_what_was_read_or_taken_back() {
    let stage = Stage::new().await;
    let [read, taken_back, left] = [stage.says("1").await, stage.says("2").await, stage.says("3").await];
    stage.perform(&[stage.job(&read), stage.job(&taken_back), stage.job(&left)]).await;
    stage.clock.advance(60_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    stage.reads(read.seq).await;
    stage.takes_back(&taken_back).await;
    let remaining = stage.again(&mail).await;
    assert_eq!(
        remaining.left.iter().map(|(told, _)| told.about.reference()).collect::<Vec<_>>(),
        [format!("m:{}", left.id)]
    );
    assert_eq!(reasons(&remaining), [Reason::Read, Reason::TakenBack]);
    assert_eq!(remaining.threads.len(), 1);
    stage.reads(left.seq).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Read; 3], "nothing is left to send");
}

#[tokio::test]
async fn the_second_decision_hears_of_everything_that_changed_meanwhile() {
    let stage = Stage::new().await;
    let message = stage.says("hello").await;
    stage.perform(&[stage.job(&message)]).await;
    stage.clock.advance(60_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    assert_eq!(reasons(&stage.again(&mail).await), []);

    let off = Channels { email: false, ..Channels::default() };
    stage.prefers(Preferences { channels: off, ..Preferences::default() }).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Preference]);
    let mutes = vec![Mute { thread_id: stage.thread, until: None }];
    stage.prefers(Preferences { mutes, ..Preferences::default() }).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Muted]);
    stage.prefers(Preferences::default()).await;

    let archive = |is_archived| WithCommandId {
        command_id: CommandId::new(),
        wanted: ArchiveThread {
            thread_id: stage.thread,
            user_id: stage.ben.clone(),
            archived: is_archived,
            at: stage.clock.now(),
        },
    };
    stage.store.archive(&archive(true)).await.unwrap();
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Archived]);
    stage.store.archive(&archive(false)).await.unwrap();

    stage.is_here().await;
    stage.advances(Cursor::Delivered, message.seq).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Online]);
    stage.clock.advance(3_600_000);

    let quiet = QuietHours { enabled: true, from: "11:00".parse().unwrap(), until: "15:00".parse().unwrap() };
    stage.prefers(Preferences { quiet_hours: quiet, ..Preferences::default() }).await;
    let held = stage.again(&mail).await;
    assert_eq!((reasons(&held), held.waits_until), (vec![], Some(at(3 * 3_600))));
    stage.prefers(Preferences::default()).await;

    let leave = LeaveThread { thread_id: stage.thread, user_id: stage.ben.clone(), at: stage.clock.now() };
    stage.store.leave(&commanded(leave)).await.unwrap();
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Left]);
    let revocation = Revocation { user_id: stage.ben.clone(), session: None, at: stage.clock.now() };
    stage.store.revoke(&revocation).await.unwrap();
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Revoked]);
}

/// In a thread of two, where it is away for who blocks, and in a group, where both read everything.
#[tokio::test]
async fn of_two_of_whom_one_blocks_the_other_neither_is_told_of_the_other() {
    let stage = Stage::new().await;
    let block = async |user: &UserId, other: &UserId, is_blocked| {
        let at = stage.clock.now();
        let wanted = ChangeBlock { user_id: user.clone(), other: other.clone(), is_blocked, key: None, at };
        stage.store.change_block(&commanded(wanted)).await.unwrap();
    };
    let said = stage.says("hello").await;
    stage.perform(&[stage.job(&said)]).await;
    stage.clock.advance(60_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    block(&stage.ben, &stage.ann, true).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Blocked]);
    block(&stage.ben, &stage.ann, false).await;
    assert_eq!(reasons(&stage.again(&mail).await), []);

    let group = Some(Group { owners: vec![stage.ann.clone()], ..Group::default() });
    let create = CreateThread { group, ..creation(&[stage.ann.clone(), stage.ben.clone()], 0) };
    let (thread, _) = stage.store.create_thread(&create).await.unwrap();
    let (ann, ben) = (stage.ann.clone(), stage.ben.clone());
    for (user, other) in [(&ben, &ann), (&ann, &ben)] {
        block(user, other, true).await;
        let in_group = About::Message {
            thread_id: thread.id,
            message_id: append(&*stage.store, &[say(thread.id, &ann, "all")]).await[0].id,
            seq: 1,
            mention: false,
        };
        let told = Told { about: in_group, at: stage.clock.now(), critical: false, was_online: false };
        let window = Window { items: vec![told], ..mail.clone() };
        assert_eq!(reasons(&stage.again(&window).await), [Reason::Blocked], "{user} blocks {other}");
        block(user, other, false).await;
        assert_eq!(reasons(&stage.again(&window).await), []);
    }
}

/// Also if they are in the group again by then: what was said before is not for them.
#[tokio::test]
async fn what_waits_for_somebody_who_was_removed_from_a_group_is_not_told() {
    let stage = Stage::new().await;
    let group = Some(Group { owners: vec![stage.ann.clone()], ..Group::default() });
    let create = CreateThread { group, ..creation(&[stage.ann.clone(), stage.ben.clone()], 0) };
    let (thread, _) = stage.store.create_thread(&create).await.unwrap();
    let stage = Stage { thread: thread.id, ..stage };
    let [said, mentioning] = [stage.says("hello").await, stage.mentions_ben("you").await];
    stage.perform(&[stage.job(&said), stage.mention_job(&mentioning)]).await;
    stage.clock.advance(60_000);
    let [mail] = stage.due(Channel::Email).await.try_into().unwrap();
    assert_eq!(reasons(&stage.again(&mail).await), []);
    let change = async |change| {
        let at = stage.clock.now();
        let wanted = ChangeGroup { thread_id: stage.thread, by: stage.ann.clone(), change, key: None, at };
        stage.store.change_group(&commanded(wanted)).await.unwrap();
    };
    change(GroupChange::Remove { user: stage.ben.clone() }).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Left; 2]);
    change(GroupChange::Add { people: vec![stage.ben.clone()], people_max: None }).await;
    assert_eq!(reasons(&stage.again(&mail).await), [Reason::Read; 2]);
}

#[tokio::test]
async fn of_one_window_what_came_before_a_revocation_is_left_out_and_what_came_after_is_told() {
    let stage = Stage::new().await;
    let before = stage.says("before").await;
    stage.perform(&[stage.job(&before)]).await;
    stage.clock.advance(1_000);
    let revocation = Revocation { user_id: stage.ben.clone(), session: None, at: stage.clock.now() };
    stage.store.revoke(&revocation).await.unwrap();
    stage.clock.advance(1_000);
    let after = stage.says("after").await;
    stage.perform(&[stage.job(&after)]).await;
    stage.clock.advance(60_000);
    for channel in Channel::ALL {
        let [window] = stage.due(channel).await.try_into().unwrap();
        let remaining = stage.again(&window).await;
        let told: Vec<_> = remaining.left.iter().map(|(told, _)| told.about.reference()).collect();
        assert_eq!(told, [format!("m:{}", after.id)], "{channel:?}");
        assert_eq!(reasons(&remaining), [Reason::Revoked], "{channel:?}");
    }
}

#[tokio::test]
async fn a_window_that_is_due_becomes_one_job_of_its_channel() {
    let stage = Stage::new().await;
    let mut dispatchers = [stage.dispatcher().await, stage.dispatcher().await];
    let message = stage.says("hello").await;
    stage.perform(&[stage.job(&message)]).await;
    for dispatcher in &mut dispatchers {
        assert_eq!(dispatcher.dispatch().await.unwrap(), 0, "nothing is due");
    }
    stage.clock.advance(60_000);
    let mut handed_over = 0;
    for dispatcher in &mut dispatchers {
        handed_over += dispatcher.dispatch().await.unwrap();
    }
    assert_eq!(handed_over, 1);
    stage.clock.advance(86_400_000);
    assert_eq!(dispatchers[0].dispatch().await.unwrap(), 0, "its job is in the queue");
}

#[tokio::test]
async fn who_changes_preferences_has_the_grace_to_see_what_came_just_before() {
    let grace = Grace { email: Duration::from_mins(5), ..GRACE };
    let stage = Stage::with_grace(grace).await;
    let digest = DigestInterval { every: Every::Hour, ..DigestInterval::default() };
    stage.prefers(Preferences { digest, ..Preferences::default() }).await;
    let message = stage.says("hello").await;
    stage.perform(&[stage.job(&message)]).await;
    stage.prefers(Preferences::default()).await;
    let changed = NotifyJob::PreferencesChanged { user_id: stage.ben.clone(), at: stage.clock.now() };
    stage.perform(&[changed]).await;
    stage.clock.advance(299_999);
    assert_eq!(stage.due(Channel::Email).await, [], "most have seen it by then");
    stage.clock.advance(1);
    assert_eq!(stage.due(Channel::Email).await.len(), 1, "and an hour is too long now");
}

#[tokio::test]
async fn the_absent_people_of_a_message_are_read_together() {
    let stage = Stage::new().await;
    let mut jobs = Vec::new();
    for text in ["one", "two"] {
        let mut job = stage.job(&stage.says(text).await);
        let NotifyJob::Message { absent, .. } = &mut job else { panic!("it is a message") };
        absent.extend(fresh_people(600));
        jobs.push(job);
    }
    stage.perform(&jobs).await;
    assert_eq!(stage.devices.asked.load(Ordering::SeqCst), 3, "for 1,201 people");
    assert_eq!(stage.outcomes().await.iter().filter(|outcome| **outcome != "folded").count(), 2);
}

#[tokio::test]
async fn the_people_of_notifications_are_read_together() {
    let stage = Stage::new().await;
    let mut jobs = Vec::new();
    for user in fresh_people(20) {
        jobs.push(job_of(&stage.tells_to(&user, json!({})).await));
    }
    stage.perform(&jobs).await;
    assert_eq!(stage.devices.asked.load(Ordering::SeqCst), 1, "for 20 people");
}

/// Counts how often it is asked who has devices.
struct CountedDevices {
    store: Arc<EmbeddedStore>,
    asked: AtomicUsize,
}

#[async_trait]
impl PushDevices for CountedDevices {
    async fn register_device(&self, device: &PushDevice) -> Result<(), StoreError> {
        self.store.register_device(device).await
    }
    async fn remove_device(&self, removal: &RemovePushDevice) -> Result<bool, StoreError> {
        self.store.remove_device(removal).await
    }
    async fn device_changed_at(&self, _device: PushDeviceId) -> Result<Option<Timestamp>, StoreError> {
        panic!("the decision does not ask for it")
    }
    async fn devices_of(&self, _user: &UserId) -> Result<Vec<PushDevice>, StoreError> {
        panic!("the decision asks who has a device, not for the devices")
    }
    async fn owners_among(&self, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.store.owners_among(users).await
    }
    async fn note_shown(&self, _shown: &[Shown]) -> Result<(), StoreError> {
        panic!("the decision shows nothing")
    }
    async fn shown(&self, _user: &UserId, _tag: &str) -> Result<Vec<Shown>, StoreError> {
        panic!("the decision does not ask for it")
    }
    async fn shown_tags(&self, _user: &UserId, _prefix: &str) -> Result<Vec<String>, StoreError> {
        panic!("the decision does not ask for it")
    }
    async fn forget_shown(&self, _: &[PushDeviceId], _tag: &str, _up_to: u64) -> Result<(), StoreError> {
        panic!("the decision takes nothing away")
    }
}

/// A presence store that does not answer now.
struct SilentPresence;

impl SilentPresence {
    fn fail<T>() -> Result<T, PresenceError> {
        Err(PresenceError { what: "answer", source: "no answer in time".into() })
    }
}

#[async_trait]
impl PresenceStore for SilentPresence {
    async fn record(&self, _: &[DeviceSignal]) -> Result<(), PresenceError> {
        Self::fail()
    }
    async fn judge(&self, _: &[UserId], _: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        Self::fail()
    }
    async fn due(&self, _: Timestamp, _: usize) -> Result<Vec<UserId>, PresenceError> {
        Self::fail()
    }
    async fn presence(&self, _: &[UserId], _: Timestamp) -> Result<HashMap<UserId, Presence>, PresenceError> {
        Self::fail()
    }
    async fn attention(&self, _: &[UserId], _: Timestamp) -> Result<HashMap<UserId, Status>, PresenceError> {
        Self::fail()
    }
    async fn online_since(
        &self,
        _: &[UserId],
        _: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        Self::fail()
    }
    async fn contact(
        &self,
        _: &UserId,
        _: (Timestamp, Timestamp),
        _: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        Self::fail()
    }
    async fn report(&self, _: &str, _: &GatewayStats) -> Result<(), PresenceError> {
        Self::fail()
    }
    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        Self::fail()
    }
    async fn retire(&self, _: &str) -> Result<(), PresenceError> {
        Self::fail()
    }
    async fn connected(&self, _: Timestamp) -> Result<u64, PresenceError> {
        Self::fail()
    }
    async fn connected_people(&self, _: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        Self::fail()
    }
}

/// Ann and ben in a thread, and everything around the decision.
struct Stage {
    decision: Decision,
    again: AgainParts,
    store: Arc<EmbeddedStore>,
    devices: Arc<CountedDevices>,
    broker: Arc<dyn Broker>,
    presence: Arc<MemoryPresence>,
    clock: Arc<FixedClock>,
    ann: UserId,
    ben: UserId,
    thread: ThreadId,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        Self::with_grace(GRACE).await
    }

    async fn with_grace(grace: Grace) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let store = Arc::new(EmbeddedStore::open(database.clone()).await.unwrap());
        let clock = Arc::new(FixedClock::at(at(0)));
        let broker: Arc<dyn Broker> = Arc::new(EmbeddedBroker::open(database, clock.clone()).await.unwrap());
        broker.declare(&Topology::new(SHARDS)).await.unwrap();
        let presence = Arc::new(MemoryPresence::default());
        let devices = Arc::new(CountedDevices { store: store.clone(), asked: AtomicUsize::new(0) });
        let parts = DecisionParts {
            outbound: store.clone(),
            store: store.clone(),
            inbox: store.clone(),
            erased: ErasedPeople::new(store.clone()),
            directory: store.clone(),
            devices: devices.clone(),
            presence: presence.clone(),
            broker: broker.clone(),
            topology: Topology::new(SHARDS),
            clock: clock.clone(),
            grace,
        };
        let decision = Decision::open(parts, &Metrics::default()).await.unwrap();
        let again = AgainParts {
            store: store.clone(),
            apart: Apart::new(store.clone()).unheard(),
            inbox: store.clone(),
            directory: store.clone(),
            presence: presence.clone(),
            clock: clock.clone(),
        };
        let people = fresh_people(2);
        let (thread, _) = store.create_thread(&creation(&people, 0)).await.unwrap();
        let [ann, ben] = people.try_into().unwrap();
        let profile = Profile {
            id: ben.clone(),
            name: "Ben".to_owned(),
            avatar: None,
            email: Some("ben@example.com".to_owned()),
            role: None,
        };
        store.put_profile(&profile).await.unwrap();
        let target = PushTarget::Fcm { token: "phone".to_owned() };
        store.register_device(&PushDevice::new(ben.clone(), target, String::new(), at(0))).await.unwrap();
        Self {
            decision,
            again,
            store,
            devices,
            broker,
            presence,
            clock,
            ann,
            ben,
            thread: thread.id,
            _folder: folder,
        }
    }

    async fn dispatcher(&self) -> Dispatcher {
        let parts = DispatcherParts {
            outbound: self.store.clone(),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            log_kept: Duration::from_hours(48),
        };
        Dispatcher::open(Channel::Email, parts).await.unwrap()
    }

    /// Ann writes to ben.
    async fn says(&self, text: &str) -> Message {
        let mut new = say(self.thread, &self.ann, text);
        new.send.at = self.clock.now();
        let appended = self.store.append_messages(&[new]).await.unwrap().remove(0);
        let Appended::Stored(message) = appended else { panic!("{appended:?}") };
        message
    }

    /// Ann writes to ben and mentions him.
    async fn mentions_ben(&self, text: &str) -> Message {
        let mut new = say(self.thread, &self.ann, text);
        new.send.at = self.clock.now();
        new.send.mentions = vec![self.ben.clone()];
        let appended = self.store.append_messages(&[new]).await.unwrap().remove(0);
        let Appended::Stored(message) = appended else { panic!("{appended:?}") };
        message
    }

    /// Ann edits whom a message mentions.
    async fn edits(&self, message: &Message, mentions: Option<Vec<UserId>>) {
        let content = Content::parse(&message.content).unwrap();
        let mut edit = change(message, &self.ann, Change::Edit { content, mentions }, 0);
        edit.wanted.at = self.clock.now();
        self.store.change_messages(&[edit]).await.unwrap();
    }

    /// The job that tells ben that a message mentions him.
    fn mention_job(&self, message: &Message) -> NotifyJob {
        let mut job = self.job(message);
        let NotifyJob::Message { mention, .. } = &mut job else { panic!("it is a message") };
        *mention = true;
        job
    }

    /// Somebody puts a notification into ben's inbox.
    async fn tells(&self, data: serde_json::Value) -> Notification {
        self.tells_to(&self.ben, data).await
    }

    async fn tells_to(&self, user: &UserId, data: serde_json::Value) -> Notification {
        let notify = Notify {
            user_id: user.clone(),
            kind: "order_update".to_owned(),
            title: "your order".to_owned(),
            text: String::new(),
            data: data.as_object().unwrap().clone(),
            thread_id: None,
            key: None,
            typed: None,
            at: self.clock.now(),
        };
        let notification = Notification::new(CommandId::new().into(), notify);
        self.store.add_notifications(std::slice::from_ref(&notification)).await.unwrap();
        notification
    }

    fn job(&self, message: &Message) -> NotifyJob {
        NotifyJob::Message {
            thread_id: message.thread_id,
            message_id: message.id,
            seq: message.seq,
            sender: self.ann.clone(),
            at: message.created_at,
            absent: vec![self.ben.clone()],
            away: false,
            mention: false,
        }
    }

    async fn perform(&self, jobs: &[NotifyJob]) {
        let item = |job: &NotifyJob| Item {
            id: job.id(),
            attempt: 0,
            redelivered: false,
            value: job.clone(),
            reply_to: None,
            trace: None,
        };
        let batch: Vec<_> = jobs.iter().map(item).collect();
        let performed = self.decision.perform(&batch).await.unwrap();
        assert_eq!(performed.outcomes, vec![Outcome::Done; batch.len()]);
        self.decision.announce(&performed.outbox).await.unwrap();
    }

    async fn prefers(&self, preferences: Preferences) {
        let updated_at = Some(self.clock.now());
        let preferences = Preferences { updated_at, ..preferences };
        self.store.set_preferences(&SetPreferences { user_id: self.ben.clone(), preferences }).await.unwrap();
    }

    async fn reads(&self, up_to: u64) {
        self.advances(Cursor::Read, up_to).await;
    }

    async fn marks_unread(&self, from: u64) {
        let (thread_id, user_id) = (self.thread, self.ben.clone());
        let wanted = MarkUnread { thread_id, user_id, from, at: self.clock.now() };
        let mark = WithCommandId { command_id: CommandId::new(), wanted };
        assert!(self.store.mark_unread(&mark).await.unwrap().unwrap().is_changed);
    }

    async fn advances(&self, cursor: Cursor, up_to: u64) {
        let advance = AdvanceCursor {
            thread_id: self.thread,
            user_id: self.ben.clone(),
            cursor,
            up_to: Some(up_to),
            at: self.clock.now(),
        };
        self.store.advance(&[advance]).await.unwrap();
    }

    async fn takes_back(&self, message: &Message) {
        let wanted = ChangeMessage {
            thread_id: message.thread_id,
            message_id: message.id,
            by: self.ann.clone(),
            change: Change::Delete,
            at: self.clock.now(),
        };
        let change = WithCommandId { command_id: CommandId::new(), wanted };
        self.store.change_messages(&[change]).await.unwrap();
    }

    /// Ben is active on a device.
    async fn is_here(&self) {
        self.has_session("phone").await;
    }

    /// The same, by a session of this name.
    async fn has_session(&self, device: &str) {
        let now = self.clock.now();
        let state = DeviceState::Here { active_at: now, wants_away: false, parked: false };
        let signal = DeviceSignal { user_id: self.ben.clone(), device: device.to_owned(), state, at: now };
        self.presence.record(&[signal]).await.unwrap();
    }

    /// Ben's device waits for its line.
    async fn line_breaks(&self) {
        let now = self.clock.now();
        let state = DeviceState::Here { active_at: now, wants_away: false, parked: true };
        let signal = DeviceSignal { user_id: self.ben.clone(), device: "phone".to_owned(), state, at: now };
        self.presence.record(&[signal]).await.unwrap();
    }

    async fn reads_notification(&self, notification: &Notification) {
        let change = ChangeNotifications {
            user_id: self.ben.clone(),
            notification_id: Some(notification.id),
            change: NotificationChange::Read,
            at: self.clock.now(),
        };
        self.store.change_notifications(&change).await.unwrap();
    }

    /// Ben has a page open, and has not touched it for a while.
    async fn is_away(&self) {
        let now = self.clock.now();
        let state = DeviceState::Here { active_at: now, wants_away: true, parked: false };
        let signal = DeviceSignal { user_id: self.ben.clone(), device: "page".to_owned(), state, at: now };
        self.presence.record(&[signal]).await.unwrap();
    }

    /// What the decision has told the fan-out stage.
    async fn to_fanout(&self, shard: u16) -> Vec<Event> {
        let queue = FANOUT.shard(shard);
        if self.broker.depth(queue.name()).await.unwrap().ready == 0 {
            return Vec::new();
        }
        let mut subscription = self.broker.subscribe(queue.name(), 1).await.unwrap();
        let frame = subscription.next().await.unwrap();
        subscription.ack(&[frame.tag]).await.unwrap();
        let items = Frame::decode(&frame.payload).unwrap().items;
        items.iter().map(|item| codec::decode(&item.body).unwrap()).collect()
    }

    async fn due(&self, channel: Channel) -> Vec<Window> {
        let lease = Duration::from_hours(24);
        self.store.claim_due(channel, self.clock.now(), lease, 100).await.unwrap()
    }

    async fn again(&self, window: &Window) -> Remaining {
        decide_again(&self.again, window).await.unwrap()
    }

    async fn log(&self) -> Vec<DeliveryEntry> {
        self.log_of(self.ben.clone()).await
    }

    async fn log_of(&self, user: UserId) -> Vec<DeliveryEntry> {
        let page = DeliveryPage { after: None, limit: 100 };
        self.store.deliveries_of(&DeliveriesOf::User(user), page).await.unwrap()
    }

    async fn outcomes(&self) -> Vec<&'static str> {
        self.log().await.iter().map(|entry| entry.outcome.name()).collect()
    }
}

fn job_of(notification: &Notification) -> NotifyJob {
    let Notification { user_id, id: notification_id, created_at: at, .. } = notification.clone();
    NotifyJob::Notification { user_id, notification_id, at }
}

fn reasons(remaining: &Remaining) -> Vec<Reason> {
    remaining.suppressed.iter().map(reason).collect()
}

fn reason(row: &DeliveryEntry) -> Reason {
    match row.outcome {
        DeliveryOutcome::Suppressed { reason } => reason,
        ref other => panic!("{other:?}"),
    }
}
