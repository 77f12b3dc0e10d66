//! Notifications and preferences in the data file.
//!
//! Safe to repeat because a notification's id follows from its command, and its row stays without its content
//! when it is deleted; because marking changes only rows that are not marked; and because a change of
//! preferences comes to the same the second time.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::inbox::Keyed;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Inbox, NotificationPage, StoreError};
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::free_form::FreeForm;
use eventflow_protocol::inbox::{
    ChangeNotifications, Notification, NotificationChange, Preferences, ReadThread, SetPreferences,
};
use eventflow_protocol::preferences::{ChangePreferences, InvalidChange};
use eventflow_protocol::{NotificationId, ThreadId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, named_params, params};
use std::collections::HashMap;

#[async_trait]
impl Inbox for EmbeddedStore {
    async fn add_notifications(&self, notifications: &[Notification]) -> Result<Vec<bool>, StoreError> {
        let all = notifications.to_vec();
        let add = self
            .database
            .write(move |tx| all.iter().map(|notification| add(tx, notification, None)).collect());
        in_time("store notifications", add).await
    }

    async fn add_keyed_notification(
        &self,
        notification: &Notification,
        body: Fingerprint,
    ) -> Result<Keyed, StoreError> {
        let notification = notification.clone();
        let add = self.database.write(move |tx| add_keyed(tx, &notification, body));
        in_time("store a notification", add).await
    }

    async fn change_notifications(&self, change: &ChangeNotifications) -> Result<u64, StoreError> {
        let wanted = change.clone();
        in_time("change notifications", self.database.write(move |tx| self::change(tx, &wanted))).await
    }

    async fn read_with_threads(&self, reads: &[ReadThread]) -> Result<Vec<Vec<NotificationId>>, StoreError> {
        let wanted = reads.to_vec();
        let look = self.database.read(move |connection| {
            let each = wanted.iter().map(|read| about(connection, read));
            each.collect::<Result<Vec<_>>>()
        });
        let found = in_time("find notifications about threads", look).await?;
        // There is nothing to write as a rule: nobody waits for the writer then.
        if found.iter().any(|found| found.iter().any(|(_, is_read)| !is_read)) {
            let (wanted, found) = (reads.to_vec(), found.clone());
            let write = self.database.write(move |tx| {
                wanted.iter().zip(&found).try_for_each(|(read, found)| read_with(tx, read, found))
            });
            in_time("read notifications with threads", write).await?;
        }
        Ok(found.into_iter().map(|found| found.into_iter().map(|(id, _)| id).collect()).collect())
    }

    async fn notifications_of(
        &self,
        user: &UserId,
        page: NotificationPage,
    ) -> Result<Vec<Notification>, StoreError> {
        let user = user.clone();
        in_time(
            "list notifications",
            self.database.read(move |connection| self::page(connection, &user, page)),
        )
        .await
    }

