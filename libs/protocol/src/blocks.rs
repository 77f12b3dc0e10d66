//! Blocks between people: somebody wants to hear nothing of somebody else, who must not notice.
//!
//! A block is a row of its own for each pair. [`KeptBlock::change`] is the only place that says how it
//! changes; every store runs it under its own lock or compare-and-set. [`BlockLists`] answers who is kept
//! apart from whom.

use crate::fingerprint::shorten;
use crate::{CommandId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Most people whom one person blocks. Nobody meets more by hand; every process keeps the list of everybody
/// who is connected in memory, and a query takes it as a whole.
pub const BLOCKS_MAX: u32 = 1_000;
/// Most threads that the event of a block names. Two people have one thread, or one for each subject; past
/// this number a process forgets everything that it remembers of threads.
pub const THREADS_NAMED_MAX: usize = 1_000;
/// How many commands a block remembers. Somebody who changes their mind does so a few times; a command that
/// comes again does within seconds.
pub const CHANGES_REMEMBERED: usize = 16;

/// Command: block somebody, or end that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeBlock {
    /// Who blocks.
    pub user_id: UserId,
    /// Who is blocked.
    pub other: UserId,
    /// `true` blocks, `false` ends it.
    pub is_blocked: bool,
    /// Stands for every command that came under the same key of its client; `None` if it came without one.
    #[serde(default)]
    pub key: Option<CommandId>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl ChangeBlock {
    /// What stands for the commands of this person about that one that come under this key.
    pub fn key_of(user: &UserId, other: &UserId, key: &str) -> CommandId {
        let hash = Sha256::new_with_prefix(b"eventflow block\0")
            .chain_update(user.as_str())
            .chain_update([0])
            .chain_update(other.as_str())
            .chain_update([0])
            .chain_update(key);
        CommandId(Uuid::from_bytes(shorten(&hash.finalize())))
    }
}

/// Somebody whom a person blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Who is blocked.
    pub other: UserId,
    /// Since when.
    pub at: Timestamp,
}

/// A command that has changed a block, or has found it as it wanted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneBlock {
    /// The command, or what stands for its key.
    pub command: CommandId,
    /// What it wanted.
    pub is_blocked: bool,
}

/// A block of one person by another as a store keeps it. One that has ended stays, for its commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptBlock {
    /// Since when it holds; `None` if it does not.
    pub blocked_at: Option<Timestamp>,
    /// The last commands about it, in the order in which they were carried out; at most
    /// [`CHANGES_REMEMBERED`].
    pub done: Vec<DoneBlock>,
}

/// What one change makes of a [`KeptBlock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockStep {
    /// The block holds now, or has ended now.
    Changed,
    /// It was so before.
    Nothing,
    /// The same command, or one under the same key, was carried out before.
    Before,
    /// The key came before, with the opposite wish.
    KeyReused,
}

impl KeptBlock {
    /// Carries a change out. Whoever writes it down does so after [`BlockStep::Changed`] and
    /// [`BlockStep::Nothing`].
    pub fn change(&mut self, command: CommandId, wanted: &ChangeBlock) -> BlockStep {
        let command = wanted.key.unwrap_or(command);
        if let Some(done) = self.done.iter().find(|done| done.command == command) {
            let is_same = done.is_blocked == wanted.is_blocked;
            return if is_same { BlockStep::Before } else { BlockStep::KeyReused };
        }
        if self.done.len() >= CHANGES_REMEMBERED {
            self.done.remove(0);
        }
        self.done.push(DoneBlock { command, is_blocked: wanted.is_blocked });
        if self.blocked_at.is_some() == wanted.is_blocked {
            return BlockStep::Nothing;
        }
        self.blocked_at = wanted.is_blocked.then_some(wanted.at);
        BlockStep::Changed
    }
}

/// What a change of a block came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockChanged {
    /// The block is as the change wants it, or as a later one wanted it.
    Done(BlockEffect),
    /// The person blocks [`BLOCKS_MAX`] others.
    TooMany,
    /// The key came before, with the opposite wish.
    KeyReused,
}

/// A block after a change, and what the change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEffect {
    /// Since when the block holds; `None` if it does not.
    pub blocked_at: Option<Timestamp>,
    /// The threads that are away for who blocks while the block holds, at most [`THREADS_NAMED_MAX`].
    pub threads: Vec<ThreadId>,
    /// The change was carried out now.
    pub is_new: bool,
}

