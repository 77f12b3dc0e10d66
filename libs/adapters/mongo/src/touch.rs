//! Bringing thread documents up to stored messages: last place, last message, and what each person has not read.
//!
//! One compare-and-set a thread, all of a batch in one command: *if `lastSeq` is still n, set it to m and add the messages at
//! n + 1 … m to the counters of those who did not write them*. So each message counts once, whoever comes when and how often.
//! A miss means that somebody else counted: `lastSeq` is read again, and the rest, if there is one, is counted from there.
//! Messages of that range that the caller did not pass are counted in the database. The same step brings the thread back to those
//! who had put it away, if somebody else spoke.

use crate::call::{CallError, Cause};
use crate::cursors::CONCURRENT;
use crate::memory::Known;
use crate::record::{date, object_id, place};
use crate::store::{MongoStore, READ_LIMIT};
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Rounds in a row that missed at least one thread; more than two need others who touch the same threads at the same moment.
const ROUNDS_MAX: u32 = 32;
/// Counters changed by one command. Each takes up to 160 bytes of a command document of at most 16 MB.
const COUNTERS_PER_COMMAND: usize = 50_000;

const TOUCH: &str = "touch threads";

/// The messages passed for one thread, by place.
type Passed<'a> = BTreeMap<u64, &'a Message>;
/// Messages per sender.
type BySender = HashMap<UserId, i64>;

/// One thread's compare-and-set.
struct Step<'a> {
    thread: ThreadId,
    known: Arc<Known>,
    from: u64,
    newest: &'a Message,
    /// Unknown if the database has to count.
    senders: Option<BySender>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(rename = "_id")]
    key: GroupKey,
    n: i64,
}

