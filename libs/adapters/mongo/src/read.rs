//! Reading messages: a page of a thread by place or time, and messages by id.

use crate::advances::between;
use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::record::values::{date, object_id, place};
use crate::store::MongoStore;
use eventflow_ports::store::{PAGE_MAX, PREVIEW_DEPTH};
use eventflow_ports::{MessagePage, Place};
use eventflow_protocol::document::Message;
use eventflow_protocol::{MessageId, ThreadId, Timestamp};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use std::collections::HashMap;

impl MongoStore {
    /// See [`eventflow_ports::Store::messages`].
    pub(crate) async fn read_messages(
        &self,
        thread: ThreadId,
        page: MessagePage,
    ) -> Result<Vec<Message>, CallError> {
        let (bound, order) = match (page.after, page.before) {
            (Some(after), _) => (beyond("$gt", after), 1),
            (None, Some(before)) => (beyond("$lt", before), -1),
            (None, None) => (Document::new(), -1),
        };
        let mut filter = doc! { "threadId": thread.to_string() };
        filter.extend(bound);
        let limit = page.limit.clamp(1, PAGE_MAX);
        let collection = self.messages.clone();
        let find = async move {
            let find = collection
                .find(filter)
                .sort(doc! { "threadId": order, "seq": order })
                .limit(i64::from(limit));
            find.batch_size(limit).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read messages", READ_LIMIT, find).await?;
        let mut messages: Vec<Message> = found.into_iter().map(Message::from).collect();
        if order < 0 {
            messages.reverse();
        }
        Ok(messages)
    }

    /// See [`eventflow_ports::Store::message`].
    pub(crate) async fn read_message(&self, id: MessageId) -> Result<Option<Message>, CallError> {
        Ok(self.messages_by_id(&[id]).await?.remove(&id))
    }

    /// The newest message of a thread.
    pub(crate) async fn newest(&self, thread: ThreadId) -> Result<Option<Message>, CallError> {
        Ok(self.read_messages(thread, MessagePage { limit: 1, ..MessagePage::default() }).await?.pop())
    }

    /// The newest message of a thread that was not taken back, among the last ones up to `last`.
    pub(crate) async fn newest_left(
        &self,
        thread: ThreadId,
        last: u64,
    ) -> Result<Option<Message>, CallError> {
        let mut filter = between(thread, last.saturating_sub(PREVIEW_DEPTH), last);
        filter.insert("deletedAt", doc! { "$exists": false });
        let collection = self.messages.clone();
        let find = async move {
            let find = collection.find_one(filter).sort(doc! { "threadId": -1, "seq": -1 });
            find.max_time(READ_LIMIT).await
        };
        let found = self.calls.run("read a preview", READ_LIMIT, find).await?;
        Ok(found.map(Message::from))
    }

    /// The newest message of a thread that was accepted by then. Most messages were, so the server looks at
    /// few.
    pub(crate) async fn newest_by(
        &self,
        thread: ThreadId,
        at: Timestamp,
    ) -> Result<Option<Message>, CallError> {
        let before = Some(Place::Time(Timestamp(at.0.saturating_add(1))));
        Ok(self.read_messages(thread, MessagePage { before, after: None, limit: 1 }).await?.pop())
    }

    /// The messages with these ids, as far as they exist.
    pub(crate) async fn messages_by_id(
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
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read messages by id", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(Message::from).map(|message| (message.id, message)).collect())
    }
}

/// The bound of a page. By `seq` the index bounds the scan; by time the server walks the thread in the order
/// of `seq` until the page is full.
fn beyond(relation: &str, bound: Place) -> Document {
    match bound {
        Place::Seq(seq) => doc! { "seq": { relation: place(seq) } },
        Place::Time(at) => doc! { "createdAt": { relation: date(at) } },
    }
}
