//! Storing a batch: each message gets the next place of its thread, and no thread ever has a gap.
//!
//! In comes a batch in the order in which its messages are to stand; out comes the result of each. Places
//! come from memory and the insert is *ordered*: it stops at the first message that a unique index refuses.
//! So what is stored is a prefix, whenever a process crashes, and the message at place n is there before the
//! one at n + 1 (docs/adr/0002). A unique index refuses for one of three reasons: this command was stored
//! before, the sender used this key before, or another writer took the place. Which of them does not matter:
//! the store looks up the rest of the batch, reads the threads again, and tries the rest again.
//!
//! A message that is the other leg of a stored message joins it ([`crate::pairing`]).
//! Safe to repeat because a message's id follows from its command's: what was stored is found, not stored
//! again.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::pairing::{LegJoin, Pairs, Placement, with_leg};
use crate::record::message::MessageRecord;
use crate::record::values::object_id;
use crate::store::MongoStore;
use crate::thread_memory::KnownThread;
use crate::wordings::without_wordings;
use eventflow_ports::{Appended, NewMessage};
use eventflow_protocol::document::Message;
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::{CommandId, MessageId, ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Rounds in a row that settled no message of the batch. Each costs two round trips. A writer with stale
/// places needs one such round, and more only while others write the same threads at the same moment.
const FRUITLESS_ROUNDS_MAX: u32 = 32;
/// Lookups: documents in one answer of the server, so that a lookup needs no second one.
const LOOKUP_BATCH: u32 = 2_000;

const APPEND: &str = "append messages";

/// A batch that is being stored.
struct AppendBatch<'a> {
    batch: &'a [NewMessage],
    answers: Vec<Option<Appended>>,
    /// Indexes of the messages that have no answer yet, ascending.
    open: Vec<usize>,
}

/// One round: the messages to insert with their places, the legs to join, and the messages that wait until
/// those are stored.
#[derive(Default)]
struct InsertPlan {
    inserts: Vec<(usize, Message)>,
    records: Vec<MessageRecord>,
    joins: Vec<LegJoin>,
    waiting: Vec<usize>,
}

/// The place of the newest message of each thread.
type NewestPlaces = HashMap<ThreadId, u64>;

