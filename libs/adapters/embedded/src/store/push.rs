//! Push devices in the data file, and what they show.
//!
//! Safe to repeat because of a registration and a removal the later one stays: a removed device keeps its row
//! without target and owner for a while.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::StoreError;
use eventflow_ports::push_devices::{PushDevices, REMOVAL_KEPT, SHOWN_KEPT, Shown, TAGS_MAX};
use eventflow_protocol::push::{DEVICES_PER_USER_MAX, PushDevice, PushTarget, RemovePushDevice};
use eventflow_protocol::{PushDeviceId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::HashSet;
use std::time::Duration;

#[async_trait]
impl PushDevices for EmbeddedStore {
    async fn register_device(&self, device: &PushDevice) -> Result<(), StoreError> {
        let device = device.clone();
        in_time("register a device", self.database.write(move |tx| register(tx, &device))).await
    }

    async fn remove_device(&self, removal: &RemovePushDevice) -> Result<bool, StoreError> {
        let removal = removal.clone();
        in_time("remove a device", self.database.write(move |tx| remove(tx, &removal))).await
    }

    async fn device_changed_at(&self, device: PushDeviceId) -> Result<Option<Timestamp>, StoreError> {
        let read = self.database.read(move |connection| changed_at(connection, device));
        in_time("read a device", read).await
    }

    async fn devices_of(&self, user: &UserId) -> Result<Vec<PushDevice>, StoreError> {
        let user = user.clone();
        in_time("read devices", self.database.read(move |connection| devices(connection, &user))).await
    }

    async fn owners_among(&self, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        let users = users.to_vec();
        in_time("read who has devices", self.database.read(move |connection| owners(connection, users))).await
    }

    async fn note_shown(&self, shown: &[Shown]) -> Result<(), StoreError> {
        let shown = shown.to_vec();
        in_time("note pushes", self.database.write(move |tx| note(tx, &shown))).await
    }

    async fn shown(&self, user: &UserId, tag: &str) -> Result<Vec<Shown>, StoreError> {
        let (user, tag) = (user.clone(), tag.to_owned());
        in_time("read pushes", self.database.read(move |connection| self::shown(connection, &user, &tag)))
            .await
    }

    async fn shown_tags(&self, user: &UserId, prefix: &str) -> Result<Vec<String>, StoreError> {
        let (user, prefix) = (user.clone(), prefix.to_owned());
        in_time("read pushes", self.database.read(move |connection| tags(connection, &user, &prefix))).await
    }

    async fn forget_shown(&self, devices: &[PushDeviceId], tag: &str, up_to: u64) -> Result<(), StoreError> {
        let (devices, tag) = (devices.to_vec(), tag.to_owned());
        in_time("forget pushes", self.database.write(move |tx| forget(tx, &devices, &tag, up_to))).await
    }
}

fn register(connection: &Connection, device: &PushDevice) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO push_device (id, user_id, target, name, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET user_id = ?2, target = ?3, name = ?4, at = ?5 WHERE at < ?5",
    )?;
    let target = column::pack(&device.target)?;
    statement.execute(params![
        device.id.bytes(),
        device.user_id.as_str(),
        target,
        device.name,
        device.at.0
    ])?;
    let mut statement = connection.prepare_cached(
        "DELETE FROM push_shown WHERE device_id = ?1
         AND user_id IS NOT (SELECT user_id FROM push_device WHERE id = ?1)",
    )?;
    statement.execute(params![device.id.bytes()])?;
    let mut statement = connection.prepare_cached(
        "UPDATE push_device SET user_id = NULL, target = NULL, name = '' WHERE id IN
         (SELECT id FROM push_device WHERE user_id = ?1 ORDER BY at DESC, id LIMIT -1 OFFSET ?2)",
    )?;
    statement.execute(params![device.user_id.as_str(), column::integer(DEVICES_PER_USER_MAX as u64)])?;
    Ok(())
}

fn remove(connection: &Connection, removal: &RemovePushDevice) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "UPDATE push_device SET user_id = NULL, target = NULL, name = '', at = ?3
         WHERE id = ?1 AND user_id = ?2 AND at <= ?3",
    )?;
    let id = removal.device_id.bytes();
    let removed = statement.execute(params![id, removal.user_id.as_str(), removal.at.0])? == 1;
    if removed {
        connection.prepare_cached("DELETE FROM push_shown WHERE device_id = ?1")?.execute([id])?;
        let mut statement =
            connection.prepare_cached("DELETE FROM push_device WHERE user_id IS NULL AND at < ?1")?;
        statement.execute([before(removal.at, REMOVAL_KEPT)])?;
    }
    Ok(removed)
}

