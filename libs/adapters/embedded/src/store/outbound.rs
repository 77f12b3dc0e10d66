//! Windows of e-mail and push, and the delivery log, in the data file.
//!
//! Each change is one transaction of the only writer, so an item and its row of the log are stored together
//! or not at all. Safe to repeat because a row's id follows from what it says: an item whose row exists is in
//! a window already, and a window that is gone is closed.

use super::{EmbeddedStore, column, in_time, kept_mail};
use async_trait::async_trait;
use eventflow_ports::outbound::ABANDONED_AFTER;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{
    DeliveriesOf, DeliveryCount, DeliveryPage, Held, Hold, KeptMail, Outbound, StoreError, Taken,
};
use eventflow_protocol::client::answers::DeliveryWord;
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, Reason, Told, WINDOW_ITEMS_MAX, Window, WindowId,
};
use eventflow_protocol::{Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Items held in one transaction: a few milliseconds, so that a message to a large thread lets others pass.
const HELD_AT_ONCE: usize = 100;
/// Rows deleted in one transaction: a few milliseconds, during which no message is stored.
const FORGOTTEN_AT_ONCE: i64 = 2_000;

const HASTEN: &str = "UPDATE outbound_window SET claimable_at = ?2 WHERE user_id = ?1 AND claimable_at > ?2";

#[async_trait]
impl Outbound for EmbeddedStore {
    async fn hold(&self, holds: &[Hold]) -> Result<Vec<Held>, StoreError> {
        let mut answers = Vec::with_capacity(holds.len());
        for some in holds.chunks(HELD_AT_ONCE) {
            let some = some.to_vec();
            let hold = self
                .database
                .write(move |tx| some.iter().map(|hold| hold_one(tx, hold)).collect::<Result<Vec<_>>>());
            answers.extend(in_time("hold notifications", hold).await?);
        }
        Ok(answers)
    }

    async fn claim_due(
        &self,
        channel: Channel,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Window>, StoreError> {
        let claim = self.database.write(move |tx| claim(tx, channel, now, lease, limit));
        in_time("claim windows", claim).await
    }

    async fn hand_over(&self, windows: &[WindowId]) -> Result<(), StoreError> {
        let windows = windows.to_vec();
        in_time("hand windows over", self.database.write(move |tx| hand_over(tx, &windows))).await
    }

    async fn window(&self, id: WindowId) -> Result<Option<Window>, StoreError> {
        in_time("read a window", self.database.read(move |connection| window(connection, id))).await
    }

    async fn take_window(&self, id: WindowId, now: Timestamp, lease: Duration) -> Result<Taken, StoreError> {
        in_time("take a window", self.database.write(move |tx| take(tx, id, now, lease))).await
    }

    async fn keep_mail(&self, id: WindowId, mail: Option<&KeptMail>) -> Result<(), StoreError> {
        let mail = mail.cloned();
        let keep = self.database.write(move |tx| kept_mail::keep(tx, id, mail.as_ref()));
        in_time("keep a mail", keep).await
    }

    async fn kept_mail(&self, id: WindowId) -> Result<Option<KeptMail>, StoreError> {
        in_time("read a mail", self.database.read(move |connection| kept_mail::kept(connection, id))).await
    }

    async fn release_window(&self, id: WindowId) -> Result<(), StoreError> {
        in_time("release a window", self.database.write(move |tx| release(tx, id))).await
    }

    async fn postpone_window(&self, id: WindowId, until: Timestamp) -> Result<(), StoreError> {
        in_time("postpone a window", self.database.write(move |tx| postpone(tx, id, until))).await
    }

    async fn hasten_windows(&self, user: &UserId, at: Timestamp) -> Result<(), StoreError> {
        let user = user.clone();
        in_time("hasten windows", self.database.write(move |tx| hasten(tx, &user, at))).await
    }

    async fn close_window(&self, id: WindowId, entries: &[DeliveryEntry]) -> Result<bool, StoreError> {
        let entries = entries.to_vec();
        in_time("close a window", self.database.write(move |tx| close(tx, id, &entries))).await
    }

    async fn log_deliveries(&self, entries: &[DeliveryEntry]) -> Result<(), StoreError> {
        let entries = entries.to_vec();
        in_time("log deliveries", self.database.write(move |tx| log(tx, &entries))).await
    }

    async fn deliveries_of(
        &self,
        of: &DeliveriesOf,
        page: DeliveryPage,
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        let of = of.clone();
        in_time("list deliveries", self.database.read(move |connection| self::page(connection, &of, page)))
            .await
    }

    async fn count_deliveries(&self, since: Timestamp) -> Result<Vec<DeliveryCount>, StoreError> {
        in_time("count deliveries", self.database.read(move |connection| count(connection, since))).await
    }

    async fn forget_deliveries(&self, before: Timestamp) -> Result<u64, StoreError> {
        in_time("forget deliveries", self.database.write(move |tx| forget(tx, before))).await
    }
}

fn hold_one(connection: &Connection, hold: &Hold) -> Result<Held> {
    let mut known = connection.prepare_cached("SELECT 1 FROM delivery WHERE id = ?1")?;
    if known.exists([hold.row_id().into_bytes()])? {
        return Ok(Held::Before);
    }
    let (id, is_new) = match open_window(connection, hold)? {
        Some((id, count)) if count < WINDOW_ITEMS_MAX as u64 => (id, false),
        full => {
            if let Some((id, _)) = full {
                seal(connection, id)?;
            }
            (new_window(connection, hold)?, true)
        }
    };
    fold(connection, id, hold)?;
    let taken_in = if is_new { Held::Opened(id) } else { Held::Folded(id) };
    log(connection, hold.row(taken_in).as_slice())?;
    Ok(taken_in)
}

/// The open window of an item's key, and how many items it has.
fn open_window(connection: &Connection, hold: &Hold) -> Result<Option<(WindowId, u64)>> {
    let mut find = connection.prepare_cached(
        "SELECT id, item_count FROM outbound_window
         WHERE user_id = ?1 AND channel = ?2 AND key = ?3 AND is_open = 1",
    )?;
    let key = hold.told.window_key(hold.channel);
    let found = |row: &Row<'_>| Ok((window_id(row)?, column::read_integer(row, "item_count")?));
    find.query_row(params![hold.user_id.as_str(), hold.channel.name(), key], found).optional()
}

/// Lets an open window take nothing more in.
fn seal(connection: &Connection, id: WindowId) -> Result<()> {
    let mut seal = connection.prepare_cached("UPDATE outbound_window SET is_open = 0 WHERE id = ?1")?;
    seal.execute([id.0.into_bytes()]).map(drop)
}

fn new_window(connection: &Connection, hold: &Hold) -> Result<WindowId> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO outbound_window (id, user_id, channel, key, opened_at, due_at, claimable_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )?;
    let (id, key) = (WindowId::new(), hold.told.window_key(hold.channel));
    let (user, channel) = (hold.user_id.as_str(), hold.channel.name());
    insert.execute(params![id.0.into_bytes(), user, channel, key, hold.now.0, hold.due_at.0])?;
    Ok(id)
}

/// Adds the item to this open window.
fn fold(connection: &Connection, id: WindowId, hold: &Hold) -> Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO outbound_item (window_id, place, told)
         SELECT id, item_count, ?2 FROM outbound_window WHERE id = ?1",
    )?;
    add.execute(params![id.0.into_bytes(), column::pack(&hold.told)?])?;
    let mut count = connection.prepare_cached(
        "UPDATE outbound_window SET item_count = item_count + 1, due_at = MIN(due_at, ?2),
         claimable_at = MIN(claimable_at, ?2) WHERE id = ?1",
    )?;
    count.execute(params![id.0.into_bytes(), hold.due_at.0])?;
    Ok(())
}

