//! The delivery log: what became of everything that somebody was to be told by e-mail and push.
//!
//! Safe to repeat because a row's id follows from what it says: adding it again meets the primary key.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::outbound::DeliveryRecord;
use crate::record::values::date;
use crate::store::MongoStore;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{DeliveriesOf, DeliveryCount, DeliveryPage};
use eventflow_protocol::Timestamp;
use eventflow_protocol::client::answers::DeliveryWord;
use eventflow_protocol::outbound::{About, Channel, Reason};
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, Uuid, doc};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// Documents deleted in one call: far less than a call may take.
const FORGOTTEN_AT_ONCE: i64 = 5_000;

/// The id of a document.
#[derive(Deserialize)]
pub(crate) struct IdRecord {
    #[serde(rename = "_id")]
    pub(crate) id: Uuid,
}

/// How many rows say the same.
#[derive(Deserialize)]
struct CountRecord {
    #[serde(rename = "_id")]
    id: CountedRecord,
    rows: i64,
}

/// What the rows say.
#[derive(Deserialize)]
struct CountedRecord {
    channel: Channel,
    outcome: DeliveryWord,
    reason: Option<Reason>,
}

impl MongoStore {
    /// Adds rows to the log, except those that it has.
    pub(crate) async fn log(&self, rows: Vec<DeliveryRecord>) -> Result<(), CallError> {
        // An insert names each id once; the server would refuse the second of two in one batch.
        let mut rows: HashMap<Uuid, DeliveryRecord> =
            rows.into_iter().rev().map(|row| (row.id, row)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let rows: Vec<DeliveryRecord> = rows.drain().map(|(_, row)| row).collect();
        let collection = self.deliveries.clone();
        let insert = async move { collection.insert_many(rows).ordered(false).await.map(drop) };
        match self.calls.run("log deliveries", WRITE_LIMIT, insert).await {
            Err(error) if error.duplicates().is_some() => Ok(()),
            done => done,
        }
    }

    /// Which of these rows the log has.
    pub(crate) async fn known_rows(&self, ids: &[Uuid]) -> Result<HashSet<Uuid>, CallError> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let collection = self.deliveries.clone_with_type::<IdRecord>();
        let filter = doc! { "_id": { "$in": ids } };
        let find = async move {
            let find = collection.find(filter).projection(doc! { "_id": 1 }).max_time(READ_LIMIT);
            find.await?.map_ok(|record| record.id).try_collect().await
        };
        self.calls.run("look for deliveries", READ_LIMIT, find).await
    }

    /// A page of the log.
    pub(crate) async fn read_rows(
        &self,
        of: &DeliveriesOf,
        page: DeliveryPage,
    ) -> Result<Vec<DeliveryRecord>, CallError> {
        let (collection, filter) = (self.deliveries.clone(), page_filter(of, page));
        let limit = page.limit.clamp(1, PAGE_MAX);
        let find = async move {
            let find = collection.find(filter).sort(doc! { "at": -1, "_id": -1 });
            let find = find.limit(i64::from(limit)).batch_size(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("list deliveries", READ_LIMIT, find).await
    }

    /// Counts rows by what they say. The outcome is a document of one field, whose name is the outcome.
    pub(crate) async fn count_rows(&self, since: Timestamp) -> Result<Vec<DeliveryCount>, CallError> {
        let collection = self.deliveries.clone();
        let stages = [
            doc! { "$match": { "at": { "$gte": date(since) } } },
            doc! { "$project": { "channel": 1, "outcome": { "$first": { "$objectToArray": "$outcome" } } } },
            doc! { "$group": {
                "_id": { "channel": "$channel", "outcome": "$outcome.k", "reason": "$outcome.v.reason" },
                "rows": { "$sum": 1_i64 },
            } },
        ];
        let aggregate = async move {
            let groups = collection.aggregate(stages).max_time(READ_LIMIT).await?.with_type::<CountRecord>();
            groups.try_collect::<Vec<_>>().await
        };
        let groups = self.calls.run("count deliveries", READ_LIMIT, aggregate).await?;
        let count = |CountRecord { id, rows }: CountRecord| DeliveryCount {
            channel: id.channel,
            outcome: id.outcome,
            reason: id.reason,
            rows: u64::try_from(rows).unwrap_or_default(),
        };
        Ok(groups.into_iter().map(count).collect())
    }

    /// Deletes documents that match, a bounded number of them.
    pub(crate) async fn delete_some(
        &self,
        collection: Collection<IdRecord>,
        filter: Document,
    ) -> Result<u64, CallError> {
        let delete = async move {
            let find = collection.find(filter).projection(doc! { "_id": 1 }).limit(FORGOTTEN_AT_ONCE);
            let ids: Vec<Uuid> = find.await?.map_ok(|record| record.id).try_collect().await?;
            if ids.is_empty() {
                return Ok(0);
            }
            Ok(collection.delete_many(doc! { "_id": { "$in": ids } }).await?.deleted_count)
        };
        self.calls.run("forget deliveries", WRITE_LIMIT, delete).await
    }
}

fn page_filter(of: &DeliveriesOf, page: DeliveryPage) -> Document {
    let mut filter = match of {
        DeliveriesOf::User(user) => doc! { "userId": user.as_str() },
        DeliveriesOf::Notification(id) => {
            doc! { "reference": About::Notification { notification_id: *id }.reference() }
        }
    };
    if let Some((at, id)) = page.after {
        // As for notifications: the first condition bounds the scan.
        filter.insert("at", doc! { "$lte": date(at) });
        let id = Uuid::from_bytes(id.into_bytes());
        filter.insert("$or", [doc! { "at": { "$lt": date(at) } }, doc! { "_id": { "$lt": id } }]);
    }
    filter
}
