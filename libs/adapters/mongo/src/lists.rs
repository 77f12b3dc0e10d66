//! A person's list of threads, the most recently active first.
//!
//! Small threads come from an index in their order, in which each message moves its thread: an entry a
//! person. Large threads ([`crate::record::counters::SMALL_MAX`]) stay where they are in that index, without
//! a time, so that a message to thousands of people changes none of its entries. A person is in few of them.
//! A list reads all of theirs and takes them into the page of the small ones.

use crate::away::not_away;
use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::record::thread::ThreadRecord;
use crate::record::values::{date, moment, object_id};
use crate::store::MongoStore;
use crate::threads::shown_to;
use eventflow_ports::ThreadPage;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::document::{ThreadStatus, ThreadView};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::FindOptions;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// The place of a thread in a list: when it was last active, then its id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListPlace {
    #[serde(rename = "_id")]
    id: ObjectId,
    #[serde(default)]
    last_message_at: Option<DateTime>,
    created_at: DateTime,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::threads_of`]. Threads that were active at the same time follow each
    /// other by id.
    pub(crate) async fn list(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, CallError> {
        let mut own = of_viewer(viewer, page.status);
        let blocked = self.blocked_of(viewer).await?;
        own.extend(not_away(viewer, &blocked));
        let large = self.large_places(own.clone(), &page).await?;
        let records = if large.is_empty() {
            let options = FindOptions::builder().projection(shown_to(viewer)).skip(u64::from(page.skip));
            self.find_small(own, &page, limit(&page), options.build()).await?
        } else {
            self.merged((viewer, own), &page, large).await?
        };
        self.views(records, viewer, Some(blocked)).await
    }

    /// The page, if the person is in large threads too.
    async fn merged(
        &self,
        (viewer, own): (&UserId, Document),
        page: &ThreadPage,
        large: Vec<(Timestamp, ThreadId)>,
    ) -> Result<Vec<ThreadRecord>, CallError> {
        let options = FindOptions::builder().projection(place_fields()).build();
        let small = self.find_small(own, page, page.skip.saturating_add(limit(page)), options).await?;
        let mut places: Vec<(Timestamp, ThreadId)> = small.iter().map(ListPlace::place).collect();
        places.extend(large);
        places.sort_unstable_by(|one, other| other.cmp(one));
        let (skip, limit) = (page.skip as usize, limit(page) as usize);
        let wanted: Vec<ThreadId> = places.into_iter().skip(skip).take(limit).map(|(_, id)| id).collect();
        let ids: Vec<ObjectId> = wanted.iter().copied().map(object_id).collect();
        let options = FindOptions::builder().projection(shown_to(viewer)).build();
        let found: Vec<ThreadRecord> = self.find_listed(doc! { "_id": { "$in": ids } }, options).await?;
        let mut found: HashMap<ThreadId, ThreadRecord> =
            found.into_iter().map(|record| (record.id(), record)).collect();
        Ok(wanted.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The places of the person's large threads, as far as they come after the cursor. `filter` selects the
    /// person's threads.
    async fn large_places(
        &self,
        mut filter: Document,
        page: &ThreadPage,
    ) -> Result<Vec<(Timestamp, ThreadId)>, CallError> {
        // Documents without `lastSeq` are not of this system.
        filter.extend(doc! { "activityAt": null, "lastSeq": { "$exists": true } });
        let options = FindOptions::builder().projection(place_fields()).build();
        let found: Vec<ListPlace> = self.find_listed(filter, options).await?;
        let places = found.iter().map(ListPlace::place);
        Ok(places.filter(|place| page.after.is_none_or(|after| *place < after)).collect())
    }

    /// The first small threads after the cursor, in order. `filter` selects the person's threads.
    async fn find_small<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        mut filter: Document,
        page: &ThreadPage,
        limit: u32,
        mut options: FindOptions,
    ) -> Result<Vec<T>, CallError> {
        filter.extend(after(page));
        options.sort = Some(doc! { "activityAt": -1, "_id": -1 });
        options.limit = Some(i64::from(limit));
        options.batch_size = Some(limit);
        self.find_listed(filter, options).await
    }

    async fn find_listed<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        filter: Document,
        mut options: FindOptions,
    ) -> Result<Vec<T>, CallError> {
        options.max_time = Some(READ_LIMIT);
        let collection = self.threads.clone_with_type::<T>();
        let find = async move { collection.find(filter).with_options(options).await?.try_collect().await };
        self.calls.run("list threads", READ_LIMIT, find).await
    }
}

impl ListPlace {
    fn place(&self) -> (Timestamp, ThreadId) {
        let at = self.last_message_at.unwrap_or(self.created_at);
        (moment(at), ThreadId::from_bytes(self.id.bytes()))
    }
}

fn place_fields() -> Document {
    doc! { "lastMessageAt": 1, "createdAt": 1 }
}

fn limit(page: &ThreadPage) -> u32 {
    page.limit.clamp(1, PAGE_MAX)
}

/// The threads of one person with this status.
fn of_viewer(viewer: &UserId, status: ThreadStatus) -> Document {
    let mut filter = doc! { "participants": viewer.as_str(), "status": "active" };
    match status {
        ThreadStatus::Active => filter.insert("archivedBy", doc! { "$ne": viewer.as_str() }),
        ThreadStatus::Archived => filter.insert("archivedBy", viewer.as_str()),
        ThreadStatus::Deleted => filter.insert("status", "deleted"),
    };
    filter
}

/// The small threads after the cursor: those that have an activity time.
fn after(page: &ThreadPage) -> Document {
    let Some((at, id)) = page.after else { return doc! { "activityAt": { "$gte": DateTime::MIN } } };
    // The first condition bounds the index scan; the second takes out the threads at that time that the last
    // page showed.
    let is_after = [doc! { "activityAt": { "$lt": date(at) } }, doc! { "_id": { "$lt": object_id(id) } }];
    doc! { "activityAt": { "$lte": date(at) }, "$or": is_after }
}