#[derive(Deserialize)]
struct GroupKey {
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
            let mut steps: Vec<Step<'_>> =
                passed.iter().filter_map(|(thread, passed)| step(*thread, passed, &known)).collect();
            if steps.is_empty() {
                return Ok(());
            }
            self.count_missing(&mut steps).await?;
            self.apply(&steps).await?;
        }
        Err(CallError::new(TOUCH, Cause::Contended(ROUNDS_MAX)))
    }

    /// Brings threads up to their newest messages.
    pub(crate) async fn catch_up(
        &self,
        threads: impl IntoIterator<Item = ThreadId>,
    ) -> Result<(), CallError> {
        let threads: BTreeSet<ThreadId> = threads.into_iter().collect();
        let newest = stream::iter(threads).map(|thread| self.newest(thread)).buffer_unordered(CONCURRENT);
        let newest: Vec<Option<Message>> = newest.try_collect().await?;
        self.touch(&newest.into_iter().flatten().collect::<Vec<_>>()).await
    }

    /// Runs the steps. Those of a command that missed any are forgotten, since the server does not say which it missed.
    async fn apply(&self, steps: &[Step<'_>]) -> Result<(), CallError> {
        for steps in chunks(steps) {
            let matched =
                self.update(TOUCH, self.threads.name(), steps.iter().map(Step::statement).collect()).await;
            if matches!(matched, Ok(n) if n == steps.len() as u64) {
                for step in steps {
                    step.known.touched(step.newest.seq);
                }
            } else {
                self.forget(steps.iter().map(|step| step.thread));
                matched?;
            }
        }
        Ok(())
    }

    /// Counts in the database what the caller did not pass.
    async fn count_missing(&self, steps: &mut [Step<'_>]) -> Result<(), CallError> {
        let ranges: Vec<Document> =
            steps.iter().filter(|step| step.senders.is_none()).map(Step::range).collect();
        if ranges.is_empty() {
            return Ok(());
        }
        let mut counted: HashMap<ThreadId, BySender> = HashMap::new();
        for Group { key, n } in self.count_senders(ranges).await? {
            counted.entry(key.thread).or_default().insert(key.sender, n);
        }
        for step in steps.iter_mut().filter(|step| step.senders.is_none()) {
            step.senders = counted.remove(&step.thread);
        }
        Ok(())
    }

    async fn count_senders(&self, ranges: Vec<Document>) -> Result<Vec<Group>, CallError> {
        let collection = self.messages.clone_with_type::<Document>();
        let stages = [
            doc! { "$match": { "$or": ranges } },
            doc! { "$group": { "_id": { "thread": "$threadId", "sender": "$senderId" }, "n": { "$sum": 1_i64 } } },
        ];
        let count =
            async move { collection.aggregate(stages).with_type::<Group>().await?.try_collect().await };
        self.calls.run("count messages", READ_LIMIT, count).await
    }
}

impl Step<'_> {
    fn range(&self) -> Document {
        let seq = doc! { "$gt": place(self.from), "$lte": place(self.newest.seq) };
        doc! { "threadId": self.thread.to_string(), "seq": seq }
    }

    fn statement(&self) -> Document {
        let newest = self.newest;
        let at = date(newest.created_at);
        let set = doc! {
            "lastSeq": place(newest.seq), "lastMessageId": newest.id.to_string(),
            "lastMessageAt": at, "activityAt": at, "updatedAt": at,
        };
        let mut change = doc! { "$set": set };
        let increments = self.increments();
        if !increments.is_empty() {
            change.insert("$inc", increments);
        }
        let (operator, operand) = self.brings_back();
        change.insert(operator, doc! { "archivedBy": operand });
        doc! { "q": { "_id": object_id(self.thread), "lastSeq": place(self.from) }, "u": change }
    }

    /// Who had put the thread away has it back if somebody else said something: all but the only sender, or all.
    fn brings_back(&self) -> (&'static str, Bson) {
        let mut senders = self.senders.iter().flat_map(BySender::keys);
        match (senders.next(), senders.next()) {
            (Some(only), None) => ("$pull", doc! { "$ne": only.as_str() }.into()),
            _ => ("$unset", "".into()),
        }
    }

    /// Everybody's counter rises by the messages of the others. User ids hold neither `.` nor `$`, so they are paths as they are.
    fn increments(&self) -> Document {
        let nobody = BySender::new();
        let senders = self.senders.as_ref().unwrap_or(&nobody);
        let all: i64 = senders.values().sum();
        let others = |person: &UserId| all - senders.get(person).copied().unwrap_or(0);
        let risen = self.known.people.iter().map(|person| (person, others(person))).filter(|(_, n)| *n > 0);
        risen.map(|(person, n)| (format!("unreadCount.{person}"), Bson::Int64(n))).collect()
    }
}

/// What there is to do for a thread; nothing if it was brought so far already, or does not exist.
fn step<'a>(
    thread: ThreadId,
    passed: &Passed<'a>,
    known: &HashMap<ThreadId, Arc<Known>>,
) -> Option<Step<'a>> {
    let known = known.get(&thread)?.clone();
    let (from, newest) = (known.counted(), *passed.values().next_back()?);
    let missing = newest.seq.checked_sub(from).filter(|missing| *missing > 0)?;
    let new = || passed.range(from + 1..).map(|(_, message)| *message);
    let senders = (new().count() as u64 == missing).then(|| by_sender(new()));
    Some(Step { thread, known, from, newest, senders })
}

fn by_sender<'a>(messages: impl Iterator<Item = &'a Message>) -> BySender {
    let mut senders = BySender::new();
    for message in messages {
        *senders.entry(message.sender_id.clone()).or_default() += 1;
    }
    senders
}

/// Cuts the steps into commands of a size that the server takes.
fn chunks<'s, 'm>(steps: &'s [Step<'m>]) -> Vec<&'s [Step<'m>]> {
    let (mut cut, mut rest) = (Vec::new(), steps);
    while !rest.is_empty() {
        let mut counters = 0;
        let fit = rest.iter().take_while(|step| {
            counters += step.known.people.len();
            counters <= COUNTERS_PER_COMMAND
        });
        let (chunk, others) = rest.split_at(fit.count().max(1));
        cut.push(chunk);
        rest = others;
    }
    cut
}