    async fn notification(
        &self,
        user: &UserId,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError> {
        let user = user.clone();
        in_time("read a notification", self.database.read(move |connection| find(connection, &user, id)))
            .await
    }

    async fn unread_notifications(&self, user: &UserId) -> Result<u64, StoreError> {
        let user = user.clone();
        in_time("count notifications", self.database.read(move |connection| unread(connection, &user))).await
    }

    async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError> {
        let user = user.clone();
        in_time("read preferences", self.database.read(move |connection| preferences(connection, &user)))
            .await
    }

    async fn preferences_of(&self, users: &[UserId]) -> Result<HashMap<UserId, Preferences>, StoreError> {
        let users = users.to_vec();
        let read = self.database.read(move |connection| {
            let stored = |user: &UserId| {
                let found = stored_preferences(connection, user)?;
                Ok(found.map(|preferences| (user.clone(), preferences)))
            };
            users.iter().filter_map(|user| stored(user).transpose()).collect()
        });
        in_time("read preferences", read).await
    }

    async fn set_preferences(&self, set: &SetPreferences) -> Result<(), StoreError> {
        let set = set.clone();
        in_time("write preferences", self.database.write(move |tx| set_preferences(tx, &set))).await
    }

    async fn change_preferences(
        &self,
        change: &ChangePreferences,
    ) -> Result<Result<Preferences, InvalidChange>, StoreError> {
        let change = change.clone();
        in_time("change preferences", self.database.write(move |tx| change_preferences(tx, change))).await
    }
}

fn add(connection: &Connection, notification: &Notification, body: Option<Fingerprint>) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO notification (id, user_id, kind, title, text, data, thread_id, is_read, read_at, created_at, body, is_hidden)
         VALUES (:id, :user_id, :kind, :title, :text, :data, :thread_id, :is_read, :read_at, :created_at, :body, :is_hidden)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let data =
        if notification.data.is_empty() { None } else { Some(column::pack_object(&notification.data)?) };
    let rows = statement.execute(named_params! {
        ":id": notification.id.bytes(),
        ":user_id": notification.user_id.as_str(),
        ":kind": notification.kind,
        ":title": notification.title,
        ":text": notification.text,
        ":data": data,
        ":thread_id": notification.thread_id.map(|thread| thread.bytes()),
        ":is_read": notification.is_read,
        ":read_at": notification.read_at.map(|at| at.0),
        ":created_at": notification.created_at.0,
        ":body": body,
        ":is_hidden": notification.is_hidden,
    })?;
    Ok(rows == 1)
}

fn add_keyed(connection: &Connection, notification: &Notification, body: Fingerprint) -> Result<Keyed> {
    if add(connection, notification, Some(body))? {
        return Ok(Keyed::Stored);
    }
    let mut statement = connection.prepare_cached("SELECT body FROM notification WHERE id = ?1")?;
    let known: Option<Fingerprint> = statement.query_row([notification.id.bytes()], |row| row.get("body"))?;
    if known != Some(body) {
        return Ok(Keyed::KeyReused);
    }
    Ok(Keyed::Before(find(connection, &notification.user_id, notification.id)?.map(Box::new)))
}

/// Changes one notification of the person, or all that were accepted before `at`.
fn change(connection: &Connection, wanted: &ChangeNotifications) -> Result<u64> {
    let mut statement = connection.prepare_cached(match wanted.change {
        NotificationChange::Read => {
            "UPDATE notification SET is_read = 1, read_at = ?3
             WHERE user_id = ?1 AND is_deleted = 0 AND is_hidden = 0 AND is_read = 0 AND CASE WHEN ?2 IS NULL THEN created_at < ?3 ELSE id = ?2 END"
        }
        NotificationChange::Delete => {
            "UPDATE notification SET is_deleted = 1, title = '', text = '', data = NULL
             WHERE user_id = ?1 AND is_deleted = 0 AND is_hidden = 0 AND CASE WHEN ?2 IS NULL THEN created_at < ?3 ELSE id = ?2 END"
        }
    })?;
    let id = wanted.notification_id.map(|id| id.bytes());
    let rows = statement.execute(params![wanted.user_id.as_str(), id, wanted.at.0])?;
    Ok(rows as u64)
}

/// What is told about a thread and was not read before: ids, and whether this reading has read it already.
fn about(connection: &Connection, read: &ReadThread) -> Result<Vec<(NotificationId, bool)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, is_read FROM notification
         WHERE user_id = ?1 AND thread_id = ?2 AND is_deleted = 0 AND is_hidden = 0
         AND (read_at IS NULL OR read_at = ?3) AND created_at < ?3 ORDER BY created_at DESC, id DESC LIMIT ?4",
    )?;
    let values = params![read.user_id.as_str(), read.thread_id.bytes(), read.at.0, PAGE_MAX];
    let found = statement
        .query_map(values, |row| Ok((NotificationId::from_bytes(row.get("id")?), row.get("is_read")?)))?;
    found.collect()
}

fn read_with(connection: &Connection, read: &ReadThread, found: &[(NotificationId, bool)]) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE notification SET is_read = 1, read_at = ?2 WHERE id = ?1 AND is_deleted = 0 AND is_read = 0",
    )?;
    for (id, _) in found {
        statement.execute(params![id.bytes(), read.at.0])?;
    }
    Ok(())
}

