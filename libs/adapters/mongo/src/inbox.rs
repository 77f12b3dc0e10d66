//! Notifications and preferences.
//!
//! A notification's key follows from its command, so adding it again meets the primary key. A deleted one keeps its key and nothing
//! else but when it was deleted: it is nobody's any more, and a repetition does not bring it back. Of two sets of preferences the later
//! one stays, decided by the filter of the write.

use crate::call::CallError;
use crate::fingerprint::{binary, fingerprint};
use crate::free_form::FreeForm;
use crate::record::{date, moment, object_id};
use crate::store::{MongoStore, READ_LIMIT, WRITE_LIMIT};
use async_trait::async_trait;
use eventflow_ports::inbox::Keyed;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Inbox, NotificationPage, StoreError};
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::inbox::{
    ChangeNotifications, Channels, Notification, NotificationChange, Preferences, SetPreferences,
};
use eventflow_protocol::{NotificationId, ThreadId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, DateTime, Document, doc};
use serde::{Deserialize, Serialize};

/// A document of `notifications`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: UserId,
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
    /// The fingerprint of a keyed one's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Binary>,
}

/// What a deleted notification keeps of its body.
#[derive(Deserialize)]
struct BodyRecord {
    body: Option<Binary>,
}

/// A document of `preferences`. Kinds are values, not keys: they may hold dots.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreferencesRecord {
    #[serde(rename = "_id")]
    user_id: UserId,
    #[serde(default)]
    channels: Channels,
    #[serde(default)]
    types: Vec<KindRecord>,
    updated_at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KindRecord {
    #[serde(rename = "type")]
    kind: String,
    channels: Channels,
}

#[async_trait]
impl Inbox for MongoStore {
    async fn add_notifications(&self, notifications: &[Notification]) -> Result<Vec<bool>, StoreError> {
        Ok(self.notify(notifications.iter().map(NotificationRecord::from).collect()).await?)
    }

    async fn add_keyed_notification(
        &self,
        notification: &Notification,
        body: Fingerprint,
    ) -> Result<Keyed, StoreError> {
        let record =
            NotificationRecord { body: Some(binary(body)), ..NotificationRecord::from(notification) };
        if self.notify(vec![record]).await? == [true] {
            return Ok(Keyed::Stored);
        }
        if self.body(notification.id).await? != Some(body) {
            return Ok(Keyed::KeyReused);
        }
        Ok(Keyed::Before(self.notification(&notification.user_id, notification.id).await?.map(Box::new)))
    }

    async fn change_notifications(&self, change: &ChangeNotifications) -> Result<u64, StoreError> {
        let (collection, filter, update) =
            (self.notifications.clone(), change_filter(change), change_update(change));
        let write = async move { collection.update_many(filter, update).await };
        Ok(self.calls.run("change notifications", WRITE_LIMIT, write).await?.modified_count)
    }

