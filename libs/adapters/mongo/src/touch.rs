//! Bringing thread documents up to stored messages: last place, last message, and how many messages each
//! person has sent beyond what they have read.
//!
//! One compare-and-set a thread, all of a batch in one command: *if `lastSeq` is still n, set it to m and add
//! the messages at n + 1 … m to the counters of those who wrote them*. What is left to read follows from that
//! ([`crate::record::counters`]), so a message costs the same in a thread of any size. Only small threads
//! also add to the `unreadCount` of everybody else, and sort in the index of lists. So each message counts
//! once, whichever writer comes when and how often. A miss means that somebody else counted: the store reads
//! `lastSeq` again and counts the rest, if any, from there. Messages of that range that the caller did not
//! pass are counted in the database. The same statement brings the thread back to the people who had archived
//! it, if somebody else wrote.

use crate::call::{CallError, Cause};
use crate::connection::{CONCURRENT, READ_LIMIT};
use crate::record::by_person::path_of;
use crate::record::values::{date, object_id, place};
use crate::store::MongoStore;
use crate::thread_memory::KnownThread;
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Rounds in a row that missed at least one thread. More than two need other writers on the same threads at
/// the same moment.
const ROUNDS_MAX: u32 = 32;
/// Command size: counters that one command changes, of the people of small threads and of senders. Each takes
/// up to 160 bytes of a command document of at most 16 MB.
const COUNTERS_PER_COMMAND: usize = 50_000;

const TOUCH: &str = "touch threads";

/// The messages that the caller passed for one thread, by place.
type Passed<'a> = BTreeMap<u64, &'a Message>;
/// Messages per sender.
type BySender = HashMap<UserId, i64>;

/// The compare-and-set of one thread, from the messages that it counts to the newest.
struct ThreadUpdate<'a> {
    thread: ThreadId,
    known: Arc<KnownThread>,
    from: u64,
    newest: &'a Message,
    /// Messages by sender; none until the database has counted what the caller did not pass.
    senders: Option<BySender>,
}

#[derive(Deserialize)]
struct SenderCount {
    #[serde(rename = "_id")]
    key: SenderKey,
    n: i64,
}

