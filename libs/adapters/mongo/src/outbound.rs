//! Windows of e-mail and push.
//!
//! A window is one document, so an item joins it and a dispatcher seals it atomically: an item is in an open
//! window or opens the next one. The row that says so is written after that, and a window that closes writes
//! the rows of its items again, so that a caller that died in between leaves nothing out. A window closes in
//! two steps: its document takes the last rows, then they move to the log and the document goes. Whoever
//! finds one that is half closed finishes it.
//!
//! Safe to repeat because the ids of rows follow from what they say. Before an item joins a window, its row
//! and the windows of its key are looked at.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::deliveries::IdRecord;
use crate::record::outbound::{
    DeliveryRecord, ItemRecord, OPEN, WindowRecord, key_of, keys_of, window_id, window_uuid,
};
use crate::record::values::{date, moment};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::outbound::ABANDONED_AFTER;
use eventflow_ports::{
    DeliveriesOf, DeliveryCount, DeliveryPage, Held, Hold, KeptMail, Outbound, StoreError, Taken,
};
use eventflow_protocol::outbound::{Channel, DeliveryEntry, WINDOW_ITEMS_MAX, Window, WindowId};
use eventflow_protocol::{Timestamp, UserId};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use mongodb::bson::{Document, Uuid, doc, serialize_to_bson};
use mongodb::options::ReturnDocument;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Windows written at the same time: half of the connections, as for notifications.
const WRITTEN_AT_ONCE: usize = 16;
/// Rounds in which a caller looks for the open window of a key, while others open and seal windows of it.
pub(crate) const ROUNDS_MAX: u32 = 8;
/// How long after its last row a half-closed window is left to whoever closes it.
const CLOSING_LIMIT: Duration = Duration::from_mins(1);

/// A window that an item has joined.
#[derive(Deserialize)]
struct JoinedRecord {
    #[serde(rename = "_id")]
    id: Uuid,
    count: i64,
}

/// Which items a window holds.
#[derive(Deserialize)]
struct ContentsRecord {
    key: String,
    items: Vec<ReferenceRecord>,
}

#[derive(Deserialize)]
struct ReferenceRecord {
    reference: String,
}

#[async_trait]
impl Outbound for MongoStore {
    async fn hold(&self, holds: &[Hold]) -> Result<Vec<Held>, StoreError> {
        Ok(self.hold_all(holds).await?)
    }

