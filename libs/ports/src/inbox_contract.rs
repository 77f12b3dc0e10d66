//! The contract of every [`Inbox`], as checks that an adapter's tests call.
//!
//! Each check creates people of its own, so that one database serves all checks. The checks repeat every
//! change, also at a newly opened store, and the repetition must not count.

use crate::inbox::{Inbox, Keyed, NotificationPage};
use crate::store::PAGE_MAX;
use crate::store_contract::fixtures::{ODD_METADATA, at, creation, fresh_people, odd_metadata};
use crate::store_contract::random::Random;
use async_trait::async_trait;
use eventflow_protocol::inbox::NotificationChange::{self, Delete, Read};
use eventflow_protocol::inbox::{ChangeNotifications, Notification, Notify, ReadThread, SenderKey};
use eventflow_protocol::{CommandId, NotificationId, UserId};
use serde_json::json;
use std::sync::Arc;

/// Gives the suite access to the inbox under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more inbox over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Inbox>;
}

/// A stored notification is read unchanged, by its owner only.
pub async fn a_notification_comes_back_unchanged(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    let mut told = notification(&people[0], 1);
    let odd = json!({"$where": "1", "a.b": [null, true, 1.5], "": {"$date": "x"}});
    told.data.clone_from(odd.as_object().expect("an object"));
    told.thread_id = Some(creation(&people, 0).thread_id);
    let plain = notification(&people[0], 2);
    assert_eq!(inbox.add_notifications(&[told.clone(), plain.clone()]).await.expect("add"), [true, true]);
    let other = harness.open().await;
    assert_eq!(other.notification(&people[0], told.id).await.expect("read"), Some(told.clone()));
    assert_eq!(other.notifications_of(&people[0], newest(10)).await.expect("list"), [plain, told.clone()]);
    assert_eq!(other.notification(&people[1], told.id).await.expect("read"), None, "it is nobody else's");
    assert_eq!(other.notifications_of(&people[1], newest(10)).await.expect("list"), []);
    assert_eq!(
        other.notification(&people[0], NotificationId::from(CommandId::new())).await.expect("read"),
        None
    );
}

/// The data of a notification comes back as it came, digit by digit.
pub async fn data_comes_back_as_it_came(harness: &dyn Harness) {
    let user = fresh_people(1).remove(0);
    let told = Notification { data: odd_metadata(), ..notification(&user, 0) };
    let inbox = harness.open().await;
    inbox.add_notifications(std::slice::from_ref(&told)).await.expect("add");
    let found = harness.open().await.notifications_of(&user, newest(1)).await.expect("list");
    assert_eq!(serde_json::to_string(&found[0].data).expect("an object is JSON"), ODD_METADATA);
    assert_eq!(found, [told]);
}

/// A repeated notification is stored once, and keeps what happened to it since.
pub async fn a_notification_that_comes_again_is_there_once(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let user = fresh_people(1).remove(0);
    let all: Vec<_> = (0..4).map(|i| notification(&user, i)).collect();
    let twice = [&all[0], &all[1], &all[0]].map(Clone::clone);
    assert_eq!(inbox.add_notifications(&twice).await.expect("add"), [true, true, false]);
    assert_eq!(change(&*inbox, &user, Some(all[0].id), Read).await, 1);
    for witness in [inbox.clone(), harness.open().await] {
        assert_eq!(witness.add_notifications(&twice).await.expect("add again"), [false, false, false]);
        assert_eq!(witness.unread_notifications(&user).await.expect("count"), 1, "it is read still");
    }
    assert_eq!(inbox.add_notifications(&all).await.expect("add"), [false, false, true, true]);
    assert_eq!(
        ids(&*inbox, &user, newest(10)).await,
        all.iter().rev().map(|told| told.id).collect::<Vec<_>>()
    );
    assert_eq!(inbox.add_notifications(&[]).await.expect("add nothing"), [] as [bool; 0]);
}

