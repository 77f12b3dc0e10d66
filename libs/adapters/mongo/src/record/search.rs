//! Blocks of messages for search as the database keeps them, and what is read of threads and messages.

use crate::record::by_person::ByPerson;
use crate::record::values::{count, date, moment, object_id, place};
use eventflow_ports::search::{Block, BlockEnd, Reach, Run};
use eventflow_protocol::ThreadId;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document, doc};
use serde::Deserialize;

/// The fields of a block that a search reads: all but its signature.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockRecord {
    thread_id: ObjectId,
    first: i64,
    last: i64,
    newest: DateTime,
    #[serde(default)]
    is_open: bool,
}

/// How far a thread is, as its document says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReachRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    #[serde(default)]
    last_seq: i64,
    #[serde(default)]
    indexed_seq: i64,
    /// The place of the person who asks; nobody else's is read.
    #[serde(default)]
    since_seq: ByPerson,
}

impl BlockRecord {
    /// The messages of the block.
    pub(crate) fn run(&self) -> Run {
        Run {
            thread: ThreadId::from_bytes(self.thread_id.bytes()),
            first: count(self.first),
            last: count(self.last),
            newest: moment(self.newest),
        }
    }

    /// The end of the block, with its thread.
    pub(crate) fn end(&self) -> (ThreadId, BlockEnd) {
        let Run { thread, first, last, .. } = self.run();
        (thread, BlockEnd { first, last, is_open: self.is_open })
    }
}

impl ReachRecord {
    /// How far the thread is.
    pub(crate) fn reach(&self) -> Reach {
        Reach {
            thread: ThreadId::from_bytes(self.id.bytes()),
            stored: count(self.last_seq),
            indexed: count(self.indexed_seq),
            since: self.since_seq.values().next().copied().map_or(0, count),
        }
    }
}

/// The statement that writes a block unless the stored one goes further.
pub(crate) fn block_statement(block: &Block) -> Document {
    let Block { run, oldest, mark, is_open, .. } = block;
    let key = doc! { "threadId": object_id(run.thread), "mark": *mark, "first": place(run.first) };
    let mut filter = key;
    filter.insert("last", doc! { "$lt": place(run.last) });
    let mut set = doc! {
        "last": place(run.last), "oldest": date(*oldest), "newest": date(run.newest), "isOpen": *is_open,
    };
    set.extend(signature_of(block));
    doc! { "q": filter, "u": { "$set": set }, "upsert": true }
}

/// The fields that hold the signature of a block.
pub(crate) fn signature_of(block: &Block) -> Document {
    let size = i32::try_from(block.bits.len()).unwrap_or(i32::MAX);
    let bits = Binary { subtype: BinarySubtype::Generic, bytes: block.bits.clone() };
    doc! { "size": size, "bits": Bson::Binary(bits) }
}

/// The statement that notes how far a thread is in blocks.
pub(crate) fn reach_statement(thread: ThreadId, seq: u64) -> Document {
    doc! { "q": { "_id": object_id(thread) }, "u": { "$max": { "indexedSeq": place(seq) } } }
}
