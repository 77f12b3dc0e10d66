//! Blocks between people as the database keeps them, and whose block takes a thread from whom.

use crate::record::values::{date, moment, place};
use eventflow_protocol::UserId;
use eventflow_protocol::blocks::{Block, DoneBlock, KeptBlock};
use eventflow_protocol::group::Group;
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde::{Deserialize, Serialize};

/// The key of a block: who blocks, and who is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockKey {
    user_id: UserId,
    other_id: UserId,
}

/// A document of `blocks`. The two are there twice: in the key, whose index holds it as a whole, and for the
/// indexes of the blocks that hold. `blockedAt` is missing from one that has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockRecord {
    #[serde(rename = "_id")]
    id: BlockKey,
    pub(crate) user_id: UserId,
    pub(crate) other_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked_at: Option<DateTime>,
    #[serde(default)]
    done: Vec<DoneBlock>,
    pub(crate) revision: i64,
}

impl BlockRecord {
    /// The document that follows the one of this revision; 0 before the first.
    pub(crate) fn new(user: &UserId, other: &UserId, kept: &KeptBlock, revision: u64) -> Self {
        Self {
            id: BlockKey { user_id: user.clone(), other_id: other.clone() },
            user_id: user.clone(),
            other_id: other.clone(),
            blocked_at: kept.blocked_at.map(date),
            done: kept.done.clone(),
            revision: place(revision + 1),
        }
    }

    /// The block; `None` if it has ended.
    pub(crate) fn into_block(self) -> Option<Block> {
        Some(Block { other: self.other_id, at: moment(self.blocked_at?) })
    }

    /// The block with its last commands.
    pub(crate) fn into_kept(self) -> KeptBlock {
        KeptBlock { blocked_at: self.blocked_at.map(moment), done: self.done }
    }
}

/// The key of the block of one person by another.
pub(crate) fn block_key(user: &UserId, other: &UserId) -> Document {
    doc! { "userId": user.as_str(), "otherId": other.as_str() }
}

/// An entry of `apart` of a thread: a block of `from` by `user` takes the thread away from `user`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApartRecord {
    pub(crate) user: UserId,
    pub(crate) from: UserId,
}

impl ApartRecord {
    /// The entries of a thread of two people.
    pub(crate) fn of_two(one: &UserId, other: &UserId) -> Vec<Self> {
        let entry = |user: &UserId, from: &UserId| Self { user: user.clone(), from: from.clone() };
        vec![entry(one, other), entry(other, one)]
    }

    /// The entry as a value of the database.
    pub(crate) fn to_bson(&self) -> Bson {
        doc! { "user": self.user.as_str(), "from": self.from.as_str() }.into()
    }
}

/// Whose block takes this thread from whom. Documents of earlier versions do not say it: there it is the
/// people of a thread of two.
pub(crate) fn apart_in(
    apart: Option<Vec<ApartRecord>>,
    people: &[UserId],
    group: Option<&Group>,
) -> Vec<ApartRecord> {
    match (apart, group, people) {
        (Some(apart), _, _) => apart,
        (None, None, [one, other]) => ApartRecord::of_two(one, other),
        (None, _, _) => Vec::new(),
    }
}