/// The same key and body find the notification in its current state. Another body under the key is refused.
/// Both hold after a deletion too.
pub async fn a_keyed_notification_is_there_once(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(3);
    let key = SenderKey { by: people[2].clone(), key: "k".to_owned() };
    let keyed = |user: &UserId, seconds| Notification {
        id: key.notification_id(user),
        ..notification(user, seconds)
    };
    let (first, other) = (keyed(&people[0], 1), keyed(&people[1], 1));
    assert_ne!(first.id, other.id, "a key is for one person");
    let (body, another) = ([1; 16], [2; 16]);
    for told in [&first, &other] {
        assert_eq!(inbox.add_keyed_notification(told, body).await.expect("add"), Keyed::Stored);
    }
    assert_eq!(change(&*inbox, &people[0], Some(first.id), Read).await, 1);
    let read = Notification { is_read: true, read_at: Some(at(100)), ..first.clone() };
    let late = keyed(&people[0], 9);
    for witness in [inbox.clone(), harness.open().await] {
        let again = witness.add_keyed_notification(&late, body).await.expect("add again");
        assert_eq!(
            again,
            Keyed::Before(Some(Box::new(read.clone()))),
            "as it is now, and when it was accepted first"
        );
        assert_eq!(
            witness.add_keyed_notification(&late, another).await.expect("add another"),
            Keyed::KeyReused
        );
    }
    assert_eq!(change(&*inbox, &people[0], Some(first.id), Delete).await, 1);
    for witness in [inbox.clone(), harness.open().await] {
        assert_eq!(
            witness.add_keyed_notification(&late, body).await.expect("add again"),
            Keyed::Before(None)
        );
        assert_eq!(
            witness.add_keyed_notification(&late, another).await.expect("add another"),
            Keyed::KeyReused
        );
        assert_eq!(ids(&*witness, &people[0], newest(10)).await, []);
        assert_eq!(ids(&*witness, &people[1], newest(10)).await, [other.id]);
    }
}

/// Every query leaves a deleted notification out, and a repeated call does not bring it back.
pub async fn a_deleted_notification_stays_deleted(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let user = fresh_people(1).remove(0);
    let all = told(&*inbox, &user, 3).await;
    assert_eq!(change(&*inbox, &user, Some(all[1].id), Delete).await, 1);
    for witness in [inbox.clone(), harness.open().await] {
        assert_eq!(witness.add_notifications(&all).await.expect("add again"), [false, false, false]);
        assert_eq!(witness.notification(&user, all[1].id).await.expect("read"), None);
        assert_eq!(ids(&*witness, &user, newest(10)).await, [all[2].id, all[0].id]);
        assert_eq!(witness.unread_notifications(&user).await.expect("count"), 2);
        assert_eq!(change(&*witness, &user, Some(all[1].id), Delete).await, 0, "it is deleted already");
        assert_eq!(change(&*witness, &user, Some(all[1].id), Read).await, 0, "it is not there");
    }
    assert_eq!(change(&*inbox, &user, None, Delete).await, 2);
    assert_eq!(change(&*inbox, &user, None, Delete).await, 0);
    assert_eq!(ids(&*inbox, &user, newest(10)).await, []);
}

/// A notification counts as unread until it is read or deleted.
pub async fn unread_notifications_are_counted(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    let (mine, theirs) = (told(&*inbox, &people[0], 5).await, told(&*inbox, &people[1], 2).await);
    assert_eq!(inbox.unread_notifications(&people[0]).await.expect("count"), 5);
    assert_eq!(change(&*inbox, &people[0], Some(mine[1].id), Read).await, 1);
    assert_eq!(change(&*inbox, &people[0], Some(mine[1].id), Read).await, 0, "it is read already");
    assert_eq!(change(&*inbox, &people[0], Some(theirs[0].id), Read).await, 0, "it is somebody else's");
    assert_eq!(change(&*inbox, &people[0], Some(theirs[0].id), Delete).await, 0, "it is somebody else's");
    assert_eq!(change(&*inbox, &people[0], Some(mine[2].id), Delete).await, 1);
    for witness in [inbox.clone(), harness.open().await] {
        assert_eq!(witness.unread_notifications(&people[0]).await.expect("count"), 3);
        assert_eq!(witness.unread_notifications(&people[1]).await.expect("count"), 2);
    }
    let read = inbox.notification(&people[0], mine[1].id).await.expect("read").expect("it is there");
    assert_eq!(read, Notification { is_read: true, read_at: Some(at(100)), ..mine[1].clone() });
    let page = NotificationPage { unread_only: true, ..newest(10) };
    assert_eq!(ids(&*inbox, &people[0], page).await, [mine[4].id, mine[3].id, mine[0].id]);
    assert_eq!(inbox.unread_notifications(&fresh_people(1)[0]).await.expect("count"), 0);
}

