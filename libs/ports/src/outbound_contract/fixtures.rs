//! What the checks of windows and the log share: people, items, and short forms of calls.

use crate::mailer::{Mail, MailId, Mailbox};
use crate::outbound::{DeliveriesOf, DeliveryPage, Held, Hold, KeptMail, Outbound};
use crate::store::PAGE_MAX;
use crate::store_contract::fixtures::{at, fresh_people};
use eventflow_protocol::outbound::{About, Channel, DeliveryEntry, Reason, Told, WaitsFor, Window, WindowId};
use eventflow_protocol::{CommandId, MessageId, NotificationId, ThreadId, Timestamp, UserId};
use std::time::Duration;

/// How long the checks claim and take windows.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// Windows that a check claims at a time.
pub(super) const MANY: u32 = 1_000;

/// When the windows of [`mail`] are due.
pub(super) fn due() -> Timestamp {
    at(60)
}

/// The windows that are claimed when those of [`mail`] are due.
pub(super) async fn claimed(store: &dyn Outbound) -> Vec<Window> {
    claimed_at(store, due()).await
}

pub(super) async fn claimed_at(store: &dyn Outbound, now: Timestamp) -> Vec<Window> {
    store.claim_due(Channel::Email, now, LEASE, MANY).await.expect("claim")
}

/// Puts an item into the person's mail.
pub(super) async fn mail(store: &dyn Outbound, user: &UserId, told: Told) -> Held {
    hold(store, user, Channel::Email, told, 60).await
}

pub(super) fn person() -> UserId {
    fresh_people(1).remove(0)
}

pub(super) fn message(seq: u64) -> Told {
    message_of(ThreadId::from_bytes([7; 12]), seq)
}

pub(super) fn message_of(thread_id: ThreadId, seq: u64) -> Told {
    let message_id = MessageId::from(CommandId::new());
    Told {
        about: About::Message { thread_id, message_id, seq, mention: false },
        at: at(0),
        critical: false,
        was_online: false,
    }
}

/// The mail of a window that leaves this out.
pub(super) fn kept_mail(left_out: Told) -> KeptMail {
    let mailbox = |name: &str| Mailbox {
        name: Some(name.to_owned()),
        address: "ann@example.com".parse().expect("it is one"),
    };
    let mail = Mail {
        from: mailbox("EventFlow"),
        to: mailbox("Ann"),
        subject: "1 new message".to_owned(),
        text: "Hello\n".to_owned(),
        html: "<p>Hello".to_owned(),
        id: MailId::new("mail", "1", "example.com"),
        in_reply_to: None,
        unsubscribe: Some("https://chat.example.com/api/v2/unsubscribe/AbC".to_owned()),
        language: "en".to_owned(),
        at: at(60),
    };
    KeptMail { mail, left_out: vec![(left_out.about, Reason::Muted)] }
}

pub(super) fn seq_of(told: &Told) -> u64 {
    let About::Message { seq, .. } = told.about else { panic!("it is a message") };
    seq
}

pub(super) fn notification() -> Told {
    let notification_id = NotificationId::from(CommandId::new());
    Told { about: About::Notification { notification_id }, at: at(0), critical: false, was_online: false }
}

/// A wish of the moment 0, to be sent after so many seconds.
pub(super) fn wish(user: &UserId, channel: Channel, told: Told, seconds: i64) -> Hold {
    let (due_at, waits_for) = (at(seconds), WaitsFor::Digest);
    Hold { user_id: user.clone(), channel, told, due_at, waits_for, now: at(0), again: false }
}

pub(super) async fn hold(
    store: &dyn Outbound,
    user: &UserId,
    channel: Channel,
    told: Told,
    seconds: i64,
) -> Held {
    store.hold(&[wish(user, channel, told, seconds)]).await.expect("hold").remove(0)
}

pub(super) fn opened(held: &Held) -> WindowId {
    let Held::Opened(id) = held else { panic!("it opened no window: {held:?}") };
    *id
}

pub(super) fn window_of(held: &Held) -> WindowId {
    match held {
        Held::Opened(id) | Held::Folded(id) => *id,
        Held::Before => panic!("it was held before"),
    }
}

pub(super) async fn log_of(store: &dyn Outbound, user: &UserId) -> Vec<DeliveryEntry> {
    next_page(store, &DeliveriesOf::User(user.clone()), &[], PAGE_MAX).await.unwrap_or_default()
}

/// The page after those rows; `None` if there is none.
pub(super) async fn next_page(
    store: &dyn Outbound,
    of: &DeliveriesOf,
    so_far: &[DeliveryEntry],
    limit: u32,
) -> Option<Vec<DeliveryEntry>> {
    let after = so_far.last().map(|entry| (entry.at, entry.id));
    let page = store.deliveries_of(of, DeliveryPage { after, limit }).await.expect("list");
    Some(page).filter(|page| !page.is_empty())
}