    async fn claim_due(
        &self,
        channel: Channel,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Window>, StoreError> {
        let due = self.due(channel, now, limit).await?;
        let until = now.plus(lease);
        let mut work = Vec::with_capacity(due.len());
        for id in due {
            work.push(self.claim(id, now, until));
        }
        let mut claims = iter(work).buffered(WRITTEN_AT_ONCE);
        let mut claimed = Vec::new();
        while let Some(claim) = claims.next().await {
            claimed.extend(claim?.map(WindowRecord::window));
        }
        Ok(claimed)
    }

    async fn hand_over(&self, windows: &[WindowId]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = windows.iter().copied().map(window_uuid).collect();
        let filter = doc! {
            "_id": { "$in": ids },
            "slot": { "$ne": OPEN },
            "closedWith": { "$exists": false },
            "movesTo": { "$exists": false },
        };
        let collection = self.windows.clone();
        let update = doc! { "$unset": { "claimableAt": "" } };
        let write = async move { collection.update_many(filter, update).await.map(drop) };
        Ok(self.calls.run("hand windows over", WRITE_LIMIT, write).await?)
    }

    async fn window(&self, id: WindowId) -> Result<Option<Window>, StoreError> {
        Ok(self.read_window(id).await?.map(WindowRecord::window))
    }

    async fn take_window(&self, id: WindowId, now: Timestamp, lease: Duration) -> Result<Taken, StoreError> {
        let id = window_uuid(id);
        let taken = doc! { "slot": id.to_string(), "takenUntil": date(now.plus(lease)) };
        let mut left = taken.clone();
        left.insert("left", true);
        let attempts = [(doc! { "$exists": false }, taken), (doc! { "$lte": date(now) }, left)];
        for (taken_until, set) in attempts {
            let absent = doc! { "$exists": false };
            let filter =
                doc! { "_id": id, "closedWith": &absent, "movesTo": &absent, "takenUntil": taken_until };
            if let Some(record) = self.change_window("take a window", filter, doc! { "$set": set }).await? {
                return Ok(Taken::Window(Box::new(record.window())));
            }
        }
        // What moves is sent by the window into which it moves, or claimed again.
        let holder = self.read_window(window_id(id)).await?.filter(|record| record.moves_to.is_none());
        // If its taker let go of it this moment, the next attempt gets it.
        Ok(holder.map_or(Taken::Closed, |record| Taken::Busy(record.taken_until.map_or(now, moment))))
    }

    async fn keep_mail(&self, id: WindowId, mail: Option<&KeptMail>) -> Result<(), StoreError> {
        Ok(self.change_mail(id, mail).await?)
    }

    async fn kept_mail(&self, id: WindowId) -> Result<Option<KeptMail>, StoreError> {
        Ok(self.read_mail(id).await?)
    }

    async fn release_window(&self, id: WindowId) -> Result<(), StoreError> {
        let (collection, filter) = (self.windows.clone(), doc! { "_id": window_uuid(id) });
        let update = doc! { "$unset": { "takenUntil": "" } };
        let write = async move { collection.update_one(filter, update).await.map(drop) };
        Ok(self.calls.run("release a window", WRITE_LIMIT, write).await?)
    }

    async fn postpone_window(&self, id: WindowId, until: Timestamp) -> Result<(), StoreError> {
        Ok(self.postpone(id, until).await?)
    }

    async fn hasten_windows(&self, user: &UserId, at: Timestamp) -> Result<(), StoreError> {
        let filter = doc! {
            "key": keys_of(user),
            "userId": user.as_str(),
            "claimableAt": { "$gt": date(at) },
            "closedWith": { "$exists": false },
        };
        let (collection, update) = (self.windows.clone(), doc! { "$set": { "claimableAt": date(at) } });
        let write = async move { collection.update_many(filter, update).await.map(drop) };
        Ok(self.calls.run("hasten windows", WRITE_LIMIT, write).await?)
    }

    async fn close_window(&self, id: WindowId, entries: &[DeliveryEntry]) -> Result<bool, StoreError> {
        let id = window_uuid(id);
        let last = entries.iter().map(|entry| entry.at).max().unwrap_or_default();
        let rows: Vec<DeliveryRecord> = entries.iter().map(DeliveryRecord::from).collect();
        let rows =
            serialize_to_bson(&rows).map_err(|error| CallError::driver("close a window", error.into()))?;
        let filter = doc! { "_id": id, "closedWith": { "$exists": false } };
        let again = date(last.plus(CLOSING_LIMIT));
        let closed = doc! { "$set": { "slot": id.to_string(), "closedWith": rows, "claimableAt": again } };
        let Some(record) = self.change_window("close a window", filter, closed).await? else {
            return Ok(false);
        };
        self.finish(record).await?;
        Ok(true)
    }

    async fn log_deliveries(&self, entries: &[DeliveryEntry]) -> Result<(), StoreError> {
        Ok(self.log(entries.iter().map(DeliveryRecord::from).collect()).await?)
    }

    async fn deliveries_of(
        &self,
        of: &DeliveriesOf,
        page: DeliveryPage,
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        let found = self.read_rows(of, page).await?;
        Ok(found.into_iter().map(DeliveryEntry::from).collect())
    }

    async fn count_deliveries(&self, since: Timestamp) -> Result<Vec<DeliveryCount>, StoreError> {
        Ok(self.count_rows(since).await?)
    }

    async fn forget_deliveries(&self, before: Timestamp) -> Result<u64, StoreError> {
        let old = doc! { "at": { "$lt": date(before) } };
        let rows = self.delete_some(self.deliveries.clone_with_type(), old).await?;
        let lost = doc! { "dueAt": { "$lt": date(before.minus(ABANDONED_AFTER)) } };
        Ok(rows + self.delete_some(self.windows.clone_with_type(), lost).await?)
    }
}

impl MongoStore {
    async fn hold_all(&self, holds: &[Hold]) -> Result<Vec<Held>, CallError> {
        let ids: Vec<Uuid> = holds.iter().map(row_id).collect();
        // In this order: a window that closes in between has written the rows of its items.
        let contained = self.contained(holds).await?;
        let known = self.known_rows(&ids).await?;
        let mut seen = HashSet::new();
        let mut by_window: HashMap<String, Vec<(usize, bool)>> = HashMap::new();
        for (index, (hold, id)) in holds.iter().zip(&ids).enumerate() {
            let is_new = !known.contains(id) && !contained.contains(&place_of(hold)) && seen.insert(*id);
            by_window.entry(key_of(hold)).or_default().push((index, is_new));
        }
        let mut work = Vec::with_capacity(by_window.len());
        for group in by_window.into_values() {
            work.push(self.join_in_order(holds, group));
        }
        let mut held = vec![Held::Before; holds.len()];
        let mut groups = iter(work).buffer_unordered(WRITTEN_AT_ONCE);
        while let Some(group) = groups.next().await {
            for (index, answer) in group? {
                held[index] = answer;
            }
        }
        // An item that was in a window before has its row, or gets it with the end of its window.
        let rows = holds.iter().zip(&held).filter_map(|(hold, held)| hold.row(*held));
        self.log(rows.map(|row| DeliveryRecord::from(&row)).collect()).await?;
        Ok(held)
    }

