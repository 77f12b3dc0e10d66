//! Drafts in memory.

use async_trait::async_trait;
use eventflow_ports::{DraftPage, Drafts, StoreError, WithCommandId};
use eventflow_protocol::drafts::{Draft, KeptDraft, SaveDraft, SavedDraft};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode, ThreadId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct TestDrafts(Mutex<BTreeMap<(UserId, ThreadId), KeptDraft>>);

impl TestDrafts {
    pub(crate) fn save(&self, command: CommandId, wanted: &SaveDraft) -> CommandResult {
        let SaveDraft { user_id, thread_id, .. } = wanted;
        let mut drafts = self.0.lock();
        let kept = drafts.entry((user_id.clone(), *thread_id));
        match kept.or_insert_with(|| KeptDraft::none(user_id, *thread_id)).save(command, wanted) {
            SavedDraft::Done(draft) | SavedDraft::Before(draft) | SavedDraft::Nothing(draft) => {
                CommandResult::Draft { draft }
            }
            SavedDraft::Conflict(_) | SavedDraft::TooMany => {
                CommandResult::refused(ErrorCode::Conflict, "a newer one")
            }
        }
    }
}

#[async_trait]
impl Drafts for TestDrafts {
    async fn save_draft(&self, _save: &WithCommandId<SaveDraft>) -> Result<SavedDraft, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn clear_draft(&self, _thread: ThreadId, _user: &UserId, _at: Timestamp) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn draft(&self, thread: ThreadId, user: &UserId) -> Result<Draft, StoreError> {
        let kept = self.0.lock().get(&(user.clone(), thread)).cloned();
        Ok(kept.map_or_else(|| Draft::none(user.clone(), thread), |kept| kept.draft))
    }
    async fn drafts_of(&self, user: &UserId, page: DraftPage) -> Result<Vec<Draft>, StoreError> {
        let own = |draft: &Draft| draft.user_id == *user && draft.is_there();
        let mut all: Vec<Draft> = self.0.lock().values().map(|kept| kept.draft.clone()).filter(own).collect();
        all.sort_by_key(|draft| std::cmp::Reverse((draft.updated_at, draft.thread_id)));
        let place = |draft: &Draft| Some((draft.updated_at?, draft.thread_id));
        all.retain(|draft| page.after.is_none_or(|after| place(draft).is_some_and(|place| place < after)));
        all.truncate(page.limit as usize);
        Ok(all)
    }
}