/// "All" means all notifications at the time of the command. A later one stays unread, however late the
/// command arrives.
pub async fn reading_all_leaves_what_came_later(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let user = fresh_people(1).remove(0);
    let all = told(&*inbox, &user, 5).await;
    change(&*inbox, &user, Some(all[0].id), Read).await;
    let wish = ChangeNotifications { user_id: user.clone(), notification_id: None, change: Read, at: at(3) };
    assert_eq!(
        inbox.change_notifications(&wish).await.expect("change"),
        2,
        "the second and third; the fourth was not before"
    );
    for witness in [inbox.clone(), harness.open().await] {
        assert_eq!(witness.change_notifications(&wish).await.expect("change again"), 0);
        assert_eq!(witness.unread_notifications(&user).await.expect("count"), 2);
    }
    let first = inbox.notification(&user, all[0].id).await.expect("read").expect("it is there");
    assert_eq!(first.read_at, Some(at(100)), "when it was read stays");
}

/// A hidden notification is found by its id, and on no page, in no count and by no change. It does not come
/// back as another one.
pub async fn a_hidden_notification_is_found_by_its_id_alone(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    let shown = notification(&people[0], 1);
    let hidden = Notification { is_hidden: true, ..notification(&people[0], 2) };
    let key = SenderKey { by: people[1].clone(), key: "k".to_owned() };
    let keyed =
        Notification { id: key.notification_id(&people[0]), is_hidden: true, ..notification(&people[0], 3) };
    assert_eq!(inbox.add_notifications(&[shown.clone(), hidden.clone()]).await.expect("add"), [true, true]);
    assert_eq!(inbox.add_keyed_notification(&keyed, [1; 16]).await.expect("add"), Keyed::Stored);
    for witness in [inbox.clone(), harness.open().await] {
        assert_eq!(witness.add_notifications(std::slice::from_ref(&hidden)).await.expect("again"), [false]);
        let again = witness.add_keyed_notification(&keyed, [1; 16]).await.expect("add again");
        assert_eq!(again, Keyed::Before(Some(Box::new(keyed.clone()))));
        assert_eq!(witness.notification(&people[0], hidden.id).await.expect("read"), Some(hidden.clone()));
        assert_eq!(witness.notification(&people[1], hidden.id).await.expect("read"), None);
        assert_eq!(ids(&*witness, &people[0], newest(10)).await, [shown.id]);
        let unread = NotificationPage { unread_only: true, ..newest(10) };
        assert_eq!(ids(&*witness, &people[0], unread).await, [shown.id]);
        assert_eq!(witness.unread_notifications(&people[0]).await.expect("count"), 1);
    }
    for wanted in [Read, Delete] {
        assert_eq!(change(&*inbox, &people[0], Some(hidden.id), wanted).await, 0);
        assert_eq!(change(&*inbox, &people[0], None, wanted).await, 1, "the other one");
    }
    assert_eq!(inbox.notification(&people[0], hidden.id).await.expect("read"), Some(hidden));
}

