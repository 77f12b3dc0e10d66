//! Blocks between people.
//!
//! Who blocks hears of it on all their devices, and so does every gateway, which forgets what it remembers of
//! the two. Whoever is blocked hears nothing. Safe to repeat because the block remembers its commands; a
//! command that comes again says how the block is now.

use super::Persistence;
use super::applied::Applied;
use super::together::with_id;
use eventflow_bus::handler::Item;
use eventflow_ports::StoreError;
use eventflow_protocol::blocks::{BLOCKS_MAX, BlockChanged, BlockEffect, ChangeBlock};
use eventflow_protocol::command::Command;
use eventflow_protocol::event::Event;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode};

impl Persistence {
    pub(super) async fn change_block(
        &self,
        item: &Item<Command>,
        wanted: &ChangeBlock,
    ) -> Result<Applied, StoreError> {
        let changed = self.parts.blocks.change_block(&with_id(item, wanted)).await?;
        Ok(Applied::block_changed(item, wanted, changed))
    }
}

impl Applied {
    fn block_changed(item: &Item<Command>, wanted: &ChangeBlock, changed: BlockChanged) -> Self {
        let BlockEffect { blocked_at, threads, is_new } = match changed {
            BlockChanged::Done(effect) => effect,
            BlockChanged::TooMany => {
                let error = format!("a person blocks at most {BLOCKS_MAX} others");
                return Self::refused(ErrorCode::Invalid, &error);
            }
            BlockChanged::KeyReused => {
                return Self::refused(
                    ErrorCode::KeyReused,
                    "this key belongs to another change of the block",
                );
            }
        };
        let result = CommandResult::Block { blocked_at, threads: threads.clone() };
        if !is_new && !item.redelivered {
            return Self::quietly(result);
        }
        let event = Event::BlockChanged {
            user_id: wanted.user_id.clone(),
            other: wanted.other.clone(),
            is_blocked: blocked_at.is_some(),
            threads,
            command: CommandId(item.id),
            at: wanted.at,
        };
        Self::with_events(result, vec![event])
    }
}
