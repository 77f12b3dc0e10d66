//! Who has received and read a message: the receipts in it, and the status that sums them up.
//!
//! In come the steps of cursors ([`crate::advances`]). The messages of a step get the receipt of the person
//! who made it, once however often it is written. People who make the same step share a statement, and
//! statements share a command.

use crate::advances::{CursorStep, between, others};
use crate::call::CallError;
use crate::connection::{CONCURRENT, READ_LIMIT};
use crate::record::values::{count, date};
use crate::store::MongoStore;
use eventflow_protocol::change::{AdvanceCursor, Cursor, RECEIPTED_MAX, Receipted};
use eventflow_protocol::document::MessageStatus;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use mongodb::options::FindOptions;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Command size: places whose receipts one command writes. Well within the time limit of a write.
const PLACES_PER_COMMAND: u64 = 5_000;
/// Command size: statements of one command. Even with everybody of a large thread named in each it stays far
/// below the 16 MB of a command.
const STATEMENTS_PER_COMMAND: usize = 256;
/// Reads: documents in one answer of the server, so that a read needs no second one.
const ANSWER_BATCH: u32 = 10_000;

/// A message with the status that sums up its receipts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceiptStatus {
    #[serde(rename = "_id")]
    id: ObjectId,
    thread_id: ThreadId,
    seq: i64,
    sender_id: UserId,
    #[serde(default)]
    status: MessageStatus,
}

/// A range of places in a thread: after the first, up to and including the second.
type Range = (ThreadId, u64, u64);

/// People who make the same step.
#[derive(Default)]
struct ReceiptGroup<'a> {
    people: &'a [UserId],
    arrivals: Vec<&'a AdvanceCursor>,
}

