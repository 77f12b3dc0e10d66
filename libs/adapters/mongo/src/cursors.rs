//! How far people have come in a thread: cursors and unread counts.
//!
//! In come advances: people have received or read threads up to a place. The store does advances together, in
//! a few commands however many there are. An advance goes in steps of bounded length ([`crate::advances`]),
//! so a long way holds up nobody, and what is done of it stays done. Receipts come first: the messages of a
//! step get them ([`crate::receipts`]), then one compare-and-set for each step moves its cursor. A repetition
//! therefore mends a crash in between: the cursor is still where it was, and a message takes a person's
//! receipt once. Unread counts: they follow from `lastSeq`, from the cursor and from what the person sent
//! beyond it, which the compare-and-set of a read cursor writes. It names `lastSeq` too, as a touch does
//! ([`crate::touch`]). The writer of a cursor counts the person's messages up to `lastSeq`; whoever raises
//! `lastSeq` adds what came after. So each message counts once, whichever writer is first.

use crate::advances::{CursorStep, NextAction, OpenAdvance, Rest, between, rounds_of};
use crate::call::{CallError, Cause};
use crate::connection::{CONCURRENT, READ_LIMIT};
use crate::record::by_person::path_of;
use crate::record::counters::Counters;
use crate::record::values::object_id;
use crate::store::MongoStore;
use crate::taken_back::OthersRange;
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::{AdvanceCursor, Advanced, Cursor};
use futures_util::{StreamExt, TryStreamExt, stream};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use std::collections::{BTreeSet, HashMap};

/// Advances in one command. A full command takes the server some ten milliseconds, for which it holds up
/// others.
const TOGETHER: usize = 256;
/// Rounds in a row in which no step was made, because other writers raised `lastSeq`, moved the same cursor
/// or took messages back.
const FRUITLESS_ROUNDS_MAX: u32 = 64;

/// The counters of one person.
pub(crate) const PERSONAL: [&str; 7] =
    ["readSeq", "deliveredSeq", "sentBeyond", "unreadCount", "toldSeq", "unreadAt", "sinceSeq"];

const ADVANCE: &str = "advance cursors";

type CounterStates = HashMap<ThreadId, Counters>;

/// The answers, by the index of the advance.
type Answers = Vec<Option<Advanced>>;

impl MongoStore {
    /// See [`eventflow_ports::Store::advance`]. The advances of one person in one thread go in order, all
    /// others together.
    pub(crate) async fn advance_cursors(&self, advances: &[AdvanceCursor]) -> Result<Answers, CallError> {
        let known = self.known(advances.iter().map(|wanted| wanted.thread_id)).await?;
        let mut answers = vec![None; advances.len()];
        for mut turn in rounds_of(advances, &known) {
            while !turn.is_empty() {
                let rest = turn.split_off(turn.len().min(TOGETHER));
                self.advance_together(turn, &mut answers).await?;
                turn = rest;
            }
        }
        Ok(answers)
    }

    async fn advance_together(
        &self,
        mut open: Vec<OpenAdvance<'_>>,
        answers: &mut Answers,
    ) -> Result<(), CallError> {
        let mut fruitless = 0;
        while !open.is_empty() {
            let states = self.states(&open).await?;
            self.find_ends(&mut open, &states).await?;
            let (mut there, mut behind) = (Vec::new(), Vec::new());
            let mut ready = Vec::new();
            for mut one in open {
                // A thread that is remembered but no longer in the database has no cursors.
                let Some(counters) = states.get(&one.wanted.thread_id) else { continue };
                match one.next(counters) {
                    NextAction::Answer => there.push(one),
                    NextAction::Behind => behind.push(one),
                    NextAction::Step => ready.push(one),
                }
            }
            fruitless = if there.is_empty() { fruitless + 1 } else { 0 };
            self.answer(there, &states, answers).await?;
            self.catch_up(behind.iter().map(|one| one.wanted.thread_id)).await?;
            if self.step(&mut ready, &states, answers).await? {
                fruitless = 0;
            }
            if fruitless >= FRUITLESS_ROUNDS_MAX {
                return Err(CallError::new(ADVANCE, Cause::Contended(fruitless)));
            }
            open = ready;
            open.extend(behind);
        }
        Ok(())
    }

