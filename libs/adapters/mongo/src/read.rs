//! Reading messages: a page of a thread by place, and some by id.

use crate::call::CallError;
use crate::record::{object_id, place};
use crate::store::{MongoStore, READ_LIMIT};
use eventflow_ports::MessagePage;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::document::Message;
use eventflow_protocol::{MessageId, ThreadId};
use futures_util::TryStreamExt;
use mongodb::bson::doc;
use mongodb::bson::oid::ObjectId;
use std::collections::HashMap;

impl MongoStore {
    /// See [`eventflow_ports::Store::messages`].
    pub(crate) async fn read_messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, CallError> {
        let thread = thread.to_string();
        let (filter, order) = match (page.after, page.before) {
            (Some(after), _) => (doc! { "threadId": thread, "seq": { "$gt": place(after) } }, 1),
            (None, Some(before)) => (doc! { "threadId": thread, "seq": { "$lt": place(before) } }, -1),
            (None, None) => (doc! { "threadId": thread }, -1),
        };
        let limit = page.limit.clamp(1, PAGE_MAX);
        let collection = self.messages.clone();
        let find = async move {
            let find = collection.find(filter).sort(doc! { "threadId": order, "seq": order }).limit(i64::from(limit));
            find.batch_size(limit).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read messages", READ_LIMIT, find).await?;
        let mut messages: Vec<Message> = found.into_iter().map(Message::from).collect();
        if order < 0 {
            messages.reverse();
        }
        Ok(messages)
    }

    /// These messages, as far as they exist.
    pub(crate) async fn messages_by_id(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Message>, CallError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<ObjectId> = ids.iter().copied().map(object_id).collect();
        let collection = self.messages.clone();
        let find = async move {
            let find = collection.find(doc! { "_id": { "$in": ids } }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read last messages", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(Message::from).map(|message| (message.id, message)).collect())
    }
}