/// A block on its way to the gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedPair {
    /// Who blocks.
    pub user_id: UserId,
    /// Who is blocked.
    pub other: UserId,
    /// Whether the block holds from now on.
    pub is_blocked: bool,
    /// The threads that are away for who blocks while it holds; [`THREADS_NAMED_MAX`] stand for any number.
    pub threads: Vec<ThreadId>,
}

/// Whom one person blocks, each since when.
pub type BlockList = HashMap<UserId, Timestamp>;

/// Whom some people block: enough to say of every two of them whether they are kept apart.
#[derive(Clone, Debug, Default)]
pub struct BlockLists(HashMap<UserId, Arc<BlockList>>);

impl BlockLists {
    /// Adds whom somebody blocks.
    pub fn add(&mut self, user: UserId, blocked: Arc<BlockList>) {
        if !blocked.is_empty() {
            self.0.insert(user, blocked);
        }
    }

    /// Whether none of these people blocks anybody, as nearly always.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `user` blocks `other`.
    pub fn blocks(&self, user: &UserId, other: &UserId) -> bool {
        self.since(user, other).is_some()
    }

    /// Whether one of the two blocks the other.
    pub fn are_apart(&self, one: &UserId, other: &UserId) -> bool {
        self.apart_since(one, other).is_some()
    }

    /// Since when one of the two blocks the other: what happened before stays as both have seen it.
    pub fn apart_since(&self, one: &UserId, other: &UserId) -> Option<Timestamp> {
        let both = [self.since(one, other), self.since(other, one)];
        both.into_iter().flatten().min()
    }

    /// Whether `viewer` may see that `user` did something at that time: not what they did while apart.
    pub fn shows(&self, viewer: &UserId, user: &UserId, at: Timestamp) -> bool {
        self.apart_since(viewer, user).is_none_or(|since| at <= since)
    }

    fn since(&self, user: &UserId, other: &UserId) -> Option<Timestamp> {
        self.0.get(user)?.get(other).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn wanted(is_blocked: bool, at: i64, key: Option<CommandId>) -> ChangeBlock {
        ChangeBlock { user_id: user("ann"), other: user("ben"), is_blocked, key, at: Timestamp(at) }
    }

    #[test]
    fn a_command_that_comes_again_undoes_nothing() {
        let mut kept = KeptBlock::default();
        let [first, second, third] = [CommandId::new(), CommandId::new(), CommandId::new()];
        assert_eq!(kept.change(first, &wanted(true, 1, None)), BlockStep::Changed);
        assert_eq!(kept.change(second, &wanted(true, 2, None)), BlockStep::Nothing);
        assert_eq!(kept.blocked_at, Some(Timestamp(1)), "since the first one");
        assert_eq!(kept.change(third, &wanted(false, 3, None)), BlockStep::Changed);
        for again in [first, second] {
            assert_eq!(kept.change(again, &wanted(true, 1, None)), BlockStep::Before);
        }
        assert_eq!(kept.blocked_at, None);
    }

    #[test]
    fn a_key_stands_for_its_first_wish() {
        let mut kept = KeptBlock::default();
        let key = Some(ChangeBlock::key_of(&user("ann"), &user("ben"), "k"));
        assert_eq!(kept.change(CommandId::new(), &wanted(true, 1, key)), BlockStep::Changed);
        assert_eq!(kept.change(CommandId::new(), &wanted(true, 2, key)), BlockStep::Before);
        assert_eq!(kept.change(CommandId::new(), &wanted(false, 3, key)), BlockStep::KeyReused);
        assert_ne!(key, Some(ChangeBlock::key_of(&user("ann"), &user("cem"), "k")));
    }

    #[test]
    fn so_many_commands_are_remembered() {
        let mut kept = KeptBlock::default();
        for n in 0..=CHANGES_REMEMBERED {
            kept.change(CommandId::new(), &wanted(n % 2 == 0, 1, None));
        }
        assert_eq!(kept.done.len(), CHANGES_REMEMBERED);
    }

    #[test]
    fn two_are_apart_whoever_of_them_blocks() {
        let mut lists = BlockLists::default();
        lists.add(user("cem"), Arc::default());
        assert!(lists.is_empty());
        lists.add(user("ann"), Arc::new([(user("ben"), Timestamp(5))].into()));
        assert!(lists.are_apart(&user("ann"), &user("ben")) && lists.are_apart(&user("ben"), &user("ann")));
        assert!(lists.blocks(&user("ann"), &user("ben")) && !lists.blocks(&user("ben"), &user("ann")));
        assert!(!lists.are_apart(&user("ann"), &user("cem")));
    }
}
