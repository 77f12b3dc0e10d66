//! What somebody may have missed: unread messages that came shortly before their last device went.
//!
//! In comes a person and a moment; out come the messages. The work is in proportion to the threads in which
//! something happened since.

use eventflow_ports::store::{PAGE_MAX, Place};
use eventflow_ports::{MessagePage, Store, StoreError, ThreadPage};
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_protocol::outbound::{About, Told};
use eventflow_protocol::{Timestamp, UserId};
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
