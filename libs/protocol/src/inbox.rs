//! Notifications: what a person is told outside of a conversation, and how they want to be told.

use crate::content::{ContentError, Markup, typed};
use crate::fingerprint::{Fingerprint, shorten};
use crate::id::NotificationId;
use crate::schedule::{DigestInterval, Mute, QuietHours, TimeZoneName};
use crate::{ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest title in Unicode scalar values: one line.
pub const TITLE_MAX_CHARS: usize = 200;
/// Longest text in Unicode scalar values.
pub const TEXT_MAX_CHARS: usize = 2_000;
/// Longest kind of a notification, `[a-z0-9_.:-]`, in bytes.
pub const KIND_MAX_BYTES: usize = 64;
/// What messages are called among the kinds of notifications that people set channels for.
pub const MESSAGE_KIND: &str = "message";
/// What messages are called there that mention the person.
pub const MENTION_KIND: &str = "mention";
/// Most kinds with preferences of their own.
pub const PREFERENCE_KINDS_MAX: usize = 100;

/// Between two changes of one person's preferences lies at least this much, the least that a [`Timestamp`]
/// can show: stores compare it to see a change, and clients to tell which of two answers is the newer one.
const TICK: Duration = Duration::from_millis(1);

/// Sets the hashes of notification keys apart from all other hashes of the same text.
const KEYED_LABEL: &[u8] = b"eventflow notification\0";

/// Command: put a notification into one person's inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notify {
    /// The person to tell.
    pub user_id: UserId,
    /// What sort of thing it is, e.g. `order_update`. It is not `kind` on the wire, because that is the tag
    /// of `Command`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line, clean text.
    pub title: String,
    /// Clean text; may be empty.
    pub text: String,
    /// The sender's free-form object.
    #[serde(default, with = "crate::free_form")]
    pub data: Map<String, Value>,
    /// The conversation that it is about.
    #[serde(default)]
    pub thread_id: Option<ThreadId>,
    /// The key under which its sender will recognise it.
    #[serde(default)]
    pub key: Option<SenderKey>,
    /// The fingerprint of what was typed, where the texts alone do not say it ([`Markup::Strip`]).
    #[serde(default)]
    pub typed: Option<Fingerprint>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// A sender's own key for a notification: the same key of the same sender to the same person is the same
/// notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderKey {
    /// The sender.
    pub by: UserId,
    /// The key: 1 to 128 bytes.
    pub key: String,
}

impl SenderKey {
    /// The id of the notification under this key in this person's inbox. Equal input gives an equal id.
    pub fn notification_id(&self, user: &UserId) -> NotificationId {
        let hash = Sha256::new_with_prefix(KEYED_LABEL).chain_update(self.by.as_str()).chain_update([0]);
        let hash = hash.chain_update(user.as_str()).chain_update([0]).chain_update(&self.key).finalize();
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hash[..12]);
        NotificationId::from_bytes(bytes)
    }
}

impl Notify {
    /// The notification in the form in which it is kept. Fails if nothing is left of its title.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        let as_typed = hashed(&self.body());
        self.title = markup.write_visible(&self.title)?;
        self.text = markup.write(&self.text).into_owned();
        self.typed = Some(as_typed).filter(|as_typed| self.fingerprint() != *as_typed);
        Ok(self)
    }

    /// The fingerprint of what the notification says, as it was typed.
    pub fn fingerprint(&self) -> Fingerprint {
        self.typed.unwrap_or_else(|| hashed(&typed(&self.body())))
    }

    fn body(&self) -> String {
        let body = (&self.kind, &self.title, &self.text, &self.data, self.thread_id);
        serde_json::to_string(&body).unwrap_or_default()
    }
}

fn hashed(body: &str) -> Fingerprint {
    shorten(&Sha256::digest(body))
}

/// A notification in somebody's inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The id; it follows from the command.
    #[serde(rename = "_id")]
    pub id: NotificationId,
    /// The owner.
    pub user_id: UserId,
    /// What sort of thing it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line.
    pub title: String,
    /// Plain text.
    #[serde(rename = "message")]
    pub text: String,
    /// The sender's free-form object.
    #[serde(default, with = "crate::free_form")]
    #[schemars(with = "Map<String, Value>")]
    pub data: Map<String, Value>,
    /// The conversation that it is about.
    #[serde(default)]
    pub thread_id: Option<ThreadId>,
    /// Whether its owner has read it.
    #[serde(default)]
    pub is_read: bool,
    /// When its owner read it.
    #[serde(default)]
    pub read_at: Option<Timestamp>,
    /// When the ingress accepted it.
    pub created_at: Timestamp,
    /// Its owner is told of it by e-mail and push only: lists and counts leave it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(skip)]
    pub is_hidden: bool,
}