fn claim(
    connection: &Connection,
    channel: Channel,
    now: Timestamp,
    lease: Duration,
    limit: u32,
) -> Result<Vec<Window>> {
    let mut due = connection.prepare_cached(
        "SELECT id FROM outbound_window WHERE channel = ?1 AND claimable_at <= ?2
         ORDER BY claimable_at, id LIMIT ?3",
    )?;
    let mut claim = connection.prepare_cached(
        "UPDATE outbound_window SET is_open = MIN(is_open, 0), claimable_at = ?2 WHERE id = ?1",
    )?;
    let due = due.query_map(params![channel.name(), now.0, limit], window_id)?;
    let due: Vec<WindowId> = due.collect::<Result<_>>()?;
    let mut claimed = Vec::with_capacity(due.len());
    for id in due {
        claim.execute(params![id.0.into_bytes(), now.plus(lease).0])?;
        claimed.extend(window(connection, id)?);
    }
    Ok(claimed)
}

fn hand_over(connection: &Connection, windows: &[WindowId]) -> Result<()> {
    let mut note = connection
        .prepare_cached("UPDATE outbound_window SET claimable_at = NULL WHERE id = ?1 AND is_open != 1")?;
    windows.iter().try_for_each(|id| note.execute([id.0.into_bytes()]).map(drop))
}

