//! Advances of cursors, while the store moves them: where each goes, what is done, and what comes next.
//!
//! An advance goes in steps of bounded length ([`OpenAdvance::new_step`]); after each step its cursor,
//! receipts and counts agree. The store itself is asked in [`crate::cursors`].

use crate::record::by_person::{ByPerson, path_of};
use crate::record::counters::Counters;
use crate::record::values::{object_id, place};
use crate::thread_memory::KnownThread;
use eventflow_protocol::change::{AdvanceCursor, Advanced, Cursor, RECEIPTED_MAX, Receipted};
use eventflow_protocol::{ThreadId, UserId};
use mongodb::bson::{Bson, Document, doc};
use std::collections::HashMap;
use std::sync::Arc;

/// Step: messages that get receipts. The server writes them in some ten milliseconds, and the cursor is moved
/// before the next step.
const RECEIPTS_PER_STEP: u64 = 2_000;
/// Step: messages that are only counted, in threads without receipts. The server looks at them in some ten
/// milliseconds.
const COUNTED_PER_STEP: u64 = 20_000;

/// An advance without an answer yet.
pub(crate) struct OpenAdvance<'a> {
    /// Its index among all advances of the call.
    pub(crate) index: usize,
    pub(crate) wanted: &'a AdvanceCursor,
    pub(crate) known: Arc<KnownThread>,
    /// The place that it goes to, once that is known.
    pub(crate) to: Option<u64>,
    /// The step that it makes, once the receipts of the step are written.
    pub(crate) begun: Option<CursorStep<'a>>,
    /// The highest place where the cursor was before the first step, where it was then, and the newest
    /// messages of the steps that are done.
    done: Option<Done>,
}

/// The steps of an advance that are done.
struct Done {
    from: u64,
    told: u64,
    messages: Vec<Receipted>,
}

/// A move of a cursor over the messages after `from` up to and including `to`.
pub(crate) struct CursorStep<'a> {
    pub(crate) wanted: &'a AdvanceCursor,
    pub(crate) known: Arc<KnownThread>,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The highest place where the cursor ever was before. Up to there messages have their receipts.
    pub(crate) told: u64,
    /// The newest messages of others in the step, with their status, once the receipts are written.
    pub(crate) messages: Vec<Receipted>,
}

/// What a read cursor leaves behind when a step is done.
#[derive(Clone, Copy)]
pub(crate) struct Rest {
    /// Messages that the person sent beyond the cursor.
    pub(crate) sent_beyond: u64,
    /// Messages of others beyond the cursor that were not taken back.
    pub(crate) unread: u64,
}

/// What the store has to do for an advance.
pub(crate) enum NextAction {
    /// Nothing: the cursor is there.
    Answer,
    /// Bring the thread document up to the newest message first: it does not count the messages of the step
    /// yet.
    Behind,
    /// Move the cursor.
    Step,
}

/// The advances by round: a second advance of the same person in the same thread goes into a later round.
/// Advances of people who are not in their thread are left out.
pub(crate) fn rounds_of<'a>(
    advances: &'a [AdvanceCursor],
    known: &HashMap<ThreadId, Arc<KnownThread>>,
) -> Vec<Vec<OpenAdvance<'a>>> {
    let mut rounds_of: Vec<Vec<OpenAdvance<'_>>> = Vec::new();
    let mut before: HashMap<(ThreadId, &UserId), usize> = HashMap::new();
    for (index, wanted) in advances.iter().enumerate() {
        let Some(known) = known.get(&wanted.thread_id).filter(|known| known.includes(&wanted.user_id)) else {
            continue;
        };
        let turn =
            before.entry((wanted.thread_id, &wanted.user_id)).and_modify(|turn| *turn += 1).or_default();
        if rounds_of.len() <= *turn {
            rounds_of.push(Vec::new());
        }
        let known = Arc::clone(known);
        rounds_of[*turn].push(OpenAdvance { index, wanted, known, to: None, begun: None, done: None });
    }
    rounds_of
}

impl<'a> OpenAdvance<'a> {
    /// Decides what comes next. A step that was begun is done if the cursor has come so far: a command that
    /// missed another statement moved it, or somebody who wanted the same did.
    pub(crate) fn next(&mut self, counters: &Counters) -> NextAction {
        let cursor = self.cursor(counters);
        // The person has marked messages unread meanwhile: the step does not begin where the cursor is.
        self.begun.take_if(|step| cursor < step.from);
        if let Some(step) = self.begun.take_if(|step| step.to <= cursor) {
            self.close(step);
        }
        if cursor >= self.end() {
            NextAction::Answer
        } else if counters.last() < self.end() {
            NextAction::Behind
        } else {
            NextAction::Step
        }
    }

