//! Reading messages: a page of a thread by place or time, and messages by id.
//!
//! The index on (thread, place) gives a page by place, the one on (thread, time, place) a page by time. The
//! server reads as many keys as the page has messages.

use crate::advances::between;
use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::record::values::{count, date, object_id, place};
use crate::store::MongoStore;
use crate::wordings::without_wordings;
use eventflow_ports::store::{PAGE_MAX, PREVIEW_DEPTH};
use eventflow_ports::{MessagePage, Place};
use eventflow_protocol::document::Message;
use eventflow_protocol::{MessageId, ThreadId, Timestamp};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::collections::HashMap;

/// A part of a page: what its messages have in common beside the thread, and the order in which they come.
struct Part {
    bound: Document,
    order: Document,
}

#[derive(Deserialize)]
struct FirstSeq {
    seq: i64,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::messages`]. A part is read only if those before it did not fill the
    /// page.
    pub(crate) async fn read_messages(
        &self,
        thread: ThreadId,
        page: MessagePage,
    ) -> Result<Vec<Message>, CallError> {
        let limit = page.limit.clamp(1, PAGE_MAX);
        let mut messages = Vec::new();
        for mut part in parts(page) {
            if page.since > 0 {
                part.bound.insert("$and", vec![doc! { "seq": { "$gt": place(page.since) } }]);
            }
            let missing = limit.saturating_sub(u32::try_from(messages.len()).unwrap_or(limit));
            if missing > 0 {
                messages.extend(self.read_part(thread, part, missing).await?);
            }
        }
        messages.sort_unstable_by_key(|message| message.seq);
        Ok(messages)
    }

    async fn read_part(&self, thread: ThreadId, part: Part, limit: u32) -> Result<Vec<Message>, CallError> {
        let mut filter = doc! { "threadId": thread.to_string() };
        filter.extend(part.bound);
        let collection = self.messages.clone();
        let find = async move {
            let find = collection.find(filter).sort(part.order).limit(i64::from(limit)).batch_size(limit);
            find.projection(without_wordings()).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read messages", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(Message::from).collect())
    }

    /// See [`eventflow_ports::Store::first_seq_after`]. The index on (thread, time, place) holds all that is
    /// asked.
    pub(crate) async fn read_first_after(
        &self,
        thread: ThreadId,
        at: Timestamp,
    ) -> Result<Option<u64>, CallError> {
        let collection = self.messages.clone_with_type::<Document>();
        let stages = [
            doc! { "$match": { "threadId": thread.to_string(), "createdAt": { "$gt": date(at) } } },
            doc! { "$group": { "_id": Bson::Null, "seq": { "$min": "$seq" } } },
        ];
        let find = async move {
            collection.aggregate(stages).with_type::<FirstSeq>().await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read messages", READ_LIMIT, find).await?;
        Ok(found.first().map(|first| count(first.seq)))
    }

    /// See [`eventflow_ports::Store::message`].
    pub(crate) async fn read_message(&self, id: MessageId) -> Result<Option<Message>, CallError> {
        Ok(self.find_messages(&[id]).await?.remove(&id))
    }

    /// The newest message of a thread.
    pub(crate) async fn newest(&self, thread: ThreadId) -> Result<Option<Message>, CallError> {
        Ok(self.read_messages(thread, MessagePage { limit: 1, ..MessagePage::default() }).await?.pop())
    }

    /// The newest message of a thread that was not taken back, among the last ones after `since` up to
    /// `last`.
    pub(crate) async fn newest_left(
        &self,
        thread: ThreadId,
        since: u64,
        last: u64,
    ) -> Result<Option<Message>, CallError> {
        let mut filter = between(thread, last.saturating_sub(PREVIEW_DEPTH).max(since), last);
        filter.insert("deletedAt", doc! { "$exists": false });
        let collection = self.messages.clone();
        let find = async move {
            let find = collection.find_one(filter).sort(doc! { "threadId": -1, "seq": -1 });
            find.projection(without_wordings()).max_time(READ_LIMIT).await
        };
        let found = self.calls.run("read a preview", READ_LIMIT, find).await?;
        Ok(found.map(Message::from))
    }

    /// The newest message of a thread by place that was accepted by then. Most messages were, so the server
    /// looks at few.
    pub(crate) async fn newest_by(
        &self,
        thread: ThreadId,
        at: Timestamp,
    ) -> Result<Option<Message>, CallError> {
        let part = Part { bound: doc! { "createdAt": { "$lte": date(at) } }, order: by_place(-1) };
        Ok(self.read_part(thread, part, 1).await?.pop())
    }

    /// The messages with these ids, as far as they exist.
    pub(crate) async fn find_messages(
        &self,
        ids: &[MessageId],
    ) -> Result<HashMap<MessageId, Message>, CallError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<ObjectId> = ids.iter().copied().map(object_id).collect();
        let collection = self.messages.clone();
        let find = async move {
            let find = collection.find(doc! { "_id": { "$in": ids } }).max_time(READ_LIMIT);
            find.projection(without_wordings()).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read messages by id", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(Message::from).map(|message| (message.id, message)).collect())
    }
}

/// The parts of a page.
fn parts(page: MessagePage) -> Vec<Part> {
    match (page.after, page.before) {
        (Some(after), _) => parts_beside(after, "$gt", 1),
        (None, Some(before)) => parts_beside(before, "$lt", -1),
        (None, None) => vec![Part { bound: Document::new(), order: by_place(-1) }],
    }
}

/// The parts of a page on one side of a place. A page beside a message by its time has two: the messages of
/// that very time, then the others.
fn parts_beside(bound: Place, relation: &str, order: i32) -> Vec<Part> {
    let by_time = |bound| Part { bound, order: doc! { "threadId": order, "createdAt": order, "seq": order } };
    match bound {
        Place::Seq(seq) => {
            vec![Part { bound: doc! { "seq": { relation: place(seq) } }, order: by_place(order) }]
        }
        Place::Time(at) => vec![by_time(doc! { "createdAt": { relation: date(at) } })],
        Place::Moment { at, seq } => vec![
            by_time(doc! { "createdAt": date(at), "seq": { relation: place(seq) } }),
            by_time(doc! { "createdAt": { relation: date(at) } }),
        ],
    }
}

fn by_place(order: i32) -> Document {
    doc! { "threadId": order, "seq": order }
}