fn take(connection: &Connection, id: WindowId, now: Timestamp, lease: Duration) -> Result<Taken> {
    let mut holder = connection.prepare_cached("SELECT taken_until FROM outbound_window WHERE id = ?1")?;
    let until: Option<Option<i64>> =
        holder.query_row([id.0.into_bytes()], |row| row.get("taken_until")).optional()?;
    match until {
        None => return Ok(Taken::Closed),
        Some(Some(until)) if until > now.0 => return Ok(Taken::Busy(Timestamp(until))),
        Some(_) => {}
    }
    // Whoever had it last did not let go of it: its mail may have been sent.
    let mut take = connection.prepare_cached(
        "UPDATE outbound_window SET taken_until = ?2,
         is_open = CASE WHEN taken_until IS NULL THEN MIN(is_open, 0) ELSE -1 END WHERE id = ?1",
    )?;
    take.execute(params![id.0.into_bytes(), now.plus(lease).0])?;
    Ok(window(connection, id)?.map_or(Taken::Closed, |window| Taken::Window(Box::new(window))))
}

fn release(connection: &Connection, id: WindowId) -> Result<()> {
    let mut release =
        connection.prepare_cached("UPDATE outbound_window SET taken_until = NULL WHERE id = ?1")?;
    release.execute([id.0.into_bytes()]).map(drop)
}

fn postpone(connection: &Connection, id: WindowId, until: Timestamp) -> Result<()> {
    // What was opened meanwhile, if anything: it is not on its way, since it is open.
    let mut find = connection.prepare_cached(
        "SELECT other.id, other.item_count + own.item_count AS item_count
         FROM outbound_window own JOIN outbound_window other USING (user_id, channel, key)
         WHERE own.id = ?1 AND own.is_open != -1 AND own.mail IS NULL AND other.id != own.id AND other.is_open = 1",
    )?;
    let found = |row: &Row<'_>| Ok((window_id(row)?, column::read_integer(row, "item_count")?));
    if let Some((other, both)) = find.query_row([id.0.into_bytes()], found).optional()? {
        seal(connection, other)?;
        if both <= WINDOW_ITEMS_MAX as u64 {
            merge(connection, other, id)?;
        }
    }
    let mut postpone = connection.prepare_cached(
        "UPDATE outbound_window SET claimable_at = ?2, taken_until = NULL,
         is_open = CASE WHEN is_open = -1 OR mail IS NOT NULL THEN is_open ELSE 1 END WHERE id = ?1",
    )?;
    postpone.execute(params![id.0.into_bytes(), until.0]).map(drop)
}

/// Moves the items of one window behind those of another, and deletes it.
fn merge(connection: &Connection, from: WindowId, into: WindowId) -> Result<()> {
    let (from, into) = (from.0.into_bytes(), into.0.into_bytes());
    let mut items = connection.prepare_cached(
        "UPDATE outbound_item SET window_id = ?2,
         place = place + (SELECT item_count FROM outbound_window WHERE id = ?2) WHERE window_id = ?1",
    )?;
    items.execute(params![from, into])?;
    let mut count = connection.prepare_cached(
        "UPDATE outbound_window SET
         item_count = item_count + (SELECT item_count FROM outbound_window WHERE id = ?1),
         opened_at = MIN(opened_at, (SELECT opened_at FROM outbound_window WHERE id = ?1)) WHERE id = ?2",
    )?;
    count.execute(params![from, into])?;
    connection.prepare_cached("DELETE FROM outbound_window WHERE id = ?1")?.execute([from]).map(drop)
}

fn hasten(connection: &Connection, user: &UserId, at: Timestamp) -> Result<()> {
    let mut hasten = connection.prepare_cached(HASTEN)?;
    hasten.execute(params![user.as_str(), at.0]).map(drop)
}

fn close(connection: &Connection, id: WindowId, entries: &[DeliveryEntry]) -> Result<bool> {
    let mut close = connection.prepare_cached("DELETE FROM outbound_window WHERE id = ?1")?;
    if close.execute([id.0.into_bytes()])? == 0 {
        return Ok(false);
    }
    connection
        .prepare_cached("DELETE FROM outbound_item WHERE window_id = ?1")?
        .execute([id.0.into_bytes()])?;
    log(connection, entries)?;
    Ok(true)
}

fn log(connection: &Connection, entries: &[DeliveryEntry]) -> Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO delivery (id, user_id, reference, at, entry) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO NOTHING",
    )?;
    for entry in entries {
        let (user, reference) = (entry.user_id.as_str(), entry.about.reference());
        add.execute(params![entry.id.into_bytes(), user, reference, entry.at.0, column::pack(entry)?])?;
    }
    Ok(())
}