    /// Answers the advances whose cursors are where they were to go.
    async fn answer(
        &self,
        there: Vec<OpenAdvance<'_>>,
        states: &CounterStates,
        answers: &mut Answers,
    ) -> Result<(), CallError> {
        let mut ranges = Vec::with_capacity(there.len());
        for one in &there {
            let counters = &states[&one.wanted.thread_id];
            let user = &one.wanted.user_id;
            ranges.push(OthersRange::of_taken_back(counters, user, counters.cursor(user, Cursor::Read)));
        }
        let taken_back = self.count_taken_back(ranges).await?;
        for (one, taken_back) in there.into_iter().zip(taken_back) {
            let counters = &states[&one.wanted.thread_id];
            let cursor = one.cursor(counters);
            let unread = counters.of_others_beyond(&one.wanted.user_id).saturating_sub(taken_back);
            let index = one.index;
            let told = counters.told(&one.wanted.user_id, one.wanted.cursor);
            answers[index] = Some(one.advanced(cursor, told, unread));
        }
        Ok(())
    }

    /// Moves the cursors by a step. Keeps in `ready` the advances that are not at their end, and those of
    /// which it is not certain that their step took effect. Gives whether all steps were made.
    async fn step(
        &self,
        ready: &mut Vec<OpenAdvance<'_>>,
        states: &CounterStates,
        answers: &mut Answers,
    ) -> Result<bool, CallError> {
        if ready.is_empty() {
            return Ok(false);
        }
        self.begin(ready, states).await?;
        let rests = self.rests(ready, states).await?;
        let steps =
            ready.iter().filter_map(|one| Some((one.begun.as_ref()?, &states[&one.wanted.thread_id])));
        let statements =
            steps.zip(&rests).map(|((step, counters), rest)| step.statement(counters, *rest)).collect();
        let matched = self.update(ADVANCE, self.threads.name(), statements).await?;
        if matched < ready.len() as u64 {
            // The server does not say which statement missed. The next round reads the cursors and sees which
            // one moved.
            return Ok(false);
        }
        for (mut one, rest) in std::mem::take(ready).into_iter().zip(rests) {
            let Some(step) = one.begun.take() else { continue };
            let to = step.to;
            one.close(step);
            if to < one.end() {
                ready.push(one);
            } else {
                let index = one.index;
                answers[index] = Some(one.advanced(to, to, rest.unread));
            }
        }
        Ok(true)
    }

