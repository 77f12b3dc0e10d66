//! Drafts, and people who leave a thread with a draft in it.
//!
//! A draft is its person's, and membership its thread's, so two shards carry out what belongs together. A
//! save is stored first and then asks who is in the thread; who leaves is taken out first and then loses the
//! draft. Whichever comes first, nothing of a former member stays. Safe to repeat because the draft remembers
//! its commands, and clearing twice changes nothing.

use super::Persistence;
use super::applied::Applied;
use eventflow_bus::handler::Item;
use eventflow_ports::{StoreError, WithCommandId};
use eventflow_protocol::CommandId;
use eventflow_protocol::command::{Command, LeaveThread};
use eventflow_protocol::drafts::SaveDraft;

impl Persistence {
    pub(super) async fn save_draft(
        &self,
        item: &Item<Command>,
        wanted: &SaveDraft,
    ) -> Result<Applied, StoreError> {
        let save = WithCommandId { command_id: CommandId(item.id), wanted: wanted.clone() };
        let saved = self.parts.drafts.save_draft(&save).await?;
        let SaveDraft { thread_id, user_id, at, .. } = wanted;
        if self.parts.store.is_participant(*thread_id, user_id).await? {
            return Ok(Applied::draft_saved(item, wanted, saved));
        }
        self.parts.drafts.clear_draft(*thread_id, user_id, *at).await?;
        Ok(Applied::not_found("thread"))
    }

    pub(super) async fn leave(
        &self,
        item: &Item<Command>,
        wanted: &LeaveThread,
    ) -> Result<Applied, StoreError> {
        let left = self.parts.store.leave(wanted).await?;
        self.parts.drafts.clear_draft(wanted.thread_id, &wanted.user_id, wanted.at).await?;
        Ok(Applied::left(item, wanted, left))
    }
}
