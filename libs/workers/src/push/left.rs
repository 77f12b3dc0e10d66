//! What is left to tell of a window when it is to be sent: the second decision, at the last moment.
//!
//! In comes a window; out comes what its person still has to be told, and why not of the rest.

use eventflow_ports::store::{PAGE_MAX, Place};
use eventflow_ports::{Inbox, MessagePage, Store, StoreError};
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::outbound::{About, Reason, Told, Window};
use eventflow_protocol::{MessageId, ThreadId, UserId};
use std::collections::HashMap;

/// What messages are called among the kinds of notifications that people set their channels for.
const KIND_OF_MESSAGES: &str = "message";

/// What is left of a window.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The thread of the messages, as the person sees it.
    pub(super) thread: Option<Box<ThreadView>>,
    /// Messages that are still to be told of, the oldest first.
    pub(super) messages: Vec<Message>,
    /// The notification that is still to be told of.
    pub(super) notification: Option<Notification>,
    /// What these were, for the log.
    pub(super) told: Vec<Told>,
    /// What is not to be told of any more, with the reason.
    pub(super) suppressed: Vec<(About, Reason)>,
}

impl Left {
    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

/// Decides again.
pub(super) async fn of(window: &Window, store: &dyn Store, inbox: &dyn Inbox) -> Result<Left, StoreError> {
    let mut left = Left::default();
    let preferences = inbox.preferences(&window.user_id).await?;
    let mut by_thread: HashMap<ThreadId, Vec<(Told, MessageId, u64)>> = HashMap::new();
    for told in &window.items {
        match told.about {
            About::Message { thread_id, message_id, seq } => {
                by_thread.entry(thread_id).or_default().push((*told, message_id, seq));
            }
            About::Notification { notification_id } => {
                let found = inbox.notification(&window.user_id, notification_id).await?;
                let reason = match &found {
                    None => Some(Reason::Gone),
                    Some(found) if found.is_read => Some(Reason::Read),
                    Some(found) if !preferences.channels_for(&found.kind).push => Some(Reason::Preference),
                    Some(_) => None,
                };
                match reason {
                    Some(reason) => left.suppressed.push((told.about, reason)),
                    None => {
                        left.told.push(*told);
                        left.notification = found;
                    }
                }
            }
        }
    }
    let wants_messages = preferences.channels_for(KIND_OF_MESSAGES).push;
    for (thread_id, told) in by_thread {
        if wants_messages {
            of_thread(thread_id, told, &window.user_id, store, &mut left).await?;
        } else {
            left.suppressed.extend(told.iter().map(|(told, ..)| (told.about, Reason::Preference)));
        }
    }
    left.messages.sort_by_key(|message| (message.created_at, message.seq));
    Ok(left)
}

async fn of_thread(
    thread_id: ThreadId,
    told: Vec<(Told, MessageId, u64)>,
    user: &UserId,
    store: &dyn Store,
    left: &mut Left,
) -> Result<(), StoreError> {
    let all = |reason: Reason| told.iter().map(move |(told, ..)| (told.about, reason));
    let Some(view) = store.thread_view(thread_id, user).await? else {
        left.suppressed.extend(all(Reason::Left));
        return Ok(());
    };
    if view.thread.status == ThreadStatus::Archived {
        left.suppressed.extend(all(Reason::Archived));
        return Ok(());
    }
    let cursors = store.cursors(thread_id).await?;
    let read = cursors.into_iter().find(|cursor| cursor.user_id == *user).map_or(0, |own| own.read_seq);
    let newest = told.iter().map(|(_, _, seq)| *seq).max().unwrap_or(0);
    if newest <= read {
        left.suppressed.extend(all(Reason::Read));
        return Ok(());
    }
    let page = MessagePage { before: Some(Place::Seq(newest + 1)), after: None, limit: PAGE_MAX };
    let mut known: HashMap<MessageId, Message> =
        store.messages(thread_id, page).await?.into_iter().map(|message| (message.id, message)).collect();
    for (told, message_id, seq) in told {
        let found = match known.remove(&message_id) {
            Some(found) => Some(found),
            None => store.message(message_id).await?,
        };
        match found {
            _ if seq <= read => left.suppressed.push((told.about, Reason::Read)),
            None => left.suppressed.push((told.about, Reason::Gone)),
            Some(found) if found.deleted_at.is_some() => {
                left.suppressed.push((told.about, Reason::TakenBack));
            }
            Some(found) => {
                left.told.push(told);
                left.messages.push(found);
            }
        }
    }
    left.thread = Some(Box::new(view));
    Ok(())
}