/// What the database already holds of the messages that a batch wants to store.
#[derive(Default)]
struct StoredMessages {
    by_id: HashMap<MessageId, Message>,
    /// With the fingerprint of what was sent first, if the message was changed since.
    by_key: HashMap<(UserId, String), (Message, Option<Fingerprint>)>,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::append_messages`].
    pub(crate) async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, CallError> {
        let mut work =
            AppendBatch { batch, answers: vec![None; batch.len()], open: (0..batch.len()).collect() };
        let is_suspect = |i: &usize| batch[*i].redelivered || batch[*i].send.repeat_only;
        let mut suspects: Vec<usize> = work.open.iter().copied().filter(is_suspect).collect();
        let mut fruitless = 0;
        while !work.open.is_empty() {
            let before = work.open.len();
            self.round(&mut work, &suspects).await?;
            fruitless = if work.open.len() < before { 0 } else { fruitless + 1 };
            if fruitless > FRUITLESS_ROUNDS_MAX {
                return Err(CallError::new(APPEND, Cause::Contended(fruitless)));
            }
            suspects.clone_from(&work.open);
        }
        Ok(work
            .answers
            .into_iter()
            .map(|answer| answer.expect("a batch is done when every message has its answer"))
            .collect())
    }

    /// Looks up the suspects and the messages that legs may join, gives places to the rest, joins and
    /// inserts.
    ///
    /// The places are read before the lookups. A message that another writer stores meanwhile takes one of
    /// these places, so the insert fails and the next round finds that message; read after the lookups, the
    /// places would hide it.
    async fn round(&self, work: &mut AppendBatch<'_>, suspects: &[usize]) -> Result<(), CallError> {
        let known = self.known(work.open.iter().map(|i| work.batch[*i].send.thread_id)).await?;
        let places: NewestPlaces = known.iter().map(|(thread, known)| (*thread, known.last())).collect();
        let stored = self.find_stored(suspects.iter().map(|i| &work.batch[*i]));
        let (found, pairs) =
            tokio::try_join!(stored, self.find_pairs(work.open.iter().map(|i| &work.batch[*i])))?;
        let InsertPlan { inserts, records, joins, waiting } = work.plan(&found, pairs, &known, places);
        work.open = waiting;
        let joined = self.join(&joins).await?;
        for LegJoin { index, message, .. } in joins {
            if joined {
                work.answers[index] = Some(Appended::Duplicate(message));
            } else {
                work.open.push(index);
            }
        }
        self.insert_planned(work, &known, inserts, records).await?;
        work.open.sort_unstable();
        Ok(())
    }

    /// Inserts up to the first refused message. That one and those after it stay open.
    async fn insert_planned(
        &self,
        work: &mut AppendBatch<'_>,
        known: &HashMap<ThreadId, Arc<KnownThread>>,
        inserts: Vec<(usize, Message)>,
        records: Vec<MessageRecord>,
    ) -> Result<(), CallError> {
        if inserts.is_empty() {
            return Ok(());
        }
        let done = match self.insert(records).await {
            Ok(()) => inserts.len(),
            Err(error) => {
                let done = error.duplicate_at();
                self.forget(inserts[done.unwrap_or(0)..].iter().map(|(_, message)| message.thread_id));
                done.ok_or(error)?
            }
        };
        for (n, (i, message)) in inserts.into_iter().enumerate() {
            if n < done {
                known[&message.thread_id].stored(message.seq);
                work.answers[i] = Some(Appended::Stored(message));
            } else {
                work.open.push(i);
            }
        }
        Ok(())
    }

    async fn insert(&self, records: Vec<MessageRecord>) -> Result<(), CallError> {
        let collection = self.messages.clone();
        let insert = async move { collection.insert_many(records).ordered(true).await.map(drop) };
        self.calls.run(APPEND, WRITE_LIMIT, insert).await
    }

    /// Finds the suspects that are stored, by command or by the sender's key.
    async fn find_stored(
        &self,
        suspects: impl Iterator<Item = &NewMessage>,
    ) -> Result<StoredMessages, CallError> {
        let Some(filter) = stored_filter(suspects) else { return Ok(StoredMessages::default()) };
        let collection = self.messages.clone();
        let find = async move {
            collection
                .find(filter)
                .projection(without_wordings())
                .batch_size(LOOKUP_BATCH)
                .await?
                .try_collect::<Vec<_>>()
                .await
        };
        let mut found = StoredMessages::default();
        for record in self.calls.run("look up messages", READ_LIMIT, find).await? {
            let sent_as = record.sent_as();
            let message = Message::from(record);
            if let Some(key) = &message.client_message_id {
                found.by_key.insert((message.sender_id.clone(), key.clone()), (message.clone(), sent_as));
            }
            found.by_id.insert(message.id, message);
        }
        Ok(found)
    }
}

impl AppendBatch<'_> {
    /// Decides for each open message, in the order of the batch: it has an answer already, it waits, it
    /// joins, or it gets a place.
    fn plan(
        &mut self,
        found: &StoredMessages,
        mut pairs: Pairs,
        known: &HashMap<ThreadId, Arc<KnownThread>>,
        mut last: NewestPlaces,
    ) -> InsertPlan {
        let mut plan = InsertPlan::default();
        let mut planned: HashSet<CommandId> = HashSet::new();
        let mut keys: HashSet<(&UserId, &str)> = HashSet::new();
        for i in std::mem::take(&mut self.open) {
            let new = &self.batch[i];
            // A command that is stored is answered in any case. Only a participant learns that a key is used.
            let thread = known.get(&new.send.thread_id).filter(|thread| thread.includes(&new.send.sender_id));
            if let Some(answer) = found.answer(new, thread.is_some()) {
                self.answers[i] = Some(answer);
                continue;
            }
            let Some(thread) = thread else {
                self.answers[i] = Some(Appended::NotParticipant);
                continue;
            };
            let key = new.send.client_message_id.as_deref().map(|key| (&new.send.sender_id, key));
            if new.send.repeat_only && key.is_none_or(|key| !keys.contains(&key)) {
                self.answers[i] = Some(Appended::NotRepeated);
                continue;
            }
            // A repeat of a command or key within the batch takes no place. It waits until the first is
            // stored; the next round looks it up and answers as for any repeat.
            if !planned.insert(new.command_id) || key.is_some_and(|key| !keys.insert(key)) {
                plan.waiting.push(i);
                continue;
            }
            match pairs.place(new) {
                Placement::Known(message) => self.answers[i] = Some(Appended::Duplicate(message)),
                Placement::Join(message) => plan.joins.extend(LegJoin::new(i, new, message)),
                Placement::Wait => plan.waiting.push(i),
                Placement::Store => plan.insert(i, new, thread, &mut last),
            }
        }
        plan
    }
}

impl InsertPlan {
    /// Gives a message the next place of its thread, counting on from the messages planned before it.
    fn insert(&mut self, i: usize, new: &NewMessage, thread: &KnownThread, last: &mut NewestPlaces) {
        let seq = last.entry(new.send.thread_id).or_insert_with(|| thread.last());
        *seq += 1;
        let message = new.send.clone().into_message(new.command_id, *seq);
        let record = MessageRecord::new(&message, &thread.people).with_sent_as(sent_as(new));
        self.records.push(with_leg(record, new));
        self.inserts.push((i, message));
    }
}

/// The fingerprint of what was typed under a key, where the message alone does not say it.
fn sent_as(new: &NewMessage) -> Option<Fingerprint> {
    new.send.typed.filter(|_| new.send.client_message_id.is_some())
}

impl StoredMessages {
    fn answer(&self, new: &NewMessage, participant: bool) -> Option<Appended> {
        if let Some(message) = self.by_id.get(&new.command_id.into()) {
            return Some(Appended::Duplicate(message.clone()));
        }
        let key = new.send.client_message_id.clone().filter(|_| participant)?;
        let (message, sent_as) = self.by_key.get(&(new.send.sender_id.clone(), key))?;
        let is_again = new.send.is_again(message, *sent_as);
        Some(if is_again { Appended::Duplicate(message.clone()) } else { Appended::KeyReused })
    }
}

/// Messages with one of the ids, or with one of the keys of their sender. None if there are no suspects.
fn stored_filter<'a>(suspects: impl Iterator<Item = &'a NewMessage>) -> Option<Document> {
    let mut ids = Vec::new();
    let mut keys: BTreeMap<&UserId, Vec<&str>> = BTreeMap::new();
    for new in suspects {
        ids.push(object_id(MessageId::from(new.command_id)));
        if let Some(key) = &new.send.client_message_id {
            keys.entry(&new.send.sender_id).or_default().push(key);
        }
    }
    if ids.is_empty() {
        return None;
    }
    let mut either = vec![doc! { "_id": { "$in": ids } }];
    either.extend(
        keys.into_iter()
            .map(|(sender, keys)| doc! { "senderId": sender.as_str(), "clientMessageId": { "$in": keys } }),
    );
    Some(doc! { "$or": either })
}
