//! The contract of every [`Outbound`], as checks that an adapter's tests call.
//!
//! All windows of a channel are claimed together, so each check needs a database of its own.

mod fixtures;
mod kept;

pub use self::kept::{
    a_window_keeps_its_mail, a_window_that_may_have_been_sent_stays_as_it_is,
    what_is_old_is_forgotten_and_what_waits_is_not, what_moves_is_told_once,
    what_was_left_out_is_held_once_more,
};

use self::fixtures::{
    LEASE, claimed, claimed_at, due, hold, log_of, mail, message, message_of, next_page, notification,
    opened, person, seq_of, window_of, wish,
};
use crate::outbound::{DeliveriesOf, DeliveryCount, Held, Hold, Outbound, Taken};
use crate::store::PAGE_MAX;
use crate::store_contract::fixtures::at;
use async_trait::async_trait;
use eventflow_protocol::client::answers::DeliveryWord;
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, Reason, Told, WINDOW_ITEMS_MAX, WaitsFor, Window,
    WindowId,
};
use eventflow_protocol::{CommandId, NotificationId, ThreadId, UserId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Gives the suite access to the windows and the log under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Outbound>;
}

/// A window keeps its items in their order, and is read unchanged.
pub async fn a_window_comes_back_unchanged(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let items = [message(1), message(2), notification()];
    let (id, folded) = (opened(&hold(&*store, &user, Channel::Email, items[0], 60).await), &items[1..]);
    for item in folded {
        assert_eq!(hold(&*store, &user, Channel::Email, *item, 90).await, Held::Folded(id));
    }
    let expected = Window {
        id,
        user_id: user.clone(),
        channel: Channel::Email,
        thread_id: None,
        opened_at: at(0),
        due_at: at(60),
        items: items.to_vec(),
        more: 0,
    };
    assert_eq!(harness.open().await.window(id).await.expect("read"), Some(expected));
    assert_eq!(store.window(WindowId::new()).await.expect("read"), None);
}

/// Push windows are about one thread or one notification; what is critical has a window of its own.
pub async fn keys_keep_windows_apart(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let thread = ThreadId::derive(std::slice::from_ref(&user), "{}");
    let critical = Told { critical: true, ..notification() };
    let items = [message_of(thread, 1), message_of(thread, 2), message(1), notification(), critical];
    let mut windows = Vec::new();
    for item in items {
        windows.push(window_of(&hold(&*store, &user, Channel::Push, item, 60).await));
    }
    assert_eq!(windows[0], windows[1]);
    assert_eq!(windows.iter().copied().collect::<BTreeSet<WindowId>>().len(), 4);
    let first = store.window(windows[0]).await.expect("read").expect("it is there");
    assert_eq!((first.thread_id, first.items.as_slice()), (Some(thread), &items[..2]));
    let mail = opened(&hold(&*store, &user, Channel::Email, items[0], 60).await);
    assert_eq!(hold(&*store, &user, Channel::Email, items[2], 60).await, Held::Folded(mail));
    assert_ne!(window_of(&hold(&*store, &user, Channel::Email, critical, 0).await), mail);
    assert_eq!(store.window(mail).await.expect("read").expect("it is there").due_at, at(60));
}

/// The earliest due time of its items is a window's due time.
pub async fn the_earliest_item_decides_when_a_window_is_due(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let id = opened(&hold(&*store, &user, Channel::Email, message(1), 60).await);
    for (item, seconds, due) in [(message(2), 90, 60), (message(3), 30, 30), (message(4), 40, 30)] {
        hold(&*store, &user, Channel::Email, item, seconds).await;
        assert_eq!(store.window(id).await.expect("read").expect("it is there").due_at, at(due));
    }
}

