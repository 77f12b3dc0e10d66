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
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use std::time::Duration;

/// How much earlier than the moment is looked: the clocks of gateways may differ by this.
const MARGIN: Duration = Duration::from_mins(1);
/// Pages of the log that are read: a thousand rows, of two channels each. Whoever was told of more in a few
/// minutes looks by themselves.
const LOG_PAGES_MAX: usize = 10;

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
    let page = MessagePage { before, after: None, since: 0, limit: PAGE_MAX };
    let messages = store.messages(view.thread.id, page).await?;
    let is_of_others = |message: &&Message| message.sender_id != *user && message.deleted_at.is_none();
    let unread = usize::try_from(view.unread_count).unwrap_or(usize::MAX);
    let newest = messages.iter().rev().filter(is_of_others).take(unread);
    let mut missed: Vec<Told> =
        newest.take_while(|message| message.created_at >= since).map(|message| told(message, user)).collect();
    if !missed.is_empty()
        && let Some(read) = read_before(store, user, view.thread.id).await?
    {
        missed.retain(|told| !matches!(told.about, About::Message { seq, .. } if seq <= read));
    }
    missed.reverse();
    Ok(missed)
}

/// How far somebody had read who has marked messages unread since: they know of those and are told of none.
async fn read_before(store: &dyn Store, user: &UserId, thread: ThreadId) -> Result<Option<u64>, StoreError> {
    let cursors = store.cursors(thread).await?;
    let own = cursors.into_iter().find(|cursors| cursors.user_id == *user && cursors.unread_after.is_some());
    Ok(own.map(|own| own.read_seq))
}

fn told(message: &Message, user: &UserId) -> Told {
    let Message { thread_id, id: message_id, seq, created_at: at, .. } = *message;
    let about = About::Message { thread_id, message_id, seq, mention: message.mentions(user) };
    Told { about, at, critical: false, was_online: false }
}

/// The unread notifications that came after `since`, with a margin. At most the newest hundred.
pub(super) async fn notifications(
    parts: &DecisionParts,
    user: &UserId,
    since: Timestamp,
) -> Result<Vec<Notification>, StoreError> {
    let since = since.minus(MARGIN);
    let page = NotificationPage { unread_only: true, after: None, skip: 0, limit: PAGE_MAX };
    let mut missed = parts.inbox.notifications_of(user, page).await?;
    missed.retain(|notification| notification.created_at >= since);
    missed.reverse();
    Ok(missed)
}

/// What the log says was left out after `since`, with a margin, because the person was taken for connected.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Vec<(About, Channel)>);

impl LeftOut {
    /// Reads the newest rows of the person.
    pub(super) async fn read(
        outbound: &dyn Outbound,
        user: &UserId,
        since: Timestamp,
    ) -> Result<Self, StoreError> {
        let (since, of) = (since.minus(MARGIN), DeliveriesOf::User(user.clone()));
        let (mut left_out, mut after) = (Vec::new(), None);
        for _ in 0..LOG_PAGES_MAX {
            let rows = outbound.deliveries_of(&of, DeliveryPage { after, limit: PAGE_MAX }).await?;
            let recent = rows.iter().take_while(|row| row.at >= since);
            let online = DeliveryOutcome::Suppressed { reason: Reason::Online };
            left_out.extend(recent.filter(|row| row.outcome == online).map(|row| (row.about, row.channel)));
            after = rows.last().filter(|last| last.at >= since).map(|last| (last.at, last.id));
            if after.is_none() || rows.len() < PAGE_MAX as usize {
                break;
            }
        }
        Ok(Self(left_out))
    }

    /// The channels by which this was left out.
    pub(super) fn channels(&self, about: &About) -> Vec<Channel> {
        let is_in = |channel: &Channel| self.0.contains(&(*about, *channel));
        Channel::ALL.into_iter().filter(is_in).collect()
    }
}
