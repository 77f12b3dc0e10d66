//! Events about people: who is there, and what one is told outside of a conversation.

use crate::client::events::name::ServerEvent;
use crate::client::shape::WithId;
use crate::inbox::Notification;
use crate::presence::Presence;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How somebody is whom one looks at, when one begins to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PresenceSync<'a>(pub Cow<'a, Presence>);

impl ServerEvent for PresenceSync<'_> {
    const NAME: &'static str = "presence:sync";
}

/// How somebody is whom one looks at, after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PresenceUpdate<'a>(pub Cow<'a, Presence>);

impl ServerEvent for PresenceUpdate<'_> {
    const NAME: &'static str = "presence:update";
}

/// A notification is in one's inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationReceived<'a> {
    /// The notification as it is stored.
    pub notification: WithId<Cow<'a, Notification>>,
    /// How many notifications one has not read by now; absent if that is not known.
    #[serde(default, rename = "unreadCount", skip_serializing_if = "Option::is_none")]
    pub unread_count: Option<u64>,
}

impl<'a> NotificationReceived<'a> {
    /// The event for a stored notification of somebody with so many unread ones.
    pub fn of(notification: &'a Notification, unread_count: Option<u64>) -> Self {
        Self { notification: WithId(Cow::Borrowed(notification)), unread_count }
    }
}

impl ServerEvent for NotificationReceived<'_> {
    const NAME: &'static str = "notification:received";
}