/// An item that comes again is in its window once, also after the window is claimed and closed.
pub async fn an_item_that_comes_again_is_held_once(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let (first, second) = (message(1), message(2));
    let id = opened(&mail(&*store, &user, first).await);
    assert_eq!(mail(&*store, &user, first).await, Held::Before);
    assert_eq!(mail(&*harness.open().await, &user, first).await, Held::Before);
    let both = [first, second].map(|told| wish(&user, Channel::Email, told, 60));
    assert_eq!(store.hold(&both).await.expect("hold"), [Held::Before, Held::Folded(id)]);
    assert_eq!(claimed(&*store).await.len(), 1);
    assert_eq!(mail(&*harness.open().await, &user, first).await, Held::Before, "it is being sent");
    assert!(store.close_window(id, &[]).await.expect("close"));
    assert_eq!(store.hold(&both).await.expect("hold"), [Held::Before, Held::Before], "it was sent");
    let twice = [message(3)].repeat(2).into_iter().map(|told| wish(&user, Channel::Email, told, 60));
    let held = store.hold(&twice.collect::<Vec<_>>()).await.expect("hold");
    assert_eq!((window_of(&held[0]) != id, held[1]), (true, Held::Before), "twice in one call");
    assert_eq!(store.hold(&[]).await.expect("hold nothing"), []);
}

/// The same thing by another channel, or to another person, is another item.
pub async fn channels_and_people_are_apart(harness: &dyn Harness) {
    let store = harness.open().await;
    let (ann, bob) = (person(), person());
    let told = message(1);
    let mut windows = BTreeSet::new();
    for (user, channel) in
        [(&ann, Channel::Email), (&ann, Channel::Push), (&bob, Channel::Email), (&bob, Channel::Push)]
    {
        windows.insert(opened(&hold(&*store, user, channel, told, 60).await));
    }
    assert_eq!(windows.len(), 4);
}

/// Callers that put items of one person into a window at the same moment find the same one.
pub async fn one_window_is_open_at_a_time(harness: &dyn Harness) {
    let user = person();
    let mut callers = JoinSet::new();
    for caller in 0..8_u64 {
        let (store, user) = (harness.open().await, user.clone());
        callers.spawn(async move {
            let mut held = Vec::new();
            for item in 0..10 {
                held.push(hold(&*store, &user, Channel::Email, message(caller * 10 + item), 60).await);
            }
            held
        });
    }
    let held = callers.join_all().await.concat();
    let windows: BTreeSet<WindowId> = held.iter().map(window_of).collect();
    assert_eq!(windows.len(), 1, "{held:?}");
    assert_eq!(held.iter().filter(|held| matches!(held, Held::Opened(_))).count(), 1);
    let window = harness.open().await.window(windows.into_iter().next().expect("one")).await;
    assert_eq!(window.expect("read").expect("it is there").items.len(), 80);
}

/// A window that is full is followed by the next one, and nothing is left out.
pub async fn a_full_window_is_followed_by_another(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let all: Vec<Told> = (0..WINDOW_ITEMS_MAX as u64 + 5).map(message).collect();
    let holds: Vec<Hold> = all.iter().map(|told| wish(&user, Channel::Email, *told, 60)).collect();
    let held = store.hold(&holds).await.expect("hold");
    let (first, next) = (window_of(&held[0]), opened(&held[WINDOW_ITEMS_MAX]));
    assert!(held[1..WINDOW_ITEMS_MAX].iter().all(|held| *held == Held::Folded(first)));
    assert!(held[WINDOW_ITEMS_MAX + 1..].iter().all(|held| *held == Held::Folded(next)));
    let (full, rest) = all.split_at(WINDOW_ITEMS_MAX);
    for (id, items) in [(first, full), (next, rest)] {
        let window = store.window(id).await.expect("read").expect("it is there");
        assert_eq!((window.items.as_slice(), window.more), (items, 0));
    }
    assert_eq!(store.hold(&holds).await.expect("hold again"), vec![Held::Before; holds.len()]);
    let due = claimed(&*store).await;
    assert_eq!(due.iter().map(|window| window.id).collect::<Vec<_>>(), [first, next], "in this order");
}

