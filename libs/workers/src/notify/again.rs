//! The second decision, just before a window is sent: what of it is still to be told.
//!
//! In comes a window; out comes what is left of it with what it says, and a row of the log for each item that
//! is not told any more. Everything is read anew, because people read, mute, archive and leave while a window
//! waits. Reading changes nothing, so it is safe to repeat.

use super::attention::{Unknown, has_told, known_status, was_there};
use super::parts::wants;
use super::{channels_of_message, is_muted};
use eventflow_ports::{Apart, Clock, Directory, Inbox, PresenceStore, Store, StoreError};
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_protocol::inbox::{MESSAGE_KIND, Notification, Preferences};
use eventflow_protocol::outbound::{About, DeliveryEntry, DeliveryOutcome, Reason, Told, WaitsFor, Window};
use eventflow_protocol::presence::Status;
use eventflow_protocol::{MessageId, NotificationId, ThreadId, Timestamp, UserId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

/// Shortest time after which it is decided again about somebody who is here and may not have heard of it. Who
/// came and went in between is told then.
const LOOK_FIRST: Duration = Duration::from_mins(1);
/// Longest such time.
const LOOK_LAST: Duration = Duration::from_mins(10);
/// How long a notification waits while the presence store does not answer. A message need not wait: the
/// cursor says whether a socket took it.
const UNKNOWN_FOR: Duration = Duration::from_mins(2);
/// Time between two looks meanwhile: the store may answer again at any moment.
const LOOK_UNKNOWN: Duration = Duration::from_secs(20);

/// What the second decision needs.
#[derive(Clone)]
pub struct AgainParts {
    /// Keeps threads and messages.
    pub store: Arc<dyn Store>,
    /// Says who is kept apart from whom by a block. Does not remember it: it may have changed since.
    pub apart: Apart,
    /// Keeps notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Knows whose credentials are revoked.
    pub directory: Arc<dyn Directory>,
    /// Knows who is there.
    pub presence: Arc<dyn PresenceStore>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
}

/// What is left of a window.
#[derive(Debug)]
pub struct Remaining {
    /// How the person wants to be told.
    pub preferences: Preferences,
    /// What is still to be told, oldest first.
    pub left: Vec<(Told, Content)>,
    /// The threads of the messages that are left, as the person sees them.
    pub threads: HashMap<ThreadId, ThreadView>,
    /// A row of the log for each item that is not told any more.
    pub suppressed: Vec<DeliveryEntry>,
    /// Until when what is left waits: until it is due by the person's preferences as they are now, or until
    /// it is clear whether somebody who is here has heard of it.
    pub waits_until: Option<Timestamp>,
    /// What it waits for, if it does.
    pub waits_for: WaitsFor,
}

/// What an item says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A message.
    Message(Box<Message>),
    /// A notification.
    Notification(Box<Notification>),
}

/// A thread as the person sees it.
struct Place {
    view: ThreadView,
    read_seq: u64,
    delivered_seq: u64,
}

/// Reads what the items of one window depend on; each thing once.
struct Reader<'a> {
    parts: &'a AgainParts,
    window: &'a Window,
    preferences: Preferences,
    now: Timestamp,
    /// How the person is, or why nobody can say.
    status: Result<Status, Unknown>,
    /// The person is or may be here, and nothing says that they have heard of one of the items.
    is_unheard: bool,
    /// When all of the person's credentials were revoked last.
    revoked_at: Option<Timestamp>,
    places: HashMap<ThreadId, Option<Place>>,
    /// Whether the person is kept apart from a sender.
    apart: HashMap<UserId, bool>,
}