impl MongoStore {
    /// Writes the receipts of the steps. The newest messages of each step come first, since people look at
    /// those.
    pub(crate) async fn write_receipts(&self, steps: &[CursorStep<'_>]) -> Result<(), CallError> {
        let mut places = 0;
        let mut statements = Vec::new();
        for ((thread, from, mut to, is_read), group) in groups(steps) {
            while to > from {
                let start = from.max(to.saturating_sub(PLACES_PER_COMMAND));
                if places + to - start > PLACES_PER_COMMAND || statements.len() >= STATEMENTS_PER_COMMAND {
                    self.write_statements(std::mem::take(&mut statements)).await?;
                    places = 0;
                }
                places += to - start;
                statements.push(group.statement((thread, start, to), is_read));
                to = start;
            }
        }
        self.write_statements(statements).await
    }

    async fn write_statements(&self, statements: Vec<Document>) -> Result<(), CallError> {
        if statements.is_empty() {
            return Ok(());
        }
        self.update("write receipts", self.messages.name(), statements).await.map(drop)
    }

    /// Fills in the newest messages of each step with their current status.
    pub(crate) async fn read_receipts(&self, steps: &mut [CursorStep<'_>]) -> Result<(), CallError> {
        let (long, short): (Vec<_>, Vec<_>) = steps
            .iter_mut()
            .filter(|step| step.bears_receipts())
            .partition(|step| step.to - step.from > RECEIPTED_MAX as u64);
        let newest = FindOptions::builder().limit(i64::try_from(RECEIPTED_MAX).unwrap_or(i64::MAX)).build();
        let each = long.into_iter().map(|step| {
            let find = self.receipt_statuses(
                others(step.wanted.thread_id, &step.wanted.user_id, step.from, step.to),
                newest.clone(),
            );
            async move {
                find.await.map(|found| step.messages = found.iter().rev().map(Receipted::from).collect())
            }
        });
        let each: Vec<_> = each.collect();
        stream::iter(each).buffer_unordered(CONCURRENT).try_collect::<()>().await?;
        self.read_short(short).await
    }

    /// Reads the ranges that fit into a page all at once, each range once.
    async fn read_short(&self, steps: Vec<&mut CursorStep<'_>>) -> Result<(), CallError> {
        let ranges: BTreeSet<Range> =
            steps.iter().map(|step| (step.wanted.thread_id, step.from, step.to)).collect();
        if ranges.is_empty() {
            return Ok(());
        }
        let ranges: Vec<Document> =
            ranges.into_iter().map(|(thread, from, to)| between(thread, from, to)).collect();
        let all = FindOptions::builder().batch_size(ANSWER_BATCH).build();
        let mut by_thread: HashMap<ThreadId, BTreeMap<u64, ReceiptStatus>> = HashMap::new();
        for message in self.receipt_statuses(doc! { "$or": ranges }, all).await? {
            by_thread.entry(message.thread_id).or_default().insert(count(message.seq), message);
        }
        for step in steps {
            let there = by_thread
                .get(&step.wanted.thread_id)
                .into_iter()
                .flat_map(|there| there.range(step.from + 1..=step.to));
            let of_others =
                there.map(|(_, message)| message).filter(|message| message.sender_id != step.wanted.user_id);
            step.messages = of_others.map(Receipted::from).collect();
        }
        Ok(())
    }

    /// Messages with their status, the newest of a thread first.
    async fn receipt_statuses(
        &self,
        filter: Document,
        mut options: FindOptions,
    ) -> Result<Vec<ReceiptStatus>, CallError> {
        options.projection = Some(doc! { "threadId": 1, "seq": 1, "senderId": 1, "status": 1 });
        options.sort = options.limit.map(|_| doc! { "threadId": -1, "seq": -1 });
        options.max_time = Some(READ_LIMIT);
        let collection = self.messages.clone_with_type::<ReceiptStatus>();
        let find =
            async move { collection.find(filter).with_options(options).await?.try_collect::<Vec<_>>().await };
        self.calls.run("read receipts", READ_LIMIT, find).await
    }
}

/// The steps that leave receipts, grouped by thread, range, and whether the messages were read or received.
fn groups<'a>(steps: &'a [CursorStep<'_>]) -> BTreeMap<(ThreadId, u64, u64, bool), ReceiptGroup<'a>> {
    let mut groups: BTreeMap<_, ReceiptGroup<'_>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.bears_receipts()) {
        let is_read = step.wanted.cursor == Cursor::Read;
        let group = groups.entry((step.wanted.thread_id, step.from, step.to, is_read)).or_default();
        group.people = &step.known.people;
        group.arrivals.push(step.wanted);
    }
    groups
}

impl ReceiptGroup<'_> {
    fn statement(&self, (thread, from, to): Range, is_read: bool) -> Document {
        let mut filter = between(thread, from, to);
        // With one person the filter can skip the messages that have the receipt already.
        if let [only] = self.arrivals.as_slice() {
            let list = if is_read { "readBy.userId" } else { "deliveredTo.userId" };
            filter = others(thread, &only.user_id, from, to);
            filter.insert(list, doc! { "$ne": only.user_id.as_str() });
        }
        doc! { "q": filter, "u": self.receipts(is_read), "multi": true }
    }

    /// Adds the receipts, then sums them up: a message is read (delivered) when every recipient has read
    /// (received) it. Ids stand as literals, since an expression reads a text with `$` as a field.
    fn receipts(&self, is_read: bool) -> Vec<Document> {
        let mut set = doc! { "deliveredTo": self.with("deliveredTo", "deliveredAt") };
        if is_read {
            set.insert("readBy", self.with("readBy", "readAt"));
        }
        let people = doc! { "$literal": self.people.iter().map(UserId::as_str).collect::<Vec<_>>() };
        let all_in = |list: &str| doc! { "$setIsSubset": [{ "$setDifference": [&people, ["$senderId"]] }, users(list)] };
        let branches = [
            doc! { "case": all_in("readBy"), "then": "read" },
            doc! { "case": all_in("deliveredTo"), "then": "delivered" },
        ];
        let status =
            doc! { "$switch": { "branches": branches, "default": { "$ifNull": ["$status", "sent"] } } };
        vec![doc! { "$set": set }, doc! { "$set": { "status": status } }]
    }

    /// The list of receipts, plus those of the people who are not in it and did not write the message.
    fn with(&self, list: &str, when: &str) -> Document {
        let receipt = |wanted: &&AdvanceCursor| doc! { "userId": { "$literal": wanted.user_id.as_str() }, when: date(wanted.at) };
        let arrivals: Vec<Document> = self.arrivals.iter().map(receipt).collect();
        let is_new = doc! { "$not": [{ "$in": ["$$one.userId", users(list)] }] };
        let is_news = doc! { "$and": [{ "$ne": ["$$one.userId", "$senderId"] }, is_new] };
        let fresh = doc! { "$filter": { "input": arrivals, "as": "one", "cond": is_news } };
        doc! { "$concatArrays": [{ "$ifNull": [format!("${list}"), []] }, fresh] }
    }
}

/// The people in a list of receipts.
fn users(list: &str) -> Document {
    doc! { "$ifNull": [format!("${list}.userId"), []] }
}

impl From<&ReceiptStatus> for Receipted {
    fn from(found: &ReceiptStatus) -> Self {
        Self { id: MessageId::from_bytes(found.id.bytes()), seq: count(found.seq), status: found.status }
    }
}
