//! Blocks: making them of messages, and bringing a thread's blocks up to its messages.
//!
//! The messages of a block follow each other. A block is closed when its signature is full or it has
//! [`MESSAGES_MAX`] messages. The last block of a thread is open: it is made again with what came since. A
//! message that was edited gets a block of its own beside the one of its run, which knows the old text only.
//! Safe to repeat because a block replaces only one that goes less far.

use super::turns::Turns;
use super::{Reach, Run, SearchIndex};
use crate::store::StoreError;
use eventflow_protocol::document::Message;
use eventflow_protocol::search::{Mark, Signature};
use eventflow_protocol::{ThreadId, Timestamp};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Most messages of a block: all of them are read if its signature has what is looked for.
pub const MESSAGES_MAX: usize = 32;
/// Most messages of one thread that are read for one step, so that a long thread lets others pass.
const STEP_MESSAGES: u64 = 512;
/// Most messages of all threads of one step. It bounds the memory of a step, and how long its change
/// of a data file holds up others.
const STEP_TOTAL: u64 = 2_048;

/// A run of messages with the signature of what they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The messages.
    pub run: Run,
    /// When the oldest of them was accepted.
    pub oldest: Timestamp,
    /// 0, or for an edited message what tells this text from others of it.
    pub mark: i64,
    /// Whether messages may be added.
    pub is_open: bool,
    /// The signature.
    pub bits: Vec<u8>,
}

/// The end of a thread's last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEnd {
    /// Place of the block's first message.
    pub first: u64,
    /// Place of the block's last message.
    pub last: u64,
    /// Whether messages may be added to the block.
    pub is_open: bool,
}

/// A block that is being made.
struct Draft {
    signature: Signature,
    run: Run,
    oldest: Timestamp,
    count: usize,
}

impl Draft {
    fn begin(message: &Message) -> Self {
        let (seq, at) = (message.seq, message.created_at);
        let run = Run { thread: message.thread_id, first: seq, last: seq, newest: at };
        let mut draft = Self { signature: Signature::default(), run, oldest: at, count: 0 };
        draft.add(message);
        draft
    }

    fn add(&mut self, message: &Message) {
        let marks = [Mark::Sender(&message.sender_id), Mark::Attachment];
        let marks = if message.attachments.is_empty() { &marks[..1] } else { &marks };
        self.signature.add(&message.content, marks);
        self.run.last = message.seq;
        self.run.newest = self.run.newest.max(message.created_at);
        self.oldest = self.oldest.min(message.created_at);
        self.count += 1;
    }

    fn is_full(&self) -> bool {
        self.count >= MESSAGES_MAX || !self.signature.is_sparse()
    }

    fn finish(self) -> Block {
        let is_open = !self.is_full();
        Block { run: self.run, oldest: self.oldest, mark: 0, is_open, bits: self.signature.into_bytes() }
    }
}

/// The blocks of messages of one thread that follow each other, ascending.
pub async fn blocks_of(messages: &[Message]) -> Vec<Block> {
    let (mut blocks, mut turns) = (Vec::new(), Turns::default());
    let mut draft: Option<Draft> = None;
    for message in messages {
        turns.worked_on(&message.content).await;
        draft = Some(match draft.take() {
            Some(full) if full.is_full() => {
                blocks.push(full.finish());
                Draft::begin(message)
            }
            Some(mut open) => {
                open.add(message);
                open
            }
            None => Draft::begin(message),
        });
    }
    blocks.extend(draft.map(Draft::finish));
    blocks
}

/// The block of this run, made again from what its messages say now. It is not cut, however full it is: only
/// its signature is of use.
pub async fn made_again(run: Run, messages: &[Message]) -> Option<Block> {
    let mut turns = Turns::default();
    let (first, rest) = messages.split_first()?;
    let mut draft = Draft::begin(first);
    for message in rest {
        turns.worked_on(&message.content).await;
        draft.add(message);
    }
    Some(Block { run, ..draft.finish() })
}

/// The block of an edited message.
pub fn block_of_edited(message: &Message) -> Block {
    let mut block = Draft::begin(message).finish();
    let mut hash = DefaultHasher::new();
    block.bits.hash(&mut hash);
    // Never 0, which is the mark of a run.
    block.mark = hash.finish().cast_signed() | 1;
    block.is_open = false;
    block
}

