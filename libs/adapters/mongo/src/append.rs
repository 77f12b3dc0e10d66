//! Storing a batch: each message gets the next place of its thread, and there is never a gap.
//!
//! In comes a batch in the order in which its messages are to stand; out comes what became of each. Places come from memory and
//! the insert is *ordered*: it stops at the first message that a unique index refuses, so what is stored is a prefix, whatever
//! crashes when, and the message at place n is there before the one at n + 1 (docs/adr/0002). Refused means: this command was
//! stored before, this key of the sender was used before, or another writer took the place. Which of them does not matter:
//! the rest of the batch is looked up, the threads are read again, and the rest is tried again.
//!
//! A message that is the other leg of one that is there joins it ([`crate::pairing`]).
//! Safe to repeat because a message's id follows from its command's: what was stored is found, not stored again.

use crate::call::{CallError, Cause};
use crate::memory::Known;
use crate::pairing::{Join, Pairs, Placement, with_leg};
use crate::record::{MessageRecord, object_id};
use crate::store::{MongoStore, READ_LIMIT, WRITE_LIMIT};
use eventflow_ports::{Appended, NewMessage};
use eventflow_protocol::document::Message;
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::{CommandId, MessageId, ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Rounds in a row in which no message of the batch was settled. Each costs two round trips; a writer that was stale needs one,
/// and more only while others write the same threads at the same moment.
const FRUITLESS_ROUNDS_MAX: u32 = 32;
/// What the lookups may find in one answer of the server, so that it needs no second one.
const LOOKUP_BATCH: u32 = 2_000;

const APPEND: &str = "append messages";

/// A batch on its way.
struct Work<'a> {
    batch: &'a [NewMessage],
    answers: Vec<Option<Appended>>,
    /// Indexes of the messages that have no answer yet, ascending.
    open: Vec<usize>,
}

/// One insert: messages with their places, and what of the batch has to wait until they are stored.
#[derive(Default)]
struct Plan {
    inserts: Vec<(usize, Message)>,
    records: Vec<MessageRecord>,
    joins: Vec<Join>,
    waiting: Vec<usize>,
}

/// The place of the newest message of each thread.
type Places = HashMap<ThreadId, u64>;

/// What is stored already of what a batch wants to store.
#[derive(Default)]
struct Found {
    by_id: HashMap<MessageId, Message>,
    /// With what was sent first, of a changed one.
    by_key: HashMap<(UserId, String), (Message, Option<Fingerprint>)>,
}

impl MongoStore {
    /// See [`eventflow_ports::Store::append_messages`].
    pub(crate) async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, CallError> {
        let mut work = Work { batch, answers: vec![None; batch.len()], open: (0..batch.len()).collect() };
        let mut suspects: Vec<usize> = work.open.iter().copied().filter(|i| batch[*i].redelivered).collect();
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

    /// Looks up the suspects and what may be joined, gives places to the rest, joins and inserts. Places are those from before the
    /// lookups: what is stored meanwhile takes one of them, so that the insert fails instead of missing it.
    async fn round(&self, work: &mut Work<'_>, suspects: &[usize]) -> Result<(), CallError> {
        let known = self.known(work.open.iter().map(|i| work.batch[*i].send.thread_id)).await?;
        let places: Places = known.iter().map(|(thread, known)| (*thread, known.last())).collect();
        let stored = self.find_stored(suspects.iter().map(|i| &work.batch[*i]));
        let (found, pairs) =
            tokio::try_join!(stored, self.find_pairs(work.open.iter().map(|i| &work.batch[*i])))?;
        let Plan { inserts, records, joins, waiting } = work.plan(&found, pairs, &known, places);
        work.open = waiting;
        let joined = self.join(&joins).await?;
        for Join { index, message, .. } in joins {
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

    /// Inserts up to the first that is refused; that one and those after it stay open.
    async fn insert_planned(
        &self,
        work: &mut Work<'_>,
        known: &HashMap<ThreadId, Arc<Known>>,
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

    /// Which of these are stored, by command or by the sender's key.
    async fn find_stored(&self, suspects: impl Iterator<Item = &NewMessage>) -> Result<Found, CallError> {
        let Some(filter) = stored_filter(suspects) else { return Ok(Found::default()) };
        let collection = self.messages.clone();
        let find = async move {
            collection.find(filter).batch_size(LOOKUP_BATCH).await?.try_collect::<Vec<_>>().await
        };
        let mut found = Found::default();
        for record in self.calls.run("look up messages", READ_LIMIT, find).await? {
            let (sent_as, message) = (record.sent_as(), Message::from(record));
            if let Some(key) = &message.client_message_id {
                found.by_key.insert((message.sender_id.clone(), key.clone()), (message.clone(), sent_as));
            }
            found.by_id.insert(message.id, message);
        }
        Ok(found)
    }
}

impl Work<'_> {
    /// Answers what can be answered, and gives the others their places.
    fn plan(
        &mut self,
        found: &Found,
        mut pairs: Pairs,
        known: &HashMap<ThreadId, Arc<Known>>,
        mut last: Places,
    ) -> Plan {
        let mut plan = Plan::default();
        let mut planned: HashSet<CommandId> = HashSet::new();
        let mut keys: HashSet<(&UserId, &str)> = HashSet::new();
        for i in std::mem::take(&mut self.open) {
            let new = &self.batch[i];
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
            // A repeat within the batch takes no place: it is looked up when the first is stored.
            if !planned.insert(new.command_id) || key.is_some_and(|key| !keys.insert(key)) {
                plan.waiting.push(i);
                continue;
            }
            match pairs.place(new) {
                Placement::Known(message) => self.answers[i] = Some(Appended::Duplicate(message)),
                Placement::Join(message) => plan.joins.extend(Join::new(i, new, message)),
                Placement::Wait => plan.waiting.push(i),
                Placement::Own => plan.insert(i, new, thread, &mut last),
            }
        }
        plan
    }
}

impl Plan {
    /// Gives a message the next place of its thread.
    fn insert(&mut self, i: usize, new: &NewMessage, thread: &Known, last: &mut Places) {
        let seq = last.entry(new.send.thread_id).or_insert_with(|| thread.last());
        *seq += 1;
        let message = new.send.clone().into_message(new.command_id, *seq);
        self.records.push(with_leg(MessageRecord::new(&message, &thread.people), new));
        self.inserts.push((i, message));
    }
}

impl Found {
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

/// Messages with one of the ids, or with one of the keys of its sender; nothing to ask if there are none.
fn stored_filter<'a>(suspects: impl Iterator<Item = &'a NewMessage>) -> Option<Document> {
    let (mut ids, mut keys) = (Vec::new(), BTreeMap::<&UserId, Vec<&str>>::new());
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