/// Decides again what of `window` is to be told.
pub async fn decide_again(parts: &AgainParts, window: &Window) -> Result<Remaining, StoreError> {
    let mut reader = Reader::new(parts, window).await?;
    let (mut left, mut suppressed) = (Vec::new(), Vec::new());
    // Decisions are made a few at the same time: a window has its items in the order in which those ended.
    let mut items: Vec<&Told> = window.items.iter().collect();
    items.sort_by_key(|told| place(told));
    for told in items {
        match reader.content(told).await? {
            Ok(content) => left.push((*told, content)),
            Err(reason) => suppressed.push(reader.row(told, reason)),
        }
    }
    let is_due = reader.due_at(&left).filter(|due| *due > reader.now);
    let waits_for = if is_due.is_some() { reader.waits_for() } else { WaitsFor::Attention };
    let waits_until = is_due.max(reader.looks_again_at(&left));
    let Reader { preferences, places, .. } = reader;
    let threads = places.into_iter().filter_map(|(thread, place)| Some((thread, place?.view))).collect();
    Ok(Remaining { preferences, left, threads, suppressed, waits_until, waits_for })
}

/// Where an item stands in time. Messages of one thread may have the same time.
fn place(told: &Told) -> (Timestamp, u64) {
    let seq = match told.about {
        About::Message { seq, .. } => seq,
        About::Notification { .. } => 0,
    };
    (told.at, seq)
}

impl<'a> Reader<'a> {
    async fn new(parts: &'a AgainParts, window: &'a Window) -> Result<Self, StoreError> {
        let (user, now) = (&window.user_id, parts.clock.now());
        // One ended login is no reason: the person has others.
        let revocations = parts.directory.revocations(user).await?;
        let revoked_at = revocations.iter().filter(|one| one.session.is_none()).map(|one| one.at).max();
        let status = known_status(&*parts.presence, user, now).await;
        Ok(Self {
            parts,
            window,
            preferences: parts.inbox.preferences(user).await?,
            now,
            status,
            is_unheard: false,
            revoked_at,
            places: HashMap::new(),
            apart: HashMap::new(),
        })
    }

    /// When the first of these is due by the preferences as they are now: they may have changed since it was
    /// put into the window. The time that people have to see it by themselves is over.
    fn due_at(&self, left: &[(Told, Content)]) -> Option<Timestamp> {
        let due = |told: &Told| self.preferences.due_at(self.window.channel, told.critical, told.at);
        let first = left.iter().map(|(told, _)| due(told)).min()?;
        let is_critical = left.iter().any(|(told, _)| told.critical);
        Some(if is_critical { first } else { self.preferences.after_quiet_hours(first.max(self.now)) })
    }

    /// What makes the window wait now that would be sent otherwise.
    fn waits_for(&self) -> WaitsFor {
        let is_quiet = self.preferences.after_quiet_hours(self.now) > self.now;
        if is_quiet { WaitsFor::QuietHours } else { WaitsFor::Digest }
    }

    /// When to decide again about somebody who is here and may not have heard of it. Whoever stays reads it,
    /// or leaves: the longer it took so far, the rarer the looks.
    fn looks_again_at(&self, left: &[(Told, Content)]) -> Option<Timestamp> {
        let oldest = left.iter().map(|(told, _)| told.at).min().filter(|_| self.is_unheard)?;
        let wait = match self.status {
            Ok(_) => oldest.age_at(self.now).clamp(LOOK_FIRST, LOOK_LAST),
            Err(_) => LOOK_UNKNOWN,
        };
        Some(self.now.plus(wait))
    }

    /// What the item says, or why it is not told any more.
    async fn content(&mut self, told: &Told) -> Result<Result<Content, Reason>, StoreError> {
        // What came after it is for whoever has signed in since, whichever window it has joined.
        if self.revoked_at.is_some_and(|revoked_at| told.at <= revoked_at) {
            return Ok(Err(Reason::Revoked));
        }
        let found = match told.about {
            About::Message { thread_id, message_id, seq, .. } => {
                let found = self.message(*told, thread_id, message_id, seq).await?;
                found.map(|message| Content::Message(Box::new(message)))
            }
            About::Notification { notification_id } => {
                let found = self.notification(notification_id, told.critical).await?;
                found.map(|notification| Content::Notification(Box::new(notification)))
            }
        };
        // Asked last: whoever has read it was told. What is hidden from the inbox goes to no socket.
        let is_hidden = matches!(&found, Ok(Content::Notification(notification)) if notification.is_hidden);
        if found.is_err() || told.critical || is_hidden {
            return Ok(found);
        }
        if let Err(unknown) = self.status {
            // A socket of theirs took it, and nobody can say that it was dead.
            if self.has_received(told) {
                return Ok(Err(Reason::Online));
            }
            let is_notification = matches!(told.about, About::Notification { .. });
            let is_young = told.at.age_at(self.now) < UNKNOWN_FOR;
            self.is_unheard |= is_notification && is_young && unknown == Unknown::Now;
            return Ok(found);
        }
        if !self.has_page_open() {
            return Ok(found);
        }
        if self.has_heard(told).await {
            return Ok(Err(Reason::Online));
        }
        self.is_unheard = true;
        Ok(found)
    }

