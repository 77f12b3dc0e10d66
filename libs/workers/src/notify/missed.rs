//! What somebody may have missed: unread messages and notifications that came shortly before their last
//! device went.
//!
//! In comes a person and a moment; out come the messages and notifications. The work is in proportion to the
//! threads in which something happened since, and to the notifications that came since.

use super::DecisionParts;
use eventflow_ports::store::{PAGE_MAX, Place};
use eventflow_ports::{
    DeliveriesOf, DeliveryPage, MessagePage, NotificationPage, Outbound, Store, StoreError, ThreadPage,
};
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::outbound::{About, Channel, DeliveryOutcome, Reason, Told};
use eventflow_protocol::{NotificationId, Timestamp, UserId};
use std::time::Duration;

/// How much earlier than the moment is looked: the clocks of gateways may differ by this.
const MARGIN: Duration = Duration::from_mins(1);

/// The unread messages of others that came after `since`, with a margin. In each thread at most the newest
/// hundred: a person who is told of a hundred messages looks by themselves.
pub(super) async fn messages(
    store: &dyn Store,
    user: &UserId,
    since: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    let since = since.minus(MARGIN);
    let page = ThreadPage { status: ThreadStatus::Active, after: None, skip: 0, limit: PAGE_MAX };
    let threads = store.threads_of(user, page).await?;
    let mut missed = Vec::new();
    for view in threads.iter().filter(|view| is_recent(view, since)) {
        missed.extend(of_thread(store, user, view, since).await?);
    }
    Ok(missed)
}

fn is_recent(view: &ThreadView, since: Timestamp) -> bool {
    view.unread_count > 0 && view.thread.last_message_at.is_some_and(|at| at >= since)
}

/// The newest messages of others are the unread ones, as many as the person's count says.
async fn of_thread(
    store: &dyn Store,
    user: &UserId,
    view: &ThreadView,
    since: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    let before = Some(Place::Seq(view.thread.last_seq + 1));
    let page = MessagePage { before, after: None, limit: PAGE_MAX };
    let messages = store.messages(view.thread.id, page).await?;
    let is_of_others = |message: &&Message| message.sender_id != *user && message.deleted_at.is_none();
    let unread = usize::try_from(view.unread_count).unwrap_or(usize::MAX);
    let newest = messages.iter().rev().filter(is_of_others).take(unread);
    let mut missed: Vec<Told> = newest.take_while(|message| message.created_at >= since).map(told).collect();
    missed.reverse();
    Ok(missed)
}

fn told(message: &Message) -> Told {
    let Message { thread_id, id: message_id, seq, created_at: at, .. } = *message;
    Told { about: About::Message { thread_id, message_id, seq }, at, critical: false, was_online: false }
}

/// The unread notifications that came after `since`, with a margin, each with the channels by which it was
/// left out because the person was taken for connected. At most the newest hundred.
pub(super) async fn notifications(
    parts: &DecisionParts,
    user: &UserId,
    since: Timestamp,
) -> Result<Vec<(Notification, Vec<Channel>)>, StoreError> {
    let since = since.minus(MARGIN);
    let page = NotificationPage { unread_only: true, after: None, skip: 0, limit: PAGE_MAX };
    let newest = parts.inbox.notifications_of(user, page).await?;
    let mut missed = Vec::new();
    for notification in newest.into_iter().take_while(|notification| notification.created_at >= since) {
        let channels = left_out_by(&*parts.outbound, notification.id).await?;
        if !channels.is_empty() {
            missed.push((notification, channels));
        }
    }
    missed.reverse();
    Ok(missed)
}

/// The channels by which the log says that the person's sockets told it.
async fn left_out_by(outbound: &dyn Outbound, id: NotificationId) -> Result<Vec<Channel>, StoreError> {
    let page = DeliveryPage { after: None, limit: PAGE_MAX };
    let rows = outbound.deliveries_of(&DeliveriesOf::Notification(id), page).await?;
    let online = DeliveryOutcome::Suppressed { reason: Reason::Online };
    let is_left_out =
        |channel: &Channel| rows.iter().any(|row| row.channel == *channel && row.outcome == online);
    Ok(Channel::ALL.into_iter().filter(is_left_out).collect())
}
