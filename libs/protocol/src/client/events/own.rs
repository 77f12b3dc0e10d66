//! Events about what one did oneself, for one's other devices: notifications read or deleted, preferences,
//! drafts, how one wants to be seen.

use crate::client::answers::{ShownDraft, ShownScheduled};
use crate::client::events::name::ServerEvent;
use crate::client::shape::Sorted;
use crate::inbox::{NotificationChange, Preferences};
use crate::presence::Status;
use crate::{NotificationId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One has read or deleted notifications, on any of one's devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationUpdated {
    /// What happened to them.
    pub action: NotificationAction,
    /// The notification; `null` for all that were created before `updatedAt`.
    pub notification_id: Option<NotificationId>,
    /// How many notifications one has not read by now; `null` if that is not known.
    pub unread_count: Option<u64>,
    /// When the request was accepted.
    pub updated_at: Timestamp,
}

impl ServerEvent for NotificationUpdated {
    const NAME: &'static str = "notification:updated";
}

/// What happened to notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationAction {
    /// They are marked as read.
    Read,
    /// They are gone.
    Deleted,
}

impl From<NotificationChange> for NotificationAction {
    fn from(change: NotificationChange) -> Self {
        match change {
            NotificationChange::Read => Self::Read,
            NotificationChange::Delete => Self::Deleted,
        }
    }
}

/// One has set how one wants to be notified, on any of one's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreferencesUpdated<'a> {
    /// The preferences as they are stored.
    pub preferences: Sorted<Cow<'a, Preferences>>,
}

impl ServerEvent for PreferencesUpdated<'_> {
    const NAME: &'static str = "preferences:updated";
}

/// One has saved or deleted a draft, on any of one's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DraftUpdated {
    /// The draft as it is stored; its content is empty if it was deleted. A device that knows a higher
    /// revision passes the event over.
    pub draft: ShownDraft,
}

impl ServerEvent for DraftUpdated {
    const NAME: &'static str = "draft:updated";
}

/// A message of one's own waits for its time, was changed, or waits no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledUpdated {
    /// The message, and how far it has come.
    pub scheduled: ShownScheduled,
}

impl ServerEvent for ScheduledUpdated {
    const NAME: &'static str = "scheduled:updated";
}

/// One has chosen how one wants to be seen, on any of one's devices, for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresenceChosen {
    /// `away`, or `online` if one wants to be shown as one is.
    pub status: Status,
    /// When the choice was made.
    pub updated_at: Timestamp,
}

impl ServerEvent for PresenceChosen {
    const NAME: &'static str = "presence:chosen";
}
