//! What is left of words after their message was taken back, and words in what others keep.
//!
//! Safe to repeat because what was removed is not there any more.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::reports::ReportRecord;
use crate::record::search::{BlockRecord, signature_of};
use crate::record::values::{object_id, place};
use crate::store::MongoStore;
use eventflow_ports::search::{Block, Run};
use eventflow_protocol::dead_letters::DeadLetterId;
use eventflow_protocol::reports::Report;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::collections::HashMap;

const SCRUB: &str = "scrub messages";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlaceRecord {
    thread_id: ThreadId,
    seq: i64,
}

impl MongoStore {
    /// Removes keys, fingerprints, wordings and blocks of edited texts.
    pub(crate) async fn scrub(&self, user: &UserId, messages: &[MessageId]) -> Result<(), CallError> {
        if messages.is_empty() {
            return Ok(());
        }
        let ids: Vec<ObjectId> = messages.iter().copied().map(object_id).collect();
        let filter = doc! {
            "_id": { "$in": ids }, "senderId": user.as_str(), "deletedAt": { "$exists": true },
        };
        let gone = ["clientMessageId", "sentAs", "pair", "wordings", "marks", "mentions"];
        let gone: Document = gone.map(|field| (field.to_owned(), Bson::from(""))).into_iter().collect();
        let empty: Vec<Bson> = Vec::new();
        let update = doc! { "$set": { "content": "", "attachments": empty }, "$unset": gone };
        let (collection, which) = (self.messages.clone(), filter.clone());
        let write = async move { collection.update_many(which, update).await.map(drop) };
        self.calls.run(SCRUB, WRITE_LIMIT, write).await?;
        let places = self.messages.clone_with_type::<PlaceRecord>();
        let find = async move {
            let find = places.find(filter).projection(doc! { "threadId": 1, "seq": 1 }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let mut by_thread: HashMap<ThreadId, Vec<i64>> = HashMap::new();
        for PlaceRecord { thread_id, seq } in self.calls.run(SCRUB, READ_LIMIT, find).await? {
            by_thread.entry(thread_id).or_default().push(seq);
        }
        for (thread, places) in by_thread {
            let edited =
                doc! { "threadId": object_id(thread), "mark": { "$ne": 0_i64 }, "first": { "$in": places } };
            let blocks = self.search_blocks.clone();
            let delete = async move { blocks.delete_many(edited).await.map(drop) };
            self.calls.run(SCRUB, WRITE_LIMIT, delete).await?;
        }
        Ok(())
    }

    /// The blocks of a thread after the one that begins with this message.
    pub(crate) async fn blocks_after(
        &self,
        thread: ThreadId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Run>, CallError> {
        let filter = doc! { "threadId": object_id(thread), "mark": 0_i64, "first": { "$gt": place(after) } };
        let collection = self.search_blocks.clone_with_type::<BlockRecord>();
        let find = async move {
            let find = collection.find(filter).projection(doc! { "bits": 0 }).sort(doc! { "first": 1 });
            find.limit(i64::from(limit)).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read blocks", READ_LIMIT, find).await?;
        Ok(found.iter().map(BlockRecord::run).collect())
    }

    /// Gives a block another signature, if it goes as far as this one.
    pub(crate) async fn write_signature(&self, block: &Block) -> Result<(), CallError> {
        let Run { thread, first, last, .. } = block.run;
        let filter = doc! {
            "threadId": object_id(thread), "mark": 0_i64, "first": place(first), "last": place(last),
        };
        let update = doc! { "$set": signature_of(block) };
        let collection = self.search_blocks.clone();
        let write = async move { collection.update_one(filter, update).await.map(drop) };
        self.calls.run("rewrite a block", WRITE_LIMIT, write).await
    }

    /// Writes a report over the one with its id, if that is handled as this one is.
    pub(crate) async fn write_report(&self, report: &Report) -> Result<(), CallError> {
        let (collection, record) = (self.reports.clone(), ReportRecord::from(report));
        let filter = doc! { "_id": record.id, "isHandled": report.handled.is_some() };
        let write = async move { collection.replace_one(filter, record).await.map(drop) };
        self.calls.run("rewrite a report", WRITE_LIMIT, write).await
    }

    /// Deletes dead letters, their bodies first.
    pub(crate) async fn delete_dead_letters(&self, letters: &[DeadLetterId]) -> Result<u64, CallError> {
        const DELETE: &str = "delete dead letters";
        if letters.is_empty() {
            return Ok(0);
        }
        let ids: Vec<String> = letters.iter().map(ToString::to_string).collect();
        let (bodies, of_letters) = (self.letter_bodies.clone(), doc! { "letter": { "$in": &ids } });
        let delete = async move { bodies.delete_many(of_letters).await.map(drop) };
        self.calls.run(DELETE, WRITE_LIMIT, delete).await?;
        let (collection, named) = (self.letters.clone(), doc! { "_id": { "$in": ids } });
        let delete = async move { collection.delete_many(named).await };
        Ok(self.calls.run(DELETE, WRITE_LIMIT, delete).await?.deleted_count)
    }
}
