//! Notifications and preferences.
//!
//! A notification's id follows from its command, so adding it again meets the primary key. A deleted
//! notification keeps its id, the fingerprint of its body and the time of its deletion: it belongs to nobody
//! any more, and a repetition does not bring it back. A hidden one belongs to nobody either, and names its
//! owner in another field. Preferences: a change is merged here and written over what was read, by a
//! compare-and-set on its `updatedAt`: every change moves that, forward, whatever the clock says.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::fingerprint::{binary, fingerprint};
use crate::record::inbox::{NotificationRecord, PreferencesRecord};
use crate::record::values::{date, object_id};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::inbox::Keyed;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Inbox, NotificationPage, StoreError};
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::inbox::{
    ChangeNotifications, Notification, NotificationChange, Preferences, ReadThread, SetPreferences,
};
use eventflow_protocol::preferences::{ChangePreferences, InvalidChange};
use eventflow_protocol::{NotificationId, ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::convert::Infallible;

/// Rounds that other writers may win. Each lost round is another change by the same person, so losing all of
/// them takes a person with as many devices that change something at once.
const ROUNDS_MAX: u32 = 64;

const CHANGE: &str = "change preferences";

/// The only field of a notification that says what its body was, also after its deletion.
#[derive(Deserialize)]
struct BodyRecord {
    body: Option<Binary>,
}

/// What the answer to a read thread says of a notification.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AboutRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    user_id: UserId,
    thread_id: ThreadId,
    is_read: bool,
    read_at: Option<DateTime>,
    created_at: DateTime,
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
        let mut record = NotificationRecord::from(notification);
        record.body = Some(binary(body));
        if self.notify(vec![record]).await? == [true] {
            return Ok(Keyed::Stored);
        }
        if self.body(notification.id).await? != Some(body) {
            return Ok(Keyed::KeyReused);
        }
        Ok(Keyed::Before(self.notification(&notification.user_id, notification.id).await?.map(Box::new)))
    }

    async fn change_notifications(&self, change: &ChangeNotifications) -> Result<u64, StoreError> {
        let collection = self.notifications.clone();
        let filter = change_filter(change);
        let update = change_update(change);
        let write = async move { collection.update_many(filter, update).await };
        Ok(self.calls.run("change notifications", WRITE_LIMIT, write).await?.modified_count)
    }

    async fn read_with_threads(&self, reads: &[ReadThread]) -> Result<Vec<Vec<NotificationId>>, StoreError> {
        if reads.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.about(reads).await?;
        let mut answer = Vec::with_capacity(reads.len());
        for read in reads {
            let mut of_this: Vec<&AboutRecord> = found.iter().filter(|record| record.is_for(read)).collect();
            of_this.sort_by_key(|record| Reverse((record.created_at, record.id)));
            of_this.truncate(PAGE_MAX as usize);
            let unread: Vec<ObjectId> =
                of_this.iter().filter(|record| !record.is_read).map(|record| record.id).collect();
            if !unread.is_empty() {
                self.read_with(read, unread).await?;
            }
            answer.push(of_this.iter().map(|record| NotificationId::from_bytes(record.id.bytes())).collect());
        }
        Ok(answer)
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
        Ok(found.into_iter().filter_map(NotificationRecord::into_notification).collect())
    }

    async fn notification(
        &self,
        user: &UserId,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError> {
        let user = user.as_str();
        let filter = doc! { "_id": object_id(id), "$or": [{ "userId": user }, { "hiddenFor": user }] };
        let collection = self.notifications.clone();
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a notification", READ_LIMIT, find).await?;
        Ok(found.and_then(NotificationRecord::into_notification))
    }

    async fn unread_notifications(&self, user: &UserId) -> Result<u64, StoreError> {
        let (collection, filter) =
            (self.notifications.clone(), doc! { "userId": user.as_str(), "isRead": false });
        let find = async move { collection.count_documents(filter).max_time(READ_LIMIT).await };
        Ok(self.calls.run("count notifications", READ_LIMIT, find).await?)
    }

    async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError> {
        Ok(self.preferences_record(user).await?.map(Preferences::from).unwrap_or_default())
    }

    async fn preferences_of(&self, users: &[UserId]) -> Result<HashMap<UserId, Preferences>, StoreError> {
        let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let (collection, filter) = (self.preferences.clone(), doc! { "_id": { "$in": users } });
        let find = async move {
            let find = collection.find(filter).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<PreferencesRecord>>().await
        };
        let found = self.calls.run("read preferences", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(|record| (record.user_id.clone(), record.into())).collect())
    }

    async fn set_preferences(&self, set: &SetPreferences) -> Result<(), StoreError> {
        let onto = |stored| Ok::<_, Infallible>(set.onto(&stored));
        let Ok(_) = self.write_over(&set.user_id, onto).await?;
        Ok(())
    }

    async fn change_preferences(
        &self,
        change: &ChangePreferences,
    ) -> Result<Result<Preferences, InvalidChange>, StoreError> {
        Ok(self.write_over(&change.user_id, |stored| change.change.onto(stored, change.at)).await?)
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

    /// What is told about these threads and was not read before them.
    async fn about(&self, reads: &[ReadThread]) -> Result<Vec<AboutRecord>, CallError> {
        let each: Vec<Document> = reads.iter().map(about_filter).collect();
        let collection = self.notifications.clone_with_type::<AboutRecord>();
        let find = async move {
            let shown = doc! { "userId": 1, "threadId": 1, "isRead": 1, "readAt": 1, "createdAt": 1 };
            let find = collection.find(doc! { "$or": each }).projection(shown).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("find notifications about threads", READ_LIMIT, find).await
    }

    async fn read_with(&self, read: &ReadThread, unread: Vec<ObjectId>) -> Result<(), CallError> {
        let filter = doc! { "_id": { "$in": unread }, "userId": read.user_id.as_str(), "isRead": false };
        let update = doc! { "$set": { "isRead": true, "readAt": date(read.at) } };
        let collection = self.notifications.clone();
        let write = async move { collection.update_many(filter, update).await.map(drop) };
        self.calls.run("read notifications with threads", WRITE_LIMIT, write).await
    }

    /// The fingerprint of the body of a notification that has a key, deleted or not.
    async fn body(&self, id: NotificationId) -> Result<Option<Fingerprint>, CallError> {
        let collection = self.notifications.clone_with_type::<BodyRecord>();
        let filter = doc! { "_id": object_id(id) };
        let find = async move {
            collection.find_one(filter).projection(doc! { "body": 1 }).max_time(READ_LIMIT).await
        };
        let found = self.calls.run("read a notification", READ_LIMIT, find).await?;
        Ok(found.and_then(|record| record.body.as_ref().and_then(fingerprint)))
    }

    async fn preferences_record(&self, user: &UserId) -> Result<Option<PreferencesRecord>, CallError> {
        let (collection, filter) = (self.preferences.clone(), doc! { "_id": user.as_str() });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        self.calls.run("read preferences", READ_LIMIT, find).await
    }

    /// Writes what `onto` makes of the stored preferences, unless that fails. Gives what is stored then.
    async fn write_over<E>(
        &self,
        user: &UserId,
        onto: impl Fn(Preferences) -> Result<Preferences, E>,
    ) -> Result<Result<Preferences, E>, CallError> {
        for _ in 0..ROUNDS_MAX {
            let found = self.preferences_record(user).await?;
            let known = found.as_ref().map(|record| record.updated_at);
            let preferences = match onto(found.map(Preferences::from).unwrap_or_default()) {
                Ok(preferences) => preferences,
                Err(invalid) => return Ok(Err(invalid)),
            };
            let set = SetPreferences { user_id: user.clone(), preferences };
            if self.exchange_preferences(&set, known).await? {
                return Ok(Ok(set.preferences));
            }
        }
        Err(CallError::new(CHANGE, Cause::Contended(ROUNDS_MAX)))
    }

    /// Writes over the preferences that have this time, or the first ones if there were none. `false` if
    /// somebody else has written since.
    async fn exchange_preferences(
        &self,
        set: &SetPreferences,
        known: Option<DateTime>,
    ) -> Result<bool, CallError> {
        let (collection, record) = (self.preferences.clone(), PreferencesRecord::from(set));
        let Some(known) = known else {
            let insert = async move { collection.insert_one(record).await };
            return match self.calls.run(CHANGE, WRITE_LIMIT, insert).await {
                Ok(_) => Ok(true),
                Err(error) if error.is_duplicate() => Ok(false),
                Err(error) => Err(error),
            };
        };
        let filter = doc! { "_id": set.user_id.as_str(), "updatedAt": known };
        let write = async move { collection.replace_one(filter, record).await };
        Ok(self.calls.run(CHANGE, WRITE_LIMIT, write).await?.matched_count == 1)
    }
}

impl AboutRecord {
    fn is_for(&self, read: &ReadThread) -> bool {
        let is_news = self.read_at.is_none_or(|at| at == date(read.at));
        let is_there = self.user_id == read.user_id && self.thread_id == read.thread_id;
        is_there && is_news && self.created_at < date(read.at)
    }
}

/// What is told about a thread, and was not read, or read by this very reading.
fn about_filter(read: &ReadThread) -> Document {
    doc! {
        "userId": read.user_id.as_str(),
        "threadId": read.thread_id.to_string(),
        "readAt": { "$in": [Bson::Null, Bson::DateTime(date(read.at))] },
        "createdAt": { "$lt": date(read.at) },
    }
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
        // The first condition bounds the index scan; the second takes out the notifications at that time that
        // the last page showed.
        filter.insert("createdAt", doc! { "$lte": date(at) });
        filter.insert(
            "$or",
            [doc! { "createdAt": { "$lt": date(at) } }, doc! { "_id": { "$lt": object_id(id) } }],
        );
    }
    filter
}