    /// Whether somebody who has a page open has heard of it by a socket. Of a notification nobody says so: it
    /// was told if a session was there when it came whose gateway lived on.
    async fn has_heard(&self, told: &Told) -> bool {
        let About::Notification { .. } = told.about else {
            return told.was_online || self.has_received(told);
        };
        let (presence, user) = (&*self.parts.presence, &self.window.user_id);
        let was_there = told.was_online || was_there(presence, user, self.now, told.at).await;
        was_there && has_told(presence, user, self.now, told.at).await == Some(true)
    }

    /// Whether somebody has a page open and is told nothing elsewhere meanwhile. Of whoever does not look at
    /// theirs it is their choice.
    fn has_page_open(&self) -> bool {
        match self.status {
            Ok(Status::Online) => true,
            Ok(Status::Away) => !self.preferences.when_away,
            Ok(Status::Offline) | Err(_) => false,
        }
    }

    /// Whether one of the person's sockets was sent the message.
    fn has_received(&self, told: &Told) -> bool {
        let About::Message { thread_id, seq, .. } = told.about else { return false };
        let place = self.places.get(&thread_id).and_then(Option::as_ref);
        place.is_some_and(|place| seq <= place.delivered_seq)
    }

    async fn message(
        &mut self,
        told: Told,
        thread: ThreadId,
        id: MessageId,
        seq: u64,
    ) -> Result<Result<Message, Reason>, StoreError> {
        if !wants(channels_of_message(&self.preferences, told), self.window.channel) {
            return Ok(Err(Reason::Preference));
        }
        if is_muted(&self.preferences, told, self.now) {
            return Ok(Err(Reason::Muted));
        }
        let Some(place) = self.place(thread).await? else {
            return Ok(Err(self.why_not_there(thread).await?));
        };
        if place.view.thread.status == ThreadStatus::Archived {
            return Ok(Err(Reason::Archived));
        }
        if seq <= place.read_seq {
            return Ok(Err(Reason::Read));
        }
        let message = self.parts.store.message(id).await?;
        if let Some(message) = &message
            && self.is_apart_from(&message.sender_id).await?
        {
            return Ok(Err(Reason::Blocked));
        }
        Ok(match message {
            None => Err(Reason::Gone),
            Some(message) if message.deleted_at.is_some() => Err(Reason::TakenBack),
            Some(message) if told.about.is_mention() && !message.mentions(&self.window.user_id) => {
                self.unmentioned(told, message)
            }
            Some(message) => Ok(message),
        })
    }

    /// A message that mentions the person no more is told like any other, if it was told to them because it
    /// came. If an edit had mentioned them, they have been told of the message itself.
    fn unmentioned(&self, told: Told, message: Message) -> Result<Message, Reason> {
        if told.at > message.created_at {
            return Err(Reason::TakenBack);
        }
        if !wants(self.preferences.channels_for(MESSAGE_KIND), self.window.channel) {
            return Err(Reason::Preference);
        }
        let is_muted = self.preferences.is_muted(message.thread_id, self.now);
        if is_muted { Err(Reason::Muted) } else { Ok(message) }
    }

