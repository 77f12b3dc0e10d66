//! Drafts.
//!
//! A draft is its person's, and membership its thread's, so two shards carry out what belongs together. A
//! save is stored first and then asks who is in the thread; who leaves or is removed is taken out first and
//! then loses the draft ([`super::group`]). Whichever comes first, nothing of a former member stays. Safe to
//! repeat because the draft remembers its commands, and clearing twice changes nothing.

use super::Persistence;
use super::applied::Applied;
use super::together::with_id;
use eventflow_bus::handler::Item;
use eventflow_ports::StoreError;
use eventflow_protocol::command::Command;
use eventflow_protocol::drafts::SaveDraft;

impl Persistence {
    pub(super) async fn save_draft(
        &self,
        item: &Item<Command>,
        wanted: &SaveDraft,
    ) -> Result<Applied, StoreError> {
        let saved = self.parts.drafts.save_draft(&with_id(item, wanted)).await?;
        let SaveDraft { thread_id, user_id, at, .. } = wanted;
        if self.parts.store.is_participant(*thread_id, user_id).await? {
            return Ok(Applied::draft_saved(item, wanted, saved));
        }
        self.parts.drafts.clear_draft(*thread_id, user_id, *at).await?;
        Ok(Applied::not_found("thread"))
    }
}