/// Reading a thread reads what is told about it, and nothing else; repeating it gives the same answer.
pub async fn reading_a_thread_reads_what_is_told_about_it(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let people = fresh_people(2);
    let (thread, other) = (creation(&people, 0).thread_id, creation(&people, 1).thread_id);
    let about = |user: &UserId, thread_id, seconds| Notification {
        thread_id: Some(thread_id),
        ..notification(user, seconds)
    };
    let meant = about(&people[0], thread, 1);
    let before = about(&people[0], thread, 2);
    let rest = [
        about(&people[0], other, 1),
        about(&people[1], thread, 1),
        about(&people[0], thread, 9),
        notification(&people[0], 1),
    ];
    inbox.add_notifications(&[meant.clone(), before.clone()]).await.expect("add");
    inbox.add_notifications(&rest).await.expect("add");
    assert_eq!(change(&*inbox, &people[0], Some(before.id), Read).await, 1);
    let read =
        |user: &UserId, thread_id, seconds| ReadThread { user_id: user.clone(), thread_id, at: at(seconds) };
    let reads = [read(&people[1], other, 9), read(&people[0], thread, 9)];
    for witness in [inbox.clone(), harness.open().await] {
        let answer = witness.read_with_threads(&reads).await.expect("read with threads");
        assert_eq!(answer, [vec![], vec![meant.id]], "what it has read, also when it is repeated");
        assert_eq!(witness.unread_notifications(&people[0]).await.expect("count"), 3);
        assert_eq!(witness.unread_notifications(&people[1]).await.expect("count"), 1);
    }
    let found = inbox.notification(&people[0], meant.id).await.expect("read").expect("it is there");
    assert_eq!((found.is_read, found.read_at), (true, Some(at(9))));
    let found = inbox.notification(&people[0], before.id).await.expect("read").expect("it is there");
    assert_eq!(found.read_at, Some(at(100)), "when it was read stays");
    let later = inbox.read_with_threads(&[read(&people[0], thread, 10)]).await.expect("read with threads");
    assert_eq!(later, [vec![rest[2].id]]);
    assert_eq!(inbox.read_with_threads(&[]).await.expect("nothing"), [] as [Vec<NotificationId>; 0]);
}

/// Paging by cursor and by offset shows each notification once, newest first, also where times are equal.
pub async fn pages_of_notifications_show_each_once(harness: &dyn Harness) {
    let inbox = harness.open().await;
    let user = fresh_people(1).remove(0);
    let mut all: Vec<_> =
        [3, 1, 2, 2, 2, 2, 1].into_iter().map(|seconds| notification(&user, seconds)).collect();
    Random::seeded(1).shuffle(&mut all);
    inbox.add_notifications(&all).await.expect("add");
    all.sort_by_key(|told| std::cmp::Reverse((told.created_at, told.id)));
    let order: Vec<_> = all.iter().map(|told| told.id).collect();
    for limit in [1, 2, 3, 7, PAGE_MAX] {
        let mut by_cursor = Vec::new();
        let mut by_skip = Vec::new();
        let mut after = None;
        loop {
            let page = inbox
                .notifications_of(&user, NotificationPage { after, ..newest(limit) })
                .await
                .expect("list");
            let Some(last) = page.last() else { break };
            after = Some((last.created_at, last.id));
            by_cursor.extend(page.iter().map(|told| told.id));
        }
        for skip in (0..7).step_by(limit as usize) {
            by_skip.extend(ids(&*inbox, &user, NotificationPage { skip, ..newest(limit) }).await);
        }
        assert_eq!((&by_cursor, &by_skip), (&order, &order), "pages of {limit}");
    }
    assert_eq!(ids(&*inbox, &user, NotificationPage { skip: 7, ..newest(5) }).await, []);
}

/// The first page, of `limit` notifications.
fn newest(limit: u32) -> NotificationPage {
    NotificationPage { unread_only: false, after: None, skip: 0, limit }
}

/// A notification for `user`, `seconds` after time zero.
fn notification(user: &UserId, seconds: i64) -> Notification {
    let notify = Notify {
        user_id: user.clone(),
        kind: "order_update".to_owned(),
        title: format!("the order at {seconds}"),
        text: "is on its way 📦".to_owned(),
        data: serde_json::Map::new(),
        thread_id: None,
        key: None,
        typed: None,
        at: at(seconds),
    };
    Notification::new(CommandId::new().into(), notify)
}

/// Stores `count` notifications, a second apart.
async fn told(inbox: &dyn Inbox, user: &UserId, count: i64) -> Vec<Notification> {
    let all: Vec<_> = (0..count).map(|seconds| notification(user, seconds)).collect();
    inbox.add_notifications(&all).await.expect("add");
    all
}

/// Applies a change 100 s after time zero.
async fn change(
    inbox: &dyn Inbox,
    user: &UserId,
    id: Option<NotificationId>,
    change: NotificationChange,
) -> u64 {
    let wish = ChangeNotifications { user_id: user.clone(), notification_id: id, change, at: at(100) };
    inbox.change_notifications(&wish).await.expect("change notifications")
}

async fn ids(inbox: &dyn Inbox, user: &UserId, page: NotificationPage) -> Vec<NotificationId> {
    inbox.notifications_of(user, page).await.expect("list").iter().map(|told| told.id).collect()
}