/// A window that is due is claimed by one caller, and takes nothing more in.
pub async fn a_due_window_is_claimed_once(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let id = opened(&mail(&*store, &user, message(1)).await);
    assert_eq!(claimed_at(&*store, due().minus(Duration::from_millis(1))).await, []);
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let store = harness.open().await;
        callers.spawn(async move { claimed(&*store).await });
    }
    let all = callers.join_all().await.concat();
    assert_eq!(all.iter().map(|window| window.id).collect::<Vec<_>>(), [id]);
    let next = opened(&mail(&*store, &user, message(2)).await);
    assert_ne!(next, id);
    assert_eq!(store.window(id).await.expect("read").expect("it is there").items, all[0].items);
}

/// A claim runs out; a window that was handed over is not claimed again.
pub async fn a_claim_runs_out_until_the_job_is_in_a_queue(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let id = opened(&mail(&*store, &user, message(1)).await);
    assert_eq!(claimed(&*store).await.len(), 1);
    let later = due().plus(LEASE);
    assert_eq!(claimed_at(&*store, later.minus(Duration::from_millis(1))).await, []);
    let again = claimed_at(&*harness.open().await, later).await;
    assert_eq!(again.iter().map(|window| window.id).collect::<Vec<_>>(), [id]);
    store.hand_over(&[id, WindowId::new()]).await.expect("hand over");
    assert_eq!(claimed_at(&*store, later.plus(LEASE * 100)).await, []);
    assert!(store.window(id).await.expect("read").is_some(), "it waits in the queue");
}

/// Whoever takes a window has it alone, until they let go of it, close it, or their lease runs out.
pub async fn a_window_has_one_taker(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let id = opened(&mail(&*store, &user, message(1)).await);
    let now = due();
    let take = async |now| harness.open().await.take_window(id, now, LEASE).await.expect("take");
    let Taken::Window(window) = take(now).await else { panic!("nobody has it") };
    assert_eq!(Some(*window), store.window(id).await.expect("read"));
    assert_eq!(take(now).await, Taken::Busy(now.plus(LEASE)));
    assert!(matches!(take(now.plus(LEASE)).await, Taken::Window(_)), "the lease has run out");
    assert_eq!(take(now.plus(LEASE)).await, Taken::Busy(now.plus(LEASE).plus(LEASE)));
    store.release_window(id).await.expect("release");
    assert!(matches!(take(now.plus(LEASE)).await, Taken::Window(_)), "its taker let go");
    assert!(store.close_window(id, &[]).await.expect("close"));
    assert_eq!(take(now.plus(LEASE * 9)).await, Taken::Closed);
    store.release_window(id).await.expect("release nothing");
}

/// A window that is postponed takes items in again, also those that came meanwhile, and is claimed at that
/// time.
pub async fn a_window_can_wait(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let id = opened(&mail(&*store, &user, message(1)).await);
    assert_eq!(claimed(&*store).await.len(), 1);
    store.hand_over(&[id]).await.expect("hand over");
    store.take_window(id, due(), LEASE).await.expect("take");
    let (until, before) = (at(600), at(599));
    store.postpone_window(id, until).await.expect("postpone");
    let folded = hold(&*store, &user, Channel::Email, message(2), 700).await;
    assert_eq!(folded, Held::Folded(id), "it takes in what comes");
    assert_eq!(claimed_at(&*store, before).await, []);
    assert_eq!(claimed_at(&*store, until).await.iter().map(|window| window.id).collect::<Vec<_>>(), [id]);
    // On its way again, when another one is opened.
    store.hand_over(&[id]).await.expect("hand over");
    let Taken::Window(_) = store.take_window(id, until, LEASE).await.expect("take") else {
        panic!("nobody has it")
    };
    let meanwhile = [message(3), message(4)];
    let other = opened(&hold(&*store, &user, Channel::Email, meanwhile[0], 900).await);
    hold(&*store, &user, Channel::Email, meanwhile[1], 900).await;
    for _ in 0..2 {
        store.postpone_window(id, at(900)).await.expect("postpone again");
    }
    assert_eq!(hold(&*store, &user, Channel::Email, meanwhile[1], 900).await, Held::Before);
    assert_eq!(store.window(other).await.expect("read"), None);
    store.hand_over(&[id]).await.expect("a dispatcher that is late");
    let due = claimed_at(&*harness.open().await, at(900)).await;
    let seqs = |window: &Window| window.items.iter().map(seq_of).collect::<Vec<_>>();
    assert_eq!(
        due.iter().map(|window| (window.id, seqs(window))).collect::<Vec<_>>(),
        [(id, vec![1, 2, 3, 4])]
    );
    assert!(matches!(store.take_window(id, at(900), LEASE).await.expect("take"), Taken::Window(_)));
    store.postpone_window(WindowId::new(), until).await.expect("postpone nothing");
}