impl Notification {
    /// The notification as it is stored under this id.
    pub fn new(id: NotificationId, notify: Notify) -> Self {
        let Notify { user_id, kind, title, text, data, thread_id, at, key: _, typed: _ } = notify;
        Self {
            id,
            user_id,
            kind,
            title,
            text,
            data,
            thread_id,
            is_read: false,
            read_at: None,
            created_at: at,
            is_hidden: false,
        }
    }
}

/// What a person has read: notifications about the thread that were stored before `at` are read with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadThread {
    /// The reader.
    pub user_id: UserId,
    /// The thread.
    pub thread_id: ThreadId,
    /// When the ingress accepted that it was read.
    pub at: Timestamp,
}

/// Command: change notifications of one person. Repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNotifications {
    /// The owner.
    pub user_id: UserId,
    /// The notification; `None` for all that were stored before `at`.
    pub notification_id: Option<NotificationId>,
    /// What to do with them.
    pub change: NotificationChange,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// What a command does to notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationChange {
    /// Mark them as read.
    Read,
    /// Delete them.
    Delete,
}

/// By which channels a person wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Channels {
    /// The inbox, and an event.
    pub in_app: bool,
    /// E-mail.
    pub email: bool,
    /// Push messages to their devices.
    pub push: bool,
}

impl Default for Channels {
    fn default() -> Self {
        Self { in_app: true, email: true, push: true }
    }
}

/// The channels that a person has named for one kind. The others are as for every kind, also when those
/// change later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NamedChannels {
    /// The inbox, and an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub in_app: Option<bool>,
    /// E-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub email: Option<bool>,
    /// Push messages to their devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub push: Option<bool>,
}

impl NamedChannels {
    /// The channels of the kind, where those of every kind are these.
    pub fn over(self, every_kind: Channels) -> Channels {
        Channels {
            in_app: self.in_app.unwrap_or(every_kind.in_app),
            email: self.email.unwrap_or(every_kind.email),
            push: self.push.unwrap_or(every_kind.push),
        }
    }
}

impl From<Channels> for NamedChannels {
    fn from(Channels { in_app, email, push }: Channels) -> Self {
        Self { in_app: Some(in_app), email: Some(email), push: Some(push) }
    }
}

/// How somebody wants to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// The channels for every kind that `types` does not name.
    #[serde(default)]
    pub channels: Channels,
    /// The channels that were named by kind.
    #[serde(default)]
    pub types: BTreeMap<String, NamedChannels>,
    /// The hours in which they want to be told nothing by e-mail and push.
    #[serde(default)]
    pub quiet_hours: QuietHours,
    /// How mails are gathered.
    #[serde(default)]
    pub digest: DigestInterval,
    /// The time zone of quiet hours and daily digests.
    #[serde(default)]
    pub time_zone: TimeZoneName,
    /// The language of mails and push messages, as RFC 5646 writes it; empty for the system's own.
    #[serde(default)]
    pub locale: String,
    /// Whether they want to be told by e-mail and push also while a page is open that they do not look at.
    #[serde(default)]
    pub when_away: bool,
    /// The threads of which they want to be told nothing by e-mail and push.
    #[serde(default)]
    pub mutes: Vec<Mute>,
    /// When the person set them; `null` while they are the defaults.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

impl Preferences {
    /// The channels for one kind of notification.
    pub fn channels_for(&self, kind: &str) -> Channels {
        self.types.get(kind).copied().unwrap_or_default().over(self.channels)
    }

    /// The channels for mentions: those of their own kind; what was not named for that is as for messages.
    pub fn channels_for_mentions(&self) -> Channels {
        let of_messages = self.channels_for(MESSAGE_KIND);
        self.types.get(MENTION_KIND).copied().unwrap_or_default().over(of_messages)
    }

    /// The channels for one notification: what is critical comes by e-mail and push, also for a kind that the
    /// person does not want there. Only mails stay away from whoever wants no mail of any kind. The inbox
    /// stays as its owner wants it.
    pub fn channels_of(&self, kind: &str, is_critical: bool) -> Channels {
        let wanted = self.channels_for(kind);
        if !is_critical {
            return wanted;
        }
        Channels { in_app: wanted.in_app, email: self.want_mail(), push: true }
    }

