//! Changing messages: edits, deletions and reactions.
//!
//! The store reads the message, [`apply`] computes the changed one, and one compare-and-set on its `revision`
//! writes the fields that a change can touch. Receipts and status are not among them; [`crate::receipts`]
//! writes those. A miss means that somebody else changed the message: the store reads it again and applies
//! the changes to what it finds. Messages that were taken back then leave the unread counts
//! ([`crate::taken_back`]). At last the change log tells of the messages ([`crate::change_log`]), also of
//! those that a command found changed before: its first carrier may have ended in between. Safe to repeat
//! because the marks, which name the commands that were done, are written with the change.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::message::MessageRecord;
use crate::record::values::object_id;
use crate::store::MongoStore;
use crate::wordings::{keep_wordings, without_wordings};
use eventflow_ports::WithCommandId;
use eventflow_protocol::change::{Change, ChangeMessage, Changed, Effect, apply, sent_as};
use eventflow_protocol::document::Message;
use eventflow_protocol::wording::Wording;
use eventflow_protocol::{MessageId, ThreadId};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::{Document, doc, serialize_to_document};
use std::collections::{BTreeMap, BTreeSet};

/// Concurrency: messages changed at the same time. Enough to hide the wait for a majority, few enough to
/// leave connections to other calls.
const CONCURRENT: usize = 8;
/// Rounds that other writers may win. Each lost round is somebody else's change, so losing all of them takes
/// as many people who change one message at once.
const ROUNDS_MAX: u32 = 64;
/// The fields that a change can touch, beside `updatedAt` and `revision`.
const CHANGEABLE: [&str; 9] =
    ["content", "attachments", "mentions", "reactions", "marks", "sentAs", "editedAt", "pinned", "deletedAt"];

const CHANGE: &str = "change a message";

/// The changes to one message in order, each with its index in the batch.
type Requested<'a> = Vec<(usize, &'a WithCommandId<ChangeMessage>)>;

impl MongoStore {
    /// See [`eventflow_ports::Store::change_messages`].
    pub(crate) async fn change(
        &self,
        changes: &[WithCommandId<ChangeMessage>],
    ) -> Result<Vec<Changed>, CallError> {
        let mut by_message: BTreeMap<MessageId, Requested<'_>> = BTreeMap::new();
        for (i, change) in changes.iter().enumerate() {
            by_message.entry(change.wanted.message_id).or_default().push((i, change));
        }
        // Pins come one after the other, since each looks whether its thread has room for one more.
        let (pinning, others): (Vec<_>, Vec<_>) = by_message
            .into_iter()
            .partition(|(_, requested)| requested.iter().any(|(_, change)| pins(change)));
        let mut calls = Vec::new();
        for (id, requested) in others {
            calls.push(self.change_one(id, requested));
        }
        let mut done: Vec<Vec<(usize, Changed)>> =
            stream::iter(calls).buffer_unordered(CONCURRENT).try_collect().await?;
        for (id, requested) in pinning {
            done.push(self.change_one(id, requested).await?);
        }
        let mut answers: Vec<(usize, Changed)> = done.into_iter().flatten().collect();
        // Also for a command that comes again: it may have ended before this.
        let taken_back: Vec<&Message> =
            answers.iter().filter_map(|(_, changed)| taken_back(changed)).collect();
        self.uncount(&taken_back).await?;
        answers.sort_unstable_by_key(|(i, _)| *i);
        let told: BTreeSet<_> = answers.iter().filter_map(|(_, changed)| logged(changed)).collect();
        self.log_changes(told.into_iter().collect()).await?;
        Ok(answers.into_iter().map(|(_, changed)| changed).collect())
    }

