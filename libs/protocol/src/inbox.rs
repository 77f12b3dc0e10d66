//! What a person is told outside of a conversation, and how they want to be told.

use crate::document::Identified;
use crate::fingerprint::{Fingerprint, shorten};
use crate::id::NotificationId;
use crate::{ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Longest title in Unicode scalar values: one line.
pub const TITLE_MAX_CHARS: usize = 200;
/// Longest text in Unicode scalar values.
pub const TEXT_MAX_CHARS: usize = 2_000;
/// Longest kind of a notification, `[a-z0-9_.:-]`, in bytes.
pub const KIND_MAX_BYTES: usize = 64;
/// Most kinds with preferences of their own.
pub const PREFERENCE_KINDS_MAX: usize = 100;

/// Tells ids of keyed notifications from all others made of the same text.
const KEYED_LABEL: &[u8] = b"eventflow notification\0";

/// Tell somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notify {
    /// Whom.
    pub user_id: UserId,
    /// What sort of thing, e.g. `order_update`. Not `kind` on the wire: that is the tag of [`crate::command::Command`].
    #[serde(rename = "type")]
    pub kind: String,
    /// One line, clean text.
    pub title: String,
    /// Clean text; may be empty.
    pub text: String,
    /// The sender's free-form object.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// The conversation it is about.
    #[serde(default)]
    pub thread_id: Option<ThreadId>,
    /// Under which its sender will recognise it.
    #[serde(default)]
    pub key: Option<SenderKey>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// A sender's own key for a notification: the same key of the same sender to the same person is the same notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderKey {
    /// Who sends it.
    pub by: UserId,
    /// 1 to [`crate::command::CLIENT_KEY_MAX_BYTES`] bytes.
    pub key: String,
}

impl SenderKey {
    /// The id of the notification of this key in this person's inbox: equal input, equal id.
    pub fn notification_id(&self, user: &UserId) -> NotificationId {
        let hash = Sha256::new_with_prefix(KEYED_LABEL).chain_update(self.by.as_str()).chain_update([0]);
        let hash = hash.chain_update(user.as_str()).chain_update([0]).chain_update(&self.key).finalize();
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hash[..12]);
        NotificationId::from_bytes(bytes)
    }
}

impl Notify {
    /// What it says, in short.
    pub fn fingerprint(&self) -> Fingerprint {
        let body = (&self.kind, &self.title, &self.text, &self.data, self.thread_id);
        shorten(&Sha256::digest(serde_json::to_vec(&body).unwrap_or_default()))
    }
}

/// A notification in somebody's inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Follows from the command.
    #[serde(rename = "_id")]
    pub id: NotificationId,
    /// Whose.
    pub user_id: UserId,
    /// What sort of thing.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line.
    pub title: String,
    /// Plain text.
    #[serde(rename = "message")]
    pub text: String,
    /// The sender's free-form object.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// The conversation it is about.
    #[serde(default)]
    pub thread_id: Option<ThreadId>,
    /// Whether its owner has read it.
    #[serde(default)]
    pub is_read: bool,
    /// Since when.
    #[serde(default)]
    pub read_at: Option<Timestamp>,
    /// When the ingress accepted it.
    pub created_at: Timestamp,
}

impl Notification {
    /// As it is stored under this id.
    pub fn new(id: NotificationId, notify: Notify) -> Self {
        let Notify { user_id, kind, title, text, data, thread_id, at, key: _ } = notify;
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
        }
    }
}

impl Identified for Notification {
    fn id_text(&self) -> String {
        self.id.to_string()
    }
}

/// Change notifications of one person; repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNotifications {
    /// Whose.
    pub user_id: UserId,
    /// Which; `None`: all that were stored before `at`.
    pub notification_id: Option<NotificationId>,
    /// What.
    pub change: NotificationChange,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// What is to be done to notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationChange {
    /// They were read.
    Read,
    /// They are not wanted any more.
    Delete,
}

/// Ways to reach somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Channels {
    /// In the inbox and by event.
    pub in_app: bool,
    /// By e-mail.
    pub email: bool,
    /// To their devices.
    pub push: bool,
}

impl Default for Channels {
    fn default() -> Self {
        Self { in_app: true, email: true, push: true }
    }
}

/// How somebody wants to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// For every kind that is not named below.
    #[serde(default)]
    pub channels: Channels,
    /// By kind.
    #[serde(default)]
    pub types: BTreeMap<String, Channels>,
    /// When they were set; none while they are the defaults.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

impl Preferences {
    /// The channels for one kind of notification.
    pub fn channels_for(&self, kind: &str) -> Channels {
        self.types.get(kind).copied().unwrap_or(self.channels)
    }
}

/// Replace somebody's preferences. Of two, the one that was accepted later counts, whatever order they arrive in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPreferences {
    /// Whose.
    pub user_id: UserId,
    /// `updated_at` is set.
    pub preferences: Preferences,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::command::Command;

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
            at: Timestamp(7),
        };
        let command = Command::Notify(notify);
        assert_eq!(codec::decode::<Command>(&codec::encode(&command).unwrap()).unwrap(), command);
    }
}