/// A window that is postponed while the one that was opened meanwhile is too full for both leaves it as it
/// is.
pub async fn what_does_not_fit_into_a_postponed_window_stays(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let id = opened(&mail(&*store, &user, message(1)).await);
    assert_eq!(claimed(&*store).await.len(), 1);
    let all: Vec<Told> = (2..WINDOW_ITEMS_MAX as u64 + 2).map(message).collect();
    let holds: Vec<Hold> = all.iter().map(|told| wish(&user, Channel::Email, *told, 600)).collect();
    let other = opened(&store.hold(&holds).await.expect("hold")[0]);
    store.postpone_window(id, at(600)).await.expect("postpone");
    assert_eq!(hold(&*store, &user, Channel::Email, message(999), 600).await, Held::Folded(id));
    let due = claimed_at(&*store, at(600)).await;
    let counts = due.iter().map(|window| (window.id, window.items.len())).collect::<Vec<_>>();
    assert_eq!(counts, [(id, 2), (other, WINDOW_ITEMS_MAX)], "the older one first");
}

/// A person's windows that wait, also those that were postponed, can be let go earlier; never later, and not
/// those of others, nor those on their way.
pub async fn what_waits_can_be_let_go_earlier(harness: &dyn Harness) {
    let store = harness.open().await;
    let (user, other) = (person(), person());
    let soon = at(1);
    let (late, earlier) = (at(900), at(60));
    let push = |n| hold(&*store, &user, Channel::Push, message(n), 900);
    let on_its_way = opened(&hold(&*store, &user, Channel::Email, message(1), 1).await);
    assert!(claimed_at(&*store, soon).await.iter().any(|window| window.id == on_its_way));
    store.hand_over(&[on_its_way]).await.expect("hand over");
    let postponed = opened(&mail(&*store, &user, message(2)).await);
    store.postpone_window(postponed, late).await.expect("postpone");
    let waits = opened(&push(3).await);
    let of_other = opened(&hold(&*store, &other, Channel::Push, message(4), 900).await);
    store.hasten_windows(&user, earlier).await.expect("hasten");
    store.hasten_windows(&user, late).await.expect("hasten to a later time");
    let mut found = claimed_at(&*store, earlier).await;
    found.extend(store.claim_due(Channel::Push, earlier, LEASE, 1_000).await.expect("claim"));
    let found = |id| found.iter().any(|window| window.id == id);
    assert_eq!([postponed, waits, on_its_way, of_other].map(found), [true, true, false, false]);
}

