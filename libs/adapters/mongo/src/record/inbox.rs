//! Notifications and preferences as the database keeps them.

use crate::record::values::{date, moment, object_id};
use eventflow_protocol::free_form::FreeForm;
use eventflow_protocol::inbox::{Channels, NamedChannels, Notification, Preferences, SetPreferences};
use eventflow_protocol::schedule::{DigestInterval, Every, Mute, QuietHours, TimeZoneName};
use eventflow_protocol::{NotificationId, ThreadId, Timestamp, UserId};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

/// A document of `notifications`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    /// The owner; of a hidden notification nobody, so that no list and no count finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    /// The owner of a hidden notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hidden_for: Option<UserId>,
    #[serde(rename = "type")]
    kind: String,
    title: String,
    message: String,
    #[serde(default)]
    data: FreeForm,
    #[serde(default)]
    thread_id: Option<ThreadId>,
    #[serde(default)]
    is_read: bool,
    #[serde(default)]
    read_at: Option<DateTime>,
    created_at: DateTime,
    /// The fingerprint of the body, if the notification has a key of its sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Binary>,
}

/// A document of `preferences`. Kinds of notifications are values, not keys, because they may hold dots.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreferencesRecord {
    #[serde(rename = "_id")]
    pub(crate) user_id: UserId,
    #[serde(default)]
    channels: Channels,
    #[serde(default)]
    types: Vec<KindRecord>,
    #[serde(default)]
    quiet_hours: QuietHours,
    #[serde(default)]
    digest: DigestRecord,
    #[serde(default)]
    time_zone: TimeZoneName,
    #[serde(default)]
    locale: String,
    #[serde(default)]
    when_away: bool,
    #[serde(default)]
    mutes: Vec<MuteRecord>,
    pub(crate) updated_at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KindRecord {
    #[serde(rename = "type")]
    kind: String,
    channels: NamedChannels,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct DigestRecord {
    every: Every,
    hour: i32,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MuteRecord {
    thread_id: ThreadId,
    until: Option<DateTime>,
}

impl From<&Notification> for NotificationRecord {
    fn from(notification: &Notification) -> Self {
        Self {
            id: object_id(notification.id),
            user_id: Some(notification.user_id.clone()).filter(|_| !notification.is_hidden),
            hidden_for: Some(notification.user_id.clone()).filter(|_| notification.is_hidden),
            kind: notification.kind.clone(),
            title: notification.title.clone(),
            message: notification.text.clone(),
            data: FreeForm(notification.data.clone()),
            thread_id: notification.thread_id,
            is_read: notification.is_read,
            read_at: notification.read_at.map(date),
            created_at: date(notification.created_at),
            body: None,
        }
    }
}

impl NotificationRecord {
    /// The notification, unless it belongs to nobody.
    pub(crate) fn into_notification(self) -> Option<Notification> {
        let record = self;
        let is_hidden = record.hidden_for.is_some();
        Some(Notification {
            id: NotificationId::from_bytes(record.id.bytes()),
            user_id: record.user_id.or(record.hidden_for)?,
            kind: record.kind,
            title: record.title,
            text: record.message,
            data: record.data.0,
            thread_id: record.thread_id,
            is_read: record.is_read,
            read_at: record.read_at.map(moment),
            created_at: moment(record.created_at),
            is_hidden,
        })
    }
}

impl From<&SetPreferences> for PreferencesRecord {
    fn from(SetPreferences { user_id, preferences }: &SetPreferences) -> Self {
        let kind =
            |(kind, named): (&String, &NamedChannels)| KindRecord { kind: kind.clone(), channels: *named };
        Self {
            user_id: user_id.clone(),
            channels: preferences.channels,
            types: preferences.types.iter().map(kind).collect(),
            quiet_hours: preferences.quiet_hours,
            digest: preferences.digest.into(),
            time_zone: preferences.time_zone.clone(),
            locale: preferences.locale.clone(),
            when_away: preferences.when_away,
            mutes: preferences.mutes.iter().copied().map(MuteRecord::from).collect(),
            updated_at: date(preferences.updated_at.unwrap_or(Timestamp(0))),
        }
    }
}

impl From<PreferencesRecord> for Preferences {
    fn from(record: PreferencesRecord) -> Self {
        let types = record.types.into_iter().map(|of| (of.kind, of.channels)).collect();
        Self {
            channels: record.channels,
            types,
            quiet_hours: record.quiet_hours,
            digest: record.digest.into(),
            time_zone: record.time_zone,
            locale: record.locale,
            when_away: record.when_away,
            mutes: record.mutes.into_iter().map(Mute::from).collect(),
            updated_at: Some(moment(record.updated_at)),
        }
    }
}

impl Default for DigestRecord {
    fn default() -> Self {
        DigestInterval::default().into()
    }
}

impl From<DigestInterval> for DigestRecord {
    fn from(DigestInterval { every, hour }: DigestInterval) -> Self {
        Self { every, hour: hour.into() }
    }
}

impl From<DigestRecord> for DigestInterval {
    fn from(DigestRecord { every, hour }: DigestRecord) -> Self {
        Self { every, hour: hour.try_into().unwrap_or_default() }
    }
}

impl From<Mute> for MuteRecord {
    fn from(Mute { thread_id, until }: Mute) -> Self {
        Self { thread_id, until: until.map(date) }
    }
}

impl From<MuteRecord> for Mute {
    fn from(MuteRecord { thread_id, until }: MuteRecord) -> Self {
        Self { thread_id, until: until.map(moment) }
    }
}
