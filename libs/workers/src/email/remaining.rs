//! What of a window is still to be told, decided just before it is sent, with its texts.
//!
//! In goes a window; out come the items that are left with what they say, and a row of the log for each one
//! that is not. Everything is read anew: people read, mute and leave while a window waits.

use super::EmailParts;
use super::digest::Contents;
use eventflow_ports::StoreError;
use eventflow_protocol::document::{Message, Thread, ThreadStatus};
use eventflow_protocol::inbox::{Notification, Preferences};
use eventflow_protocol::outbound::{About, Channel, DeliveryEntry, DeliveryOutcome, Reason, Told, Window};
use eventflow_protocol::{MessageId, NotificationId, ThreadId, UserId};
use std::collections::{BTreeSet, HashMap};

/// The kind of notification that messages are in preferences.
const MESSAGE_KIND: &str = "message";
/// People of a thread whose names are looked up: a title names three of the others.
const PEOPLE_NAMED: usize = 5;

/// What is left of a window.
pub(super) struct Remaining {
    /// The items that are to be told, in order.
    pub(super) left: Vec<Told>,
    /// What they say.
    pub(super) contents: Contents,
    /// A row for each item that is not to be told any more.
    pub(super) entries: Vec<DeliveryEntry>,
    /// How the person wants to be told.
    pub(super) preferences: Preferences,
}

/// A thread as the person of the window sees it.
struct Place {
    thread: Thread,
    read_seq: u64,
}

/// Reads what the items of one window depend on.
struct Lookup<'a> {
    parts: &'a EmailParts,
    user: &'a UserId,
    preferences: Preferences,
    places: HashMap<ThreadId, Option<Place>>,
}

/// Decides again what of `window` is to be told.
pub(super) async fn remaining(parts: &EmailParts, window: &Window) -> Result<Remaining, StoreError> {
    let preferences = parts.inbox.preferences(&window.user_id).await?;
    let mut lookup = Lookup { parts, user: &window.user_id, preferences, places: HashMap::new() };
    let mut contents = Contents { more: window.more, ..Contents::default() };
    let mut left = Vec::new();
    let mut entries = Vec::new();
    for told in &window.items {
        let kept = match told.about {
            About::Message { thread_id, message_id, .. } => {
                lookup.message(thread_id, message_id).await?.map(|message| contents.messages.push(message))
            }
            About::Notification { notification_id } => lookup
                .notification(notification_id, told.critical)
                .await?
                .map(|notification| contents.notifications.push(notification)),
        };
        match kept {
            Ok(()) => left.push(*told),
            Err(reason) => entries.push(row(parts, window, told, reason)),
        }
    }
    let Lookup { preferences, places, .. } = lookup;
    contents.threads =
        places.into_iter().filter_map(|(thread, place)| Some((thread, place?.thread))).collect();
    name_people(parts, &mut contents).await;
    Ok(Remaining { left, contents, entries, preferences })
}

impl Lookup<'_> {
    async fn message(
        &mut self,
        thread: ThreadId,
        id: MessageId,
    ) -> Result<Result<Message, Reason>, StoreError> {
        if !self.preferences.channels_for(MESSAGE_KIND).email {
            return Ok(Err(Reason::Preference));
        }
        if self.preferences.is_muted(thread, self.parts.clock.now()) {
            return Ok(Err(Reason::Muted));
        }
        let Some(place) = self.place(thread).await? else { return Ok(Err(Reason::Left)) };
        if place.thread.status == ThreadStatus::Archived {
            return Ok(Err(Reason::Archived));
        }
        let read_seq = place.read_seq;
        let Some(message) = self.parts.store.message(id).await? else { return Ok(Err(Reason::Gone)) };
        if message.deleted_at.is_some() {
            return Ok(Err(Reason::TakenBack));
        }
        Ok(if message.seq <= read_seq { Err(Reason::Read) } else { Ok(message) })
    }

    async fn notification(
        &self,
        id: NotificationId,
        critical: bool,
    ) -> Result<Result<Notification, Reason>, StoreError> {
        let Some(notification) = self.parts.inbox.notification(self.user, id).await? else {
            return Ok(Err(Reason::Gone));
        };
        if notification.is_read {
            return Ok(Err(Reason::Read));
        }
        let is_wanted = critical || self.preferences.channels_for(&notification.kind).email;
        Ok(if is_wanted { Ok(notification) } else { Err(Reason::Preference) })
    }

    /// The thread as the person sees it; `None` if they are not in it. Each thread is read once.
    async fn place(&mut self, thread: ThreadId) -> Result<Option<&Place>, StoreError> {
        if !self.places.contains_key(&thread) {
            let place = match self.parts.store.thread_view(thread, self.user).await? {
                Some(view) => {
                    let cursors = self.parts.store.cursors(thread).await?;
                    let own = cursors.into_iter().find(|cursors| cursors.user_id == *self.user);
                    let read_seq = own.map_or(0, |cursors| cursors.read_seq);
                    Some(Place { thread: view.thread, read_seq })
                }
                None => None,
            };
            self.places.insert(thread, place);
        }
        Ok(self.places.get(&thread).and_then(Option::as_ref))
    }
}

/// Fills in how people are shown: the senders, and whoever the titles of the threads name.
async fn name_people(parts: &EmailParts, contents: &mut Contents) {
    let senders = contents.messages.iter().map(|message| &message.sender_id);
    let named = contents.threads.values().flat_map(|thread| thread.participants.iter().take(PEOPLE_NAMED));
    let people: BTreeSet<&UserId> = senders.chain(named).collect();
    let people: Vec<UserId> = people.into_iter().cloned().collect();
    contents.people = parts.people.shown(&people).await;
}

fn row(parts: &EmailParts, window: &Window, told: &Told, reason: Reason) -> DeliveryEntry {
    let outcome = DeliveryOutcome::Suppressed { reason };
    let now = parts.clock.now();
    DeliveryEntry::new(window.user_id.clone(), Channel::Email, told.about, Some(window.id), outcome, now)
}
