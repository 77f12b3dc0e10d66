//! Blocks: making them of messages, and bringing a thread's blocks up to its messages.
//!
//! The messages of a block follow each other. A block is closed when its signature is full or it has
//! [`MESSAGES_MAX`] messages. The last block of a thread is open: it is made again with what came since. A
//! message that was edited gets a block of its own beside the one of its run, which knows the old text only.
//! Safe to repeat because a block replaces only one that goes less far.

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

impl BlockEnd {
    /// Place of the first message of the next block that is written.
    fn next(self) -> u64 {
        if self.is_open { self.first } else { self.last + 1 }
    }
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
pub fn blocks_of<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut draft: Option<Draft> = None;
    for message in messages {
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
    let runs: Vec<Run> = behind.iter().map(|reach| next_run(reach, ends.get(&reach.thread))).collect();
    let mut messages = index.messages_of(&runs, Timestamp(i64::MIN), Timestamp(i64::MAX)).await?;
    messages.sort_unstable_by_key(|message| (message.thread_id, message.seq));
    let mut blocks = Vec::new();
    let mut reached = Vec::new();
    for of_thread in messages.chunk_by(|one, other| one.thread_id == other.thread_id) {
        blocks.extend(blocks_of(of_thread));
        reached.extend(of_thread.last().map(|last| (last.thread_id, last.seq)));
    }
    index.add_blocks(&blocks, &reached).await?;
    let reached: HashMap<ThreadId, u64> = reached.into_iter().collect();
    let now = |reach: &Reach| reached.get(&reach.thread).copied().unwrap_or(reach.indexed);
    let gained = behind.iter().map(|reach| now(reach).saturating_sub(reach.indexed)).sum();
    let left = behind.iter().filter(|reach| now(reach) > reach.indexed && now(reach) < reach.stored);
    Ok((gained, left.map(|reach| reach.thread).collect()))
}

/// What is to be read for the next blocks of a thread. Blocks may go further than the thread says, if whoever
/// wrote them ended in between; never less far.
fn next_run(reach: &Reach, end: Option<&BlockEnd>) -> Run {
    let first = end.map_or(1, |end| end.next());
    let last = reach.stored.min(first.saturating_add(STEP_MESSAGES - 1));
    Run { thread: reach.thread, first: first.min(reach.stored), last, newest: Timestamp(i64::MAX) }
}