    async fn change_one(
        &self,
        id: MessageId,
        requested: Requested<'_>,
    ) -> Result<Vec<(usize, Changed)>, CallError> {
        for _ in 0..ROUNDS_MAX {
            let Some(record) = self.message_record(id).await? else {
                return Ok(requested.iter().map(|(i, _)| (*i, Changed::NotFound)).collect());
            };
            let revision = record.revision;
            let mut marks = record.marks();
            let known = record.sent_as();
            let mut message = Message::from(record);
            let sent_as = sent_as(&message);
            let mut replaced = Vec::new();
            let mut answers = Vec::with_capacity(requested.len());
            for (i, change) in &requested {
                let before = (message.clone(), marks.clone());
                let mut changed = apply(&mut message, &mut marks, change.command_id, &change.wanted);
                if changed.pins() && self.are_pins_full(message.thread_id).await? {
                    (message, marks) = before;
                    changed = Changed::TooManyPins;
                } else {
                    replaced.extend(Wording::of(&before.0).replaced_by(&changed));
                }
                answers.push((*i, changed));
            }
            let is_changed = answers.iter().any(|(_, changed)| changed.is_to_store());
            // What is known of it stays, also if only reactions or marks have changed.
            let sent_as = known.or(sent_as.filter(|_| !message.is_as_sent()));
            let record = MessageRecord::new(&message, &[]).with_marks(&marks).with_sent_as(sent_as);
            if !is_changed || self.replace_changeable(&record, revision, &replaced).await? {
                return Ok(answers);
            }
        }
        Err(CallError::new(CHANGE, Cause::Contended(ROUNDS_MAX)))
    }

    pub(crate) async fn message_record(&self, id: MessageId) -> Result<Option<MessageRecord>, CallError> {
        let collection = self.messages.clone();
        let find = async move {
            collection
                .find_one(doc! { "_id": object_id(id) })
                .projection(without_wordings())
                .max_time(READ_LIMIT)
                .await
        };
        self.calls.run("read a message", READ_LIMIT, find).await
    }

    /// Writes the changeable fields. `false` if somebody changed the message since it had this revision.
    async fn replace_changeable(
        &self,
        record: &MessageRecord,
        revision: Option<i64>,
        replaced: &[Wording],
    ) -> Result<bool, CallError> {
        let whole = serialize_to_document(record).map_err(|error| CallError::driver(CHANGE, error.into()))?;
        // A message that was never changed has no revision; `null` in a filter finds it.
        let filter = doc! { "_id": whole.get("_id"), "revision": revision };
        let is_taken_back = whole.contains_key("deletedAt");
        let mut update = update(whole, revision.unwrap_or(0) + 1);
        keep_wordings(&mut update, replaced, is_taken_back);
        let collection = self.messages.clone();
        let write = async move { collection.update_one(filter, update).await };
        Ok(self.calls.run(CHANGE, WRITE_LIMIT, write).await?.matched_count == 1)
    }
}

fn pins(change: &WithCommandId<ChangeMessage>) -> bool {
    change.wanted.change == Change::Pin { is_pinned: true }
}

/// The message, if this change took it back.
fn taken_back(changed: &Changed) -> Option<&Message> {
    match changed {
        Changed::Done(message, Effect::Deleted) | Changed::Before(message, Effect::Deleted) => Some(message),
        Changed::Done(..)
        | Changed::Before(..)
        | Changed::Nothing(..)
        | Changed::NotFound
        | Changed::NotSender
        | Changed::TooManyReactions
        | Changed::TooManyPins => None,
    }
}

/// The message of a change that the log tells of.
fn logged(changed: &Changed) -> Option<(ThreadId, MessageId)> {
    match changed {
        Changed::Done(message, _) | Changed::Before(message, _) => Some((message.thread_id, message.id)),
        Changed::Nothing(..)
        | Changed::NotFound
        | Changed::NotSender
        | Changed::TooManyReactions
        | Changed::TooManyPins => None,
    }
}

fn update(mut whole: Document, revision: i64) -> Document {
    let mut set = doc! { "revision": revision };
    let mut unset = Document::new();
    for field in CHANGEABLE {
        if let Some(value) = whole.remove(field) {
            set.insert(field, value);
        } else {
            unset.insert(field, "");
        }
    }
    let mut update = doc! { "$set": set, "$max": { "updatedAt": whole.remove("updatedAt") } };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    update
}
