//! The pinned messages of a thread, from an index that holds nothing else.

use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::record::values::{date, place};
use crate::store::MongoStore;
use crate::wordings::without_wordings;
use eventflow_ports::PinPage;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::PINS_MAX;
use eventflow_protocol::document::Message;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

impl MongoStore {
    /// Whether no more messages can be pinned.
    pub(crate) async fn are_pins_full(&self, thread: ThreadId) -> Result<bool, CallError> {
        Ok(self.count_messages(pinned(thread)).await? >= PINS_MAX as u64)
    }

    /// See [`eventflow_ports::Store::pins`].
    pub(crate) async fn read_pins(&self, thread: ThreadId, page: PinPage) -> Result<Vec<Message>, CallError> {
        let limit = page.limit.clamp(1, PAGE_MAX);
        let mut filter = pinned(thread);
        if page.since > 0 {
            filter.insert("seq", doc! { "$gt": place(page.since) });
        }
        if let Some((at, seq)) = page.after {
            let at = date(at);
            let beyond = [
                doc! { "pinned.pinnedAt": { "$lt": at } },
                doc! { "pinned.pinnedAt": at, "seq": { "$lt": place(seq) } },
            ];
            filter.insert("$or", beyond.to_vec());
        }
        let collection = self.messages.clone();
        let find = async move {
            let find = collection.find(filter).sort(doc! { "threadId": 1, "pinned.pinnedAt": -1, "seq": -1 });
            let find = find.limit(i64::from(limit)).batch_size(limit).projection(without_wordings());
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read pins", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(Message::from).collect())
    }
}

fn pinned(thread: ThreadId) -> Document {
    doc! { "threadId": thread.to_string(), "pinned": { "$exists": true } }
}
