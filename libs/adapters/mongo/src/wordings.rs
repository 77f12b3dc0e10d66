//! What messages said before they were edited: a list in the message's own document, which the edit's write
//! extends and the deletion's write removes.
//!
//! Only whoever asks for the wordings reads them: every other reading of messages leaves them out
//! ([`without_wordings`]), since they can be twenty times as long as the message.

use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::record::values::{date, moment, object_id, place};
use crate::store::MongoStore;
use eventflow_protocol::MessageId;
use eventflow_protocol::wording::{WORDINGS_MAX, Wording};
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;

/// The field of a message's document. No published schema has it.
const WORDINGS: &str = "wordings";

/// The part of a message's document that is read here.
#[derive(Deserialize)]
struct WordingsRecord {
    #[serde(default)]
    wordings: Vec<WordingRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WordingRecord {
    content: String,
    written_at: DateTime,
    #[serde(default)]
    is_first: bool,
}

/// The projection that leaves the wordings out.
pub(crate) fn without_wordings() -> Document {
    doc! { WORDINGS: 0 }
}

/// Adds to the update of a message that its wordings go, if the message was taken back, or that those which
/// its edits replaced are kept.
pub(crate) fn keep_wordings(update: &mut Document, replaced: &[Wording], is_taken_back: bool) {
    if is_taken_back {
        let mut unset = match update.remove("$unset") {
            Some(Bson::Document(unset)) => unset,
            Some(_) | None => Document::new(),
        };
        unset.insert(WORDINGS, "");
        update.insert("$unset", unset);
    } else if !replaced.is_empty() {
        let each: Vec<Document> = replaced.iter().map(document).collect();
        let newest = -place(WORDINGS_MAX as u64);
        update.insert("$push", doc! { WORDINGS: { "$each": each, "$slice": newest } });
    }
}

fn document(wording: &Wording) -> Document {
    doc! {
        "content": &wording.content, "writtenAt": date(wording.written_at), "isFirst": wording.is_first,
    }
}

impl MongoStore {
    /// See [`eventflow_ports::Store::wordings`]. A message that an earlier version of this program took back
    /// may have some left, which nobody gets.
    pub(crate) async fn read_wordings(&self, id: MessageId) -> Result<Vec<Wording>, CallError> {
        let filter = doc! { "_id": object_id(id), "deletedAt": { "$exists": false } };
        let collection = self.messages.clone_with_type::<WordingsRecord>();
        let find = async move {
            collection.find_one(filter).projection(doc! { WORDINGS: 1 }).max_time(READ_LIMIT).await
        };
        let found = self.calls.run("read wordings", READ_LIMIT, find).await?;
        Ok(found.map_or_else(Vec::new, |found| found.wordings.into_iter().map(Wording::from).collect()))
    }
}

impl From<WordingRecord> for Wording {
    fn from(record: WordingRecord) -> Self {
        Self { content: record.content, written_at: moment(record.written_at), is_first: record.is_first }
    }
}
