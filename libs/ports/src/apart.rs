//! Apart: who is to hear nothing of whom, without asking the store each time.
//!
//! In come people, out come the lists of whom they block. A list is dropped when an event says that it has
//! changed, and after a minute in any case. A process that hears no events asks the store each time
//! ([`Apart::unheard`]): nobody may be shown for a minute to whom they have blocked.

use crate::blocks::Blocks;
use crate::store::StoreError;
use eventflow_protocol::blocks::{Block, BlockList, BlockLists};
use eventflow_protocol::{Timestamp, UserId};
use moka::sync::Cache;
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;

/// Capacity: people over all lists, and one for each list; about 100 MB if every id is distinct and long.
/// Nearly all lists are empty.
const CAPACITY_PEOPLE: u64 = 1_000_000;
/// Lifetime of a list. It corrects a change that was missed, such as an event to a gateway that was cut off.
const TIME_TO_LIVE: Duration = Duration::from_mins(1);

/// A cache over [`Blocks::blocked_by`].
#[derive(Clone)]
pub struct Apart {
    blocks: Arc<dyn Blocks>,
    lists: Cache<UserId, Arc<BlockList>>,
    /// How many changes were heard. What was read before one of them is not kept.
    changes: Arc<RwLock<u64>>,
    hears_changes: bool,
}

impl Apart {
    /// Creates an empty cache over `blocks`.
    pub fn new(blocks: Arc<dyn Blocks>) -> Self {
        let weigh = |_: &UserId, list: &Arc<BlockList>| {
            u32::try_from(list.len()).unwrap_or(u32::MAX).saturating_add(1)
        };
        let lists =
            Cache::builder().max_capacity(CAPACITY_PEOPLE).weigher(weigh).time_to_live(TIME_TO_LIVE).build();
        Self { blocks, lists, changes: Arc::default(), hears_changes: true }
    }

    /// The same for a process that hears of no changes.
    #[must_use]
    pub fn unheard(&self) -> Self {
        Self { hears_changes: false, ..self.clone() }
    }

    /// The store of the lists.
    pub fn blocks(&self) -> &dyn Blocks {
        &*self.blocks
    }

    /// Whom these people block: enough to tell of every two of them whether they are apart. One query asks
    /// the store for all lists that are not in the cache.
    pub async fn lists<'a>(
        &self,
        users: impl IntoIterator<Item = &'a UserId>,
    ) -> Result<BlockLists, StoreError> {
        let mut lists = BlockLists::default();
        let mut missing: Vec<UserId> = Vec::new();
        for user in users {
            match self.lists.get(user).filter(|_| self.hears_changes) {
                Some(list) => lists.add(user.clone(), list),
                None => missing.push(user.clone()),
            }
        }
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(lists);
        }
        let asked_at = *self.changes.read();
        let mut found = self.blocks.blocked_by(&missing).await?;
        let changes = self.changes.read();
        for user in missing {
            let blocks = found.remove(&user).unwrap_or_default().into_iter();
            let list: Arc<BlockList> = Arc::new(blocks.map(|Block { other, at }| (other, at)).collect());
            if self.hears_changes && *changes == asked_at {
                self.lists.insert(user.clone(), Arc::clone(&list));
            }
            lists.add(user, list);
        }
        Ok(lists)
    }

    /// The lists of these people as far as they are in the cache; does not ask the store.
    pub fn remembered<'a>(&self, users: impl IntoIterator<Item = &'a UserId>) -> BlockLists {
        let mut lists = BlockLists::default();
        for user in users {
            if let Some(list) = self.lists.get(user) {
                lists.add(user.clone(), list);
            }
        }
        lists
    }

    /// Since when one of the two blocks the other; `None` if neither does.
    pub async fn apart_since(&self, one: &UserId, other: &UserId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.lists([one, other]).await?.apart_since(one, other))
    }

    /// Whether one of the two blocks the other.
    pub async fn are_apart(&self, one: &UserId, other: &UserId) -> Result<bool, StoreError> {
        Ok(self.lists([one, other]).await?.are_apart(one, other))
    }

    /// Drops the list of somebody who has changed it.
    pub fn forget(&self, user: &UserId) {
        let mut changes = self.changes.write();
        *changes += 1;
        self.lists.invalidate(user);
    }
}
