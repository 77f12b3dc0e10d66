//! Blocks of messages for search.
//!
//! The server compares signatures itself (`$bitsAllSet`), so that only the few blocks travel that may have a
//! hit. Blocks are written without waiting for a majority or a disk: they follow from the messages. The note
//! in the thread comes after them, and a server that loses writes loses the last ones first, so a note never
//! outlives its blocks. Only the blocks of edited messages wait for a majority, since nothing would make them
//! again. Safe to repeat because a block replaces only one that goes less far, and notes only rise.

use crate::away::not_away;
use crate::call::{CallError, Cause};
use crate::connection::{CONCURRENT, WRITE_LIMIT, majority_document};
use crate::record::by_person::path_of;
use crate::record::search::{BlockRecord, ReachRecord, block_statement, reach_statement};
use crate::record::values::{date, object_id, place};
use crate::store::MongoStore;
use crate::wordings::without_wordings;
use async_trait::async_trait;
use eventflow_ports::search::{Block, BlockEnd, BlockFilter, Reach, Run};
use eventflow_ports::{SearchIndex, StoreError};
use eventflow_protocol::document::Message;
use eventflow_protocol::search::Wanted;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::Collection;
use mongodb::bson::{Bson, Document, deserialize_from_document, doc};
use mongodb::options::Hint;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Time limit of one read, for the server too.
const SEARCH_LIMIT: Duration = Duration::from_secs(3);
/// Threads of one question for blocks. Several questions at a time keep several cores of the server busy.
const THREADS_AT_ONCE: usize = 1_024;
/// Runs of one question for messages: the server plans each by itself.
const RUNS_AT_ONCE: usize = 64;
/// Statements of one command: blocks have some 2 KB, and a command at most 16 MB.
const STATEMENTS_AT_ONCE: usize = 1_000;
/// Documents in one answer of the server, so that a read seldom needs a second one.
const ANSWER_BATCH: u32 = 2_000;
/// The server's code for a unique index that is violated: the stored block goes further.
const DUPLICATE_KEY: i32 = 11000;

const SEARCH: &str = "search messages";
const INDEX: &str = "index messages";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WriteReply {
    #[serde(default)]
    write_errors: Vec<WriteFailure>,
    write_concern_error: Option<WriteFailure>,
}

#[derive(Deserialize)]
struct WriteFailure {
    code: i32,
}

#[async_trait]
impl SearchIndex for MongoStore {
    async fn reaches_of(
        &self,
        user: &UserId,
        only: Option<ThreadId>,
        limit: u32,
    ) -> Result<Vec<Reach>, StoreError> {
        let mut filter = doc! { "participants": user.as_str() };
        if let Some(only) = only {
            filter.insert("_id", object_id(only));
        }
        filter.extend(not_away(user, &self.blocked_of(user).await?));
        // The order of the index of lists; the few large threads come last.
        let order = only.is_none().then(|| doc! { "status": 1, "activityAt": -1, "_id": -1 });
        let since = path_of("sinceSeq", user);
        Ok(self.read_reaches(SEARCH, filter, order, i64::from(limit), Some(since)).await?)
    }

    async fn blocks(&self, threads: &[ThreadId], filter: &BlockFilter) -> Result<Vec<Run>, StoreError> {
        let asked: Vec<_> =
            threads.chunks(THREADS_AT_ONCE).map(|some| self.read_blocks(some, filter)).collect();
        let found: Vec<Vec<Run>> = stream::iter(asked).buffer_unordered(CONCURRENT).try_collect().await?;
        Ok(found.concat())
    }

    async fn messages_of(
        &self,
        runs: &[Run],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        let asked: Vec<_> = runs.chunks(RUNS_AT_ONCE).map(|some| self.read_runs(some, from, to)).collect();
        let found: Vec<Vec<Message>> = stream::iter(asked).buffer_unordered(CONCURRENT).try_collect().await?;
        Ok(found.concat())
    }

    async fn reaches(&self, threads: &[ThreadId]) -> Result<Vec<Reach>, StoreError> {
        let ids: Vec<_> = threads.iter().copied().map(object_id).collect();
        Ok(self.read_reaches(INDEX, doc! { "_id": { "$in": ids } }, None, 0, None).await?)
    }

    async fn behind(
        &self,
        after: Option<ThreadId>,
        limit: u32,
    ) -> Result<(Vec<Reach>, Option<ThreadId>), StoreError> {
        let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": object_id(after) } });
        let order = Some(doc! { "_id": 1 });
        let mut page = self.read_reaches(INDEX, filter, order, i64::from(limit), None).await?;
        let next = page.last().map(|last| last.thread).filter(|_| u32::try_from(page.len()) == Ok(limit));
        page.retain(Reach::is_behind);
        Ok((page, next))
    }

    async fn block_ends(&self, threads: &[ThreadId]) -> Result<Vec<(ThreadId, BlockEnd)>, StoreError> {
        let asked: Vec<_> = threads.iter().map(|thread| self.read_end(*thread)).collect();
        let ends: Vec<Option<BlockRecord>> =
            stream::iter(asked).buffer_unordered(CONCURRENT).try_collect().await?;
        Ok(ends.iter().flatten().map(BlockRecord::end).collect())
    }

    async fn add_blocks(&self, blocks: &[Block], reached: &[(ThreadId, u64)]) -> Result<(), StoreError> {
        for blocks in blocks.chunks(STATEMENTS_AT_ONCE) {
            let statements = blocks.iter().map(block_statement).collect();
            self.write_blocks(self.search_blocks.name(), statements, behind()).await?;
        }
        for reached in reached.chunks(STATEMENTS_AT_ONCE) {
            let statements = reached.iter().map(|(thread, seq)| reach_statement(*thread, *seq)).collect();
            self.write_blocks(self.threads.name(), statements, behind()).await?;
        }
        Ok(())
    }

