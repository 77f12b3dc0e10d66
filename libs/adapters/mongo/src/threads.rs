//! Creating and reading threads: one thread, one as a viewer sees it, the people of threads, and a person's
//! list.
//!
//! Creating is an insert under an id that follows from the people and the subject, so a repetition finds the
//! first thread.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::thread::ThreadRecord;
use crate::record::values::{date, object_id};
use crate::store::MongoStore;
use eventflow_ports::ThreadPage;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::Participants;
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::document::{Thread, ThreadStatus, ThreadView};
use eventflow_protocol::{MessageId, ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use std::collections::HashMap;

/// The fields that a thread shows. Left out: the counters and `archivedBy`, which hold as many entries as the
/// thread has people.
const SHOWN: [&str; 9] = [
    "participants",
    "lastMessageId",
    "lastMessageAt",
    "lastSeq",
    "status",
    "metadata",
    "createdAt",
    "updatedAt",
    "activityAt",
];

#[derive(Deserialize)]
struct ParticipantsRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    participants: Vec<UserId>,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::create_thread`].
    pub(crate) async fn create(&self, create: &CreateThread) -> Result<(Thread, bool), CallError> {
        let thread = create.to_thread();
        let (collection, record) = (self.threads.clone(), ThreadRecord::new(&thread));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        let exists = match self.calls.run("create a thread", WRITE_LIMIT, insert).await {
            Ok(()) => return Ok((thread, true)),
            Err(error) if error.is_duplicate() => error,
            Err(error) => return Err(error),
        };
        // Threads are never removed, so the one that the insert met is found. If it is not, the error of the
        // insert is the answer.
        let found = self.read_thread(create.thread_id).await?.ok_or(exists)?;
        Ok((found, false))
    }

    /// See [`eventflow_ports::Store::thread`].
    pub(crate) async fn read_thread(&self, id: ThreadId) -> Result<Option<Thread>, CallError> {
        let found = self.find_one(doc! { "_id": object_id(id) }, shown()).await?;
        Ok(found.map(Thread::from))
    }

    /// See [`eventflow_ports::Store::thread_view`].
    pub(crate) async fn read_view(
        &self,
        id: ThreadId,
        viewer: &UserId,
    ) -> Result<Option<ThreadView>, CallError> {
        let filter = doc! { "_id": object_id(id), "participants": viewer.as_str() };
        let found = self.find_one(filter, shown_to(viewer)).await?;
        Ok(self.views(found.into_iter().collect(), viewer).await?.pop())
    }

    /// See [`eventflow_ports::Store::participants`].
    pub(crate) async fn read_participants(
        &self,
        threads: &[ThreadId],
    ) -> Result<HashMap<ThreadId, Participants>, CallError> {
        if threads.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<ObjectId> = threads.iter().copied().map(object_id).collect();
        let collection = self.threads.clone_with_type::<ParticipantsRecord>();
        let find = async move {
            let find = collection.find(doc! { "_id": { "$in": ids } }).projection(doc! { "participants": 1 });
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read participants", READ_LIMIT, find).await?;
        Ok(found
            .into_iter()
            .map(|people| (ThreadId::from_bytes(people.id.bytes()), people.participants.into()))
            .collect())
    }

    /// See [`eventflow_ports::Store::threads_of`]. Threads that were active at the same time follow each
    /// other by id.
    pub(crate) async fn list(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, CallError> {
        let filter = list_filter(viewer, &page);
        let (collection, projection) = (self.threads.clone(), shown_to(viewer));
        let limit = page.limit.clamp(1, PAGE_MAX);
        let find = async move {
            let find =
                collection.find(filter).projection(projection).sort(doc! { "activityAt": -1, "_id": -1 });
            let find = find
                .skip(u64::from(page.skip))
                .limit(i64::from(limit))
                .batch_size(limit)
                .max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list threads", READ_LIMIT, find).await?;
        self.views(found, viewer).await
    }

    async fn find_one(
        &self,
        filter: Document,
        projection: Document,
    ) -> Result<Option<ThreadRecord>, CallError> {
        let collection = self.threads.clone();
        let find =
            async move { collection.find_one(filter).projection(projection).max_time(READ_LIMIT).await };
        self.calls.run("read a thread", READ_LIMIT, find).await
    }

    /// The threads as the viewer sees them, with their newest messages.
    async fn views(&self, records: Vec<ThreadRecord>, viewer: &UserId) -> Result<Vec<ThreadView>, CallError> {
        let seen: Vec<(u64, Thread)> =
            records.into_iter().map(|record| (record.unread(viewer), record.seen_by(viewer))).collect();
        let newest: Vec<MessageId> = seen.iter().filter_map(|(_, thread)| thread.last_message_id).collect();
        let mut messages = self.messages_by_id(&newest).await?;
        let view = |(unread_count, thread): (u64, Thread)| {
            let last_message = thread.last_message_id.and_then(|id| messages.remove(&id));
            ThreadView { thread, unread_count, last_message }
        };
        Ok(seen.into_iter().map(view).collect())
    }
}

fn list_filter(viewer: &UserId, page: &ThreadPage) -> Document {
    let mut filter = doc! { "participants": viewer.as_str(), "status": "active" };
    match page.status {
        ThreadStatus::Active => filter.insert("archivedBy", doc! { "$ne": viewer.as_str() }),
        ThreadStatus::Archived => filter.insert("archivedBy", viewer.as_str()),
        ThreadStatus::Deleted => filter.insert("status", "deleted"),
    };
    if let Some((at, id)) = page.after {
        // The first condition bounds the index scan; the second takes out the threads at that time that the
        // last page showed.
        filter.insert("activityAt", doc! { "$lte": date(at) });
        filter.insert(
            "$or",
            [doc! { "activityAt": { "$lt": date(at) } }, doc! { "_id": { "$lt": object_id(id) } }],
        );
    }
    filter
}

fn shown() -> Document {
    SHOWN.into_iter().map(|field| (field.to_owned(), 1.into())).collect()
}

fn shown_to(viewer: &UserId) -> Document {
    let mut projection = shown();
    projection.insert(format!("unreadCount.{viewer}"), 1);
    projection.insert("archivedBy", doc! { "$elemMatch": { "$eq": viewer.as_str() } });
    projection
}