    async fn notifications_of(
        &self,
        user: &UserId,
        page: NotificationPage,
    ) -> Result<Vec<Notification>, StoreError> {
        let (collection, filter) = (self.notifications.clone(), page_filter(user, &page));
        let limit = page.limit.clamp(1, PAGE_MAX);
        let find = async move {
            let find = collection.find(filter).sort(doc! { "createdAt": -1, "_id": -1 });
            let find = find
                .skip(u64::from(page.skip))
                .limit(i64::from(limit))
                .batch_size(limit)
                .max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list notifications", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(Notification::from).collect())
    }

    async fn notification(
        &self,
        user: &UserId,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError> {
        let filter = doc! { "_id": object_id(id), "userId": user.as_str() };
        let collection = self.notifications.clone();
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        Ok(self.calls.run("read a notification", READ_LIMIT, find).await?.map(Notification::from))
    }

    async fn unread_notifications(&self, user: &UserId) -> Result<u64, StoreError> {
        let (collection, filter) =
            (self.notifications.clone(), doc! { "userId": user.as_str(), "isRead": false });
        let find = async move { collection.count_documents(filter).max_time(READ_LIMIT).await };
        Ok(self.calls.run("count notifications", READ_LIMIT, find).await?)
    }

    async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError> {
        let (collection, filter) = (self.preferences.clone(), doc! { "_id": user.as_str() });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read preferences", READ_LIMIT, find).await?;
        Ok(found.map(Preferences::from).unwrap_or_default())
    }

    async fn set_preferences(&self, set: &SetPreferences) -> Result<(), StoreError> {
        match self.replace_preferences(set, true).await {
            // There are some: accepted later, so that the filter did not find them, or set at this moment.
            Err(error) if error.is_duplicate() => Ok(self.replace_preferences(set, false).await?),
            done => Ok(done?),
        }
    }
}

impl MongoStore {
    async fn notify(&self, records: Vec<NotificationRecord>) -> Result<Vec<bool>, CallError> {
        let mut added = vec![true; records.len()];
        if records.is_empty() {
            return Ok(added);
        }
        let collection = self.notifications.clone();
        let insert = async move { collection.insert_many(records).ordered(false).await.map(drop) };
        if let Err(error) = self.calls.run("add notifications", WRITE_LIMIT, insert).await {
            for index in error.duplicates().ok_or(error)? {
                added[index] = false;
            }
        }
        Ok(added)
    }

    /// The fingerprint of a keyed notification, deleted or not.
    async fn body(&self, id: NotificationId) -> Result<Option<Fingerprint>, CallError> {
        let collection = self.notifications.clone_with_type::<BodyRecord>();
        let filter = doc! { "_id": object_id(id) };
        let find = async move {
            collection.find_one(filter).projection(doc! { "body": 1 }).max_time(READ_LIMIT).await
        };
        let found = self.calls.run("read a notification", READ_LIMIT, find).await?;
        Ok(found.and_then(|record| record.body.as_ref().and_then(fingerprint)))
    }

    /// Replaces preferences that are not later than these; without any it makes them, if `upsert`.
    async fn replace_preferences(&self, set: &SetPreferences, upsert: bool) -> Result<(), CallError> {
        let record = PreferencesRecord::from(set);
        let filter = doc! { "_id": set.user_id.as_str(), "updatedAt": { "$lte": record.updated_at } };
        let collection = self.preferences.clone();
        let write = async move { collection.replace_one(filter, record).upsert(upsert).await.map(drop) };
        self.calls.run("set preferences", WRITE_LIMIT, write).await
    }
}

/// Somebody's notifications by age, and those they have not read.
pub(crate) fn notification_indexes() -> [IndexModel; 2] {
    [
        doc! { "userId": 1, "createdAt": -1, "_id": -1 },
        doc! { "userId": 1, "isRead": 1, "createdAt": -1, "_id": -1 },
    ]
    .map(|keys| IndexModel::builder().keys(keys).build())
}

fn change_filter(change: &ChangeNotifications) -> Document {
    let mut filter = doc! { "userId": change.user_id.as_str() };
    match change.notification_id {
        Some(id) => filter.insert("_id", object_id(id)),
        None => filter.insert("createdAt", doc! { "$lt": date(change.at) }),
    };
    if change.change == NotificationChange::Read {
        filter.insert("isRead", false);
    }
    filter
}

fn change_update(change: &ChangeNotifications) -> Document {
    match change.change {
        NotificationChange::Read => doc! { "$set": { "isRead": true, "readAt": date(change.at) } },
        NotificationChange::Delete => {
            let fields =
                ["userId", "type", "title", "message", "data", "threadId", "isRead", "readAt", "createdAt"];
            let unset: Document = fields.into_iter().map(|field| (field.to_owned(), "".into())).collect();
            doc! { "$unset": unset, "$set": { "deletedAt": date(change.at) } }
        }
    }
}

fn page_filter(user: &UserId, page: &NotificationPage) -> Document {
    let mut filter = doc! { "userId": user.as_str() };
    if page.unread_only {
        filter.insert("isRead", false);
    }
    if let Some((at, id)) = page.after {
        // The first condition bounds the index scan, the second one takes out what stands before the cursor at that time.
        filter.insert("createdAt", doc! { "$lte": date(at) });
        filter.insert(
            "$or",
            [doc! { "createdAt": { "$lt": date(at) } }, doc! { "_id": { "$lt": object_id(id) } }],
        );
    }
    filter
}

impl From<&Notification> for NotificationRecord {
    fn from(notification: &Notification) -> Self {
        Self {
            id: object_id(notification.id),
            user_id: notification.user_id.clone(),
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

impl From<NotificationRecord> for Notification {
    fn from(record: NotificationRecord) -> Self {
        Self {
            id: NotificationId::from_bytes(record.id.bytes()),
            user_id: record.user_id,
            kind: record.kind,
            title: record.title,
            text: record.message,
            data: record.data.0,
            thread_id: record.thread_id,
            is_read: record.is_read,
            read_at: record.read_at.map(moment),
            created_at: moment(record.created_at),
        }
    }
}

impl From<&SetPreferences> for PreferencesRecord {
    fn from(SetPreferences { user_id, preferences }: &SetPreferences) -> Self {
        let kind =
            |(kind, channels): (&String, &Channels)| KindRecord { kind: kind.clone(), channels: *channels };
        Self {
            user_id: user_id.clone(),
            channels: preferences.channels,
            types: preferences.types.iter().map(kind).collect(),
            updated_at: date(preferences.updated_at.unwrap_or(Timestamp(0))),
        }
    }
}

impl From<PreferencesRecord> for Preferences {
    fn from(record: PreferencesRecord) -> Self {
        let types = record.types.into_iter().map(|of| (of.kind, of.channels)).collect();
        Self { channels: record.channels, types, updated_at: Some(moment(record.updated_at)) }
    }
}
