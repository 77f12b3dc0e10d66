//! The port to what keeps people's notifications, and their preferences about being notified.
//!
//! Every change may be repeated. A notification's id follows from its command, marking and deleting find what
//! they did before, and of two sets of preferences the later one counts. [`crate::inbox_contract`] is the
//! executable form.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::inbox::{ChangeNotifications, Notification, Preferences, SetPreferences};
use eventflow_protocol::{NotificationId, Timestamp, UserId};

/// Which of a person's notifications, newest first, later ids first among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationPage {
    /// Only unread ones.
    pub unread_only: bool,
    /// Continue after the one of this time and id.
    pub after: Option<(Timestamp, NotificationId)>,
    /// Pass over this many.
    pub skip: u32,
    /// 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// What storing a notification came to whose sender gave it a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Keyed {
    /// Stored now.
    Stored,
    /// Stored before, with the same body; none if its owner has deleted it.
    Before(Option<Box<Notification>>),
    /// The key stands for another body.
    KeyReused,
}

/// Keeps notifications and preferences.
#[async_trait]
pub trait Inbox: Send + Sync + 'static {
    /// Stores notifications; for each whether it was stored now (`false`: it was there, or was deleted
    /// since).
    ///
    /// Deleting keeps the id, so that a repetition does not bring a deleted notification back.
    async fn add_notifications(&self, notifications: &[Notification]) -> Result<Vec<bool>, StoreError>;

    /// Stores a notification whose id follows from its sender's key, with the fingerprint of its body, unless
    /// its id is there.
    ///
    /// Deleting keeps the id and the fingerprint.
    async fn add_keyed_notification(
        &self,
        notification: &Notification,
        body: Fingerprint,
    ) -> Result<Keyed, StoreError>;

    /// Marks as read, or deletes; how many notifications are different now.
    async fn change_notifications(&self, change: &ChangeNotifications) -> Result<u64, StoreError>;

    /// A page of somebody's notifications.
    async fn notifications_of(
        &self,
        user: &UserId,
        page: NotificationPage,
    ) -> Result<Vec<Notification>, StoreError>;

    /// One of somebody's notifications.
    async fn notification(
        &self,
        user: &UserId,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError>;

    /// How many they have not read.
    async fn unread_notifications(&self, user: &UserId) -> Result<u64, StoreError>;

    /// How somebody wants to be told; the defaults if they never said.
    async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError>;

    /// Replaces them, unless those that are there were accepted later.
    async fn set_preferences(&self, set: &SetPreferences) -> Result<(), StoreError>;
}
