//! The inbox port: people's notifications, and their preferences about being notified.
//!
//! Every change may be repeated. A notification's id follows from its command. Marking and deleting change
//! nothing the second time. Of two changes of preferences the one that is carried out later counts, and each
//! comes to the same the second time. [`crate::inbox_contract`] and [`crate::preferences_contract`] check
//! these promises.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::inbox::{ChangeNotifications, Notification, Preferences, ReadThread, SetPreferences};
use eventflow_protocol::preferences::{ChangePreferences, InvalidChange};
use eventflow_protocol::{NotificationId, Timestamp, UserId};
use std::collections::HashMap;

/// Selects a page of a person's notifications. The newest come first; among equal times the larger ids come
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotificationPage {
    /// Selects unread notifications only.
    pub unread_only: bool,
    /// Cursor: continue after the notification with this time and id.
    pub after: Option<(Timestamp, NotificationId)>,
    /// Offset: skip this many notifications.
    pub skip: u32,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// Result of storing a notification whose sender gave it a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Keyed {
    /// The store has stored the notification now.
    Stored,
    /// A notification with the same key and body is already stored. `None` if its owner has deleted it since.
    Before(Option<Box<Notification>>),
    /// The key already belongs to a notification with another body.
    KeyReused,
}

/// Keeps notifications and preferences.
#[async_trait]
pub trait Inbox: Send + Sync + 'static {
    /// Stores notifications. Returns for each whether it was stored now; `false` means that it existed
    /// already, or was deleted since.
    ///
    /// Deleting keeps the id, so a repeated call does not bring a deleted notification back.
    async fn add_notifications(&self, notifications: &[Notification]) -> Result<Vec<bool>, StoreError>;

    /// Stores a notification whose id follows from its sender's key, together with the fingerprint of its
    /// body, unless the id already exists.
    ///
    /// Deleting keeps the id and the fingerprint.
    async fn add_keyed_notification(
        &self,
        notification: &Notification,
        body: Fingerprint,
    ) -> Result<Keyed, StoreError>;

    /// Marks notifications as read, or deletes them. Returns how many notifications changed. Hidden ones stay
    /// as they are.
    async fn change_notifications(&self, change: &ChangeNotifications) -> Result<u64, StoreError>;

    /// Marks as read what is told about threads that people have read: in each the newest
    /// [`crate::store::PAGE_MAX`] notifications that were accepted before. Returns for each thread the
    /// notifications that were read with it, also when it is repeated.
    async fn read_with_threads(&self, reads: &[ReadThread]) -> Result<Vec<Vec<NotificationId>>, StoreError>;

    /// Reads a page of a user's notifications; those that are hidden are on no page.
    async fn notifications_of(
        &self,
        user: &UserId,
        page: NotificationPage,
    ) -> Result<Vec<Notification>, StoreError>;

    /// Reads one of a user's notifications, also a hidden one.
    async fn notification(
        &self,
        user: &UserId,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError>;

    /// Counts a user's unread notifications.
    async fn unread_notifications(&self, user: &UserId) -> Result<u64, StoreError>;

    /// Reads how a user wants to be notified; the defaults if the user never set anything.
    async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError>;

    /// Reads how these users want to be notified, in one call; those who never set anything are absent.
    async fn preferences_of(&self, users: &[UserId]) -> Result<HashMap<UserId, Preferences>, StoreError>;

    /// Replaces a user's preferences. What is stored then is later than what was, by its `updated_at`, also
    /// if a clock was ahead that accepted that.
    async fn set_preferences(&self, set: &SetPreferences) -> Result<(), StoreError>;

    /// Merges a change into a user's preferences. Returns them as they are stored then, or why the change
    /// does not fit them; then nothing is written.
    ///
    /// Changes at the same moment all count, whichever processes carry them out.
    async fn change_preferences(
        &self,
        change: &ChangePreferences,
    ) -> Result<Result<Preferences, InvalidChange>, StoreError>;
}
