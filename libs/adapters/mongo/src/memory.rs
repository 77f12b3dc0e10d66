//! What a store remembers of threads, so that a batch on known threads needs no question: the people, the next place, and how
//! far the counters were brought.
//!
//! Only a guess: the unique index on (thread, place) and the compare-and-set on `lastSeq` decide, and a wrong guess is forgotten
//! and read again. Both numbers only rise, after the database confirmed them to a majority. That a thread does not exist is
//! never remembered; the people of one that exists do not change, since its id follows from them.

use crate::call::CallError;
use crate::record::{count, object_id};
use crate::store::{MongoStore, READ_LIMIT};
use eventflow_protocol::event::Participants;
use eventflow_protocol::{ThreadId, UserId};
use futures_util::TryStreamExt;
use moka::sync::Cache;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, deserialize_from_document, doc};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// People remembered over all threads: about 100 MB if every id is distinct and long.
const CAPACITY_PEOPLE: u64 = 1_000_000;
/// What a thread costs beside its people, counted in people.
const THREAD_WEIGHT: u32 = 4;

/// What is remembered of one thread.
#[derive(Debug)]
pub(crate) struct Known {
    /// Everybody in it, sorted.
    pub(crate) people: Participants,
    last: AtomicU64,
    counted: AtomicU64,
}

/// The threads that are remembered.
pub(crate) type Memory = Cache<ThreadId, Arc<Known>>;

impl Known {
    /// Whether this person is in the thread.
    pub(crate) fn includes(&self, person: &UserId) -> bool {
        self.people.binary_search(person).is_ok()
    }

    /// Place of the newest message.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// A message at this place is stored.
    pub(crate) fn stored(&self, seq: u64) {
        self.last.fetch_max(seq, Ordering::AcqRel);
    }

    /// Place of the newest message that the thread document includes.
    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Acquire)
    }

    /// The thread document includes the message at this place.
    pub(crate) fn touched(&self, seq: u64) {
        self.counted.fetch_max(seq, Ordering::AcqRel);
    }
}

/// An empty memory.
pub(crate) fn memory() -> Memory {
    let weigh = |_: &ThreadId, known: &Arc<Known>| {
        u32::try_from(known.people.len()).unwrap_or(u32::MAX).saturating_add(THREAD_WEIGHT)
    };
    Cache::builder().max_capacity(CAPACITY_PEOPLE).weigher(weigh).build()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "_id")]
    id: ObjectId,
    participants: Vec<UserId>,
    #[serde(default)]
    last_seq: i64,
}

#[derive(Deserialize)]
struct Tail {
    #[serde(rename = "_id")]
    thread: ThreadId,
    seq: i64,
}

impl MongoStore {
    /// What is known of these threads, asking for those that are not remembered; unknown threads are absent.
    pub(crate) async fn known(
        &self,
        threads: impl IntoIterator<Item = ThreadId>,
    ) -> Result<HashMap<ThreadId, Arc<Known>>, CallError> {
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        for thread in threads {
            match self.memory.get(&thread) {
                Some(known) => _ = found.insert(thread, known),
                None => missing.push(thread),
            }
        }
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            for (thread, known) in self.look_up(&missing).await? {
                self.memory.insert(thread, known.clone());
                found.insert(thread, known);
            }
        }
        Ok(found)
    }

    /// What was remembered of these threads is wrong or uncertain.
    pub(crate) fn forget(&self, threads: impl IntoIterator<Item = ThreadId>) {
        threads.into_iter().for_each(|thread| self.memory.invalidate(&thread));
    }

    async fn look_up(&self, threads: &[ThreadId]) -> Result<Vec<(ThreadId, Arc<Known>)>, CallError> {
        let (heads, tails) = tokio::try_join!(self.heads(threads), self.tails(threads))?;
        let know = |head: Head| {
            let thread = ThreadId::from_bytes(head.id.bytes());
            let counted = count(head.last_seq);
            let last = tails.get(&thread).copied().unwrap_or(0).max(counted);
            (
                thread,
                Arc::new(Known {
                    people: head.participants.into(),
                    last: last.into(),
                    counted: counted.into(),
                }),
            )
        };
        Ok(heads.into_iter().map(know).collect())
    }

    async fn heads(&self, threads: &[ThreadId]) -> Result<Vec<Head>, CallError> {
        let ids: Vec<ObjectId> = threads.iter().copied().map(object_id).collect();
        let collection = self.threads.clone_with_type::<Head>();
        self.calls
            .run("look up threads", READ_LIMIT, async move {
                let found = collection
                    .find(doc! { "_id": { "$in": ids } })
                    .projection(doc! { "participants": 1, "lastSeq": 1 });
                found.await?.try_collect().await
            })
            .await
    }

    /// Place of the newest message of each of these threads. With the index on (thread, place) the server reads one key per
    /// thread (`DISTINCT_SCAN`), however long the threads are.
    async fn tails(&self, threads: &[ThreadId]) -> Result<HashMap<ThreadId, u64>, CallError> {
        let ids: Vec<String> = threads.iter().map(ThreadId::to_string).collect();
        let collection = self.messages.clone_with_type::<Document>();
        let stages = [
            doc! { "$match": { "threadId": { "$in": ids } } },
            doc! { "$sort": { "threadId": -1, "seq": -1 } },
            doc! { "$group": { "_id": "$threadId", "seq": { "$first": "$seq" } } },
        ];
        self.calls
            .run("look up places", READ_LIMIT, async move {
                let mut cursor = collection.aggregate(stages).await?;
                let mut tails = HashMap::new();
                while let Some(found) = cursor.try_next().await? {
                    let tail: Tail = deserialize_from_document(found)?;
                    tails.insert(tail.thread, count(tail.seq));
                }
                Ok(tails)
            })
            .await
    }
}