fn page(connection: &Connection, user: &UserId, page: NotificationPage) -> Result<Vec<Notification>> {
    let mut statement = connection.prepare_cached(if page.unread_only {
        "SELECT * FROM notification
         WHERE user_id = ?1 AND is_deleted = 0 AND is_hidden = 0 AND is_read = 0 AND (?2 IS NULL OR (created_at, id) < (?2, ?3))
         ORDER BY created_at DESC, id DESC LIMIT ?4 OFFSET ?5"
    } else {
        "SELECT * FROM notification
         WHERE user_id = ?1 AND is_deleted = 0 AND is_hidden = 0 AND (?2 IS NULL OR (created_at, id) < (?2, ?3))
         ORDER BY created_at DESC, id DESC LIMIT ?4 OFFSET ?5"
    })?;
    let (after_at, after_id) = page.after.map(|(at, id)| (at.0, id.bytes())).unzip();
    let limit = page.limit.clamp(1, PAGE_MAX);
    statement.query_map(params![user.as_str(), after_at, after_id, limit, page.skip], read)?.collect()
}

fn find(connection: &Connection, user: &UserId, id: NotificationId) -> Result<Option<Notification>> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM notification WHERE id = ?1 AND user_id = ?2 AND is_deleted = 0")?;
    statement.query_row(params![id.bytes(), user.as_str()], read).optional()
}

fn unread(connection: &Connection, user: &UserId) -> Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT COUNT(*) AS unread FROM notification
         WHERE user_id = ?1 AND is_deleted = 0 AND is_hidden = 0 AND is_read = 0",
    )?;
    statement.query_row([user.as_str()], |row| column::read_integer(row, "unread"))
}

fn preferences(connection: &Connection, user: &UserId) -> Result<Preferences> {
    Ok(stored_preferences(connection, user)?.unwrap_or_default())
}

fn stored_preferences(connection: &Connection, user: &UserId) -> Result<Option<Preferences>> {
    let mut statement =
        connection.prepare_cached("SELECT preferences FROM preferences WHERE user_id = ?1")?;
    statement.query_row([user.as_str()], |row| column::unpack(row, "preferences")).optional()
}

/// Reads and writes. There is one writer, so nobody writes in between.
fn set_preferences(connection: &Connection, set: &SetPreferences) -> Result<()> {
    let replaced = set.onto(&preferences(connection, &set.user_id)?);
    write_preferences(connection, &set.user_id, &replaced)
}

fn write_preferences(connection: &Connection, user: &UserId, preferences: &Preferences) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO preferences (user_id, preferences, updated_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET preferences = excluded.preferences, updated_at = excluded.updated_at",
    )?;
    let at = preferences.updated_at.unwrap_or_default();
    statement.execute(params![user.as_str(), column::pack(preferences)?, at.0])?;
    Ok(())
}

/// Reads, merges and writes. There is one writer, so nobody writes in between.
fn change_preferences(
    connection: &Connection,
    ChangePreferences { user_id, change, at }: ChangePreferences,
) -> Result<Result<Preferences, InvalidChange>> {
    let preferences = match change.onto(preferences(connection, &user_id)?, at) {
        Ok(preferences) => preferences,
        Err(invalid) => return Ok(Err(invalid)),
    };
    write_preferences(connection, &user_id, &preferences)?;
    Ok(Ok(preferences))
}

/// A row of `SELECT * FROM notification`.
fn read(row: &Row<'_>) -> Result<Notification> {
    Ok(Notification {
        id: NotificationId::from_bytes(row.get("id")?),
        user_id: column::user(row, "user_id")?,
        kind: row.get("kind")?,
        title: row.get("title")?,
        text: row.get("text")?,
        data: column::unpack::<FreeForm>(row, "data")?.0,
        thread_id: row.get::<_, Option<[u8; 12]>>("thread_id")?.map(ThreadId::from_bytes),
        is_read: row.get("is_read")?,
        read_at: row.get::<_, Option<i64>>("read_at")?.map(Timestamp),
        created_at: column::time(row, "created_at")?,
        is_hidden: row.get("is_hidden")?,
    })
}
