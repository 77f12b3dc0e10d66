//! Checks of how long the log and windows are kept, and of what an item that comes again finds of them.

use super::Harness;
use super::fixtures::{
    LEASE, claimed, claimed_at, hold, kept_mail, log_of, message, notification, opened, person, seq_of, wish,
};
use crate::outbound::{ABANDONED_AFTER, Held, Hold, Outbound, Taken};
use crate::store_contract::fixtures::at;
use eventflow_protocol::Timestamp;
use eventflow_protocol::outbound::{Channel, DeliveryEntry, DeliveryOutcome, Reason, WindowId};
use std::collections::BTreeSet;

/// What was left out because its owner was taken for connected is held once more, and once only.
pub async fn what_was_left_out_is_held_once_more(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let again = Hold { again: true, ..wish(&user, Channel::Push, notification(), 60) };
    let first = Hold { again: false, ..again.clone() };
    let id = opened(&store.hold(std::slice::from_ref(&first)).await.expect("hold")[0]);
    store.close_window(id, &[]).await.expect("close");
    let held = store.hold(&[again.clone(), first.clone(), again.clone()]).await.expect("hold");
    assert_eq!(held[1..], [Held::Before, Held::Before]);
    let second = opened(&held[0]);
    assert_ne!(second, id);
    assert_eq!(store.window(second).await.expect("read").expect("it is there").items, [again.told]);
    store.close_window(second, &[]).await.expect("close");
    assert_eq!(harness.open().await.hold(&[again, first]).await.expect("hold"), [Held::Before; 2]);
    assert_eq!(log_of(&*store, &user).await.len(), 2, "one row for each time");
}

/// A window whose taker died may have been sent, so it stays as it is: it is claimed again, but takes nothing
/// in, and its items go to no other window.
pub async fn a_window_that_may_have_been_sent_stays_as_it_is(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let sent = opened(&hold(&*store, &user, Channel::Email, message(1), 60).await);
    let take = async |id, now| {
        store.hand_over(&[id]).await.expect("hand over");
        store.take_window(id, now, LEASE).await.expect("take")
    };
    let items = async |id| {
        let window = store.window(id).await.expect("read").expect("it is there");
        window.items.iter().map(seq_of).collect::<Vec<_>>()
    };
    assert!(matches!(take(sent, at(60)).await, Taken::Window(_)));
    assert!(matches!(take(sent, at(600)).await, Taken::Window(_)), "its taker has died");
    store.release_window(sent).await.expect("release");
    let other = opened(&hold(&*store, &user, Channel::Email, message(2), 700).await);
    assert!(matches!(take(sent, at(600)).await, Taken::Window(_)));
    store.postpone_window(sent, at(800)).await.expect("postpone");
    assert_eq!((items(sent).await, items(other).await), (vec![1], vec![2]));
    assert_eq!(hold(&*store, &user, Channel::Email, message(3), 900).await, Held::Folded(other));
    assert!(matches!(take(other, at(700)).await, Taken::Window(_)));
    store.postpone_window(other, at(800)).await.expect("postpone the other");
    assert_eq!((items(sent).await, items(other).await), (vec![1], vec![2, 3]));
    let due = claimed_at(&*store, at(800)).await;
    assert_eq!(due.iter().map(|window| window.id).collect::<BTreeSet<_>>(), BTreeSet::from([sent, other]));
    assert!(matches!(take(sent, at(800)).await, Taken::Window(_)));
    store.postpone_window(sent, at(900)).await.expect("postpone once more");
    assert!(matches!(hold(&*store, &user, Channel::Email, message(4), 900).await, Held::Opened(_)));
}