fn changed_at(connection: &Connection, device: PushDeviceId) -> Result<Option<Timestamp>> {
    let mut statement = connection.prepare_cached("SELECT at FROM push_device WHERE id = ?1")?;
    statement.query_row([device.bytes()], |row| column::time(row, "at")).optional()
}

fn owners(connection: &Connection, users: Vec<UserId>) -> Result<HashSet<UserId>> {
    let mut has_one = connection.prepare_cached("SELECT 1 FROM push_device WHERE user_id = ?1")?;
    let mut owners = HashSet::new();
    for user in users {
        if has_one.exists([user.as_str()])? {
            owners.insert(user);
        }
    }
    Ok(owners)
}

fn devices(connection: &Connection, user: &UserId) -> Result<Vec<PushDevice>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM push_device WHERE user_id = ?1 ORDER BY at DESC, id")?;
    statement.query_map([user.as_str()], read)?.collect()
}

fn note(connection: &Connection, shown: &[Shown]) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO push_shown (device_id, tag, user_id, push, seq, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (device_id, tag) DO UPDATE SET user_id = ?3, push = ?4, seq = ?5, at = ?6
         WHERE seq <= ?5 OR user_id <> ?3",
    )?;
    for one in shown {
        let (device, seq) = (one.device_id.bytes(), column::integer(one.seq));
        statement.execute(params![device, one.tag, one.user_id.as_str(), one.push, seq, one.at.0])?;
    }
    if let Some(latest) = shown.iter().map(|one| one.at).max() {
        let mut statement = connection.prepare_cached("DELETE FROM push_shown WHERE at < ?1")?;
        statement.execute([before(latest, SHOWN_KEPT)])?;
    }
    Ok(())
}

fn shown(connection: &Connection, user: &UserId, tag: &str) -> Result<Vec<Shown>> {
    let mut statement = connection.prepare_cached(
        "SELECT push_shown.* FROM push_device JOIN push_shown ON push_shown.device_id = push_device.id
         WHERE push_device.user_id = ?1 AND push_shown.user_id = ?1 AND push_shown.tag = ?2
         ORDER BY push_shown.device_id",
    )?;
    statement.query_map(params![user.as_str(), tag], read_shown)?.collect()
}

fn tags(connection: &Connection, user: &UserId, prefix: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT push_shown.tag FROM push_device JOIN push_shown ON push_shown.device_id = push_device.id
         WHERE push_device.user_id = ?1 AND push_shown.user_id = ?1
         AND substr(push_shown.tag, 1, length(?2)) = ?2 LIMIT ?3",
    )?;
    let limit = column::integer(TAGS_MAX as u64);
    statement.query_map(params![user.as_str(), prefix, limit], |row| row.get(0))?.collect()
}

fn forget(connection: &Connection, devices: &[PushDeviceId], tag: &str, up_to: u64) -> Result<()> {
    let mut statement = connection
        .prepare_cached("DELETE FROM push_shown WHERE device_id = ?1 AND tag = ?2 AND seq <= ?3")?;
    for device in devices {
        statement.execute(params![device.bytes(), tag, column::integer(up_to)])?;
    }
    Ok(())
}

fn before(at: Timestamp, kept: Duration) -> i64 {
    at.minus(kept).0
}

/// A row of `SELECT * FROM push_device` that has an owner.
fn read(row: &Row<'_>) -> Result<PushDevice> {
    Ok(PushDevice {
        id: PushDeviceId::from_bytes(row.get("id")?),
        user_id: column::user(row, "user_id")?,
        target: column::unpack_exactly::<PushTarget>(row, "target")?,
        name: row.get("name")?,
        at: column::time(row, "at")?,
    })
}

/// A row of `SELECT * FROM push_shown`.
fn read_shown(row: &Row<'_>) -> Result<Shown> {
    Ok(Shown {
        device_id: PushDeviceId::from_bytes(row.get("device_id")?),
        user_id: column::user(row, "user_id")?,
        tag: row.get("tag")?,
        push: row.get("push")?,
        seq: column::read_integer(row, "seq")?,
        at: column::time(row, "at")?,
    })
}