    async fn notification(
        &self,
        id: NotificationId,
        is_critical: bool,
    ) -> Result<Result<Notification, Reason>, StoreError> {
        let Some(found) = self.parts.inbox.notification(&self.window.user_id, id).await? else {
            return Ok(Err(Reason::Gone));
        };
        if found.is_read {
            return Ok(Err(Reason::Read));
        }
        let channels = self.preferences.channels_of(&found.kind, is_critical);
        let is_wanted = wants(channels, self.window.channel);
        Ok(if is_wanted { Ok(found) } else { Err(Reason::Preference) })
    }

    /// The thread as the person sees it; `None` if they are not in it.
    async fn place(&mut self, thread: ThreadId) -> Result<Option<&Place>, StoreError> {
        if let Entry::Vacant(vacant) = self.places.entry(thread) {
            vacant.insert(read_place(self.parts, thread, &self.window.user_id).await?);
        }
        Ok(self.places.get(&thread).and_then(Option::as_ref))
    }

    /// Why the thread is not there for the person.
    async fn why_not_there(&self, thread: ThreadId) -> Result<Reason, StoreError> {
        let people = self.parts.store.participants(&[thread]).await?.remove(&thread);
        let is_away = people.is_some_and(|people| people.is_away_for(&self.window.user_id));
        Ok(if is_away { Reason::Blocked } else { Reason::Left })
    }

    /// Whether one of the two, the person and a sender, blocks the other.
    async fn is_apart_from(&mut self, sender: &UserId) -> Result<bool, StoreError> {
        if let Some(is_apart) = self.apart.get(sender) {
            return Ok(*is_apart);
        }
        let is_apart = self.parts.apart.are_apart(&self.window.user_id, sender).await?;
        self.apart.insert(sender.clone(), is_apart);
        Ok(is_apart)
    }

    fn row(&self, told: &Told, reason: Reason) -> DeliveryEntry {
        let Window { user_id, channel, id, .. } = self.window;
        let outcome = DeliveryOutcome::Suppressed { reason };
        DeliveryEntry::new(user_id.clone(), *channel, told.about, Some(*id), outcome, self.now)
    }
}

async fn read_place(
    parts: &AgainParts,
    thread: ThreadId,
    user: &UserId,
) -> Result<Option<Place>, StoreError> {
    let Some(view) = parts.store.thread_view(thread, user).await? else { return Ok(None) };
    let cursors = parts.store.cursors(thread).await?;
    let own = cursors.into_iter().find(|cursors| cursors.user_id == *user);
    let (read_seq, delivered_seq) = own.map_or((0, 0), |own| (own.read_seq, own.delivered_seq));
    Ok(Some(Place { view, read_seq, delivered_seq }))
}

/// Rows that say that the provider put these off, made of rows that would say that they failed. What was
/// suppressed beside them is decided again.
pub(crate) fn put_off(rows: &[DeliveryEntry], until: Timestamp, answer: &str) -> Vec<DeliveryEntry> {
    let failed = rows.iter().filter(|row| matches!(row.outcome, DeliveryOutcome::Failed { .. }));
    failed.map(|row| DeliveryEntry::put_off(row, until, answer)).collect()
}

/// The rows with which a window closes that was sent, or failed for good.
pub fn rows(
    window: &Window,
    left: &[(Told, Content)],
    outcome: &DeliveryOutcome,
    at: Timestamp,
) -> Vec<DeliveryEntry> {
    let row = |(told, _): &(Told, Content)| {
        let Window { user_id, channel, id, .. } = window;
        DeliveryEntry::new(user_id.clone(), *channel, told.about, Some(*id), outcome.clone(), at)
    };
    left.iter().map(row).collect()
}

/// The rows that say that what is left of a window waits longer than was said before. None while it only
/// waits for the person's attention, as everything does at first.
pub fn held_again(
    window: &Window,
    remaining: &Remaining,
    until: Timestamp,
    now: Timestamp,
) -> Vec<DeliveryEntry> {
    let waits_for = remaining.waits_for;
    if waits_for == WaitsFor::Attention {
        return Vec::new();
    }
    let row = |(told, _): &(Told, Content)| {
        let Window { user_id, channel, id, .. } = window;
        DeliveryEntry::held_again(user_id.clone(), *channel, told.about, *id, (until, waits_for), now)
    };
    remaining.left.iter().map(row).collect()
}