    /// Which of these items are in a window that is not closed, by its key and the item's reference.
    async fn contained(&self, holds: &[Hold]) -> Result<HashSet<(String, String)>, CallError> {
        if holds.is_empty() {
            return Ok(HashSet::new());
        }
        let keys: HashSet<String> = holds.iter().map(key_of).collect();
        let references: HashSet<String> = holds.iter().map(|hold| hold.told.about.reference()).collect();
        let filter = doc! {
            "key": { "$in": keys.into_iter().collect::<Vec<_>>() },
            "items.reference": { "$in": references.into_iter().collect::<Vec<_>>() },
        };
        let collection = self.windows.clone_with_type::<ContentsRecord>();
        let find = async move {
            let find = collection.find(filter).projection(doc! { "key": 1, "items.reference": 1 });
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("look for windows", READ_LIMIT, find).await?;
        let places = found.into_iter().flat_map(|window| {
            let ContentsRecord { key, items } = window;
            items.into_iter().map(move |item| (key.clone(), item.reference))
        });
        Ok(places.collect())
    }

    /// Puts the new ones of these items, which all have one key, into its window in their order.
    async fn join_in_order(
        &self,
        holds: &[Hold],
        group: Vec<(usize, bool)>,
    ) -> Result<Vec<(usize, Held)>, CallError> {
        let mut held = Vec::with_capacity(group.len());
        for (index, is_new) in group {
            let answer = if is_new { self.join_window(&holds[index]).await? } else { Held::Before };
            held.push((index, answer));
        }
        Ok(held)
    }

    /// Puts an item into the open window of its key, or opens one.
    async fn join_window(&self, hold: &Hold) -> Result<Held, CallError> {
        const WHAT: &str = "hold a notification";
        for _ in 0..ROUNDS_MAX {
            let (filter, update) = (join_filter(hold), join_update(hold)?);
            let collection = self.windows.clone_with_type::<JoinedRecord>();
            let write = async move {
                let write = collection.find_one_and_update(filter, update).upsert(true);
                write.return_document(ReturnDocument::After).projection(doc! { "count": 1 }).await
            };
            match self.calls.run(WHAT, WRITE_LIMIT, write).await {
                Ok(Some(JoinedRecord { id, count: 1 })) => return Ok(Held::Opened(window_id(id))),
                Ok(Some(JoinedRecord { id, .. })) => return Ok(Held::Folded(window_id(id))),
                Ok(None) => {}
                // The open window has the item or is full, or somebody else opened it this moment.
                Err(error) if error.is_duplicate() => {
                    if self.contained(std::slice::from_ref(hold)).await?.contains(&place_of(hold)) {
                        return Ok(Held::Before);
                    }
                    let full = doc! { "key": key_of(hold), "count": { "$gte": items_max() } };
                    self.seal(full, Document::new()).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(CallError::new(WHAT, Cause::Contended(ROUNDS_MAX)))
    }

    async fn due(&self, channel: Channel, now: Timestamp, limit: u32) -> Result<Vec<Uuid>, CallError> {
        let collection = self.windows.clone_with_type::<IdRecord>();
        let filter = doc! { "channel": channel.name(), "claimableAt": { "$lte": date(now) } };
        let find = async move {
            let find =
                collection.find(filter).sort(doc! { "claimableAt": 1, "_id": 1 }).limit(i64::from(limit));
            let find = find.projection(doc! { "_id": 1 }).max_time(READ_LIMIT);
            find.await?.map_ok(|record| record.id).try_collect().await
        };
        self.calls.run("look for due windows", READ_LIMIT, find).await
    }

    /// Claims one window, unless somebody else was faster. Finishes one that is half closed or half moved.
    async fn claim(
        &self,
        id: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<WindowRecord>, CallError> {
        let filter = doc! { "_id": id, "claimableAt": { "$lte": date(now) } };
        let claim = doc! { "$set": { "slot": id.to_string(), "claimableAt": date(until) } };
        match self.change_window("claim a window", filter, claim).await? {
            Some(record) if record.closed_with.is_some() => self.finish(record).await.map(|()| None),
            Some(WindowRecord { moves_to: Some(into), .. }) => {
                self.end_move(id, into, now).await.map(|()| None)
            }
            record => Ok(record),
        }
    }

    /// A window that is not closed.
    pub(crate) async fn read_window(&self, id: WindowId) -> Result<Option<WindowRecord>, CallError> {
        let filter = doc! { "_id": window_uuid(id), "closedWith": { "$exists": false } };
        let collection = self.windows.clone();
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        self.calls.run("read a window", READ_LIMIT, find).await
    }

    /// Changes one window, and gives it as it is then.
    pub(crate) async fn change_window(
        &self,
        what: &'static str,
        filter: Document,
        update: Document,
    ) -> Result<Option<WindowRecord>, CallError> {
        let collection = self.windows.clone();
        let write = async move {
            collection.find_one_and_update(filter, update).return_document(ReturnDocument::After).await
        };
        self.calls.run(what, WRITE_LIMIT, write).await
    }

    /// Moves the rows of a window that was closed to the log, and deletes it.
    async fn finish(&self, record: WindowRecord) -> Result<(), CallError> {
        let id = record.id;
        self.drop_moved(id, &record.moved).await?;
        let mut rows = record.waiting();
        rows.extend(record.closed_with.unwrap_or_default());
        self.log(rows).await?;
        let collection = self.windows.clone();
        let delete = async move { collection.delete_one(doc! { "_id": id }).await.map(drop) };
        self.calls.run("close a window", WRITE_LIMIT, delete).await
    }
}

/// The id of the row that says that this item is in a window.
fn row_id(hold: &Hold) -> Uuid {
    Uuid::from_bytes(hold.row_id().into_bytes())
}

fn place_of(hold: &Hold) -> (String, String) {
    (key_of(hold), hold.told.about.reference())
}

/// [`WINDOW_ITEMS_MAX`] as the database counts.
pub(crate) fn items_max() -> i64 {
    i64::try_from(WINDOW_ITEMS_MAX).unwrap_or(i64::MAX)
}

fn join_filter(hold: &Hold) -> Document {
    let reference = hold.told.about.reference();
    doc! {
        "key": key_of(hold),
        "slot": OPEN,
        "count": { "$lt": items_max() },
        "items.reference": { "$ne": reference },
    }
}

fn join_update(hold: &Hold) -> Result<Document, CallError> {
    let item = serialize_to_bson(&ItemRecord::from(&hold.told))
        .map_err(|error| CallError::driver("hold a notification", error.into()))?;
    Ok(doc! {
        "$push": { "items": item },
        "$inc": { "count": 1_i64 },
        "$min": { "dueAt": date(hold.due_at), "claimableAt": date(hold.due_at) },
        "$setOnInsert": {
            "_id": window_uuid(WindowId::new()),
            "userId": hold.user_id.as_str(),
            "channel": hold.channel.name(),
            "openedAt": date(hold.now),
        },
    })
}
