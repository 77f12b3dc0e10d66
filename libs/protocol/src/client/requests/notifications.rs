//! Requests about notifications and preferences.

use crate::client::given::FIELD;
use crate::client::parse::InvalidRequest;
use crate::client::values::{
    ClientKey, Metadata, NamedUser, NotificationKind, NotificationText, NotificationTitle, ThreadReference,
    UserIds,
};
use crate::inbox::{Channels, KIND_MAX_BYTES, Notify, PREFERENCE_KINDS_MAX, Preferences, SenderKey};
use crate::{ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Most people told by one request.
pub const NOTIFIED_MAX: usize = 1_000;

/// `POST /notifications`: tell people something.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationBody {
    /// The people; together with `userId` at least one.
    #[serde(default)]
    pub user_ids: UserIds<NOTIFIED_MAX>,
    /// One person more.
    #[serde(default)]
    pub user_id: Option<NamedUser>,
    /// What sort of thing it is, e.g. `order_update`.
    #[serde(default, rename = "type")]
    pub kind: NotificationKind,
    /// One line.
    pub title: NotificationTitle,
    /// The text.
    #[serde(default)]
    pub message: NotificationText,
    /// The host application's free-form object.
    #[serde(default)]
    pub data: Metadata,
    /// The conversation it is about.
    #[serde(default)]
    pub thread_id: Option<ThreadReference>,
    /// The sender's own key: the same key of the same sender to the same person is the same notification.
    #[serde(default)]
    pub client_notification_id: Option<ClientKey>,
}

impl NotificationBody {
    /// One command for each person. `thread_id` is the thread that the request names, which the caller has
    /// looked at.
    pub fn into_commands(
        self,
        by: &UserId,
        thread_id: Option<ThreadId>,
        at: Timestamp,
    ) -> Result<Vec<Notify>, InvalidRequest> {
        let recipients = self.recipients()?;
        let key = self.client_notification_id.map(|key| SenderKey { by: by.clone(), key: key.into_string() });
        let template = Notify {
            user_id: by.clone(),
            kind: self.kind.into_string(),
            title: self.title.into_string(),
            text: self.message.into_string(),
            data: self.data.into_object(),
            thread_id,
            key,
            typed: None,
            at,
        };
        Ok(recipients.into_iter().map(|user_id| Notify { user_id, ..template.clone() }).collect())
    }

    /// Everybody who is to be told, once each.
    fn recipients(&self) -> Result<Vec<UserId>, InvalidRequest> {
        let mut users = self.user_ids.clone().into_ids();
        users.extend(self.user_id.iter().map(|NamedUser(id)| id.clone()));
        users.sort_unstable();
        users.dedup();
        match users.len() {
            0 => Err(InvalidRequest::new("userIds must name somebody")),
            1..=NOTIFIED_MAX => Ok(users),
            _ => Err(InvalidRequest::new(format!("userIds has more than {NOTIFIED_MAX} items"))),
        }
    }
}

/// `POST` or `PUT /notifications/preferences`: how the caller wants to be told. It replaces what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct PreferencesBody {
    /// For every kind that is not named in `types`.
    #[serde(default)]
    pub channels: ChannelsBody,
    /// By kind.
    #[serde(default)]
    pub types: ChannelsByKind,
}

impl PreferencesBody {
    /// The preferences, set at this moment.
    pub fn into_preferences(self, at: Timestamp) -> Preferences {
        let types = self.types.0.into_iter();
        Preferences {
            channels: self.channels.into(),
            types: types.map(|(kind, channels)| (kind.into_string(), channels.into())).collect(),
            updated_at: Some(at),
        }
    }
}

/// Ways to reach somebody. A channel that is not named is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelsBody {
    /// In the inbox and by event.
    pub in_app: bool,
    /// By e-mail.
    pub email: bool,
    /// To their devices.
    pub push: bool,
}

impl Default for ChannelsBody {
    fn default() -> Self {
        Self { in_app: true, email: true, push: true }
    }
}

impl From<ChannelsBody> for Channels {
    fn from(ChannelsBody { in_app, email, push }: ChannelsBody) -> Self {
        Self { in_app, email, push }
    }
}

/// Channels by kind of notification, for at most [`PREFERENCE_KINDS_MAX`] kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
pub struct ChannelsByKind(BTreeMap<NotificationKind, ChannelsBody>);

impl<'de> Deserialize<'de> for ChannelsByKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Kinds)
    }
}

struct Kinds;

impl<'de> Visitor<'de> for Kinds {
    type Value = ChannelsByKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<ChannelsByKind, A::Error> {
        if given.size_hint().is_some_and(|count| count > PREFERENCE_KINDS_MAX) {
            return Err(A::Error::custom(format_args!(
                "{FIELD} has more than {PREFERENCE_KINDS_MAX} entries"
            )));
        }
        let mut kinds = BTreeMap::new();
        while let Some(kind) = given.next_key::<String>()? {
            let kind = NotificationKind::try_from(kind).map_err(|_| {
                A::Error::custom(format_args!(
                    "a key of {FIELD} must match [a-z0-9_.:-]{{1,{KIND_MAX_BYTES}}}"
                ))
            })?;
            kinds.insert(kind, given.next_value()?);
        }
        Ok(ChannelsByKind(kinds))
    }
}