    /// Whether the person wants mails of some kind. Unsubscribing ends that.
    pub fn want_mail(&self) -> bool {
        self.channels.email || self.types.values().any(|named| named.email == Some(true))
    }
}

/// Command: replace a person's preferences. Of two such commands the one that is carried out later counts:
/// the commands of one person keep their order, and clocks do not tell it.
/// [`crate::preferences::ChangePreferences`] changes them in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPreferences {
    /// The person.
    pub user_id: UserId,
    /// The new preferences; their `updated_at` is when the ingress accepted them.
    pub preferences: Preferences,
}

impl SetPreferences {
    /// What is stored instead of `stored`: later than that by its `updated_at`, whatever the clock said that
    /// accepted either.
    pub fn onto(&self, stored: &Preferences) -> Preferences {
        let at = self.preferences.updated_at.unwrap_or_default();
        Preferences { updated_at: Some(later(stored, at)), ..self.preferences.clone() }
    }
}

/// When a change of these preferences is stored that was accepted at this moment.
pub(crate) fn later(stored: &Preferences, at: Timestamp) -> Timestamp {
    stored.updated_at.map_or(at, |before| at.max(before.plus(TICK)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::command::Command;

    #[test]
    fn what_is_critical_comes_by_mail_and_push_and_the_inbox_stays_as_it_is_wanted() {
        let off = Channels { in_app: false, email: false, push: false };
        let mut preferences = Preferences::default();
        preferences.types.insert("news".to_owned(), off.into());
        assert_eq!(preferences.channels_of("news", false), off);
        assert_eq!(
            preferences.channels_of("news", true),
            Channels { in_app: false, email: true, push: true }
        );
        assert_eq!(
            preferences.channels_of("order", true),
            Channels { in_app: true, email: true, push: true }
        );
        preferences.channels.email = false;
        assert!(!preferences.channels_of("order", true).email, "no mail of any kind");
    }

    #[test]
    fn a_kind_keeps_what_was_named_for_it_and_is_as_every_kind_otherwise_also_later() {
        let named = NamedChannels { push: Some(false), ..NamedChannels::default() };
        let mut preferences =
            Preferences { types: [("news".to_owned(), named)].into(), ..Preferences::default() };
        assert_eq!(preferences.channels_for("news"), Channels { push: false, ..Channels::default() });
        preferences.channels.email = false;
        assert_eq!(preferences.channels_for("news"), Channels { in_app: true, email: false, push: false });
        assert!(!preferences.want_mail() && !preferences.channels_of("news", true).email);
        preferences.types.insert("order".to_owned(), NamedChannels { email: Some(true), ..named });
        assert!(preferences.want_mail() && preferences.channels_for("order").email);
    }

    #[test]
    fn kinds_show_what_was_named_and_those_of_earlier_versions_have_all_channels_named() {
        let named: NamedChannels = serde_json::from_str(r#"{"push": false}"#).unwrap();
        assert_eq!(serde_json::to_string(&named).unwrap(), r#"{"push":false}"#);
        let earlier = codec::encode(&Channels { email: false, ..Channels::default() }).unwrap();
        let read: NamedChannels = codec::decode(&earlier).unwrap();
        assert_eq!(read, Channels { email: false, ..Channels::default() }.into());
    }

    #[test]
    fn what_replaces_preferences_is_later_than_they_also_if_their_clock_was_ahead() {
        let user_id = "ann".parse().unwrap();
        let set = |at| Preferences { updated_at: Some(Timestamp(at)), ..Preferences::default() };
        let replaced = SetPreferences { user_id, preferences: set(5) };
        assert_eq!(replaced.onto(&Preferences::default()).updated_at, Some(Timestamp(5)));
        assert_eq!(replaced.onto(&set(4)).updated_at, Some(Timestamp(5)));
        assert_eq!(replaced.onto(&set(900)).updated_at, Some(Timestamp(901)));
    }

    #[test]
    fn a_notification_survives_the_way_to_the_worker() {
        let (user_id, kind) = ("ann".parse().unwrap(), "order_update".to_owned());
        let notify = Notify {
            user_id,
            kind,
            title: "t".into(),
            text: String::new(),
            data: Map::new(),
            thread_id: None,
            key: None,
            typed: None,
            at: Timestamp(7),
        };
        let command = Command::Notify(notify);
        assert_eq!(codec::decode::<Command>(&codec::encode(&command).unwrap()).unwrap(), command);
    }
}