fn page(connection: &Connection, of: &DeliveriesOf, page: DeliveryPage) -> Result<Vec<DeliveryEntry>> {
    let (column, value) = match of {
        DeliveriesOf::User(user) => ("user_id", user.to_string()),
        DeliveriesOf::Notification(id) => {
            ("reference", About::Notification { notification_id: *id }.reference())
        }
    };
    let mut list = connection.prepare_cached(&format!(
        "SELECT entry FROM delivery WHERE {column} = ?1 AND (?2 IS NULL OR (at, id) < (?2, ?3))
         ORDER BY at DESC, id DESC LIMIT ?4",
    ))?;
    let (at, id) = page.after.map(|(at, id)| (at.0, id.into_bytes())).unzip();
    let limit = page.limit.clamp(1, PAGE_MAX);
    list.query_map(params![value, at, id, limit], |row| column::unpack_exactly(row, "entry"))?.collect()
}

fn count(connection: &Connection, since: Timestamp) -> Result<Vec<DeliveryCount>> {
    let mut list = connection.prepare_cached("SELECT entry FROM delivery WHERE at >= ?1")?;
    let mut counts: HashMap<(Channel, &'static str, Option<Reason>), DeliveryCount> = HashMap::new();
    for entry in list.query_map([since.0], |row| column::unpack_exactly::<DeliveryEntry>(row, "entry"))? {
        let DeliveryEntry { channel, outcome, .. } = entry?;
        let reason = match outcome {
            DeliveryOutcome::Suppressed { reason } => Some(reason),
            _ => None,
        };
        let outcome = DeliveryWord::from(&outcome);
        let key = (channel, outcome.name(), reason);
        counts.entry(key).or_insert(DeliveryCount { channel, outcome, reason, rows: 0 }).rows += 1;
    }
    Ok(counts.into_values().collect())
}

fn forget(connection: &Connection, before: Timestamp) -> Result<u64> {
    let rows = connection
        .prepare_cached("DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE at < ?1 LIMIT ?2)")?
        .execute(params![before.0, FORGOTTEN_AT_ONCE])?;
    let mut lost = connection.prepare_cached("SELECT id FROM outbound_window WHERE due_at < ?1 LIMIT ?2")?;
    let lost = lost.query_map(params![before.minus(ABANDONED_AFTER).0, FORGOTTEN_AT_ONCE], window_id)?;
    let lost: Vec<WindowId> = lost.collect::<Result<_>>()?;
    for id in &lost {
        close(connection, *id, &[])?;
    }
    Ok((rows + lost.len()) as u64)
}

fn window(connection: &Connection, id: WindowId) -> Result<Option<Window>> {
    let mut find = connection.prepare_cached("SELECT * FROM outbound_window WHERE id = ?1")?;
    find.query_row([id.0.into_bytes()], |row| read(row, items(connection, id)?)).optional()
}

fn items(connection: &Connection, id: WindowId) -> Result<Vec<Told>> {
    let mut items =
        connection.prepare_cached("SELECT told FROM outbound_item WHERE window_id = ?1 ORDER BY place")?;
    items.query_map([id.0.into_bytes()], |row| column::unpack_exactly(row, "told"))?.collect()
}

/// A row of `SELECT * FROM outbound_window`.
fn read(row: &Row<'_>, items: Vec<Told>) -> Result<Window> {
    let channel = column::channel(row, "channel")?;
    Ok(Window {
        id: window_id(row)?,
        user_id: column::user(row, "user_id")?,
        channel,
        thread_id: Window::thread_of(channel, items.first()),
        opened_at: column::time(row, "opened_at")?,
        due_at: column::time(row, "due_at")?,
        more: column::read_integer(row, "item_count")?.saturating_sub(items.len() as u64),
        items,
    })
}

fn window_id(row: &Row<'_>) -> Result<WindowId> {
    Ok(WindowId(Uuid::from_bytes(row.get("id")?)))
}

#[cfg(test)]
mod tests {
    use super::HASTEN;
    use crate::{Database, EmbeddedStore};

    #[tokio::test]
    async fn what_waits_for_a_person_is_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let store = EmbeddedStore::open(database.clone()).await.unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {HASTEN}");
        let plan = database.read(move |connection| {
            connection.query_row(&explain, ("ann", 0), |row| row.get::<_, String>("detail"))
        });
        let plan = plan.await.unwrap();
        assert!(plan.contains("outbound_window_by_user (user_id=? AND claimable_at>?)"), "{plan}");
        drop(store);
    }
}