/// A window keeps the mail that its recipient may have, and says nothing else until it is known that no
/// server has taken it.
pub async fn a_window_keeps_its_mail(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let sent = opened(&hold(&*store, &user, Channel::Email, message(1), 60).await);
    let take = async || {
        let taken = store.take_window(sent, at(60), LEASE).await.expect("take");
        assert!(matches!(taken, Taken::Window(_)));
    };
    let seqs = async |id| {
        let window = store.window(id).await.expect("read");
        window.map(|window| window.items.iter().map(seq_of).collect::<Vec<_>>())
    };
    take().await;
    assert_eq!(store.kept_mail(sent).await.expect("read"), None);
    let kept = kept_mail(message(9));
    store.keep_mail(sent, Some(&kept)).await.expect("keep");
    store.release_window(sent).await.expect("release");
    let other = opened(&hold(&*store, &user, Channel::Email, message(2), 700).await);
    take().await;
    store.postpone_window(sent, at(800)).await.expect("postpone");
    assert_eq!((seqs(sent).await, seqs(other).await), (Some(vec![1]), Some(vec![2])));
    assert_eq!(hold(&*store, &user, Channel::Email, message(3), 900).await, Held::Folded(other));
    assert_eq!(harness.open().await.kept_mail(sent).await.expect("read"), Some(kept));
    assert!(claimed_at(&*store, at(800)).await.iter().any(|window| window.id == sent));
    take().await;
    store.keep_mail(sent, None).await.expect("forget");
    assert_eq!(store.kept_mail(sent).await.expect("read"), None);
    let last = opened(&hold(&*store, &user, Channel::Email, message(4), 900).await);
    store.postpone_window(sent, at(900)).await.expect("postpone");
    assert_eq!((seqs(sent).await, seqs(last).await), (Some(vec![1, 4]), None));
    store.keep_mail(WindowId::new(), None).await.expect("forget nothing");
}

/// Whoever claims and takes a window while its items move into another one gets them only if the other has
/// not.
pub async fn what_moves_is_told_once(harness: &dyn Harness) {
    let (store, dispatcher) = (harness.open().await, harness.open().await);
    for _ in 0..20 {
        let user = person();
        let own = opened(&hold(&*store, &user, Channel::Email, message(1), 60).await);
        claimed(&*store).await;
        store.hand_over(&[own]).await.expect("hand over");
        assert!(matches!(store.take_window(own, at(60), LEASE).await.expect("take"), Taken::Window(_)));
        let other = opened(&hold(&*store, &user, Channel::Email, message(2), 60).await);
        let waits = async { store.postpone_window(own, at(600)).await.expect("postpone") };
        let goes = async {
            claimed(&*dispatcher).await;
            drop(dispatcher.take_window(other, at(60), LEASE).await.expect("take"));
        };
        tokio::join!(waits, goes);
        let mut told = 0;
        for id in [own, other] {
            told += store.window(id).await.expect("read").map_or(0, |window| window.items.len());
            store.close_window(id, &[]).await.expect("close");
        }
        assert_eq!(told, 2, "each is in one window");
    }
}

/// Old rows go; a window that waits outlives them, until nobody can be expected to close it any more.
pub async fn what_is_old_is_forgotten_and_what_waits_is_not(harness: &dyn Harness) {
    let (store, user) = (harness.open().await, person());
    let waits = opened(&hold(&*store, &user, Channel::Email, message(1), 60).await);
    let handed_over = claimed(&*store).await.remove(0).id;
    assert_eq!(handed_over, waits);
    store.hand_over(&[waits]).await.expect("hand over");
    let new = opened(&hold(&*store, &user, Channel::Push, message(2), 600).await);
    let late = DeliveryOutcome::Suppressed { reason: Reason::Read };
    let late = DeliveryEntry::new(user.clone(), Channel::Push, message(3).about, None, late, at(100));
    store.log_deliveries(std::slice::from_ref(&late)).await.expect("log");
    assert_eq!(forget_all(&*store, at(100)).await, 2, "two rows");
    assert_eq!(log_of(&*store, &user).await, [late]);
    assert!(store.window(waits).await.expect("read").is_some(), "its mail was not sent");
    assert_eq!(forget_all(&*store, at(100).plus(ABANDONED_AFTER)).await, 2, "a row and a window");
    assert_eq!(store.window(waits).await.expect("read"), None);
    assert!(store.window(new).await.expect("read").is_some());
}

async fn forget_all(store: &dyn Outbound, before: Timestamp) -> u64 {
    let mut forgotten = 0;
    loop {
        match store.forget_deliveries(before).await.expect("forget") {
            0 => return forgotten,
            some => forgotten += some,
        }
    }
}
