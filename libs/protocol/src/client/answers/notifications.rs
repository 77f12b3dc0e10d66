//! Answers about notifications and preferences.

use crate::client::shape::{Sorted, Success, WithId};
use crate::inbox::{Notification, Preferences};
use crate::{CommandId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of the caller's inbox: `GET /notifications`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationsAnswer {
    /// The `cursor` that asks for the next page; `null` if this page was not full.
    pub next_cursor: Option<String>,
    /// The notifications, newest first.
    pub notifications: Vec<Sorted<WithId<Notification>>>,
    /// Always true.
    pub success: Success,
    /// How many notifications the caller has not read, on all pages.
    pub unread_count: u64,
}

/// How many notifications the caller has not read: `GET /notifications/unread-count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadCountAnswer {
    /// Always true.
    pub success: Success,
    /// How many notifications the caller has not read.
    pub unread_count: u64,
}

/// What became of each person's notification: `POST /notifications`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotifiedAnswer {
    /// The request was carried out before and nothing of it is new. Absent otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
    /// People whose notification was refused or could not be stored.
    pub failed: Vec<UserId>,
    /// The first of `notifications`, for requests that name one person.
    pub notification: Option<Sorted<WithId<Notification>>>,
    /// The notifications that are stored.
    pub notifications: Vec<Sorted<WithId<Notification>>>,
    /// Commands that the broker has and the store has not done yet.
    pub queued: Vec<CommandId>,
    /// Always true.
    pub success: Success,
    /// People who do not want such notifications in their inbox.
    pub unwanted: Vec<UserId>,
}

/// How many notifications changed: `POST /notifications/{id}/read`, `DELETE /notifications/{id}`, `POST
/// /notifications/read-all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountAnswer {
    /// How many notifications changed.
    pub count: u64,
    /// Always true.
    pub success: Success,
}

/// The caller's preferences: `/notifications/preferences`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreferencesAnswer {
    /// The preferences; the defaults if the caller never set any.
    pub preferences: Sorted<Preferences>,
    /// Always true.
    pub success: Success,
}