/// Brings the blocks of these threads up to their messages, some hundred messages of each. Gives how many
/// messages are in blocks now that were not before, and the threads that are still behind.
pub async fn catch_up(
    index: &dyn SearchIndex,
    threads: &[ThreadId],
) -> Result<(u64, Vec<ThreadId>), StoreError> {
    let behind: Vec<Reach> = index.reaches(threads).await?.into_iter().filter(Reach::is_behind).collect();
    if behind.is_empty() {
        return Ok((0, Vec::new()));
    }
    let ids: Vec<ThreadId> = behind.iter().map(|reach| reach.thread).collect();
    let ends: HashMap<ThreadId, BlockEnd> = index.block_ends(&ids).await?.into_iter().collect();
    let steps = steps(&behind, &ends);
    let runs: Vec<Run> = steps.iter().map(|(_, run)| *run).collect();
    let mut messages = index.messages_of(&runs, Timestamp(i64::MIN), Timestamp(i64::MAX)).await?;
    messages.sort_unstable_by_key(|message| (message.thread_id, message.seq));
    let mut blocks = Vec::new();
    for of_thread in messages.chunk_by(|one, other| one.thread_id == other.thread_id) {
        blocks.extend(blocks_of(of_thread).await);
    }
    // The whole run is done, also if the store has lost messages of it: those it has are all seen, because a
    // thread knows of a message only once it is stored.
    let reached: Vec<(ThreadId, u64)> = runs.iter().map(|run| (run.thread, run.last)).collect();
    index.add_blocks(&blocks, &reached).await?;
    let gained = steps.iter().map(|(reach, run)| run.last.saturating_sub(reach.indexed)).sum();
    let unfinished = steps.iter().filter(|(reach, run)| run.last < reach.stored).map(|(reach, _)| reach);
    let left = unfinished.chain(&behind[steps.len()..]);
    Ok((gained, left.map(|reach| reach.thread).collect()))
}

/// What is to be read for the next blocks of the first of these threads, as far as one step goes.
fn steps(behind: &[Reach], ends: &HashMap<ThreadId, BlockEnd>) -> Vec<(Reach, Run)> {
    let mut room = STEP_TOTAL;
    let mut steps = Vec::new();
    for reach in behind {
        if room == 0 {
            break;
        }
        let run = next_run(reach, ends.get(&reach.thread), room.min(STEP_MESSAGES));
        room = room.saturating_sub(run.last + 1 - run.first);
        steps.push((*reach, run));
    }
    steps
}

/// The next messages of a thread, at most so many beyond its blocks. Blocks may go further than the thread
/// says, if whoever wrote them ended in between; then there may be none.
fn next_run(reach: &Reach, end: Option<&BlockEnd>, most: u64) -> Run {
    let done = end.map_or(0, |end| end.last).max(reach.indexed).min(reach.stored);
    // The open block is made again, unless the thread has lost messages since.
    let open = end.filter(|end| end.is_open && end.last == done);
    let first = open.map_or(done + 1, |end| end.first);
    let last = reach.stored.min(done + most);
    Run { thread: reach.thread, first, last, newest: Timestamp(i64::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stored: u64, indexed: u64, end: Option<(u64, u64, bool)>) -> (u64, u64) {
        let thread = ThreadId::from_bytes([1; 12]);
        let end = end.map(|(first, last, is_open)| BlockEnd { first, last, is_open });
        let run = next_run(&Reach { thread, stored, indexed, since: 0 }, end.as_ref(), STEP_MESSAGES);
        (run.first, run.last)
    }

    #[test]
    fn a_step_goes_on_behind_the_blocks_and_makes_the_open_one_again() {
        assert_eq!(run(10, 0, None), (1, 10));
        assert_eq!(run(2_000, 0, None), (1, STEP_MESSAGES));
        assert_eq!(run(10, 5, Some((3, 5, true))), (3, 10));
        assert_eq!(run(10, 5, Some((3, 5, false))), (6, 10));
    }

    #[test]
    fn blocks_that_the_thread_does_not_know_of_are_not_made_again() {
        assert_eq!(run(10, 5, Some((6, 8, true))), (6, 10));
        assert_eq!(run(10, 5, Some((6, 10, false))), (11, 10), "nothing to read, only to note");
        assert_eq!(run(10, 5, Some((6, 12, true))), (11, 10), "the thread's document is behind");
    }

    #[test]
    fn messages_that_the_store_has_lost_do_not_hold_a_thread_up() {
        assert_eq!(run(2_000, 512, None), (513, 1_024), "no message up to there");
        assert_eq!(run(2_000, 512, Some((90, 100, true))), (513, 1_024), "none after the open block");
    }

    #[test]
    fn a_step_has_room_for_some_messages_of_all_its_threads() {
        let reach =
            |n: u8| Reach { thread: ThreadId::from_bytes([n; 12]), stored: 10_000, indexed: 0, since: 0 };
        let behind: Vec<Reach> = (0..64).map(reach).collect();
        let steps = steps(&behind, &HashMap::new());
        assert_eq!(steps.iter().map(|(_, run)| run.last + 1 - run.first).sum::<u64>(), STEP_TOTAL);
    }
}