    async fn add_edited(&self, blocks: &[Block]) -> Result<(), StoreError> {
        for blocks in blocks.chunks(STATEMENTS_AT_ONCE) {
            let statements = blocks.iter().map(block_statement).collect();
            self.write_blocks(self.search_blocks.name(), statements, majority_document()).await?;
        }
        Ok(())
    }
}

impl MongoStore {
    /// `since` is the path of the place from which the person sees a thread who asks.
    async fn read_reaches(
        &self,
        what: &'static str,
        filter: Document,
        order: Option<Document>,
        limit: i64,
        since: Option<String>,
    ) -> Result<Vec<Reach>, CallError> {
        let collection = self.threads.clone_with_type::<ReachRecord>();
        let mut fields = doc! { "lastSeq": 1, "indexedSeq": 1 };
        fields.extend(since.map(|since| (since, Bson::Int32(1))));
        let find = async move {
            let mut find = collection.find(filter).projection(fields);
            find = find.limit(limit).batch_size(ANSWER_BATCH).max_time(SEARCH_LIMIT);
            if let Some(order) = order {
                find = find.sort(order);
            }
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run(what, SEARCH_LIMIT, find).await?;
        Ok(found.iter().map(ReachRecord::reach).collect())
    }

    async fn read_blocks(&self, threads: &[ThreadId], filter: &BlockFilter) -> Result<Vec<Run>, CallError> {
        let ids: Vec<_> = threads.iter().copied().map(object_id).collect();
        let find = find_with::<BlockRecord>(
            self.search_blocks.clone_with_type(),
            doc! {
                "threadId": { "$in": ids }, "newest": { "$gte": date(filter.from) },
                "oldest": { "$lte": date(filter.to) }, "$or": signatures(&filter.wanted),
            },
            doc! { "bits": 0 },
            block_key(),
        );
        let found = self.calls.run(SEARCH, SEARCH_LIMIT, find).await?;
        Ok(found.iter().map(BlockRecord::run).collect())
    }

    async fn read_runs(
        &self,
        runs: &[Run],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Message>, CallError> {
        let ranges: Vec<Document> = runs.iter().map(|run| range(run, from, to)).collect();
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let mut left_out = without_wordings();
        left_out.insert("recipientIds", 0);
        let order = doc! { "threadId": 1, "seq": 1 };
        let find = find_with(self.messages.clone(), doc! { "$or": ranges }, left_out, order);
        let found = self.calls.run(SEARCH, SEARCH_LIMIT, find).await?;
        Ok(found.into_iter().map(Message::from).collect())
    }

    async fn read_end(&self, thread: ThreadId) -> Result<Option<BlockRecord>, CallError> {
        let collection = self.search_blocks.clone_with_type::<BlockRecord>();
        let find = async move {
            let find = collection.find_one(doc! { "threadId": object_id(thread), "mark": 0_i64 });
            let find = find.sort(doc! { "threadId": -1, "mark": -1, "first": -1 });
            find.projection(doc! { "bits": 0 }).max_time(SEARCH_LIMIT).await
        };
        self.calls.run(INDEX, SEARCH_LIMIT, find).await
    }

    async fn write_blocks(
        &self,
        collection: &str,
        statements: Vec<Document>,
        concern: Document,
    ) -> Result<(), CallError> {
        let command = doc! {
            "update": collection, "updates": statements, "ordered": false, "writeConcern": concern,
        };
        let answer = self.command(INDEX, WRITE_LIMIT, command).await?;
        let reply: WriteReply =
            deserialize_from_document(answer).map_err(|error| CallError::driver(INDEX, error.into()))?;
        let mut failed = reply.write_errors.into_iter().chain(reply.write_concern_error);
        let failed = failed.find(|failure| failure.code != DUPLICATE_KEY);
        failed.map_or(Ok(()), |WriteFailure { code }| Err(CallError::new(INDEX, Cause::Statement { code })))
    }
}

/// The keys of a block, which are the index that searches use.
pub(crate) fn block_key() -> Document {
    doc! { "threadId": 1, "mark": 1, "first": 1 }
}

/// The write concern of what may be made again: no majority, no disk.
fn behind() -> Document {
    doc! { "w": 1, "j": false }
}

/// What signatures of each size must have.
fn signatures(wanted: &Wanted) -> Vec<Document> {
    let of_size = |size: usize| {
        let place = |bit: usize| Bson::Int64(i64::try_from(bit).unwrap_or(i64::MAX));
        let bits: Vec<Bson> = wanted.places(size).into_iter().map(place).collect();
        let size = i32::try_from(size).unwrap_or(i32::MAX);
        doc! { "size": size, "bits": { "$bitsAllSet": bits } }
    };
    Wanted::sizes().map(of_size).collect()
}

/// The messages of a run that were accepted in this time.
fn range(run: &Run, from: Timestamp, to: Timestamp) -> Document {
    doc! {
        "threadId": run.thread.to_string(), "seq": { "$gte": place(run.first), "$lte": place(run.last) },
        "createdAt": { "$gte": date(from), "$lte": date(to) },
    }
}

/// Finds documents by one index, which the server would otherwise choose anew for each question.
async fn find_with<T: DeserializeOwned + Send + Sync>(
    collection: Collection<T>,
    filter: Document,
    projection: Document,
    index: Document,
) -> Result<Vec<T>, mongodb::error::Error> {
    let find = collection.find(filter).projection(projection).hint(Hint::Keys(index));
    find.batch_size(ANSWER_BATCH).max_time(SEARCH_LIMIT).await?.try_collect().await
}