    /// Takes in a step that is done.
    pub(crate) fn close(&mut self, step: CursorStep<'a>) {
        let done =
            self.done.get_or_insert_with(|| Done { from: step.from, told: step.told, messages: Vec::new() });
        done.messages.extend(step.messages);
        done.messages.drain(..done.messages.len().saturating_sub(RECEIPTED_MAX));
    }

    /// The answer, with the cursor at `cursor`, which never was beyond `told`.
    pub(crate) fn advanced(self, cursor: u64, told: u64, unread_count: u64) -> Advanced {
        let done = self.done.unwrap_or_else(|| Done { from: cursor, told, messages: Vec::new() });
        let Done { from, told, messages } = done;
        Advanced { from, told, up_to: cursor, unread_count, messages }
    }

    pub(crate) fn cursor(&self, counters: &Counters) -> u64 {
        counters.cursor(&self.wanted.user_id, self.wanted.cursor)
    }

    pub(crate) fn end(&self) -> u64 {
        self.to.unwrap_or(0)
    }

    /// The next step, as long as one may be.
    pub(crate) fn new_step(&self, counters: &Counters) -> CursorStep<'a> {
        let from = self.cursor(counters);
        let known = Arc::clone(&self.known);
        let is_short = counters.last().saturating_sub(self.end()) <= COUNTED_PER_STEP;
        let told = counters.told(&self.wanted.user_id, self.wanted.cursor);
        let most = match self.wanted.cursor {
            // Up to there the messages have their receipts.
            _ if from < told => COUNTED_PER_STEP.min(told - from),
            _ if known.bears_receipts() => RECEIPTS_PER_STEP,
            Cursor::Read if !is_short => COUNTED_PER_STEP,
            Cursor::Read | Cursor::Delivered => u64::MAX,
        };
        let to = self.end().min(from.saturating_add(most));
        CursorStep { wanted: self.wanted, known, from, to, told, messages: Vec::new() }
    }
}

impl CursorStep<'_> {
    /// The compare-and-set that moves the cursor from where it was read and leaves `rest` behind.
    pub(crate) fn statement(&self, counters: &Counters, rest: Rest) -> Document {
        let user = &self.wanted.user_id;
        let [read, delivered, beyond, unread] =
            ["readSeq", "deliveredSeq", "sentBeyond", "unreadCount"].map(|field| path_of(field, user));
        let mut filter = doc! { "_id": object_id(self.wanted.thread_id) };
        let update = match self.wanted.cursor {
            Cursor::Delivered => {
                filter.insert(&delivered, stored(&counters.delivered_seq, user));
                doc! { "$set": { delivered: place(self.to) } }
            }
            Cursor::Read => {
                filter.insert("lastSeq", counters.last_seq);
                filter.insert(&read, stored(&counters.read_seq, user));
                let mut set = doc! { read: place(self.to) };
                if self.known.is_small() {
                    filter.insert("takenBackTimes", counters.taken_back_times);
                    set.insert(unread, place(rest.unread));
                }
                let mut update = doc! { "$max": { delivered: place(self.to) } };
                if rest.sent_beyond > 0 {
                    set.insert(beyond, place(rest.sent_beyond));
                } else {
                    update.insert("$unset", doc! { beyond: "" });
                }
                update.insert("$set", set);
                update
            }
        };
        doc! { "q": filter, "u": update }
    }

    /// Where the read cursor is after the step.
    pub(crate) fn read_to(&self, counters: &Counters) -> u64 {
        match self.wanted.cursor {
            Cursor::Read => self.to,
            Cursor::Delivered => counters.cursor(&self.wanted.user_id, Cursor::Read),
        }
    }

    /// Whether the messages of the step get receipts.
    pub(crate) fn bears_receipts(&self) -> bool {
        self.known.bears_receipts() && self.from >= self.told
    }
}

/// The stored cursor, for a filter. `null` finds a cursor that is not stored.
pub(crate) fn stored(cursors: &ByPerson, user: &UserId) -> Bson {
    cursors.get(user).copied().map_or(Bson::Null, Bson::Int64)
}

/// Messages of others than `user` after `from` and up to `to`.
pub(crate) fn others(thread: ThreadId, user: &UserId, from: u64, to: u64) -> Document {
    let mut filter = between(thread, from, to);
    filter.insert("senderId", doc! { "$ne": user.as_str() });
    filter
}

/// Messages after `from` and up to `to`.
pub(crate) fn between(thread: ThreadId, from: u64, to: u64) -> Document {
    doc! { "threadId": thread.to_string(), "seq": { "$gt": place(from), "$lte": place(to) } }
}