/// A window is closed once, and only that time adds to the log.
pub async fn a_window_is_closed_once(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let told = message(1);
    let id = opened(&mail(&*store, &user, told).await);
    let entry =
        |outcome| DeliveryEntry::new(user.clone(), Channel::Email, told.about, Some(id), outcome, due());
    let sent = entry(DeliveryOutcome::Sent { provider: "smtp".into(), answer: "250 ok".into() });
    let failed = entry(DeliveryOutcome::Failed { answer: "550".into() });
    // A moment before the others: rows of one moment have no order.
    let earlier = due().minus(Duration::from_secs(1));
    let put_off = DeliveryEntry { at: earlier, ..DeliveryEntry::put_off(&failed, due(), "451") };
    store.log_deliveries(&[put_off.clone(), put_off.clone()]).await.expect("log");
    let mut closers = JoinSet::new();
    for _ in 0..4 {
        let (store, sent) = (harness.open().await, sent.clone());
        closers.spawn(async move { store.close_window(id, &[sent]).await.expect("close") });
    }
    assert_eq!(closers.join_all().await.into_iter().filter(|closed| *closed).count(), 1);
    assert!(!store.close_window(id, &[failed]).await.expect("close again"));
    assert_eq!(store.window(id).await.expect("read"), None);
    assert_eq!(claimed(&*store).await, [], "there is nothing to send");
    let log = log_of(&*store, &user).await;
    assert_eq!(log.iter().map(|entry| entry.outcome.name()).collect::<Vec<_>>(), ["sent", "held", "held"]);
    assert_eq!(log[0], sent);
    assert!(log[1..].contains(&put_off), "{log:?}");
    let first = log[1..].iter().find(|entry| **entry != put_off).expect("the first row");
    assert_eq!(
        first.outcome,
        DeliveryOutcome::Held { until: due(), waits_for: Some(WaitsFor::Digest), answer: None }
    );
}

/// The log shows what became of one notification, and everything of one person, page by page, newest first.
pub async fn the_log_is_read_by_person_and_by_notification(harness: &dyn Harness) {
    let store = harness.open().await;
    let (ann, bob) = (person(), person());
    let (told, other) = (notification(), notification());
    let row = |user: &UserId, about, reason, seconds| {
        let outcome = DeliveryOutcome::Suppressed { reason };
        DeliveryEntry::new(user.clone(), Channel::Push, about, Some(WindowId::new()), outcome, at(seconds))
    };
    let mut all: Vec<DeliveryEntry> = (0..6).map(|_| row(&ann, told.about, Reason::NoDevice, 1)).collect();
    all.push(row(&ann, other.about, Reason::Revoked, 2));
    all.push(row(&ann, message(1).about, Reason::Muted, 3));
    store.log_deliveries(&all).await.expect("log");
    store.log_deliveries(&[row(&bob, other.about, Reason::Read, 4)]).await.expect("log");
    store.log_deliveries(&all[..2]).await.expect("log again");
    store.log_deliveries(&[]).await.expect("log nothing");
    all.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
    let reader = harness.open().await;
    for limit in [1, 3, PAGE_MAX] {
        let mut found = Vec::new();
        while let Some(page) = next_page(&*reader, &DeliveriesOf::User(ann.clone()), &found, limit).await {
            found.extend(page);
        }
        assert_eq!(found, all, "pages of {limit}");
    }
    let counted = reader.count_deliveries(at(2)).await.expect("count");
    let of = |reason| counted.iter().find(|count| count.reason == Some(reason)).map(|count| count.rows);
    let found = [Reason::NoDevice, Reason::Revoked, Reason::Muted, Reason::Read].map(of);
    assert_eq!(found, [None, Some(1), Some(1), Some(1)], "those from the time on, by what they say");
    let is_suppressed = |count: &DeliveryCount| count.outcome == DeliveryWord::Suppressed;
    assert!(
        counted.iter().all(|count| is_suppressed(count) && count.channel == Channel::Push),
        "{counted:?}"
    );
    let About::Notification { notification_id } = other.about else { panic!("it is a notification") };
    let of = DeliveriesOf::Notification(notification_id);
    let about = next_page(&*reader, &of, &[], 10).await.expect("two rows");
    assert_eq!(about.iter().map(|entry| &entry.user_id).collect::<Vec<_>>(), [&bob, &ann]);
    let unknown = DeliveriesOf::Notification(NotificationId::from(CommandId::new()));
    assert_eq!(next_page(&*reader, &unknown, &[], 10).await, None);
}