    /// Writes the receipts of the steps that are new in this round.
    async fn begin(&self, ready: &mut [OpenAdvance<'_>], states: &CounterStates) -> Result<(), CallError> {
        let fresh: Vec<usize> = (0..ready.len()).filter(|n| ready[*n].begun.is_none()).collect();
        let new = |n: &usize| ready[*n].new_step(&states[&ready[*n].wanted.thread_id]);
        let mut steps: Vec<CursorStep<'_>> = fresh.iter().map(new).collect();
        self.write_receipts(&steps).await?;
        self.read_receipts(&mut steps).await?;
        for (n, step) in fresh.into_iter().zip(steps) {
            ready[n].begun = Some(step);
        }
        Ok(())
    }

    /// What each step leaves behind.
    async fn rests(&self, ready: &[OpenAdvance<'_>], states: &CounterStates) -> Result<Vec<Rest>, CallError> {
        let steps: Vec<(&CursorStep<'_>, &Counters)> = ready
            .iter()
            .filter_map(|one| Some((one.begun.as_ref()?, &states[&one.wanted.thread_id])))
            .collect();
        let sent: Vec<_> = steps.iter().map(|(step, counters)| self.sent_beyond(step, counters)).collect();
        let sent: Vec<u64> = stream::iter(sent).buffered(CONCURRENT).try_collect().await?;
        let mut ranges = Vec::with_capacity(steps.len());
        for (step, counters) in &steps {
            let place = step.read_to(counters);
            ranges.push(OthersRange::of_taken_back(counters, &step.wanted.user_id, place));
        }
        let taken_back = self.count_taken_back(ranges).await?;
        let mut rests = Vec::with_capacity(steps.len());
        for (n, (step, counters)) in steps.iter().enumerate() {
            let beyond = counters.last().saturating_sub(step.read_to(counters));
            let unread = beyond.saturating_sub(sent[n]).saturating_sub(taken_back[n]);
            rests.push(Rest { sent_beyond: sent[n], unread });
        }
        Ok(rests)
    }

    /// How many messages the person sent beyond the read cursor as the step leaves it. Counts those that the
    /// cursor passes, or those beyond it, whichever are fewer.
    async fn sent_beyond(&self, step: &CursorStep<'_>, counters: &Counters) -> Result<u64, CallError> {
        let before = counters.sent_beyond(&step.wanted.user_id);
        // Who sent nothing beyond the cursor before sent nothing beyond it now.
        if step.wanted.cursor == Cursor::Delivered || before == 0 {
            return Ok(before);
        }
        let last = counters.last();
        if step.to >= last {
            return Ok(0);
        }
        let passes_fewer = step.to - step.from < last - step.to;
        let (after, up_to) = if passes_fewer { (step.from, step.to) } else { (step.to, last) };
        let mut filter = between(step.wanted.thread_id, after, up_to);
        filter.insert("senderId", step.wanted.user_id.as_str());
        let counted = self.count_messages(filter).await?;
        Ok(if passes_fewer { before.saturating_sub(counted) } else { counted })
    }

    /// How many messages the filter finds.
    pub(crate) async fn count_messages(&self, filter: Document) -> Result<u64, CallError> {
        let collection = self.messages.clone();
        let find = async move { collection.count_documents(filter).max_time(READ_LIMIT).await };
        self.calls.run("count messages", READ_LIMIT, find).await
    }

    /// Where each goes: to what is asked, or to the newest message if that comes first. What is remembered of
    /// a thread, or what its document says, is there for sure; else the messages are asked.
    async fn find_ends(&self, open: &mut [OpenAdvance<'_>], states: &CounterStates) -> Result<(), CallError> {
        let mut unclear = Vec::new();
        for (n, one) in open.iter_mut().enumerate().filter(|(_, one)| one.to.is_none()) {
            if let Some(counters) = states.get(&one.wanted.thread_id)
                && one.wanted.is_before(counters.unread_at(&one.wanted.user_id))
            {
                one.to = Some(one.cursor(counters));
                continue;
            }
            let last = states.get(&one.wanted.thread_id).map_or(0, Counters::last);
            one.to = one.wanted.up_to.filter(|asked| *asked <= one.known.last().max(last));
            if one.to.is_none() {
                unclear.push((n, one.wanted));
            }
        }
        let ask = |(n, wanted): (usize, &AdvanceCursor)| {
            let thread = wanted.thread_id;
            let up_to = wanted.up_to;
            let at = wanted.at;
            async move {
                let newest = if up_to.is_some() {
                    self.newest(thread).await?
                } else {
                    self.newest_by(thread, at).await?
                };
                let newest = newest.map_or(0, |newest| newest.seq);
                Ok::<_, CallError>((n, up_to.unwrap_or(newest).min(newest)))
            }
        };
        let asked: Vec<_> = unclear.into_iter().map(ask).collect();
        let ends: Vec<(usize, u64)> = stream::iter(asked).buffer_unordered(CONCURRENT).try_collect().await?;
        for (n, end) in ends {
            open[n].to = Some(end);
        }
        Ok(())
    }

    /// Reads the counters of the people who advance, in all their threads at once.
    async fn states(&self, open: &[OpenAdvance<'_>]) -> Result<CounterStates, CallError> {
        let threads: BTreeSet<ThreadId> = open.iter().map(|one| one.wanted.thread_id).collect();
        let ids: Vec<ObjectId> = threads.into_iter().map(object_id).collect();
        let mut projection = doc! { "lastSeq": 1, "takenBackSeq": 1, "takenBackTimes": 1 };
        for one in open {
            for field in PERSONAL {
                projection.insert(path_of(field, &one.wanted.user_id), 1);
            }
        }
        let (collection, all) =
            (self.threads.clone_with_type::<Counters>(), u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let find = async move {
            let find = collection.find(doc! { "_id": { "$in": ids } }).projection(projection).batch_size(all);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read cursors", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(|counters| (counters.thread(), counters)).collect())
    }
}
