//! Threads by id, from memory or from the database: who is in them, and the place of the newest message.

use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::earlier::is_earlier;
use crate::record::values::{count, object_id};
use crate::store::MongoStore;
use crate::thread_memory::KnownThread;
use eventflow_protocol::{ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, deserialize_from_document, doc};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// The fields of a thread document that the lookup reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadFields {
    #[serde(rename = "_id")]
    id: ObjectId,
    participants: Vec<UserId>,
    #[serde(default)]
    last_seq: i64,
    /// Whether an earlier version wrote the counters, so that they must be derived first.
    #[serde(default)]
    is_earlier: bool,
}

/// The place of a thread's newest message.
#[derive(Deserialize)]
struct NewestPlace {
    #[serde(rename = "_id")]
    thread: ThreadId,
    seq: i64,
}

impl MongoStore {
    /// Gives these threads, and asks the database for those that are not remembered. Threads that do not
    /// exist are absent.
    pub(crate) async fn known(
        &self,
        threads: impl IntoIterator<Item = ThreadId>,
    ) -> Result<HashMap<ThreadId, Arc<KnownThread>>, CallError> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for thread in threads {
            if let Some(known) = self.memory.get(thread) {
                found.insert(thread, known);
            } else {
                missing.push(thread);
            }
        }
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            let forgotten = self.memory.forgotten();
            for (thread, known) in self.look_up(&missing).await? {
                self.memory.insert(thread, Arc::clone(&known), forgotten);
                found.insert(thread, known);
            }
        }
        Ok(found)
    }

    /// Forgets these threads, because what was remembered of them is wrong or uncertain.
    pub(crate) fn forget(&self, threads: impl IntoIterator<Item = ThreadId>) {
        for thread in threads {
            self.memory.forget(thread);
        }
    }

    async fn look_up(&self, threads: &[ThreadId]) -> Result<Vec<(ThreadId, Arc<KnownThread>)>, CallError> {
        let (fields, newest) = tokio::try_join!(self.thread_fields(threads), self.newest_places(threads))?;
        let earlier: Vec<ObjectId> =
            fields.iter().filter(|thread| thread.is_earlier).map(|thread| thread.id).collect();
        self.derive_counters(&earlier).await?;
        let mut found = Vec::with_capacity(fields.len());
        for thread in fields {
            let id = ThreadId::from_bytes(thread.id.bytes());
            let counted = count(thread.last_seq);
            // A document that counts further than the newest message found was written between the two reads.
            let last = newest.get(&id).copied().unwrap_or(0).max(counted);
            found.push((id, Arc::new(KnownThread::new(thread.participants.into(), last, counted))));
        }
        Ok(found)
    }

    async fn thread_fields(&self, threads: &[ThreadId]) -> Result<Vec<ThreadFields>, CallError> {
        let ids: Vec<ObjectId> = threads.iter().copied().map(object_id).collect();
        let collection = self.threads.clone_with_type::<ThreadFields>();
        let find = async move {
            let found = collection
                .find(doc! { "_id": { "$in": ids } })
                .projection(doc! { "participants": 1, "lastSeq": 1, "isEarlier": is_earlier() });
            found.await?.try_collect().await
        };
        self.calls.run("look up threads", READ_LIMIT, find).await
    }

    /// The place of the newest message of each thread. With the index on (thread, place) the server reads one
    /// key per thread (`DISTINCT_SCAN`), however long the threads are.
    async fn newest_places(&self, threads: &[ThreadId]) -> Result<HashMap<ThreadId, u64>, CallError> {
        let ids: Vec<String> = threads.iter().map(ThreadId::to_string).collect();
        let collection = self.messages.clone_with_type::<Document>();
        let stages = [
            doc! { "$match": { "threadId": { "$in": ids } } },
            doc! { "$sort": { "threadId": -1, "seq": -1 } },
            doc! { "$group": { "_id": "$threadId", "seq": { "$first": "$seq" } } },
        ];
        let aggregate = async move {
            let mut cursor = collection.aggregate(stages).await?;
            let mut places = HashMap::new();
            while let Some(found) = cursor.try_next().await? {
                let newest: NewestPlace = deserialize_from_document(found)?;
                places.insert(newest.thread, count(newest.seq));
            }
            Ok(places)
        };
        self.calls.run("look up places", READ_LIMIT, aggregate).await
    }
}