#[derive(Deserialize)]
struct SenderKey {
    thread: ThreadId,
    sender: UserId,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::touch_threads`].
    pub(crate) async fn touch(&self, messages: &[Message]) -> Result<(), CallError> {
        let mut passed: HashMap<ThreadId, Passed<'_>> = HashMap::new();
        for message in messages {
            passed.entry(message.thread_id).or_default().insert(message.seq, message);
        }
        for _ in 0..ROUNDS_MAX {
            let known = self.known(passed.keys().copied()).await?;
            let mut updates: Vec<ThreadUpdate<'_>> =
                passed.iter().filter_map(|(thread, passed)| thread_update(*thread, passed, &known)).collect();
            if updates.is_empty() {
                return Ok(());
            }
            self.count_missing(&mut updates).await?;
            self.apply(&updates).await?;
        }
        Err(CallError::new(TOUCH, Cause::Contended(ROUNDS_MAX)))
    }

    /// Brings thread documents up to the newest stored messages.
    pub(crate) async fn catch_up(
        &self,
        threads: impl IntoIterator<Item = ThreadId>,
    ) -> Result<(), CallError> {
        let threads: BTreeSet<ThreadId> = threads.into_iter().collect();
        let newest = stream::iter(threads).map(|thread| self.newest(thread)).buffer_unordered(CONCURRENT);
        let newest: Vec<Option<Message>> = newest.try_collect().await?;
        self.touch(&newest.into_iter().flatten().collect::<Vec<_>>()).await
    }

    /// Runs the updates. After a command that missed any thread the store forgets all its threads, since the
    /// server does not say which one it missed.
    async fn apply(&self, updates: &[ThreadUpdate<'_>]) -> Result<(), CallError> {
        for updates in chunks(updates) {
            let matched = self
                .update(TOUCH, self.threads.name(), updates.iter().map(ThreadUpdate::statement).collect())
                .await;
            if matches!(matched, Ok(n) if n == updates.len() as u64) {
                for thread_update in updates {
                    thread_update.known.touched(thread_update.newest.seq);
                }
            } else {
                self.forget(updates.iter().map(|thread_update| thread_update.thread));
                matched?;
            }
        }
        Ok(())
    }

    /// Counts in the database the messages that the caller did not pass.
    async fn count_missing(&self, updates: &mut [ThreadUpdate<'_>]) -> Result<(), CallError> {
        let ranges: Vec<Document> = updates
            .iter()
            .filter(|thread_update| thread_update.senders.is_none())
            .map(ThreadUpdate::range)
            .collect();
        if ranges.is_empty() {
            return Ok(());
        }
        let mut counted: HashMap<ThreadId, BySender> = HashMap::new();
        for SenderCount { key, n } in self.count_senders(ranges).await? {
            counted.entry(key.thread).or_default().insert(key.sender, n);
        }
        for thread_update in updates.iter_mut().filter(|thread_update| thread_update.senders.is_none()) {
            thread_update.senders = counted.remove(&thread_update.thread);
        }
        Ok(())
    }

    async fn count_senders(&self, ranges: Vec<Document>) -> Result<Vec<SenderCount>, CallError> {
        let collection = self.messages.clone_with_type::<Document>();
        let stages = [
            doc! { "$match": { "$or": ranges } },
            doc! { "$group": { "_id": { "thread": "$threadId", "sender": "$senderId" }, "n": { "$sum": 1_i64 } } },
        ];
        let count =
            async move { collection.aggregate(stages).with_type::<SenderCount>().await?.try_collect().await };
        self.calls.run("count messages", READ_LIMIT, count).await
    }
}

impl ThreadUpdate<'_> {
    fn range(&self) -> Document {
        let seq = doc! { "$gt": place(self.from), "$lte": place(self.newest.seq) };
        doc! { "threadId": self.thread.to_string(), "seq": seq }
    }

    fn statement(&self) -> Document {
        let newest = self.newest;
        let at = date(newest.created_at);
        let mut set = doc! {
            "lastSeq": place(newest.seq), "lastMessageId": newest.id.to_string(),
            "lastMessageAt": at, "updatedAt": at,
        };
        if self.known.is_small() {
            set.insert("activityAt", at);
        }
        let mut change = doc! { "$set": set };
        let increments = self.increments();
        if !increments.is_empty() {
            change.insert("$inc", increments);
        }
        let (operator, operand) = self.brings_back();
        change.insert(operator, doc! { "archivedBy": operand });
        doc! { "q": { "_id": object_id(self.thread), "lastSeq": place(self.from) }, "u": change }
    }

    /// Takes those out of `archivedBy` who got a message of somebody else: everybody but the sender if there
    /// is only one, everybody if there are several.
    fn brings_back(&self) -> (&'static str, Bson) {
        let mut senders = self.senders.iter().flat_map(BySender::keys);
        match (senders.next(), senders.next()) {
            (Some(only), None) => ("$pull", doc! { "$ne": only.as_str() }.into()),
            _ => ("$unset", "".into()),
        }
    }

    /// Each sender's counter rises by their messages; in a small thread also everybody's unread count by the
    /// messages of the others.
    fn increments(&self) -> Document {
        let nobody = BySender::new();
        let senders = self.senders.as_ref().unwrap_or(&nobody);
        let mut increments: Document =
            senders.iter().map(|(sender, n)| (path_of("sentBeyond", sender), Bson::Int64(*n))).collect();
        if self.known.is_small() {
            let all: i64 = senders.values().sum();
            let others = |person: &UserId| all - senders.get(person).copied().unwrap_or(0);
            let people = self.known.people.iter();
            let risen = people.map(|person| (person, others(person))).filter(|(_, n)| *n > 0);
            increments.extend(risen.map(|(person, n)| (path_of("unreadCount", person), Bson::Int64(n))));
        }
        increments
    }

    /// How many counters the statement changes at most.
    fn counters(&self) -> usize {
        let people = if self.known.is_small() { self.known.people.len() } else { 0 };
        people + self.senders.as_ref().map_or(0, BySender::len)
    }
}

/// The update of a thread. None if its document counts these messages already, or if the thread does not
/// exist.
fn thread_update<'a>(
    thread: ThreadId,
    passed: &Passed<'a>,
    known: &HashMap<ThreadId, Arc<KnownThread>>,
) -> Option<ThreadUpdate<'a>> {
    let known = known.get(&thread)?.clone();
    let from = known.counted();
    let newest = *passed.values().next_back()?;
    let missing = newest.seq.checked_sub(from).filter(|missing| *missing > 0)?;
    let new = || passed.range(from + 1..).map(|(_, message)| *message);
    let senders = (new().count() as u64 == missing).then(|| by_sender(new()));
    Some(ThreadUpdate { thread, known, from, newest, senders })
}

fn by_sender<'a>(messages: impl Iterator<Item = &'a Message>) -> BySender {
    let mut senders = BySender::new();
    for message in messages {
        *senders.entry(message.sender_id.clone()).or_default() += 1;
    }
    senders
}

/// Cuts the updates into commands of a size that the server takes. A thread with more counters than that goes
/// alone.
fn chunks<'s, 'm>(updates: &'s [ThreadUpdate<'m>]) -> Vec<&'s [ThreadUpdate<'m>]> {
    let mut cut = Vec::new();
    let mut rest = updates;
    while !rest.is_empty() {
        let mut counters = 0;
        let fit = rest.iter().take_while(|thread_update| {
            counters += thread_update.counters();
            counters <= COUNTERS_PER_COMMAND
        });
        let (chunk, others) = rest.split_at(fit.count().max(1));
        cut.push(chunk);
        rest = others;
    }
    cut
}
