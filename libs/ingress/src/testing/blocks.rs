//! Blocks in memory.

use async_trait::async_trait;
use eventflow_ports::{BlockPage, Blocks, StoreError, WithCommandId};
use eventflow_protocol::blocks::{Block, BlockChanged, BlockStep, ChangeBlock, KeptBlock};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode, UserId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(crate) struct TestBlocks(Mutex<BTreeMap<(UserId, UserId), KeptBlock>>);

impl TestBlocks {
    pub(crate) fn change(&self, command: CommandId, wanted: &ChangeBlock) -> CommandResult {
        let mut blocks = self.0.lock();
        let kept = blocks.entry((wanted.user_id.clone(), wanted.other.clone())).or_default();
        if kept.change(command, wanted) == BlockStep::KeyReused {
            return CommandResult::refused(ErrorCode::KeyReused, "another wish");
        }
        CommandResult::Block { blocked_at: kept.blocked_at, threads: Vec::new() }
    }

    fn of(&self, user: &UserId) -> Vec<Block> {
        let blocks = self.0.lock();
        let own = blocks.iter().filter(|((who, _), _)| who == user);
        own.filter_map(|((_, other), kept)| Some(Block { other: other.clone(), at: kept.blocked_at? }))
            .collect()
    }
}

#[async_trait]
impl Blocks for TestBlocks {
    async fn change_block(&self, _change: &WithCommandId<ChangeBlock>) -> Result<BlockChanged, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn blocks_of(&self, user: &UserId, page: BlockPage) -> Result<Vec<Block>, StoreError> {
        let mut all = self.of(user);
        all.retain(|block| page.after.as_ref().is_none_or(|after| block.other > *after));
        all.truncate(page.limit as usize);
        Ok(all)
    }
    async fn blocked_by(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<Block>>, StoreError> {
        let lists = users.iter().map(|user| (user.clone(), self.of(user)));
        Ok(lists.filter(|(_, blocks)| !blocks.is_empty()).collect())
    }
}
